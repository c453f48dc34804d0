"""Labels out of the cells of a table: names of regions, statistics and models."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from forecasting.tables.cells.blank_cells import quote_cell
from forecasting.tables.cells.dictionary_columns import coded_column, decode_column, distinct_cells
from forecasting.tables.cells.formula_escape import unescape_all_formulas
from forecasting.tables.cells.limits import MAX_NAMES, check_names
from forecasting.tables.cells.raw_table import RawTable


def parse_labels(raw: RawTable, column: str) -> pd.Series:
    """The cells of a column as names, empty where there is none.

    What `forecasting.export` wrote so that no spreadsheet runs it (``'=cmd``) is called again as it was (``=cmd``).
    """
    return decode_column(parse_coded_labels(raw, column))


def parse_coded_labels(raw: RawTable, column: str) -> pd.Series:
    """As `parse_labels`, but categories in the order of the alphabet."""
    codes, cells = distinct_cells(raw.cells[column])
    places, texts = pd.factorize(cells.astype("string").fillna("").str.strip())
    if len(texts) > MAX_NAMES:
        raise raw.error(
            f"the column {quote_cell(column)} has {len(texts):,} different names, {MAX_NAMES:,} at most are read; choose another."
        )
    names = texts.tolist()
    check_names(raw.name, names, f"name in {quote_cell(column)}")
    if raw.from_spreadsheet and any("'" in name for name in names):
        names = unescape_all_formulas(names)
    known, ranks = np.unique(np.array(names, dtype=object), return_inverse=True)
    return coded_column(ranks[places].astype(np.int32)[codes], pd.Series(known))


def parse_filled_labels(raw: RawTable, column: str) -> pd.Series:
    """As `parse_labels`. Raises `DataError` for the first empty cell."""
    return decode_column(parse_filled_coded_labels(raw, column))


def parse_filled_coded_labels(raw: RawTable, column: str) -> pd.Series:
    """As `parse_coded_labels`. Raises `DataError` for the first empty cell."""
    labels = parse_coded_labels(raw, column)
    nameless = (labels == "").to_numpy()
    if nameless.any():
        raise raw.error(f"the column {column!r} is empty; fill it in or delete the row.", int(np.argmax(nameless)))
    return labels


def name_from_file(file: str) -> str:
    """What a region or a model is called after its file where no column names it: ``"france.csv.gz"`` -> ``"france"``."""
    return Path(file).name.split(".")[0] or file
