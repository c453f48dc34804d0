"""Limits on the size of a table, so that none fills the memory; and texts of other libraries' errors."""

from __future__ import annotations

from collections.abc import Iterable

from forecasting.support import settings
from forecasting.support.errors import DataError

#: Bytes of a table, packed or not.
MAX_BYTES = 400_000_000
#: An archive may unpack to so many times the size of an upload.
UNPACKED_UPLOADS = 2
#: Bytes that any archive may unpack to. A machine with 1 GB bears no more: reading takes some ten bytes a byte of CSV
#: (58 MB: 745 MB with the app itself, and 97 MB: 1,062 MB).
MAX_UNPACKED_BYTES = 60_000_000
#: Unpacked bytes a byte of archive: more are made to fill the memory.
MAX_RATIO = 100
#: Bytes that an archive may unpack to whatever the ratio.
ALWAYS_UNPACKED_BYTES = 50_000_000
#: Bytes of JSON, which takes far more memory and time than its size.
MAX_JSON_BYTES = 60_000_000
#: Unpacked bytes of a workbook.
MAX_SHEET_BYTES = 100_000_000
#: Cells of a sheet.
MAX_SHEET_CELLS = 2_000_000
#: Rows of a sheet, as many as spreadsheets have.
MAX_SHEET_ROWS = 1_048_576
#: Cells of a table.
MAX_CELLS = 100_000_000
#: Cells of a CSV.
MAX_TEXT_CELLS = 30_000_000
#: Rows of a table: the largest hub's target data have half as many.
MAX_ROWS = 5_000_000
#: Letters of one text, as many as a spreadsheet's cell holds; a region's name has far fewer.
MAX_LETTERS = 32_767
#: Letters of the name of a column, a region or a statistic: a question of a survey has some hundred.
MAX_NAME_LETTERS = 1_000
#: Different names of regions, or of statistics, in a table.
MAX_NAMES = 200_000
#: Bytes that texts take which a file stores once and names in many rows.
MAX_REPEATED_BYTES = 400_000_000
#: Columns of a table, as many as spreadsheets have; ten thousand regions fit into a wide table.
MAX_COLUMNS = 16_384


def format_megabytes(count: int) -> str:
    """Bytes in words: ``"50 MB"``."""
    return f"{count // 1_000_000} MB"


def check_size(name: str, columns: int, rows: int) -> None:
    """Raises `DataError` for more columns, rows or cells than are read."""
    if columns > MAX_COLUMNS:
        raise DataError(
            f"{name}: it has {columns:,} columns and at most {MAX_COLUMNS:,} are read; "
            "give the columns region, date and value instead."
        )
    if rows > MAX_ROWS:
        raise DataError(f"{name}: it has {rows:,} rows, {MAX_ROWS:,} at most are read; split it.")
    if columns * rows > MAX_CELLS:
        raise DataError(f"{name}: it has {columns * rows:,} cells, {MAX_CELLS:,} at most are read; split it.")


def check_names(name: str, names: Iterable[str], what: str = "column") -> None:
    """Raises `DataError` for a name of a column, or of `what`, that is longer than any."""
    for one in names:
        if len(one) > MAX_NAME_LETTERS:
            raise DataError(
                f"{name}: the name of the {what} '{one[:40]}…' has {len(one):,} letters and may have {MAX_NAME_LETTERS:,}; "
                "shorten it."
            )


def error_text(error: Exception) -> str:
    """The message of another library's error on one line, at most 200 letters of it."""
    return " ".join(str(error).split())[:200] or type(error).__name__


def unpacked_limit(content: bytes) -> int:
    """How many bytes an archive may unpack to."""
    most = min(UNPACKED_UPLOADS * 1_000_000 * settings.max_upload(), MAX_UNPACKED_BYTES)
    return min(most, max(ALWAYS_UNPACKED_BYTES, MAX_RATIO * len(content)))


def too_large_error(name: str, limit: int) -> DataError:
    """The error for an archive that unpacks to more than `limit` bytes."""
    return DataError(f"{name}: it unpacks to more than {format_megabytes(limit)}; split it into smaller files.")
