"""PanelCache: everything that has been worked out of one panel's table, in the object that owns the table.

It dies with the last panel that shows the table, so nobody has to remember to clear anything. A table is never written into,
so nothing in here goes stale.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Any, Generic, Protocol, TypeVar
from weakref import WeakKeyDictionary

import pandas as pd

from forecasting.data.vintages import Vintages

T = TypeVar("T")

#: Vintages of a table that are kept in memory once cut: a look back over half a year of weeks, ...
MOST_VINTAGES = 32
#: ... and fewer where all together have more rows than these.
MOST_ROWS = 1_000_000


class PanelCache:
    """The owner of a table and of what was worked out of it. Safe for threads; two who ask at once may both work it out.

    Attributes:
        table: the panel's table.
    """

    def __init__(self, table: pd.DataFrame) -> None:
        self.table = table
        self._results: WeakKeyDictionary[PerPanel[Any], OrderedDict[Hashable, Any]] = WeakKeyDictionary()
        self._vintages: Vintages | None = None
        self._cut: OrderedDict[int, PanelCache] = OrderedDict()
        self._lock = threading.RLock()

    @property
    def vintages(self) -> Vintages:
        """Which rows of the table were published when; the table must have the column ``as_of``."""
        with self._lock:
            if self._vintages is None:
                self._vintages = Vintages(self.table)
            return self._vintages

    def vintage_before(self, date: pd.Timestamp | None) -> PanelCache | None:
        """The owner of each statistic's newest vintage before `date` (of all, without one); None when there is none.

        The same day of publishing has the same owner while it is kept, so what was worked out of it is kept with it.
        """
        count = self.vintages.count(date)
        if not count:
            return None
        with self._lock:
            if count not in self._cut:
                self._cut[count] = PanelCache(self.vintages.rows(self.table, count))
            self._cut.move_to_end(count)
            while len(self._cut) > 1 and (
                len(self._cut) > MOST_VINTAGES or sum(len(one.table) for one in self._cut.values()) > MOST_ROWS
            ):
                self._cut.popitem(last=False)
            return self._cut[count]

    def get(self, kind: PerPanel[T], name: Hashable, make: Callable[[], T]) -> T:
        """The result of this kind and name, else what `make` gives, which is then kept."""
        with self._lock:
            kept = self._results.setdefault(kind, OrderedDict())
            if name in kept:
                kept.move_to_end(name)
                return kept[name]
        made = make()
        with self._lock:
            kept[name] = made
            kept.move_to_end(name)
            while len(kept) > kind.most:
                kept.popitem(last=False)
        return made

    def clear(self, kind: PerPanel[Any]) -> None:
        """Drop the results of one kind."""
        with self._lock:
            self._results.pop(kind, None)


class HasCache(Protocol):
    """Anything with a cache of its own: a `Panel`."""

    @property
    def cache(self) -> PanelCache:
        """The owner of its table and of what was worked out of it."""


class PerPanel(Generic[T]):
    """A kind of result that panels keep: the last `most` of them each. It holds none itself, and takes all with it when it goes."""

    def __init__(self, most: int) -> None:
        self.most = most

    def get(self, panel: HasCache, name: Hashable, make: Callable[[], T]) -> T:
        """What `panel` keeps under `name`, else what `make` gives, which it then keeps."""
        return panel.cache.get(self, name, make)
