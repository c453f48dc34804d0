"""Crew: where a queue's workers come from. Processes of this machine, or, in `cluster`, of others."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Protocol

from forecasting.jobs.workers.protocol import Event


class Worker(Protocol):
    """What does one fit after the other, wherever it does so.

    Attributes:
        alive: False once it has been killed or was seen to have ended.
        events: what it says, one after the other, until it has ended; only one thread may read.
        patience: seconds in which it must begin a fit it was given.
    """

    alive: bool
    events: Iterator[Event]
    patience: float

    @property
    def name(self) -> str:
        """How the log calls it."""

    @property
    def last_words(self) -> str:
        """What it said of its end, for the log."""

    def send(self, line: str) -> None:
        """Asks for a fit, with an `Order`'s line. That it has ended is noticed by `events`, not here."""

    def kill(self) -> None:
        """Ends it and its fit at once; may be called from any thread, at any time, and does not wait."""

    def bury(self) -> int:
        """Kills what is left of it and gives its exit code (negative: the signal; 0 where there is none)."""


class Crew(Protocol):
    """Hires workers. Safe to use from many threads."""

    @property
    def trouble(self) -> str:
        """A sentence on what keeps all workers from starting, where that is known; empty while there is nothing."""

    @property
    def mended(self) -> bool:
        """Whether it is known that a worker could start now, after others could not."""

    def check(self) -> None:
        """Waits until it is known whether workers can start. Raises `RequestError` where they cannot."""

    def open(self, staff: Callable[[int], None]) -> None:
        """Calls `staff` with how many workers there may be, at once and whenever that changes or trouble is over."""

    def hire(self, ended: Callable[[], None]) -> Worker:
        """A new worker, as soon as there is room for it; `ended` is called once, from another thread, when it has ended.

        Raises `OSError` or `ForecastingError` where none can be started.
        """

    def close(self) -> None:
        """Hires nobody any more. Done with the workers, too."""
