import functools
import gzip
import io
import json
import zipfile
from dataclasses import replace
from datetime import datetime

import numpy as np
import pandas as pd
import pytest
from brought import parquet, workbook, zipped
from sweeps import examples

from forecasting.data.panel import Panel
from forecasting.support.errors import DataError
from forecasting.tables.cells import limits, xlsx_reader
from forecasting.tables.column_mapping import ColumnMapping
from forecasting.tables.mapped_table import read_mapped_table
from forecasting.tables.panel_file import read_panel
from forecasting.tables.read_report import PROBLEMS
from forecasting.tables.table_preview import TablePreview, preview_table

DAYS = pd.date_range("2021-03-01", periods=12, freq="D")
TIDY = "region,date,value\nA,2021-03-01,1\nA,2021-03-02,2\nB,2021-03-01,3\nB,2021-03-02,\n"
AS_IT_IS = ColumnMapping(date="date", value="value", region="region")


def asked(looked):
    """What a preview asks, in words."""
    return tuple(question.text for question in looked.questions)


def roles(looked: TablePreview) -> dict[str, str]:
    return {column.name: column.role for column in looked.columns}


def reasons(looked: TablePreview) -> dict[str, str]:
    return {column.name: column.reason for column in looked.columns}


def rows(*columns: str) -> str:
    """Twelve days in two regions; a column is ``name=format of day d, number i, region r``."""
    header, forms = zip(*(column.split("=", 1) for column in columns), strict=True)
    lines = [
        ",".join(form.format(d=day, i=(7 * i + 3 * len(region)) % 11, r=region) for form in forms)
        for i, day in enumerate(DAYS)
        for region in ("North", "Southern")
    ]
    return "\n".join([",".join(header), *lines, ""])


# What is proposed


def test_a_tidy_table_is_proposed_as_it_is_and_read_the_same():
    looked = preview_table(TIDY.encode(), "figures.csv")
    assert (looked.kind, looked.rows, looked.sheets, asked(looked)) == ("tidy", 4, (), ())
    assert looked.mapping == AS_IT_IS
    assert looked.sample.iloc[0].tolist() == ["A", "2021-03-01", "1"]
    assert looked.columns[0].examples == ("A", "B")
    panel, _ = read_mapped_table(TIDY.encode(), "figures.csv", looked.mapping)
    pd.testing.assert_frame_equal(panel.table, read_panel(TIDY.encode(), "figures.csv").table)


@pytest.mark.parametrize(
    ("header", "separator"),
    [
        (("Datum", "Land", "Fälle"), ";"),
        (("jour", "pays", "décès"), "\t"),
        (("fecha", "país", "casos"), "|"),
        (("Date", "Country", "NewCases"), ","),
        (("x1", "x2", "x3"), ","),
    ],
)
def test_columns_are_guessed_by_their_cells_whatever_they_are_called(header, separator):
    text = rows("a={d:%Y-%m-%d}", "b={r}", "c={i}").split("\n", 1)[1]
    content = (",".join(header) + "\n" + text).replace(",", separator).encode()
    looked = preview_table(content, "x.csv")
    assert list(roles(looked).values()) == ["date", "region", "value"]
    panel, report = read_mapped_table(content, "x.csv", looked.mapping)
    assert panel.regions() == ["North", "Southern"]
    assert (report.rows, report.regions, report.frequency, report.season) == (24, 2, "daily", 7)


def test_identifiers_are_left_out_with_the_reason():
    looked = preview_table(
        rows(
            "date={d:%Y-%m-%d}",
            "fips=1{r[0]!s:.0}2",
            "lat=4.5",
            "population=900",
            "code={r:.2}",
            "region={r}",
            "cases={i}",
        ).encode(),
        "x.csv",
    )
    assert looked.mapping == ColumnMapping("date", "cases", "region")
    found = reasons(looked)
    assert (found["lat"], found["population"]) == ("a coordinate", "a population")
    assert found["code"] == "another name for 'region', one for each"
    assert roles(looked)["fips"] == "left out"


