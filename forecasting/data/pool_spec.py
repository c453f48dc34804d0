"""Specification of a pool: which panel, statistic, date and window. Cheap to make, equal by its digest; nothing is gathered yet."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import pandas as pd

from forecasting.data import pool
from forecasting.data.kind import COUNT
from forecasting.data.panel import TRUE_ZEROS
from forecasting.data.snapshots import KnownFigures, SortedFigures, sorted_figures
from forecasting.support.caching import lazy

#: Other statistics of a panel that come along with a pool, the first ones.
MOST_OTHERS = 3

if TYPE_CHECKING:
    from forecasting.data.frequency import Frequency
    from forecasting.data.panel import Panel, Statistic


@dataclass(frozen=True, eq=False)
class PoolSpec:
    """Which pool: of which panel and statistic, as known when. Nothing is made before `gather_pool`; equal by `key`.

    Attributes:
        panel: with all its rows or vintages, whatever `at` is.
        statistic: its name.
        at: rows up to it are known; with vintages, the newest before it. All without it.
        window: see `Pool`.
        covariates: names of further columns of the panel that come along, in whatever order.
        holidays: see `Pool`.
        part: of a panel of many regions, those of like size, or of another calendar; the largest are part 0. See `around`.
    """

    panel: Panel
    statistic: str
    at: pd.Timestamp | None = None
    window: int | None = None
    covariates: tuple[str, ...] = ()
    part: int = 0
    holidays: str = ""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, PoolSpec) and self.key == other.key

    def __hash__(self) -> int:
        return hash(self.key)

    @lazy
    def key(self) -> str:
        """A digest of all that the pool holds; later rows or vintages do not change it where there is an `at`.

        Raises `RequestError` for a covariate that the panel has not.
        """
        what = self._described
        if self.others:
            what.append([one._described for one in self.others])
        return hashlib.sha256(json.dumps(what).encode()).hexdigest()[:40]

    @property
    def _described(self) -> list[Any]:
        """All that the pool holds but the others."""
        asked, figures = self.asked, self.figures
        place = figures.place(self.at)
        snapshots = [figures.published[i].isoformat() for i in range(max(place - pool.MOST_SNAPSHOTS, 0), place + 1)]
        digests = [figures.known(i, self.at).digest for i in range(max(place - pool.MOST_SNAPSHOTS, 0), place + 1)]
        alias = self.frequency.alias
        window = None if self.window is None or self.window >= self._longest else self.window
        what: list[Any] = [
            alias,
            asked.reported_cumulative,
            window,
            snapshots if self.panel.has_vintages() else [],
            digests,
        ]
        if self.covariates:
            what.append([[name, one.known(place, self.at).digest] for name, one in self.covariate_figures.items()])
        if self.part:
            what.append(self.part)
        if self.holidays:
            what.append(self.holidays)
        if asked.kind is not COUNT:
            what.append(f"kind {asked.kind.name}")
        if asked.zeros_at_end == TRUE_ZEROS:
            what.append("true zeros")
        return what

    @property
    def regions(self) -> tuple[str, ...]:
        """Those that it holds."""
        parts = self.known.parts
        return tuple(parts[self.part]) if self.part < len(parts) else ()

    def around(self, region: str) -> PoolSpec | None:
        """The pool of that region and others, which is this one unless there are many; None where it has no figures or no
        others."""
        part = self.known.part_of.get(region)
        if part is None or len(self.known.parts[part]) < 2:
            return None
        return self if part == self.part else replace(self, part=part)

    def tail(self, window: int) -> PoolSpec:
        """The pool of the regions' last `window` periods."""
        return replace(self, window=min(window, self.window or window))

    @lazy
    def asked(self) -> Statistic:
        """The statistic that it holds."""
        return self.panel.statistic(self.statistic)

    @lazy
    def frequency(self) -> Frequency:
        """The spacing of its regions' dates."""
        return self.panel.frequency_of(self.statistic, next(iter(self.regions), ""))

    @property
    def has_own_calendar(self) -> bool:
        """Whether its regions have other dates than most of the panel."""
        return (self.asked.column, next(iter(self.regions), "")) in self.panel.calendars

    @property
    def figures(self) -> SortedFigures:
        """The sorted figures of the whole panel, every vintage included."""
        return sorted_figures(self.panel, self.asked)

    @lazy
    def others(self) -> tuple[PoolSpec, ...]:
        """The pools of the panel's other statistics that a model may learn from beside this one, as known at the same time.

        Those of the same kind and frequency; none for a part of many regions, or of another calendar.
        """
        if self.part or self.has_own_calendar:
            return ()
        found = dict[str, PoolSpec]()
        for statistic in self.panel.statistics:
            if statistic.column in (self.asked.column, *found) or statistic.shown_cumulative:
                continue
            other = PoolSpec(self.panel, statistic.name, self.at, self.window)
            if statistic.kind is self.asked.kind and other._is_known and other.frequency == self.frequency:
                found[statistic.column] = other
        return tuple(found.values())[:MOST_OTHERS]

    @property
    def _is_known(self) -> bool:
        return self.figures.place(self.at) >= 0 and bool(self.regions)

    @property
    def covariate_figures(self) -> dict[str, SortedFigures]:
        """The same of each covariate, by name in alphabetical order."""
        figures = self.figures
        return {name: figures.covariate(self.panel, self.asked, name) for name in sorted(set(self.covariates))}

    @lazy
    def known(self) -> KnownFigures:
        """What is known of the vintage, or the rows, that it is cut from."""
        figures = self.figures
        return figures.known(figures.place(self.at), self.at)

    @property
    def _longest(self) -> int:
        """Periods from the first to the last date of any region."""
        first, last = self.known.dates
        return 0 if first is None else len(self.frequency.between(first, last)) + 1


def pool_spec(known: Panel, statistic: str) -> PoolSpec:
    """The pool of a panel as it stands; of one that was cut from vintages, with those before it."""
    if known.published is None:
        return PoolSpec(known, statistic)
    whole = replace(known, table=known.published.table, published=None, cache=known.published.whole)
    return PoolSpec(whole, statistic, known.published.at + pd.Timedelta(1, "us"))
