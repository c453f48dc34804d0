"""What a publisher's file holds, and why it is not believed at once: how it differs from the last good copy.

Publishers break their own files: half a table, last month's table, zeros, negative counts. Such a file can be read like any
other, so what it holds is compared with what the copy before it held.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from forecasting.data.columns import AS_OF, DATE, STATISTIC, VALUE
from forecasting.data.formatting import format_date, format_plain
from forecasting.data.panel import Statistic

#: A new file with less than this share of the last one's figures is refused.
MIN_SHARE_OF_FIGURES = 0.9
#: So is one whose newest figures other than zero are less than this share of what they were among all.
MIN_SHARE_OF_NONZERO = 0.5
#: So far ahead dates may lie: a week, or a vintage called by the end of one, is published before it is over.
MAX_AHEAD = pd.Timedelta(days=7)


@dataclass(frozen=True)
class StatisticContents:
    """What a file holds of one statistic; dates are ISO-8601, empty where there is none.

    Attributes:
        figures: how many.
        last: the last date of any.
        published: the newest vintage.
        newest: how many figures that has, all of them without vintages.
        nonzero: how many of those are not zero.
        impossible: how many of all are outside of what such a figure may be, as negative counts.
        example: the first of them.
        totals: they are running totals, which real files correct to below zero here and there.
    """

    figures: int
    last: str = ""
    published: str = ""
    newest: int = 0
    nonzero: int = 0
    impossible: int = 0
    example: float = 0.0
    totals: bool = False


@dataclass(frozen=True)
class FileContents:
    """What a file holds: how many figures in all, and more of each statistic of a table that can tell."""

    figures: int
    statistics: Mapping[str, StatisticContents] = field(default_factory=dict)

    def to_json(self) -> dict[str, dict[str, Any]]:
        """The statistics as JSON keeps them."""
        return {name: asdict(held) for name, held in self.statistics.items()}

    @classmethod
    def from_json(cls, figures: int, kept: Mapping[str, Mapping[str, Any]]) -> FileContents:
        """What `to_json` kept. Raises `TypeError` for anything else."""
        return cls(figures, {name: StatisticContents(**held) for name, held in kept.items()})


def table_contents(table: pd.DataFrame, statistics: Sequence[Statistic]) -> FileContents:
    """What a tidy table holds of those `statistics`."""
    meant = {statistic.column: statistic for statistic in statistics}
    codes, names = pd.factorize(table[STATISTIC])
    values = table[VALUE].to_numpy(dtype=float)
    given = ~np.isnan(values)
    held = {str(name): _held(table, values, given & (codes == i), meant[name]) for i, name in enumerate(names)}
    return FileContents(int(given.sum()), held)


def _held(table: pd.DataFrame, values: np.ndarray, given: np.ndarray, statistic: Statistic) -> StatisticContents:
    """What the table holds of the statistic whose figures are the `given` rows."""
    kind = statistic.kind
    if not given.any():
        return StatisticContents(0)
    published, newest = "", given
    if AS_OF in table:
        as_of = table[AS_OF].to_numpy()
        last_vintage = as_of[given].max()
        published, newest = _iso(last_vintage), given & (as_of == last_vintage)
    impossible = values[given & ((values < kind.low) | (values > kind.high))]
    return StatisticContents(
        figures=int(given.sum()),
        last=_iso(table[DATE].to_numpy()[given].max()),
        published=published,
        newest=int(newest.sum()),
        nonzero=int(np.count_nonzero(values[newest])),
        impossible=len(impossible),
        example=float(impossible[0]) if len(impossible) else 0.0,
        totals=statistic.reported_cumulative,
    )


def why_not_believed(new: FileContents, old: FileContents | None) -> str:
    """Why a file is not taken for what the last copy was, as a sentence goes on after the publisher's name; else empty.

    Without an earlier copy only figures that cannot be (but for running totals), dates to come, and zeros alone, are reasons.
    """
    reasons = [] if old is None else _less(new.figures, old.figures, "")
    several = len(new.statistics) > 1
    for name, held in new.statistics.items():
        before = old.statistics.get(name) if old else None
        of = f" of '{name}'" if several else ""
        if before and not reasons:
            reasons += _less(held.figures, before.figures, of)
        reasons += _other_dates(held, before, of) if before else []
        reasons += _dates_to_come(held, before, of)
        reasons += _other_figures(held, before, of)
    if old is not None:
        reasons += [f"left out all figures of '{name}'" for name in old.statistics if name not in new.statistics]
    if new.statistics and not any(held.nonzero for held in new.statistics.values()) and _had_others(old):
        reasons = ["sent zeros only"]
    *first, last = reasons or [""]
    return f"{', '.join(first)} and {last}" if first else last


def _less(figures: int, before: int, of: str) -> list[str]:
    if figures >= MIN_SHARE_OF_FIGURES * before:
        return []
    return [f"sent much less than before ({figures:,} figures{of} instead of {before:,})"]


def _other_dates(held: StatisticContents, before: StatisticContents, of: str) -> list[str]:
    """What is missing at the end: the newest vintage, or the last dates."""
    if held.published < before.published:
        return [f"left out the newest vintage{of}, {_day(before.published)} (now the newest is {_day(held.published)})"]
    if held.last < before.last:
        return [f"left out the newest figures{of} (they end on {_day(held.last)} instead of {_day(before.last)})"]
    return []


def _dates_to_come(held: StatisticContents, before: StatisticContents | None, of: str) -> list[str]:
    """The latest date that is still to come, unless the copy before has it as well."""
    latest, known = max(held.published, held.last), max(before.published, before.last) if before else ""
    if not latest or latest <= max(known, _iso(pd.Timestamp.now() + MAX_AHEAD)):
        return []
    return [f"sent figures{of} of a day to come ({_day(latest)})"]


def _other_figures(held: StatisticContents, before: StatisticContents | None, of: str) -> list[str]:
    """Figures that cannot be, and zeros where there were others; those that the copy before has were accepted."""
    reasons = []
    if held.impossible > (before.impossible if before else held.impossible if held.totals else 0):
        reasons.append(f"sent figures{of} that cannot be (as {format_plain(held.example)})")
    if before and before.nonzero and held.newest:
        share, share_before = held.nonzero / held.newest, before.nonzero / before.newest
        if share < MIN_SHARE_OF_NONZERO * share_before:
            zeros, zeros_before = 1 - share, 1 - share_before
            reasons.append(
                f"sent far more zeros{of} than before ({zeros:.0%} of the newest, before {zeros_before:.0%})"
            )
    return reasons


def _had_others(old: FileContents | None) -> bool:
    """Whether the copy before had figures other than zero, as far as that is known."""
    return old is None or not old.statistics or any(held.nonzero for held in old.statistics.values())


def _iso(moment: Any) -> str:
    return str(pd.Timestamp(moment).date())


def _day(iso: str) -> str:
    return format_date(pd.Timestamp(iso)) if iso else "none"
