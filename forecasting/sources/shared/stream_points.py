"""StreamPoints: the points of a stream in memory, each with its versions, as arrays that grow by batches.

A point is told by its region, statistic and date; a version of it by when it was published. New batches are merged into what is
there, so following a stream costs what has come, not what there is.
"""

from __future__ import annotations

import threading

import numpy as np
import pandas as pd
import pyarrow as pa

from forecasting.data.columns import AS_OF, DATE, REGION, STATISTIC, VALUE

#: Bits of a key that hold the date, in seconds, and what is added so that none is negative.
_DATE_BITS, _DATE_ORIGIN = 37, 1 << 36
#: Rows of a table with vintages, at most; each vintage is all that was known then.
MAX_VINTAGE_ROWS = 1_000_000
#: Vintages of it, at most: the newest days on which something was published.
MAX_VINTAGES = 200
_DAY = 86_400_000_000


class StreamPoints:
    """The versions of all points, sorted by series, date and time of publishing. Safe for threads.

    Args:
        most: versions that are kept in memory, at most. Beyond, superseded ones go first, then the oldest dates.

    Attributes:
        changed: a number that grows with every change.
        left_out: versions that were dropped from memory; the store has them.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._codes: dict[tuple[str, str], int] = {}
        self._keys = np.empty(0, dtype=np.int64)
        self._as_of = np.empty(0, dtype=np.int64)
        self._values = np.empty(0)
        self._changed_at = np.zeros(0, dtype=np.int64)  # by series
        self._lock = threading.RLock()
        self.changed = 0
        self.left_out = 0

    def __len__(self) -> int:
        return len(self._keys)

    def count(self) -> int:
        """How many points there are, whatever versions they have."""
        with self._lock:
            return int(_is_last(self._keys).sum())

    def add(self, points: pa.Table) -> bool:
        """Merge a batch (`stream_log.POINTS`); whether it changed anything. Of one version that comes twice the last one counts."""
        with self._lock:
            codes = self._series_of(points)
            keys = (codes << _DATE_BITS) + (points.column("date").to_numpy() + _DATE_ORIGIN)
            as_of, values = points.column("as_of").to_numpy(), points.column("value").to_numpy()
            order = np.lexsort((as_of, keys))  # stable: of equals the last is the last
            keys, as_of, values = keys[order], as_of[order], values[order]
            last = _is_last(keys, as_of)
            touched = self._merge(keys[last], as_of[last], values[last])
            if not len(touched):
                return False
            self.changed += 1
            self._changed_at[np.unique(touched >> _DATE_BITS)] = self.changed
            if len(self) > self._most:
                self._drop()
            return True

    def changed_at(self, region: str | None = None, statistic: str | None = None) -> int:
        """`changed` as it was after the last change of one series, or of any."""
        if region is None or statistic is None:
            return self.changed
        with self._lock:
            code = self._codes.get((region, statistic))
            return 0 if code is None else int(self._changed_at[code])

    def newest_table(self) -> tuple[pd.DataFrame, int]:
        """The newest version of each point as a tidy table, sorted, its names as categories; and `changed` as it was then."""
        with self._lock:
            rows = np.flatnonzero(_is_last(self._keys))
            return self._table(rows), self.changed

    def vintage_table(self) -> tuple[pd.DataFrame, int]:
        """As `newest_table`, with a column ``as_of``: what was known at the end of each day on which something was published.

        The newest days, as many as `MAX_VINTAGE_ROWS` hold; without the column where that is one.
        """
        with self._lock:
            newest = np.flatnonzero(_is_last(self._keys))
            days = np.unique(self._as_of // _DAY)[::-1]
            most = min(MAX_VINTAGES, max(MAX_VINTAGE_ROWS // max(len(newest), 1), 1))
            if len(days) < 2 or most < 2:
                return self._table(newest), self.changed
            parts = []
            for day in days[:most]:
                known = np.flatnonzero(self._as_of < (day + 1) * _DAY)
                part = self._table(known[_is_last(self._keys[known])])
                part[AS_OF] = pd.Timestamp(int(day) * 86_400, unit="s").as_unit("us")
                parts.append(part)
            table = pd.concat(parts, ignore_index=True)
            order = np.lexsort((table[AS_OF], table[DATE], table[STATISTIC].cat.codes, table[REGION].cat.codes))
            return table.iloc[order].reset_index(drop=True), self.changed

    def _series_of(self, points: pa.Table) -> np.ndarray:
        """The number of each row's series."""
        points = points.unify_dictionaries().combine_chunks()
        regions, statistics = (points.column(name).chunk(0) for name in (REGION, STATISTIC))
        r, s = regions.indices.to_numpy().astype(np.int64), statistics.indices.to_numpy().astype(np.int64)
        names_r, names_s = regions.dictionary.to_pylist(), statistics.dictionary.to_pylist()
        pairs, place = np.unique(r * len(names_s) + s, return_inverse=True)
        found = np.empty(len(pairs), dtype=np.int64)
        for i, pair in enumerate(pairs.tolist()):
            name = names_r[pair // len(names_s)], names_s[pair % len(names_s)]
            found[i] = self._codes.setdefault(name, len(self._codes))
        if len(self._codes) > len(self._changed_at):
            more = np.zeros(2 * len(self._codes) - len(self._changed_at), dtype=np.int64)
            self._changed_at = np.concatenate([self._changed_at, more])
        return found[place]

    def _merge(self, keys: np.ndarray, as_of: np.ndarray, values: np.ndarray) -> np.ndarray:
        """Merge sorted versions, none twice; returns the keys of those that were new or have another figure now."""
        places = np.searchsorted(self._keys, keys, side="right")
        before = np.maximum(places - 1, 0)
        is_version = (places > 0) & (self._keys[before] == keys) if len(self) else np.zeros(len(keys), dtype=bool)
        older = is_version & (self._as_of[before] > as_of) if len(self) else is_version
        if older.any():
            return self._merge_late(keys, as_of, values)
        same = is_version & (self._as_of[before] == as_of) if len(self) else is_version
        moved = np.zeros(len(keys), dtype=bool)
        if same.any():
            at, new = before[same], values[same]
            # A version of which several came in this batch was reduced to one before.
            moved[same] = ~((self._values[at] == new) | (np.isnan(self._values[at]) & np.isnan(new)))
            self._values = self._values.copy()
            self._values[at] = new
        fresh = ~same
        self._keys = np.insert(self._keys, places[fresh], keys[fresh])
        self._as_of = np.insert(self._as_of, places[fresh], as_of[fresh])
        self._values = np.insert(self._values, places[fresh], values[fresh])
        return keys[moved | fresh]

    def _merge_late(self, keys: np.ndarray, as_of: np.ndarray, values: np.ndarray) -> np.ndarray:
        """The same where some were published before versions that are there: all are sorted anew."""
        all_keys, all_as_of = np.concatenate([self._keys, keys]), np.concatenate([self._as_of, as_of])
        all_values = np.concatenate([self._values, values])
        order = np.lexsort((all_as_of, all_keys))
        last = _is_last(all_keys[order], all_as_of[order])
        kept = order[last]
        self._keys, self._as_of, self._values = all_keys[kept], all_as_of[kept], all_values[kept]
        return keys

    def _drop(self) -> None:
        """Drop superseded versions, then the oldest dates, until a tenth of the room is free."""
        before, most = len(self), int(0.9 * self._most)
        newest = np.flatnonzero(_is_last(self._keys))
        if len(newest) > most:
            dates = self._keys[newest] & ((1 << _DATE_BITS) - 1)
            newest = np.sort(newest[np.argsort(dates, kind="stable")[-most:]])
        self._keys, self._as_of, self._values = self._keys[newest], self._as_of[newest], self._values[newest]
        self.left_out += before - len(self)

    def _table(self, rows: np.ndarray) -> pd.DataFrame:
        names = list(self._codes)
        codes, dates = self._keys[rows] >> _DATE_BITS, (self._keys[rows] & ((1 << _DATE_BITS) - 1)) - _DATE_ORIGIN
        regions, region_of = np.unique([region for region, _ in names] or [""], return_inverse=True)
        statistics, statistic_of = np.unique([statistic for _, statistic in names] or [""], return_inverse=True)
        rank = np.lexsort((statistic_of, region_of)).argsort()
        order = np.argsort(rank[codes], kind="stable") if len(rows) else rows
        codes = codes[order]
        return pd.DataFrame(
            {
                REGION: pd.Categorical.from_codes(region_of[codes], regions.tolist()),
                STATISTIC: pd.Categorical.from_codes(statistic_of[codes], statistics.tolist()),
                DATE: (dates[order] * 1_000_000).astype("datetime64[us]"),
                VALUE: self._values[rows][order],
            }
        )


def _is_last(*sorted_columns: np.ndarray) -> np.ndarray:
    """Which rows are the last with their values in these columns."""
    last = np.ones(len(sorted_columns[0]), dtype=bool)
    if len(last) > 1:
        last[:-1] = np.logical_or.reduce([column[1:] != column[:-1] for column in sorted_columns])
    return last
