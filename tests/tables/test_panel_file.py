import gzip
from datetime import date, datetime

import numpy as np
import pandas as pd
import pytest
from brought import parquet, workbook
from hypothesis import given
from hypothesis import strategies as some
from sweeps import examples

from forecasting.support.errors import DataError
from forecasting.tables.cells import csv_line_numbers
from forecasting.tables.panel_file import read_panel

DAYS = pd.date_range("2021-03-01", periods=3, freq="D")
TIDY = "region,date,value\nA,2021-03-01,1\nA,2021-03-02,2\nB,2021-03-01,3\nB,2021-03-02,\n"


def read(text: str, name: str = "figures.csv", **options):
    return read_panel(text.encode(), name, **options)


def complaint(content: bytes) -> str:
    """What is wrong with it, or nothing; any other error than a `DataError` ends the test."""
    try:
        read_panel(content, "broken")
    except DataError as error:
        return str(error)
    return ""


def test_a_tidy_file_is_understood():
    panel = read(TIDY)
    assert panel.regions() == ["A", "B"]
    assert panel.counts("A").tolist() == [1, 2]
    assert np.isnan(panel.counts("B").iloc[1])
    assert panel.source == "figures.csv"


def test_columns_may_come_in_any_order_and_case():
    assert read("Value,DATE, Region\n5,2021-03-01,A\n6,2021-03-02,A\n").counts("A").tolist() == [5, 6]


def test_rows_may_come_in_any_order():
    panel = read("region,date,value\nB,2021-03-02,4\nA,2021-03-02,2\nB,2021-03-01,3\nA,2021-03-01,1\n")
    assert panel.table["value"].tolist() == [1, 2, 3, 4]


def test_a_region_called_na_is_not_a_gap():
    assert read(TIDY.replace("A,", "NA,")).regions() == ["B", "NA"]


def test_location_names_are_regions_and_their_codes_are_not_covariates():
    panel = read("location,location_name,date,value\nAT,Austria,2021-03-01,1\nAT,Austria,2021-03-02,1\n")
    assert panel.regions() == ["Austria"]
    assert list(panel.table.columns) == ["region", "statistic", "date", "value"]
    assert panel.notes == ()


def test_a_file_of_one_series_is_a_region_named_after_the_file():
    assert read("date,value\n2021-03-01,1\n2021-03-02,1\n", "admissions.csv.gz").regions() == ["admissions"]


def test_several_statistics_are_offered_each_with_its_own_spacing():
    rows = "".join(f"cases,2021-03-0{d},1\n" for d in range(1, 9)) + "deaths,2021-03-06,1\ndeaths,2021-03-13,2\n"
    panel = read("statistic,date,value\n" + rows)
    assert [s.name for s in panel.statistics] == ["cases", "deaths"]
    assert {name: f.alias for name, f in panel.frequencies.items()} == {"cases": "D", "deaths": "W-SAT"}


def test_vintages_are_kept_apart():
    panel = read(
        "as_of,region,date,value\n2021-03-10,A,2021-03-01,1\n2021-03-10,A,2021-03-02,2\n2021-03-20,A,2021-03-01,5\n"
    )
    assert panel.has_vintages()
    assert panel.as_of(pd.Timestamp("2021-03-15")).counts("A").tolist() == [1, 2]


def test_further_numeric_columns_are_covariates_and_words_are_left_out_with_a_note():
    panel = read("date,value,temperature,comment\n2021-03-01,1,2.5,fine\n2021-03-02,1,,rain\n")
    assert panel.table["temperature"].tolist()[0] == 2.5
    assert "comment" not in panel.table
    assert panel.notes == ("Left out, because they hold no numbers: comment.",)


def test_a_wide_file_has_a_region_a_column():
    panel = read("week_ending,AK,US\n2024-11-09,14,7962\n2024-11-16,11,7865\n")
    assert panel.regions() == ["AK", "US"]
    assert panel.counts("US").tolist() == [7962, 7865]
    assert panel.frequencies["value"].alias == "W-SAT"


def test_a_wide_file_may_have_a_nameless_first_column_as_pandas_writes_it():
    frame = pd.DataFrame({"A": [1, 2, 3]}, index=DAYS)
    assert read(frame.to_csv()).counts("A").tolist() == [1, 2, 3]


def test_a_nameless_column_that_counts_the_rows_is_ignored():
    frame = pd.DataFrame({"region": "A", "date": DAYS, "value": [1, 2, 3]})
    assert list(read(frame.to_csv()).table.columns) == ["region", "statistic", "date", "value"]


@pytest.mark.parametrize("separator", [";", "\t"])
def test_other_separators_and_a_byte_order_mark_are_understood(separator):
    text = "\ufeff" + TIDY.replace(",", separator)
    assert read(text).counts("A").tolist() == [1, 2]


