"""Read a table from bytes, whatever their format: CSV, JSON, Parquet or XLSX, also packed -> `RawTable`.

Nothing is executed, unpickled or written to disk, and what is read is bounded before it is unpacked.
"""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from forecasting.support.errors import DataError
from forecasting.tables.cells.archives import unpack_archive
from forecasting.tables.cells.column_names import drop_blank_columns, name_columns
from forecasting.tables.cells.csv_line_numbers import empty_file
from forecasting.tables.cells.csv_reader import ColumnChoice, all_columns, read_csv_cells
from forecasting.tables.cells.dictionary_columns import decode_columns, encode_columns
from forecasting.tables.cells.fast_csv import count_newlines
from forecasting.tables.cells.json_reader import read_json
from forecasting.tables.cells.memory_budget import MemoryBudget
from forecasting.tables.cells.other_files import refuse_other_files
from forecasting.tables.cells.parquet_reader import read_parquet
from forecasting.tables.cells.raw_table import RawTable
from forecasting.tables.cells.text_encoding import to_utf8
from forecasting.tables.cells.xlsx_reader import read_xlsx

#: The beginning of a list or an object.
_JSON = re.compile(rb"\s*(\[\s*([\[{\]]|$)|\{\s*([\"}]|$))")


def read_table(
    content: bytes,
    name: str,
    choose: ColumnChoice = all_columns,
    sheet: str | None = None,
    strict: bool = True,
    coded: bool = False,
    own: bool = False,
) -> RawTable:
    """Read `content`, whose kind shows in its first bytes; of a CSV only the columns that `choose` picks.

    Of a workbook the sheet called `sheet`, or the first. Unless it is `strict`, a line of a CSV may have fewer cells than
    the header, the others being empty, and more if those are empty; `RawTable.ragged` has such lines. Columns whose
    texts repeat are `coded` for those who ask for it. A file that is not of whoever runs the program (`own`) may take only as
    much memory as its size allows. Raises `DataError`, in one line, for anything that is not such a
    table.
    """
    budget = MemoryBudget(name) if own else MemoryBudget.of_upload(name, content)
    refuse_other_files(content, name)
    content = unpack_archive(content, name)
    refuse_other_files(content, name)
    if content.startswith(b"PAR1"):
        table = _read_parquet(content, budget, coded)
    elif content.startswith(b"PK\x03\x04"):
        table = read_xlsx(content, budget, sheet)
    else:
        table = _read_text(content, budget, choose, strict)
    if table.cells.empty:
        raise table.error("there is a header but no row below it; add the figures.")
    cells = drop_blank_columns(table.cells)
    return replace(table, cells=encode_columns(cells) if coded else decode_columns(cells))


def _read_text(content: bytes, budget: MemoryBudget, choose: ColumnChoice, strict: bool) -> RawTable:
    name = budget.name
    budget.check_lines(count_newlines(content) or content.count(b"\r"), len(content))
    content = to_utf8(content, name)
    if not content or content.isspace():
        raise empty_file(name)
    if _JSON.match(content[:1000]):
        records = read_json(content, budget)
        if records is not None:
            return _records(*records, name)
    return read_csv_cells(content, budget, choose, strict)


def _records(header: list[str], rows: list[list[Any]], name: str) -> RawTable:
    """Records as a table: columns of texts, of numbers, and of both."""
    names = name_columns([column.strip() for column in header], name)
    columns = {column: _typed([row[i] for row in rows]) for i, column in enumerate(names)}
    cells = pd.DataFrame(columns, columns=names, index=range(len(rows)))
    kept = np.array([any(cell != "" for cell in row) for row in rows], dtype=bool)
    return RawTable(name, cells[kept].reset_index(drop=True), np.arange(1, len(cells) + 1)[kept], "record")


def _typed(cells: list[Any]) -> pd.Series:
    """Cells that are text or numbers as a column of text, of numbers, or of objects."""
    texts = [isinstance(cell, str) for cell in cells]
    if all(texts):
        return pd.Series(cells, dtype="str")
    if all(cell == "" for cell, text in zip(cells, texts, strict=True) if text):
        known = [None if text else cell for cell, text in zip(cells, texts, strict=True)]
        whole = all(isinstance(cell, int) and abs(cell) < 2**63 for cell in known if cell is not None)
        return pd.Series(known, dtype="Int64" if whole and any(texts) else "int64" if whole else float)
    return pd.Series(cells, dtype=object)


def _read_parquet(content: bytes, budget: MemoryBudget, coded: bool) -> RawTable:
    cells = read_parquet(content, budget, coded)
    cells.columns = name_columns(list(cells.columns), budget.name)
    return RawTable(budget.name, cells, np.arange(1, len(cells) + 1), "record")


def read_file_content(file: str | Path | bytes, name: str | None = None) -> tuple[bytes, str]:
    """The bytes of a file, and what messages call it. Raises `DataError` where it cannot be read."""
    if isinstance(file, bytes):
        return file, name or "your table"
    path = Path(file)
    try:
        return path.read_bytes(), name or path.name
    except OSError as error:
        reason = (error.strerror or "it cannot be read").lower()
        raise DataError(f"{path}: {reason}; check the path.") from None
