"""What was published when: a table with an ``as_of`` column, cut into its vintages, and how figures were revised.

Each vintage is the whole table as it was published then, so a table of a few years holds millions of rows of which a page
needs one vintage. Tables are told apart by identity, as nobody writes into a panel's table; what was cut is kept with them.
"""

from __future__ import annotations

import threading
import weakref
from collections import OrderedDict
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from forecasting.data.columns import AS_OF, REGION, STATISTIC

if TYPE_CHECKING:
    pass

#: Vintages of a table that are kept in memory once cut: a look back over half a year of weeks.
KEPT = 32


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
