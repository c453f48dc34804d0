"""The pace of all pages that poll: a limit of looks a second that they share."""

from __future__ import annotations

import threading
import time


class PollingPace:
    """Which visits wait for something, and how often each may look.

    Args:
        looks_per_second: of all pages together, at most.
        grace: seconds after which a page that has not looked again waits no more, beside twice what it was told.
    """

    def __init__(self, looks_per_second: float, grace: float) -> None:
        self._looks_per_second = looks_per_second
        self._grace = grace
        self._counts_until: dict[str, float] = {}  # by visit, on the monotonic clock
        self._lock = threading.Lock()

    def interval(self, visit: str, usual: float) -> float:
        """Seconds after which this visit looks again: `usual`, or more where many wait. The visit counts from now on."""
        now = time.monotonic()
        with self._lock:
            for gone in [other for other, until in self._counts_until.items() if until < now]:
                del self._counts_until[gone]
            seconds = max(usual, len(self._counts_until.keys() | {visit}) / self._looks_per_second)
            self._counts_until[visit] = now + 2 * seconds + self._grace
        return seconds
