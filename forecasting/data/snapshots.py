"""Sorted figures of a panel, from which the snapshots of a pool are cut.

A statistic is sorted once by vintage, region and date; digests name what was known when, and figures go onto a grid of dates.
"""

from __future__ import annotations

import hashlib
import json
import threading
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd

from forecasting.data.columns import AS_OF, DATE, REGION, STATISTIC, VALUE
from forecasting.data.frequency import Frequency
from forecasting.data.panel_cache import PerPanel
from forecasting.data.regular_grid import grid_positions, to_regular_grid

if TYPE_CHECKING:
    from forecasting.data.panel import Panel, Statistic
    from forecasting.data.region_calendar import RegionCalendar

#: No more regions than these are in one pool, of which a fit holds many tables; more are parted by the size of their last counts.
MOST_REGIONS = 400
#: Dates that the last counts are added up over, to say which regions are the largest.
RECENT = 28
#: Statistics of a panel, covariates aside, whose figures are kept sorted.
STATISTICS_KEPT = 8
#: Vintages and dates of one statistic whose digests are kept.
DIGESTS_KEPT = 90


@dataclass(frozen=True)
class KnownFigures:
    """What was known of a vintage, or of the rows up to a date: its digest, its regions and its span.

    Attributes:
        digest: of every figure, whatever the pool: what is late is judged by all.
        parts: the regions that have figures, a pool each: those of one calendar, the largest first; with their places.
        part_of: the number of each region's part.
        dates: the first and the last date of any of them.
    """

    digest: str
    parts: tuple[dict[str, int], ...]
    part_of: dict[str, int]
    dates: tuple[pd.Timestamp | None, pd.Timestamp | None]


class FigureRows(NamedTuple):
    """One vintage's figures: names and dates, and for each row the places of its own among them, by region and date."""

    names: list[str]
    dates: pd.DatetimeIndex
    region: np.ndarray
    date: np.ndarray
    values: np.ndarray