def test_figures_that_never_change_within_a_region_are_left_out():
    text = rows("date={d:%Y-%m-%d}", "region={r}", "cases={i}", "beds={r}")
    looked = preview_table(text.replace("North\n", "70\n").replace("Southern\n", "90\n").encode(), "x.csv")
    assert reasons(looked)["beds"] == "it never changes within a region"


def test_several_counts_are_asked_about_and_rates_become_covariates():
    looked = preview_table(
        rows("date={d:%Y-%m-%d}", "region={r}", "cases={i}", "deaths={i}", "rate={i}.5").encode(), "x.csv"
    )
    assert asked(looked) == ("What is to be forecast: 'cases' or 'deaths'?",)
    assert looked.mapping is not None
    assert (looked.mapping.value, looked.mapping.covariates) == ("cases", ("deaths", "rate"))


def test_dates_that_may_be_two_days_are_asked_about_and_read_as_answered():
    content = b"date,cases\n03/04/2021,1\n04/04/2021,5\n05/04/2021,2\n"
    looked = preview_table(content, "x.csv")
    assert asked(looked) == ("03/04/2021: is that 3 April or 4 March?",)
    assert looked.mapping is not None
    assert looked.mapping.day_first is None
    with pytest.raises(DataError, match=r"^x\.csv, line 2: '03/04/2021' .* may mean day first or month first"):
        read_mapped_table(content, "x.csv", looked.mapping)
    for day_first, first in ((True, "2021-04-03"), (False, "2021-03-04")):
        mapping = ColumnMapping("date", "cases", day_first=day_first, combine="sum")
        assert read_first(content, mapping) == pd.Timestamp(first)


def read_first(content: bytes, mapping: ColumnMapping) -> pd.Timestamp:
    try:
        return read_mapped_table(content, "x.csv", mapping)[1].first
    except DataError as error:  # month first they are a month apart, which is a frequency, too
        pytest.fail(str(error))


def test_dates_with_points_are_day_first_without_a_question():
    looked = preview_table(rows("Datum={d:%d.%m.%Y}", "Land={r}", "Anzahl={i}").encode(), "x.csv")
    assert asked(looked) == ()
    assert looked.mapping is not None
    assert looked.mapping.day_first


def test_new_counts_come_before_totals_and_parts_of_the_date_are_left_out():
    text = rows("dateRep={d:%d/%m/%Y}", "day={d.day}", "countries={r}", "total_cases={i}", "new_cases={i}")
    looked = preview_table(
        text.replace("12/03/2021", "13/03/2021").replace("11/03/2021", "14/03/2021").encode(), "x.csv"
    )
    assert looked.mapping == ColumnMapping("dateRep", "new_cases", "countries", covariates=("total_cases",))
    assert reasons(looked)["day"] == "a part of the date"


def test_codes_of_places_are_regions_where_there_are_no_names():
    text = rows("date={d:%Y-%m-%d}", "location={r}", "value={i}").replace("North", "01").replace("Southern", "US")
    looked = preview_table(text.encode(), "x.csv")
    assert looked.mapping == ColumnMapping("date", "value", "location")
    assert read_mapped_table(text.encode(), "x.csv", looked.mapping)[0].regions() == ["01", "US"]


def test_counts_with_small_ones_hidden_are_counts_all_the_same():
    text = rows("date={d:%Y-%m-%d}", "region={r}", "cases={i}").replace(",3\n", ",<5\n").replace(",2\n", ",<5\n")
    assert preview_table(text.encode(), "x.csv").mapping == ColumnMapping("date", "cases", "region")


def test_times_closer_than_a_period_are_asked_about():
    times = pd.Timestamp("2021-03-01") + pd.to_timedelta([i * i % 23 + 17 * i for i in range(60)], unit="min")
    text = "time,count\n" + "".join(f"{time:%Y-%m-%d %H:%M},{i % 5}\n" for i, time in enumerate(times.sort_values()))
    (question,) = asked(preview_table(text.encode(), "x.csv"))
    assert question.endswith(" minutes apart: are those of one period to be summed or averaged?")


