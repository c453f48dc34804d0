"""Dates as numbers and short texts: day numbers of spreadsheets, times since 1970, years, and what is asked about."""

import json

import pandas as pd
import pytest
from brought import workbook

from forecasting.support.errors import DataError
from forecasting.tables.cells import date_formats
from forecasting.tables.column_mapping import ColumnMapping
from forecasting.tables.mapped_table import read_mapped_table
from forecasting.tables.panel_file import read_panel
from forecasting.tables.table_preview import preview_table

DAYS = pd.date_range("2021-03-01", periods=5)


def table(cells, header="date"):
    return f"{header},value\n{''.join(f'{cell},{i % 3}' + chr(10) for i, cell in enumerate(cells))}".encode()


def dates(content):
    return read_panel(content, "x").table["date"].tolist()


@pytest.mark.parametrize(
    ("unit", "first"),
    [
        *((unit, first) for unit in ("s", "ms", "us", "ns") for first in ("2021-03-01", "1965-01-01")),
        # A few days as seconds may be anything.
        *((unit, "1969-12-30") for unit in ("ms", "us", "ns")),
    ],
)
def test_times_since_1970_are_read_in_any_unit(unit, first):
    days = pd.date_range(first, periods=5)
    assert dates(table(days.as_unit(unit).asi8)) == days.tolist()


def test_day_numbers_of_spreadsheets_are_dates_as_text_and_as_numbers():
    numbers = (DAYS - pd.Timestamp("1899-12-30")).days
    assert dates(table(numbers)) == DAYS.tolist()
    assert dates(workbook(sheet=[["date", "value"], *([int(day), 1] for day in numbers)])) == DAYS.tolist()
    half = read_panel(table([f"{day}.25" for day in numbers] + [f"{day}.5" for day in numbers]), "x")
    assert half.table["date"].iloc[0] == pd.Timestamp("2021-03-01 06:00")


