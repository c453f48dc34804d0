"""Bytes of a table, as they come: CSV, gzipped CSV, Parquet or XLSX -> named columns of cells with line numbers."""

from __future__ import annotations

import csv
import gzip
import io
import re
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from forecasting.errors import DataError

#: No table is larger than this once unpacked, so that a small file cannot fill the memory.
MAX_BYTES = 400_000_000
SEPARATORS = ",;\t"

Choice = Callable[[Sequence[str]], Sequence[str]]


@dataclass(frozen=True)
class RawTable:
    """A table nobody has interpreted yet.

    Attributes:
        name: what messages call it.
        cells: the columns; text as it stood in a CSV, whatever was stored in Parquet or XLSX. Blank rows are gone.
        lines: the line (CSV), row (XLSX) or record (Parquet, from 1) of every row of `cells`.
        word: ``"line"``, ``"row"`` or ``"record"``.
        decimal_comma: numbers may be written as ``"1,5"``.
    """

    name: str
    cells: pd.DataFrame
    lines: np.ndarray
    word: str
    decimal_comma: bool = False

    def error(self, message: str, row: int | None = None) -> DataError:
        """A `DataError` that names the file and, for the `row`-th row, its line."""
        place = self.name if row is None else f"{self.name}, {self.word} {self.lines[row]}"
        return DataError(f"{place}: {message}")

    def place(self, row: int) -> str:
        """``"line 7"``."""
        return f"{self.word} {self.lines[row]}"


def every(header: Sequence[str]) -> Sequence[str]:
    """The `Choice` of all columns."""
    return header


def read_table(content: bytes, name: str, choose: Choice = every) -> RawTable:
    """Read `content`, whose kind shows in its first bytes; of a CSV only the columns that `choose` picks.

    Raises `DataError`, in one line, for anything that is not such a table.
    """
    content = _unpacked(content, name)
    if not content or content.isspace():
        raise DataError(f"{name}: the file is empty; give a table with the columns region, date and value.")
    if content.startswith(b"PAR1"):
        table = _read_parquet(content, name)
    elif content.startswith(b"PK\x03\x04"):
        table = _read_xlsx(content, name)
    else:
        table = _read_csv(content, name, choose)
    if table.cells.empty:
        raise table.error("there is a header but no row below it; add the figures.")
    return replace(table, cells=_without_blank_columns(table.cells))


def _unpacked(content: bytes, name: str) -> bytes:
    if not content.startswith(b"\x1f\x8b"):
        return content
    try:
        with gzip.open(io.BytesIO(content)) as stream:
            content = stream.read(MAX_BYTES + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"{name}: the gzip file is damaged ({one_line(error)}); compress it again.") from None
    if len(content) > MAX_BYTES:
        raise DataError(f"{name}: it unpacks to more than {MAX_BYTES // 1_000_000} MB; split it into smaller files.")
    return content


def _read_csv(content: bytes, name: str, choose: Choice) -> RawTable:
    content = _as_utf8(content, name)
    head = content[:100_000].lstrip(b"\r\n").splitlines()[0].decode("utf-8", errors="replace")
    separator = max(SEPARATORS, key=head.count)
    header, header_ends = _header(content, separator, name)
    chosen = list(choose(header))
    # A few columns of a publisher's big file: a width check of all of them would take longer than reading.
    lines = _lines(content, separator, name, len(header), header_ends) if chosen == header else None
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
            usecols=chosen,
            skiprows=header_ends,
        )
    except (ValueError, pd.errors.ParserError) as error:
        raise DataError(f"{name}: it cannot be read as CSV ({one_line(error)}); save it anew as CSV.") from None
    if lines is None:
        lines = np.arange(len(cells)) + header_ends + 1
    filled = (lines > 0) & (cells != "").any(axis=1).to_numpy()
    return RawTable(name, cells[filled].reset_index(drop=True), lines[filled], "line", separator == ";")


def _as_utf8(content: bytes, name: str) -> bytes:
    """The text as UTF-8 without a mark."""
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        content = content.decode("utf-16", errors="replace").encode()
    content = content.removeprefix(b"\xef\xbb\xbf")
    if b"\x00" in content:
        raise DataError(f"{name}: this is not a table that can be read; give CSV, Parquet or XLSX.")
    try:
        content.decode()
    except UnicodeDecodeError:
        # Excel on Windows still writes CSV in the Windows code page.
        return content.decode("cp1252", errors="replace").encode()
    return content


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
                return _named([cell.strip() for cell in row], name), end
    except csv.Error as error:
        raise DataError(f"{name}: it cannot be read as CSV ({one_line(error)}); save it anew as CSV.") from None
    raise DataError(f"{name}: the file is empty; give a table with the columns region, date and value.")