def test_decimal_commas_are_understood_where_semicolons_separate():
    assert read("date;value\n2021-03-01;1,5\n2021-03-02;2\n").table["value"].tolist() == [1.5, 2]


def test_limits_are_missing_figures_and_a_note_says_so():
    panel = read(TIDY + "A,2021-03-03,<5\nA,2021-03-04,≥ 1,000\n".replace("1,000", "1000"))
    assert panel.counts("A").isna().tolist() == [False, False, True, True]
    assert panel.notes == ("2 cells are limits and no figure, the first '<5' in line 6: taken as missing.",)
    wide = read("week_ending,AK,US\n2024-11-09,<5,7962\n2024-11-16,11,7865\n")
    assert wide.notes == ("1 cell is a limit and no figure, the first '<5' in line 2: taken as missing.",)


def test_windows_line_ends_blank_lines_and_empty_columns_do_not_matter():
    text = "\n" + TIDY.replace("\n", ",\n") + "\n\n"
    assert read(text.replace("\n", "\r\n")).table.equals(read(TIDY).table)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "cp1252"])
def test_accents_survive_the_usual_encodings(encoding):
    text = TIDY.replace("A,", "Côte d’Ivoire,")
    assert read_panel(text.encode(encoding), "x.csv").regions()[1] == "Côte d’Ivoire"


def test_gzip_is_known_by_its_content_not_by_its_name(tmp_path):
    path = tmp_path / "figures.csv"
    path.write_bytes(gzip.compress(TIDY.encode()))
    panel = read_panel(path)
    assert panel.source == "figures.csv"
    assert panel.table.equals(read(TIDY).table)


def test_parquet_is_understood_with_dates_stored_as_dates():
    frame = pd.DataFrame({"region": "A", "date": DAYS.date, "value": [1, 2, 3]})
    assert read_panel(parquet(frame)).counts("A").tolist() == [1, 2, 3]
    frame = pd.DataFrame(
        {"region": pd.Categorical(["A"] * 3), "date": DAYS.tz_localize("UTC"), "value": [1.0, None, 3]}
    )
    panel = read_panel(parquet(frame))
    assert panel.counts("A").index.equals(pd.DatetimeIndex(panel.table["date"]))
    assert panel.counts("A").index[0] == DAYS[0]


def test_parquet_with_dates_as_its_index_is_understood():
    frame = pd.DataFrame({"A": [1, 2, 3], "B": [4, 5, 6]}, index=pd.DatetimeIndex(DAYS, name="date"))
    assert read_panel(parquet(frame)).counts("B").tolist() == [4, 5, 6]


def test_a_workbook_is_understood():
    rows = [[None], ["region", "date", "value"], ["A", datetime(2021, 3, 1), 1], ["A", date(2021, 3, 2), 2.0]]
    assert read_panel(workbook(sheet=rows), "figures.xlsx").counts("A").tolist() == [1, 2]


def test_a_workbook_names_the_row_of_a_mistake():
    rows = [["date", "value"], [datetime(2021, 3, 1), 1], [], [datetime(2021, 3, 2), "many"]]
    with pytest.raises(DataError, match=r"^figures\.xlsx, row 4: 'many' in the column 'value' is not a number; "):
        read_panel(workbook(sheet=rows), "figures.xlsx")


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("2021-03-01", "2021-03-02"),
        ("20210301", "20210302"),
        ("2021/3/1", "2021/3/2"),
        ("2021-03-01T00:00:00Z", "2021-03-02T00:00:00Z"),
        ("2021-03-01 00:00:00+01:00", "2021-03-02 00:00:00+01:00"),
        ("1 March 2021", "2 March 2021"),
        ("01-Mar-21", "02-Mar-21"),
        ("Mar 1, 2021", "Mar 2, 2021"),
    ],
)
def test_unambiguous_dates_are_understood(first, second):
    panel = read(f'date,value\n"{first}",1\n"{second}",2\n')
    assert panel.table["date"].tolist() == [pd.Timestamp("2021-03-01"), pd.Timestamp("2021-03-02")]


def test_the_order_of_day_and_month_is_taken_from_the_dates_that_show_it():
    assert read("date,value\n12/03/2021,1\n13/03/2021,2\n").table["date"].iloc[0] == pd.Timestamp("2021-03-12")
    assert read("date,value\n3/12/21,1\n3/13/21,2\n").table["date"].iloc[0] == pd.Timestamp("2021-03-12")


def test_how_often_is_counted_shows_where_there_are_figures():
    daily = "".join(
        f"{day:%Y-%m-%d},{7 if day.weekday() == 6 else ''}\n" for day in pd.date_range("2021-03-01", periods=40)
    )
    assert read("date,value\n" + daily).frequencies["value"].alias == "W-SUN"
    assert read("date,value\n2021-03-01,1\n2021-03-02,\n2021-03-03,3\n").frequencies["value"].alias == "D"


