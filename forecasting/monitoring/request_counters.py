"""Request counters: requests and page runs by route in intervals of five minutes, kept in memory until they are written."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Literal

from forecasting.monitoring.histogram import bucket, pack

#: Length of an interval, in which requests are counted together.
INTERVAL = timedelta(minutes=5)
#: Intervals that are kept while they cannot be written: a day.
MAX_INTERVALS = 288

#: What is counted: requests to the API, or runs of a page's script.
Face = Literal["api", "page"]
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def interval_start(moment: datetime, length: timedelta = INTERVAL) -> datetime:
    """Return the start of the interval of a length that a moment is in."""
    return moment - (moment - _EPOCH) % length


@dataclass(frozen=True)
class RouteCounts:
    """Counts and latencies of one route in one interval.

    Attributes:
        begins, seconds: start and length of the interval.
        server: which of the servers has answered.
        kind, route: what was asked for: an API's template, or a page's title.
        good, refused, failed: how many had a status below 400, from 400 to 499, and from 500 on.
        histogram: of their latencies, as `histogram.pack` packs it.
    """

    begins: datetime
    seconds: int
    server: str
    kind: str
    route: str
    good: int
    refused: int
    failed: int
    histogram: bytes

    @property
    def name(self) -> tuple[datetime, str, str]:
        """Key of the counts on one server: interval, kind and route."""
        return self.begins, self.kind, self.route

    @property
    def count(self) -> int:
        """All requests, whatever their status."""
        return self.good + self.refused + self.failed


@dataclass
class _Counts:
    good: int = 0
    refused: int = 0
    failed: int = 0
    histogram: Counter[int] = field(default_factory=Counter)

    @property
    def count(self) -> int:
        return self.good + self.refused + self.failed


class RequestCounters:
    """Counts of one server that are not written yet. Safe to use from many threads."""

    def __init__(self, server: str) -> None:
        self._server = server
        self._lock = threading.Lock()
        self._counts: dict[tuple[datetime, str, str], _Counts] = {}

    def add(self, moment: datetime, kind: Face, route: str, status: int, ms: float) -> None:
        """Count one request or page run."""
        name, number = (interval_start(moment), kind, route), bucket(ms)
        with self._lock:
            counts = self._counts.setdefault(name, _Counts())
            counts.good += status < 400
            counts.refused += 400 <= status < 500
            counts.failed += status >= 500
            counts.histogram[number] += 1

    def counts(self) -> list[RouteCounts]:
        """Return all counts as they are now."""
        with self._lock:
            return [
                RouteCounts(
                    begins,
                    int(INTERVAL.total_seconds()),
                    self._server,
                    kind,
                    route,
                    counts.good,
                    counts.refused,
                    counts.failed,
                    pack(counts.histogram),
                )
                for (begins, kind, route), counts in self._counts.items()
            ]

    def forget(self, written: Iterable[RouteCounts], now: datetime) -> None:
        """Drop counts that have been written, unless their interval goes on or something was counted since."""
        current = interval_start(now)
        with self._lock:
            for one in written:
                counts = self._counts.get(one.name)
                if counts and counts.count == one.count and one.begins < current:
                    del self._counts[one.name]
            too_old = set(sorted({begins for begins, *_ in self._counts}, reverse=True)[MAX_INTERVALS:])
            for name in [name for name in self._counts if name[0] in too_old]:
                del self._counts[name]
