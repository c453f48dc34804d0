"""Memory budget: refuse a table that would take more memory than a file of its size may, before it is unpacked.

A few kilobytes can stand for gigabytes: a packed archive, a text that is stored once and named in every row, a record without
anything in it. So what a file expands to is estimated from what shows before it is parsed: rows, columns, cells and letters.
"""

from __future__ import annotations

from dataclasses import dataclass

from forecasting.support import settings
from forecasting.support.errors import DataError

#: Bytes of memory that each byte of an upload may take, beside those of `settings.upload_memory()`.
BYTES_PER_BYTE = 10
#: Bytes that a row takes until it is a row of a panel: its line, its keys, its place in the order.
ROW_BYTES = 80
#: Bytes that a cell takes.
CELL_BYTES = 40
#: Bytes that a column takes, however few rows it has.
COLUMN_BYTES = 22_000
#: Bytes that a letter of a table takes.
LETTER_BYTES = 2


@dataclass(frozen=True)
class MemoryBudget:
    """What reading a file may take.

    Attributes:
        name: what messages call the file.
        most: bytes of memory; None for a file of whoever runs the program, which only the limits on any table bound.
    """

    name: str
    most: int | None = None

    @classmethod
    def of_upload(cls, name: str, content: bytes) -> MemoryBudget:
        """That of a file which somebody has given: the same for all small ones, and more for large ones."""
        return cls(name, 1_000_000 * settings.upload_memory() + BYTES_PER_BYTE * len(content))

    def check_table(self, rows: int, columns: int, letters: int = 0, cells: int | None = None) -> None:
        """Raises `DataError` for a table that is too large; `cells` are rows times columns unless there are more of them."""
        cells = rows * columns if cells is None else cells
        needed = ROW_BYTES * rows + CELL_BYTES * cells + COLUMN_BYTES * columns + LETTER_BYTES * letters
        self.check(needed, f"its {rows:,} rows of {columns:,} columns")

    def check_lines(self, lines: int, letters: int) -> None:
        """Raises `DataError` for a text with too many lines, whatever is on them."""
        self.check(ROW_BYTES * lines + LETTER_BYTES * letters, f"its {lines:,} lines")

    def check(self, needed: int, what: str) -> None:
        """Raises `DataError` where `what` needs more bytes of memory than there are."""
        if self.most is not None and needed > self.most:
            raise DataError(
                f"{self.name}: {what} take more memory than a file of its size may; leave out what is not needed, or split it."
            )
