"""Row labels: which column of a raw table has its dates, and which tell what else a row is of, by their names and cells."""

from __future__ import annotations

import numpy as np
import pandas as pd

from forecasting.tables.cells.blank_cells import BLANK_TEXTS
from forecasting.tables.cells.parse_dates import date_share
from forecasting.tables.cells.raw_table import RawTable
from forecasting.tables.column_vocabulary import DATE_WORDS, IDENTIFIER_WORDS, REGION_WORDS, fold_words

#: Rows and columns that are looked at.
_LOOKED_ROWS, _LOOKED_COLUMNS = 200, 100
#: Words of columns whose numbers are names.
_NAME_WORDS = REGION_WORDS | IDENTIFIER_WORDS["a code"] | IDENTIFIER_WORDS["a postal code"]


def _texts(raw: RawTable, column: str) -> list[str]:
    """The different texts of some cells that are not blank."""
    rows = np.unique(np.linspace(0, len(raw.cells) - 1, _LOOKED_ROWS).astype(int))
    texts = raw.cells[column].iloc[rows].astype("string").fillna("").str.strip()
    return [text for text in texts.unique() if text.lower() not in BLANK_TEXTS]


def date_column(raw: RawTable) -> str | None:
    """The first column of dates that is called so, or else the first one whose cells are dates; None without any."""
    columns = list(raw.cells)[:_LOOKED_COLUMNS]
    named = [column for column in columns if fold_words(column) & DATE_WORDS]
    for column in [*named, *columns[:3]]:
        if pd.api.types.is_datetime64_any_dtype(raw.cells[column]):
            return column
        texts = _texts(raw, column)
        if texts and date_share(texts) > 0.8:
            return column
    return None


def label_columns(raw: RawTable, date: str) -> list[str]:
    """The columns that tell what a row is of: texts and further dates, and numbers that are called as names are."""
    labels = []
    for column in list(raw.cells)[:_LOOKED_COLUMNS]:
        if column == date:
            continue
        cells = raw.cells[column]
        if pd.api.types.is_datetime64_any_dtype(cells) or fold_words(column) & _NAME_WORDS:
            labels.append(column)
        elif not (pd.api.types.is_numeric_dtype(cells) or pd.api.types.is_bool_dtype(cells)):
            texts = _texts(raw, column)
            numbers = sum(any(sign.isdigit() for sign in text) and date_share([text]) == 0 for text in texts)
            if texts and 2 * numbers < len(texts):
                labels.append(column)
    return labels


def figure_columns(raw: RawTable, date: str) -> list[str]:
    """The other columns that are not blank."""
    labels = {date, *label_columns(raw, date)}
    return [column for column in list(raw.cells)[:_LOOKED_COLUMNS] if column not in labels and _texts(raw, column)]