@pytest.mark.parametrize("header", ["date", "Datum", "t"])
@pytest.mark.parametrize(
    "spelled", [lambda day: day.value // 10**6, lambda day: (day - pd.Timestamp("1899-12-30")).days]
)
def test_the_first_look_finds_dates_that_are_numbers(header, spelled):
    content = table(map(spelled, DAYS), header)
    looked = preview_table(content, "x")
    assert looked.mapping.date == header
    assert read_mapped_table(content, "x", looked.mapping)[0].table["date"].tolist() == DAYS.tolist()


def test_counts_that_could_be_day_numbers_are_no_dates_beside_a_column_of_dates():
    rows = "".join(f"{day:%Y-%m-%d},{44000 + i}\n" for i, day in enumerate(DAYS))
    looked = preview_table(f"date,cases\n{rows}".encode(), "x")
    assert (looked.mapping.date, looked.mapping.value) == ("date", "cases")


@pytest.mark.parametrize(
    ("orient", "index"),
    [("records", False), *((orient, index) for orient in ("split", "columns", "index") for index in (False, True))],
)
def test_what_pandas_writes_as_json_comes_back_with_its_index(orient, index):
    frame = pd.DataFrame({"date": DAYS.as_unit("ms").asi8, "value": [1.125, 2.125, 3.125, 4.125, 5.125]})
    frame = frame.set_index("date") if index else frame
    panel = read_panel(frame.to_json(orient=orient).encode(), "x")
    assert panel.table["date"].tolist() == DAYS.tolist()
    assert panel.table["value"].tolist() == [1.125, 2.125, 3.125, 4.125, 5.125]


def test_weeks_go_on_past_the_twelfth_and_months_turn_the_year_there():
    weeks = [f"2020{week}" for week in range(50, 54)] + ["202101"]
    assert dates(table(weeks))[:2] == [pd.Timestamp("2020-12-13"), pd.Timestamp("2020-12-20")]
    months = ["202011", "202012", "202101", "202102"]
    assert dates(table(months))[:2] == [pd.Timestamp("2020-11-01"), pd.Timestamp("2020-12-01")]
    few = ["202101", "202102", "202103", "202104"]
    assert dates(table(few, "week").replace(b"week,", b"week,", 1))[0] == pd.Timestamp("2021-01-10")
    assert dates(table(few, "month"))[1] == pd.Timestamp("2021-02-01")


def test_six_digits_that_may_be_months_or_weeks_are_asked_about():
    content = table(["202101", "202102", "202103", "202104"])
    with pytest.raises(DataError, match="line 2: '202101' in the column 'date' may mean a month or a week"):
        read_panel(content, "x")
    looked = preview_table(content, "x")
    assert [one.kind for one in looked.questions] == ["six_digits"]
    for chosen, second in (("months", "2021-02-01"), ("weeks", "2021-01-17")):
        mapping = ColumnMapping(date="date", value="value", six_digits=chosen)
        assert ColumnMapping.from_json(json.dumps({**json.loads(mapping.to_json())})) == mapping
        assert read_mapped_table(content, "x", mapping)[0].table["date"].iloc[1] == pd.Timestamp(second)


def test_two_digit_years_turn_at_69_and_none_is_far_in_the_future(monkeypatch):
    monkeypatch.setattr(date_formats, "today", lambda: pd.Timestamp("2024-06-01").date())
    assert [date_formats.whole_year(year) for year in (69, 96, 99, 0, 3, 30, 50, 68)] == [
        1969, 1996, 1999, 2000, 2003, 2030, 1950, 1968,
    ]  # fmt: skip
    assert dates(table(["13/02/99", "14/02/99", "15/02/99"]))[2] == pd.Timestamp("1999-02-15")


def test_a_date_far_in_the_future_is_pointed_out_and_not_read(monkeypatch):
    monkeypatch.setattr(date_formats, "today", lambda: pd.Timestamp("2024-06-01").date())
    content = table(["2021-03-01", "2021-03-02", "2121-03-03"])
    with pytest.raises(DataError, match="line 4: '2121-03-03' in the column 'date' is far in the future; mend it"):
        read_panel(content, "x")
    panel, report = read_mapped_table(content, "x", ColumnMapping(date="date", value="value"))
    assert len(panel.table) == 2
    assert report.problems["cell"].tolist() == ["2121-03-03"]
    # Where all dates are, they are meant.
    assert dates(table(["2121-03-01", "2121-03-02"]))[0] == pd.Timestamp("2121-03-01")


def test_short_years_may_stand_first():
    assert dates(table(["96-01-30", "96-01-31", "96-02-01"]))[0] == pd.Timestamp("1996-01-30")
    assert dates(table(["01-03-21", "02-03-21", "13-03-21"]))[2] == pd.Timestamp("2021-03-13")
    with pytest.raises(DataError, match="may mean the year first or last"):
        dates(table(["19-10-01", "19-11-01", "20-03-01"]))


def test_days_of_one_month_without_a_year_are_refused():
    assert dates(table(["Jan-21", "Feb-21", "Mar-21"]))[1] == pd.Timestamp("2021-02-01")
    with pytest.raises(DataError, match="'Jan-01' in the column 'date' may mean a day or a year"):
        dates(table([f"Jan-{day:02d}" for day in range(1, 10)]))


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("15 października 2021", "2021-10-15"), ("1er mars 2021", "2021-03-01"), ("3 déc. 2021", "2021-12-03"),
        ("1 de março de 2021", "2021-03-01"), ("5 gennaio 2021", "2021-01-05"), ("5 mrt 2021", "2021-03-05"),
        ("5 maj 2021", "2021-05-05"), ("March 1st, 2021", "2021-03-01"), ("Mo, 01.03.2021", "2021-03-01"),
        ("Sunday, March 7, 2021", "2021-03-07"), ("2021M05", "2021-05-01"), ("1Q2021", "2021-01-01"),
        ("2. Quartal 2021", "2021-04-01"), ("KW 05 2021", "2021-02-07"), ("Week 5, 2021", "2021-02-07"),
        ("01/13/2021 12:00:00 AM", "2021-01-13"), ("01/13/2021 01:30 PM", "2021-01-13 13:30"),
    ],
)  # fmt: skip
def test_dates_of_many_countries_are_known(text, day):
    date_format, part = date_formats.match_date_format(text)
    assert date_format is not None
    if "a" in part:
        date_formats.set_day_and_month(part, day_first=int(part["b"]) <= 12)
    assert date_formats.dates_from_parts([part]).tolist() == [pd.Timestamp(day)]


@pytest.mark.parametrize("text", ["jui 2021", "1 foo 2021", "S1 2021", "32.01.2021", "13:00 PM"])
def test_what_names_no_day_is_no_date(text):
    date_format, part = date_formats.match_date_format(text)
    if "a" in part:
        date_formats.set_day_and_month(part, day_first=True)
    assert date_format is None or date_formats.dates_from_parts([part]).isna().all()
