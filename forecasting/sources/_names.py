"""Names out of a table's cells and header: of regions, statistics, models and columns."""

from __future__ import annotations

import pandas as pd

from forecasting.formulas import all_restored
from forecasting.sources._table import RawTable


def labels_of(raw: RawTable, column: str) -> pd.Series:
    """The column as names, empty where there is none.

    What `export` wrote so that no spreadsheet runs it (``'=cmd``) is called again as it was (``=cmd``).
    """
    texts = raw.cells[column].astype("string").fillna("").str.strip().astype("str").reset_index(drop=True)
    if not raw.from_spreadsheet:
        return texts
    found = texts.unique().tolist()
    changed = {text: name for text, name in zip(found, all_restored(found), strict=True) if name != text}
    return texts.map(lambda text: changed.get(text, text)).astype("str") if changed else texts
