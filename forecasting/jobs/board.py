"""The board: every fit that waits, runs or has lately finished.

Bookkeeping only: it knows no thread and no process but the one that is to be killed. Whoever reads or writes it holds
`changed`, and notifies it after writing.
"""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

from forecasting.data.forecast import Forecast
from forecasting.jobs.job import Job, State, arrive, move, tell
from forecasting.jobs.request import PoolRequest, Request
from forecasting.jobs.workers.protocol import Order
from forecasting.models import Progress

#: A fit whose page looked at it so many seconds ago or less goes before those that nobody looks at.
WATCHED = 5.0
#: For so many seconds nobody notices that a page looks no more.
LOOKED = 0.5
#: A model whose fits last took more seconds than this is slow; a slow fit that nobody asked for leaves a worker free.
SLOW = 5.0
#: So many finished fits are remembered, and so many steps ahead in all, which is what takes memory; the store has the rest.
REMEMBERED = 2_000
REMEMBERED_STEPS = 40_000


class Killable(Protocol):
    """What fits; ending a fit early means killing it."""

    def kill(self) -> None:
        """Ends it at once."""


@dataclass
class Entry:
    """One fit on the board.

    Attributes:
        job: its last snapshot.
        request: what to fit; None once it has finished.
        number: its place among the first come.
        background: whether nobody asked for it in person.
        fit: the number of the present attempt, used once.
        began: when that began, on the monotonic clock.
        worker: what fits it, while it runs.
        handed: how often it was handed to a worker, whether that began it or not.
        due: when a worker may take it, on the monotonic clock.
        lent: another server fits it.
    """

    job: Job
    request: Request | PoolRequest | None
    number: int
    background: bool
    fit: int = 0
    began: float = 0.0
    worker: Killable | None = None
    handed: int = 0
    due: float = 0.0
    lent: bool = False

    def runs(self, fit: int) -> bool:
        """Whether attempt `fit` is still wanted."""
        return self.job.state is State.running and self.fit == fit


@dataclass(frozen=True)
class Busy:
    """How busy a queue is, for whoever monitors it.

    Attributes:
        waiting, running: fits, those of other servers not counted as running.
        ready: workers that can take one.
        ended: by model and outcome, how many fits were begun here and have ended so, and the seconds they took.
    """

    waiting: int
    running: int
    ready: int
    ended: dict[tuple[str, str], tuple[int, float]]


@dataclass(frozen=True)
class Ended:
    """A fit that was begun here and has ended.

    Attributes:
        request: what was fitted.
        outcome, seconds: what became of it (a finished `State`), and how long it was fitted.
        regions: how many have a forecast, or had one to get.
    """

    request: Request | PoolRequest
    outcome: str
    seconds: float
    regions: int = 1


