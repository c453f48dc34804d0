"""Supervisor: a thread that keeps one worker alive, restarts it when it dies, and gives it one fit after the other.

It blocks in two places only: on the board, for something to do, and on the worker's output. Code that ends a fit early (a
timeout, a cancellation, the end of the queue) first writes its new state on the board and then kills the worker; when the
output ends while the board still says "running", the supervisor knows that the worker died by itself.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from forecasting.data.forecast import Forecast
from forecasting.jobs.batching import batch_of
from forecasting.jobs.board import BoardEntry, JobBoard
from forecasting.jobs.job import State
from forecasting.jobs.request import AnyRequest, BatchRequest, GatheredRequest, Request
from forecasting.jobs.sharing import SharedFits
from forecasting.jobs.timeouts import TIMEOUTS
from forecasting.jobs.workers.interface import Worker, WorkerBackend
from forecasting.jobs.workers.process import START_SECONDS
from forecasting.jobs.workers.protocol import FitOrder, WorkerEvent
from forecasting.models import model
from forecasting.support.errors import ForecastingError

log = logging.getLogger(__name__)

#: Times that a fit whose worker dies is begun, at most.
MAX_ATTEMPTS = 2
#: Times that a fit is handed to a worker, at most, with those workers that die before they begin it.
MAX_HANDOVERS = 5
#: Workers in a row that ended by themselves before they were ready, after which the waiting fits fail.
MAX_FAILED_STARTS = 3
#: What a worker killed from outside counts for among those: it says less about whether the next one will start.
KILLED_START = 0.25
#: Seconds that, times two to the number of workers in a row that came to nothing, are the pause before the next one.
BASE_PAUSE = 0.25
#: Seconds of the longest pause between two workers that came to nothing.
MAX_PAUSE = 30.0

#: An entry of the board with what was asked for when a worker took it: a finished one has no request.
Taken = tuple[BoardEntry, AnyRequest]
#: Stores an event's forecast and returns the event with the forecast as stored.
StoreResult = Callable[[AnyRequest, WorkerEvent], WorkerEvent]
#: Stores an event's encoded forecasts and returns them by their names.
StoreParts = Callable[[AnyRequest, WorkerEvent], dict[str, Forecast]]
#: What an earlier fit has learned that this request can go on from: its `Forecast.fitted`, or nothing.
LearnedBefore = Callable[[AnyRequest], dict[str, Any]]


class Supervisor(threading.Thread):
    """A thread that supervises one worker until the board is closed. `store_result` stores each result before it is shown."""

    def __init__(
        self,
        board: JobBoard,
        store_result: StoreResult,
        store_parts: StoreParts,
        learned_before: LearnedBefore,
        shared_fits: SharedFits,
        backend: WorkerBackend,
        name: str,
    ) -> None:
        super().__init__(name=name, daemon=True)
        self._board = board
        self._store_result, self._store_parts = store_result, store_parts
        self._learned_before = learned_before
        self._shared_fits = shared_fits
        self._backend = backend
        self._worker: Worker | None = None
        self._fruitless_workers = 0  # in a row, that died before they began a fit
        self._failed_starts = 0.0  # in a row: workers that died before they were ready
        self.can_fit = False  # whether a worker is, or will be again, ready to fit

    def run(self) -> None:
        """Run one worker after the other until the board is closed."""
        while self._pause():
            try:
                self._run_worker()
            except Exception:  # a bug here must not cost a worker for good
                log.exception("A supervisor failed; its worker is replaced")

    def kill(self) -> None:
        """Kill the present worker. The caller holds the board."""
        if self._worker:
            self._worker.kill()

    def _pause(self) -> bool:
        """Wait the longer, the more workers have come to nothing; if all starts fail, for work. False when closed."""
        board, failures = self._board, self._fruitless_workers
        seconds = min(BASE_PAUSE * 2**failures, MAX_PAUSE) if failures > 1 else 0.0
        with board.changed:
            board.changed.wait_for(lambda: board.closed, seconds)
            if self._failed_starts >= MAX_FAILED_STARTS:
                board.changed.wait_for(lambda: board.closed or board.waiting() or self._backend.recovered)
            return not board.closed

    def _run_worker(self) -> None:
        """Run one worker, from its start to its end."""
        self._fruitless_workers += 1
        self._failed_starts += 1
        try:
            worker = self._backend.start_worker(self._wake)
        except (OSError, ForecastingError) as error:
            log.error("A worker could not be started: %s", error)
            if isinstance(error, ForecastingError):
                self._fruitless_workers -= 1  # the backend knows why, and has waited itself
            self._fail_waiting_if_hopeless()
            return
        try:
            with self._board.changed:
                self._worker = worker
                if self._board.closed:
                    worker.kill()
            self._serve(worker)
        finally:
            self._reap(worker)

    def _serve(self, worker: Worker) -> None:
        with TIMEOUTS.within(START_SECONDS, worker.kill):
            ready = any(event.name == "ready" for event in worker.events)
        if not ready:
            return
        self._failed_starts, self.can_fit = 0.0, True
        with self._board.changed:
            self._board.ready += 1
            self._board.changed.notify_all()
        try:
            while work := self._next(worker):
                self._fit(worker, *work)
        finally:
            with self._board.changed:
                self._board.ready -= 1

    def _next(self, worker: Worker) -> tuple[int, list[Taken]] | None:
        """Take the next fit from the board, and its batch; None when there will be no more for this worker."""
        board = self._board
        with board.changed:
            while not board.closed and worker.alive:
                entry = board.next()
                if isinstance(entry, BoardEntry):
                    entries = batch_of(entry, board)
                    taken = [(one, one.request) for one in entries if one.request]
                    fit = board.start_together(entries, worker)
                    board.changed.notify_all()
                    return fit, taken
                board.changed.wait(entry)
            return None

    def _fit(self, worker: Worker, fit: int, taken: Sequence[Taken]) -> None:
        """Have `worker` fit what it has taken and what no other server fits, until that is finished or the worker has ended."""
        ended = False
        try:
            mine = [(entry, request) for entry, request in taken if self._shared_fits.claim(entry, request, fit)]
            if mine:
                order = FitOrder(fit, _joined([request for _, request in mine]))
                ended = self._send(worker, [entry for entry, _ in mine], order)
        finally:  # released first: what is queued again may be claimed by the next supervisor at once
            self._shared_fits.release([request.key for _, request in taken], fit)
            if ended and len(taken) > 1:
                self._begin_again_alone([entry for entry, _ in taken], fit)
            self._retry_or_fail(worker, [entry for entry, _ in taken], fit)

    def _send(self, worker: Worker, entries: Sequence[BoardEntry], order: FitOrder) -> bool:
        """Send an order and follow it to its end; whether that has come, so that the worker is free."""
        line = self._order_line(entries, order)
        if not line:
            return True
        with TIMEOUTS.within(worker.start_timeout, worker.kill):
            worker.send(line)
            begun = any(event.name == "started" and event.fit == order.fit for event in worker.events)
        if not begun:
            return False
        self._fruitless_workers = 0
        with self._board.changed:
            for entry in entries:
                if entry.runs(order.fit):
                    self._board.record_start(entry)
        limit = model(order.request.model).time_limit
        with TIMEOUTS.within(limit, lambda: self._time_out(worker, entries, order.fit)):
            return self._follow_events(worker, entries, order)

    def _order_line(self, entries: Sequence[BoardEntry], order: FitOrder) -> str:
        """The line to send to the worker; empty where its figures cannot be gathered, with which the fit fails unless it is in a batch."""
        try:
            assert not isinstance(order.request, GatheredRequest)
            return replace(order, learned=self._learned_before(order.request)).to_line()
        except Exception as error:
            known = isinstance(error, ForecastingError)
            if not known:
                log.exception("The figures for a fit could not be gathered")
            label = model(order.request.model).label
            why = (
                str(error)
                if known
                else f"The figures for {label} could not be gathered, which is a fault of the program; the log says more."
            )
        with self._board.changed:
            if len(entries) == 1 and entries[0].runs(order.fit):
                self._board.change_state(entries[0], State.failed, error=why)
                self._board.changed.notify_all()
        return ""

    def _follow_events(self, worker: Worker, entries: Sequence[BoardEntry], order: FitOrder) -> bool:
        """Write the worker's events of `order` on the board; whether the last one has come."""
        entry = entries[0]
        for event in worker.events:
            if event.fit != order.fit:
                continue
            if event.trace:
                log.error("Fitting %s: %s", order.request.model, event.trace)
            if len(entries) > 1:
                self._record_batch(entries, order, event)
                if event.is_last:
                    return True
                continue
            if event.forecast and entry.runs(order.fit):
                assert not isinstance(order.request, GatheredRequest)
                event = self._store_result(order.request, event)
            parts = dict[str, Forecast]()
            if event.payloads and entry.runs(order.fit):
                assert not isinstance(order.request, GatheredRequest)
                parts = self._store_parts(order.request, event)
            self._record_event(entry, event, parts)
            if event.is_last:
                return True
        return False

    def _record_batch(self, entries: Sequence[BoardEntry], order: FitOrder, event: WorkerEvent) -> None:
        """Store the forecasts of a batch, and write each on the board; not of fits that were cancelled or are another server's now."""
        wanted = {str(place) for place, entry in enumerate(entries) if entry.runs(order.fit)}
        payloads = {name: payload for name, payload in event.payloads.items() if name in wanted}
        if not payloads:
            return
        assert isinstance(order.request, BatchRequest)
        forecasts = self._store_parts(order.request, replace(event, payloads=payloads))
        seconds = event.seconds / len(entries)
        with self._board.changed:
            for name, forecast in forecasts.items():
                entry = entries[int(name)]
                if entry.runs(order.fit):
                    self._board.change_state(entry, State.done, forecast=forecast, draft=None, seconds=seconds)
            self._board.changed.notify_all()

    def _begin_again_alone(self, entries: Sequence[BoardEntry], fit: int) -> None:
        """Queue those of a batch again that it gave nothing: fitted alone, each says why."""
        with self._board.changed:
            for entry in entries:
                if entry.runs(fit):
                    entry.alone = True
                    self._board.change_state(entry, State.queued, progress=None, seconds=0.0)
            self._board.changed.notify_all()

    def _record_event(self, entry: BoardEntry, event: WorkerEvent, parts: dict[str, Forecast]) -> None:
        with self._board.changed:
            if not entry.runs(event.fit):
                return
            if event.progress:
                self._board.record_progress(entry, event.progress)
            elif parts:
                self._board.record_parts(entry, parts)
            elif event.name == "part" and event.forecast:
                self._board.record_region(entry, event.region, event.forecast)
            elif event.name == "done" and (event.forecast or entry.job.parts):
                self._board.change_state(entry, State.done, forecast=event.forecast, draft=None, seconds=event.seconds)
            elif event.name == "failed":
                self._board.change_state(entry, State.failed, error=event.error, seconds=event.seconds)
            self._board.changed.notify_all()

    def _time_out(self, worker: Worker, entries: Sequence[BoardEntry], fit: int) -> None:
        """End what has taken too long: a fit has timed out; none of a batch is to blame yet, and each is begun again alone."""
        with self._board.changed:
            running = [entry for entry in entries if entry.runs(fit)]
            if len(entries) == 1 and running:
                (entry,) = running
                chosen = model(entry.job.model)
                best = "; its best so far is kept" if entry.job.draft else ""
                error = f"{chosen.label} was not finished after {chosen.time_limit:g} seconds and was ended{best}."
                self._board.change_state(entry, State.timed_out, error=error)
            if running:
                worker.kill()
                self._board.changed.notify_all()

    def _retry_or_fail(self, worker: Worker, entries: Sequence[BoardEntry], fit: int) -> None:
        """If fits still count as running, their worker died: queue each again, alone, or fail it after too many attempts."""
        with self._board.changed:
            running = [entry for entry in entries if entry.runs(fit)]
            if running:
                worker.kill()
            for entry in running:
                entry.alone = entry.alone or len(entries) > 1
                attempts = MAX_ATTEMPTS + entry.alone  # the one in a batch may have died of another's series
                if entry.job.attempts < attempts and entry.times_handed < MAX_HANDOVERS:
                    self._board.change_state(entry, State.queued, progress=None, seconds=0.0)
                else:
                    self._board.change_state(entry, State.failed, error=_death_sentence(entry.job.model))
            if running:
                self._board.changed.notify_all()

    def _reap(self, worker: Worker) -> None:
        code = worker.reap()
        if code < 0 and self._failed_starts:
            self._failed_starts -= 1 - KILLED_START
        if self._board.closed:
            return
        log.warning(
            "The worker's %s has ended (exit code %d) and is replaced. Its last output:\n%s",
            worker.name,
            code,
            worker.last_output,
        )
        self._fail_waiting_if_hopeless()

    def _fail_waiting_if_hopeless(self) -> None:
        """Fail the waiting fits when workers keep dying before they are ready, and no other worker is ready."""
        self.can_fit = self.can_fit and self._failed_starts < MAX_FAILED_STARTS
        with self._board.changed:
            if self._failed_starts < MAX_FAILED_STARTS or self._board.ready:
                return
            for entry in self._board.waiting():
                label = model(entry.job.model).label
                error = f"The background workers do not start, so {label} was not fitted; the server's log says why."
                if why := self._backend.trouble:
                    error = f"{label} was not fitted. {why}"
                self._board.change_state(entry, State.failed, error=error)
            self._board.changed.notify_all()

    def _wake(self) -> None:
        """Wake the thread when its worker has ended, so that it stops waiting for a fit for it."""
        with self._board.changed:
            self._board.changed.notify_all()


def _joined(requests: Sequence[AnyRequest]) -> AnyRequest:
    """A request as it is, or many as one batch, in their order."""
    if len(requests) == 1:
        return requests[0]
    assert all(isinstance(request, Request) for request in requests)
    return BatchRequest(tuple(request for request in requests if isinstance(request, Request)))


def _death_sentence(name: str) -> str:
    return (
        f"The worker fitting {model(name).label} was stopped twice; the machine may be short of memory. "
        "Choose another model or a shorter history."
    )
