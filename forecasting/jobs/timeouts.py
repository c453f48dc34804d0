"""Timeouts: call an action when a block of code is not left in time.

One thread watches all of them, for a short fit is over nearly as soon as a thread of its own has started.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count

#: Seconds between two looks at the clock: how exactly a timeout is kept.
TICK_SECONDS = 0.1


class Timeouts:
    """Calls an action when a block is not left in time. Safe to use from many threads."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._pending: dict[int, tuple[float, Callable[[], None]]] = {}
        self._numbers = count()
        self._thread: threading.Thread | None = None

    @contextmanager
    def within(self, seconds: float, action: Callable[[], None]) -> Iterator[None]:
        """Call `action` from another thread unless the block is left within `seconds`."""
        number = next(self._numbers)
        with self._changed:
            if self._thread is None:
                self._thread = threading.Thread(target=self._watch, name="timeouts", daemon=True)
                self._thread.start()
            self._pending[number] = time.monotonic() + seconds, action
            if len(self._pending) == 1:
                self._changed.notify()
        try:
            yield
        finally:
            with self._changed:
                self._pending.pop(number, None)

    def _watch(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._pending)
                self._changed.wait(TICK_SECONDS)
                now = time.monotonic()
                expired = [number for number, (at, _) in self._pending.items() if at <= now]
                actions = [self._pending.pop(number)[1] for number in expired]
            for action in actions:
                action()


#: The timeouts of this process.
TIMEOUTS = Timeouts()
