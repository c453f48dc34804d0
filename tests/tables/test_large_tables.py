"""Large tables: read in one go and with each distinct text looked at once, and told the same as small ones."""

import csv
import gc
import io

import numpy as np
import pandas as pd
import pytest
from brought import parquet
from hypothesis import given
from hypothesis import strategies as some

from benchmarks import load
from forecasting.support.errors import DataError
from forecasting.tables import mapped_table
from forecasting.tables.cells.dictionary_columns import decode_columns, encode_columns, is_coded
from forecasting.tables.cells.fast_csv import count_newlines, read_plain_csv
from forecasting.tables.cells.read_table import read_table
from forecasting.tables.column_mapping import ColumnMapping
from forecasting.tables.mapped_table import read_mapped_table
from forecasting.tables.panel_file import read_panel
from forecasting.tables.table_preview import preview_table

REGIONS, DAYS = 700, 100
AS_IT_IS = ColumnMapping(date="date", value="value", region="region")
#: More than is parsed in one piece, and the places of a row near its end.
TABLE = pd.DataFrame(
    {
        "region": np.repeat([f"District {i:05d}" for i in range(REGIONS)], DAYS),
        "date": np.tile(pd.date_range("2023-01-01", periods=DAYS).strftime("%Y-%m-%d").to_numpy(), REGIONS),
        "value": np.random.default_rng(0).poisson(30, REGIONS * DAYS).astype(str),
    }
)
DEEP = len(TABLE) - 50


def changed(**cells: str) -> pd.DataFrame:
    """The table with other cells in the deep row."""
    return TABLE.assign(**{column: TABLE[column].where(TABLE.index != DEEP, cell) for column, cell in cells.items()})


def as_csv(table: pd.DataFrame, **options) -> bytes:
    content = table.to_csv(index=False, **options).encode()
    assert len(content) > 1 << 20
    return content


@pytest.mark.sweep
@pytest.mark.parametrize(
    ("cells", "what", "cell", "remedy"),
    [
        ({"value": "1,234"}, "not a number", "1,234", "write it without separators (1234)."),
        ({"value": "=1+1"}, "not a number", "=1+1", "formulas are not calculated; save the values."),
        ({"date": "2023-02-30"}, "not a date", "2023-02-30", "write it as 2021-03-31; the row was left out."),
        ({"region": " "}, "no name", " ", "fill it in; the row was left out."),
        ({"value": "-3"}, "below zero", "-3", "leave it if it corrects earlier counts; otherwise mend it."),
    ],
)
@pytest.mark.parametrize("form", ["plain", "quoted", "windows", "blank lines", "parquet"])
def test_a_problem_deep_in_a_large_table_is_told_with_its_line_and_its_remedy(cells, what, cell, remedy, form):
    table, line = changed(**cells), DEEP + 2
    match form:
        case "plain":
            content = as_csv(table)
        case "quoted":
            content = as_csv(table, quoting=csv.QUOTE_NONNUMERIC)
        case "windows":
            content = as_csv(table, lineterminator="\r\n")
        case "blank lines":
            content, line = b"\n" + as_csv(table).replace(b"\nDistrict 00001,", b"\n\n,,\nDistrict 00001,"), line + 201
        case "parquet":
            content, line = parquet(table), DEEP + 1
    looked = preview_table(content, "x")
    assert looked.mapping == AS_IT_IS
    _, report = read_mapped_table(content, "x", looked.mapping)
    column = next(iter(cells))
    assert report.problems.to_numpy().tolist() == [[line, column, cell, what, remedy]]
    assert report.rows == len(TABLE)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (as_csv(changed(value="many")), f"x, line {DEEP + 2}: 'many' in the column 'value' is not a number; write a "),
        (as_csv(changed(date="1 May 2023")), f"x, line {DEEP + 2}: '1 May 2023' in the column 'date' is written other"),
        (as_csv(changed(date="2023-02-30")), f"x, line {DEEP + 2}: '2023-02-30' in the column 'date' is not a day of"),
        (as_csv(changed(region="")), f"x, line {DEEP + 2}: the column 'region' is empty; "),
        (
            as_csv(pd.concat([TABLE, TABLE[7:9].assign(value=-1)])),  # equal rows would be left out
            f"x, line {len(TABLE) + 2}: District 00000 on 2023-01-08 is also in l",
        ),
        (as_csv(TABLE) + b"a,2023-01-01,1,2\n", f"x, line {len(TABLE) + 2}: it has 4 cells where the header has 3; "),
        (as_csv(TABLE) + b'a,"2023-01-01,1\n', f"x, line {len(TABLE) + 2}: it has 2 cells where the header has 3; "),
    ],
)
def test_a_mistake_deep_in_a_large_table_is_refused_with_its_line(content, message):
    with pytest.raises(DataError) as caught:
        read_panel(content, "x")
    assert str(caught.value).startswith(message)


