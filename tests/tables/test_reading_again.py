"""Reading, continued: mappings as JSON, names with escaped formulas, ragged rows, and archives that unpack to too much."""

import gzip
import io
import json
import struct
import subprocess
import sys
import zipfile
from dataclasses import fields

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from brought import parquet, workbook, zipped
from hypothesis import example, given, settings
from hypothesis import strategies as st
from sweeps import examples

from forecasting.cli.main import main
from forecasting.data.columns import FORECASTS
from forecasting.export import file_formats
from forecasting.support.errors import DataError
from forecasting.tables.cells import limits
from forecasting.tables.cells.formula_escape import escape_formulas, unescape_all_formulas, unescape_formulas
from forecasting.tables.cells.read_table import read_table
from forecasting.tables.column_mapping import MAX_MAPPING_LETTERS, ColumnMapping
from forecasting.tables.column_questions import QuestionKind
from forecasting.tables.forecast_file import read_forecasts
from forecasting.tables.mapped_table import read_mapped_table
from forecasting.tables.panel_file import read_panel
from forecasting.tables.table_preview import preview_table

TIDY = "region,date,value\nA,2021-03-01,1\nA,2021-03-02,2\nB,2021-03-01,3\nB,2021-03-02,\n"
AS_IT_IS = ColumnMapping("date", "value", "region")
DAYS = pd.date_range("2021-03-01", periods=12, freq="D")

# A mapping as JSON


names = st.text(min_size=1, max_size=6)
columns = st.none() | names
mappings = st.builds(
    ColumnMapping,
    **dict.fromkeys(("date", "value", "region", "statistic", "as_of", "sheet"), columns),
    **dict.fromkeys(("covariates", "wide"), st.lists(names, max_size=3, unique=True).map(tuple)),
    cumulative=st.booleans(),
    day_first=st.none() | st.booleans(),
    combine=st.sampled_from([None, "sum", "mean"]),
)


@given(mappings, mappings)
@settings(deadline=None)
def test_a_mapping_comes_back_from_json_whole_or_by_how_it_differs_from_another(mapping, proposed):
    assert ColumnMapping.from_json(mapping.to_json()) == mapping
    assert ColumnMapping.from_json(mapping.to_json(proposed), proposed) == mapping
    assert mapping.to_json().isprintable()


def test_a_mapping_says_no_more_than_it_must():
    assert ColumnMapping("day", "cases", combine="sum").to_json() == '{"date":"day","value":"cases","combine":"sum"}'
    assert (
        ColumnMapping("day", "cases").to_json(ColumnMapping("day", "deaths", "land"))
        == '{"value":"cases","region":null}'
    )
    assert ColumnMapping().to_json() == AS_IT_IS.to_json(AS_IT_IS) == "{}"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "The mapping is not one JSON object such as "),
        ("[]", "The mapping is not one JSON object "),
        ("null", "The mapping is not one JSON object "),
        ("{", "The mapping is not one JSON object "),
        ('{"date":"a"} {"date":"b"}', "The mapping is not one JSON object "),
        ('{"date":"a","date":"b"}', "The mapping is not one JSON object "),
        ("[" * 100_000, "The mapping is not one JSON object "),
        ('{"date":' * 100_000, "The mapping is not one JSON object "),
        ('{"cumulative":' + "9" * 10_000 + "}", "The mapping is not one JSON object "),
        ("{" + " " * MAX_MAPPING_LETTERS + "}", "The mapping has 2,000,002 letters, 2,000,000 at most are read; "),
        ('{"colour":"red"}', 'The mapping says "colour", which there is not; it may say date, value, region, '),
        ('{"line\\nbreak":1}', 'The mapping says "line\\nbreak", which there is not; '),
        ('{"__class__":"x"}', 'The mapping says "__class__", which there is not; '),
        ('{"date":5}', "The mapping's 'date' is 5; it is the name of a column or null."),
        ('{"date":""}', "The mapping's 'date' is \"\"; it is the name of a column or null."),
        ('{"value":{"a":1}}', "The mapping's 'value' is {\"a\": 1}; it is the name of a column or null."),
        ('{"region":"\\ud800"}', "The mapping's 'region' is \"\\ud800\"; "),
        ('{"covariates":"rain"}', "The mapping's 'covariates' is \"rain\"; it is a list of columns, each named once."),
        ('{"covariates":["rain","rain"]}', "The mapping's 'covariates' is "),
        ('{"wide":[1]}', "The mapping's 'wide' is [1]; it is a list of columns, each named once."),
        ('{"wide":null}', "The mapping's 'wide' is null; it is a list of columns, each named once."),
        (json.dumps({"wide": [str(i) for i in range(20_000)]}), "The mapping's 'wide' is "),
        ('{"cumulative":1}', "The mapping's 'cumulative' is 1; it is true or false."),
        ('{"cumulative":null}', "The mapping's 'cumulative' is null; it is true or false."),
        ('{"day_first":"yes"}', "The mapping's 'day_first' is \"yes\"; it is true, false or null."),
        ('{"day_first":NaN}', "The mapping's 'day_first' is NaN; it is true, false or null."),
        ('{"combine":"max"}', 'The mapping\'s \'combine\' is "max"; it is "sum", "mean" or null.'),
        ('{"combine":["sum"]}', "The mapping's 'combine' is [\"sum\"]; it is "),
        ('{"sheet":2}', "The mapping's 'sheet' is 2; it is the name of a sheet or null."),
    ],
)
def test_nonsense_is_no_mapping_and_said_in_one_short_line(text, message):
    with pytest.raises(DataError) as caught:
        ColumnMapping.from_json(text)
    assert str(caught.value).startswith(message)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 220


