"""Bytes of a table, as they come: CSV, JSON, Parquet or XLSX, also packed -> named columns of cells with line numbers.

Nothing is executed, unpickled or written to disk, and what is read is bounded before it is unpacked.
"""

from __future__ import annotations

import csv
import io
import re
import zipfile
from array import array
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from forecasting.support.errors import DataError
from forecasting.tables.cells.archives import check_packing, unpacked
from forecasting.tables.cells.dictionary_columns import plain, with_codes
from forecasting.tables.cells.fast_csv import ended_lines, read_plain_csv
from forecasting.tables.cells.formula_escape import all_restored
from forecasting.tables.cells.json_reader import read_json, sound
from forecasting.tables.cells.limits import (
    MAX_SHEET_BYTES,
    MAX_SHEET_CELLS,
    MAX_SHEET_ROWS,
    MAX_TEXT_CELLS,
    check_size,
    megabytes,
    one_line,
    unpacked_limit,
)
from forecasting.tables.cells.parquet_reader import read_parquet
from forecasting.tables.cells.ragged_rows import Uneven, uneven

SEPARATORS = ",;\t|"
_EMPTY = "the file is empty; give a table with the columns region, date and value."
_JSON = re.compile(rb"\s*(\[\s*([\[{\]]|$)|\{\s*([\"}]|$))")

Choice = Callable[[Sequence[str]], Sequence[str]]


@dataclass(frozen=True)
class RawTable:
    """A table nobody has interpreted yet.

    Attributes:
        name: what messages call it.
        cells: the columns; text as it stood in a CSV, whatever was stored in Parquet or XLSX. Blank rows are gone. Text
            may be coded (see `_coded`) for those who asked for it.
        lines: the line (CSV), row (XLSX) or record (Parquet, from 1) of every row of `cells`.
        word: ``"line"``, ``"row"`` or ``"record"``.
        decimal_comma: numbers may be written as ``"1,5"``.
        sheets: the names of a workbook's sheets.
        uneven: lines of a CSV that were read though they have not as many cells as its header.
    """

    name: str
    cells: pd.DataFrame
    lines: np.ndarray
    word: str
    decimal_comma: bool = False
    sheets: tuple[str, ...] = ()
    uneven: Uneven | None = None

    @property
    def notes(self) -> tuple[str, ...]:
        """What a reader has to be told of how it was read."""
        return self.uneven.notes if self.uneven else ()

    @property
    def from_spreadsheet(self) -> bool:
        """Whether it is a CSV or a workbook, as spreadsheets write them and `export` writes them for spreadsheets."""
        return self.word == "line" or bool(self.sheets)

    def error(self, message: str, row: int | None = None) -> DataError:
        """A `DataError` that names the file and, for the `row`-th row, its line."""
        place = self.name if row is None else f"{self.name}, {self.word} {self.lines[row]}"
        return DataError(f"{place}: {message}")

    def place(self, row: int) -> str:
        """``"line 7"``."""
        return f"{self.word} {self.lines[row]}"

    def only(self, rows: np.ndarray) -> RawTable:
        """Some of its rows, without codes."""
        return replace(self, cells=plain(self.cells.iloc[rows]).reset_index(drop=True), lines=self.lines[rows])


def every(header: Sequence[str]) -> Sequence[str]:
    """The `Choice` of all columns."""
    return header


def read_table(
    content: bytes,
    name: str,
    choose: Choice = every,
    sheet: str | None = None,
    strict: bool = True,
    coded: bool = False,
) -> RawTable:
    """Read `content`, whose kind shows in its first bytes; of a CSV only the columns that `choose` picks.

    Of a workbook the sheet called `sheet`, or the first. Unless it is `strict`, a line of a CSV may have fewer cells than
    the header, the others being empty, and more if those are empty; `RawTable.uneven` has such lines. Columns whose
    texts repeat are `coded` for those who ask for it. Raises `DataError`, in one line, for anything that is not such a
    table.
    """
    content = unpacked(content, name)
    if content.startswith(b"PAR1"):
        table = _read_parquet(content, name, coded)
    elif content.startswith(b"PK\x03\x04"):
        table = _read_xlsx(content, name, sheet)
    else:
        table = _read_text(content, name, choose, strict)
    if table.cells.empty:
        raise table.error("there is a header but no row below it; add the figures.")
    cells = _without_blank_columns(table.cells)
    return replace(table, cells=with_codes(cells) if coded else plain(cells))


def _read_text(content: bytes, name: str, choose: Choice, strict: bool) -> RawTable:
    content = _as_utf8(content, name)
    if not content or content.isspace():
        raise DataError(f"{name}: {_EMPTY}")
    if _JSON.match(content[:1000]):
        found = read_json(content, name)
        if found is not None:
            return _records(*found, name)
    return _read_csv(content, name, choose, strict)


def _records(header: list[str], rows: list[list[str]], name: str) -> RawTable:
    cells = pd.DataFrame(rows, columns=_named([column.strip() for column in header], name), dtype="str")
    kept = (cells != "").any(axis=1).to_numpy()
    return RawTable(name, cells[kept].reset_index(drop=True), np.arange(1, len(cells) + 1)[kept], "record")


