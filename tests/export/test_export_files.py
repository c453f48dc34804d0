import csv
import io

import numpy as np
import pandas as pd
import pytest

from forecasting import Series, model
from forecasting.data.frequency import DAILY, weekly
from forecasting.export import file_formats, hub_format
from forecasting.preparation.prepare import prepare
from forecasting.sources import source
from forecasting.support.errors import DataError
from forecasting.tables.cells.formula_escape import escape_formulas, unescape_formulas
from forecasting.tables.panel_file import read_panel


def table(frequency=None, start="2024-11-09", horizon=6) -> pd.DataFrame:
    series = Series(pd.Timestamp(start), frequency or weekly("SAT"), np.array([100.0, 90.5, 80 / 3]))
    return model("naive").forecast(series, horizon).table("Ohio")


def test_csv_and_parquet_give_back_the_same_numbers_to_the_last_digit():
    original = table()
    csv = pd.read_csv(io.BytesIO(file_formats.to_csv(original)), dtype=str)
    parquet = pd.read_parquet(io.BytesIO(file_formats.to_parquet(original)))
    assert csv["value"].map(float).tolist() == original["value"].tolist()
    assert (parquet["value"] == original["value"]).all()
    assert list(csv.columns) == list(parquet.columns) == list(original.columns)
    assert csv["date"].iloc[0] == "2024-11-30"


#: Names that a spreadsheet would run, at once or when it parts the line elsewhere.
HOSTILE = [
    "=cmd|' /C calc'!A0", "=HYPERLINK(\"http://evil\",\"x\")", "+1", "-1", "-2+3", "@SUM(A1)", "\tx", "\r=1+1", "\n=1",
    " =1+1", "'=1+1", "''=1", "＝1＋1", "＋1", "－1", "＠SUM(A1)", "a;=1+1", "a,=1+1", "a\t=1", "a|@x", 'a",=1+1', 'a";=1',
    "a\r=1+1", "a\r\n=1+1", "\x00=1", "--", "=",
]  # fmt: skip
HARMLESS = ["Ohio", "'s-Hertogenbosch", "Côte d'Ivoire", "Baden-Württemberg", "Korea, South", "a=b", "a; b", "", "'"]
BEGINS_FORMULA = tuple("=+-@＝＋－＠\t\r\n\x00")


def of_hostile_regions() -> pd.DataFrame:
    return pd.DataFrame({"region": HOSTILE, "value": [-1.0] * len(HOSTILE), "=1+1": 2, "text": "fine"})


def cells_of(content: bytes, separator: str) -> list[str]:
    return [cell for row in csv.reader(io.StringIO(content.decode(), newline=""), delimiter=separator) for cell in row]


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
def test_no_cell_of_a_csv_begins_a_formula_wherever_its_lines_are_parted(separator):
    for cell in cells_of(file_formats.to_csv(of_hostile_regions()), separator):
        if separator != ",":  # then numbers are somewhere in a cell, and only its start counts
            assert not cell.lstrip(" ").startswith(BEGINS_FORMULA), cell
        elif cell.lstrip(" ").startswith(BEGINS_FORMULA):
            assert float(cell) == -1.0, cell


def test_numbers_stay_numbers_also_in_a_column_of_anything():
    mixed = pd.DataFrame({"cell": pd.Series([-1.5, "-1.5", None, 2], dtype=object)})
    assert file_formats.to_csv(mixed).decode().splitlines()[1:] == ["-1.5", "'-1.5", '""', "2"]


@pytest.mark.parametrize("name", HOSTILE + HARMLESS)
def test_every_name_can_be_restored(name):
    assert unescape_formulas(escape_formulas(name)) == name
    assert name not in HARMLESS or escape_formulas(name) == name


def test_our_own_csv_read_back_has_the_names_that_were_given():
    original = of_hostile_regions()
    original = original[~original["region"].str.contains("\x00")].reset_index(drop=True)  # no CSV reader keeps those
    found = file_formats.read_exported_csv(file_formats.to_csv(original))
    assert list(found.columns) == list(original.columns)
    assert [name.replace("\r\n", "\n") for name in found["region"]] == [
        name.replace("\r\n", "\n") for name in original["region"]
    ]
    assert found["value"].tolist() == original["value"].tolist()


def test_hours_are_not_lost_in_a_csv():
    hours = pd.DataFrame({"date": pd.to_datetime(["2024-01-01 00:00", "2024-01-01 13:00"])})
    assert file_formats.to_csv(hours).decode().split() == ["date", "2024-01-01T00:00", "2024-01-01T13:00"]


def opened(content: bytes):
    import openpyxl

    return openpyxl.load_workbook(io.BytesIO(content))


def test_a_workbook_has_typed_cells_and_a_sheet_a_table():
    original = table()
    book = opened(file_formats.to_xlsx({"Forecasts": original, "Scores": original.head(1)}))
    assert book.sheetnames == ["Forecasts", "Scores"]
    rows = list(book["Forecasts"].values)
    assert rows[0] == tuple(original.columns)
    assert len(rows) == len(original) + 1
    assert rows[1][4].date() == original["date"][0].date()
    assert book["Forecasts"]["E2"].number_format == "yyyy-mm-dd"
    assert [row[6] for row in rows[1:]] == pytest.approx(original["value"].tolist(), rel=1e-15)
    assert book["Forecasts"]["G2"].data_type == "n"