def test_every_field_of_a_mapping_can_be_said():
    with pytest.raises(DataError) as caught:
        ColumnMapping.from_json('{"?":1}')
    said = str(caught.value).partition("it may say ")[2].rstrip(".").split(", ")
    assert sorted(said) == sorted(field.name for field in fields(ColumnMapping))


@pytest.mark.parametrize(
    ("mapping", "message"),
    [
        (
            ColumnMapping("date", "value", wide=("region",)),
            "x.csv: the counts are in one column, or every region has one ",
        ),
        (ColumnMapping("date", "c" * 500), f"x.csv: there is no column '{'c' * 40}…'; choose the columns again."),
    ],
)
def test_a_mapping_of_another_table_is_one_short_line(mapping, message):
    with pytest.raises(DataError) as caught:
        read_mapped_table(TIDY.encode(), "x.csv", mapping)
    assert str(caught.value).startswith(message)


# Whether a mapping has to be said


def long(header, form="%Y-%m-%d", regions=("A", "B")):
    """Twelve days; `header` names the date, the counts, and the region where there is one."""
    rows = [
        dict(zip(header, (day.strftime(form), (7 * i) % 11, region), strict=False))
        for region in regions[: 1 + (len(header) > 2)]
        for i, day in enumerate(DAYS)
    ]
    return pd.DataFrame(rows).to_csv(index=False)


WIDE = "day,A,B\n" + "".join(f"{day:%Y-%m-%d},{i},{2 * i % 5}\n" for i, day in enumerate(DAYS))


