"""Sharing: what a queue does where other servers use the same store, so that each fit is done by one of them.

Before a fit begins it is claimed (see `claims`). One that another server has is *lent* on the board: it runs, but not here.
A thread renews this queue's claims, and looks for what is lent in the store; where its owner has died it is queued again.
"""

from __future__ import annotations

import logging
import queue
import threading
import time
from typing import TYPE_CHECKING

from forecasting.jobs.board import Board, Entry
from forecasting.jobs.job import State
from forecasting.jobs.request import PoolRequest, Request
from forecasting.support.errors import ForecastingError

if TYPE_CHECKING:  # a worker imports this package too, and needs no database
    from forecasting.jobs.claims import Claims
    from forecasting.storage.forecast_store import Store

log = logging.getLogger(__name__)

#: Seconds between two looks at the database, as a share of how long claims last; and no more than this.
OFTEN = 0.2
LOOK = 1.0


class Sharing(threading.Thread):
    """Runs until it is closed. Without claims everything is this queue's own, and there is no thread."""

    def __init__(self, board: Board, store: Store, claims: Claims | None) -> None:
        super().__init__(name="claims", daemon=True)
        self._board, self._store, self._claims = board, store, claims
        self._pause = min(OFTEN * claims.lease, LOOK) if claims else LOOK
        self._over = threading.Event()
        self._mine: set[str] = set()
        self._unwanted: queue.SimpleQueue[tuple[str, float]] = queue.SimpleQueue()

    def start(self) -> None:
        """See the class."""
        if self._claims:
            super().start()

    def claim(self, entry: Entry, request: Request | PoolRequest) -> bool:
        """Whether the fit that a worker has just taken is to be done here; where not, the board says what becomes of it."""
        if self._claims is None:
            return True
        key, age = entry.job.key, time.monotonic() - entry.due + self._board.grace
        if not self._claims.take(key, age):
            revoked = self._claims.revoked(key, age)
            with self._board.changed:
                if entry.job.state is not State.running:  # cancelled just now
                    self.cancel(entry)
                elif revoked:
                    self._board.move(entry, State.cancelled)
                else:
                    self._board.lend(entry)
                self._board.changed.notify_all()
            return False
        if self._came(entry, request):  # another server was done with it since it was asked for
            self._claims.release(key)
            return False
        self._mine.add(key)
        return True

    def release(self, key: str) -> None:
        """A fit has ended here."""
        if self._claims and key in self._mine:
            self._mine.discard(key)
            self._claims.release(key)

    def cancel(self, entry: Entry) -> None:
        """A fit is not wanted any more, wherever it runs or waits.

        One that ends only because this server does is still wanted. The caller holds the board, so the database waits.
        """
        if self._claims and not self._board.closed:
            self._unwanted.put((entry.job.key, time.monotonic()))

    def run(self) -> None:
        """See the class."""
        while not self._over.wait(self._pause):
            try:
                self._revoke()
                self._renew()
                self._look()
            except Exception:  # a bug here must not end the sharing for good
                log.exception("Looking after claims went wrong")

    def close(self) -> None:
        """Gives back what is claimed."""
        self._over.set()
        if self._claims:
            self.join(timeout=10)
            self._claims.close()

    def _revoke(self) -> None:
        assert self._claims
        for _ in range(self._unwanted.qsize()):
            key, when = self._unwanted.get()
            if key in self._mine:  # its worker has not ended yet
                self._unwanted.put((key, when))
            else:
                self._claims.revoke(key, time.monotonic() - when)

    def _renew(self) -> None:
        assert self._claims
        for key, elsewhere in self._claims.renew(list(self._mine)).items():
            with self._board.changed:
                one = self._board.find(key)
                if key not in self._mine or one is None or one.worker is None:
                    continue
                self._mine.discard(key)
                worker = one.worker
                if elsewhere:
                    self._board.lend(one)
                else:
                    self._board.move(one, State.cancelled)
                worker.kill()
                self._board.changed.notify_all()

    def _look(self) -> None:
        assert self._claims
        with self._board.changed:
            lent = {one.job.key: one for one in self._board.active() if one.lent}
        if not lent:
            return
        held = self._claims.held(list(lent))  # asked first: a claim is released when the result is there
        for key, one in lent.items():
            if one.request is not None and not self._came(one, one.request) and key not in held:
                with self._board.changed:
                    if one.lent:
                        self._board.move(one, State.queued, progress=None, seconds=0.0)
                        self._board.changed.notify_all()

    def _came(self, entry: Entry, request: Request | PoolRequest) -> bool:
        """Whether the store has its result by now, which is then its job's."""
        if isinstance(request, PoolRequest):
            return self._parts_came(entry, request)
        stored = self._store.stored([request.key]).get(request.key)
        if stored:
            self._done(entry, forecast=stored.forecast, seconds=stored.seconds)
        return stored is not None

    def _parts_came(self, entry: Entry, request: PoolRequest) -> bool:
        try:
            keys = {region: request.part(region) for region in request.pool.regions}
        except ForecastingError:
            return False
        stored = self._store.stored(keys.values())
        if not keys or len(stored) < len(set(keys.values())):
            return False
        parts = {region: stored[key].forecast for region, key in keys.items()}
        self._done(entry, parts=parts, seconds=max(one.seconds for one in stored.values()))
        return True

    def _done(self, entry: Entry, **result: object) -> None:
        with self._board.changed:
            if entry.job.state is State.running:
                self._board.move(entry, State.done, draft=None, **result)
                self._board.changed.notify_all()
