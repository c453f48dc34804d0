"""Lines of a CSV that have not as many cells as its header: which of them can be read, and what is said of them."""

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
    """Lines that were read all the same: what is missing at their end is empty, or what is too much there is.

    Attributes:
        lines: their numbers.
        cells: how many each of them has.
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
            f"{count:,} {one if count == 1 else several}, the first is line {self.lines[which].min()}: {so}"
            for which, one, several, so in (
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

    def places(self, most: int) -> Iterator[tuple[int, str, str, str]]:
        """The first of them: line, the column that is missing or the last one, what is there, and the remedy."""
        width = len(self.header)
        for line, cells in zip(self.lines[:most].tolist(), self.cells[:most].tolist(), strict=True):
            if cells < width:
                remedy = f"write all {width:,} cells; what is missing at the end was taken as empty."
                yield line, self.header[cells], TOO_FEW, remedy
            else:
                yield line, self.header[-1], TOO_MANY, "remove the separators at its end; nothing follows them."


def find_ragged_rows(found: array[int], header: Sequence[str], rows: int) -> RaggedRows | None:
    """What is to be said of lines among `rows` that are not blank; None where nothing is.

    `found` has the number of each such line, and behind it how many cells that has.

    Nobody needs to hear of a separator at the end of every line, nor of one that only the header has.
    """
    lines, cells = np.array(found, dtype=np.int64).reshape(-1, 2).T
    titled = max((i for i, name in enumerate(header, 1) if not re.fullmatch(r"column \d+", name)), default=0)
    told = (cells < titled) | ((cells > len(header)) & (int((cells > len(header)).sum()) < rows))
    return RaggedRows(lines[told], cells[told], tuple(header)) if told.any() else None