def test_regular_steps_of_minutes_are_not_asked_about():
    times = pd.date_range("2021-03-01", periods=60, freq="15min")
    text = "time,count\n" + "".join(f"{time:%Y-%m-%d %H:%M},{i % 5}\n" for i, time in enumerate(times))
    assert asked(preview_table(text.encode(), "x.csv")) == ()
    jittering = pd.date_range("2021-03-01 08:00", periods=60) + pd.to_timedelta(
        [i * i % 59 for i in range(60)], unit="min"
    )
    text = "time,count\n" + "".join(f"{time:%Y-%m-%d %H:%M},{i % 5}\n" for i, time in enumerate(jittering))
    assert asked(preview_table(text.encode(), "x.csv")) == ()


def test_running_totals_are_asked_about_or_known_by_their_name():
    body = "".join(f"{day:%Y-%m-%d},{i * i}\n" for i, day in enumerate(pd.date_range("2021-03-01", periods=60)))
    assert "running totals" in asked(preview_table(b"date,cases\n" + body.encode(), "x.csv"))[0]
    known = preview_table(b"date,cumulative_cases\n" + body.encode(), "x.csv").mapping
    assert known is not None
    assert known.cumulative


def test_a_wide_table_keeps_its_columns_in_their_places():
    content = b"week,ID,AR\n2024-11-09,14,7962\n2024-11-16,11,7865\n"
    looked = preview_table(content, "x.csv")
    assert (looked.kind, looked.mapping) == ("wide", ColumnMapping("week", wide=("ID", "AR")))
    panel, report = read_mapped_table(content, "x.csv", looked.mapping)
    assert panel.regions() == ["ID", "AR"]
    assert (report.rows, report.regions, report.frequency) == (2, 2, "weekly")
    pd.testing.assert_frame_equal(panel.table, read_panel(content, "x.csv").table)


def test_a_table_without_dates_is_unclear_and_asked_about():
    looked = preview_table(b"name,size\nx,1\ny,2\n", "x.csv")
    assert (looked.kind, looked.mapping, asked(looked)) == ("unclear", None, ("Which column holds the dates?",))


def test_dates_in_the_header_are_recognised_as_what_they_are():
    looked = preview_table(b"name,2021-01-01,2021-01-02,2021-01-03\nx,good,bad,good\n", "x.csv")
    assert "stand in the header" in asked(looked)[0]


@pytest.mark.parametrize(
    ("file", "kind"),
    [
        ("real/OxCGRT_raw_GBR_v1.csv.gz", "Oxford tracker"),
        ("real/time_series_covid19_deaths_global.csv", "Johns Hopkins"),
        ("real/jhu_europe_incident_cases.csv.gz", "tidy"),
        ("bundle/cdc_hospital_admissions_weekly.csv", "wide"),
        ("bundle/jhu_cumulative_cases_daily.csv", "wide"),
        ("hub-dev/truth.csv.gz", "tidy"),
        ("hub-dev/vintages.csv.gz", "tidy"),
    ],
)
def test_real_files_are_known_and_read_as_the_command_line_reads_them(shared, file, kind):
    path = shared / file
    content = path.read_bytes()
    looked = preview_table(content, path.name)
    assert (looked.kind, asked(looked)) == (kind, ())
    expected = read_panel(path)
    for mapping in (None, looked.mapping):
        panel, report = read_mapped_table(content, path.name, mapping)
        pd.testing.assert_frame_equal(panel.table, expected.table)
        assert panel.frequencies == expected.frequencies
        assert panel.statistics == expected.statistics
        assert (report.rows, report.regions) == (looked.rows, expected.table["region"].nunique())


# What is reported


