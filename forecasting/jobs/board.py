"""JobBoard: the list of all fits of a queue that wait, run or have lately finished, and which of them is next.

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
from forecasting.jobs.job import Job, State, change_state, with_parts, with_progress, with_region
from forecasting.jobs.request import AnyRequest
from forecasting.jobs.workers.protocol import FitOrder
from forecasting.models import Progress

#: Seconds after a page's last look at a fit for which that goes before fits that nobody looks at.
WATCHED_SECONDS = 5.0
#: Seconds for which the order of what waits is kept although a page may have stopped looking.
ORDER_SECONDS = 0.5
#: Seconds of a model's last fit above which it is slow; a slow background fit leaves a worker free.
SLOW_SECONDS = 5.0
#: Finished fits that are remembered, at most; the store has the rest.
MAX_FINISHED = 2_000
#: Steps ahead of all finished fits that are remembered, at most: these are what takes memory.
MAX_FINISHED_STEPS = 40_000


class Killable(Protocol):
    """A worker as the board knows it: something that can be killed, which is how a fit is ended early."""

    def kill(self) -> None:
        """End it at once."""


@dataclass
class BoardEntry:
    """One fit on the board.

    Attributes:
        job: its last snapshot.
        request: what to fit; None once it has finished.
        number: its rank by arrival.
        background: whether no person asked for it.
        attempt: the number of the present attempt, which is used once.
        state_changed_at: when it got its state or, of a running one, when its worker began; seconds of the monotonic clock.
        worker: what fits it, while it runs.
        times_handed: how often it was handed to a worker of this server, whether that began it or not.
        due: when a worker may take it, in seconds of the monotonic clock.
        elsewhere: whether another server fits it.
        alone: whether it is fitted by itself from now on, because it came to nothing among others.
    """

    job: Job
    request: AnyRequest | None
    number: int
    background: bool
    attempt: int = 0
    state_changed_at: float = 0.0
    worker: Killable | None = None
    times_handed: int = 0
    due: float = 0.0
    elsewhere: bool = False
    alone: bool = False

    def runs(self, attempt: int) -> bool:
        """Whether this attempt is still wanted."""
        return self.job.state is State.running and self.attempt == attempt


@dataclass(frozen=True)
class QueueLoad:
    """How busy a queue is, for monitoring.

    Attributes:
        waiting, running: fits, those of other servers not counted as running.
        ready: workers that can take one.
        ended: by model and outcome: how many fits begun here have ended so, and the seconds that they took.
    """

    waiting: int
    running: int
    ready: int
    ended: dict[tuple[str, str], tuple[int, float]]


@dataclass(frozen=True)
class FinishedFit:
    """A fit that was begun here and has ended.

    Attributes:
        request: what was fitted.
        outcome, seconds: what became of it (a finished `State`), and how long it was fitted.
        regions: how many have a forecast, or had one to get.
    """

    request: AnyRequest
    outcome: str
    seconds: float
    regions: int = 1


class JobBoard:
    """Entries by key. With `interactive`, slow background fits leave a worker free.

    Attributes:
        grace: seconds after which a new entry is due.
        changed: the lock around everything here, and the news that something has changed.
        closed: nothing is fitted any more.
        ready: how many workers can take a fit.
        observers: called with every fit that ends, while the lock is held.
    """

    def __init__(self, grace: float = 0.0, interactive: bool = True) -> None:
        self.grace, self._interactive = grace, interactive
        self.changed = threading.Condition(threading.RLock())
        self.closed = False
        self.ready = 0
        self.observers: list[Callable[[FinishedFit], None]] = []
        self._active: dict[str, BoardEntry] = {}
        self._finished: dict[str, BoardEntry] = {}  # in the order in which they finished
        self._finished_steps = 0
        self._watched: dict[str, float] = {}
        self._order: list[BoardEntry] | None = None  # what waits, the next one first, until something changes that
        self._order_until = 0.0
        self._ranks: dict[str, int] = {}  # in that, by key
        self._numbers = itertools.count(1)
        self._took: dict[str, float] = {}  # seconds that each model's last fit took
        self._ended: dict[tuple[str, str], tuple[int, float]] = {}

    def find(self, key: str) -> BoardEntry | None:
        """The entry of `key`, if it is remembered."""
        return self._active.get(key) or self._finished.get(key)

    def active(self) -> list[BoardEntry]:
        """What waits or runs."""
        return list(self._active.values())

    def add(self, request: AnyRequest, background: bool, draft: Forecast | None = None) -> BoardEntry:
        """A new queued entry, or a finished one queued again as new; `draft` is what is known of it before its fit."""
        number, key = next(self._numbers), request.key
        if key in self._finished:
            entry = self._forget(key)
            fresh = Job(key, request.model, request.horizon, entry.job.state, draft=draft, parts=entry.job.parts)
            entry.job = change_state(fresh, State.queued, number)
            entry.request, entry.number, entry.background = request, number, background
            entry.times_handed, entry.alone = 0, False
        else:
            job = Job(key, request.model, request.horizon, draft=draft, version=number)
            entry = BoardEntry(job, request, number, background)
        entry.due = time.monotonic() + self.grace
        self._active[key] = entry
        self._order = None
        return entry

    def start(self, entry: BoardEntry, worker: Killable) -> FitOrder:
        """Hand a queued entry to a worker; returns the order to send it."""
        assert entry.request  # only finished entries have none
        self.change_state(entry, State.running)
        entry.attempt, entry.worker = entry.job.version, worker
        entry.times_handed += 1
        return FitOrder(entry.attempt, entry.request)

    def start_together(self, entries: Sequence[BoardEntry], worker: Killable) -> int:
        """Hand queued entries to a worker as one attempt; returns its number."""
        attempt = self.start(entries[0], worker).fit
        for entry in entries[1:]:
            self.start(entry, worker)
            entry.attempt = attempt
        return attempt

    def kill_if_unused(self, worker: Killable) -> None:
        """End a worker, one of whose fits is no longer wanted, unless it fits others together with that one, which go on."""
        if not any(entry.worker is worker for entry in self._active.values()):
            worker.kill()

    def peers(self, entry: BoardEntry) -> list[BoardEntry]:
        """The other queued entries that go neither before nor behind `entry` but by arrival: watched, and asked for, as it is."""

        def rank(one: BoardEntry) -> tuple[bool, bool]:
            return one.job.key in self._watched, one.background

        return [one for one in self.waiting() if one is not entry and rank(one) == rank(entry)]

    def change_state(self, entry: BoardEntry, state: State, **changes: Any) -> None:
        """Put `entry` into its next state, with the clock and the memory that go with it. Raises `JobError` where it may not."""
        if entry.job.state is State.running:
            changes.setdefault("seconds", time.monotonic() - entry.state_changed_at)
        if State.queued in (entry.job.state, state):
            self._order = None
        entry.job = change_state(entry.job, state, next(self._numbers), **changes)
        entry.elsewhere = False
        entry.state_changed_at = time.monotonic()
        if state.finished:
            self._finish(entry)

    def mark_elsewhere(self, entry: BoardEntry) -> None:
        """Note that another server fits a running entry; whatever this one's worker still reports of it does not count."""
        entry.attempt, entry.worker, entry.elsewhere = 0, None, True
        entry.times_handed -= 1  # the worker gave it back before it began

    def record_start(self, entry: BoardEntry) -> None:
        """Note that its worker has really begun: until now it was warming up, or dead without having been seen to be."""
        entry.job = replace(entry.job, attempts=entry.job.attempts + 1)
        entry.state_changed_at = time.monotonic()

    def record_progress(self, entry: BoardEntry, progress: Progress) -> None:
        """Note what a running entry's model has reported."""
        entry.job = with_progress(entry.job, progress, next(self._numbers))

    def record_parts(self, entry: BoardEntry, parts: dict[str, Forecast]) -> None:
        """Note forecasts of a running entry of many requests."""
        entry.job = with_parts(entry.job, parts, next(self._numbers))

    def record_region(self, entry: BoardEntry, region: str, forecast: Forecast) -> None:
        """Note the forecast of one more region of a running entry of many regions."""
        entry.job = with_region(entry.job, region, forecast, next(self._numbers))

    def watch(self, keys: Iterable[str]) -> None:
        """Note that somebody looks at these now."""
        now = time.monotonic()
        for key in keys:
            if now - self._watched.get(key, -WATCHED_SECONDS) >= WATCHED_SECONDS and key in self._active:
                self._order = None
            self._watched[key] = now

    def prioritise(self, entry: BoardEntry) -> None:
        """Note that a person asks for it: it is no background fit any more."""
        if entry.background:
            entry.background, self._order = False, None

    def waiting(self) -> Sequence[BoardEntry]:
        """The queued entries, the next one first: watched ones, then those that a person asked for, then by arrival.

        Sorted only when something has changed: every page that waits asks for its rank in them.
        """
        now = time.monotonic()
        if self._order is None or now >= self._order_until:
            self._watched = {key: seen for key, seen in self._watched.items() if now - seen < WATCHED_SECONDS}
            queued = (entry for entry in self._active.values() if entry.job.state is State.queued)
            self._order = sorted(
                queued, key=lambda entry: (entry.job.key not in self._watched, entry.background, entry.number)
            )
            self._order_until = now + ORDER_SECONDS
            self._ranks = {entry.job.key: rank for rank, entry in enumerate(self._order)}
        return self._order

    def next(self) -> BoardEntry | float | None:
        """The entry that a worker may take now; else the seconds until one is due; None when only a change can bring one."""
        now = time.monotonic()
        last_free = self._interactive and self.ready > 1 and self.ready - self._busy_workers() <= 1
        soonest: float | None = None
        for entry in self.waiting():
            if last_free and entry.background and self._is_slow(entry.job.model):
                continue
            if entry.due <= now:
                return entry
            soonest = entry.due - now if soonest is None else min(soonest, entry.due - now)
        return soonest

    def load(self) -> QueueLoad:
        """How much there is to do, and what has been done here."""
        return QueueLoad(len(self.waiting()), self._running(), self.ready, dict(self._ended))

    def _busy_workers(self) -> int:
        return len({id(entry.worker) for entry in self._active.values() if entry.worker is not None})

    def _running(self) -> int:
        return sum(entry.worker is not None for entry in self._active.values())

    def _is_slow(self, model: str) -> bool:
        """Whether a fit by this model keeps a worker for long, from what is known of the last one."""
        return self._took.get(model, 0.0) > SLOW_SECONDS

    def jobs(self, keys: Iterable[str]) -> list[Job]:
        """The jobs of those `keys` that are remembered, as last changed, without clocks; cheap enough for every change."""
        return [entry.job for key in keys if (entry := self.find(key))]

    def snapshots(self, keys: Iterable[str]) -> dict[str, Job]:
        """The jobs of those `keys` that are remembered, with their seconds and ranks of this moment."""
        entries = {key: entry for key in keys if (entry := self.find(key))}
        if any(entry.job.state is State.queued for entry in entries.values()):
            self.waiting()
        return {key: _snapshot(entry, self._ranks) for key, entry in entries.items()}

    def _finish(self, entry: BoardEntry) -> None:
        request, job = entry.request, entry.job
        entry.request = entry.worker = None
        if job.seconds and job.attempts:
            self._took[job.model] = job.seconds
        if job.attempts:
            count, seconds = self._ended.get((job.model, job.state.value), (0, 0.0))
            self._ended[job.model, job.state.value] = count + 1, seconds + job.seconds
            assert request  # only finished entries have none
            for observe in self.observers:
                observe(FinishedFit(request, job.state.value, job.seconds, max(len(job.parts), 1)))
        self._active.pop(entry.job.key)
        self._finished[entry.job.key] = entry
        self._finished_steps += _steps(entry.job)
        while len(self._finished) > MAX_FINISHED or self._finished_steps > MAX_FINISHED_STEPS:
            self._forget(next(iter(self._finished)))

    def _forget(self, key: str) -> BoardEntry:
        entry = self._finished.pop(key)
        self._finished_steps -= _steps(entry.job)
        return entry


def _steps(job: Job) -> int:
    """How many steps ahead are remembered with a job."""
    return job.horizon * max(len(job.parts), 1)


def _snapshot(entry: BoardEntry, ranks: dict[str, int]) -> Job:
    if entry.job.state is State.queued:
        return replace(entry.job, ahead=ranks[entry.job.key])
    if entry.job.state is State.running:
        return replace(entry.job, seconds=time.monotonic() - entry.state_changed_at)
    return entry.job