class Board:
    """Entries by key. A new one is due after `grace` seconds. `people` may come, for whom a worker is kept free.

    Attributes:
        grace: the same.
        changed: the lock around everything here, and the news that something has changed.
        closed: nothing is fitted any more.
        ready: how many workers can take a fit.
        observers: who is told of every fit that ends; they are called while everybody else waits.
    """

    def __init__(self, grace: float = 0.0, people: bool = True) -> None:
        self.grace, self._people = grace, people
        self.changed = threading.Condition(threading.RLock())
        self.closed = False
        self.ready = 0
        self.observers: list[Callable[[Ended], None]] = []
        self._active: dict[str, Entry] = {}
        self._finished: dict[str, Entry] = {}  # in the order in which they finished
        self._finished_steps = 0
        self._watched: dict[str, float] = {}
        self._order: list[Entry] | None = None  # what waits, the next one first, until something changes that
        self._order_until = 0.0
        self._places: dict[str, int] = {}  # in that, by key
        self._numbers = itertools.count(1)
        self._took: dict[str, float] = {}  # seconds that each model's last fit took
        self._ended: dict[tuple[str, str], tuple[int, float]] = {}

    def find(self, key: str) -> Entry | None:
        """The entry of `key`, if it is remembered."""
        return self._active.get(key) or self._finished.get(key)

    def active(self) -> list[Entry]:
        """What waits or runs."""
        return list(self._active.values())

    def add(self, request: Request | PoolRequest, background: bool, draft: Forecast | None = None) -> Entry:
        """A new queued entry, or a finished one queued again as new; `draft` is what is known of it before its fit."""
        number, key = next(self._numbers), request.key
        if key in self._finished:
            entry = self._forget(key)
            fresh = Job(key, request.model, request.horizon, entry.job.state, draft=draft, parts=entry.job.parts)
            entry.job = move(fresh, State.queued, number)
            entry.request, entry.number, entry.background = request, number, background
            entry.handed = 0
        else:
            job = Job(key, request.model, request.horizon, draft=draft, version=number)
            entry = Entry(job, request, number, background)
        entry.due = time.monotonic() + self.grace
        self._active[key] = entry
        self._order = None
        return entry

    def start(self, entry: Entry, worker: Killable) -> Order:
        """A worker takes a queued entry; gives what to send it."""
        assert entry.request  # only finished entries have none
        self.move(entry, State.running)
        entry.fit, entry.worker = entry.job.version, worker
        entry.handed += 1
        return Order(entry.fit, entry.request)

    def move(self, entry: Entry, state: State, **changes: Any) -> None:
        """`entry` in its next state (see `job.move`), with the clock and the memory that go with it."""
        if entry.job.state is State.running:
            changes.setdefault("seconds", time.monotonic() - entry.began)
        if State.queued in (entry.job.state, state):
            self._order = None
        entry.job = move(entry.job, state, next(self._numbers), **changes)
        entry.lent = False
        entry.began = time.monotonic()
        if state.finished:
            self._finish(entry)

    def lend(self, entry: Entry) -> None:
        """A running entry is fitted by another server; whatever this one's worker still says of it does not count."""
        entry.fit, entry.worker, entry.lent = 0, None, True
        entry.handed -= 1

    def begin(self, entry: Entry) -> None:
        """Its worker has really begun: until now it was warming up, or dead without anybody's knowing."""
        entry.job = replace(entry.job, attempts=entry.job.attempts + 1)
        entry.began = time.monotonic()

    def tell(self, entry: Entry, progress: Progress) -> None:
        """A running entry's model has said something."""
        entry.job = tell(entry.job, progress, next(self._numbers))

    def arrive(self, entry: Entry, region: str, forecast: Forecast) -> None:
        """A running entry of many regions has the forecast of one more."""
        entry.job = arrive(entry.job, region, forecast, next(self._numbers))

    def watch(self, keys: Iterable[str]) -> None:
        """Somebody looks at these now."""
        now = time.monotonic()
        for key in keys:
            if now - self._watched.get(key, -WATCHED) >= WATCHED and key in self._active:
                self._order = None
            self._watched[key] = now

    def ask(self, entry: Entry) -> None:
        """A person asks for it, if none did before."""
        if entry.background:
            entry.background, self._order = False, None

    def waiting(self) -> Sequence[Entry]:
        """The queued entries, the next one first: watched, then those a person asked for, then first come.

        Sorted only when something has changed: every page that waits asks for its place in them.
        """
        now = time.monotonic()
        if self._order is None or now >= self._order_until:
            self._watched = {key: seen for key, seen in self._watched.items() if now - seen < WATCHED}
            queued = (entry for entry in self._active.values() if entry.job.state is State.queued)
            self._order = sorted(
                queued, key=lambda entry: (entry.job.key not in self._watched, entry.background, entry.number)
            )
            self._order_until = now + LOOKED
            self._places = {entry.job.key: place for place, entry in enumerate(self._order)}
        return self._order

    def next(self) -> Entry | float | None:
        """What a worker may take now; else the seconds until something is due; None when only news can change that."""
        now = time.monotonic()
        last = self._people and self.ready > 1 and self.ready - self._running() <= 1
        soonest: float | None = None
        for entry in self.waiting():
            if last and entry.background and self._is_slow(entry.job.model):
                continue
            if entry.due <= now:
                return entry
            soonest = entry.due - now if soonest is None else min(soonest, entry.due - now)
        return soonest

    def busy(self) -> Busy:
        """How much there is to do, and what has been done."""
        return Busy(len(self.waiting()), self._running(), self.ready, dict(self._ended))

    def _running(self) -> int:
        return sum(entry.worker is not None for entry in self._active.values())

    def _is_slow(self, model: str) -> bool:
        """Whether a fit by this model keeps a worker for long, from what is known of the last one."""
        return self._took.get(model, 0.0) > SLOW

    def written(self, keys: Iterable[str]) -> list[Job]:
        """The jobs of those `keys` that are remembered, as they were last written; cheap enough for every change."""
        return [entry.job for key in keys if (entry := self.find(key))]

    def snapshots(self, keys: Iterable[str]) -> dict[str, Job]:
        """The jobs of those `keys` that are remembered, with their clocks and places of this moment."""
        found = {key: entry for key in keys if (entry := self.find(key))}
        if any(entry.job.state is State.queued for entry in found.values()):
            self.waiting()
        return {key: _snapshot(entry, self._places) for key, entry in found.items()}

    def _finish(self, entry: Entry) -> None:
        request, job = entry.request, entry.job
        entry.request = entry.worker = None
        if job.seconds and job.attempts:
            self._took[job.model] = job.seconds
        if job.attempts:
            count, seconds = self._ended.get((job.model, job.state.value), (0, 0.0))
            self._ended[job.model, job.state.value] = count + 1, seconds + job.seconds
            assert request  # only finished entries have none
            for observe in self.observers:
                observe(Ended(request, job.state.value, job.seconds, max(len(job.parts), 1)))
        self._active.pop(entry.job.key)
        self._finished[entry.job.key] = entry
        self._finished_steps += _steps(entry.job)
        while len(self._finished) > REMEMBERED or self._finished_steps > REMEMBERED_STEPS:
            self._forget(next(iter(self._finished)))

    def _forget(self, key: str) -> Entry:
        entry = self._finished.pop(key)
        self._finished_steps -= _steps(entry.job)
        return entry


def _steps(job: Job) -> int:
    """How many steps ahead are remembered with it."""
    return job.horizon * max(len(job.parts), 1)


def _snapshot(entry: Entry, places: dict[str, int]) -> Job:
    if entry.job.state is State.queued:
        return replace(entry.job, ahead=places[entry.job.key])
    if entry.job.state is State.running:
        return replace(entry.job, seconds=time.monotonic() - entry.began)
    return entry.job
