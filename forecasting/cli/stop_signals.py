"""Stop signals: Ctrl-C, SIGTERM and SIGHUP end a command so that what is finished is written and no worker stays.

A command starts out interruptible: a signal raises `KeyboardInterrupt` wherever it is. While fits run it does so once, and from
then on signals are only noted, so that nothing interrupts the writing of what is finished.
"""

from __future__ import annotations

import contextlib
import os
import signal
import threading
from collections.abc import Callable, Iterator
from enum import Enum
from functools import wraps
from types import FrameType
from typing import Any

#: Ctrl-C, what schedulers and containers send, and the end of the terminal. Not every system has all.
NAMES = ("SIGINT", "SIGTERM", "SIGHUP")


class StoppedError(Exception):
    """The error raised out of a command that a signal has ended before anything was finished.

    Attributes:
        exit_code: 128 and the signal's number, as shells have it.
    """

    def __init__(self, number: int) -> None:
        super().__init__("stopped by a signal")
        self.exit_code = 128 + number


class _Mode(Enum):
    """What a signal does: it raises, it raises and the next ones do not, or it is only noted."""

    RAISE = 1
    RAISE_ONCE = 2
    NOTE = 3


class _State:
    """The mode of the command that runs, and whether it was asked to stop."""

    mode = _Mode.RAISE
    requested = False
    #: The number of the first signal that asked for it.
    number = int(signal.SIGINT)


def stoppable(command: Callable[..., None]) -> Callable[..., None]:
    """A command during which the stop signals are handled; those that are ignored (nohup) stay ignored.

    Raises `StoppedError` where one has ended it.
    """

    @wraps(command)
    def run(*arguments: Any, **values: Any) -> None:
        if threading.current_thread() is not threading.main_thread():
            return command(*arguments, **values)
        _State.mode, _State.requested, _State.number = _Mode.RAISE, False, int(signal.SIGINT)
        numbers = [getattr(signal, name) for name in NAMES if hasattr(signal, name)]
        before = {number: signal.getsignal(number) for number in numbers}
        terminals = [handle for handle in (1, 2) if os.isatty(handle)]
        try:
            for number, handler in before.items():
                if handler is not signal.SIG_IGN:
                    signal.signal(number, lambda number, frame: _handle(number, frame, terminals))
            return command(*arguments, **values)
        except KeyboardInterrupt:
            raise StoppedError(_State.number) from None
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    return run


@contextlib.contextmanager
def interruptible_once() -> Iterator[None]:
    """While fits run: the first signal raises `KeyboardInterrupt`. Afterwards signals are noted until `go_on`."""
    _State.mode = _Mode.RAISE_ONCE
    try:
        yield
    finally:
        _State.mode = _Mode.NOTE


@contextlib.contextmanager
def held_back() -> Iterator[None]:
    """While a part of a file is written: a signal raises only after it, if it would have raised."""
    mode, before = _State.mode, _State.requested
    _State.mode = _Mode.NOTE
    yield
    _State.mode = mode
    if _State.requested and not before and mode is not _Mode.NOTE:
        _State.mode = _Mode.RAISE if mode is _Mode.RAISE else _Mode.NOTE
        raise KeyboardInterrupt


def stop_requested() -> bool:
    """Whether a signal has come."""
    return _State.requested


def go_on() -> None:
    """Be interruptible again, now that what is finished is written."""
    _State.mode = _Mode.RAISE


def _handle(number: int, frame: FrameType | None, terminals: list[int]) -> None:
    if not _State.requested:
        _State.number = number
    _State.requested = True
    if number == getattr(signal, "SIGHUP", None):
        _leave_lost_terminals(terminals)
    if _State.mode is _Mode.NOTE:
        return
    if _State.mode is _Mode.RAISE_ONCE:
        _State.mode = _Mode.NOTE
    raise KeyboardInterrupt


def _leave_lost_terminals(terminals: list[int]) -> None:
    """Send what would be printed on a terminal that is gone nowhere: an error there would end the command."""
    for handle in terminals:
        if not os.isatty(handle):
            nothing = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nothing, handle)
            os.close(nothing)