def _lines(content: bytes, separator: str, name: str, width: int, header_ends: int) -> np.ndarray:
    """The line of each row below the header, 0 for a blank one. Raises `DataError` for a row of another width."""
    if b'"' in content or b"\r" in content:
        return _parsed_lines(content, separator, name)
    return _simple_lines(content, separator, name, width, header_ends)


def _parsed_lines(content: bytes, separator: str, name: str) -> np.ndarray:
    """As `_lines`, whatever is quoted."""
    lines: list[int] = []
    width = 0
    try:
        for start, _, row in _rows(content, separator):
            if not any(row):
                lines.extend([0] if width else [])
            elif not width:
                width = len(row)
            elif len(row) == width:
                lines.append(start)
            else:
                raise _wrong_width(name, start, len(row), width)
    except csv.Error as error:
        raise DataError(f"{name}: it cannot be read as CSV ({one_line(error)}); save it anew as CSV.") from None
    return np.array(lines, dtype=int)


def _simple_lines(content: bytes, separator: str, name: str, width: int, header_ends: int) -> np.ndarray:
    """As `_parsed_lines`, but faster, where nothing is quoted: a row is a line and a separator separates."""
    letters = np.frombuffer(content if content.endswith(b"\n") else content + b"\n", dtype=np.uint8)
    ends = np.flatnonzero(letters == ord("\n"))[header_ends - 1 :]
    starts, ends = ends[:-1] + 1, ends[1:]
    separators = np.add.reduceat(letters == ord(separator), starts, dtype=np.int32) if len(starts) else starts
    blank = separators == ends - starts
    wrong = ~blank & (separators != width - 1)
    if wrong.any():
        row = int(np.argmax(wrong))
        raise _wrong_width(name, header_ends + 1 + row, int(separators[row]) + 1, width)
    return np.where(blank, 0, header_ends + 1 + np.arange(len(starts)))


def _wrong_width(name: str, line: int, cells: int, width: int) -> DataError:
    return DataError(
        f"{name}, line {line}: it has {cells} cells where the header has {width}; "
        "mend that line (a text with the separator in it needs quotes)."
    )


def _named(header: list[str], name: str) -> list[str]:
    repeated = next((h for i, h in enumerate(header) if h and h in header[:i]), None)
    if repeated is not None:
        raise DataError(f"{name}: the header has the column {repeated!r} twice; rename one of them.")
    # A nameless first column (an index, or dates) is kept; pandas needs a name for every column.
    return [h or f"column {i + 1}" for i, h in enumerate(header)]


def _without_blank_columns(cells: pd.DataFrame) -> pd.DataFrame:
    """Without nameless columns that are empty, which a separator at the end of every line makes."""
    nameless = [column for column in cells if re.fullmatch(r"column \d+", column)]
    return cells.drop(columns=[c for c in nameless if cells[c].isna().all() or cells[c].astype(str).eq("").all()])


def _read_parquet(content: bytes, name: str) -> RawTable:
    try:
        cells = pd.read_parquet(io.BytesIO(content))
    except Exception as error:  # pyarrow raises many kinds for damaged files
        raise DataError(f"{name}: it cannot be read as Parquet ({one_line(error)}); write it anew.") from None
    if not isinstance(cells.index, pd.RangeIndex) or cells.index.name is not None:
        cells = cells.reset_index()
    cells.columns = _named([str(column).strip() for column in cells.columns], name)
    return RawTable(name, cells, np.arange(1, len(cells) + 1), "record")


def _read_xlsx(content: bytes, name: str) -> RawTable:
    # Only here: it is slow to import and few files are XLSX.
    import openpyxl  # type: ignore[import-untyped]

    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            unpacked = sum(entry.file_size for entry in archive.infolist())
        if unpacked > MAX_BYTES:
            raise DataError(f"{name}: it unpacks to more than {MAX_BYTES // 1_000_000} MB; save it as CSV.")
        book = openpyxl.load_workbook(io.BytesIO(content), read_only=True, data_only=True)
        rows = list(book.worksheets[0].iter_rows(values_only=True))
    except DataError:
        raise
    except Exception as error:  # openpyxl raises many kinds for damaged files
        raise DataError(f"{name}: it cannot be read as XLSX ({one_line(error)}); save it as CSV.") from None
    numbered = [(i, row) for i, row in enumerate(rows, 1) if any(cell not in (None, "") for cell in row)]
    if not numbered:
        raise DataError(f"{name}: the first sheet is empty; put the table there.")
    header = ["" if cell is None else str(cell).strip() for cell in numbered[0][1]]
    cells = pd.DataFrame([row for _, row in numbered[1:]], columns=_named(header, name), dtype=object)
    return RawTable(name, cells, np.array([i for i, _ in numbered[1:]], dtype=int), "row")


def one_line(error: Exception) -> str:
    """What a third party's error says, short enough to be quoted."""
    return " ".join(str(error).split())[:200] or type(error).__name__
