"""Supervisor: a thread that keeps one worker alive, here or elsewhere, and gives it one fit after the other.

It blocks in two places only: on the board, for something to do, and on the worker's output. Whoever wants to end a fit
(a time limit, a visitor, the end of the queue) first writes its new state on the board and then kills the worker; the
supervisor sees the output end and, if the board still says "running", knows that nobody wanted that.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from forecasting.jobs.board import Board, Entry
from forecasting.jobs.job import State
from forecasting.jobs.request import GatheredRequest, PoolRequest, Request
from forecasting.jobs.sharing import Sharing
from forecasting.jobs.timeouts import ALARMS
from forecasting.jobs.workers.interface import Crew, Worker
from forecasting.jobs.workers.process import START_LIMIT
from forecasting.jobs.workers.protocol import Event, Order
from forecasting.models import model
from forecasting.support.errors import ForecastingError

log = logging.getLogger(__name__)

#: How often a fit whose worker dies is begun.
ATTEMPTS = 2
#: How often a fit is handed to a worker, counting those that die before they begin it.
HANDED = 5
#: After so many workers in a row that ended by themselves before they were ready, those who wait are told. One that was
#: killed from outside says less about whether the next will start, and counts for a quarter.
HOPELESS = 3
KILLED_COUNTS = 0.25
#: The longest pause between two starts that come to nothing, in seconds.
LONGEST_PAUSE = 30.0

Keep = Callable[[Request | PoolRequest, Event], Event]


class Supervisor(threading.Thread):
    """Runs until the board is closed. `keep` stores a result before anybody is told of it, and says what to tell."""

    def __init__(self, board: Board, keep: Keep, sharing: Sharing, crew: Crew, name: str) -> None:
        super().__init__(name=name, daemon=True)
        self._board = board
        self._keep = keep
        self._sharing = sharing
        self._crew = crew
        self._worker: Worker | None = None
        self._barren = 0  # workers in a row that died before they began a fit
        self._unready = 0.0  # workers in a row that died before they were ready
        self.able = False  # whether a worker is, or will be again, ready to fit

    def run(self) -> None:
        """See the class."""
        while self._pause():
            try:
                self._employ()
            except Exception:  # a bug here must not cost a worker for good
                log.exception("Supervising a worker went wrong; it is replaced")

    def kill(self) -> None:
        """Ends the present worker. The caller holds the board."""
        if self._worker:
            self._worker.kill()

    def _pause(self) -> bool:
        """Waits the longer, the more workers have come to nothing, and for work if that is hopeless. False: closed."""
        board, seconds = self._board, min(0.25 * 2**self._barren, LONGEST_PAUSE) if self._barren > 1 else 0.0
        with board.changed:
            board.changed.wait_for(lambda: board.closed, seconds)
            if self._unready >= HOPELESS:
                board.changed.wait_for(lambda: board.closed or board.waiting() or self._crew.mended)
            return not board.closed

    def _employ(self) -> None:
        """One worker, from its start to its burial."""
        self._barren += 1
        self._unready += 1
        try:
            worker = self._crew.hire(self._wake)
        except (OSError, ForecastingError) as error:
            log.error("A worker could not be started: %s", error)
            if isinstance(error, ForecastingError):
                self._barren -= 1  # the crew knows why, and waits itself before it says so
            self._tell_if_hopeless()
            return
        try:
            with self._board.changed:
                self._worker = worker
                if self._board.closed:
                    worker.kill()
            self._serve(worker)
        finally:
            self._bury(worker)

    def _serve(self, worker: Worker) -> None:
        with ALARMS.within(START_LIMIT, worker.kill):
            ready = any(event.name == "ready" for event in worker.events)
        if not ready:
            return
        self._unready, self.able = 0.0, True
        with self._board.changed:
            self._board.ready += 1
            self._board.changed.notify_all()
        try:
            while work := self._next(worker):
                self._fit(worker, *work)
        finally:
            with self._board.changed:
                self._board.ready -= 1

    def _next(self, worker: Worker) -> tuple[Entry, Order] | None:
        """The next fit, now running; None when there will be no more for this worker."""
        board = self._board
        with board.changed:
            while not board.closed and worker.alive:
                entry = board.next()
                if isinstance(entry, Entry):
                    order = board.start(entry, worker)
                    board.changed.notify_all()
                    return entry, order
                board.changed.wait(entry)
            return None

    def _fit(self, worker: Worker, entry: Entry, order: Order) -> None:
        """Has `worker` fit `entry`, until that is finished or the worker is no more."""
        fit, limit = order.fit, model(order.request.model).time_limit
        assert not isinstance(order.request, GatheredRequest)
        if not self._sharing.claim(entry, order.request):
            return
        line = self._line(entry, order)
        try:
            if not line:
                return
            with ALARMS.within(worker.patience, worker.kill):
                worker.send(line)
                begun = any(event.name == "started" and event.fit == fit for event in worker.events)
            if begun:
                self._barren = 0
                with self._board.changed:
                    self._board.begin(entry)
                with ALARMS.within(limit, lambda: self._time_out(worker, entry, fit)):
                    self._follow(worker, entry, order)
        finally:
            self._settle(worker, entry, fit)
            self._sharing.release(entry.job.key)

    def _line(self, entry: Entry, order: Order) -> str:
        """What to send; empty where that cannot be had, which is then said."""
        try:
            return order.line()
        except Exception as error:
            known = isinstance(error, ForecastingError)
            if not known:
                log.exception("The figures for a fit could not be gathered")
            what = f"The figures for {model(entry.job.model).label} could not be gathered"
            why = str(error) if known else f"{what}, which is a fault of the program; the log says more."
        with self._board.changed:
            if entry.runs(order.fit):
                self._board.move(entry, State.failed, error=why)
                self._board.changed.notify_all()
        return ""

    def _follow(self, worker: Worker, entry: Entry, order: Order) -> None:
        """Writes on the board what the worker says of `order`, up to its last word."""
        for event in worker.events:
            if event.fit != order.fit:
                continue
            if event.trace:
                log.error("Fitting %s: %s", entry.job.model, event.trace)
            if event.forecast and entry.runs(order.fit):
                assert not isinstance(order.request, GatheredRequest)
                event = self._keep(order.request, event)
            self._note(entry, event)
            if event.last:
                return

    def _note(self, entry: Entry, event: Event) -> None:
        with self._board.changed:
            if not entry.runs(event.fit):
                return
            if event.progress:
                self._board.tell(entry, event.progress)
            elif event.name == "part" and event.forecast:
                self._board.arrive(entry, event.region, event.forecast)
            elif event.name == "done" and (event.forecast or entry.job.parts):
                self._board.move(entry, State.done, forecast=event.forecast, draft=None, seconds=event.seconds)
            elif event.name == "failed":
                self._board.move(entry, State.failed, error=event.error, seconds=event.seconds)
            self._board.changed.notify_all()

    def _time_out(self, worker: Worker, entry: Entry, fit: int) -> None:
        chosen = model(entry.job.model)
        with self._board.changed:
            if entry.runs(fit):
                best = "; its best so far is kept" if entry.job.draft else ""
                error = f"{chosen.label} was not finished after {chosen.time_limit:g} seconds and was ended{best}."
                self._board.move(entry, State.timed_out, error=error)
                worker.kill()
                self._board.changed.notify_all()

    def _settle(self, worker: Worker, entry: Entry, fit: int) -> None:
        """If the fit should still be running, its worker died: once more, or never again."""
        with self._board.changed:
            if not entry.runs(fit):
                return
            worker.kill()
            if entry.job.attempts < ATTEMPTS and entry.handed < HANDED:
                self._board.move(entry, State.queued, progress=None, seconds=0.0)
            else:
                self._board.move(entry, State.failed, error=_died(entry.job.model))
            self._board.changed.notify_all()

    def _bury(self, worker: Worker) -> None:
        code = worker.bury()
        if code < 0 and self._unready:
            self._unready -= 1 - KILLED_COUNTS
        if self._board.closed:
            return
        log.warning("The %s has ended (%d) and is replaced. It said last:\n%s", worker.name, code, worker.last_words)
        self._tell_if_hopeless()

    def _tell_if_hopeless(self) -> None:
        """Fails what waits when workers keep dying before they are ready, and no other one is."""
        self.able = self.able and self._unready < HOPELESS
        with self._board.changed:
            if self._unready < HOPELESS or self._board.ready:
                return
            for entry in self._board.waiting():
                label = model(entry.job.model).label
                error = f"The background workers do not start, so {label} was not fitted; the server's log says why."
                if why := self._crew.trouble:
                    error = f"{label} was not fitted. {why}"
                self._board.move(entry, State.failed, error=error)
            self._board.changed.notify_all()

    def _wake(self) -> None:
        """The worker has ended: stop waiting for something to give it."""
        with self._board.changed:
            self._board.changed.notify_all()


def _died(name: str) -> str:
    return (
        f"The worker fitting {model(name).label} was stopped twice; the machine may be short of memory. "
        "Choose another model or a shorter history."
    )
