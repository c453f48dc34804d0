"""Find the header of a second table below the first one, as sheets have it that were made by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd

from forecasting.support.errors import DataError
from forecasting.tables.cells.blank_cells import BLANK_TEXTS, quote_cell, stripped_text
from forecasting.tables.cells.dictionary_columns import distinct_cells
from forecasting.tables.cells.raw_table import RawTable


def second_header(raw: RawTable, columns: list[str]) -> int | None:
    """The row that names columns in the middle of a table: words and no digit in each of the `columns`, and digits below.

    Where the names are those of the header the rows below belong to the same table; None there, and without such a row.
    """
    words, digits = np.ones(len(raw.cells), dtype=bool), np.ones(len(raw.cells), dtype=bool)
    for column in columns:
        codes, distinct = distinct_cells(raw.cells[column])
        texts = stripped_text(distinct).fillna("")
        with_digit = texts.str.contains("[0-9]").to_numpy(dtype=bool)
        named = texts.str.contains(r"[^\W\d_]{2}") & ~texts.str.lower().isin(BLANK_TEXTS)
        words &= (named.to_numpy(dtype=bool) & ~with_digit)[codes]
        digits &= with_digit[codes]
    header = [column.lower() for column in columns]
    begins = np.flatnonzero(words[:-1] & digits[1:])
    return next((int(row) for row in begins if row and _names(raw, int(row), columns) != header), None)


def refuse_second_table(raw: RawTable, columns: list[str]) -> None:
    """Raises `DataError` for a table below which another one stands."""
    row = second_header(raw, columns)
    if row is not None:
        first, second = (quote_cell(str(raw.cells[column].iloc[row])) for column in columns[:2])
        raise DataError(
            f"{raw.name}: a second table begins in {raw.place(row)} (its columns are called {first} and {second}); give each "
            "table by itself."
        )


def _names(raw: RawTable, row: int, columns: list[str]) -> list[str]:
    cells = [raw.cells[column].iloc[row] for column in columns]
    return ["" if pd.isna(cell) else str(cell).strip().lower() for cell in cells]
