"""Turns of page scripts: how many run at once in this process.

All scripts share one interpreter. Many at once get in each other's way at every lock, and each is slower than if they had
come one after the other (`python -m benchmarks soak visitors`).
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager


class ScriptTurns:
    """A semaphore for scripts that nobody can hold up: after `patience` seconds one goes on whatever the others do.

    Args:
        at_once: scripts that run at once.
        patience: seconds that a script waits for its turn.
    """

    def __init__(self, at_once: int, patience: float) -> None:
        self._turns = threading.Semaphore(at_once)
        self._patience = patience
        self._mine = threading.local()

    @contextmanager
    def taken(self) -> Iterator[float]:
        """Run this thread's script in its turn; gives when it came, by `time.perf_counter`. A part is in the turn of its whole."""
        came = time.perf_counter()
        if getattr(self._mine, "inside", False):
            yield came
            return
        self._mine.inside, self._mine.taken = True, self._turns.acquire(timeout=self._patience)
        try:
            yield came
        finally:
            self._mine.inside = False
            if self._mine.taken:
                self._turns.release()

    @contextmanager
    def released(self) -> Iterator[None]:
        """Let other scripts run while this one waits for something; then it goes on at once."""
        if not getattr(self._mine, "inside", False) or not self._mine.taken:
            yield
            return
        self._turns.release()
        try:
            yield
        finally:
            self._mine.taken = self._turns.acquire(blocking=False)