def test_cells_that_are_no_numbers_are_missing_and_named():
    counts = replace(AS_IT_IS, kind="count")
    panel, report = read_mapped_table((TIDY + "A,2021-03-03,<5\nA,2021-03-04,-2\n").encode(), "x.csv", counts)
    assert np.isnan(panel.counts("A").iloc[2])
    assert (report.not_numbers, report.blanks, report.negative) == (1, 1, 1)
    assert list(report.problems) == list(PROBLEMS)
    assert report.problems.iloc[0].tolist() == [
        6,
        "value",
        "<5",
        "not a number",
        "write a number, or leave the cell empty where nothing was published.",
    ]
    assert "1 cell is no number and taken as missing, the first in line 6." in report.sentences


def test_rows_without_a_date_or_a_region_are_left_out_and_named():
    text = TIDY + "A,soon,9\nA,2021-02-30,9\n ,2021-03-03,9\nA,,9\n"
    panel, report = read_mapped_table(text.encode(), "x.csv", AS_IT_IS)
    assert len(panel.table) == 4
    assert report.problems["line"].tolist() == [6, 7, 8, 9]
    assert "3 lines left out, because there is no readable date, the first in line 6." in report.sentences
    assert "1 line left out, because there is no name, the first in line 8." in report.sentences


def test_at_most_a_thousand_problems_are_listed_and_the_others_counted():
    body = "".join(f"A,{day:%Y-%m-%d},?\n" for day in pd.date_range("2010-01-01", periods=1500))
    report = read_mapped_table((TIDY + body).encode(), "x.csv", AS_IT_IS)[1]
    assert (len(report.problems), report.not_numbers) == (1000, 1500)
    assert "500 more problems are not listed." in report.sentences


def test_gaps_are_counted_between_the_rows_of_a_region():
    text = "region,date,value\nA,2021-03-01,1\nA,2021-03-02,1\nA,2021-03-06,1\nB,2021-03-04,1\nB,2021-03-05,1\n"
    assert read_mapped_table(text.encode(), "x.csv")[1].gaps == 3


def test_columns_that_are_not_used_are_said():
    content = rows("date={d:%Y-%m-%d}", "region={r}", "value={i}", "comment=fine").encode()
    assert "Left out as chosen: 'comment'." in read_mapped_table(content, "x.csv", AS_IT_IS)[1].sentences


@pytest.mark.parametrize(("combine", "value"), [("sum", 9), ("mean", 4.5)])
def test_several_rows_a_period_are_put_together_as_chosen(combine, value):
    text = "date,region,age,value\n2021-03-01,A,x,4\n2021-03-01,A,y,5\n2021-03-02,A,x,1\n2021-03-02,A,y,\n"
    looked = preview_table(text.encode(), "x.csv")
    assert "A on 2021-03-01 has several rows (the second in line 3)" in asked(looked)[0]
    with pytest.raises(DataError, match=r"^x\.csv, line 3: 'A' on 2021-03-01 is also in line 2; choose whether"):
        read_mapped_table(text.encode(), "x.csv", AS_IT_IS)
    panel, report = read_mapped_table(text.encode(), "x.csv", ColumnMapping("date", "value", "region", combine=combine))
    assert panel.counts("A").tolist() == [value, 1]
    assert report.duplicates == 2


@pytest.mark.parametrize(("freq", "name"), [("10min", "hourly"), ("6h", "daily")])
def test_times_closer_than_a_period_are_put_together_to_hours_or_days(freq, name):
    times = pd.date_range("2021-03-01", periods=100, freq=freq)
    text = "time,count\n" + "".join(f"{time:%Y-%m-%d %H:%M},1\n" for time in times)
    panel, report = read_mapped_table(text.encode(), "x.csv", ColumnMapping("time", "count", combine="sum"))
    assert report.frequency == name
    assert panel.table["value"].sum() == 100