def test_hours_are_kept():
    panel = read("date,value\n2021-03-01 05:00,1\n2021-03-01 06:00,2\n")
    assert panel.frequencies["value"].name == "hourly"


def test_cumulative_figures_can_be_asked_for_both_ways():
    panel = read(TIDY, cumulative=True)
    new, total = panel.statistics
    assert (new.name, new.reported_cumulative, new.shown_cumulative) == ("value", True, False)
    assert (total.name, total.reported_cumulative, total.shown_cumulative) == ("cumulative_value", True, True)


def test_a_file_whose_name_says_cumulative_is_cumulative(shared):
    panel = read_panel(shared / "bundle" / "jhu_cumulative_cases_daily.csv")
    assert panel.statistics[0].reported_cumulative
    assert not read_panel(shared / "bundle" / "cdc_hospital_admissions_weekly.csv").statistics[0].reported_cumulative


def test_a_statistic_whose_name_says_cumulative_is_cumulative():
    panel = read("statistic,date,value\ncumulative_cases,2021-03-01,1\ncumulative_cases,2021-03-02,2\n")
    assert [(s.name, s.reported_cumulative) for s in panel.statistics] == [
        ("new_cases", True),
        ("cumulative_cases", True),
    ]


def test_figures_that_never_fall_are_asked_about():
    rows = "".join(f"{day:%Y-%m-%d},{i * i}\n" for i, day in enumerate(pd.date_range("2021-03-01", periods=60)))
    with pytest.raises(DataError, match="running totals\\? Say cumulative=True if they are, or cumulative=False"):
        read("date,value\n" + rows)
    for said in (True, False):
        assert read_panel(f"date,value\n{rows}".encode(), "x.csv", said).statistic().reported_cumulative is said


@given(some.lists(some.sampled_from(["", ",", "a,1", "a,", ",1", "a", "a,1,2", " , "])), some.sampled_from(["", "\n"]))
def test_lines_are_counted_alike_whether_or_not_something_is_quoted(rows, end):
    content = "\n".join(["", "x,y", *rows]).encode() + end.encode()
    found = []
    for lines in (
        lambda: csv_line_numbers._quoted_line_numbers(content, ",", "f", 2, 2),
        lambda: csv_line_numbers.csv_line_numbers(content, ",", "f", 2, 2),
    ):
        try:
            found.append(list(lines()))
        except DataError as error:
            found.append(str(error))
    assert found[0] == found[1]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (TIDY + "\n\nA,2021-03-03,many\n", "line 8: 'many' in the column 'value' is not a number; "),
        (
            TIDY + 'A,2021-03-03,"1,234"\n',
            "line 6: '1,234' in the column 'value' may mean 1234 (number format 1,234.5) or ",
        ),
        (TIDY + "A,2021-03-03,inf\n", "line 6: 'inf' in the column 'value' is not a number; "),
        (TIDY + "A,2021-03-01,9\n", "line 6: A on 2021-03-01 is also in line 2; keep one of the two."),
        (TIDY + "A,,9\n", "line 6: there is no date in the column 'date'; "),
        (TIDY + "A,soon,9\n", "line 6: 'soon' in the column 'date' is not a date; "),
        (TIDY + "A,2021-02-30,9\n", "line 6: '2021-02-30' in the column 'date' is not a day of the calendar; "),
        (TIDY + "A,3/3/2021,9\n", "line 6: '3/3/2021' in the column 'date' is written otherwise than the dates above"),
        (TIDY + ",2021-03-03,9\n", "line 6: the column 'region' is empty; "),
        (TIDY + "A,2021-03-03,9,9\n", "line 6: it has 4 cells where the header has 3; "),
        (TIDY + 'A,"2021-03-03,9\n', "line 6: it has 2 cells where the header has 3; "),
        (
            "date,value\n03/04/2021,1\n04/04/2021,1\n",
            "line 2: '03/04/2021' in the column 'date' may mean day first or ",
        ),
        (
            "date,value\n13/04/2021,1\n04/13/2021,1\n",
            "line 3: '04/13/2021' in the column 'date' does not have day and ",
        ),
        ("date,A,B\n2021-03-01,1,x\n", "line 2: 'x' in the column 'B' is not a number; "),
        ("date,A\n2021-03-01,1\n2021-03-01,1\n", "line 3: 2021-03-01 is also in line 2; keep one of the two."),
        ("date,value,warm\n2021-03-01,1,1\n2021-03-02,1,2\n2021-03-03,1,no\n", "line 4: 'no' in the column 'warm' is"),
    ],
)
def test_a_mistake_is_named_with_its_line(text, message):
    with pytest.raises(DataError) as caught:
        read(text)
    assert str(caught.value).startswith("figures.csv, " + message)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "the file is empty; "),
        (b" \n\n", "the file is empty; "),
        (b"region,date,value\n", "there is a header but no row below it; "),
        (b"region,date,cases\nA,2021-03-01,1\n", "no column is called 'value' among 'region', 'date', 'cases'; "),
        (b"region,day,value\nA,2021-03-01,1\n", "no column is called 'date' among 'region', 'day', 'value'; "),
        (b"name,size\nx,1\n", "the columns are 'name', 'size'; give the columns region, date and value, or "),
        (b"date,value,value\n2021-03-01,1,2\n", "the header has the column 'value' twice; "),
        (b"date,value\n2021-03-01,\n2021-03-02,NA\n", "there is no figure in it; "),
        (b"date,value\n2021-03-01,1\n", "There is only one date; "),
        (b"date,value\n2019-01-01,1\n2019-01-06,1\n2019-01-09,1\n", "The dates are usually 3 days apart, but only"),
        (b"\x89PNG\r\n\x1a\n\x00\x00", "this is an image, not a table; "),
        (b"\x7fELF\x02\x01\x01\x00\x00", "this is not a table that can be read; "),
        (b"PK\x03\x04 nonsense", "it cannot be read as XLSX "),
        (b"PAR1 nonsense", "it cannot be read as Parquet "),
        (b"\x1f\x8b nonsense", "the gzip file is damaged "),
        (gzip.compress(TIDY.encode())[:-12], "the gzip file is damaged "),
        (b"<!DOCTYPE html>\n<p>404</p>\n", "this is a page of the web, not a table; "),
        (b"<p>\n404</p>\n", "it has one column only"),
    ],
)
def test_what_is_no_usable_table_is_said_in_one_line(content, message):
    with pytest.raises(DataError) as caught:
        read_panel(content, "figures.csv")
    assert str(caught.value).startswith("figures.csv: " + message)
    assert "\n" not in str(caught.value)