@pytest.mark.sweep
@pytest.mark.parametrize("order", ["by date", "backwards", "anyhow"])
@pytest.mark.parametrize("make", [as_csv, parquet])
def test_the_order_of_the_rows_does_not_matter(order, make):
    expected = read_panel(as_csv(TABLE), "x")
    table = {
        "by date": TABLE.sort_values("date", kind="stable"),
        "backwards": TABLE[::-1],
        "anyhow": TABLE.sample(frac=1, random_state=0),
    }[order]
    content = make(table.reset_index(drop=True))
    pd.testing.assert_frame_equal(read_panel(content, "x").table, expected.table)
    panel, report = read_mapped_table(content, "x", AS_IT_IS)
    pd.testing.assert_frame_equal(panel.table, expected.table)
    assert (report.gaps, report.duplicates, report.regions) == (0, 0, REGIONS)


def test_gaps_and_blanks_are_counted_in_every_region():
    table = TABLE.assign(value=TABLE["value"].where(TABLE.index % DAYS != 5, ""))
    report = read_mapped_table(as_csv(table[table.index % DAYS != 7]), "x", AS_IT_IS)[1]
    assert (report.gaps, report.blanks) == (REGIONS, REGIONS)


def test_one_date_may_be_spelled_in_several_ways():
    spelled = {"2023-01-01": "2023/1/1", "2023-01-02": " 2 January 2023 ", "2023-01-03": "03.01.2023"}
    odd = TABLE.index // DAYS % 2 == 1
    table = TABLE.assign(date=TABLE["date"].where(~odd, TABLE["date"].replace(spelled)))
    chosen = ColumnMapping(date="date", value="value", region="region", day_first=True)
    content = as_csv(table)
    assert is_coded(read_table(content, "x", coded=True).cells["date"])
    panel, report = read_mapped_table(content, "x", chosen)
    pd.testing.assert_frame_equal(panel.table, read_panel(as_csv(TABLE), "x").table)
    assert report.problems.empty
    twice = pd.concat([TABLE, TABLE[:1].assign(date="2023/1/1")])
    message = rf"^x, line {len(TABLE) + 2}: 'District 00000' on 2023-01-01 is also in line 2; choose whether"
    with pytest.raises(DataError, match=message):
        read_mapped_table(as_csv(twice), "x", chosen)


def test_regions_that_differ_in_blanks_around_them_are_the_same():
    table = TABLE.assign(region=TABLE["region"].where(TABLE.index % 2 == 0, " " + TABLE["region"]))
    pd.testing.assert_frame_equal(read_panel(as_csv(table), "x").table, read_panel(as_csv(TABLE), "x").table)


@pytest.mark.parametrize("kind", ["str", "category", "string"])
def test_parquet_is_read_alike_however_its_texts_are_stored(kind):
    frame = TABLE.astype({"region": kind, "date": kind}).assign(value=TABLE["value"].astype(int))
    expected = read_panel(as_csv(TABLE), "x")
    pd.testing.assert_frame_equal(read_panel(parquet(frame), "x").table, expected.table)
    dates = frame.assign(date=pd.to_datetime(TABLE["date"]))
    pd.testing.assert_frame_equal(read_mapped_table(parquet(dates), "x", AS_IT_IS)[0].table, expected.table)


