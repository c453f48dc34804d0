"""Vintages: which rows of a table with an ``as_of`` column were published when.

Each vintage of a statistic is all its figures as they were published then, so a table of a few years holds millions of rows of
which a page needs one vintage. Statistics of one table may be published on different days: what was known on a day is the newest
vintage of each.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from forecasting.data.columns import AS_OF, REGION, STATISTIC


class Vintages:
    """The index of a table's vintages. Holds no reference to the table itself.

    Attributes:
        dates: when any statistic was published, oldest first.
    """

    def __init__(self, table: pd.DataFrame) -> None:
        keys, names = pd.factorize(table[STATISTIC])
        self._statistics = {str(name): place for place, name in enumerate(names)}
        published, dates = pd.factorize(table[AS_OF], sort=True)
        self.dates = pd.DatetimeIndex(dates)
        # A number for each statistic and date that has rows, in the order of both: four bytes a row say all.
        keys *= len(dates)  # in place, as there are millions
        keys += published
        del published
        codes, self._keys = pd.factorize(keys, sort=True)
        self._codes = codes.astype(np.int32)

    def count(self, date: pd.Timestamp | None) -> int:
        """How many were published before `date`; all of them, without one."""
        return len(self.dates) if date is None else int(self.dates.searchsorted(date))

    def newest(self, date: pd.Timestamp | None) -> pd.Timestamp | None:
        """When the newest before `date` (of all, without one) was published; None when there is none."""
        count = self.count(date)
        return self.dates[count - 1] if count else None

    def of(self, statistic: str) -> pd.DatetimeIndex:
        """When one statistic was published, oldest first."""
        place = self._statistics.get(statistic)
        if place is None:
            return self.dates[:0]
        first, end = np.searchsorted(self._keys, [place * len(self.dates), (place + 1) * len(self.dates)])
        return self.dates[self._keys[first:end] - place * len(self.dates)]

    def rows(self, table: pd.DataFrame, count: int) -> pd.DataFrame:
        """What was known once `count` dates had come: each statistic's newest vintage among them, less the column `as_of`."""
        begins = np.arange(len(self._statistics)) * len(self.dates)
        last = np.searchsorted(self._keys, begins + count) - 1
        published = last >= np.searchsorted(self._keys, begins)
        wanted = np.zeros(len(self._keys), dtype=bool)
        wanted[last[published]] = True
        rows = table.take(np.flatnonzero(wanted[self._codes])).drop(columns=AS_OF)
        # A large table keeps its names as categories, which are those of all vintages.
        return rows.astype({REGION: "str", STATISTIC: "str"})