def test_duplicates_in_vintages_are_told_with_their_vintage():
    row = "2021-03-10,A,2021-03-01,1\n"
    with pytest.raises(DataError, match="line 3: A on 2021-03-01 as of 2021-03-10 is also in line 2; "):
        read("as_of,region,date,value\n" + row + row)


def test_a_missing_file_is_said_with_its_path(tmp_path):
    with pytest.raises(DataError, match=r"nowhere\.csv: no such file or directory; check the path"):
        read_panel(tmp_path / "nowhere.csv")


def test_no_bytes_whatever_raise_anything_else_than_a_data_error():
    rng = np.random.default_rng(0)
    original = TIDY.encode()
    for _ in range(examples(300)):
        broken = bytearray(original)
        for position in rng.integers(0, len(broken), 3):
            broken[position] = rng.integers(0, 256)
        assert "\n" not in complaint(bytes(broken))


@pytest.mark.parametrize("make", [parquet, lambda frame: workbook(sheet=[list(frame), *frame.to_numpy().tolist()])])
def test_broken_binary_files_raise_nothing_else_than_a_data_error(make):
    rng = np.random.default_rng(1)
    original = make(pd.DataFrame({"region": "A", "date": ["2021-03-01", "2021-03-02"], "value": [1, 2]}))
    for _ in range(60):
        broken = bytearray(original)
        for position in rng.integers(4, len(broken), 20):
            broken[position] = rng.integers(0, 256)
        assert "\n" not in complaint(bytes(broken))


def test_the_european_table_is_understood(shared):
    panel = read_panel(shared / "real" / "jhu_europe_incident_cases.csv.gz")
    assert len(panel.regions()) == 32
    assert len(panel.table) == 36544
    assert panel.frequencies["value"].name == "daily"
    assert (panel.counts("Spain") < 0).any()


def test_the_vintages_of_the_hub_are_understood(shared):
    panel = read_panel(shared / "hub-dev" / "vintages.csv.gz")
    assert len(panel.table["as_of"].unique()) == 32
    assert panel.as_of(pd.Timestamp("2024-11-23")).counts("AK").tolist() == [13, 4]


def test_the_publishers_own_formats_are_understood_with_their_credits(shared):
    oxford = read_panel(shared / "real" / "OxCGRT_raw_GBR_v1.csv.gz")
    assert oxford.parents["Scotland"] == "United Kingdom"
    assert [s.name for s in oxford.statistics] == ["new_cases", "cumulative_cases", "new_deaths", "cumulative_deaths"]
    assert "Oxford" in oxford.attribution
    deaths = read_panel(shared / "real" / "time_series_covid19_deaths_global.csv")
    assert [s.name for s in deaths.statistics] == ["new_deaths", "cumulative_deaths"]
    assert deaths.counts("US").iloc[-1] == 942
    assert deaths.licence == "CC BY 4.0"
