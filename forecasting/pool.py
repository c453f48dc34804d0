"""Pool: every region of a panel at once, for models that learn from all of them. PoolOf: which pool, before it is made.

The app's process handles `PoolOf`s, which are quickly made and have a key; only a supervising thread makes a
`Pool` of one, right before a worker needs it.
"""

from __future__ import annotations

import base64
import hashlib
import json
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from forecasting.errors import DataError
from forecasting.figures import Figures, Known, figures_of, means_on, on_grid
from forecasting.frequency import Frequency, of_alias
from forecasting.once import lazy
from forecasting.series import Series

if TYPE_CHECKING:
    from forecasting.panel import Panel, Statistic

#: Earlier vintages that come with a pool, and figures in all of them together; fewer where each is large.
MOST_SNAPSHOTS, MOST_FIGURES = 60, 10_000_000


@dataclass(frozen=True)
class Snapshot:
    """A pool's figures as they had been published earlier.

    Attributes:
        date: when.
        values: shape (periods, regions), beginning with the pool's first period; NaN where nothing was published.
    """

    date: pd.Timestamp
    values: np.ndarray


@dataclass(frozen=True)
class Pool:
    """The figures of many regions as they were published, on one regular grid of dates. What a worker sees.

    Attributes:
        frequency: the spacing of the grid.
        start: its first date.
        regions: their names; those without any figure are left out, and of many (`MOST_REGIONS`) those of another size.
        values: shape (periods, regions), NaN where nothing was published; running totals if `reported_cumulative`.
        reported_cumulative: as of `Statistic`.
        provisional_from: what `prepare.tails` gives: for each last date, from when on figures are incomplete.
        spans: for each region the rows from its first published date to behind its last, figures or not.
        window: of each prepared series the last so many periods are used; all without it.
        snapshots: the last vintages before the present one, oldest first; empty without vintages.
        covariates: what else is known of the same periods and regions, by name: shape (periods, regions) each, as it
            was published, NaN where nothing was.
        holidays: the code of the country whose holidays are used, if any.
    """

    frequency: Frequency
    start: pd.Timestamp
    regions: tuple[str, ...]
    values: np.ndarray
    reported_cumulative: bool
    provisional_from: dict[pd.Timestamp, pd.Timestamp]
    spans: tuple[tuple[int, int], ...]
    window: int | None = None
    snapshots: tuple[Snapshot, ...] = ()
    covariates: dict[str, np.ndarray] = field(default_factory=dict)
    holidays: str = ""

    @lazy
    def dates(self) -> pd.DatetimeIndex:
        """The dates of the rows of `values`."""
        return self.frequency.grid(self.start, len(self.values))

    def series(self) -> dict[str, Series]:
        """Each region prepared as `prepare` does it, with the last counts as published, not as they will become."""
        from forecasting.prepare import clean  # which needs to know what a pool is

        found = {}
        for place, (name, (first, end)) in enumerate(zip(self.regions, self.spans, strict=True)):
            dates = self.dates[first:end]
            series = clean(
                pd.Series(self.values[first:end, place], index=dates),
                self.frequency,
                reported_cumulative=self.reported_cumulative,
                provisional_from=self.provisional_from.get(dates[-1]),
            )
            series = replace(series, region=name, holidays=self.holidays)
            found[name] = series.tail(self.window) if self.window else series
        return found

    def to_json(self) -> dict[str, Any]:
        """For a worker process, exact to the last digit; the tables as bytes, which are far quicker to read than digits."""
        return {
            "frequency": self.frequency.alias,
            "start": self.start.isoformat(),
            "regions": list(self.regions),
            "values": _packed(self.values),
            "reported_cumulative": self.reported_cumulative,
            "provisional_from": [[a.isoformat(), b.isoformat()] for a, b in self.provisional_from.items()],
            "spans": [list(span) for span in self.spans],
            "window": self.window,
            "snapshots": [[one.date.isoformat(), _packed(one.values)] for one in self.snapshots],
            "covariates": {name: _packed(table) for name, table in self.covariates.items()},
            "holidays": self.holidays,
        }

    @staticmethod
    def from_json(data: dict[str, Any]) -> Pool:
        """The inverse of `to_json`. Raises `DataError` for tables of the wrong size."""
        regions = tuple(data["regions"])
        spans = tuple((int(first), int(end)) for first, end in data["spans"])
        if len(spans) != len(regions):
            raise DataError(f"A pool of {len(regions)} regions has {len(spans)} spans.")
        values = _unpacked(data["values"], len(regions))
        covariates = {name: _unpacked(table, len(regions)) for name, table in data["covariates"].items()}
        for name, table in covariates.items():
            if len(table) != len(values):
                raise DataError(f"A pool of {len(values)} periods has {len(table)} of the covariate '{name}'.")
        return Pool(
            of_alias(data["frequency"]),
            pd.Timestamp(data["start"]),
            regions,
            values,
            bool(data["reported_cumulative"]),
            {pd.Timestamp(end): pd.Timestamp(start) for end, start in data["provisional_from"]},
            spans,
            data["window"],
            tuple(Snapshot(pd.Timestamp(at), _unpacked(table, len(regions))) for at, table in data["snapshots"]),
            covariates,
            data["holidays"],
        )


def _packed(table: np.ndarray) -> list[Any]:
    """The number of rows and the figures, little-endian."""
    return [len(table), base64.b64encode(np.ascontiguousarray(table, dtype="<f8").tobytes()).decode()]