def _read_csv(content: bytes, name: str, choose: Choice, strict: bool) -> RawTable:
    head = content[: 1_000_000 + len(content) - len(content.lstrip(b"\r\n"))].lstrip(b"\r\n").splitlines()[0]
    unquoted = re.sub(r'"[^"]*"', "", head.decode("utf-8", errors="replace"))
    separator = max(SEPARATORS, key=unquoted.count)
    header, header_ends = _header(content, separator, name)
    chosen = list(choose(header))
    ended = ended_lines(content)
    if (count := len(chosen) * ended) > MAX_TEXT_CELLS:
        raise DataError(f"{name}: it has {count:,} cells, {MAX_TEXT_CELLS:,} at most are read of a text; give Parquet.")
    if chosen == header and (found := read_plain_csv(content, separator, header, header_ends, ended)):
        return RawTable(name, *found, "line", separator == ";")
    # A few columns of a publisher's big file: a width check of all of them would take longer than reading.
    other = None if strict else array("q")
    lines = _lines(content, separator, name, len(header), header_ends, other) if chosen == header else None
    widths = other[1::2] if other else [len(header)]
    longer, shorter = max(widths) > len(header), min(widths) < len(header)
    try:
        cells = pd.read_csv(
            io.BytesIO(content),
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
            skiprows=header_ends,
        )
    except (ValueError, pd.errors.ParserError) as error:
        raise DataError(f"{name}: it cannot be read as CSV ({one_line(error)}); save it anew as CSV.") from None
    checked = lines is not None
    if lines is None:
        lines = np.arange(len(cells)) + header_ends + 1
    if len(lines) != len(cells):
        raise DataError(f"{name}: the quotes in it do not match; save it anew as CSV.")
    # The check has found the blank rows already.
    filled = lines > 0 if checked else (cells != "").any(axis=1).to_numpy()
    if not filled.all():
        cells, lines = cells[filled].reset_index(drop=True), lines[filled]
    told = uneven(other, header, len(lines)) if other else None
    return RawTable(name, cells, lines, "line", separator == ";", uneven=told)


def _as_utf8(content: bytes, name: str) -> bytes:
    """The text as UTF-8 without a mark."""
    if content.startswith((b"\xff\xfe\x00\x00", b"\x00\x00\xfe\xff")):
        content = content.decode("utf-32", errors="replace").encode("utf-8", errors="replace")
    elif content.startswith((b"\xff\xfe", b"\xfe\xff")):
        content = content.decode("utf-16", errors="replace").encode("utf-8", errors="replace")
    elif (zeros := content[:2000].count(0)) and 0.4 < zeros / min(len(content), 2000) <= 0.5:
        # UTF-16 without a mark: of Latin letters every other byte is a zero.
        kind = "utf-16-be" if content[0] == 0 else "utf-16-le"
        content = content.decode(kind, errors="replace").encode("utf-8", errors="replace")
    content = content.removeprefix(b"\xef\xbb\xbf")
    if b"\x00" in content:
        place = f"{name}, line {content[: content.index(0)].count(10) + 1}" if _is_text(content) else name
        what = "there is a zero byte" if _is_text(content) else "this is not a table that can be read"
        raise DataError(f"{place}: {what}; give CSV, JSON, Parquet or XLSX.")
    try:
        if not content.isascii():
            content.decode()
    except UnicodeDecodeError:
        # Excel on Windows still writes CSV in the Windows code page; files put together from several have both.
        return b"".join(_line_as_utf8(line) for line in content.splitlines(keepends=True))
    return content


def _is_text(content: bytes) -> bool:
    """Whether most of the beginning is letters, so that a stray zero byte is the only thing wrong."""
    head = content[:1000]
    return sum(byte >= 32 or byte in (9, 10, 13) for byte in head) > 0.95 * len(head)


def _line_as_utf8(line: bytes) -> bytes:
    try:
        line.decode()
    except UnicodeDecodeError:
        return line.decode("cp1252", errors="replace").encode()
    return line


def _rows(content: bytes, separator: str) -> Iterator[tuple[int, int, list[str]]]:
    """The lines that each row begins and ends on, and its cells."""
    with io.TextIOWrapper(io.BytesIO(content), "utf-8", newline="") as text:
        reader = csv.reader(text, delimiter=separator)
        start = 1
        for row in reader:
            yield start, reader.line_num, row
            start = reader.line_num + 1


def _header(content: bytes, separator: str, name: str) -> tuple[list[str], int]:
    """The first row that is not blank, and the line it ends on."""
    try:
        for _, end, row in _rows(content, separator):
            if any(row):
                return _named(all_restored([cell.strip() for cell in row]), name), end
    except csv.Error as error:
        raise DataError(f"{name}: it cannot be read as CSV ({one_line(error)}); save it anew as CSV.") from None
    raise DataError(f"{name}: the file is empty; give a table with the columns region, date and value.")