@pytest.mark.parametrize(
    ("dates", "alias"),
    [
        (pd.date_range("2021-01-06", periods=8, freq="W-WED").strftime("%Y-%m-%d"), "W-WED"),
        ([f"2021-W{week:02d}" for week in range(1, 9)], "W-SUN"),
        (pd.date_range("2021-01-01", periods=8, freq="MS").strftime("%m/%Y"), "MS"),
        (["Januar 2021", "Februar 2021", "März 2021", "April 2021", "Mai 2021"], "MS"),
        (["2020-Q1", "2020-Q2", "2020-Q3", "2020-Q4"], "QS-JAN"),
        (pd.date_range("2021-01-01", periods=48, freq="h").strftime("%Y-%m-%dT%H:%M"), "h"),
    ],
)
def test_every_usual_spacing_is_found(dates, alias):
    content = ("when,count\n" + "".join(f"{day},{i % 5}\n" for i, day in enumerate(dates))).encode()
    looked = preview_table(content, "x.csv")
    assert looked.mapping == ColumnMapping("when", "count")
    panel, _ = read_mapped_table(content, "x.csv", looked.mapping)
    assert panel.frequencies["count"].alias == alias


@pytest.mark.parametrize(
    ("mapping", "message"),
    [
        (ColumnMapping(value="value"), "it is not said which column holds the dates; "),
        (ColumnMapping("date"), "it is not said which column holds the counts; "),
        (ColumnMapping("date", "cases"), "there is no column 'cases'; "),
        (ColumnMapping("date", "value", "value"), "the column 'value' is chosen twice; "),
        (ColumnMapping("date", "value", combine="max"), "several rows a period are either summed or averaged; "),
        (ColumnMapping("region", "value"), "no cell of the column 'region' is a date "),
        (ColumnMapping("region", wide=("value",)), "no cell of the column 'region' is a date; "),
    ],
)
def test_a_mapping_that_does_not_fit_is_said_in_one_line(mapping, message):
    with pytest.raises(DataError) as caught:
        read_mapped_table(TIDY.encode(), "x.csv", mapping)
    assert str(caught.value).startswith(f"x.csv: {message}")


def test_a_mapping_survives_json():
    mapping = ColumnMapping("d", "v", covariates=("a", "ü"), wide=("x",), day_first=False, combine="mean", sheet="2")
    assert ColumnMapping.from_json(mapping.to_json()) == mapping
    for text in ("", "[]", '{"date": 5}', '{"covariates": 5}', '{"wide": [1]}', "null"):
        with pytest.raises(DataError):
            ColumnMapping.from_json(text)


# What can be read


@pytest.mark.parametrize(
    "content",
    [
        TIDY.replace(",", "|").encode(),
        ("\ufeff" + TIDY).encode(),
        TIDY.encode("utf-16-le"),
        TIDY.encode("utf-32"),
        zipped(figures_csv=TIDY.encode(), readme_md=b"see https://example.org"),
        gzip.compress(TIDY.encode("utf-16")),
        pd.read_csv(io.StringIO(TIDY)).to_json(orient="records").encode(),
        pd.read_csv(io.StringIO(TIDY)).to_json(orient="split").encode(),
        pd.read_csv(io.StringIO(TIDY)).to_json(orient="records", lines=True).encode(),
        zipped(x_xlsx=workbook(a=[["region", "date", "value"], *pd.read_csv(io.StringIO(TIDY)).to_numpy().tolist()])),
        zipped(x_parquet=parquet(pd.read_csv(io.StringIO(TIDY)))),
    ],
)
def test_every_packing_gives_the_same_table(content):
    pd.testing.assert_frame_equal(
        read_mapped_table(content, "x", AS_IT_IS)[0].table, read_panel(TIDY.encode(), "x").table
    )


def test_json_with_dates_as_its_index_is_understood():
    text = json.dumps({"columns": ["A", "B"], "index": ["2021-03-01", "2021-03-02"], "data": [[1, 2], [3, None]]})
    assert read_mapped_table(text.encode(), "x.json")[0].counts("A").tolist() == [1, 3]


