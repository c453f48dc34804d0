"""Vintages: which rows of a table with an ``as_of`` column were published when.

Each vintage is the whole table as it was published then, so a table of a few years holds millions of rows of which a page
needs one vintage.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from forecasting.data.columns import AS_OF, REGION, STATISTIC


class Vintages:
    """The index of a table's vintages. Holds no reference to the table itself.

    Attributes:
        dates: when they were published, oldest first.
    """

    def __init__(self, table: pd.DataFrame) -> None:
        codes, published = pd.factorize(table[AS_OF], sort=True)
        self.dates = pd.DatetimeIndex(published)
        self._codes = codes.astype(np.int32)

    def count(self, date: pd.Timestamp | None) -> int:
        """How many were published before `date`; all of them, without one."""
        return len(self.dates) if date is None else int(self.dates.searchsorted(date))

    def newest(self, date: pd.Timestamp | None) -> pd.Timestamp | None:
        """When the newest before `date` (of all, without one) was published; None when there is none."""
        count = self.count(date)
        return self.dates[count - 1] if count else None

    def rows(self, table: pd.DataFrame, place: int) -> pd.DataFrame:
        """The rows of the `place`-th vintage of `table`, less the column `as_of`."""
        rows = table.take(np.flatnonzero(self._codes == place)).drop(columns=AS_OF)
        # A large table keeps its names as categories, which are those of all vintages.
        return rows.astype({REGION: "str", STATISTIC: "str"})