def test_no_cell_of_a_workbook_is_a_formula_nor_looks_like_one():
    book = opened(file_formats.to_xlsx({"=1+1": of_hostile_regions()}))
    kinds = {cell.data_type for row in book.worksheets[0].iter_rows() for cell in row}
    assert kinds == {"s", "n"}
    for row in book.worksheets[0].iter_rows():
        for cell in row:
            assert cell.data_type == "n" or not cell.value.lstrip(" ").startswith(BEGINS_FORMULA), cell.value


def test_a_workbook_takes_what_xlsx_does_not_know():
    strange = pd.DataFrame(
        {
            "a": [np.nan, np.inf, 1.5],
            "b": pd.to_datetime(["1850-01-01", "2024-01-01", None]),
            "c": ["\x07bell", "x", None],
            "d": pd.to_datetime(["2024-01-01 05:00"] * 3),
            "e": [True, False, True],
        }
    )
    book = opened(file_formats.to_xlsx({"a/b:c": strange, "A b c": strange, "x" * 40: strange, "x" * 41: strange}))
    assert len({name.lower() for name in book.sheetnames}) == 4
    _, first, second, _ = book.worksheets[0].values
    assert first[:2] == (None, "1850-01-01")
    assert second[0] == "inf"
    assert "bell" in first[2]
    assert first[3].hour == 5
    assert (first[4], second[4]) == (True, False)


def test_a_table_too_long_for_a_sheet_is_refused_with_what_to_choose(monkeypatch):
    monkeypatch.setattr(file_formats, "SHEET_ROWS", 10)
    with pytest.raises(DataError, match="choose CSV or Parquet"):
        file_formats.to_xlsx({"Forecasts": table()})


def test_parquet_holds_names_as_they_are():
    found = pd.read_parquet(io.BytesIO(file_formats.to_parquet(of_hostile_regions())))
    assert found["region"].tolist() == HOSTILE


def panel_of(values, cumulative=False):
    dates = pd.date_range("2024-01-01", periods=len(values))
    content = pd.DataFrame({"region": "=A", "date": dates, "value": values}).to_csv(index=False).encode()
    return read_panel(content, "file.csv", cumulative=cumulative)


@pytest.mark.parametrize("cumulative", [False, True])
def test_a_cleaned_series_is_beside_what_was_published_and_says_how_they_differ(cumulative):
    values = [20.0 + i % 7 for i in range(60)]
    values[30], values[40] = -15.0, np.nan
    given = np.nancumsum(values) + 1000 if cumulative else np.array(values)
    given[40] = np.nan
    panel = panel_of(given, cumulative)
    series = prepare(panel, "=A")
    found = file_formats.cleaned_series_table(panel, "=A", panel.statistics[0].name, series).set_index("date")
    assert list(found.columns) == ["region", "value", "reported", "provisional", "note"]
    assert found["value"].dropna().tolist() == series.values.tolist()
    assert found.loc["2024-01-31", "reported"] == -15.0
    assert found.loc["2024-01-31", "note"] == "repaired"
    assert np.isnan(found.loc["2024-02-10", "reported"])
    assert found.loc["2024-02-10", "note"] == "nothing published, filled in"
    assert found.loc["2024-02-20", ["value", "reported", "note"]].tolist() == [21.0, 21.0, ""]
    assert not found["provisional"].any()


def test_figures_that_are_not_used_are_there_with_no_value():
    panel = source("bundled").panel()
    series = prepare(panel, "Vermont", "new_admissions")
    late = file_formats.cleaned_series_table(panel, "Vermont", "new_admissions", series).iloc[-1]
    assert series.provisional is not None
    assert late["date"] == series.provisional.index[-1]
    assert late["reported"] == series.provisional.iloc[-1]
    assert np.isnan(late["value"])
    assert late["provisional"]
    assert late["note"] == "incomplete, not used"


def test_the_hub_format_counts_from_the_saturday_after_the_data():
    hub = hub_format.to_hub_table(table())
    assert list(hub.columns) == [
        "reference_date", "target", "horizon", "target_end_date", "location", "output_type", "output_type_id", "value",
    ]  # fmt: skip
    assert (hub["reference_date"] == pd.Timestamp("2024-11-30")).all()
    assert sorted(hub["horizon"].unique()) == [0, 1, 2, 3]
    ends = hub["reference_date"] + pd.to_timedelta(7 * hub["horizon"], unit="D")
    assert (ends == hub["target_end_date"]).all()
    assert hub.groupby("horizon")["output_type_id"].nunique().eq(23).all()


def test_daily_forecasts_have_no_hub_format_and_say_so():
    with pytest.raises(DataError, match="weeks that end on Saturdays"):
        hub_format.to_hub_table(table(DAILY))
