"""The line number of every row of a CSV, and which rows have more or fewer cells than its header."""

from __future__ import annotations

import csv
import io
from array import array
from collections.abc import Iterator

import numpy as np

from forecasting.support.errors import DataError
from forecasting.tables.cells.column_names import name_columns
from forecasting.tables.cells.formula_escape import unescape_all_formulas
from forecasting.tables.cells.header_row import LOOKED_ROWS, find_header
from forecasting.tables.cells.limits import error_text


def _rows_with_lines(content: bytes, separator: str) -> Iterator[tuple[int, int, list[str]]]:
    """The lines that each row begins and ends on, and its cells."""
    with io.TextIOWrapper(io.BytesIO(content), "utf-8", newline="") as text:
        reader = csv.reader(text, delimiter=separator)
        start = 1
        for row in reader:
            yield start, reader.line_num, row
            start = reader.line_num + 1


def read_header(content: bytes, separator: str, name: str) -> tuple[list[str], int, tuple[str, ...]]:
    """Column names, the line that the header ends on, and sentences on what stands above or below the names.

    Raises `DataError`.
    """
    rows: list[list[str]] = []
    starts: list[int] = []
    ends: list[int] = []
    try:
        for start, end, row in _rows_with_lines(content, separator):
            if any(row):
                rows.append([cell.strip() for cell in row])
                starts.append(start)
                ends.append(end)
            if len(rows) == LOOKED_ROWS:
                break
    except csv.Error as error:
        if not rows:
            raise unreadable_csv(name, error) from None
    if not rows:
        raise empty_file(name)
    found = find_header(rows)
    return name_columns(unescape_all_formulas(found.names), name), ends[found.last], found.remarks(starts, "line")


def csv_line_numbers(
    content: bytes,
    separator: str,
    name: str,
    width: int,
    header_ends: int,
    other: array[int] | None = None,
) -> np.ndarray:
    """The line number of each row below the header, 0 for a blank one.

    Of a row of another width its line and how many cells it has are put into `other`, where it can only be meant in one
    way. Raises `DataError` for one that cannot, and without `other` for any.
    """
    if b'"' in content or b"\r" in content:
        return _quoted_line_numbers(content, separator, name, width, header_ends, other)
    return _unquoted_line_numbers(content, separator, name, width, header_ends, other)


def _quoted_line_numbers(
    content: bytes, separator: str, name: str, width: int, header_ends: int, other: array[int] | None = None
) -> np.ndarray:
    """As `csv_line_numbers`, whatever is quoted."""
    lines: list[int] = []
    # A quote that is never closed may have joined cells, or whole lines; then only the line itself can be asked about.
    joins = '\n\r"' if content.count(b'"') % 2 == 0 else f'\n\r"{separator}'
    try:
        for start, _, row in _rows_with_lines(content, separator):
            if start <= header_ends:
                continue
            if not any(row):
                lines.append(0)
            elif len(row) == width:
                lines.append(start)
            elif other is not None and _is_clear(row, width, joins):
                lines.append(start)
                other.extend((start, len(row)))
            else:
                raise _wrong_width(name, start, len(row), width)
    except csv.Error as error:
        raise unreadable_csv(name, error) from None
    return np.array(lines, dtype=int)


def _is_clear(row: list[str], width: int, joins: str) -> bool:
    """Whether a row of another width can only be meant in one way: what is too much is empty, or too little is there.

    A cell with one of the signs that `joins` has may be several.
    """
    if len(row) > width:
        return not any(cell.strip() for cell in row[width:])
    return not any(sign in cell for cell in row for sign in joins)


def _unquoted_line_numbers(
    content: bytes,
    separator: str,
    name: str,
    width: int,
    header_ends: int,
    other: array[int] | None = None,
) -> np.ndarray:
    """As `_quoted_line_numbers`, but faster, where nothing is quoted: a row is a line and a separator separates."""
    letters = np.frombuffer(content if content.endswith(b"\n") else content + b"\n", dtype=np.uint8)
    ends = np.flatnonzero(letters == ord("\n"))[header_ends - 1 :]
    starts, ends = ends[:-1] + 1, ends[1:]
    sign = separator.encode()
    separators = np.add.reduceat(letters == ord(separator), starts, dtype=np.int32) if len(starts) else starts
    blank = separators == ends - starts
    odd = np.flatnonzero(~blank & (separators != width - 1))
    if len(odd):
        # Without quotes no cell has joined another, so that only those that are too many need a look.
        sure = (separators[odd] < width) | ((separators[odd] == width) & (letters[ends[odd] - 1] == ord(separator)))
        for row in odd if other is None else odd[~sure]:
            if other is None or content[starts[row] : ends[row]].split(sign, width)[width].strip(sign + b" \t"):
                raise _wrong_width(name, header_ends + 1 + int(row), int(separators[row]) + 1, width)
        if other is not None:
            other.frombytes(np.column_stack([odd + header_ends + 1, separators[odd] + 1]).astype(np.int64).tobytes())
    return np.where(blank, 0, header_ends + 1 + np.arange(len(starts)))


def _wrong_width(name: str, line: int, cells: int, width: int) -> DataError:
    return DataError(
        f"{name}, line {line}: it has {cells} cells where the header has {width}; "
        "mend that line (a text with the separator in it needs quotes)."
    )


def unreadable_csv(name: str, error: Exception) -> DataError:
    """The error for a text that is no CSV."""
    return DataError(f"{name}: it cannot be read as CSV ({error_text(error)}); save it anew as CSV.")


def empty_file(name: str) -> DataError:
    """The error for a file with nothing in it."""
    return DataError(f"{name}: the file is empty; give a table with the columns region, date and value.")
