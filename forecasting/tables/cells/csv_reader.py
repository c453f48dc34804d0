"""CSV of any separator -> the cells of a `RawTable` with their line numbers."""

from __future__ import annotations

import io
import re
from array import array
from collections import Counter
from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd

from forecasting.support.errors import DataError
from forecasting.tables.cells.csv_line_numbers import csv_line_numbers, read_header, unreadable_csv
from forecasting.tables.cells.fast_csv import after_line, count_newlines, read_plain_csv
from forecasting.tables.cells.header_row import LOOKED_ROWS
from forecasting.tables.cells.limits import MAX_LETTERS, MAX_TEXT_CELLS
from forecasting.tables.cells.memory_budget import MemoryBudget
from forecasting.tables.cells.ragged_rows import find_ragged_rows
from forecasting.tables.cells.raw_table import RawTable

#: What may stand between the cells of a CSV.
SEPARATORS = ",;\t|"
#: Between cells it stands where commas are decimal signs, as spreadsheets of such countries write it.
_SEPARATOR_OF_DECIMAL_COMMAS = ";"
#: Lines below a title that show what separates their cells.
_LEAST_LINES = 3
_QUOTED_CELL = re.compile(r'(?:^|(?<=[,;\t|\r\n]))"(?:[^"]|"")*"')
#: Picks those columns of a header that are read.
ColumnChoice = Callable[[Sequence[str]], Sequence[str]]


def all_columns(header: Sequence[str]) -> Sequence[str]:
    """The `ColumnChoice` of all columns."""
    return header


def detect_separator(content: bytes) -> str:
    """The most frequent of `SEPARATORS` in the first line that is not empty, outside of quotes.

    Where that line is a title, with another number of cells than the lines below, the one that splits these alike.
    """
    head = content[: 1_000_000 + len(content) - len(content.lstrip(b"\r\n"))].lstrip(b"\r\n")
    unquoted = _QUOTED_CELL.sub("", head.decode("utf-8", errors="replace"))  # some of which hold ends of lines
    lines = [re.sub(r'"[^"]*"', "", line) for line in unquoted.splitlines()[:LOOKED_ROWS]]
    first = max(SEPARATORS, key=lines[0].count) if lines else SEPARATORS[0]
    below = [line for line in lines[1:] if line.strip()]
    if len(below) < _LEAST_LINES or any(line.count(first) == lines[0].count(first) for line in below if first in line):
        return first
    return max(SEPARATORS, key=lambda sign: _alike(sign, below))


def _alike(separator: str, lines: Sequence[str]) -> int:
    """How many lines a separator splits into as many cells as most."""
    counts = Counter(line.count(separator) for line in lines if separator in line)
    return max(counts.values(), default=0)


def refuse_long_cells(content: bytes, separator: str, name: str) -> None:
    """Raises `DataError` for a cell with more letters than any may have, as far as that shows without parsing."""
    start, ends = 0, (separator.encode(), b"\n", b"\r")
    while start + MAX_LETTERS < len(content):
        end = max(content.rfind(sign, start, start + MAX_LETTERS + 1) for sign in ends)
        if end < 0:
            line = content.count(b"\n", 0, start) + 1
            raise DataError(f"{name}, line {line}: a cell has more than {MAX_LETTERS:,} letters; shorten it.")
        start = end + 1


def read_csv_cells(content: bytes, budget: MemoryBudget, choose: ColumnChoice, strict: bool) -> RawTable:
    """The columns of a UTF-8 CSV that `choose` picks, as text.

    Unless `strict`, lines with fewer cells than the header are filled up, and longer ones cut where nothing is lost
    (`RawTable.ragged`). Raises `DataError` for any other line of another width, and for too many cells.
    """
    name, separator = budget.name, detect_separator(content)
    refuse_long_cells(content, separator, name)
    ended = count_newlines(content)
    header, header_ends, remarks = read_header(content, separator, name)
    chosen = list(choose(header))
    if (count := len(chosen) * ended) > MAX_TEXT_CELLS:
        raise DataError(f"{name}: it has {count:,} cells, {MAX_TEXT_CELLS:,} at most are read of a text; give Parquet.")
    budget.check_table(ended, len(chosen), len(content))
    expect_comma = separator == _SEPARATOR_OF_DECIMAL_COMMAS
    if chosen == header and (found := read_plain_csv(content, separator, header, header_ends, ended)):
        return RawTable(name, *found, "line", expect_comma, remarks=remarks)
    # A few columns of a publisher's big file: a width check of all of them would take longer than reading.
    other = None if strict else array("q")
    lines = csv_line_numbers(content, separator, name, len(header), header_ends, other) if chosen == header else None
    widths = other[1::2] if other else [len(header)]
    longer, shorter = max(widths) > len(header), min(widths) < len(header)
    # pandas counts the rows that it skips, and a quoted name may go on over several lines.
    start = after_line(content, header_ends) if b"\r" not in content.replace(b"\r\n", b"") else 0
    try:
        cells = pd.read_csv(
            io.BytesIO(content[start:]),
            sep=separator,
            dtype=str,
            keep_default_na=False,
            skip_blank_lines=False,
            header=None,
            names=header,
            index_col=False,
            # With it pandas takes lines that are too long, without it those that are too short; both in one go only.
            usecols=None if shorter and not longer else chosen,
            low_memory=not (shorter and longer),
            skiprows=0 if start else header_ends,
        )
    except (ValueError, pd.errors.ParserError) as error:
        raise unreadable_csv(name, error) from None
    checked = lines is not None
    if lines is None:
        lines = np.arange(len(cells)) + header_ends + 1
    if len(lines) != len(cells):
        raise DataError(f"{name}: the quotes in it do not match; save it anew as CSV.")
    # The check has found the blank rows already.
    filled = lines > 0 if checked else (cells != "").any(axis=1).to_numpy()
    if not filled.all():
        cells, lines = cells[filled].reset_index(drop=True), lines[filled]
    ragged = find_ragged_rows(other, header, len(lines)) if other else None
    return RawTable(name, cells, lines, "line", expect_comma, ragged=ragged, remarks=remarks)
