"""Batches of rows, as a database or a data set gives them -> the cells of a `RawTable`, up to `settings.max_rows()`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from forecasting.data.columns import AS_OF, DATE, REGION, STATISTIC, VALUE
from forecasting.support import settings
from forecasting.support.errors import SourceError
from forecasting.tables.cells.raw_table import RawTable
from forecasting.tables.column_vocabulary import COLUMN_SYNONYMS


def _names(column: str) -> tuple[str, ...]:
    return (column, *(synonym for synonym, standard in COLUMN_SYNONYMS.items() if standard == column))


#: What a tidy table may call its dates.
DATE_NAMES = _names(DATE)
#: What it may call its counts.
VALUE_NAMES = _names(VALUE)
#: What it may call its regions.
REGION_NAMES = _names(REGION)
#: What it may call any column but covariates.
KNOWN_NAMES = {*DATE_NAMES, *VALUE_NAMES, *REGION_NAMES, STATISTIC, AS_OF}


def useful_columns(columns: Mapping[str, bool]) -> list[str]:
    """The columns to read of `columns` (name -> whether it holds numbers): of a tidy table its own and covariates.

    Of a table of any other shape all, for only the cells will tell.
    """
    present = {column.lower() for column in columns}
    if present.isdisjoint(DATE_NAMES) or present.isdisjoint(VALUE_NAMES):
        return list(columns)
    return [column for column, numeric in columns.items() if numeric or column.lower() in KNOWN_NAMES]


def find_column(columns: Iterable[str], names: Sequence[str]) -> str | None:
    """The column with the first of `names` that any column has, in whatever case; None without one."""
    lower = {column.lower(): column for column in columns}
    return next((lower[name] for name in names if name in lower), None)


def batch_from_rows(columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> pa.RecordBatch:
    """An Arrow batch of rows of Python objects, as a database driver gives them."""
    return pa.record_batch([_array(list(values)) for values in zip(*rows, strict=True)], names=list(columns))


def collect_batches(name: str, batches: Iterable[pa.RecordBatch]) -> RawTable:
    """All rows of all batches as cells. Raises `SourceError` when there are none, or more than `settings.max_rows()`."""
    most, rows, kept = settings.max_rows(), 0, []
    for batch in batches:
        rows += batch.num_rows
        if rows > most:
            raise SourceError(f"'{name}' has more than {most:,} rows; choose fewer, or raise FORECAST_MAX_ROWS.")
        kept.append(batch)
    if not rows:
        raise SourceError(f"'{name}' has no row to read; fill it, or choose another part of it.")
    columns = kept[0].schema.names
    table = pa.table({column: _joined([batch.column(column) for batch in kept]) for column in columns})
    kept.clear()
    return RawTable(name, table.to_pandas(), np.arange(1, rows + 1), "row")


def _array(values: list[Any]) -> pa.Array:
    try:
        array = pa.array(values, from_pandas=True)
    except (pa.ArrowException, OverflowError):  # SQLite keeps numbers and text in one column
        return _texts(values)
    return array if _is_plain(array.type) else _texts(values)


def _texts(values: list[Any]) -> pa.Array:
    return pa.array([None if value is None else str(value) for value in values], pa.string())


def _is_plain(kind: pa.DataType) -> bool:
    types = pa.types
    return types.is_null(kind) or any(
        test(kind) for test in (is_number, types.is_boolean, types.is_string, types.is_date, types.is_timestamp)
    )


def is_number(kind: pa.DataType) -> bool:
    """Whether a column of this type may be a covariate."""
    return pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind)


def _joined(chunks: list[pa.Array]) -> pa.ChunkedArray:
    """One column of all batches: where they differ in type (empty, whole numbers, text), of the type that holds all."""
    kinds = {chunk.type for chunk in chunks if not pa.types.is_null(chunk.type)}
    if all(is_number(kind) for kind in kinds):
        kind = kinds.pop() if len(kinds) == 1 and not any(map(pa.types.is_decimal, kinds)) else pa.float64()
    elif all(pa.types.is_date(kind) for kind in kinds):
        kind = pa.timestamp("us")
    else:
        kind = kinds.pop() if len(kinds) == 1 else pa.string()
    return pa.chunked_array([chunk.cast(kind) for chunk in chunks], kind)
