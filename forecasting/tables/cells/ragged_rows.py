"""Ragged rows: lines of a CSV with fewer or more cells than its header, and sentences about them."""

from __future__ import annotations

import re
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

TOO_FEW = "too few cells"
TOO_MANY = "too many cells"


@dataclass(frozen=True)
class RaggedRows:
    """Lines of another width that were read all the same, because their missing or surplus cells are empty.

    Attributes:
        lines: their numbers.
        cells: how many cells each of them has.
        header: the names of the columns.
    """

    lines: np.ndarray
    cells: np.ndarray
    header: tuple[str, ...]

    @property
    def short(self) -> np.ndarray:
        """Which of them have too few cells."""
        return self.cells < len(self.header)

    @property
    def notes(self) -> tuple[str, ...]:
        """A sentence about each of the two kinds, as there are."""
        return tuple(
            f"{count:,} {singular if count == 1 else plural}, the first is line {self.lines[which].min()}: {consequence}"
            for which, singular, plural, consequence in (
                (
                    self.short,
                    "line has fewer cells than the header",
                    "lines have fewer cells than the header",
                    "what is missing at the end is taken as empty.",
                ),
                (
                    ~self.short,
                    "line has more cells than the header",
                    "lines have more cells than the header",
                    "nothing is in those at the end, so nothing is left out.",
                ),
            )
            if (count := int(which.sum()))
        )

    def problems(self, most: int) -> Iterator[tuple[int, str, str, str]]:
        """Of the first of them: line, the column that is missing or the last one, the problem, and the remedy."""
        width = len(self.header)
        for line, cells in zip(self.lines[:most].tolist(), self.cells[:most].tolist(), strict=True):
            if cells < width:
                remedy = f"write all {width:,} cells; what is missing at the end was taken as empty."
                yield line, self.header[cells], TOO_FEW, remedy
            else:
                yield line, self.header[-1], TOO_MANY, "remove the separators at its end; nothing follows them."


def find_ragged_rows(numbers_and_widths: array[int], header: Sequence[str], rows: int) -> RaggedRows | None:
    """The lines of another width that a reader has to know of; None where there are none.

    A separator at the end of every line is not worth a word, nor one that only the header has.

    Args:
        numbers_and_widths: the number of each such line, and behind it how many cells that has.
        header: the names of the columns.
        rows: how many lines of the file are not blank.
    """
    lines, cells = np.array(numbers_and_widths, dtype=np.int64).reshape(-1, 2).T
    titled = max((i for i, name in enumerate(header, 1) if not re.fullmatch(r"column \d+", name)), default=0)
    notable = (cells < titled) | ((cells > len(header)) & (int((cells > len(header)).sum()) < rows))
    return RaggedRows(lines[notable], cells[notable], tuple(header)) if notable.any() else None