@pytest.mark.parametrize(
    ("text", "mapping", "alone"),
    [
        (TIDY, AS_IT_IS, True),
        (TIDY, ColumnMapping("date", "value", "region", cumulative=True), True),
        (long(["Date", "value", "Location"]), ColumnMapping("Date", "value", "Location"), True),
        (long(["ds", "value"]), ColumnMapping("ds", "value"), True),
        (WIDE, ColumnMapping("day", wide=("A", "B")), True),
        (WIDE, ColumnMapping("day", wide=("B", "A")), False),
        (WIDE, ColumnMapping("day", wide=("A",)), False),
        (long(["day", "cases", "land"]), ColumnMapping("day", "cases", "land"), False),
        (long(["date", "y"]), ColumnMapping("date", "y"), False),  # counts are called after their column, or else value
        (TIDY, ColumnMapping("date", "value", "region", combine="sum"), False),
        (long(["date", "value"], "%d/%m/%Y"), ColumnMapping("date", "value", day_first=True), False),
        (TIDY.replace("2021-03-01", "20210301", 1), AS_IT_IS, False),  # two ways to write a date
        (TIDY.replace(",2\n", ",<5\n"), AS_IT_IS, False),
        (TIDY + "A,soon,3\n", AS_IT_IS, False),
        (TIDY.replace("value\n", "value,rain\n").replace("\nA", "\nA").replace(",1\n", ",1,5\n"), AS_IT_IS, False),
        (TIDY.replace("region", "Region,region").replace("\nA,", "\nA,A,").replace("\nB,", "\nB,B,"), AS_IT_IS, False),
    ],
)
def test_a_mapping_need_not_be_said_where_the_file_alone_is_read_the_same(text, mapping, alone):
    panel, report = read_mapped_table(text.encode(), "x.csv", mapping)
    assert report.needs_no_mapping == alone
    if alone:
        by_itself = read_panel(text.encode(), "x.csv", mapping.cumulative)
        pd.testing.assert_frame_equal(panel.table, by_itself.table)
        assert (panel.statistics, panel.frequencies) == (by_itself.statistics, by_itself.frequencies)


def test_a_file_called_cumulative_has_to_be_said_to_be_none():
    assert not read_mapped_table(TIDY.encode(), "cumulative.csv", AS_IT_IS)[1].needs_no_mapping


def test_two_columns_whose_names_differ_in_case_only_are_two():
    text = long(["date", "value", "region"]).replace("region", "region,Region").replace(",A\n", ",A,x\n")
    assert read_panel(text.replace(",B\n", ",B,x\n").encode(), "x.csv").regions() == ["A", "B"]


def test_what_is_proposed_for_everybody_does_not_depend_on_the_file_s_name():
    for name in ("x.csv", "cumulative_x.csv"):
        looked = preview_table(long(["day", "cases", "land"]).encode(), name)
        assert looked.mapping.cumulative == ("cum" in name)
        assert looked.base_mapping == ColumnMapping("day", "cases", "land")
        totals = preview_table(long(["day", "cumulative_cases", "land"]).encode(), name)
        assert totals.base_mapping == ColumnMapping("day", "cumulative_cases", "land", cumulative=True)
    assert preview_table(b"name,size\nx,1\ny,2\n", "x.csv").base_mapping == ColumnMapping()


# The command line


def figures(file):
    return pd.read_csv(file, dtype={"region": str})


@pytest.fixture
def german(tmp_path):
    """A table of which the command line knows nothing, and its mapping in a file."""
    days = pd.date_range("2021-01-01", periods=40)
    rows = [
        f"{day:%d/%m/%Y};{land};{i % 7 + 5},5;{i % 3}\n" for land in ("Köln", "=Bonn") for i, day in enumerate(days)
    ]
    table, mapping = tmp_path / "zahlen.csv", tmp_path / "m.json"
    table.write_text("Tag;Ort;Fälle;Tote\n" + "".join(rows), encoding="utf-8")
    mapping.write_text("\ufeff" + ColumnMapping("Tag", "Fälle", "Ort", day_first=True).to_json(), encoding="utf-8")
    return table, mapping


def test_forecast_and_backtest_take_a_mapping_from_a_file_or_as_text(german, tmp_path, capsys):
    table, mapping = german
    arguments = ["--input", str(table), "--models", "naive", "--horizon", "2"]
    assert main(["forecast", *arguments, "--output", str(tmp_path / "proposed.csv")]) == 0
    assert "'Fälle' is forecast (" in capsys.readouterr().err
    inline = ' {"date":"Tag","value":"Fälle","region":"Ort","day_first":true}'
    found = []
    for given_as in (str(mapping), inline):
        output = tmp_path / "out.csv"
        assert main(["forecast", *arguments, "--mapping", given_as, "--output", str(output)]) == 0
        found.append(output.read_bytes())
    assert found[0] == found[1] == (tmp_path / "proposed.csv").read_bytes()
    assert set(figures(output)["region"]) == {"Köln", "'=Bonn"}
    assert main(["backtest", *arguments, "--mapping", str(mapping), "--origins", "1", "--output", str(output)]) == 0
    assert set(figures(output)["region"]) == {"Köln", "'=Bonn"}


