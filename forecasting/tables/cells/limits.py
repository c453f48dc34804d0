"""How much of a reader's table is read, and how a message says what a third party found wrong with it."""

from __future__ import annotations

from forecasting.support import settings
from forecasting.support.errors import DataError

#: No table is larger than this.
MAX_BYTES = 400_000_000
#: An archive may unpack to so many times what may be uploaded, and to no more than a machine with 1 GB can bear, so that
#: a small file cannot fill the memory: reading takes some ten bytes a byte of CSV (58 MB: 745 MB with the app itself, and
#: 97 MB: 1,062 MB).
PACKED = 2
BEARABLE_BYTES = 60_000_000
#: Tables with more text than this to a byte of archive are made to fill the memory; small ones may be anything.
MAX_RATIO = 100
ALWAYS_BYTES = 50_000_000
#: JSON and workbooks take far more memory and time than their size.
MAX_JSON_BYTES = 60_000_000
MAX_SHEET_BYTES = 100_000_000
MAX_SHEET_CELLS = 2_000_000
MAX_SHEET_ROWS = 1_048_576
MAX_CELLS = 100_000_000
MAX_TEXT_CELLS = 30_000_000
#: As many as a sheet can have; ten thousand regions fit into a wide table.
MAX_COLUMNS = 16_384


def format_megabytes(count: int) -> str:
    """``"50 MB"``."""
    return f"{count // 1_000_000} MB"


def check_size(name: str, columns: int, rows: int) -> None:
    """Raises `DataError` for more columns or cells than are read."""
    if columns > MAX_COLUMNS:
        raise DataError(
            f"{name}: it has {columns:,} columns and at most {MAX_COLUMNS:,} are read; "
            "give the columns region, date and value instead."
        )
    if columns * rows > MAX_CELLS:
        raise DataError(f"{name}: it has {columns * rows:,} cells, {MAX_CELLS:,} at most are read; split it.")


def error_text(error: Exception) -> str:
    """What a third party's error says, short enough to be quoted."""
    return " ".join(str(error).split())[:200] or type(error).__name__


def unpacked_limit(content: bytes) -> int:
    """How many bytes an archive may unpack to."""
    most = min(PACKED * 1_000_000 * settings.max_upload(), BEARABLE_BYTES)
    return min(most, max(ALWAYS_BYTES, MAX_RATIO * len(content)))


def too_large_error(name: str, limit: int) -> DataError:
    """What to say of one that unpacks to more."""
    return DataError(f"{name}: it unpacks to more than {format_megabytes(limit)}; split it into smaller files.")
