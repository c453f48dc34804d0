"""JobQueue: fits requests in background worker processes, and says how each fit stands.

The fits that wait and run are on a `JobBoard`; one `Supervisor` thread per worker takes them from there.
"""

from __future__ import annotations

import atexit
import logging
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from forecasting.data.forecast import Forecast
from forecasting.data.panel import Panel
from forecasting.jobs.board import BoardEntry, FinishedFit, JobBoard, QueueLoad
from forecasting.jobs.composite import CompositeRequests, instant_requests
from forecasting.jobs.job import Job, State
from forecasting.jobs.request import AnyRequest, BatchRequest, PoolRequest, Request
from forecasting.jobs.sharing import SharedFits, open_claims
from forecasting.jobs.supervisor import Supervisor
from forecasting.jobs.warm_start import warm_start_draft
from forecasting.jobs.workers.backends import choose_backend
from forecasting.jobs.workers.fit import FitOutcome, fit_request, fit_requests
from forecasting.jobs.workers.interface import WorkerBackend
from forecasting.jobs.workers.protocol import WorkerEvent
from forecasting.models import model
from forecasting.storage.codec import Encoded
from forecasting.support.errors import JobError

if TYPE_CHECKING:  # a worker imports this package too, and needs no database
    from forecasting.storage.forecast_store import ForecastStore

log = logging.getLogger(__name__)


class QueueFull(JobError):  # noqa: N818 - named as a state, as in the standard library's queue.Full
    """The error raised when so many fits wait that another one would not be served in good time."""


def all_finished(jobs: list[Job]) -> bool:
    """Whether all jobs are finished: what `JobQueue.wait` waits for by default."""
    return all(job.finished for job in jobs)


