"""Pace: how often a page that waits for something asks whether it has come, and how many scripts run at once.

One page asks twice a second. Each look is a run of a part of its script, and all pages share one interpreter: so the more of
them wait, the more seldom each one looks, and clicks are answered all the while. Scripts take turns, too: many at once get in
each other's way at every lock and each is slower than if they had come one after the other
(`python -m benchmarks soak visitors`).
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NoReturn

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

#: How often a page asks whether there is something new while models train, in seconds.
TICK = 0.5
#: Looks a second that all pages take together, at most.
TOGETHER = 8.0
#: Seconds after which a page that has not looked again waits no more, beside twice what it was told.
GONE = 2.0

#: Scripts that run at once, and seconds after which one goes on whatever the others do: nothing waits for a script that hangs.
AT_ONCE = 2
PATIENCE = 0.5
#: Seconds of its turn that a script gives to work that can go on at its next look.
SHARE = 0.1

_turns = threading.Semaphore(AT_ONCE)
_mine = threading.local()
_waiting: dict[str, float] = {}  # by visit, when it counts no more
_lock = threading.Lock()


@contextmanager
def turn() -> Iterator[float]:
    """Has this thread's script run in its turn; gives when it came, by `time.perf_counter`."""
    came = time.perf_counter()
    if getattr(_mine, "turn", False):  # a part of a page within its whole
        yield came
        return
    _mine.turn, _mine.taken = True, _turns.acquire(timeout=PATIENCE)
    try:
        yield came
    finally:
        _mine.turn = False
        if _mine.taken:
            _turns.release()


@contextmanager
def aside() -> Iterator[None]:
    """Lets others have their turn while this script waits for something; then it goes on at once."""
    if not getattr(_mine, "turn", False) or not _mine.taken:
        yield
        return
    _turns.release()
    try:
        yield
    finally:
        _mine.taken = _turns.acquire(blocking=False)


def every(usual: float) -> float:
    """Seconds after which this visit's page looks again: `usual`, or more where many wait."""
    context = get_script_run_ctx()
    now = time.monotonic()
    with _lock:
        for visit in [visit for visit, until in _waiting.items() if until < now]:
            del _waiting[visit]
        visit = context.session_id if context else ""
        seconds = max(usual, len(_waiting.keys() | {visit}) / TOGETHER)
        _waiting[visit] = now + 2 * seconds + GONE
    return seconds


def again() -> NoReturn:
    """Runs the whole page anew. What the browser has asked for meanwhile comes first, as Streamlit forgets it otherwise.

    That is another page, or a step back: all of a click but the values of controls.
    """
    st.empty()  # here a script ends for which there is something else to do
    st.rerun()


def polled(draw: Callable[[], None], usual: float | None) -> None:
    """Draws a part of a page, and again every `usual` seconds or more where many wait; None: there is nothing to wait for."""
    seconds = every(usual) if usual else None

    def look() -> None:
        with turn():
            if usual and seconds and every(usual) > 2 * seconds:
                again()  # many more wait by now: this one looks more seldom
            draw()

    st.fragment(look, run_every=seconds)()
