"""Time limits: one thread for all of them, for a short fit is over nearly as soon as a thread of its own has started."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count

#: Seconds between two looks at the clock; a limit is kept to that.
TICK = 0.1


class Alarms:
    """Calls an action when a block is not left in time. Safe to use from many threads."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._set: dict[int, tuple[float, Callable[[], None]]] = {}
        self._numbers = count()
        self._thread: threading.Thread | None = None

    @contextmanager
    def within(self, seconds: float, action: Callable[[], None]) -> Iterator[None]:
        """Calls `action` from another thread unless the block is left within `seconds`."""
        number = next(self._numbers)
        with self._changed:
            if self._thread is None:
                self._thread = threading.Thread(target=self._watch, name="alarms", daemon=True)
                self._thread.start()
            self._set[number] = time.monotonic() + seconds, action
            if len(self._set) == 1:
                self._changed.notify()
        try:
            yield
        finally:
            with self._changed:
                self._set.pop(number, None)

    def _watch(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._set)
                self._changed.wait(TICK)
                now = time.monotonic()
                late = [number for number, (at, _) in self._set.items() if at <= now]
                actions = [self._set.pop(number)[1] for number in late]
            for action in actions:
                action()


ALARMS = Alarms()
