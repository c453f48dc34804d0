"""JobQueue: the door to background training. What waits and what runs is on a `Board`; a `Supervisor` a worker works."""

from __future__ import annotations

import atexit
import logging
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from forecasting.data.forecast import Forecast
from forecasting.data.panel import Panel
from forecasting.jobs.board import Board, Busy, Ended, Entry
from forecasting.jobs.composite import Derived
from forecasting.jobs.job import Job, State
from forecasting.jobs.request import PoolRequest, Request
from forecasting.jobs.sharing import Sharing
from forecasting.jobs.supervisor import Supervisor
from forecasting.jobs.warm_start import carried_on
from forecasting.jobs.workers.fit import fit
from forecasting.jobs.workers.interface import Crew
from forecasting.jobs.workers.protocol import Event
from forecasting.jobs.workers.start import crew_of
from forecasting.models import model
from forecasting.support.errors import JobError

if TYPE_CHECKING:  # a worker imports this package too, and needs no database
    from forecasting.jobs.claims import Claims
    from forecasting.storage.forecast_store import Store

log = logging.getLogger(__name__)


class QueueFull(JobError):  # noqa: N818 - said as a state, as in the standard library's queue.Full
    """So many fits wait that another one would not be served in good time."""


def all_finished(jobs: list[Job]) -> bool:
    """What `JobQueue.wait` waits for unless told otherwise."""
    return all(job.finished for job in jobs)