def test_categories_nobody_uses_and_missing_ones_are_no_regions():
    region = pd.Categorical(["A", None, "B", "A"], categories=["unused", "B", "A"])
    frame = pd.DataFrame(
        {"region": region, "date": ["2023-01-01", "2023-01-01", "2023-01-01", "2023-01-02"], "value": 1}
    )
    panel, report = read_mapped_table(parquet(frame), "x", AS_IT_IS)
    assert panel.regions() == ["A", "B"]
    assert report.problems[["line", "what"]].to_numpy().tolist() == [[2, "no name"]]


def test_figures_that_are_all_different_are_read_to_the_last_digit():
    values = np.random.default_rng(1).lognormal(3, 8, len(TABLE))
    table = TABLE.assign(value=[repr(float(value)) for value in values])
    assert not is_coded(read_table(as_csv(table), "x", coded=True).cells["value"])
    assert (read_panel(as_csv(table), "x").table["value"].to_numpy() == values).all()
    gappy = table.assign(value=table["value"].where(table.index != 3, "NA").where(table.index != DEEP, "<5"))
    panel, report = read_mapped_table(as_csv(gappy), "x", AS_IT_IS)
    assert np.flatnonzero(panel.table["value"] != values).tolist() == [3, DEEP]
    assert (report.not_numbers, report.blanks) == (1, 1)


def test_reading_goes_on_with_what_a_look_has_parsed_as_long_as_that_is_kept(monkeypatch):
    content = as_csv(TABLE)
    expected = read_mapped_table(content, "x", AS_IT_IS)[0].table
    looked = preview_table(content, "x")
    parsed = []
    monkeypatch.setattr(mapped_table, "read_table", lambda *args, **how: parsed.append(1) or read_table(*args, **how))
    pd.testing.assert_frame_equal(read_mapped_table(bytes(bytearray(content)), "x", AS_IT_IS)[0].table, expected)
    assert not parsed
    read_mapped_table(content, "y", AS_IT_IS)
    read_mapped_table(content + b"Z,2023-01-01,1\n", "x", AS_IT_IS)
    assert len(parsed) == 2
    del looked
    gc.collect()
    read_mapped_table(content, "x", AS_IT_IS)
    assert len(parsed) == 3


CELLS = some.sampled_from(["", "a", "b c", " ", '"a"', '"a,b"', '""', '"a""b"', 'a"b', '"a\nb"', "ü", "1", '"'])
LINES = some.lists(some.lists(CELLS, min_size=1, max_size=4).map(",".join))


@given(LINES, some.sampled_from(["\n", "\r\n", "\r"]), some.booleans())
def test_a_csv_is_read_in_one_go_only_where_that_gives_the_same_rows_on_the_same_lines(lines, end, ended):
    content = (end.join(["x,y", *lines]) + end * ended).encode()
    found = read_plain_csv(content, ",", ["x", "y"], 1, count_newlines(content))
    if found is None:
        return
    reader = csv.reader(io.StringIO(content.decode(), newline=""))
    next(reader)
    rows = [(reader.line_num, row) for row in reader if any(row)]
    assert found[1].tolist() == [line for line, _ in rows]
    assert found[0].to_numpy(dtype=object).tolist() == [row for _, row in rows]


@given(some.lists(some.tuples(some.sampled_from("abc"), some.text(max_size=3)), min_size=1))
def test_columns_with_codes_hold_the_same_texts(rows):
    cells = pd.DataFrame(rows, columns=["few", "any"], dtype="str")
    pd.testing.assert_frame_equal(decode_columns(encode_columns(cells)), cells)


def test_the_benchmark_measures_a_file_in_processes_of_their_own(monkeypatch, tmp_path):
    monkeypatch.setattr(load, "TURNS", 1)
    file = tmp_path / "figures.csv"
    TABLE[: 5 * DAYS].to_csv(file, index=False)
    figures = {str(figure["name"]): figure for figure in load.measured("csv", file)}
    assert list(figures) == [
        f"load/csv/{what}" for what in ("seconds", "over_parse_dates", "reading", "read_panel", "memory")
    ]
    assert figures["load/csv/reading"]["value"] < figures["load/csv/seconds"]["value"]


def test_the_table_that_is_loaded_has_a_million_rows():
    made = load.table()
    assert (len(made), made["region"].nunique(), made["date"].nunique()) == (1_000_000, 10_000, 100)