@pytest.mark.parametrize(
    ("given_as", "message"),
    [
        ("nowhere.json", "--mapping nowhere.json: no such file or directory; give a file of JSON, or JSON itself."),
        ("n\0ul", "--mapping n\0ul: "),
        ("x" * 5000, "--mapping xxxxx"),
        ("{", "The mapping is not one JSON object "),
        ('{"date":5}', "The mapping's 'date' is 5; "),
        ('{"date":"Tag"}', "zahlen.csv: it is not said which column holds the counts; "),
        ('{"date":"Tag","value":"Kosten"}', "zahlen.csv: there is no column 'Kosten'; "),
    ],
)
def test_a_mapping_that_cannot_be_used_is_one_line_and_exit_code_two(german, capsys, given_as, message):
    arguments = ["forecast", "--input", str(german[0]), "--models", "naive", "--horizon", "2", "--mapping", given_as]
    assert main(arguments) == 2
    (line,) = capsys.readouterr().err.rstrip("\n").split("\n")
    assert line.startswith(message)
    assert len(line) < 400


def test_a_mapping_needs_a_file_and_totals_can_be_said_beside_it(german, tmp_path, capsys):
    table, mapping = german
    rest = ["--models", "naive", "--horizon", "2", "--mapping", str(mapping)]
    assert main(["forecast", "--source", "bundled", *rest]) == 2
    assert capsys.readouterr().err == "--mapping is about the columns of a file; give --input FILE with it.\n"
    output = tmp_path / "out.csv"
    assert main(["forecast", "--input", str(table), "--cumulative", *rest, "--output", str(output)]) == 0
    assert set(figures(output)["statistic"]) == {"Fälle", "cumulative_Fälle"}


def test_uneven_lines_are_said_beside_the_forecasts(tmp_path, capsys):
    file = tmp_path / "x.csv"
    table = pd.DataFrame({"date": DAYS, "region": "A", "value": 5.0}).to_csv(index=False)
    file.write_text(table + "2021-03-13,A\n")
    arguments = ["--input", str(file), "--models", "naive", "--horizon", "2", "--output", str(tmp_path / "o.csv")]
    assert main(["forecast", *arguments]) == 0
    said = "1 line has fewer cells than the header, the first is line 14: what is missing at the end is taken as empty."
    assert capsys.readouterr().err.splitlines().count(said) == 1


def test_what_is_left_out_or_odd_is_said_beside_the_forecasts(german, tmp_path, capsys):
    table, mapping = german
    table.write_text(table.read_text().replace("5,5;", "viele;", 1) + "10/02/2021;Köln\n")
    arguments = ["--input", str(table), "--models", "naive", "--horizon", "2", "--output", str(tmp_path / "o.csv")]
    assert main(["forecast", *arguments, "--mapping", str(mapping)]) == 0
    said = capsys.readouterr().err
    assert "1 cell is no number and taken as missing, the first in line 2." in said
    assert "1 line has fewer cells than the header, the first is line 82: what is missing at the end is taken " in said


# Names that were written so that no spreadsheet runs them

signs = st.sampled_from(list("=+-@＝ '\",;|\t\n\ra1é"))
hostile = st.text(signs, min_size=1, max_size=8).map(str.strip).filter(bool)
regions = st.lists(hostile, min_size=1, max_size=4, unique=True)


@given(st.text(signs, max_size=10))
@settings(deadline=None, max_examples=examples(200))
def test_only_what_was_defused_is_restored(text):
    assert unescape_formulas(escape_formulas(text)) == text
    assert unescape_formulas(text) == text or escape_formulas(unescape_formulas(text)) == text


def tidy(regions):
    return pd.DataFrame(
        [{"region": name, "date": day, "value": 5.0 + i} for i, name in enumerate(regions) for day in DAYS]
    )


