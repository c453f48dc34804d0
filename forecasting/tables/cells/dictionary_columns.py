"""Dictionary-coded columns: the distinct texts and which of these each row has. A million rows may have a hundred dates.

A column of cells is coded when it is categorical: its categories are texts, all of them in use, in the order of their
first rows, and no cell is missing.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

#: Rows at the beginning, in the middle and at the end in which texts are counted to see whether they repeat.
_LOOKED_ROWS = 30_000
#: Columns of a table that are coded; wider ones have few rows a column, and their columns are read together.
MAX_CODED_COLUMNS = 100


def is_coded(cells: pd.Series) -> bool:
    """Whether a column is there as its distinct texts."""
    return isinstance(cells.dtype, pd.CategoricalDtype)


def coded_columns(cells: pd.DataFrame) -> list[str]:
    """The names of the columns that are there as their distinct texts."""
    return [column for column, kind in cells.dtypes.items() if isinstance(kind, pd.CategoricalDtype)]


def encode_columns(cells: pd.DataFrame) -> pd.DataFrame:
    """The table with those columns of text dictionary-coded whose texts repeat."""
    if len(cells.columns) > MAX_CODED_COLUMNS:
        return cells
    return pd.DataFrame({column: _coded(cells[column]) for column in cells}, index=cells.index, copy=False)


def _coded(cells: pd.Series) -> pd.Series:
    if not isinstance(cells.dtype, pd.StringDtype) or cells.isna().any():
        return cells
    texts = pa.array(cells)
    if not _repeat(texts):
        return cells
    encoded = texts.dictionary_encode()
    if isinstance(encoded, pa.ChunkedArray):
        encoded = encoded.unify_dictionaries().combine_chunks()
    return coded_column(encoded.indices.to_numpy(), encoded.dictionary.to_pandas())


def _repeat(texts: pa.Array | pa.ChunkedArray) -> bool:
    """Whether no more than half of the texts are different ones, as far as that shows."""
    starts = (0, max(len(texts) - _LOOKED_ROWS, 0) // 2, max(len(texts) - _LOOKED_ROWS, 0))
    parts = [texts.slice(start, _LOOKED_ROWS) for start in dict.fromkeys(starts)]
    return 2 * sum(pc.count_distinct(part).as_py() for part in parts) <= sum(map(len, parts))


def encode_categories(cells: pd.Series) -> pd.Series:
    """A categorical column as coded, or as text where its texts do not repeat."""
    if isinstance(cells.cat.categories.dtype, pd.StringDtype) and 2 * len(cells.cat.categories) > len(cells):
        return decode_column(cells)
    categories = cells.cat.categories.to_numpy(dtype=object)
    texts = [one if isinstance(one, str) else "" if pd.isna(one) else str(one) for one in categories]
    places, distinct_texts = pd.factorize(np.array([*texts, ""], dtype=object))
    # The code of a missing cell is -1, and the text in the last place is that of a blank one.
    codes, used = pd.factorize(places[cells.cat.codes.to_numpy()])
    coded = coded_column(codes, pd.Series(distinct_texts[used], dtype="str"))
    return coded if 2 * len(used) <= len(codes) else decode_column(coded)


def coded_column(codes: np.ndarray, texts: pd.Series) -> pd.Series:
    """A categorical column of `texts`, which are all different."""
    return pd.Series(pd.Categorical.from_codes(codes, categories=pd.Index(texts, dtype="str"), validate=False))


def constant_column(text: str, count: int) -> pd.Series:
    """A categorical column of one text."""
    return coded_column(np.zeros(count, dtype=np.int8), pd.Series([text]))


def decode_column(cells: pd.Series) -> pd.Series:
    """A categorical column of texts as plain text, empty where a cell is missing; any other column as it is."""
    if not is_coded(cells):
        return cells
    texts = pa.array(cells.cat.categories.to_numpy(dtype=object), pa.large_string())
    codes = cells.cat.codes.to_numpy()
    decoded = pa.DictionaryArray.from_arrays(pa.array(codes, mask=codes < 0), texts).cast(pa.large_string())
    return pd.Series(decoded.fill_null("").to_pandas().array, index=cells.index, dtype="str")


def decode_columns(cells: pd.DataFrame) -> pd.DataFrame:
    """The table with its coded columns as text."""
    decoded = cells.copy(deep=False)
    for column in coded_columns(cells):
        decoded[column] = decode_column(cells[column])
    return decoded


def distinct_cells(cells: pd.Series) -> tuple[np.ndarray, pd.Series]:
    """Which of its distinct cells each row has, and these, in the order of their first rows; a missing one is one, too."""
    if is_coded(cells):
        return cells.cat.codes.to_numpy(), pd.Series(cells.cat.categories)
    if cells.dtype == object:
        # There a 1, a text '1' and a truth value may be equal.
        cells = cells.astype("string")
    codes, values = pd.factorize(cells, use_na_sentinel=False)
    return codes, pd.Series(values)


def first_rows(codes: np.ndarray) -> np.ndarray:
    """The first row of each of the codes 0, 1, 2 …"""
    rows = np.empty(int(codes.max()) + 1 if len(codes) else 0, dtype=np.int64)
    rows[codes[::-1]] = np.arange(len(codes) - 1, -1, -1)
    return rows
