"""DaskSlot: room for one fit at a time on a Dask cluster; a supervisor treats it like a local worker process."""

from __future__ import annotations

import queue
import threading
import uuid
from collections.abc import Callable, Iterator
from typing import Protocol

from distributed import Future

from forecasting.jobs.workers import dask_plugin
from forecasting.jobs.workers.process import read_events
from forecasting.jobs.workers.protocol import WorkerEvent, read_event_head


class SlotOwner(Protocol):
    """What a slot needs of the Dask backend that it belongs to."""

    def submit(self, slot: DaskSlot, line: str) -> Future:
        """Send a fit to the scheduler; raises whatever Dask raises when the connection is lost."""

    def recheck(self) -> None:
        """Start no worker before it is known whether the cluster still answers."""

    def remove(self, slot: DaskSlot) -> None:
        """Forget a slot that has ended."""


class DaskSlot:
    """A `Worker` that sends its fits to a Dask cluster; `on_exit` is called once, when it has ended."""

    #: There is no start timeout here: the Dask scheduler decides when a fit begins; limits are enforced in `dask_plugin`.
    start_timeout = float("inf")

    def __init__(self, owner: SlotOwner, on_exit: Callable[[], None]) -> None:
        self._owner, self._on_exit = owner, on_exit
        self._inbox: queue.SimpleQueue[str | Future | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._future: Future | None = None
        self.name = "slot on the Dask cluster"
        self.last_output = ""
        self.alive = True
        self.key = ""
        self.address = ""
        self.events = self._events()

    @property
    def idle(self) -> bool:
        """Whether it has nothing to do."""
        return not self.key

    def send(self, line: str) -> None:
        """Submit a fit, as a `FitOrder`'s line, to the scheduler; a lost connection ends the slot."""
        self.key, self.address = f"{dask_plugin.NAME}-{uuid.uuid4().hex}", ""
        try:
            future = self._owner.submit(self, line)
        except Exception as error:  # the connection is lost in any of many ways
            self._fail(error)
            return
        with self._lock:
            self._future = future
        if self.alive:
            future.add_done_callback(self._inbox.put)
        else:
            future.release()

    def receive(self, address: str, line: str) -> None:
        """Take in a line of its fit from the Dask worker at `address`."""
        self.address = address
        self.name = f"slot on the Dask worker {address}"
        self._inbox.put(line)

    def end(self, reason: str) -> None:
        """End the slot, with the `reason` for the log; a fit of its that runs is begun again by the supervisor."""
        with self._lock:
            if not self.alive:
                return
            self.last_output = reason
            self.alive = False
        self._inbox.put(None)
        self._on_exit()

    def kill(self) -> None:
        """End the slot and its fit; Dask ends a task that nobody holds any more where it runs."""
        self.end("It was ended.")
        with self._lock:
            future, self._future = self._future, None
        if future:
            future.release()

    def reap(self) -> int:
        """End the slot and make room for another one; the exit code is always 0."""
        self.kill()
        self._owner.remove(self)
        return 0

    def _fail(self, error: Exception) -> None:
        self._owner.recheck()
        self.end(f"{type(error).__name__}: {str(error).partition(chr(10))[0]}")

    def _events(self) -> Iterator[WorkerEvent]:
        yield WorkerEvent("ready")
        yield from read_events(self._lines(), self.name)

    def _lines(self) -> Iterator[str]:
        """The lines of its fits, each once: those that came on the topic, and the others with the task's result."""
        begun = False
        while self.alive and (received := self._inbox.get()) is not None:
            if isinstance(received, str):
                begun = begun or read_event_head(received)[0] == "started"
                yield received
                continue
            lines, last_output = self._result(received)
            lines = lines[begun:]  # the first says that the fit has begun
            begun, self.key = False, ""
            yield from lines
            if last_output is not None:
                self.end(last_output)

    def _result(self, future: Future) -> dask_plugin.FitOutput:
        if not self.alive:
            return [], "It was ended."
        try:
            lines, last_output = future.result()
        except Exception as error:  # whatever the task, or Dask, raised; cancelled where the scheduler is gone
            self._fail(error)
            return [], self.last_output
        with self._lock:
            self._future = None
        return lines, last_output
