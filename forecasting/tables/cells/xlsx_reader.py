"""XLSX workbooks: one sheet -> the cells of a `RawTable`, bounded before anything is unpacked."""

from __future__ import annotations

import io
import re
import zipfile
from typing import Any

import numpy as np
import pandas as pd

from forecasting.support.errors import DataError
from forecasting.tables.cells.archives import check_compression
from forecasting.tables.cells.column_names import name_columns
from forecasting.tables.cells.formula_escape import unescape_all_formulas
from forecasting.tables.cells.header_row import LOOKED_ROWS, find_header
from forecasting.tables.cells.limits import (
    MAX_SHEET_BYTES,
    MAX_SHEET_CELLS,
    MAX_SHEET_ROWS,
    error_text,
    format_megabytes,
    unpacked_limit,
)
from forecasting.tables.cells.memory_budget import MemoryBudget
from forecasting.tables.cells.raw_table import RawTable
from forecasting.tables.cells.text_encoding import replace_lone_surrogates
from forecasting.tables.cells.workbook_size import check_workbook


def read_xlsx(content: bytes, budget: MemoryBudget, sheet: str | None) -> RawTable:
    """The sheet called `sheet`, or the first. Raises `DataError` for what is no workbook, too large, or has no such sheet."""
    # Only here: it is slow to import and few files are XLSX.
    import openpyxl  # type: ignore[import-untyped]

    name = budget.name
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            check_compression(archive, name)
            unpacked = sum(entry.file_size for entry in archive.infolist())
            has_formulas = unpacked <= MAX_SHEET_BYTES and _has_formulas(archive)
        limit = min(MAX_SHEET_BYTES, unpacked_limit(content))
        if unpacked > limit:
            raise DataError(f"{name}: it unpacks to more than {format_megabytes(limit)}; save it as CSV.")
        if budget.most is not None:
            with zipfile.ZipFile(io.BytesIO(content)) as archive:
                check_workbook(archive, name)
        # Of a formula the value that was last saved is read; nothing is calculated here.
        book = openpyxl.load_workbook(io.BytesIO(content), read_only=True, data_only=True, keep_links=False)
        sheets = tuple(page.title for page in book.worksheets)
        if not sheets:
            raise DataError(f"{name}: there is no sheet with a table in it; save the table as CSV.")
        if sheet is not None and sheet not in sheets:
            known = ", ".join(f"'{title}'" for title in sheets[:8])
            raise DataError(f"{name}: it has no sheet {sheet!r}; choose one of {known}.")
        page = book.worksheets[0 if sheet is None else sheets.index(sheet)]
        numbered = _sheet_rows(page, name)
        if has_formulas:
            written = openpyxl.load_workbook(io.BytesIO(content), read_only=True, keep_links=False)
            numbered = _with_unsaved_formulas(numbered, written.worksheets[book.worksheets.index(page)], name)
    except DataError:
        raise
    except Exception as error:  # openpyxl raises many kinds for damaged files
        raise DataError(f"{name}: it cannot be read as XLSX ({error_text(error)}); save it as CSV.") from None
    if not numbered:
        which = "the first sheet" if sheet is None else f"the sheet {sheet!r}"
        raise DataError(f"{name}: {which} is empty; put the table there or choose another sheet.")
    width = max(len(row) for _, row in numbered)
    if width * len(numbered) > 10 * MAX_SHEET_CELLS:
        row = next(i for i, row in numbered if len(row) == width)
        raise DataError(f"{name}, row {row}: a stray cell makes the sheet {width:,} columns wide; save it as CSV.")
    texts = [["" if cell is None else str(cell).strip() for cell in row] for _, row in numbered[:LOOKED_ROWS]]
    found = find_header(texts)
    header = unescape_all_formulas(found.names)
    header += [""] * (width - len(header))
    below = numbered[found.last + 1 :]
    budget.check_table(len(below), width)
    rows = [[*row, *[None] * (width - len(row))] for _, row in below]
    cells = pd.DataFrame(rows, columns=name_columns(header, name), dtype=object)
    remarks = found.remarks([i for i, _ in numbered], "row")
    return RawTable(name, cells, np.array([i for i, _ in below], dtype=int), "row", sheets=sheets, remarks=remarks)


def _has_formulas(archive: zipfile.ZipFile) -> bool:
    """Whether any sheet has a formula."""
    sheets = [entry for entry in archive.namelist() if entry.startswith("xl/worksheets/") and entry.endswith(".xml")]
    return any(re.search(rb"<(\w+:)?f[ >]", archive.read(entry)) for entry in sheets)


def _with_unsaved_formulas(
    numbered: list[tuple[int, tuple[Any, ...]]], page: Any, name: str
) -> list[tuple[int, tuple[Any, ...]]]:
    """The rows with the text of those formulas whose value was never saved, as other programs than spreadsheets write them.

    Raises `DataError` for a column of such formulas alone.
    """
    formulas = dict(_sheet_rows(page, name))
    filled, saved, unsaved = [], set[int](), set[int]()
    header, titles = numbered[0] if numbered else (0, ())
    lines = dict(numbered)
    for line in sorted({*lines, *formulas}):
        row = lines.get(line, ())
        texts = formulas.get(line, ())
        cells = list(row) + [None] * (len(texts) - len(row))
        for place, cell in enumerate(cells):
            text = texts[place] if place < len(texts) else None
            if cell is None and text is not None:
                cells[place] = text if isinstance(text, str) else f"={getattr(text, 'text', '')}".replace("==", "=")
                unsaved.add(place)
            elif cell is not None and line > header:
                saved.add(place)
        filled.append((line, tuple(cells)))
    if alone := sorted(unsaved - saved):
        title = titles[alone[0]] if alone[0] < len(titles) else f"column {alone[0] + 1}"
        raise DataError(
            f"{name}: the column {str(title)[:40]!r} holds formulas whose results were not saved; open it in a spreadsheet "
            "program, save it there, and give it again."
        )
    return filled


def _sheet_rows(page: Any, name: str) -> list[tuple[int, tuple[Any, ...]]]:
    """The rows that are not blank, with their numbers, without the blank cells at their ends."""
    # What a sheet says of its own size may be wrong, or a trap.
    page.reset_dimensions()
    numbered, count = [], 0
    for i, row in enumerate(page.iter_rows(values_only=True), 1):
        count += len(row)
        # A row may say any number of itself, and all those before it would be made.
        if i > MAX_SHEET_ROWS:
            raise DataError(f"{name}, row {i}: a sheet has {MAX_SHEET_ROWS:,} rows at most; save it anew.")
        if count > MAX_SHEET_CELLS:
            raise DataError(f"{name}, row {i}: a sheet is read up to {MAX_SHEET_CELLS:,} cells; save it as CSV.")
        width = next((k for k in range(len(row), 0, -1) if row[k - 1] not in (None, "")), 0)
        if width:
            numbered.append((i, tuple(replace_lone_surrogates(c) if isinstance(c, str) else c for c in row[:width])))
    return numbered