class SortedFigures:
    """One statistic of a table, sorted by vintage, region and date. Without vintages there is one. Safe for threads.

    Its figures are those in `column`: its values, or a covariate that stands in the same rows.
    """

    def __init__(
        self,
        table: pd.DataFrame,
        asked: Statistic,
        column: str = VALUE,
        calendars: Mapping[str, RegionCalendar] | None = None,
    ) -> None:
        table = table[(table[STATISTIC] == asked.column).to_numpy()]
        region, names = pd.factorize(table[REGION], sort=True)
        date, dates = pd.factorize(table[DATE], sort=True)
        published = vintage = None
        if AS_OF in table.columns:
            vintage, published = pd.factorize(table[AS_OF], sort=True)
        else:
            vintage, published = np.zeros(len(table), dtype=int), [pd.Timestamp(0)]
        values = table[column].to_numpy(float, na_value=np.nan)
        order = (vintage * len(names) + region) * len(dates) + date
        if (np.diff(order) < 0).any():
            places = np.argsort(order, kind="stable")
            region, date, vintage, values = region[places], date[places], vintage[places], values[places]
        self.names, self.dates = [str(name) for name in names], pd.DatetimeIndex(dates)
        self.published = pd.DatetimeIndex(published)
        self.has_vintages = AS_OF in table.columns
        self._totals = asked.reported_cumulative
        self._calendars = calendars or {}
        self._region, self._date = region.astype(np.int32), date.astype(np.int32)
        self._values = np.where(np.isfinite(values), values, np.nan)
        self._bounds = np.searchsorted(vintage, np.arange(len(self.published) + 1))
        self._kept: OrderedDict[tuple[int, int], KnownFigures] = OrderedDict()
        self._covariates: dict[str, SortedFigures] = {}
        self._lock = threading.Lock()

    def place(self, at: pd.Timestamp | None) -> int:
        """Which vintage is the newest before `at`; -1 for none."""
        if not self.has_vintages:
            return 0
        return (len(self.published) if at is None else int(self.published.searchsorted(at))) - 1

    def rows(self, place: int, at: pd.Timestamp | None = None) -> FigureRows:
        """A vintage, or its rows up to `at`."""
        return FigureRows(self.names, self.dates, *self._cut(place, self._until(at)))

    def known(self, place: int, at: pd.Timestamp | None) -> KnownFigures:
        """What is known of a vintage, or of the rows up to `at`; kept."""
        if place < 0:
            return _NOTHING
        until = self._until(at)
        with self._lock:
            if kept := self._kept.get((place, until)):
                self._kept.move_to_end((place, until))
                return kept
        known = self._look(place, until)
        with self._lock:
            self._kept[place, until] = known
            while len(self._kept) > DIGESTS_KEPT:
                self._kept.popitem(last=False)
        return known

    def covariate(self, panel: Panel, asked: Statistic, name: str) -> SortedFigures:
        """Another column of the table that these are from, sorted once. Raises `RequestError` if there is none."""
        panel.covariate(name)
        with self._lock:
            if name not in self._covariates:
                self._covariates[name] = SortedFigures(panel.table, asked, name, self._calendars)
            return self._covariates[name]

    def _until(self, at: pd.Timestamp | None) -> int:
        """How many of the dates are known at `at`."""
        return len(self.dates) if at is None or self.has_vintages else int(self.dates.searchsorted(at, side="right"))

    def _cut(self, place: int, until: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        part = slice(self._bounds[place], self._bounds[place + 1])
        region, date, values = self._region[part], self._date[part], self._values[part]
        if until == len(self.dates):
            return region, date, values
        rows = date < until
        return region[rows], date[rows], values[rows]

    def _look(self, place: int, until: int) -> KnownFigures:
        region, date, values = self._cut(place, until)
        if not len(region):
            return _NOTHING
        parts = tuple({self.names[i]: int(i) for i in part} for part in self._parts(region, date, values))
        part_of = {name: number for number, part in enumerate(parts) for name in part}
        listed = np.bincount(region, minlength=len(self.names)) > 0
        names = [self.names[i] for i in np.flatnonzero(listed)]
        # Where one date of a region does not follow the other: of regular tables little, and it says all about them.
        there = np.bincount(date, minlength=len(self.dates)) > 0
        used, date = np.flatnonzero(there), (np.cumsum(there) - 1)[date]
        breaks = np.flatnonzero((np.diff(date) != 1) | (np.diff(region) != 0)) + 1
        firsts, dates = np.concatenate([[0], breaks]), self.dates.asi8[used]
        what = hashlib.sha256(json.dumps([names, str(self.dates.dtype)]).encode())
        for part in (dates, np.cumsum(listed)[region[firsts]], date[firsts], firsts):
            what.update(b"|" + np.ascontiguousarray(part, dtype="<i8").tobytes())
        what.update(np.ascontiguousarray(values, dtype="<f8").tobytes())
        return KnownFigures(what.hexdigest(), parts, part_of, (self.dates[used[0]], self.dates[used[-1]]))

    def _parts(self, region: np.ndarray, date: np.ndarray, values: np.ndarray) -> list[np.ndarray]:
        """The places of the regions that have figures: those of one calendar together, the commonest first."""
        figures = np.isfinite(values)
        held = np.flatnonzero(np.bincount(region[figures], minlength=len(self.names)))
        groups: dict[RegionCalendar | None, list[int]] = {None: []}
        for place in held:
            groups.setdefault(self._calendars.get(self.names[place]), []).append(int(place))
        parts = [self._by_size(np.array(group), region, date, values) for group in groups.values() if group]
        return [one for several in parts for one in several]

    def _by_size(self, held: np.ndarray, region: np.ndarray, date: np.ndarray, values: np.ndarray) -> list[np.ndarray]:
        """The places `held` in parts of nearly equal number, the largest regions first."""
        figures = np.isfinite(values)
        if len(held) <= MOST_REGIONS:
            return [held]
        recent = figures & (date > date.max() - RECENT)
        last = pd.Series(values[recent]).groupby(region[recent])
        counts = last.max() - last.min() if self._totals else last.sum()
        sizes = counts.reindex(held, fill_value=0.0).to_numpy()
        largest_first = held[np.argsort(-sizes, kind="stable")]
        return [np.sort(part) for part in np.array_split(largest_first, -(-len(held) // MOST_REGIONS))]


_NOTHING = KnownFigures("", (), {}, (None, None))
_FIGURES: PerPanel[SortedFigures] = PerPanel(STATISTICS_KEPT)


def sorted_figures(panel: Panel, asked: Statistic) -> SortedFigures:
    """A table's figures, sorted once."""
    return _FIGURES.get(
        panel,
        (asked.column, asked.reported_cumulative),
        lambda: SortedFigures(panel.table, asked, calendars=panel.own_calendars(asked.column)),
    )


def figures_on_grid(
    rows: FigureRows, regions: Sequence[str], frequency: Frequency, totals: bool
) -> tuple[pd.DatetimeIndex, np.ndarray, tuple[tuple[int, int], ...]]:
    """The grid of dates, the figures of `regions` on it (periods × regions), and the span of each; as `to_regular_grid` has it."""
    column = _columns(rows, regions)
    kept = column >= 0
    if not kept.any():
        return pd.DatetimeIndex([]), np.empty((0, len(regions))), ((0, 0),) * len(regions)
    column, date, values = column[kept], rows.date[kept], rows.values[kept]
    used = np.unique(date)
    grid = frequency.between(rows.dates[used[0]], rows.dates[used[-1]])
    places = np.full(len(rows.dates), -1)
    places[used] = grid.get_indexer(rows.dates[used])
    place, begins = places[date], np.flatnonzero(np.diff(column, prepend=-1))
    if (place < 0).any() or (np.diff(place)[np.diff(column) == 0] <= 0).any():
        return _one_by_one(column, rows.dates[date], values, len(regions), frequency, totals)
    table, spans = np.full((len(grid), len(regions)), np.nan), [(0, 0)] * len(regions)
    table[place, column] = values
    for first, last in zip(begins, [*begins[1:] - 1, len(place) - 1], strict=True):
        spans[column[first]] = int(place[first]), int(place[last]) + 1
    return grid, table, tuple(spans)


def means_on_grid(grid: pd.DatetimeIndex, rows: FigureRows, regions: Sequence[str], frequency: Frequency) -> np.ndarray:
    """The figures of `regions` on a given grid (periods × regions); of several in one period the mean, of none NaN."""
    column = _columns(rows, regions)
    kept = (column >= 0) & np.isfinite(rows.values)
    place = grid.get_indexer(rows.dates)
    place = np.where(place < 0, grid_positions(grid, rows.dates, frequency), place)[rows.date[kept]]
    sums, counts = np.zeros((len(grid), len(regions))), np.zeros((len(grid), len(regions)))
    np.add.at(sums, (place, column[kept]), rows.values[kept])
    np.add.at(counts, (place, column[kept]), 1.0)
    return np.divide(sums, counts, out=np.full_like(sums, np.nan), where=counts > 0)


def _columns(rows: FigureRows, regions: Sequence[str]) -> np.ndarray:
    """For each row the place of its region among `regions`; -1 for others, and for those without any figure."""
    place = {name: i for i, name in enumerate(regions)}
    column = np.array([place.get(name, -1) for name in rows.names])[rows.region]
    figures = np.bincount(column[(column >= 0) & np.isfinite(rows.values)], minlength=len(regions))
    return np.where((column >= 0) & (figures[column] > 0), column, -1)


def _one_by_one(
    column: np.ndarray, dates: pd.DatetimeIndex, values: np.ndarray, regions: int, frequency: Frequency, totals: bool
) -> tuple[pd.DatetimeIndex, np.ndarray, tuple[tuple[int, int], ...]]:
    """The same region by region, where dates lie beside the grid or come twice."""
    pieces = {
        i: to_regular_grid(pd.Series(values[column == i], index=dates[column == i]), frequency, cumulative=totals)
        for i in np.unique(column)
    }
    start, end = min(p.index[0] for p in pieces.values()), max(p.index[-1] for p in pieces.values())
    grid = frequency.between(start, end)
    table, spans = np.full((len(grid), regions), np.nan), [(0, 0)] * regions
    for i, piece in pieces.items():
        first = int(grid.searchsorted(piece.index[0]))
        table[first : first + len(piece), i] = piece.to_numpy()
        spans[i] = first, first + len(piece)
    return grid, table, tuple(spans)
