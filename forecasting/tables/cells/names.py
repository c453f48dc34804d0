"""Names out of a table's cells and header: of regions, statistics, models and columns."""

from __future__ import annotations

import numpy as np
import pandas as pd

from forecasting.tables.cells.dictionary_columns import as_text, distinct, from_codes
from forecasting.tables.cells.formula_escape import all_restored
from forecasting.tables.cells.raw_table import RawTable


def labels_of(raw: RawTable, column: str) -> pd.Series:
    """The column as names, empty where there is none.

    What `export` wrote so that no spreadsheet runs it (``'=cmd``) is called again as it was (``=cmd``).
    """
    return as_text(coded_labels(raw, column))


def coded_labels(raw: RawTable, column: str) -> pd.Series:
    """As `labels_of`, but categories in the order of the alphabet."""
    codes, cells = distinct(raw.cells[column])
    places, texts = pd.factorize(cells.astype("string").fillna("").str.strip())
    names = texts.tolist()
    if raw.from_spreadsheet and any("'" in name for name in names):
        names = all_restored(names)
    known, ranks = np.unique(np.array(names, dtype=object), return_inverse=True)
    return from_codes(ranks[places].astype(np.int32)[codes], pd.Series(known))