def _lines(
    content: bytes,
    separator: str,
    name: str,
    width: int,
    header_ends: int,
    other: array[int] | None = None,
) -> np.ndarray:
    """The line of each row below the header, 0 for a blank one.

    Of a row of another width its line and how many cells it has are put into `other`, where it can only be meant in one
    way. Raises `DataError` for one that cannot, and without `other` for any.
    """
    if b'"' in content or b"\r" in content:
        return _parsed_lines(content, separator, name, other)
    return _simple_lines(content, separator, name, width, header_ends, other)


def _parsed_lines(content: bytes, separator: str, name: str, other: array[int] | None = None) -> np.ndarray:
    """As `_lines`, whatever is quoted."""
    lines: list[int] = []
    width = 0
    # A quote that is never closed may have joined cells, or whole lines; then only the line itself can be asked about.
    joins = '\n\r"' if content.count(b'"') % 2 == 0 else f'\n\r"{separator}'
    try:
        for start, _, row in _rows(content, separator):
            if not any(row):
                lines.extend([0] if width else [])
            elif not width:
                width = len(row)
            elif len(row) == width:
                lines.append(start)
            elif other is not None and _is_clear(row, width, joins):
                lines.append(start)
                other.extend((start, len(row)))
            else:
                raise _wrong_width(name, start, len(row), width)
    except csv.Error as error:
        raise DataError(f"{name}: it cannot be read as CSV ({one_line(error)}); save it anew as CSV.") from None
    return np.array(lines, dtype=int)


def _is_clear(row: list[str], width: int, joins: str) -> bool:
    """Whether a row of another width can only be meant in one way: what is too much is empty, or too little is there.

    A cell with one of the signs that `joins` has may be several.
    """
    if len(row) > width:
        return not any(cell.strip() for cell in row[width:])
    return not any(sign in cell for cell in row for sign in joins)


def _simple_lines(
    content: bytes,
    separator: str,
    name: str,
    width: int,
    header_ends: int,
    other: array[int] | None = None,
) -> np.ndarray:
    """As `_parsed_lines`, but faster, where nothing is quoted: a row is a line and a separator separates."""
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


def _named(header: list[str], name: str) -> list[str]:
    check_size(name, len(header), 1)
    header = [sound(title) for title in header]
    seen: set[str] = set()
    for title in header:
        if title and title in seen:
            raise DataError(f"{name}: the header has the column {title[:40]!r} twice; rename one of them.")
        seen.add(title)
    # A nameless first column (an index, or dates) is kept; pandas needs a name for every column.
    named = [h or f"column {i + 1}" for i, h in enumerate(header)]
    if len(set(named)) < len(named):
        raise DataError(f"{name}: a column without a name would be called as another; give each column a name.")
    return named


def _without_blank_columns(cells: pd.DataFrame) -> pd.DataFrame:
    """Without nameless columns that are empty, which a separator at the end of every line makes."""
    nameless = [column for column in cells if re.fullmatch(r"column \d+", column)]
    return cells.drop(columns=[c for c in nameless if cells[c].isna().all() or cells[c].astype(str).eq("").all()])


def _read_parquet(content: bytes, name: str, coded: bool) -> RawTable:
    cells = read_parquet(content, name, coded)
    cells.columns = _named(list(cells.columns), name)
    return RawTable(name, cells, np.arange(1, len(cells) + 1), "record")


def _read_xlsx(content: bytes, name: str, sheet: str | None) -> RawTable:
    # Only here: it is slow to import and few files are XLSX.
    import openpyxl  # type: ignore[import-untyped]

    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            check_packing(archive, name)
            unpacked = sum(entry.file_size for entry in archive.infolist())
        limit = min(MAX_SHEET_BYTES, unpacked_limit(content))
        if unpacked > limit:
            raise DataError(f"{name}: it unpacks to more than {megabytes(limit)}; save it as CSV.")
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
    except DataError:
        raise
    except Exception as error:  # openpyxl raises many kinds for damaged files
        raise DataError(f"{name}: it cannot be read as XLSX ({one_line(error)}); save it as CSV.") from None
    if not numbered:
        which = "the first sheet" if sheet is None else f"the sheet {sheet!r}"
        raise DataError(f"{name}: {which} is empty; put the table there or choose another sheet.")
    width = max(len(row) for _, row in numbered)
    if width * len(numbered) > 10 * MAX_SHEET_CELLS:
        row = next(i for i, row in numbered if len(row) == width)
        raise DataError(f"{name}, row {row}: a stray cell makes the sheet {width:,} columns wide; save it as CSV.")
    header = all_restored(["" if cell is None else str(cell).strip() for cell in numbered[0][1]])
    header += [""] * (width - len(header))
    rows = [[*row, *[None] * (width - len(row))] for _, row in numbered[1:]]
    cells = pd.DataFrame(rows, columns=_named(header, name), dtype=object)
    return RawTable(name, cells, np.array([i for i, _ in numbered[1:]], dtype=int), "row", sheets=sheets)


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
            numbered.append((i, tuple(sound(c) if isinstance(c, str) else c for c in row[:width])))
    return numbered
