"""Tables that were asked about in words that did not help, or read in silence: understood with a sentence, or asked well."""

import pandas as pd
import pytest

from forecasting.cli.main import main
from forecasting.support.errors import DataError
from forecasting.tables.panel_file import read_panel, read_raw_table
from forecasting.tables.table_preview import preview_table
from forecasting.tables.unmapped_table import OpenQuestionError, read_unmapped_table

DAYS = pd.date_range("2020-01-01", periods=60)


def read(text, name="x.csv", **said):
    """What the command line reads, and what it says."""
    panel, notes = read_unmapped_table(read_raw_table(text.encode(), name), **said)
    return panel, (*notes, *panel.notes)


@pytest.mark.parametrize("column", ["zip", "postcode", "PLZ", "fips", "store_id", "sku", "store_nbr", "ean"])
def test_numbers_that_are_names_tell_regions_apart(column):
    text = f"date,{column},cases\n" + "".join(
        f"{day:%Y-%m-%d},{code},{10 + i % 7}\n" for i, day in enumerate(DAYS) for code in (10115, 80331, 20095)
    )
    panel, _ = read(text)
    assert panel.regions() == ["10115", "20095", "80331"]
    looked = preview_table(text.encode(), "x.csv")
    assert looked.mapping.region == column
    assert not looked.questions


@pytest.mark.parametrize("columns", [["A"], ["people_vaccinated"], ["A", "B"], ["A", "B", "C"]])
def test_columns_that_never_fall_are_asked_about_and_one_option_answers(tmp_path, capsys, monkeypatch, columns):
    monkeypatch.setenv("FORECAST_HOME", str(tmp_path / "home"))
    frame = pd.DataFrame({"date": DAYS} | {name: [i * i + i % 3 for i in range(60)] for name in columns})
    path = tmp_path / "x.csv"
    frame.to_csv(path, index=False)
    with pytest.raises(OpenQuestionError, match=f"'{columns[0]}'.* never falls?: are these running totals"):
        read(path.read_text())
    assert [one.kind for one in preview_table(path.read_bytes(), "x").questions] == ["cumulative"]
    with pytest.raises(DataError, match="are these running totals"):
        read_panel(path)
    arguments = ["forecast", "--input", str(path), "--models", "naive", "--horizon", "1"]
    assert main(arguments) == 2
    assert "Say --cumulative if they are, or --no-cumulative" in capsys.readouterr().err
    assert main([*arguments, "--no-cumulative"]) == 0


def test_columns_of_which_one_falls_are_not_asked_about():
    frame = pd.DataFrame({"date": DAYS, "A": [i * i for i in range(60)], "B": [i % 7 for i in range(60)]})
    assert not preview_table(frame.to_csv(index=False).encode(), "x").questions


def clock(first, last, zone, step):
    """Local times of a zone as a clock on the wall shows them."""
    return pd.date_range(first, last, freq=step, tz=zone, inclusive="left").tz_localize(None)


@pytest.mark.sweep(each=2)
@pytest.mark.parametrize(
    ("zone", "first", "last", "hour"),
    [
        ("Europe/London", "2021-10-29", "2021-11-03", "01:00"),
        ("Europe/Berlin", "2021-10-29", "2021-11-03", "02:00"),
        ("Europe/Berlin", "2021-01-01", "2022-12-31", "02:00"),
        ("America/New_York", "2021-01-05", "2021-12-05", "01:00"),
        ("Australia/Sydney", "2021-01-05", "2021-12-05", "02:00"),
    ],
)
@pytest.mark.parametrize("step", ["30min", "h"])
@pytest.mark.parametrize("backwards", [False, True])
def test_the_hour_that_clocks_show_twice_is_the_change_from_summer_time(zone, first, last, hour, step, backwards):
    shown = clock(first, last, zone, step)
    rows = [f"{time:%Y-%m-%d %H:%M},{100 + i % 97}\n" for i, time in enumerate(shown)]
    panel, notes = read("timestamp,load\n" + "".join(rows[::-1] if backwards else rows))
    dates = pd.DatetimeIndex(panel.table["date"])
    assert (dates[1:] - dates[:-1] == pd.Timedelta(step.replace("h", "1h"))).all()
    assert panel.table["value"].tolist() == [100 + i % 97 for i in range(len(rows))]
    assert any(f"The hour from {hour} is there twice" in note and "winter time" in note for note in notes)


def test_the_hour_is_found_for_each_place_and_with_times_of_their_own():
    shown = clock("2021-10-29", "2021-11-03", "Europe/Paris", "h")
    rows = [f"{place},{time:%d/%m/%Y},{time:%H:%M},{i}\n" for place in "AB" for i, time in enumerate(shown)]
    panel, _ = read("site,date,time,value\n" + "".join(rows))
    assert panel.table.groupby("region").size().to_dict() == {"A": 121, "B": 121}


def test_other_times_that_are_there_twice_are_asked_about():
    shown = (
        pd.date_range("2021-10-20", periods=100, freq="h").append(pd.DatetimeIndex(["2021-10-21 05:00"])).sort_values()
    )
    with pytest.raises(DataError, match="2021-10-21"):
        read("timestamp,load\n" + "".join(f"{time:%Y-%m-%d %H:%M},{100 + i}\n" for i, time in enumerate(shown)))


