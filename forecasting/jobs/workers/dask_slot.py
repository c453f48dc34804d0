"""Place: room for one fit on a Dask cluster; to its supervisor a worker like a process of this machine."""

from __future__ import annotations

import queue
import threading
import uuid
from collections.abc import Callable, Iterator
from typing import Protocol

from distributed import Future

from forecasting.jobs.workers import dask_plugin
from forecasting.jobs.workers.process import read_events
from forecasting.jobs.workers.protocol import Event, head


class Cluster(Protocol):
    """What a place asks of the cluster that it belongs to."""

    def submit(self, place: Place, line: str) -> Future:
        """Send a fit to the scheduler; raises whatever Dask raises when the connection is lost."""

    def doubt(self) -> None:
        """Hire nobody before it is known whether the cluster still answers."""

    def leave(self, place: Place) -> None:
        """Forget a place that is no more."""


class Place:
    """A worker's peer on the cluster; see `crew.Worker`."""

    #: How long a fit waits for its turn on a cluster that others use too is theirs to say; `remote` has the limits.
    patience = float("inf")

    def __init__(self, cluster: Cluster, ended: Callable[[], None]) -> None:
        self._cluster, self._ended = cluster, ended
        self._said: queue.SimpleQueue[str | Future | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._future: Future | None = None
        self.name = "place on the Dask cluster"
        self.last_words = ""
        self.alive = True
        self.key = ""
        self.address = ""
        self.events = self._events()

    @property
    def idle(self) -> bool:
        """Whether it has nothing to do."""
        return not self.key

    def send(self, line: str) -> None:
        """See `Worker`."""
        self.key, self.address = f"{dask_plugin.NAME}-{uuid.uuid4().hex}", ""
        try:
            future = self._cluster.submit(self, line)
        except Exception as error:  # the connection is lost in any of many ways
            self._fail(error)
            return
        with self._lock:
            self._future = future
        if self.alive:
            future.add_done_callback(self._said.put)
        else:
            future.release()

    def hear(self, address: str, line: str) -> None:
        """A line of its fit has come."""
        self.address = address
        self.name = f"place on the Dask worker {address}"
        self._said.put(line)

    def lose(self, why: str) -> None:
        """It is no more."""
        with self._lock:
            if not self.alive:
                return
            self.last_words = why
            self.alive = False
        self._said.put(None)
        self._ended()

    def kill(self) -> None:
        """See `Worker`. A task that nobody holds any more is ended where it runs."""
        self.lose("It was ended.")
        with self._lock:
            future, self._future = self._future, None
        if future:
            future.release()

    def bury(self) -> int:
        """See `Worker`."""
        self.kill()
        self._cluster.leave(self)
        return 0

    def _fail(self, error: Exception) -> None:
        self._cluster.doubt()
        self.lose(f"{type(error).__name__}: {str(error).partition(chr(10))[0]}")

    def _events(self) -> Iterator[Event]:
        yield Event("ready")
        yield from read_events(self._lines(), self.name)

    def _lines(self) -> Iterator[str]:
        """What its fits say, each line once."""
        begun = False
        while self.alive and (said := self._said.get()) is not None:
            if isinstance(said, str):
                begun = begun or head(said)[0] == "started"
                yield said
                continue
            lines, last_words = self._result(said)
            lines = lines[begun:]  # the first says that the fit has begun
            begun, self.key = False, ""
            yield from lines
            if last_words is not None:
                self.lose(last_words)

    def _result(self, future: Future) -> dask_plugin.Said:
        if not self.alive:
            return [], "It was ended."
        try:
            lines, last_words = future.result()
        except Exception as error:  # whatever the task, or Dask, raised; cancelled where the scheduler is gone
            self._fail(error)
            return [], self.last_words
        with self._lock:
            self._future = None
        return lines, last_words
