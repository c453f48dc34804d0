"""Fast reading of plain CSV, in which each row is a line and each quote stands at an end of its cell, with pyarrow."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv

#: Columns of a table: wider ones have few rows, and the fast way gains nothing.
_MOST_COLUMNS = 200
_QUOTE, _NEWLINE, _RETURN = b'"\n\r'
#: Bytes that are compared at a time: allocating memory takes longer than comparing.
_BLOCK = 1 << 18


def count_newlines(content: bytes) -> int:
    """How many line ends there are; with many short lines `bytes.count` takes several times as long."""
    letters = np.frombuffer(content, dtype=np.uint8)
    blocks = (letters[start : start + _BLOCK] for start in range(0, len(letters), _BLOCK))
    return sum(int(np.count_nonzero(block == _NEWLINE)) for block in blocks)


def read_plain_csv(
    content: bytes, separator: str, header: Sequence[str], header_ends: int, ended: int
) -> tuple[pd.DataFrame, np.ndarray] | None:
    """The cells below the header as text, and the line of each row that is not blank.

    None where that cannot be: a row has more or fewer cells than the header, or a text goes on over several lines.
    `header_ends` is the last line of the header, and `ended` how many ends of lines there are in `content`.
    """
    if len(header) > _MOST_COLUMNS or (b"\r" in content and content.count(b"\r") != content.count(b"\r\n")):
        return None
    start = after_line(content, header_ends)
    letters = np.frombuffer(content, dtype=np.uint8)[start:]
    if b'"' in content and not _is_plain(letters, ord(separator)):
        return None
    try:
        table = csv.read_csv(
            pa.py_buffer(content).slice(start),
            read_options=csv.ReadOptions(column_names=header),
            parse_options=csv.ParseOptions(delimiter=separator, ignore_empty_lines=True),
            convert_options=csv.ConvertOptions(column_types=dict.fromkeys(header, pa.large_string())),
        )
    except pa.ArrowInvalid:
        return None
    count = ended - header_ends + (not content.endswith(b"\n"))
    lines = header_ends + 1 + (np.arange(count) if count == table.num_rows else _filled_lines(letters))
    if len(lines) != table.num_rows:
        return None
    blank = _blank_rows(table)
    if blank is not None:
        table, lines = table.filter(pc.invert(blank)), lines[~blank.to_numpy()]
    return table.to_pandas(), lines


def after_line(content: bytes, line: int) -> int:
    """The position at which the line after `line` begins."""
    position = 0
    for _ in range(line):
        position = content.find(b"\n", position) + 1 or len(content)
    return position


def _is_plain(letters: np.ndarray, separator: int) -> bool:
    """Whether each quote opens or closes a cell, and does both on the same line."""
    quotes = np.flatnonzero(letters == _QUOTE)
    if not len(quotes) or len(quotes) % 2:
        return not len(quotes)
    opening, closing = quotes[::2], quotes[1::2]
    before = np.where(opening == 0, _NEWLINE, letters[opening - 1])
    after = np.where(closing == len(letters) - 1, _NEWLINE, letters[np.minimum(closing + 1, len(letters) - 1)])
    if not (np.isin(before, (separator, _NEWLINE)).all() and np.isin(after, (separator, _NEWLINE, _RETURN)).all()):
        return False
    ends = np.flatnonzero(letters == _NEWLINE)
    return bool((np.searchsorted(ends, opening) == np.searchsorted(ends, closing)).all())


def _filled_lines(letters: np.ndarray) -> np.ndarray:
    """Which of the lines, counted from 0, have anything on them."""
    ends = np.flatnonzero(letters == _NEWLINE)
    if len(letters) and letters[-1] != _NEWLINE:
        ends = np.append(ends, len(letters))
    starts = np.append(0, ends[:-1] + 1)
    returns = (ends > starts) & (letters[np.maximum(ends - 1, 0)] == _RETURN)
    return np.flatnonzero(ends - starts - returns)


def _blank_rows(table: pa.Table) -> pa.ChunkedArray | None:
    """The rows in which there is nothing but separators; None where there are none."""
    blank = pc.equal(table.column(0), "")
    for column in table.columns[1:]:
        if not pc.any(blank).as_py():
            return None
        blank = pc.and_(blank, pc.equal(column, ""))
    return blank if pc.any(blank).as_py() else None