def _unpacked(packed: list[Any], columns: int) -> np.ndarray:
    rows, content = int(packed[0]), base64.b64decode(packed[1])
    if rows < 0 or len(content) != 8 * rows * columns:
        raise DataError(f"A table of {rows} × {columns} figures has {len(content)} bytes.")
    return np.frombuffer(content, dtype="<f8").reshape(rows, columns).astype(float)


@dataclass(frozen=True, eq=False)
class PoolOf:
    """Which pool: of which panel and statistic, as known when. Nothing is made before `gather`; equal by `key`.

    Attributes:
        panel: with all its rows or vintages, whatever `at` is.
        statistic: its name.
        at: rows up to it are known; with vintages, the newest before it. All without it.
        window: see `Pool`.
        covariates: names of further columns of the panel that come along, in whatever order.
        holidays: see `Pool`.
        part: of a panel of many regions, those of like size; the largest are part 0. See `around`.
    """

    panel: Panel
    statistic: str
    at: pd.Timestamp | None = None
    window: int | None = None
    covariates: tuple[str, ...] = ()
    part: int = 0
    holidays: str = ""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, PoolOf) and self.key == other.key

    def __hash__(self) -> int:
        return hash(self.key)

    @lazy
    def key(self) -> str:
        """A digest of all that the pool holds; later rows or vintages do not change it where there is an `at`.

        Raises `RequestError` for a covariate that the panel has not.
        """
        asked, figures = self._asked, self._figures
        place = figures.place(self.at)
        snapshots = [figures.published[i].isoformat() for i in range(max(place - MOST_SNAPSHOTS, 0), place + 1)]
        digests = [figures.known(i, self.at).digest for i in range(max(place - MOST_SNAPSHOTS, 0), place + 1)]
        alias = self.panel.frequencies[asked.column].alias
        window = None if self.window is None or self.window >= self._longest else self.window
        what = [alias, asked.reported_cumulative, window, snapshots if self.panel.has_vintages() else [], digests]
        if self.covariates:
            what.append([[name, one.known(place, self.at).digest] for name, one in self._covariates.items()])
        if self.part:
            what.append(self.part)
        if self.holidays:
            what.append(self.holidays)
        return hashlib.sha256(json.dumps(what).encode()).hexdigest()[:40]

    @property
    def regions(self) -> tuple[str, ...]:
        """Those that it holds."""
        parts = self._known.parts
        return tuple(parts[self.part]) if self.part < len(parts) else ()

    def around(self, region: str) -> PoolOf | None:
        """The pool of that region and others, which is this one unless there are many; None where it has no figures or no
        others."""
        part = self._known.part_of.get(region)
        if part is None or len(self._known.parts[part]) < 2:
            return None
        return self if part == self.part else replace(self, part=part)

    def tail(self, window: int) -> PoolOf:
        """The pool of the regions' last `window` periods."""
        return replace(self, window=min(window, self.window or window))

    def gather(self) -> Pool:
        """Makes it, which takes a while. Raises `DataError` or `RequestError` where there is nothing."""
        from forecasting import prepare  # which needs to know what a pool is

        asked, figures = self._asked, self._figures
        frequency, totals = self.panel.frequencies[asked.column], asked.reported_cumulative
        place = figures.place(self.at)
        if place < 0 or self.part >= len(self._known.parts) or not self._known.parts[self.part]:
            raise DataError(f"'{self.panel.source}' has no region with figures to learn from.")
        regions = tuple(self._known.parts[self.part])
        grid, values, spans = on_grid(figures.rows(place, self.at), regions, frequency, totals)
        most = min(MOST_SNAPSHOTS, MOST_FIGURES // max(values.size, 1))
        snapshots = tuple(
            Snapshot(figures.published[i], _since(grid[0], *on_grid(figures.rows(i), regions, frequency, totals)[:2]))
            for i in range(max(place - most, 0), place)
        )
        tails = prepare.tails(self.panel.as_of(self.at), self.statistic)
        covariates = {
            name: means_on(grid, one.rows(place, self.at), regions, frequency) for name, one in self._covariates.items()
        }
        return Pool(
            frequency, grid[0], regions, values, totals, tails, spans, self.window, snapshots, covariates, self.holidays
        )

    @lazy
    def _asked(self) -> Statistic:
        return self.panel.statistic(self.statistic)

    @property
    def _figures(self) -> Figures:
        return figures_of(self.panel, self._asked)

    @property
    def _covariates(self) -> dict[str, Figures]:
        figures = self._figures
        return {name: figures.covariate(self.panel, self._asked, name) for name in sorted(set(self.covariates))}

    @lazy
    def _known(self) -> Known:
        figures = self._figures
        return figures.known(figures.place(self.at), self.at)

    @property
    def _longest(self) -> int:
        """Periods from the first to the last date of any region."""
        first, last = self._known.dates
        alias = self.panel.frequencies[self._asked.column].alias
        return 0 if first is None else len(pd.date_range(first, last, freq=alias)) + 1


def pool_of(known: Panel, statistic: str) -> PoolOf:
    """The pool of a panel as it stands; of one that was cut from vintages, with those before it."""
    if known.published is None:
        return PoolOf(known, statistic)
    whole = replace(known, table=known.published.table, published=None)
    return PoolOf(whole, statistic, known.published.at + pd.Timedelta(1, "us"))


def _since(start: pd.Timestamp, grid: pd.DatetimeIndex, table: np.ndarray) -> np.ndarray:
    """`table` from `start` on; what is missing before its own first date is NaN."""
    if not len(grid) or grid[0] == start:
        return table
    if grid[0] < start:
        return table[int(grid.searchsorted(start)) :]
    missing = len(pd.date_range(start, grid[0], freq=grid.freq)) - 1
    return np.vstack([np.full((missing, table.shape[1]), np.nan), table])
