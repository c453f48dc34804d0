"""DaskBackend: a worker backend whose workers are slots on a Dask cluster.

Each `DaskSlot` sends one fit at a time to the scheduler, which gives it to any Dask worker that is free and has the same
versions (`dask_plugin` is what runs there), and receives its progress on a topic until the result is there. When a Dask
worker dies, the slots whose fits it had end, and their supervisors begin those fits once more, elsewhere. A thread keeps
the connection and counts the Dask workers that come and go.
"""

from __future__ import annotations

import logging
import threading
import zlib
from collections.abc import Callable, Sequence
from typing import Any

from distributed import Client, Future

from forecasting.jobs.workers import dask_plugin
from forecasting.jobs.workers.dask_slot import DaskSlot
from forecasting.support.errors import JobError, RequestError

log = logging.getLogger(__name__)
logging.getLogger("distributed.client").setLevel(logging.CRITICAL)  # a lost connection is `trouble`, not a traceback

#: Seconds between two looks at the cluster where it sends no news.
POLL_SECONDS = 3.0
#: Seconds in which the scheduler must answer.
ANSWER_SECONDS = 5.0
#: Seconds that a new slot is waited for while the cluster is in trouble: it may only be restarting.
RECOVERY_SECONDS = 10.0


class DaskBackend(threading.Thread):
    """A `WorkerBackend` on a Dask cluster. Where that cannot be used, `trouble` says why, and `start_worker` raises it.

    Args:
        address: of the scheduler.
        most: the most fits at once; by default as many as the cluster has threads.
        command: how a worker process is started there; given by tests.
    """

    def __init__(self, address: str, most: int | None = None, command: Sequence[str] = ()) -> None:
        super().__init__(name="cluster", daemon=True)
        self._address, self._most, self._command = address, most, tuple(command)
        self._wanted = dask_plugin.required_versions()
        self._resources = {dask_plugin.resource_name(self._wanted): 1}
        self._client: Client | None = None
        self._changed = threading.Condition()
        self._on_capacity: Callable[[int], None] = lambda capacity: None
        self._slots: dict[int, DaskSlot] = {}
        self._threads: dict[str, int] = {}  # of the Dask workers that can fit, by address
        self._incompatible: dict[str, str] = {}  # why others cannot
        self._logged: set[str] = set()
        self._looked = self._closed = self._news = False
        self.trouble = ""
        self.start()

    @property
    def recovered(self) -> bool:
        """Whether the cluster is known to be usable now."""
        return self._looked and not self.trouble

    def check(self) -> None:
        """Wait until it is known whether the cluster can be used. Raises `RequestError` where it cannot."""
        with self._changed:
            self._changed.wait_for(lambda: self._looked or self._closed)
        if self.trouble:
            self.close()
            raise RequestError(self.trouble)

    def open(self, on_capacity: Callable[[int], None]) -> None:
        """Call `on_capacity` with the number of slots there may be, at once and whenever the cluster changes."""
        with self._changed:
            self._on_capacity = on_capacity
            capacity = self._capacity()
        on_capacity(capacity)

    def start_worker(self, on_exit: Callable[[], None]) -> DaskSlot:
        """Open a slot as soon as there is room for it. Raises `JobError` while the cluster is in trouble."""
        with self._changed:
            while not self._changed.wait_for(lambda: self._closed or self._has_room(), RECOVERY_SECONDS):
                if self.trouble:
                    raise JobError(self.trouble)
            if self._closed:
                raise JobError("The application is closing; nothing more is fitted.")
            slot = DaskSlot(self, on_exit)
            self._slots[id(slot)] = slot
            return slot

    def remove(self, slot: DaskSlot) -> None:
        """Forget a slot that has ended, which makes room for another one."""
        with self._changed:
            self._slots.pop(id(slot), None)
            self._changed.notify_all()

    def recheck(self) -> None:
        """Look at the cluster again before another slot is opened: something went wrong that may be its fault."""
        with self._changed:
            self._looked, self._news = False, True
            self._changed.notify_all()

    def submit(self, slot: DaskSlot, line: str) -> Future:
        """Send a fit to the scheduler. Raises whatever Dask raises when the connection is lost."""
        assert self._client
        options: dict[str, Any] = {"resources": self._resources, "pure": False, "retries": 0}
        return self._client.submit(
            dask_plugin.run_fit, slot.key, zlib.compress(line.encode(), 1), key=slot.key, **options
        )

    def close(self) -> None:
        """Open no more slots, and disconnect."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        self.join(timeout=10)

    def run(self) -> None:
        """Poll the cluster until the backend is closed."""
        while not self._closed:
            try:
                self._poll()
            except Exception as error:
                log.info("The Dask cluster could not be looked at: %s", error)
                self._disconnect()
                self._update({}, f"The Dask scheduler at {self._address} does not answer; see that it runs.")
            with self._changed:
                self._changed.wait_for(lambda: self._closed or self._news, POLL_SECONDS)
                self._news = False
        self._disconnect()

    def _poll(self) -> None:
        client = self._connected()
        client.subscribe_topic(dask_plugin.NAME, self._receive)
        client.subscribe_topic("all", self._handle_event)
        threads: dict[str, int] = client.nthreads()
        known = self._threads.keys() | self._incompatible.keys()
        if new := [address for address in threads if address not in known]:
            answers = client.run(
                dask_plugin.install_plugin, self._wanted, self._command, workers=new, on_error="return"
            )
            self._incompatible |= {
                address: why for address in new if (why := self._incompatibility(address, answers.get(address)))
            }
        self._incompatible = {address: why for address, why in self._incompatible.items() if address in threads}
        fit = {address: count for address, count in threads.items() if address not in self._incompatible}
        none = f"The Dask cluster at {self._address} has no workers; start some there: python -m dask worker {self._address}."
        self._update(fit, "" if fit else next(iter(self._incompatible.values()), none))

    def _incompatibility(self, address: str, answer: object) -> str:
        """Why a Dask worker cannot fit, from its `answer` to `install_plugin`; empty where it can."""
        if not isinstance(answer, dict):
            return f"The Dask worker {address} cannot run this program: {answer}."
        other = [f"{name} {answer.get(name)} instead of {own}" for name, own in self._wanted.items()]
        other = [one for one, (name, own) in zip(other, self._wanted.items(), strict=True) if answer.get(name) != own]
        return f"The Dask worker {address} has other versions, {', '.join(other)}; give it the same." if other else ""

    def _update(self, threads: dict[str, int], trouble: str) -> None:
        """Take in what a poll has shown: the threads by Dask worker, and the trouble; end the slots that are lost."""
        for why in {*self._incompatible.values()} - {
            trouble,
            *self._logged,
        }:  # `trouble` is logged by who meets with it
            log.warning("%s", why)
        self._logged = {*self._incompatible.values()}
        with self._changed:
            changed = (threads, trouble) != (self._threads, self.trouble) or not self._looked
            self._threads, self.trouble, self._looked = threads, trouble, True
            slots = list(self._slots.values())
            surplus = len(slots) - (0 if trouble else self._capacity())
            self._changed.notify_all()
        lost = [slot for slot in slots if slot.address and not slot.idle and slot.address not in threads]
        lost += [slot for slot in slots if trouble or slot.idle][: max(surplus, 0)]
        for slot in lost:
            slot.end(trouble or "The Dask cluster has become smaller.")
        if changed:
            self._on_capacity(self._capacity())

    def _receive(self, event: tuple[float, Any]) -> None:
        """Hand a line on the topic to the slot whose fit it is of; it may be another server's."""
        key, address, line = event[1]
        with self._changed:
            slot = next((slot for slot in self._slots.values() if slot.key == key), None)
        if slot:
            slot.receive(address, line)

    def _handle_event(self, event: tuple[float, Any]) -> None:
        """End the slots whose Dask worker has gone, and poll at once when one comes or goes."""
        message = event[1]
        if message.get("action") not in ("add-worker", "remove-worker"):
            return
        tasks = message.get("processing-tasks", ())
        with self._changed:
            lost = [slot for slot in self._slots.values() if slot.key in tasks]
            self._news = True
            self._changed.notify_all()
        for slot in lost:
            slot.end(f"The Dask worker {message['worker']} is no more.")

    def _capacity(self) -> int:
        """How many slots there may be; one where that is not known. The caller holds `_changed`."""
        threads = sum(self._threads.values()) or 1
        return min(threads, self._most or threads)

    def _has_room(self) -> bool:
        return self.recovered and len(self._slots) < self._capacity()

    def _connected(self) -> Client:
        """The client; a new one where there is none or it has lost its connection for good."""
        if self._client is None or self._client.status not in ("running", "connecting"):
            self._disconnect()
            self._client = Client(self._address, timeout=ANSWER_SECONDS, set_as_default=False, name=dask_plugin.NAME)
        return self._client

    def _disconnect(self) -> None:
        client, self._client = self._client, None
        self._incompatible = {}
        if client:
            client.close(timeout=ANSWER_SECONDS)