def test_the_sheet_of_a_workbook_can_be_chosen():
    table = [["date", "value"], [datetime(2021, 3, 1), 1], [datetime(2021, 3, 2), 2]]
    content = workbook(About=[["by", "us"], ["x", "y"]], Figures=table)
    assert preview_table(content, "x.xlsx").sheets == ("About", "Figures")
    looked = preview_table(content, "x.xlsx", "Figures")
    assert looked.mapping == ColumnMapping("date", "value", sheet="Figures")
    assert read_mapped_table(content, "x.xlsx", looked.mapping)[0].counts("x").tolist() == [1, 2]
    with pytest.raises(DataError, match=r"^x\.xlsx: it has no sheet 'Other'; choose one of 'About', 'Figures'\."):
        preview_table(content, "x.xlsx", "Other")


def test_decimal_commas_are_read_and_what_may_be_thousands_is_asked_about():
    content = b"date\tvalue\n2021-03-01\t1,5\n2021-03-02\t1,25\n"
    assert read_mapped_table(content, "x.csv")[0].table["value"].tolist() == [1.5, 1.25]
    with pytest.raises(DataError, match=r"line 2: '1,500' in the column 'value' may mean 1500 .* or 1\.5 "):
        read_mapped_table(content.replace(b"1,5", b"1,500").replace(b"1,25", b"1,250"), "x.csv")


def test_lines_in_another_encoding_are_read_each_in_its_own():
    content = "region,date,value\nÎle,2021-03-01,1\nÎle,2021-03-02,1\n".encode() + "Öl,2021-03-01,1\n".encode("cp1252")
    assert read_mapped_table(content, "x.csv")[0].regions() == ["Île", "Öl"]


def test_formulas_are_not_calculated():
    rows = [["date", "value"], [datetime(2021, 3, 1), 1], [datetime(2021, 3, 2), "=1+1"], [datetime(2021, 3, 3), 1]]
    with pytest.raises(
        DataError, match=r"^x\.xlsx, row 3: '=1\+1' in the column 'value' .*; formulas are not calculated"
    ):
        read_mapped_table(workbook(a=rows), "x.xlsx")
    rows[1][1] = rows[3][1] = "=2+2"
    with pytest.raises(DataError, match=r"^x\.xlsx: the column 'value' holds formulas whose results were not saved; "):
        read_mapped_table(workbook(a=rows), "x.xlsx")
    report = read_mapped_table(TIDY.encode() + b"A,2021-03-03,=1+1\n", "x.csv", AS_IT_IS)[1]
    assert report.problems["remedy"].tolist() == ["formulas are not calculated; save the values."]


# What is refused


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (zipped(a_csv=TIDY.encode(), b_csv=TIDY.encode()), "x: there are 2 tables in the archive; "),
        (zipped(a_png=b"1", b_png=b"2"), "x: there is no table in the archive; "),
        (zipped(a_zip=zipped(a_csv=TIDY.encode())), "x: there is an archive in the archive; "),
        (zipped(a_csv=gzip.compress(TIDY.encode())), "x: there is an archive in the archive; "),
        (gzip.compress(gzip.compress(TIDY.encode())), "x: there is an archive in the archive; "),
        (gzip.compress(b"0" * 60_000_000), "x: it unpacks to more than 50 MB; "),
        (zipped(a_csv=b"0" * 60_000_000), "x: it unpacks to more than 50 MB; "),
        (TIDY.encode() + b"A,2021-03-03,\x00\n", "x, line 6: there is a zero byte; "),
        (b",".join(b"c%d" % i for i in range(20_000)) + b"\n", "x: it has 20,000 columns and at most 16,384 are read"),
        (b'{"date": ["2021-03-01"]}', "x: JSON is understood as records, "),
        (b'[{"date": "2021-03-01", "value": 1}', "x: it cannot be read as JSON "),
        (b"[" * 100_000, "x: lists in it are within too many others; "),
        (b"\xff\xfe", "x: the file is empty; "),
        (TIDY.encode() + b"A,2021-03-03,1e999\n", "x, line 6: '1e999' in the column 'value' is not a number; "),
        (TIDY.encode() + b"A,9999-12-31,1\n", "x, line 6: '9999-12-31' in the column 'date' is not a day of the "),
    ],
)
def test_what_cannot_be_read_is_said_in_one_line(content, message):
    with pytest.raises(DataError) as caught:
        read_mapped_table(content, "x")
    assert str(caught.value).startswith(message)
    assert "\n" not in str(caught.value)


