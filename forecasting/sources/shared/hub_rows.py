"""Rows of some targets out of a hub's file of millions, a block at a time: what is not asked for is never all in memory."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pc_csv
import pyarrow.parquet as pq

from forecasting.support.errors import DataError
from forecasting.tables.cells.blank_cells import USUAL_BLANKS
from forecasting.tables.cells.dictionary_columns import coded_column, is_coded
from forecasting.tables.cells.limits import error_text
from forecasting.tables.cells.raw_table import RawTable

#: Bytes of a CSV that are parsed at a time.
_CSV_BLOCK = 1 << 19
#: Rows of a Parquet file that are decoded at a time.
_PARQUET_ROWS = 1 << 17
#: Bytes of a CSV in which its first line ends.
_LONGEST_HEADER = 10_000
#: Text of which there are few different ones in a column.
_CODED = pa.dictionary(pa.int32(), pa.string())


def is_parquet(path: Path) -> bool:
    """Whether a file is Parquet."""
    with path.open("rb") as file:
        return file.read(4) == b"PAR1"


def csv_rows(path: Path, texts: Sequence[str], number: str, target: str, targets: Sequence[str]) -> RawTable | None:
    """The rows of a CSV whose column `target` is one of `targets`; of columns only `texts` (coded) and the `number`.

    None where it is not plain: a header that lacks one of them, cells that are no numbers, lines of another width. Who
    reads it as any table then is told what is wrong.
    """
    with path.open("rb") as file:
        header = [
            name.strip('"') for name in file.readline(_LONGEST_HEADER).decode("utf-8", "replace").strip().split(",")
        ]
    if not {*texts, number, target} <= set(header) or len(set(header)) != len(header):
        return None
    try:
        with pc_csv.open_csv(
            path,
            pc_csv.ReadOptions(block_size=_CSV_BLOCK, use_threads=False),
            pc_csv.ParseOptions(ignore_empty_lines=False),
            pc_csv.ConvertOptions(
                include_columns=[*texts, number],
                column_types=dict.fromkeys(texts, _CODED) | {number: pa.float64()},
                null_values=list(USUAL_BLANKS),
            ),
        ) as batches:
            cells, places = _kept(batches, target, targets, batches.schema)
    except pa.ArrowException:
        return None
    pa.default_memory_pool().release_unused()
    return RawTable(path.name, cells, places + 2, "line")


def parquet_rows(path: Path, columns: Sequence[str], target: str, targets: Sequence[str]) -> RawTable:
    """The rows of a Parquet file whose column `target`, if it has that, is one of `targets`; days as timestamps.

    Raises `DataError` where it cannot be read.
    """
    try:
        with pq.ParquetFile(path, read_dictionary=[name for name in columns if name in (target, "location")]) as file:
            batches = file.iter_batches(_PARQUET_ROWS, columns=list(columns), use_threads=False)
            schema = file.schema_arrow
            cells, places = _kept(batches, target, targets, pa.schema([schema.field(name) for name in columns]))
    except (OSError, pa.ArrowException) as error:
        raise DataError(f"{path.name}: it cannot be read as Parquet ({error_text(error)}); get it anew.") from None
    # Arrow keeps what it no longer needs, several times the table's size.
    pa.default_memory_pool().release_unused()
    return RawTable(path.name, cells, places + 1, "record")


def _kept(
    batches: Iterator[pa.RecordBatch], target: str, targets: Sequence[str], schema: pa.Schema
) -> tuple[pd.DataFrame, np.ndarray]:
    """The rows of some targets, and their places among all, from 0."""
    wanted = pa.array(targets, pa.string())
    columns = {field.name: _CodedColumn() if _is_coded(field.type) else _PlainColumn(field.type) for field in schema}
    places, start = [np.empty(0, dtype=np.int64)], 0
    for batch in batches:
        rows = _are_in(batch.column(target), wanted) if target in columns else np.ones(len(batch), dtype=bool)
        if rows.any():
            kept = batch if rows.all() else batch.filter(pa.array(rows))
            for name, column in columns.items():
                column.add(kept.column(name))
            places.append(np.flatnonzero(rows) + start)
        start += len(batch)
    return pd.DataFrame({name: column.cells() for name, column in columns.items()}), np.concatenate(places)


def _is_coded(kind: pa.DataType) -> bool:
    return bool(pa.types.is_dictionary(kind))


class _CodedColumn:
    """A column of text that comes in parts, as the codes of its distinct texts, in the order of their first rows."""

    def __init__(self) -> None:
        self._codes: dict[str, int] = {}
        self._parts = [np.empty(0, dtype=np.int32)]

    def add(self, cells: pa.DictionaryArray) -> None:
        """Add the next rows."""
        codes, used = pd.factorize(cells.indices.fill_null(-1).to_numpy(zero_copy_only=False))
        texts = cells.dictionary.to_pylist()
        known = [-1 if i < 0 else self._codes.setdefault(texts[i], len(self._codes)) for i in used.tolist()]
        self._parts.append(np.array(known, dtype=np.int32)[codes])

    def cells(self) -> pd.Series:
        """All rows; the parts are given up."""
        codes, self._parts = np.concatenate(self._parts), []
        return coded_column(codes, pd.Series(list(self._codes), dtype="str"))


class _PlainColumn:
    """Any other column that comes in parts."""

    def __init__(self, kind: pa.DataType) -> None:
        self._kind = kind
        self._parts: list[pa.Array] = []

    def add(self, cells: pa.Array) -> None:
        """Add the next rows."""
        self._parts.append(cells)

    def cells(self) -> pd.Series:
        """All rows; the parts are given up."""
        parts, self._parts = self._parts, []
        return pa.chunked_array(parts, self._kind).to_pandas(date_as_object=False)


def _are_in(column: pa.Array, wanted: pa.Array) -> np.ndarray:
    """Which cells are one of the `wanted` texts; of a coded column each different text is looked up once."""
    if not isinstance(column, pa.DictionaryArray):
        return pc.is_in(column.cast(pa.string()), wanted).to_numpy(zero_copy_only=False)
    known = pc.is_in(column.dictionary.cast(pa.string()), wanted).to_numpy(zero_copy_only=False)
    codes = column.indices.fill_null(len(known)).to_numpy(zero_copy_only=False)
    return np.append(known, False)[codes]


def recoded(cells: pd.DataFrame) -> pd.DataFrame:
    """The table with only those categories of its coded columns that are in use, in the order of their first rows."""
    for column in [name for name in cells if is_coded(cells[name])]:
        if cells[column].isna().any():
            continue
        codes, used = pd.factorize(cells[column].cat.codes.to_numpy())
        texts = pd.Series(cells[column].cat.categories.to_numpy(dtype=object)[used], dtype="str")
        cells[column] = coded_column(codes.astype(np.int32), texts).array
    return cells
