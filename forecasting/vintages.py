"""What was published when: a table with an ``as_of`` column, cut into its vintages, and how figures were revised.

Each vintage is the whole table as it was published then, so a table of a few years holds millions of rows of which a page
needs one vintage. Tables are told apart by identity, as nobody writes into a panel's table; what was cut is kept with them.
"""

from __future__ import annotations

import threading
import weakref
from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from forecasting.columns import AS_OF, DATE, REGION, STATISTIC, VALUE
from forecasting.errors import RequestError

if TYPE_CHECKING:
    from forecasting.panel import Panel

#: Vintages of a table that are kept in memory once cut: a look back over half a year of weeks.
KEPT = 32
#: The last so many periods are looked at for revisions still to come.
LAST = 4
#: A figure is settled when so many periods have ended since.
SETTLED = 4
#: So many settled figures of the same age are needed to say what is usual.
LEAST = 5
#: A change by less than this share is not worth a word.
SMALL = 0.02


def revisions(panel: Panel, region: str, statistic: str | None = None) -> pd.DataFrame:
    """Every figure of one region in every vintage, beside what it is in the newest one.

    Returns:
        A row a date and vintage, sorted by both, with the columns ``date``; ``as_of``, the vintage; ``age``, how many
        periods had ended since (0: published within a period of its own end); ``value``, the figure as published then,
        a running total where the publisher gives those; ``final``, the same figure in the newest vintage, NaN where it
        is there no more. A date's first row is what was known first; its last row has ``value == final``.

    Raises:
        RequestError: the panel has no vintages, or no such region or statistic.
    """
    if not panel.has_vintages():
        raise RequestError(f"'{panel.source}' does not tell what was published when; choose a source with vintages.")
    asked = panel.statistic(statistic)
    table = panel.table
    rows = table[((table[REGION] == region) & (table[STATISTIC] == asked.column)).to_numpy()]
    if rows.empty:
        panel.counts(region, statistic)  # raises, naming what is missing
    rows = rows[[DATE, AS_OF, VALUE]].sort_values([DATE, AS_OF], ignore_index=True)
    newest = rows[rows[AS_OF] == dates(table)[-1]].set_index(DATE)[VALUE]
    ages = _periods(rows, panel.frequencies[asked.column].alias)
    return pd.DataFrame(
        {DATE: rows[DATE], AS_OF: rows[AS_OF], "age": ages, VALUE: rows[VALUE], "final": rows[DATE].map(newest)}
    )


@dataclass(frozen=True)
class Revision:
    """What one of the last figures usually becomes.

    Attributes:
        date: of the figure.
        value: the figure as it is published now.
        low, median, high: of such figures' final value over the one published as early, the 10, 50 and 90 % points.
        count: how many such figures there were.
    """

    date: pd.Timestamp
    value: float
    low: float
    median: float
    high: float
    count: int


def coming(panel: Panel, region: str, statistic: str | None = None) -> tuple[Revision, ...]:
    """What is usual, of the last `LAST` figures those that are worth a word, newest first; empty without vintages.

    Counts only: a running total hardly changes when its last day does. Raises `RequestError` for an unknown region.
    """
    if not panel.has_vintages() or panel.statistic(statistic).reported_cumulative:
        return ()
    table = revisions(panel, region, statistic)
    now = table[table[AS_OF] == dates(panel.table)[-1]]
    settled = table[table[DATE].isin(now.loc[now["age"] >= SETTLED, DATE]) & (table[VALUE] > 0)].dropna()
    ratios = (settled["final"] / settled[VALUE]).groupby(settled["age"])
    found = []
    for row in now.tail(LAST).iloc[::-1].itertuples():
        if row.age not in ratios.groups or np.isnan(row.value):
            continue
        same = ratios.get_group(row.age)
        low, median, high = same.quantile([0.1, 0.5, 0.9])
        if len(same) >= LEAST and max(abs(median - 1), (high - low) / 4) >= SMALL:
            found.append(Revision(row.date, float(row.value), low, median, high, len(same)))
    return tuple(found)


def _periods(rows: pd.DataFrame, alias: str) -> np.ndarray:
    """How many period dates lie after each row's date, up to its vintage."""
    grid = pd.date_range(rows[DATE].min(), rows[AS_OF].max(), freq=alias)
    return grid.searchsorted(rows[AS_OF], side="right") - grid.searchsorted(rows[DATE], side="right")


def dates(table: pd.DataFrame) -> pd.DatetimeIndex:
    """When the vintages of `table` were published, oldest first."""
    return _vintages(table).dates


def before(table: pd.DataFrame, date: pd.Timestamp | None) -> pd.DataFrame | None:
    """The newest vintage before `date` (of all, without one), less the column `as_of`; None when there is none.

    The same vintage is the same object while it is kept, so what others keep for a table is kept for it, too.
    """
    vintages = _vintages(table)
    count = vintages.count(date)
    return vintages.cut(table, count - 1) if count else None


def newest(table: pd.DataFrame, date: pd.Timestamp | None) -> pd.Timestamp | None:
    """When the vintage was published that `before` gives; None when there is none."""
    vintages = _vintages(table)
    count = vintages.count(date)
    return vintages.dates[count - 1] if count else None


class _Vintages:
    """Which rows of a table belong to which vintage. Holds no reference to the table itself."""

    def __init__(self, table: pd.DataFrame) -> None:
        codes, published = pd.factorize(table[AS_OF], sort=True)
        self.dates = pd.DatetimeIndex(published)
        self._codes = codes.astype(np.int32)
        self._cut: OrderedDict[int, pd.DataFrame] = OrderedDict()
        self._lock = threading.Lock()

    def count(self, date: pd.Timestamp | None) -> int:
        """How many were published before `date`; all of them, without one."""
        return len(self.dates) if date is None else int(self.dates.searchsorted(date))

    def cut(self, table: pd.DataFrame, place: int) -> pd.DataFrame:
        """The rows of the `place`-th vintage."""
        with self._lock:
            if place not in self._cut:
                rows = table.take(np.flatnonzero(self._codes == place)).drop(columns=AS_OF)
                # A large table keeps its names as categories, which are those of all vintages.
                self._cut[place] = rows.astype({REGION: "str", STATISTIC: "str"})
            self._cut.move_to_end(place)
            while len(self._cut) > KEPT:
                self._cut.popitem(last=False)
            return self._cut[place]


_known: dict[int, _Vintages] = {}
_known_lock = threading.Lock()


def _vintages(table: pd.DataFrame) -> _Vintages:
    with _known_lock:
        if id(table) not in _known:
            _known[id(table)] = _Vintages(table)
            weakref.finalize(table, _known.pop, id(table), None).atexit = False
        return _known[id(table)]
