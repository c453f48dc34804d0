"""How a column of texts is written: decimal and thousands signs, currencies, units, negatives; and what leaves a doubt."""

import numpy as np
import pyarrow as pa
import pytest

from forecasting.support.errors import DataError
from forecasting.tables.cells.number_format import NumberFormat, parse_number_texts
from forecasting.tables.column_mapping import ColumnMapping
from forecasting.tables.mapped_table import read_mapped_table
from forecasting.tables.panel_file import read_panel
from forecasting.tables.table_preview import preview_table


def parsed(*cells, **options):
    return parse_number_texts(pa.array(cells, pa.large_string()), **options)


def table(*cells, separator=",", name="value"):
    """A daily table with these cells as its figures."""
    rows = "".join(f'2021-03-{day:02d}{separator}"{cell}"\n' for day, cell in enumerate(cells, 1))
    return f"date{separator}{name}\n{rows}".encode()


@pytest.mark.parametrize(
    ("cells", "values"),
    [
        (["904", "907", "1.020", "1.062"], [904, 907, 1020, 1062]),
        (["904", "907", "1,020", "1,062"], [904, 907, 1020, 1062]),
        (["0.98", "1.020"], [0.98, 1.02]),
        (["0,98", "1,020"], [0.98, 1.02]),
        (["1.020,5", "1.062"], [1020.5, 1062]),
        (["1,020.5", "1,062"], [1020.5, 1062]),
        (["1.020.300", "1.062"], [1_020_300, 1062]),
        (["12", "31", "1.020"], [12, 31, 1020]),
        (["1'020", "1\u2019062.5"], [1020, 1062.5]),
        (["1 020", "1\u00a0062,5", "1\u2009100"], [1020, 1062.5, 1100]),
        (["1,23,456", "12,34,567.5"], [123_456, 1_234_567.5]),
        (["$1,020.50", "-$7", "($5.00)", "$-3.00"], [1020.5, -7, -5, -3]),
        (["1.020,50 €", "7 €"], [1020.5, 7]),
        (["CHF 1'020.50", "CHF 12.-"], [1020.5, 12]),
        (["12 %", "3,5 %", "0"], [12, 3.5, 0]),
        (["3.5 °C", "\u22124 °C"], [3.5, -4]),
        (["(123)", "123-", "- 5", "12,-"], [-123, -123, -5, 12]),
        (["1.2E+03", "1e2"], [1200, 100]),
        (["1,2E+03", "2E2"], [1200, 200]),
    ],
)
def test_a_column_shows_how_its_numbers_are_written(cells, values):
    found = parsed(*cells)
    assert found.values.tolist() == values
    assert found.doubt is None
    assert not found.wrong.any()


@pytest.mark.parametrize("blank", ["", "-", "–", "—", "n/a", "N.A.", "..", "NULL"])
def test_dashes_and_abbreviations_stand_for_no_figure(blank):
    found = parsed("5", blank)
    assert np.isnan(found.values[1])
    assert not found.wrong.any()


@pytest.mark.parametrize(
    "cells",
    [["1.020", "1.062"], ["1,020", "1,062"], ["2", "1.125", "3"], ["1.020", "1,030", "500"], ["1500", "1.234"]],
)
def test_numbers_that_may_be_thousands_or_fractions_leave_a_doubt(cells):
    doubt = parsed(*cells).doubt
    assert doubt is not None
    assert doubt.point != doubt.comma


@pytest.mark.parametrize(
    ("cells", "wrong"),
    [
        (["12 km", "3 km", "4 mi"], [2]),
        (["12%", "3%", "0.07"], [2]),
        (["12 t", "3 t"], [0, 1]),
        (["1.5", "2.5", "1,5"], [2]),
        (["5", "(5", "--5"], [1, 2]),
        (["5", "1.2.3", "05.03.2021"], [1, 2]),
    ],
)
def test_cells_of_another_unit_or_format_than_their_column_are_wrong(cells, wrong):
    assert np.flatnonzero(parsed(*cells).wrong).tolist() == wrong


def test_a_single_odd_cell_makes_no_doubt_of_a_long_column():
    found = parsed(*map(str, range(30)), "1,234", counts=np.array([10] * 30 + [1]))
    assert found.doubt is None
    assert np.flatnonzero(found.wrong).tolist() == [30]


def test_another_column_of_the_table_ends_a_doubt():
    rows = b"date;value;rate\n2021-03-01;1.020;0,5\n2021-03-02;1.062;0,25\n"
    assert read_panel(rows, "x").table["value"].tolist() == [1020, 1062]
    # A column of dates shows no decimal sign.
    rows = b"date;value;until\n2021-03-01;1.020;04.2021\n2021-03-02;1.062;05.2021\n"
    with pytest.raises(DataError, match="may mean"):
        read_panel(rows, "x")


@pytest.mark.parametrize(
    ("number_format", "values"), [("1.234,5", [1020, 1062]), ("1 234,5", [1020, 1062]), ("1,234.5", [1.02, 1.062])]
)
def test_a_format_that_is_said_decides(number_format, values):
    content = table("1.020", "1.062")
    assert read_panel(content, "x", number_format=number_format).table["value"].tolist() == values
    mapping = ColumnMapping(date="date", value="value", number_format=number_format)
    assert ColumnMapping.from_json(mapping.to_json()) == mapping
    panel, report = read_mapped_table(content, "x", mapping)
    assert panel.table["value"].tolist() == values
    assert not report.needs_no_mapping


def test_a_format_that_is_not_known_is_refused_with_those_that_are():
    with pytest.raises(DataError, match="'1_234' is not known; give"):
        NumberFormat.parse("1_234")
    with pytest.raises(DataError, match="number_format"):
        ColumnMapping.from_json('{"number_format":"1_234"}')


def test_a_doubt_names_its_line_and_both_readings():
    with pytest.raises(
        DataError, match=r"line 2: '1\.020' in the column 'value' may mean 1\.02 .* or 1020 .*--number-format"
    ):
        read_panel(table("1.020", "1.062"), "x")
    wide = b"date;A;B\n2021-03-01;1.020;1.500\n2021-03-02;1.062;1.600\n"
    with pytest.raises(DataError, match=r"line 2: '1\.020' may mean"):
        read_panel(wide, "x")
    wide = wide.replace(b"1.062", b"962")
    assert read_panel(wide, "x").counts("B").tolist() == [1500, 1600]


def test_the_first_look_asks_with_what_each_format_makes_of_a_cell():
    looked = preview_table(table("1.020", "1.062", "1.100"), "x")
    question = next(one for one in looked.questions if one.kind == "number_format")
    assert question.numbers == (("1,234.5", "1.02"), ("1.234,5", "1,020"))
    assert not preview_table(table("904", "1.020", "1.062"), "x").questions


def test_covariates_in_doubt_are_left_out_and_a_note_says_so():
    rows = b"date,value,tests\n2021-03-01,5,1.125\n2021-03-02,6,2.375\n"
    panel = read_panel(rows, "x")
    assert "tests" not in panel.table
    assert panel.notes == ("Left out, because their numbers may be thousands or fractions: tests.",)