@given(regions)
@example([";\r;"])
@settings(deadline=None, max_examples=examples(15))
def test_names_in_our_own_files_come_back_as_they_were_and_are_written_the_same_again(regions):
    table = tidy(regions)
    written = file_formats.to_csv(table)
    for panel in (read_panel(written, "x.csv"), read_mapped_table(written, "x.csv", AS_IT_IS)[0]):
        again = panel.table[["region", "date", "value"]]
        assert sorted(panel.regions()) == sorted(regions)
        order = ["region", "date"]
        assert file_formats.to_csv(again.sort_values(order)) == file_formats.to_csv(table.sort_values(order))
    if not any("\r" in name for name in regions):  # which a workbook does not keep
        assert sorted(read_panel(file_formats.to_xlsx({"a": table}), "x.xlsx").regions()) == sorted(regions)


@given(regions)
@settings(deadline=None, max_examples=examples(20))
def test_columns_of_our_own_wide_tables_come_back_as_they_were(regions):
    table = pd.DataFrame({"day": DAYS, **{name: np.arange(12.0) + i for i, name in enumerate(regions)}})
    if not any(sign in name for name in regions for sign in ";|\t\n\r"):  # the header tells what separates cells
        assert read_panel(file_formats.to_csv(table), "x.csv").regions() == regions


def test_models_and_regions_of_our_own_forecasts_come_back_as_they_were(tmp_path):
    row = dict(zip(FORECASTS, ("=R", "@m", "2021-03-01", 1, "2021-03-02", 0.5, -1.0), strict=True))
    table = pd.DataFrame([row | {"region": "-A"}, row])
    (tmp_path / "f.csv").write_bytes(file_formats.to_csv(table))
    found = read_forecasts(tmp_path / "f.csv")
    assert (found["region"].tolist(), set(found["model"]), set(found["value"])) == (["-A", "=R"], {"@m"}, {-1.0})


@pytest.mark.parametrize(
    "regions",
    [
        ["'s-Hertogenbosch", "'t Harde"],
        ["'=a", "=a"],  # a file of ours would have no name that a spreadsheet runs
        ["'=a,=b", "c"],  # nor one that is escaped in one of two places
        ["''", "'"],
    ],
)
def test_an_apostrophe_that_is_meant_stays(regions):
    content = tidy(regions).to_csv(index=False).encode()
    assert sorted(read_panel(content, "x.csv").regions()) == sorted(regions)
    assert unescape_all_formulas(regions) == regions


def test_parquet_and_json_hold_names_as_they_are():
    table = tidy(["'=a", "'=b"]).assign(date=lambda rows: rows["date"].dt.strftime("%Y-%m-%d"))
    for content in (parquet(table), table.to_json(orient="records").encode()):
        assert read_panel(content, "x").regions() == ["'=a", "'=b"]


# Lines that have not as many cells as the header

MISSING = "what is missing at the end is taken as empty."
EMPTY = "nothing is in those at the end, so nothing is left out."


@pytest.mark.parametrize("mapping", [None, AS_IT_IS])
@pytest.mark.parametrize("quote", ["", '"'])
def test_lines_with_too_few_cells_are_read_with_blanks_and_said(mapping, quote):
    text = TIDY + f"{quote}A{quote},2021-03-03\nB,2021-03-03,5\nB,2021-03-04\n"
    panel, report = read_mapped_table(text.encode(), "x.csv", mapping)
    assert panel.counts("A").isna().tolist() == [False, False, True]
    assert f"2 lines have fewer cells than the header, the first is line 6: {MISSING}" in report.sentences
    assert panel.notes == read_panel(text.encode(), "x.csv").notes
    assert panel.notes[0] in report.sentences
    remedy = "write all 3 cells; what is missing at the end was taken as empty."
    assert report.problems.to_numpy().tolist() == [
        [6, "value", "", "too few cells", remedy],
        [8, "value", "", "too few cells", remedy],
    ]


