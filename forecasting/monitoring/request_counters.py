"""Tally: answers counted in memory until they are written, in stretches of five minutes. Counting takes microseconds."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Literal

from forecasting.monitoring.histogram import bucket, pack

#: What is counted together.
STRETCH = timedelta(minutes=5)
#: Stretches that are kept while they cannot be written: a day's.
MOST = 288

#: Whose answers: those of the API, or the runs of a page's script.
Face = Literal["api", "page"]
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def beginning(moment: datetime, stretch: timedelta = STRETCH) -> datetime:
    """When the stretch that a moment is in began."""
    return moment - (moment - _EPOCH) % stretch


@dataclass(frozen=True)
class Answers:
    """Answers of one route in one stretch.

    Attributes:
        begins, seconds: the stretch.
        server: who answered.
        kind, route: what was asked for: an API's template, or a page's title.
        good, refused, failed: how many went well (statuses below 400), were refused (below 500), or failed here.
        histogram: how many took how long, packed, see `histogram`.
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
        """What there is one of on a server."""
        return self.begins, self.kind, self.route

    @property
    def count(self) -> int:
        """How many there are."""
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


class Tally:
    """What one server has answered and not yet written. Safe to use from many threads."""

    def __init__(self, server: str) -> None:
        self._server = server
        self._lock = threading.Lock()
        self._counts: dict[tuple[datetime, str, str], _Counts] = {}

    def add(self, moment: datetime, kind: Face, route: str, status: int, ms: float) -> None:
        """Counts one answer."""
        name, number = (beginning(moment), kind, route), bucket(ms)
        with self._lock:
            counts = self._counts.setdefault(name, _Counts())
            counts.good += status < 400
            counts.refused += 400 <= status < 500
            counts.failed += status >= 500
            counts.histogram[number] += 1

    def answers(self) -> list[Answers]:
        """All that is counted here now."""
        with self._lock:
            return [
                Answers(
                    begins,
                    int(STRETCH.total_seconds()),
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

    def forget(self, written: Iterable[Answers], now: datetime) -> None:
        """What has been written, unless its stretch goes on or something was counted since."""
        open_one = beginning(now)
        with self._lock:
            for one in written:
                counts = self._counts.get(one.name)
                if counts and counts.count == one.count and one.begins < open_one:
                    del self._counts[one.name]
            too_old = set(sorted({begins for begins, *_ in self._counts}, reverse=True)[MOST:])
            for name in [name for name in self._counts if name[0] in too_old]:
                del self._counts[name]
