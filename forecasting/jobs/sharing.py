"""SharedFits: lets several servers with one store share their fits, so that each fit is done by one of them.

Before a fit begins it is claimed in the database (`claims`). One that another server has claimed is marked on the board: it
runs, but elsewhere. A thread renews this queue's claims, and looks for the results of such fits in the store; a fit whose
server has died is queued again.
"""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Collection
from typing import TYPE_CHECKING

from forecasting.jobs.board import BoardEntry, JobBoard
from forecasting.jobs.job import State
from forecasting.jobs.request import AnyRequest, BatchRequest, PoolRequest, Request
from forecasting.support.errors import ForecastingError

if TYPE_CHECKING:  # a worker imports this package too, and needs no database
    from forecasting.jobs.claims import Claims
    from forecasting.storage.forecast_store import ForecastStore

log = logging.getLogger(__name__)

#: The time between two looks at the database, as a share of the time that claims last.
POLL_SHARE = 0.2
#: Seconds between two looks at the database, at most.
POLL_SECONDS = 1.0


def open_claims(store: ForecastStore) -> Claims | None:
    """The claims in the database of a store that several servers share; None for any other store."""
    if not store.shared_url:
        return None
    from forecasting.jobs.claims import Claims

    return Claims(store.shared_url)


class SharedFits(threading.Thread):
    """A thread that looks after a queue's claims until it is closed. Without claims all fits are this queue's own."""

    def __init__(self, board: JobBoard, store: ForecastStore, claims: Claims | None) -> None:
        super().__init__(name="claims", daemon=True)
        self._board, self._store, self._claims = board, store, claims
        self._pause = min(POLL_SHARE * claims.lease, POLL_SECONDS) if claims else POLL_SECONDS
        self._closed = threading.Event()
        self._mine: dict[str, int] = {}  # the attempt that each claim is for
        self._cancelled: queue.SimpleQueue[tuple[str, float]] = queue.SimpleQueue()

    def start(self) -> None:
        """Start the thread, unless there are no claims to look after."""
        if self._claims:
            super().start()

    def claim(self, entry: BoardEntry, request: AnyRequest, attempt: int) -> bool:
        """Claim the fit that a worker has just taken. False where it is not to be done here; its board entry then says why."""
        if self._claims is None:
            return True
        key, age = entry.job.key, time.monotonic() - entry.due + self._board.grace
        if not self._claims.take(key, age):
            revoked = self._claims.revoked(key, age)
            with self._board.changed:
                if entry.job.state is not State.running:  # cancelled just now
                    self.cancel(entry)
                elif revoked:
                    self._board.change_state(entry, State.cancelled)
                else:
                    self._board.mark_elsewhere(entry)
                self._board.changed.notify_all()
            return False
        if self._is_stored(entry, request):  # another server has finished it since it was submitted
            self._claims.release([key])
            return False
        self._mine[key] = attempt
        return True

    def release(self, keys: Collection[str], attempt: int) -> None:
        """Release the claims of an attempt that has ended here, but for those that a later attempt goes on with.

        A fit of a batch that is cancelled and asked for again may be begun before the rest, and so its first attempt, has ended.
        """
        mine = [key for key in keys if self._mine.get(key) == attempt]
        for key in mine:
            self._mine.pop(key, None)  # the thread may have been quicker
        if self._claims and mine:
            self._claims.release(mine)

    def cancel(self, entry: BoardEntry) -> None:
        """Cancel a fit on all servers, wherever it runs or waits.

        One that ends only because this server closes stays wanted elsewhere. The caller holds the board, so the thread does it.
        """
        if self._claims and not self._board.closed:
            self._cancelled.put((entry.job.key, time.monotonic()))

    def run(self) -> None:
        """Look after the claims until closed."""
        while not self._closed.wait(self._pause):
            try:
                self._revoke()
                self._renew()
                self._collect()
            except Exception:  # a bug here must not end the thread for good
                log.exception("The claims of shared fits could not be looked after")

    def close(self) -> None:
        """Stop the thread and release all claims."""
        self._closed.set()
        if self._claims:
            self.join(timeout=10)
            self._claims.close()

    def _revoke(self) -> None:
        assert self._claims
        for _ in range(self._cancelled.qsize()):
            key, when = self._cancelled.get()
            if key in self._mine:  # its worker has not ended yet
                self._cancelled.put((key, when))
            else:
                self._claims.revoke(key, time.monotonic() - when)

    def _renew(self) -> None:
        assert self._claims
        for key, elsewhere in self._claims.renew(list(self._mine)).items():
            with self._board.changed:
                entry = self._board.find(key)
                if key not in self._mine or entry is None or entry.worker is None:
                    continue
                self._mine.pop(key, None)
                worker = entry.worker
                if elsewhere:
                    self._board.mark_elsewhere(entry)
                else:
                    self._board.change_state(entry, State.cancelled)
                self._board.kill_if_unused(worker)
                self._board.changed.notify_all()

    def _collect(self) -> None:
        assert self._claims
        with self._board.changed:
            elsewhere = {entry.job.key: entry for entry in self._board.active() if entry.elsewhere}
        if not elsewhere:
            return
        held = self._claims.held(list(elsewhere))  # asked first: a claim is released when the result is there
        for key, entry in elsewhere.items():
            if entry.request is not None and not self._is_stored(entry, entry.request) and key not in held:
                with self._board.changed:
                    if entry.elsewhere:
                        self._board.change_state(entry, State.queued, progress=None, seconds=0.0)
                        self._board.changed.notify_all()

    def _is_stored(self, entry: BoardEntry, request: AnyRequest) -> bool:
        """Whether the store has the result by now; if so, the job becomes done with it."""
        if not isinstance(request, Request):
            return self._are_parts_stored(entry, request)
        stored = self._store.get_stored([request.key]).get(request.key)
        if stored:
            self._done(entry, forecast=stored.forecast, seconds=stored.seconds)
        return stored is not None

    def _are_parts_stored(self, entry: BoardEntry, request: PoolRequest | BatchRequest) -> bool:
        try:
            keys = _keys_of_parts(request)
        except ForecastingError:
            return False
        stored = self._store.get_stored(keys.values())
        if not keys or len(stored) < len(set(keys.values())):
            return False
        parts = {region: stored[key].forecast for region, key in keys.items()}
        self._done(entry, parts=parts, seconds=max(found.seconds for found in stored.values()))
        return True

    def _done(self, entry: BoardEntry, **result: object) -> None:
        with self._board.changed:
            if entry.job.state is State.running:
                self._board.change_state(entry, State.done, draft=None, **result)
                self._board.changed.notify_all()


def _keys_of_parts(request: PoolRequest | BatchRequest) -> dict[str, str]:
    """The key under which each part is stored."""
    if isinstance(request, BatchRequest):
        return {name: part.key for name, part in request.parts.items()}
    return {region: request.part(region) for region in request.pool.regions}