@pytest.mark.parametrize("mapping", [None, AS_IT_IS])
@pytest.mark.parametrize("quote", ["", '"'])
def test_lines_with_too_many_cells_are_read_when_those_are_empty_and_refused_by_line_when_not(mapping, quote):
    text = TIDY + f"{quote}A{quote},2021-03-03,7,, \nB,2021-03-03,5\n"
    panel, report = read_mapped_table(text.encode(), "x.csv", mapping)
    assert panel.counts("A").tolist() == [1, 2, 7]
    assert f"1 line has more cells than the header, the first is line 6: {EMPTY}" in report.sentences
    remedy = "remove the separators at its end; nothing follows them."
    assert report.problems.to_numpy().tolist() == [[6, "value", "", "too many cells", remedy]]
    with pytest.raises(DataError, match=r"^x\.csv, line 8: it has 4 cells where the header has 3; mend that line "):
        read_mapped_table((text + "B,2021-03-04,1,5\n").encode(), "x.csv", mapping)


def test_what_a_missing_cell_leads_to_is_said_too():
    report = read_mapped_table((TIDY + "Source: us\n").encode(), "x.csv", AS_IT_IS)[1]
    assert report.problems["what"].tolist() == ["too few cells", "not a date"]
    with pytest.raises(DataError, match=r"^x\.csv, line 6: there is no date in the column 'date'; "):
        read_panel((TIDY + "Source: us\n").encode(), "x.csv")


@pytest.mark.parametrize(
    "end", ['A,"2021-03-03,9\n', 'A,"2021-03-03,9', 'A,"2021-03-03\nB,2021-03-03",9,9\n', 'A,20"21\n']
)
def test_a_quote_that_may_have_joined_cells_is_refused_by_line(end):
    with pytest.raises(DataError, match=r"^x\.csv, line 6: it has \d cells where the header has 3; "):
        read_mapped_table((TIDY + end).encode(), "x.csv", AS_IT_IS)


@pytest.mark.parametrize(
    "text", [TIDY.replace("\n", ",\n").replace("value,", "value"), TIDY.replace("value", "value,,")]
)
def test_nobody_hears_of_separators_at_the_end_of_every_line_or_of_the_header(text):
    panel, report = read_mapped_table(text.encode(), "x.csv", AS_IT_IS)
    pd.testing.assert_frame_equal(panel.table, read_panel(TIDY.encode(), "x.csv").table)
    assert panel.notes == ()
    assert report.problems.empty


@given(st.lists(st.sampled_from(["A,2021-03-01,5", "A,2021-03-01", "A", "A,2021-03-01,5,,", ",,", ""]), min_size=1))
@settings(deadline=None, max_examples=examples(40))
def test_uneven_lines_are_read_alike_with_and_without_quotes(lines):
    text = "\n".join(["region,date,value", *lines, ""])
    if not any(line.strip(",") for line in lines):
        return
    plain = read_table(text.encode(), "x", strict=False)
    quoted = read_table(text.replace("A", '"A"').encode(), "x", strict=False)
    pd.testing.assert_frame_equal(plain.cells, quoted.cells)
    assert plain.lines.tolist() == quoted.lines.tolist()
    assert plain.notes == quoted.notes
    wanted = [(line.split(",") + [""] * 2)[:3] for line in lines if line.strip(",")]
    assert plain.cells.to_numpy().tolist() == wanted


@pytest.mark.parametrize("parts", [("short", "full"), ("full", "short"), ("long", "short", "full"), ("full", "long")])
def test_uneven_lines_are_read_however_far_apart_they_are(parts):
    rows = {
        "full": "Anywhere,2021-03-01,12345\n",
        "short": "Anywhere,2021-03-01\n",
        "long": "Anywhere,2021-03-01,1,,\n",
    }
    text = "region,date,value\n" + "".join(20_000 * rows[part] for part in parts)
    raw = read_table(text.encode(), "x", strict=False)
    wanted = {"full": "12345", "short": "", "long": "1"}
    assert raw.cells["value"].tolist() == [value for part in parts for value in [wanted[part]] * 20_000]


def test_a_publisher_s_file_must_not_be_uneven():
    with pytest.raises(DataError, match="line 6: it has 2 cells where the header has 3; "):
        read_table((TIDY + "A,2021-03-03\n").encode(), "x")


