"""Interfaces of background workers: `Worker`, which fits one request after the other, and `WorkerBackend`, which starts them.

Two backends have them: processes of this machine (`process`, `backends`) and slots on a Dask cluster (`dask_client`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Protocol

from forecasting.jobs.workers.protocol import WorkerEvent


class Worker(Protocol):
    """Something that does one fit after the other, on this machine or elsewhere.

    Attributes:
        alive: False once it has been killed or was seen to have ended.
        events: what it reports, one event after the other, until it has ended; only one thread may read.
        start_timeout: seconds in which it must begin a fit it was given.
    """

    alive: bool
    events: Iterator[WorkerEvent]
    start_timeout: float

    @property
    def name(self) -> str:
        """Its name in the log."""

    @property
    def last_output(self) -> str:
        """What it wrote last before it ended, for the log."""

    def send(self, line: str) -> None:
        """Give it a fit, as a `FitOrder`'s line. That it has ended is noticed by `events`, not here."""

    def kill(self) -> None:
        """End it and its fit at once; may be called from any thread, at any time, and does not wait."""

    def reap(self) -> int:
        """Kill what is left of it, free what it held, and return its exit code (negative: the signal; 0 without one)."""


class WorkerBackend(Protocol):
    """Starts workers for the supervisors of a queue. Safe to use from many threads."""

    @property
    def trouble(self) -> str:
        """A sentence on what keeps all workers from starting, where that is known; empty while there is nothing."""

    @property
    def recovered(self) -> bool:
        """Whether it is known that a worker could start now, after others could not."""

    def check(self) -> None:
        """Wait until it is known whether workers can start. Raises `RequestError` where they cannot."""

    def open(self, on_capacity: Callable[[int], None]) -> None:
        """Call `on_capacity` with how many workers there may be, at once and whenever that changes or trouble is over."""

    def start_worker(self, on_exit: Callable[[], None]) -> Worker:
        """Start a worker as soon as there is room for it; `on_exit` is called once, from another thread, when it has ended.

        Raises `OSError` or `ForecastingError` where none can be started.
        """

    def close(self) -> None:
        """Start no more workers. Called before the workers themselves are reaped."""