class JobQueue:
    """Fits requests in worker processes; everybody who asks the same gets the same job.

    Args:
        store: where a result is looked for before a fit, and kept after it. It stays the caller's to close.
        workers: how many processes fit, at most; by default what the settings say. They are started at once.
        capacity: how many fits may wait.
        command: how a worker process is started here; given by tests.
        grace: seconds that a new fit waits before a worker takes it. In that time a page is drawn without fits that compete
            with it, and the values that a slider passes over are not begun.
        backend: starts the workers; by default local processes, or slots on the Dask cluster that the settings name.
        interactive: whether people may ask meanwhile; if so, a worker is kept free of slow `background` fits.

    Every method may be called from any thread. The processes never outlive this one, however it ends.
    """

    def __init__(
        self,
        store: ForecastStore,
        workers: int | None = None,
        capacity: int = 500,
        command: Sequence[str] | None = None,
        grace: float = 0.0,
        backend: WorkerBackend | None = None,
        interactive: bool = True,
    ) -> None:
        self._store = store
        self._capacity = capacity
        self._board = JobBoard(grace, interactive)
        self._composites = CompositeRequests()
        self._supervisors: list[Supervisor] = []
        self._backend = backend or choose_backend(workers, command)
        self._shared_fits = SharedFits(self._board, store, open_claims(store))
        self._shared_fits.start()
        self._backend.open(self._add_supervisors)
        atexit.register(self.close)

    def submit(self, request: Request, background: bool = False, retry: bool = False) -> Job:
        """Submit a request; returns its job: the one there is, a done one if the result is stored, or else a new one.

        A `background` fit lets those go first that a person asked for. One that failed, was cancelled or timed out is
        begun again only with `retry`. Instant models are fitted here and now, and are not stored. Raises `QueueFull`
        when too many wait already, and `JobError` after `close`.

        Where the store has a forecast of the same series from a few points ago, the new job has a draft from the start:
        a warm start from that fit's parameters (`warm_start`); a `background` job has none, for nobody looks at it.

        Of a request without a fit of its own (`composite`) the fits that it needs are submitted. On `QueueFull` those that
        were taken stay, and asking again goes on from there.
        """
        if request.members:
            return self._submit_members(request, background, retry)
        if request.pool:
            return self._submit_pool(request, request.pool, background, retry)
        known = self._known_job(request.key, background, retry)
        if known:
            return known
        if model(request.model).instant:
            return self._fit_here(request)
        if stored := self._store.get_stored([request.key]).get(request.key):
            return self._add_finished(request, State.done, forecast=stored.forecast, seconds=stored.seconds)
        draft = None if background else warm_start_draft(request, self._store)
        return self._enqueue(request, background, retry, draft)

    def submit_batch(self, requests: Sequence[Request]) -> Job:
        """Submit one background fit of many requests of a model and horizon, which a worker fits at once; returns its job.

        Each forecast is stored under the key of its own request, and is a part of the job; a request that it has no forecast of when it
        is done is to be submitted by itself, which says why. For those that are neither stored nor on their way. Raises `QueueFull`.
        """
        return self._enqueue(BatchRequest(tuple(requests)), True, True, None)

    def fit_instant(self, requests: Iterable[Request]) -> None:
        """Fit here and now, at once, those of `requests` and of their members whose models are instant and which are not known.

        Who is about to `submit` many calls this first with some of them: one by one the same takes many times as long. The
        results are remembered among `MAX_FINISHED`, so no more than a few hundred at a time are of use.
        """
        wanted = {leaf.key: leaf for request in requests for leaf in instant_requests(request)}
        if len(wanted) < 2:
            return
        with self._board.changed:
            missing = [request for key, request in wanted.items() if not self._board.find(key)]
        start = time.perf_counter()
        outcomes = fit_requests(missing)
        seconds = (time.perf_counter() - start) / max(len(missing), 1)
        for request, outcome in zip(missing, outcomes, strict=True):
            self._add_outcome(request, outcome, seconds)

    def job(self, key: str) -> Job | None:
        """The job of a request's key as it is now, or None if there is neither a job nor a stored result."""
        return next(iter(self.jobs([key])), None)

    def jobs(self, keys: Iterable[str]) -> list[Job]:
        """The jobs of those `keys` that are known, in their order."""
        keys = list(keys)
        with self._board.changed:
            found = self._board.snapshots(self._composites.fit_keys(keys))
        if missing := self._composites.store_keys(keys, found):
            for key, (forecast, seconds) in self._store.get_stored(missing).items():
                found[key] = Job(key, forecast.model, forecast.horizon, State.done, forecast=forecast, seconds=seconds)
        return self._composites.jobs(keys, found)

    def load(self) -> QueueLoad:
        """How much waits and runs now, and what has been done."""
        with self._board.changed:
            return self._board.load()

    def observe(self, observer: Callable[[FinishedFit], None]) -> None:
        """Call `observer` with every fit that was begun here and ends; the queue waits for it, so it must be quick."""
        with self._board.changed:
            self._board.observers.append(observer)

    def watch(self, keys: Iterable[str]) -> None:
        """Note that somebody looks at these now: for a few seconds they go before those that nobody looks at."""
        with self._board.changed:
            self._board.watch(self._composites.watch(keys))

    def cancel(self, key: str) -> Job | None:
        """Cancel a fit that waits or runs, for everybody; a finished one stays as it is.

        Of a request without a fit of its own, the fits that nobody else needs are cancelled.
        """
        composite = self._composites.request(key) is not None
        if composite and ((job := self.job(key)) is None or job.finished):
            return job
        with self._board.changed:
            found = [self._board.find(fit) for fit in (self._composites.cancel(key) if composite else [key])]
            entries = [entry for entry in found if entry and not entry.job.finished]
            # Waiting fits go first: a worker whose fit is ended would take one up.
            for entry in sorted(entries, key=lambda entry: entry.job.state is State.running):
                self._cancel(entry)
        return self.job(key)

    @property
    def can_fit(self) -> bool:
        """Whether fits can be done: some worker has been ready, and none of its successors has failed to start."""
        return not self.trouble and any(supervisor.can_fit for supervisor in self._supervisors)

    @property
    def trouble(self) -> str:
        """A sentence on what keeps all workers from fitting, where that is known; empty while there is nothing."""
        return self._backend.trouble

    def forget(self, panel: Panel) -> None:
        """Hold no figures of this panel's source any more. Fits go on; later questions are answered from the store."""
        self._composites.forget(panel.source)

    def wait(
        self,
        keys: Iterable[str],
        timeout: float | None = None,
        until: Callable[[list[Job]], bool] = all_finished,
    ) -> list[Job]:
        """Block until `until` is true of the jobs of `keys`, for at most `timeout` seconds; returns them as they are then.

        `until` is called at every change of any job with the jobs as last changed: their `seconds` and `ahead` are old.
        """
        keys = list(keys)
        board = self._board

        def changed_jobs() -> list[Job]:
            return self._composites.jobs(keys, {job.key: job for job in board.jobs(self._composites.fit_keys(keys))})

        with board.changed:
            board.changed.wait_for(lambda: board.closed or until(changed_jobs()), timeout)
        return self.jobs(keys)

    def close(self) -> None:
        """Cancel all fits and end the workers. Called at exit too; more than once does no harm."""
        atexit.unregister(self.close)
        with self._board.changed:
            self._board.closed = True
            for entry in self._board.active():
                self._cancel(entry)
            for supervisor in self._supervisors:
                supervisor.kill()
            self._board.changed.notify_all()
        self._backend.close()
        for supervisor in self._supervisors:
            supervisor.join(timeout=10)
        self._shared_fits.close()

    def _add_supervisors(self, count: int) -> None:
        """Have a supervisor for each of `count` workers. Of supervisors too many, each waits until there is room for its worker."""
        with self._board.changed:
            while len(self._supervisors) < count and not self._board.closed:
                name = f"fits {len(self._supervisors)}"
                self._supervisors.append(
                    Supervisor(
                        self._board,
                        self._store_result,
                        self._store_parts,
                        self._learned_before,
                        self._shared_fits,
                        self._backend,
                        name,
                    )
                )
                self._supervisors[-1].start()
            self._board.changed.notify_all()

    def _submit_members(self, request: Request, background: bool, retry: bool) -> Job:
        """Submit the members' fits; returns the job of what is blended from them."""
        if retry or not self._composites.is_cancelled(request.key):
            for member in request.members:
                self.submit(member, background, retry)
            self._composites.add(request)
        return self._current_job(request)

    def _submit_pool(self, request: Request, pool: PoolRequest, background: bool, retry: bool) -> Job:
        """Submit the fit of all regions, unless this one's forecast is there; returns the job of this region."""
        self._composites.add(request)
        job = self.job(request.key)
        if job and job.state is State.done:
            with self._board.changed:
                stored = not self._board.jobs([request.key, pool.key])
            return (
                self._add_finished(request, State.done, forecast=job.forecast, seconds=job.seconds) if stored else job
            )
        if not self._known_job(pool.key, background, retry):
            self._enqueue(pool, background, retry, None)
        return self._current_job(request)

    def _current_job(self, request: Request) -> Job:
        """The job of a request whose fits have been submitted."""
        return self.job(request.key) or Job(request.key, request.model, request.horizon)

    def _known_job(self, key: str, background: bool, retry: bool) -> Job | None:
        with self._board.changed:
            entry = self._board.find(key)
            if entry is None or (retry and entry.job.finished and entry.job.state is not State.done):
                return None
            if not background:
                self._board.prioritise(entry)
            return self._board.snapshots([key])[key]

    def _fit_here(self, request: Request) -> Job:
        start = time.perf_counter()
        outcome = fit_request(request)
        return self._add_outcome(request, outcome, time.perf_counter() - start)

    def _add_outcome(self, request: Request, outcome: FitOutcome, seconds: float) -> Job:
        if outcome.trace:
            log.error("Fitting %s: %s", request.model, outcome.trace)
        state = State.done if outcome.forecast else State.failed
        return self._add_finished(
            request, state, forecast=outcome.forecast, error=outcome.error or None, seconds=seconds
        )

    def _add_finished(self, request: Request, state: State, **result: object) -> Job:
        """Put a job that needs no worker on the board in its `state`, unless another thread was quicker."""
        with self._board.changed:
            entry = self._board.find(request.key)
            if entry is None or entry.job.state not in (State.queued, State.running, State.done):
                entry = self._board.add(request, background=False)
                self._board.change_state(entry, state, **result)
                self._board.changed.notify_all()
            return self._board.snapshots([request.key])[request.key]

    def _enqueue(self, request: AnyRequest, background: bool, retry: bool, draft: Forecast | None) -> Job:
        with self._board.changed:
            if self._board.closed:
                raise JobError("The application is closing; nothing more is fitted.")
            if known := self._known_job(request.key, background, retry):
                return known
            if len(self._board.waiting()) >= self._capacity:
                raise QueueFull(f"The queue is full: {self._capacity} fits are waiting; try again in a few minutes.")
            self._board.add(request, background, draft)
            self._board.changed.notify_all()
            return self._board.snapshots([request.key])[request.key]

    def _cancel(self, entry: BoardEntry) -> None:
        worker = entry.worker
        self._shared_fits.cancel(entry)
        self._board.change_state(entry, State.cancelled)
        if worker:
            self._board.kill_if_unused(worker)
        self._board.changed.notify_all()

    def _store_parts(self, request: AnyRequest, event: WorkerEvent) -> dict[str, Forecast]:
        """Store the forecasts of many requests; returns them as the store holds them, by the names of their parts."""
        assert isinstance(request, BatchRequest)
        seconds, parts = event.seconds / len(request.requests), request.parts
        encoded = [
            Encoded(parts[name].key, payload, seconds, parts[name].lineage) for name, payload in event.payloads.items()
        ]
        stored = self._store.put_encoded(encoded)
        return {name: stored[parts[name].key] for name in event.payloads}

    def _learned_before(self, request: AnyRequest) -> dict[str, Any]:
        """What an earlier fit of the same pool has learned, which saves time and changes no number; empty without any."""
        if not isinstance(request, PoolRequest) or not request.lineage or request.newest is None:
            return {}
        try:
            earlier = self._store.latest(request.lineage, request.newest)
        except Exception:  # it is learned anew
            log.exception("What was learned earlier could not be read")
            return {}
        return earlier.fitted if earlier else {}

    def _store_result(self, request: AnyRequest, event: WorkerEvent) -> WorkerEvent:
        """Store an event's forecast; returns the event with the forecast that the store holds, so that memory has only one."""
        assert event.forecast
        assert not isinstance(request, BatchRequest)
        key = request.part(event.region) if isinstance(request, PoolRequest) else request.key
        carries = not isinstance(request, PoolRequest) or event.forecast.fitted.get("learned")
        lineage = request.lineage if carries else ""
        try:
            return replace(event, forecast=self._store.put(key, event.forecast, event.seconds, lineage))
        except Exception:  # the forecast can be shown all the same
            log.exception("A forecast could not be stored")
            return event
