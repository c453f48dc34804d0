"""Bytes of a table, as they come: CSV, gzipped CSV, Parquet or XLSX -> named columns of cells with line numbers."""

from __future__ import annotations

import csv
import gzip
import io
import zipfile
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass

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
    if not content.strip():
        raise DataError(f"{name}: the file is empty; give a table with the columns region, date and value.")
    if content.startswith(b"PAR1"):
        table = _read_parquet(content, name)
    elif content.startswith(b"PK\x03\x04"):
        table = _read_xlsx(content, name)
    else:
        table = _read_csv(content, name, choose)
    if table.cells.empty:
        raise table.error("there is a header but no row below it; add the figures.")
    return table


def _unpacked(content: bytes, name: str) -> bytes:
    if not content.startswith(b"\x1f\x8b"):
        return content
    try:
        with gzip.open(io.BytesIO(content)) as stream:
            content = stream.read(MAX_BYTES + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"{name}: the gzip file is damaged ({_one_line(error)}); compress it again.") from None
    if len(content) > MAX_BYTES:
        raise DataError(f"{name}: it unpacks to more than {MAX_BYTES // 1_000_000} MB; split it into smaller files.")
    return content


def _read_csv(content: bytes, name: str, choose: Choice) -> RawTable:
    text = _decoded(content, name)
    first_line = text.lstrip("\r\n").split("\n", 1)[0]
    separator = max(SEPARATORS, key=first_line.count)
    header, header_ends, lines = _layout(text, separator, name)
    try:
        cells = pd.read_csv(
            io.StringIO(text),
            sep=separator,
            dtype=str,
            keep_default_na=False,
            skip_blank_lines=False,
            header=None,
            names=header,
            index_col=False,
            usecols=list(choose(header)),
            skiprows=header_ends,
        )
    except (ValueError, pd.errors.ParserError) as error:
        raise DataError(f"{name}: it cannot be read as CSV ({_one_line(error)}); save it anew as CSV.") from None
    filled = (lines > 0) & (cells != "").any(axis=1).to_numpy()
    return RawTable(name, cells[filled].reset_index(drop=True), lines[filled], "line", separator == ";")


def _decoded(content: bytes, name: str) -> str:
    encoding = "utf-16" if content.startswith((b"\xff\xfe", b"\xfe\xff")) else "utf-8-sig"
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError:
        # Excel on Windows still writes CSV in the Windows code page.
        text = content.decode("cp1252", errors="replace")
    if "\x00" in text[:100_000]:
        raise DataError(f"{name}: this is not a table that can be read; give CSV, Parquet or XLSX.")
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _layout(text: str, separator: str, name: str) -> tuple[list[str], int, np.ndarray]:
    """The header, the line it ends on, and the line of each row below it (0 for a blank one); checks the widths."""
    reader = csv.reader(io.StringIO(text), delimiter=separator)
    lines: list[int] = []
    header: list[str] = []
    header_ends, start = 0, 1
    try:
        for row in reader:
            blank = not any(row)
            if not header:
                header = [] if blank else _named([cell.strip() for cell in row], name)
                header_ends = reader.line_num
            elif blank:
                lines.append(0)
            elif len(row) == len(header):
                lines.append(start)
            else:
                raise DataError(
                    f"{name}, line {start}: it has {len(row)} cells where the header has {len(header)}; "
                    "mend that line (a text with the separator in it needs quotes)."
                )
            start = reader.line_num + 1
    except csv.Error as error:
        raise DataError(f"{name}, line {reader.line_num}: it cannot be read as CSV ({_one_line(error)}).") from None
    return header, header_ends, np.array(lines, dtype=int)


def _named(header: list[str], name: str) -> list[str]:
    repeated = next((h for i, h in enumerate(header) if h and h in header[:i]), None)
    if repeated is not None:
        raise DataError(f"{name}: the header has the column {repeated!r} twice; rename one of them.")
    # A nameless first column (an index, or dates) is kept; pandas needs a name for every column.
    return [h or f"column {i + 1}" for i, h in enumerate(header)]


def _read_parquet(content: bytes, name: str) -> RawTable:
    try:
        cells = pd.read_parquet(io.BytesIO(content))
    except Exception as error:  # pyarrow raises many kinds for damaged files
        raise DataError(f"{name}: it cannot be read as Parquet ({_one_line(error)}); write it anew.") from None
    if not isinstance(cells.index, pd.RangeIndex) or cells.index.name is not None:
        cells = cells.reset_index()
    cells.columns = _named([str(column).strip() for column in cells.columns], name)
    return RawTable(name, cells, np.arange(1, len(cells) + 1), "record")


def _read_xlsx(content: bytes, name: str) -> RawTable:
    import openpyxl  # only here: it is slow to import and few files are XLSX

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
        raise DataError(f"{name}: it cannot be read as XLSX ({_one_line(error)}); save it as CSV.") from None
    numbered = [(i, row) for i, row in enumerate(rows, 1) if any(cell not in (None, "") for cell in row)]
    if not numbered:
        raise DataError(f"{name}: the first sheet is empty; put the table there.")
    header = ["" if cell is None else str(cell).strip() for cell in numbered[0][1]]
    cells = pd.DataFrame([row for _, row in numbered[1:]], columns=_named(header, name), dtype=object)
    cells = cells.drop(columns=[c for c, h in zip(cells, header, strict=True) if not h and cells[c].isna().all()])
    return RawTable(name, cells, np.array([i for i, _ in numbered[1:]], dtype=int), "row")


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())[:200] or type(error).__name__