@pytest.mark.parametrize(
    ("cells", "values", "said"),
    [
        (["12.1k", "980", "3.4M", "11K"], [12100, 980, 3.4e6, 11000], "'12.1k' in 'views' is 12,100."),
        (["1,2 Mio", "0,9 Mio", "1,1 Mio"], [1.2e6, 0.9e6, 1.1e6], "'1,2 Mio' in 'views' is 1,200,000."),
        (["$3.4m", "$900k", "$2.1m"], [3.4e6, 9e5, 2.1e6], "'$3.4m' in 'views' is 3,400,000."),
        (["2.5 million", "1 million"], [2.5e6, 1e6], "'2.5 million'"),
        (["1.5bn", "900M"], [1.5e9, 9e8], "'1.5bn'"),
        (["4,5 Mrd. €", "900 Mio. €"], [4.5e9, 9e8], "'4,5 Mrd. €'"),
    ],
)
def test_words_behind_numbers_multiply_them(cells, values, said):
    rows = ";".join
    text = "date;views\n" + "".join(
        f"{rows((f'{day:%Y-%m-%d}', cells[i % len(cells)]))}\n" for i, day in enumerate(DAYS)
    )
    panel, notes = read(text)
    assert panel.table["value"].tolist()[: len(values)] == values
    assert any(note.startswith("Words behind numbers multiply them: ") and said in note for note in notes)


@pytest.mark.parametrize("unit", ["m", "kg", "km", "kWh", "MW", "mm", "mbar", "GB"])
def test_units_multiply_nothing(unit):
    space = " " if unit == "GB" else ""
    text = "date,value\n" + "".join(f"{day:%Y-%m-%d},{i % 7}.5{space}{unit}\n" for i, day in enumerate(DAYS))
    assert read(text)[0].table["value"].max() == 6.5


def test_rows_that_are_there_twice_are_left_out_once():
    rows = [f"{day:%Y-%m-%d},{10 + i % 7}\n" for i, day in enumerate(DAYS)]
    panel, notes = read("date,value\n" + "".join(rows[:6] + rows[5:9] + rows[8:]))
    assert panel.table["value"].tolist() == [10 + i % 7 for i in range(60)]
    assert any(note.startswith("2 repeated rows are left out, the first in line 8") for note in notes)
    looked = preview_table(("date,value\n" + "".join(rows[:6] + rows[5:])).encode(), "x")
    assert not looked.questions
    assert any("1 repeated row is left out" in note for note in looked.raw.notes)


def test_equal_rows_beside_others_of_the_same_day_are_no_repeats():
    rows = [f"{day:%Y-%m-%d},{price}\n" for i, day in enumerate(DAYS) for price in (5, 5, 7)[: 1 + i % 3]]
    with pytest.raises(DataError):
        read("day,price\n" + "".join(rows))
    assert [one.kind for one in preview_table(("day,price\n" + "".join(rows)).encode(), "x").questions] == ["combine"]
    people = "day,sex\n" + "".join(f"{day:%Y-%m-%d},f\n" for day in DAYS for _ in range(3))
    assert not read_raw_table(people.encode(), "x").notes


def test_a_column_named_as_the_statistic_is_the_one_to_forecast(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("FORECAST_HOME", str(tmp_path / "home"))
    path = tmp_path / "shop.csv"
    frame = pd.DataFrame(
        {"date": DAYS, "customers": [40 + i % 9 for i in range(60)], "revenue": [1000.5 + i % 7 for i in range(60)]}
    )
    frame.to_csv(path, index=False)
    arguments = ["forecast", "--input", str(path), "--models", "naive", "--horizon", "1"]
    assert main(arguments) == 2
    assert "'customers' or 'revenue'? Say --statistic with the name of one of them." in capsys.readouterr().err
    for column, low, high in (("revenue", 1000, 1010), ("customers", 39, 50)):
        assert main([*arguments, "--statistic", column]) == 0
        medians = [line for line in capsys.readouterr().out.splitlines() if ",0.5," in line]
        assert low < float(medians[0].split(",")[-1]) < high


@pytest.mark.parametrize("column", ["week_beginning", "week_starting", "Week Ending", "wc", "w/c", "Week commencing"])
def test_weeks_by_their_first_or_last_days_are_the_dates(column):
    weeks = pd.date_range("2020-01-06", periods=60, freq="7D")
    text = f"shop,orders,{column},note\n" + "".join(
        f"A,{10 + i % 7},{day:%d/%m/%Y},x{i}\n" for i, day in enumerate(weeks)
    )
    panel, _ = read(text)
    assert panel.table["date"].tolist() == weeks.tolist()


@pytest.mark.parametrize(
    ("text", "asked"),
    [
        ("season,goals\n" + "".join(f"Sommer {i} neu,{i}\n" for i in range(60)), "'Sommer 0 neu' in 'season' cannot be read as one"),
        ("Year,Value\n" + "".join(f"{y}{' (est.)' * (y > 1995)},{y % 7}\n" for y in range(1990, 2021)), "'1996 (est.)' in 'Year' cannot"),
        ("date,views\n" + "".join(f"2021-03-{i:02d},{i} of 9 in 3\n" for i in range(1, 30)), "'1 of 9 in 3' in 'views' cannot be read"),
    ],
)  # fmt: skip
def test_a_question_quotes_the_cell_that_cannot_be_read(text, asked):
    with pytest.raises(OpenQuestionError) as error:
        read(text)
    assert asked in str(error.value)