def test_uneven_lines_of_forecasts_are_said(tmp_path):
    text = (
        ",".join((*FORECASTS, "comment"))
        + "\nR,m,2021-03-01,1,2021-03-02,0.5,1,good\nR,m,2021-03-01,1,2021-03-02,0.9,2\n"
    )
    (tmp_path / "f.csv").write_text(text)
    found = read_forecasts(tmp_path / "f.csv")
    assert found.attrs["notes"] == (f"1 line has fewer cells than the header, the first is line 3: {MISSING}",)


# What is asked


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("name,size\nx,1\ny,2\n", QuestionKind.DATES),
        ("name,2021-01-01,2021-01-02,2021-01-03\nx,good,bad,good\n", QuestionKind.TURNED),
        ("date,comment\n2021-03-01,a\n2021-03-02,b\n", QuestionKind.COUNTS),
        (long(["date", "cases", "land"]).replace("cases", "cases,deaths").replace(",0", ",0,0"), QuestionKind.WHICH),
        ("date,cases\n03/04/2021,1\n04/04/2021,5\n05/04/2021,2\n", QuestionKind.DAY_FIRST),
        ("date,region,age,value\n2021-03-01,A,x,4\n2021-03-01,A,y,5\n2021-03-02,A,x,1\n2021-03-02,A,y,2\n", QuestionKind.COMBINE),
        ("date,cases\n" + "".join(f"{d:%Y-%m-%d},{i * i}\n" for i, d in enumerate(pd.date_range("2021-03-01", periods=60))), QuestionKind.CUMULATIVE),
    ],
)  # fmt: skip
def test_every_question_is_of_a_kind(text, kind):
    if kind is QuestionKind.WHICH:
        frame = pd.read_csv(io.StringIO(long(["date", "cases", "land"])))
        text = frame.assign(deaths=frame["cases"]).to_csv(index=False)
    looked = preview_table(text.encode(), "x.csv")
    assert [question.kind for question in looked.questions] == [kind]
    if kind is QuestionKind.DAY_FIRST:
        assert looked.questions[0].days == ("3 April", "4 March")
    if kind in (QuestionKind.DAY_FIRST, QuestionKind.COMBINE, QuestionKind.CUMULATIVE):
        assert kind in {field.name for field in fields(ColumnMapping)}


# Archives


@pytest.mark.parametrize(("uploads", "limit"), [("10", 20), ("28", 56), (None, 60), ("1000", 60)])
def test_an_archive_unpacks_to_what_may_be_uploaded_and_the_memory_bears(monkeypatch, uploads, limit):
    if uploads is None:
        monkeypatch.delenv("FORECAST_MAX_UPLOAD", raising=False)
    else:
        monkeypatch.setenv("FORECAST_MAX_UPLOAD", uploads)
    most = min(limit, 50) * 1_000_000  # a small archive may unpack to a hundred times its size, or to 50 MB
    assert limits.unpacked_limit(b"") == most
    assert limits.unpacked_limit(bytes(5_000_000)) == limit * 1_000_000
    if limit < 50:
        with pytest.raises(DataError, match=f"^x: it unpacks to more than {limit} MB; "):
            preview_table(gzip.compress(bytes(most + 1)), "x")


#: Megabytes that archives unpack to: more than the memory may rise by.
UNPACKED = 120


def bomb(kind: str) -> bytes:
    """A small archive that would fill the memory if it were unpacked."""
    if kind == "gzip":
        return gzip.compress(b"0" * 10_000_000) * 100
    if kind == "crowded":
        entry = b"PK\x01\x02" + bytes(24) + struct.pack("<H", 1) + bytes(16) + b"a"
        listed = entry * 600_000
        end = b"PK\x05\x06" + struct.pack("<HHHHIIH", 0, 0, 65535, 65535, len(listed), 30, 0)
        return b"PK\x03\x04" + bytes(26) + listed + end
    if kind == "workbook":
        book = zipfile.ZipFile(io.BytesIO(workbook(a=[["x"]])))
        return packed({name: book.read(name) for name in book.namelist()}, "xl/worksheets/sheet1.xml", UNPACKED)
    if kind in BOMBS_OF_PARQUET:
        return BOMBS_OF_PARQUET[kind]()
    if kind == "in an archive":
        return zipped(a_zip=bomb("crowded"))
    method = {"lzma": zipfile.ZIP_LZMA, "bzip2": zipfile.ZIP_BZIP2}.get(kind, zipfile.ZIP_DEFLATED)
    content = packed({}, "a.csv", UNPACKED, method)
    if kind != "lying":
        return content
    place = content.index(b"PK\x01\x02")  # it says of itself that it is small
    said = struct.pack("<I", 45_000_000)
    return content[:22] + said + content[26 : place + 24] + said + content[place + 28 :]


