"""Header rows: which of the first rows of a sheet or a CSV name the columns, below titles and above units."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

#: Rows that are looked at.
LOOKED_ROWS = 60
#: Rows below the names of the columns that belong to the header, at most.
_MOST_BELOW = 3
#: Share of the rows below that have a figure, for one without any to belong to the header.
_FIGURES_SHARE = 0.8
_NUMBER = re.compile(r"[-+(]?[$€£]? ?[0-9][0-9.,' ]*[%)]?")


@dataclass(frozen=True)
class HeaderRow:
    """The names of the columns, and which rows they were taken from.

    Attributes:
        names: of the columns, some of which may be empty.
        first: how many rows stand above.
        last: the place of the last row that belongs to the header.
    """

    names: list[str]
    first: int
    last: int

    def remarks(self, lines: Sequence[int], word: str) -> tuple[str, ...]:
        """Sentences on rows above and below the names, by the lines that the rows stand on."""
        said = []
        if self.first:
            which = f"{word} {lines[0]}" if self.first == 1 else f"{word}s {lines[0]} to {lines[self.first - 1]}"
            said.append(f"The table begins below its title, {which}.")
        if self.last > self.first:
            which = f"{word} {lines[self.last]}"
            if self.last > self.first + 1:
                which = f"{word}s {lines[self.first + 1]} to {lines[self.last]}"
            said.append(f"Read as a part of the header: {which}.")
        return tuple(said)


def find_header(rows: Sequence[Sequence[str]]) -> HeaderRow:
    """The header among the first rows that are not blank, whose cells are stripped texts."""
    widths = [_width(row) for row in rows]
    usual = max(Counter(widths).items(), key=lambda item: (item[1], item[0]))[0]
    first = next(
        (i for i, row in enumerate(rows) if widths[i] >= usual and _filled(row) >= max(2, usual - 1)),
        0,
    )
    short = all(widths[i] < usual for i in range(first))
    titles = (
        short
        and (
            all(_filled(rows[i]) == 1 or 2 * _filled(rows[i]) <= usual for i in range(first))
            # A title with a separator in it has several cells; what names columns has no figure, and most rows below have one.
            or (not any(re.search("[0-9]", cell) for cell in rows[first]) and _have_figures(rows[first + 1 :]))
        )
    )
    if usual < 2 or not titles or (first and not _may_name_columns(rows[first])):
        first = 0
    names = list(rows[first])
    last = _last_below(rows, first)
    for row in rows[first + 1 : last + 1]:
        names = [name or (row[i] if i < len(row) else "") for i, name in enumerate(names)]
        if _filled(row) == 1 and row[0]:
            names[0] = row[0]  # what stands alone names the rows, as pandas writes it
    if first and len(set(filter(None, names))) < len([name for name in names if name]):
        names = _below_groups(rows[first - 1], names)
    return HeaderRow(names, first, last)


def _width(row: Sequence[str]) -> int:
    return next((i for i in range(len(row), 0, -1) if row[i - 1]), 0)


def _filled(row: Sequence[str]) -> int:
    return sum(bool(cell) for cell in row)


def _may_name_columns(row: Sequence[str]) -> bool:
    return not re.match(r"[-+]?[0-9]", row[0]) and any(re.search(r"[^\W\d_]", cell) for cell in row)


def _last_below(rows: Sequence[Sequence[str]], first: int) -> int:
    """The last of the rows right below the names that have no figure, where nearly all others have one."""
    last = first
    while (
        last + 1 < len(rows) and last < first + _MOST_BELOW and not any(re.search("[0-9]", c) for c in rows[last + 1])
    ):
        last += 1
    return last if _have_figures(rows[last + 1 :]) else first


def _have_figures(below: Sequence[Sequence[str]]) -> bool:
    """Whether there are rows, nearly all of which have a figure."""
    figures = sum(any(_NUMBER.fullmatch(cell) for cell in row) for row in below)
    return len(below) >= 3 and figures >= _FIGURES_SHARE * len(below)


def _below_groups(groups: Sequence[str], names: Sequence[str]) -> list[str]:
    """The names of columns behind those of the groups that they stand below, as merged cells have them."""
    titled, group = [], ""
    for i, name in enumerate(names):
        group = (groups[i] if i < len(groups) else "") or group
        titled.append(f"{group} {name}".strip() if name else group)
    return titled