def test_a_sheet_is_bounded_whatever_it_says_of_its_size(monkeypatch):
    monkeypatch.setattr(xlsx_reader, "MAX_SHEET_CELLS", 10)
    content = workbook(a=[["date", "value"], *[[datetime(2021, 3, 1 + i), 1] for i in range(9)]])
    with pytest.raises(DataError, match=r"^x, row 6: a sheet is read up to 10 cells; "):
        preview_table(content, "x")


def sheet(rows: bytes) -> bytes:
    """A workbook whose sheet is `rows` as they stand in its XML."""
    stream = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(workbook(a=[["x"]]))) as original, zipfile.ZipFile(stream, "w") as changed:
        for name in original.namelist():
            content = original.read(name)
            if name.endswith("sheet1.xml"):
                content = (
                    b'<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">'
                    b'<dimension ref="A1:XFD1048576"/><sheetData>' + rows + b"</sheetData></worksheet>"
                )
            changed.writestr(name, content)
    return stream.getvalue()


def test_a_stray_cell_far_away_costs_no_memory(monkeypatch):
    monkeypatch.setattr(xlsx_reader, "MAX_SHEET_ROWS", 1_000)
    first = b'<row r="1"><c r="A1"><v>1</v></c></row>'
    with pytest.raises(DataError, match=r"^x, row 1001: a sheet has 1,000 rows at most; "):
        preview_table(sheet(first + b'<row r="999999999"><c r="A999999999"><v>1</v></c></row>'), "x")
    many = b"".join(b'<row r="%d"><c r="B%d"><v>1</v></c></row>' % (i, i) for i in range(2, 50))
    monkeypatch.setattr(xlsx_reader, "MAX_SHEET_CELLS", 50_000)
    with pytest.raises(DataError, match=r"^x, row 50: a stray cell makes the sheet 16,384 columns wide; "):
        preview_table(sheet(first + many + b'<row r="50"><c r="XFD50"><v>1</v></c></row>'), "x")


def test_a_parquet_file_is_bounded_before_it_is_unpacked(monkeypatch):
    monkeypatch.setattr(limits, "MAX_CELLS", 1_000)
    with pytest.raises(DataError, match=r"^x: it has 2,000 cells, 1,000 at most are read; "):
        preview_table(parquet(pd.DataFrame({"a": np.zeros(1000), "b": np.zeros(1000)})), "x")


def test_thousands_of_regions_in_a_wide_table_are_looked_at_and_read():
    header = ",".join(["date", *[f"r{i}" for i in range(2_500)]])
    body = "".join(f"{day:%Y-%m-%d}," + ",".join(["1"] * 2_500) + "\n" for day in DAYS[:3])
    content = f"{header}\n{body}".encode()
    looked = preview_table(content, "x.csv")
    assert looked.mapping is not None
    assert read_mapped_table(content, "x.csv", looked.mapping)[1].regions == 2_500


# Broken files