class JobQueue:
    """Fits requests in worker processes; everybody who asks the same gets the same job.

    Args:
        store: where a result is looked for before a fit, and kept after it. It stays the caller's to close.
        workers: how many processes fit, at most; by default what the settings say. They are started at once.
        capacity: how many fits may wait.
        command: how a worker process is started here; given by tests.
        grace: seconds that a new fit waits before a worker takes it. A page is drawn in that time without the fits in its
            way, and what a slider passes over is not begun.
        crew: where the workers come from; by default processes here, or the Dask cluster that the settings name.
        people: whether somebody may come and ask in person; else no worker is kept free of slow `background` fits.

    Every method may be called from any thread. The processes never outlive this one, however it ends.
    """

    def __init__(
        self,
        store: Store,
        workers: int | None = None,
        capacity: int = 500,
        command: Sequence[str] | None = None,
        grace: float = 0.0,
        crew: Crew | None = None,
        people: bool = True,
    ) -> None:
        self._store = store
        self._capacity = capacity
        self._board = Board(grace, people)
        self._derived = Derived()
        self._supervisors: list[Supervisor] = []
        self._crew = crew or crew_of(workers, command)
        self._sharing = Sharing(self._board, store, _claims(store))
        self._sharing.start()
        self._crew.open(self._staff)
        atexit.register(self.close)

    def submit(self, request: Request, background: bool = False, retry: bool = False) -> Job:
        """The job of `request`: the one there is, a done one if the result is stored, or else a new one.

        A `background` fit lets those go first that a person asked for. One that failed, was cancelled or timed out is
        begun again only with `retry`. Instant models are fitted here and now, and are not stored. Raises `QueueFull`
        when too many wait already, and `JobError` after `close`.

        Where the store has a forecast of the same series from a few points ago, the new job has a draft from the start:
        that fit's parameters, carried on over the new points (see `carrying_on`); a `background` job has none, for
        nobody looks at it.

        A request without a fit of its own (see `derived`) has the fits it needs submitted; `QueueFull` on the way leaves
        those that were taken, and asking again goes on.
        """
        if request.members:
            return self._submit_members(request, background, retry)
        if request.pool:
            return self._submit_pool(request, request.pool, background, retry)
        known = self._known(request.key, background, retry)
        if known:
            return known
        if model(request.model).instant:
            return self._fit_here(request)
        if stored := self._store.stored([request.key]).get(request.key):
            return self._enter(request, State.done, forecast=stored.forecast, seconds=stored.seconds)
        draft = None if background else carried_on(request, self._store)
        return self._enqueue(request, background, retry, draft)

    def job(self, key: str) -> Job | None:
        """The job of a request's key as it is now, or None if there is neither a job nor a stored result."""
        return next(iter(self.jobs([key])), None)

    def jobs(self, keys: Iterable[str]) -> list[Job]:
        """The jobs of those `keys` that are known, in their order."""
        keys = list(keys)
        with self._board.changed:
            found = self._board.snapshots(self._derived.fits(keys))
        if missing := self._derived.stored(keys, found):
            for key, (forecast, seconds) in self._store.stored(missing).items():
                found[key] = Job(key, forecast.model, forecast.horizon, State.done, forecast=forecast, seconds=seconds)
        return self._derived.jobs(keys, found)

    def busy(self) -> Busy:
        """How busy it is now."""
        with self._board.changed:
            return self._board.busy()

    def observe(self, observer: Callable[[Ended], None]) -> None:
        """Has `observer` told of every fit that was begun here and ends; at once, so it must be quick."""
        with self._board.changed:
            self._board.observers.append(observer)

    def watch(self, keys: Iterable[str]) -> None:
        """Somebody looks at these now: for a few seconds they go before those that nobody looks at."""
        with self._board.changed:
            self._board.watch(self._derived.watch(keys))

    def cancel(self, key: str) -> Job | None:
        """Ends a fit that waits or runs, for everybody; a finished one stays as it is.

        Of a request without a fit of its own, the fits that nobody else needs.
        """
        derived = self._derived.request(key) is not None
        if derived and ((job := self.job(key)) is None or job.finished):
            return job
        with self._board.changed:
            found = [self._board.find(fit) for fit in (self._derived.cancel(key) if derived else [key])]
            entries = [entry for entry in found if entry and not entry.job.finished]
            # What waits goes first: a worker that was ended would take it up.
            for entry in sorted(entries, key=lambda entry: entry.job.state is State.running):
                self._cancel(entry)
        return self.job(key)

    @property
    def able(self) -> bool:
        """Whether fits get done: some worker has been ready, and none of its successors has failed to start."""
        return not self.trouble and any(supervisor.able for supervisor in self._supervisors)

    @property
    def trouble(self) -> str:
        """A sentence on what keeps all workers from fitting, where that is known; empty while there is nothing."""
        return self._crew.trouble

    def forget(self, panel: Panel) -> None:
        """Hold no figures of this panel's source any more. Fits go on; who asks again is answered from the store."""
        self._derived.forget(panel.source)

    def wait(
        self,
        keys: Iterable[str],
        timeout: float | None = None,
        until: Callable[[list[Job]], bool] = all_finished,
    ) -> list[Job]:
        """Blocks until `until` is true of the jobs of `keys`, for at most `timeout` seconds; gives them as they are.

        `until` is asked at every change of any job, so it is shown them as they were last written: states, not clocks.
        """
        keys = list(keys)
        board = self._board

        def written() -> list[Job]:
            return self._derived.jobs(keys, {job.key: job for job in board.written(self._derived.fits(keys))})

        with board.changed:
            board.changed.wait_for(lambda: board.closed or until(written()), timeout)
        return self.jobs(keys)

    def close(self) -> None:
        """Cancels everything and ends the workers. Done at exit too; more than once does no harm."""
        atexit.unregister(self.close)
        with self._board.changed:
            self._board.closed = True
            for entry in self._board.active():
                self._cancel(entry)
            for supervisor in self._supervisors:
                supervisor.kill()
            self._board.changed.notify_all()
        self._crew.close()
        for supervisor in self._supervisors:
            supervisor.join(timeout=10)
        self._sharing.close()

    def _staff(self, places: int) -> None:
        """The crew has news: so many workers can be there now. A supervisor too many waits until there is room again."""
        with self._board.changed:
            while len(self._supervisors) < places and not self._board.closed:
                name = f"fits {len(self._supervisors)}"
                self._supervisors.append(Supervisor(self._board, self._keep, self._sharing, self._crew, name))
                self._supervisors[-1].start()
            self._board.changed.notify_all()

    def _submit_members(self, request: Request, background: bool, retry: bool) -> Job:
        """The members' fits, and the job of what is blended from them."""
        if retry or not self._derived.is_cancelled(request.key):
            for member in request.members:
                self.submit(member, background, retry)
            self._derived.add(request)
        return self._now(request)

    def _submit_pool(self, request: Request, pool: PoolRequest, background: bool, retry: bool) -> Job:
        """The fit of all regions, unless this one's forecast is there, and the job of that."""
        self._derived.add(request)
        job = self.job(request.key)
        if job and job.state is State.done:
            with self._board.changed:
                stored = not self._board.written([request.key, pool.key])
            return self._enter(request, State.done, forecast=job.forecast, seconds=job.seconds) if stored else job
        if not self._known(pool.key, background, retry):
            self._enqueue(pool, background, retry, None)
        return self._now(request)

    def _now(self, request: Request) -> Job:
        """The job of a request whose fits have been submitted."""
        return self.job(request.key) or Job(request.key, request.model, request.horizon)

    def _known(self, key: str, background: bool, retry: bool) -> Job | None:
        with self._board.changed:
            entry = self._board.find(key)
            if entry is None or (retry and entry.job.finished and entry.job.state is not State.done):
                return None
            if not background:
                self._board.ask(entry)
            return self._board.snapshots([key])[key]

    def _fit_here(self, request: Request) -> Job:
        start = time.perf_counter()
        outcome = fit(request)
        seconds = time.perf_counter() - start
        if outcome.trace:
            log.error("Fitting %s: %s", request.model, outcome.trace)
        state = State.done if outcome.forecast else State.failed
        return self._enter(request, state, forecast=outcome.forecast, error=outcome.error or None, seconds=seconds)

    def _enter(self, request: Request, state: State, **result: object) -> Job:
        """A job that needs no worker, unless somebody else was quicker."""
        with self._board.changed:
            entry = self._board.find(request.key)
            if entry is None or entry.job.state not in (State.queued, State.running, State.done):
                entry = self._board.add(request, background=False)
                self._board.move(entry, state, **result)
                self._board.changed.notify_all()
            return self._board.snapshots([request.key])[request.key]

    def _enqueue(self, request: Request | PoolRequest, background: bool, retry: bool, draft: Forecast | None) -> Job:
        with self._board.changed:
            if self._board.closed:
                raise JobError("The application is closing; nothing more is fitted.")
            if known := self._known(request.key, background, retry):
                return known
            if len(self._board.waiting()) >= self._capacity:
                raise QueueFull(f"The queue is full: {self._capacity} fits are waiting; try again in a few minutes.")
            self._board.add(request, background, draft)
            self._board.changed.notify_all()
            return self._board.snapshots([request.key])[request.key]

    def _cancel(self, entry: Entry) -> None:
        worker = entry.worker
        self._sharing.cancel(entry)
        self._board.move(entry, State.cancelled)
        if worker:
            worker.kill()
        self._board.changed.notify_all()

    def _keep(self, request: Request | PoolRequest, event: Event) -> Event:
        """Stores an event's forecast; gives the event with the forecast that the store holds, so that there is only one."""
        assert event.forecast
        key = request.part(event.region) if isinstance(request, PoolRequest) else request.key
        lineage = "" if isinstance(request, PoolRequest) else request.lineage
        try:
            return replace(event, forecast=self._store.put(key, event.forecast, event.seconds, lineage))
        except Exception:  # the forecast is here all the same, and the next one may be kept
            log.exception("A forecast could not be stored")
            return event


def _claims(store: Store) -> Claims | None:
    """The claims of a store that several servers share."""
    if not store.shared:
        return None
    from forecasting.jobs.claims import Claims

    return Claims(store.shared)
