"""Posted tables as people and pandas write them: dates as milliseconds, texts with thousands, and what is asked about."""

import pandas as pd
import pytest

DAYS = pd.date_range("2024-01-01", periods=40)
COUNTS = [40 + i % 7 for i in range(40)]


def medians(answer):
    assert answer.status_code == 200, answer.text
    return {row["date"][:10]: row["value"] for row in answer.json()["forecasts"] if row["quantile"] == 0.5}


@pytest.fixture
def posted(ask):
    """Posts a table for a forecast of one step that needs no fit."""
    return lambda data, **fields: ask(model="naive", horizon=1, data=data, **fields)


def test_what_pandas_writes_by_default_is_read_with_its_index(posted):
    milliseconds = DAYS.as_unit("ms").asi8.tolist()
    rows = list(zip(milliseconds, COUNTS, strict=True))
    split = {"columns": ["date", "value"], "index": list(range(40)), "data": [list(row) for row in rows]}
    records = [{"date": day, "value": count} for day, count in rows]
    indexed = {"columns": ["A"], "index": milliseconds, "data": [[count] for count in COUNTS]}
    by_column = {"A": {str(day): count for day, count in rows}}
    answers = [medians(posted(data)) for data in (split, records, indexed, by_column)]
    assert answers[0].keys() == {"2024-02-10"}
    assert all(answer == answers[0] for answer in answers)


def test_numbers_that_are_texts_and_may_be_thousands_are_asked_about(posted):
    data = [{"date": f"{day:%Y-%m-%d}", "value": f"{1 + i % 3}.{100 + i}"} for i, day in enumerate(DAYS)]
    answer = posted(data)
    assert answer.status_code == 422
    assert '"number_format": "1,234.5" or "1.234,5"' in answer.text.replace('\\"', '"')
    (thousands,) = medians(posted(data, number_format="1.234,5")).values()
    (fractions,) = medians(posted(data, number_format="1,234.5")).values()
    assert thousands > 500
    assert fractions < 10
    assert posted(data, number_format="1_234").json()["errors"][0]["field"] == "number_format"


def test_numbers_that_are_numbers_leave_no_doubt(posted):
    data = [{"date": f"{day:%Y-%m-%d}", "value": 1 + i % 3 + 0.125} for i, day in enumerate(DAYS)]
    (value,) = medians(posted(data)).values()
    assert 0 < value < 10


def test_running_totals_are_asked_about_unless_a_kind_or_an_answer_says_no(posted):
    data = [{"date": f"{day:%Y-%m-%d}", "value": 10 * i + i % 4} for i, day in enumerate(DAYS)]
    answer = posted(data)
    assert answer.status_code == 422
    assert "running totals" in answer.json()["detail"]
    for fields in ({"cumulative": False}, {"kind": "measurement"}):
        (level,) = medians(posted(data, **fields)).values()
        assert level > 100


def test_zeros_at_the_end_are_left_out_with_both_readings_unless_they_are_said_to_be_true(posted):
    weeks = pd.date_range("2024-01-06", periods=64, freq="W-SAT")
    data = [{"date": f"{day:%Y-%m-%d}", "value": 300 + i * 7 % 11 if i < 52 else 0} for i, day in enumerate(weeks)]
    left_out, used = posted(data), posted(data, zeros_at_end="true")
    assert medians(left_out).keys() == {"2025-01-04"}
    assert any(note.endswith("set zeros-at-end to true.") for note in left_out.json()["notes"])
    assert medians(used) == {"2025-03-29": 0}
    assert posted(data, zeros_at_end="maybe").json()["errors"][0]["field"] == "zeros_at_end"


def test_columns_that_never_fall_are_asked_about_and_an_answer_is_enough(posted):
    data = [{"date": f"{day:%Y-%m-%d}", "A": 10 * i + i % 4, "B": 5 * i + i % 3} for i, day in enumerate(DAYS)]
    answer = posted(data)
    assert answer.status_code == 422
    asked = answer.json()["detail"]
    assert asked.startswith("'A' and 'B' never fall: are these running totals?")
    assert '"cumulative": true or false' in asked
    assert posted(data, region="A", cumulative=False).status_code == 200


def test_a_year_beside_twelve_months_is_one_series_and_the_answer_says_so(posted):
    months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
    data = [{"year": 2010 + y} | {name: 50 + m for m, name in enumerate(months)} for y in range(6)]
    answer = posted(data)
    assert medians(answer) == {"2016-01-01": pytest.approx(50, abs=1)}
    assert any("are read as the months of one series" in note for note in answer.json()["notes"])


def test_a_code_for_missing_is_no_figure_and_the_answer_says_so(posted):
    data = [{"date": f"{day:%Y-%m-%d}", "value": -999 if i % 9 == 4 else 40 + i % 7} for i, day in enumerate(DAYS)]
    answer = posted(data)
    (value,) = medians(answer).values()
    assert 35 < value < 50
    assert any(
        "are -999, far outside all others: taken as a code for missing." in note for note in answer.json()["notes"]
    )
