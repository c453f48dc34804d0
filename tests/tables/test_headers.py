"""Headers as people bring them: below titles, of several rows, with blank rows around; and the kind stays that of the figures."""

import pandas as pd
import pytest
from brought import workbook

from forecasting.data.kind import AMOUNT, MEASUREMENT
from forecasting.tables.panel_file import read_panel, read_raw_table
from forecasting.tables.table_preview import preview_table
from forecasting.tables.unmapped_table import read_unmapped_table

DAYS = pd.date_range("2020-01-01", periods=40)


def read(content, name="x.csv"):
    """What the command line reads, and what it says."""
    panel, notes = read_unmapped_table(read_raw_table(content, name))
    return panel, (*notes, *panel.notes)


def lines(*values, sign=","):
    return "".join(f"{day:%Y-%m-%d}{sign}{sign.join(str(v + i % 7) for v in values)}\n" for i, day in enumerate(DAYS))


PLAIN = "date,sales\n" + lines(100)


@pytest.mark.parametrize(
    "text",
    [
        PLAIN,
        PLAIN.replace("\n", "\n,\n,\n", 1),
        PLAIN.replace("\n", "\n\n\n", 1),
        PLAIN.replace("\n", "\n , \n , \n", 1),
        "Report of the shop\nmade on Monday\n\n" + PLAIN,
        '"Report, of the shop"\n' + PLAIN,
        "Report of the shop,\n,\n" + PLAIN,
        "Report, of the shop\n\n" + PLAIN.replace(",", ";"),
    ],
)
def test_the_same_figures_are_of_the_same_kind_whatever_stands_around_them(text):
    panel, _ = read(text.encode())
    assert panel.table["value"].tolist() == [100 + i % 7 for i in range(40)]
    assert panel.statistics[0].kind is AMOUNT
    assert panel.statistics[0].kind_reason == "called 'sales'"
    assert read_panel(PLAIN.encode(), "x.csv").statistics[0].kind is AMOUNT


def test_where_the_table_begins_is_said():
    _, notes = read(("Report of the shop\nmade on Monday\n\n" + PLAIN).encode())
    assert "The table begins below its title, lines 1 to 2." in notes
    assert "The table begins below its title, line 1." in preview_table(("Report\n" + PLAIN).encode(), "x").raw.notes


def test_a_mistake_below_a_title_is_named_by_its_own_line():
    raw = read_raw_table(("Report\n\n" + PLAIN).encode(), "x.csv")
    assert raw.lines[:2].tolist() == [4, 5]
    raw = read_raw_table(("Report\n\n" + PLAIN.replace("2020-01-02", '"2020-01-02"')).encode(), "x.csv")
    assert raw.lines[:2].tolist() == [4, 5]


def test_what_google_trends_writes_is_read():
    text = "Category: All categories\n\nWeek,flu: (United States)\n" + lines(20).replace(",20\n", ",<1\n")
    panel, notes = read(text.encode(), "multiTimeline.csv")
    assert panel.regions() == ["flu: (United States)"]
    assert any("'<1'" in note for note in notes)


def test_names_of_two_rows_are_put_together():
    rows = [["", "North", None, "South", None], ["Date", "Sales", "Cost", "Sales", "Cost"]]
    rows += [[day.to_pydatetime(), 5 + i % 3, 4, 7 + i % 3, 6] for i, day in enumerate(DAYS)]
    raw = read_raw_table(workbook(a=rows), "x.xlsx")
    assert list(raw.cells) == ["Date", "North Sales", "North Cost", "South Sales", "South Cost"]


def test_rows_of_names_and_units_below_a_header_belong_to_it():
    text = "Price,Close,High\nTicker,AAPL,AAPL\nDate,,\n" + lines(100, 110)
    raw = read_raw_table(text.encode(), "x.csv")
    assert list(raw.cells) == ["Date", "Close", "High"]
    assert raw.lines[0] == 4
    assert "Read as a part of the header: lines 2 to 3." in raw.notes
    panel, _ = read(("date,temp\n(day),(degrees)\n" + lines(10)).encode())
    assert len(panel.table) == 40


def test_a_word_from_the_file_s_name_is_said_to_be_from_there():
    panel = read_panel(b"date,value\n" + lines(100).encode(), "price_index.csv")
    assert panel.statistics[0].kind is MEASUREMENT
    assert panel.statistics[0].kind_reason == "'index' is in the file's name"
    panel = read_panel(b"date,index\n" + lines(100).encode(), "x.csv")
    assert panel.statistics[0].kind_reason == "called 'index'"


@pytest.mark.parametrize("text", ["date,region,value\n2020-01-01,A,\n2020-01-02,A,3\n2020-01-03,A,4\n2020-01-04,A,4\n"])
def test_a_first_row_without_a_figure_is_a_row(text):
    assert len(read_panel(text.encode(), "x.csv").table) == 4


def test_names_and_cells_that_go_on_over_several_lines_are_read():
    text = 'date,value,"comment\nlong"\n' + "".join(f'{day:%Y-%m-%d},{i},"a\nb"\n' for i, day in enumerate(DAYS))
    panel = read_panel(text.encode(), "x.csv", cumulative=False)
    assert panel.table["value"].tolist() == list(range(40))
    assert all("\n" not in note for note in panel.notes)
