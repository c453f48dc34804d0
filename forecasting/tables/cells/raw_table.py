"""A table as it was read and before anybody has interpreted it: named columns of cells with line numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd

from forecasting.support.errors import DataError
from forecasting.tables.cells.dictionary_columns import decode_columns
from forecasting.tables.cells.number_format import NumberFormat
from forecasting.tables.cells.ragged_rows import RaggedRows


@dataclass(frozen=True)
class RawTable:
    """The cells of a table, none of them interpreted yet, and the line that each row stands on.

    Attributes:
        name: what messages call it.
        cells: the columns; text as it stood in a CSV, whatever was stored in Parquet or XLSX. Blank rows are gone. Text
            may be dictionary-coded (see `encode_columns`) for those who asked for it.
        lines: the line (CSV), row (XLSX) or record (Parquet, from 1) of every row of `cells`.
        word: ``"line"``, ``"row"`` or ``"record"``.
        expect_comma: its separators are those of a country with decimal commas.
        number_format: how its numbers are written; None where each column is to tell.
        six_digits: whether dates as 202012 are ``"months"`` or ``"weeks"``; None where each column is to tell.
        sheets: the names of a workbook's sheets.
        ragged: lines of a CSV that were read though they have not as many cells as its header.
        remarks: sentences on how it was reshaped, or what was left out of it.
        original: as it stood before that; None where it still does.
    """

    name: str
    cells: pd.DataFrame
    lines: np.ndarray
    word: str
    expect_comma: bool = False
    number_format: NumberFormat | None = None
    six_digits: str | None = None
    sheets: tuple[str, ...] = ()
    ragged: RaggedRows | None = None
    remarks: tuple[str, ...] = ()
    original: RawTable | None = field(default=None, repr=False)

    @property
    def notes(self) -> tuple[str, ...]:
        """Sentences for the reader about what is odd or was reshaped; empty when nothing is."""
        return (*(self.ragged.notes if self.ragged else ()), *self.remarks)

    def changed(self, cells: pd.DataFrame, lines: np.ndarray, *remarks: str) -> RawTable:
        """The table with other cells, and sentences that say so."""
        original = self if self.original is None else self.original
        return replace(self, cells=cells, lines=lines, remarks=(*self.remarks, *remarks), original=original)

    @property
    def from_spreadsheet(self) -> bool:
        """Whether it is a CSV or a workbook, in which `forecasting.export` escapes formulas."""
        return self.word == "line" or bool(self.sheets)

    def error(self, message: str, row: int | None = None) -> DataError:
        """A `DataError` that names the file and, for the `row`-th row, its line."""
        place = self.name if row is None else f"{self.name}, {self.word} {self.lines[row]}"
        return DataError(f"{place}: {message}")

    def place(self, row: int) -> str:
        """Where the `row`-th row stands: ``"line 7"``."""
        return f"{self.word} {self.lines[row]}"

    def take_rows(self, rows: np.ndarray) -> RawTable:
        """Some of its rows: their positions, or a mask."""
        return replace(self, cells=self.cells.iloc[rows].reset_index(drop=True), lines=self.lines[rows])

    def decoded(self) -> RawTable:
        """The table with its dictionary-coded columns as plain text."""
        return replace(self, cells=decode_columns(self.cells))

    def require_columns(self, columns: Sequence[str]) -> None:
        """Raises `DataError` for the first of a publisher's `columns` that is not there."""
        for column in columns:
            if column not in self.cells:
                raise self.error(f"the header lacks the column {column!r}; get the file anew from the publisher.")
