"""Waiting for a condition that another thread or process will make true."""

from __future__ import annotations

import threading
from collections.abc import Callable

#: Seconds between two looks, and those that something may take on a busy machine: they only decide how long a failing test takes.
PAUSE, PATIENCE = 0.02, 60


def until(condition: Callable[[], object], patience: float = PATIENCE) -> object:
    """Waits until something is true, and gives it; fails the test where that does not come to pass."""
    pause = threading.Event()
    for _ in range(round(patience / PAUSE)):
        if found := condition():
            return found
        pause.wait(PAUSE)
    raise AssertionError("it did not come to pass")