@functools.cache
def originals() -> tuple[bytes, ...]:
    frame = pd.read_csv(io.StringIO(rows("date={d:%Y-%m-%d}", "location_name={r}", "value={i}", "warm={i}.5")))
    tidy = frame.to_csv(index=False).encode()
    wide = frame.pivot(index="date", columns="location_name", values="value").reset_index()
    hopkins = (
        b"Province/State,Country/Region,Lat,Long,1/22/20,1/23/20,1/24/20\n,Spain,1,2,3,4,5\nHubei,China,1,2,3,4,6\n"
    )
    oxford = b"CountryName,RegionName,Jurisdiction,Date,ConfirmedCases,ConfirmedDeaths\n" + b"".join(
        b"Spain,,NAT_TOTAL,202003%02d,%d,%d\n" % (day, day, day) for day in range(1, 12)
    )
    return (
        tidy,
        wide.to_csv(index=False).encode(),
        hopkins,
        oxford,
        tidy.replace(b",", b";").replace(b".5", b",5"),
        rows("d={d:%d/%m/%Y}", "r={r}", "v={i}").encode("utf-16"),
        gzip.compress(tidy),
        zipped(a_csv=tidy),
        zipped(a_zip=zipped(a_csv=tidy)),
        frame.to_json(orient="records").encode(),
        frame.to_json(orient="split").encode(),
        parquet(frame),
        workbook(a=[list(frame), *frame.astype(object).to_numpy().tolist()]),
    )


WRONG = (
    b"", b"\x00", b"-", b"1e400", b"9" * 400, b"nan", b"inf", b"31.02.2021", b"0000-00-00", b"99999-01-01", b"\xe4\xf6",
    "é".encode(), b'"', b"'", b"=cmd|' /C calc'!A0", b"\r", b"\n\n", b",,,,", b";", b"\t", b"{", b"]", b"true", b"null",
    b"0x1F", b"\xff\xfe", "١٢".encode(), "²".encode(), b"1_000", b"2021-13-45T99:99", b"\xed\xa0\x80", b"\\ud800", b"Q1 2021",
)  # fmt: skip


def broken(original: bytes, rng: np.random.Generator) -> bytes:
    """`original` with one to three things wrong with it."""
    content = bytearray(original)
    for _ in range(rng.integers(1, 4)):
        size = len(content)
        start, end = sorted(int(place) for place in rng.integers(0, size + 1, 2))
        match rng.integers(0, 9):
            case 0:
                content = content[:start]
            case 1:
                for place in rng.integers(0, max(size, 1), 8 if size else 0):
                    content[place] = rng.integers(0, 256)
            case 2:
                content[start:start] = WRONG[rng.integers(0, len(WRONG))]
            case 3:
                cells = bytes(content).split(b",")
                cells[rng.integers(0, len(cells))] = WRONG[rng.integers(0, len(WRONG))]
                content = bytearray(b",".join(cells))
            case 4:
                content[start:end] = content[start:end][::-1]
            case 5:
                lines = bytes(content).splitlines(keepends=True) or [b""]
                content = bytearray(b"".join(lines[: rng.integers(1, 4)]))
            case 6:
                lines = bytes(content).splitlines(keepends=True)
                content = bytearray(b"".join(lines[i] for i in rng.permutation(len(lines))))
            case 7:
                content[start:start] = content[start : start + 60]
            case _:
                packed = (gzip.compress, lambda table: zipped(a_csv=table), lambda table: table[1:])
                content = bytearray(packed[rng.integers(0, 3)](bytes(content)))
    return bytes(content)


def complaints(content: bytes, name: str) -> list[str]:
    """What look and read say about it; any other error than a `DataError` ends the test."""
    said, mapping = [], None
    try:
        looked = preview_table(content, name)
        mapping = looked.mapping
        assert isinstance(looked, TablePreview)
    except DataError as error:
        return [str(error)]
    for chosen in {None, mapping}:
        try:
            panel, _ = read_mapped_table(content, name, chosen)
            assert isinstance(panel, Panel)
        except DataError as error:
            said.append(str(error))
    return said


@pytest.mark.parametrize("part", range(4))
def test_broken_files_end_in_a_panel_or_in_one_line_that_names_the_file(part):
    rng = np.random.default_rng(part)
    for i in range(examples(80, share=0.4)):
        content = broken(originals()[i % len(originals())], rng)
        try:
            said = complaints(content, "broken.dat")
        except Exception as error:
            pytest.fail(f"{content[:2000]!r} raises {error!r}")
        for message in said:
            assert message.startswith("broken.dat")
            assert "\n" not in message