def parquet_of(names: list[str], rows: int, **columns: object) -> bytes:
    """A file of so many rows, each with one of `names` in turn, and the same in every other column."""
    codes = pa.array(np.arange(rows, dtype="int32") % len(names))
    made = {"region": pa.DictionaryArray.from_arrays(codes, pa.array(names))}
    made |= {name: pa.array(np.full(rows, value)) for name, value in columns.items()}
    stream = io.BytesIO()
    pq.write_table(pa.table(made), stream, compression="zstd")
    return stream.getvalue()


#: Small Parquet files that take gigabytes where each row has its own text and numbers.
BOMBS_OF_PARQUET = {
    "long name": lambda: parquet_of(["x" * 1_000_000], 600, value=1.0),
    "long names": lambda: parquet_of(["x" * 30_000], 30_000, value=1.0),
    "equal rows": lambda: parquet_of(["x"], 6_000_000),
}


def packed(files: dict[str, bytes], large: str, megabytes: int, method: int = zipfile.ZIP_DEFLATED) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", method) as archive:
        for name, content in files.items():
            if name != large:
                archive.writestr(name, content)
        with archive.open(large, "w") as file:
            for _ in range(megabytes // 10):
                file.write(b"0" * 10_000_000)
    return stream.getvalue()


#: Reads each of the files that it is told in a process of its own, and prints what it says of it and by how many kB its
#: memory rose to say so. The process is forked: what must be imported is imported once.
REFUSED = """
import os, sys
import openpyxl, pyarrow.compute, pyarrow.parquet
from forecasting.support.errors import DataError
from forecasting.tables.table_preview import preview_table
def peak():
    return next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmHWM"))
for path in sys.argv[1:]:
    if os.fork() == 0:
        content = open(path, "rb").read()
        before = peak()
        try:
            preview_table(content, "x")
        except DataError as error:
            print(peak() - before, error, flush=True)
        os._exit(0)
    os.wait()
"""
REFUSALS = {
    "gzip": "it unpacks to more than 60 MB; ",
    "zip": "it unpacks to more than 50 MB; ",
    "lying": "it cannot be read as XLSX or ZIP (Bad CRC-32",
    "lzma": "the archive is packed in an unusual way; ",
    "bzip2": "the archive is packed in an unusual way; ",
    "workbook": "it unpacks to more than 50 MB; ",
    "crowded": "there are more than 16,384 files in the archive; ",
    "long name": "a text in it has more than 32,767 letters; ",
    "long names": "its texts take more than 400 MB; ",
    "equal rows": "it has 6,000,000 rows, 5,000,000 at most are read; ",
    "in an archive": "there is an archive in the archive; ",
}


@pytest.fixture(scope="module")
def refused(tmp_path_factory):
    """For each kind of archive, by how many kB the memory rose, and what was said."""
    folder = tmp_path_factory.mktemp("archives")
    for kind in REFUSALS:
        (folder / kind).write_bytes(bomb(kind))
    command = [sys.executable, "-c", REFUSED, *(str(folder / kind) for kind in REFUSALS)]
    lines = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    return dict(zip(REFUSALS, (line.split(" ", 1) for line in lines), strict=True))


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux tells a process's own peak")
@pytest.mark.parametrize("kind", REFUSALS)
def test_refusing_an_archive_takes_little_memory_however_much_it_unpacks_to(refused, kind):
    rise, said = refused[kind]
    assert said.startswith(f"x: {REFUSALS[kind]}")
    assert int(rise) < 100_000
