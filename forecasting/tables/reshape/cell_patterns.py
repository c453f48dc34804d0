"""What cells of years, months and times of day look like, as whole numbers and texts."""

from __future__ import annotations

import numpy as np
import pandas as pd

from forecasting.tables.cells.blank_cells import stripped_text
from forecasting.tables.cells.dictionary_columns import distinct_cells

#: Years of tables that are put together here.
FIRST_YEAR, LAST_YEAR = 1700, 2200


def column_texts(cells: pd.Series) -> np.ndarray:
    """The cells of a column as stripped texts."""
    codes, distinct = distinct_cells(cells)
    return stripped_text(distinct).to_numpy(dtype=object)[codes]


def whole_numbers(cells: pd.Series) -> np.ndarray:
    """The cells of a column as whole numbers, -1 where one is anything else."""
    codes, distinct = distinct_cells(cells)
    texts = stripped_text(distinct)
    plain = texts.str.fullmatch(r"[0-9]{1,6}(\.0+)?").fillna(False).to_numpy(dtype=bool)
    numbers = np.full(len(texts), -1, dtype=np.int64)
    numbers[plain] = texts[plain].astype(float).astype(np.int64).to_numpy()
    return numbers[codes]


def are_years(numbers: np.ndarray) -> np.ndarray:
    """Which whole numbers are years."""
    return (numbers >= FIRST_YEAR) & (numbers <= LAST_YEAR)
