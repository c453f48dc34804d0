"""Codes for missing figures, such as -999: no measurement, and a sentence says so."""

import numpy as np
import pandas as pd
import pytest

from forecasting.data.kind import AMOUNT, COUNT
from forecasting.tables.column_mapping import ColumnMapping
from forecasting.tables.mapped_table import read_mapped_table
from forecasting.tables.panel_file import read_panel

DAYS = pd.date_range("2020-01-01", periods=100)
USUAL = 10 + np.arange(100) % 7


def table(values, column="value"):
    return pd.DataFrame({"date": DAYS, column: values}).to_csv(index=False).encode()


def with_code(code, places=(5, 60, 61), usual=USUAL):
    values = usual.astype(float)
    values[list(places)] = code
    return values


@pytest.mark.parametrize("code", [-99, -999, -9999, -999.9, -99.9, 999, 9999, 99999, 999.9])
@pytest.mark.parametrize("column", ["value", "temperature"])
def test_a_code_that_repeats_far_outside_all_others_is_missing(code, column):
    panel = read_panel(table(with_code(code), column), "x.csv")
    assert panel.table["value"].isna().sum() == 3
    assert panel.table["value"].max() == 16
    said = f"3 figures in '{column}' are {code}, far outside all others: taken as a code for missing."
    assert said in panel.notes
    mapping = ColumnMapping(date="date", value=column)
    mapped, report = read_mapped_table(table(with_code(code), column), "x.csv", mapping)
    assert mapped.table["value"].isna().sum() == 3
    assert said in report.sentences
    assert report.negative == 0


def test_temperatures_below_zero_keep_their_own_figures():
    panel = read_panel(table(with_code(-999, usual=USUAL * 3 - 30.5)), "x.csv")
    assert panel.table["value"].isna().sum() == 3
    assert panel.table["value"].min() == -0.5


def test_one_code_far_below_figures_that_are_never_negative_is_missing_and_the_kind_is_theirs():
    panel = read_panel(table(with_code(-999, (7,), USUAL + 0.5)), "x.csv")
    assert panel.table["value"].isna().sum() == 1
    assert panel.statistics[0].kind is AMOUNT


@pytest.mark.parametrize(
    "values",
    [
        with_code(-99, (7,), USUAL * 50),  # a correction
        with_code(9999, (7,)),  # a single high figure
        with_code(999, usual=USUAL * 40),  # not far outside
        with_code(-99, usual=USUAL * 10 - 150.0),  # near the others
    ],
)
def test_what_may_be_a_figure_stays_one(values):
    panel = read_panel(table(values), "x.csv")
    assert panel.table["value"].tolist() == values.tolist()
    assert not any("code for missing" in note for note in panel.notes)


def test_each_column_of_a_wide_table_has_its_own_codes():
    frame = pd.DataFrame({"date": DAYS, "A": with_code(-99), "B": USUAL + 100, "C": with_code(-99, (9,))})
    panel = read_panel(frame.to_csv(index=False).encode(), "x.csv")
    assert panel.table.groupby("region")["value"].apply(lambda one: one.isna().sum()).to_dict() == {
        "A": 3,
        "B": 0,
        "C": 1,
    }
    assert panel.statistics[0].kind is COUNT
    assert "4 figures in 'A' and 'C' are -99, far outside all others: taken as a code for missing." in panel.notes


def test_further_columns_are_looked_at_as_well():
    frame = pd.DataFrame({"date": DAYS, "value": USUAL, "humidity": with_code(-9999, usual=USUAL + 50)})
    panel = read_panel(frame.to_csv(index=False).encode(), "x.csv")
    assert panel.table["humidity"].isna().sum() == 3
