"""Parquet files -> columns of numbers, times and texts, bounded before they are unpacked; anything else becomes text."""

from __future__ import annotations

import io
from typing import Any

import pandas as pd

from forecasting.support.errors import DataError
from forecasting.tables.cells.dictionary_columns import MAX_CODED_COLUMNS, encode_categories
from forecasting.tables.cells.limits import (
    MAX_BYTES,
    MAX_LETTERS,
    MAX_REPEATED_BYTES,
    check_names,
    check_size,
    error_text,
    format_megabytes,
    too_large_error,
)
from forecasting.tables.cells.memory_budget import MemoryBudget

#: Bytes that a value takes which is in a list or a record.
_NESTED_BYTES = 100
#: Letters that a text counts for besides its own: each different one is looked at by itself.
_DISTINCT_LETTERS = 75


def read_parquet(content: bytes, budget: MemoryBudget, coded: bool) -> pd.DataFrame:
    """The columns of a Parquet file, and its index where that has a name.

    With `coded`, columns of text that are stored as dictionaries stay dictionary-coded.

    Raises `DataError` for what is too large, and nothing else for what is damaged.
    """
    # Only here: it is slow to import.
    import pyarrow.parquet as pq

    name = budget.name
    try:
        metadata = pq.read_metadata(io.BytesIO(content))
        check_size(name, metadata.num_columns, metadata.num_rows)
        check_names(name, metadata.schema.to_arrow_schema().names)
        _check_unpacked_size(metadata, budget)
        _check_repeated_texts(content, metadata, budget)
        cells = pd.read_parquet(io.BytesIO(content), read_dictionary=_dictionaries(metadata) if coded else None)
        if not isinstance(cells.index, pd.RangeIndex) or cells.index.name is not None:
            cells = cells.reset_index()
        header = [str(column).strip() for column in cells.columns]
        cells.columns = pd.RangeIndex(len(header))
        if odd := {i for i, kind in enumerate(cells.dtypes) if not _is_plain(kind)}:
            cells = pd.DataFrame({i: _plain_cells(column) if i in odd else column for i, column in cells.items()})
        cells.columns = header
        return cells
    except DataError:
        raise
    except Exception as error:  # pyarrow raises many kinds for damaged files
        raise DataError(f"{name}: it cannot be read as Parquet ({error_text(error)}); write it anew.") from None


def _check_unpacked_size(metadata: Any, budget: MemoryBudget) -> None:
    """Raises `DataError` for columns that take too much memory, texts that rows have in common apart."""
    groups = [metadata.row_group(i) for i in range(metadata.num_row_groups)]
    size = sum(group.total_byte_size for group in groups)
    if size > MAX_BYTES:
        raise too_large_error(budget.name, MAX_BYTES)
    flat = {field.name for field in metadata.schema.to_arrow_schema() if not field.type.num_fields}
    values = nested = 0
    for group in groups:
        for i in range(metadata.num_columns):
            column = group.column(i)
            values += column.num_values
            if column.path_in_schema not in flat:
                # A cell that is a list or a record becomes a text; one that is stored once may be in every row.
                repeated = column.has_dictionary_page and column.physical_type == "BYTE_ARRAY"
                letters = column.total_uncompressed_size * column.num_values if repeated else 0
                nested += _NESTED_BYTES * column.num_values + letters
    budget.check(nested, "the lists and records in its cells")
    budget.check_table(metadata.num_rows, metadata.num_columns, size, values)


def _check_repeated_texts(content: bytes, metadata: Any, budget: MemoryBudget) -> None:
    """Raises `DataError` for texts that are stored once and would take too much memory in every row that names them.

    A file says how many bytes its columns have before packing, but counts a text of a dictionary once.
    """
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    if not (texts := _text_columns(metadata)):
        return
    name = budget.name
    table, total, distinct = pq.read_table(io.BytesIO(content), columns=texts, read_dictionary=texts), 0, 0
    for column in table.columns:
        for chunk in column.chunks:
            if not isinstance(chunk, pa.DictionaryArray) or not len(chunk):
                continue
            lengths = pc.binary_length(chunk.dictionary)
            if (pc.max(lengths).as_py() or 0) > MAX_LETTERS:
                raise DataError(f"{name}: a text in it has more than {MAX_LETTERS:,} letters; shorten it.")
            distinct += len(chunk.dictionary)
            total += pc.sum(pc.take(lengths, chunk.indices).cast(pa.int64())).as_py() or 0
    if total > MAX_REPEATED_BYTES:
        raise DataError(f"{name}: its texts take more than {format_megabytes(MAX_REPEATED_BYTES)}; shorten them.")
    budget.check_table(metadata.num_rows, metadata.num_columns, total + _DISTINCT_LETTERS * distinct)


def _text_columns(metadata: Any) -> list[str]:
    """The columns of text that are not within another."""
    return [
        field.name
        for field in metadata.schema.to_arrow_schema()
        if str(field.type) in ("string", "large_string", "binary", "large_binary")
        or str(field.type).startswith("dictionary<values=string")
    ]


def _dictionaries(metadata: Any) -> list[str]:
    """The columns of text of which each text is stored once, where there are not too many columns."""
    groups = [metadata.row_group(i) for i in range(metadata.num_row_groups)]
    texts = {field.name for field in metadata.schema.to_arrow_schema() if str(field.type) in ("string", "large_string")}
    return [
        path
        for i in range(metadata.num_columns if metadata.num_columns <= MAX_CODED_COLUMNS else 0)
        if (path := metadata.schema.column(i).path) in texts
        and all(group.column(i).has_dictionary_page for group in groups)
    ]


def _is_plain(kind: Any) -> bool:
    """Whether cells of a type stay as they are."""
    kinds = pd.api.types
    if kinds.is_complex_dtype(kind):
        return False
    return isinstance(kind, pd.StringDtype) or kinds.is_numeric_dtype(kind) or kinds.is_datetime64_any_dtype(kind)


def _plain_cells(cells: pd.Series) -> pd.Series:
    """Numbers, times and texts as they are; whatever else a column can hold as text, and categories of it coded."""
    kinds = pd.api.types
    if kinds.is_complex_dtype(cells):
        return cells.astype(str)
    if kinds.is_numeric_dtype(cells) or kinds.is_datetime64_any_dtype(cells) or kinds.is_string_dtype(cells.dtype):
        usual = ("string", "date", "datetime", "integer", "floating", "decimal", "empty", "mixed-integer-float")
        if cells.dtype != object or kinds.infer_dtype(cells, skipna=True) in usual:
            return cells
    if isinstance(cells.dtype, pd.CategoricalDtype) and kinds.is_numeric_dtype(cells.cat.categories):
        return cells.astype(cells.cat.categories.dtype if cells.notna().all() else float)
    if isinstance(cells.dtype, pd.CategoricalDtype):
        return encode_categories(cells)
    return pd.Series(["" if cell is None or cell is pd.NaT else str(cell) for cell in cells], index=cells.index)
