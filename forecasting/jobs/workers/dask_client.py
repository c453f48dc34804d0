"""Cluster: a crew whose workers fit on a Dask cluster.

Each worker here is a `Place`: it sends one fit at a time to the scheduler, which gives it to any Dask worker that is free and
has the same versions (`remote` is what runs there), and hears of it on a topic until the result is there. When a Dask
worker dies, the places whose fits it had end, and their supervisors begin those fits once more, elsewhere. A thread looks
after the connection and counts the Dask workers that come and go.
"""

from __future__ import annotations

import logging
import threading
import zlib
from collections.abc import Callable, Sequence
from typing import Any

from distributed import Client, Future

from forecasting.jobs.workers import dask_plugin
from forecasting.jobs.workers.dask_slot import Place
from forecasting.support.errors import JobError, RequestError

log = logging.getLogger(__name__)
logging.getLogger("distributed.client").setLevel(logging.CRITICAL)  # a lost connection is `trouble`, not a traceback

#: Seconds between two looks at the cluster where there is no news of it; and in which the scheduler must answer.
LOOK = 3.0
ANSWER = 5.0
#: Seconds that a worker is waited for while the cluster is in trouble: it may only be starting anew.
HOPE = 10.0


class Cluster(threading.Thread):
    """See the module. Raises nothing: where the cluster cannot be used, `trouble` says why, and `hire` raises it.

    Args:
        address: of the scheduler.
        most: so many fits at once, at most; by default as many as the cluster has threads.
        command: how a worker process is started there; given by tests.
    """

    def __init__(self, address: str, most: int | None = None, command: Sequence[str] = ()) -> None:
        super().__init__(name="cluster", daemon=True)
        self._address, self._most, self._command = address, most, tuple(command)
        self._wanted = dask_plugin.versions()
        self._resources = {dask_plugin.resource(self._wanted): 1}
        self._client: Client | None = None
        self._changed = threading.Condition()
        self._staff: Callable[[int], None] = lambda places: None
        self._places: dict[int, Place] = {}
        self._threads: dict[str, int] = {}  # of the Dask workers that can fit, by address
        self._unfit: dict[str, str] = {}  # why others cannot
        self._logged: set[str] = set()
        self._looked = self._closed = self._news = False
        self.trouble = ""
        self.start()

    @property
    def mended(self) -> bool:
        """See `Crew`."""
        return self._looked and not self.trouble

    def check(self) -> None:
        """See `Crew`."""
        with self._changed:
            self._changed.wait_for(lambda: self._looked or self._closed)
        if self.trouble:
            self.close()
            raise RequestError(self.trouble)

    def open(self, staff: Callable[[int], None]) -> None:
        """See `Crew`."""
        with self._changed:
            self._staff = staff
            room = self._room()
        staff(room)

    def hire(self, ended: Callable[[], None]) -> Place:
        """See `Crew`."""
        with self._changed:
            while not self._changed.wait_for(lambda: self._closed or self._vacant(), HOPE):
                if self.trouble:
                    raise JobError(self.trouble)
            if self._closed:
                raise JobError("The application is closing; nothing more is fitted.")
            place = Place(self, ended)
            self._places[id(place)] = place
            return place

    def leave(self, place: Place) -> None:
        """It is no more."""
        with self._changed:
            self._places.pop(id(place), None)
            self._changed.notify_all()

    def doubt(self) -> None:
        """Something went wrong that may be the cluster's fault: hires nobody before that is known."""
        with self._changed:
            self._looked, self._news = False, True
            self._changed.notify_all()

    def submit(self, place: Place, line: str) -> Future:
        """Sends a fit to the scheduler. Raises whatever Dask raises when the connection is lost."""
        assert self._client
        options: dict[str, Any] = {"resources": self._resources, "pure": False, "retries": 0}
        return self._client.submit(
            dask_plugin.fit, place.key, zlib.compress(line.encode(), 1), key=place.key, **options
        )

    def close(self) -> None:
        """See `Crew`."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        self.join(timeout=10)

    def run(self) -> None:
        """See the class."""
        while not self._closed:
            try:
                self._look()
            except Exception as error:
                log.info("The Dask cluster could not be looked at: %s", error)
                self._disconnect()
                self._conclude({}, f"The Dask scheduler at {self._address} does not answer; see that it runs.")
            with self._changed:
                self._changed.wait_for(lambda: self._closed or self._news, LOOK)
                self._news = False
        self._disconnect()

    def _look(self) -> None:
        client = self._connected()
        client.subscribe_topic(dask_plugin.NAME, self._hear)
        client.subscribe_topic("all", self._heed)
        threads: dict[str, int] = client.nthreads()
        known = self._threads.keys() | self._unfit.keys()
        if new := [address for address in threads if address not in known]:
            answers = client.run(dask_plugin.prepare, self._wanted, self._command, workers=new, on_error="return")
            self._unfit |= {address: why for address in new if (why := self._why_not(address, answers.get(address)))}
        self._unfit = {address: why for address, why in self._unfit.items() if address in threads}
        fit = {address: count for address, count in threads.items() if address not in self._unfit}
        none = f"The Dask cluster at {self._address} has no workers; start some there: python -m dask worker {self._address}."
        self._conclude(fit, "" if fit else next(iter(self._unfit.values()), none))

    def _why_not(self, address: str, answer: object) -> str:
        """Why a Dask worker cannot fit, from what it said; empty where it can."""
        if not isinstance(answer, dict):
            return f"The Dask worker {address} cannot run this program: {answer}."
        other = [f"{name} {answer.get(name)} instead of {own}" for name, own in self._wanted.items()]
        other = [one for one, (name, own) in zip(other, self._wanted.items(), strict=True) if answer.get(name) != own]
        return f"The Dask worker {address} has other versions, {', '.join(other)}; give it the same." if other else ""

    def _conclude(self, threads: dict[str, int], trouble: str) -> None:
        """What a look at the cluster has shown."""
        for why in {*self._unfit.values()} - {trouble, *self._logged}:  # whoever meets with trouble says so himself
            log.warning("%s", why)
        self._logged = {*self._unfit.values()}
        with self._changed:
            changed = (threads, trouble) != (self._threads, self.trouble) or not self._looked
            self._threads, self.trouble, self._looked = threads, trouble, True
            places = list(self._places.values())
            surplus = len(places) - (0 if trouble else self._room())
            self._changed.notify_all()
        lost = [place for place in places if place.address and not place.idle and place.address not in threads]
        lost += [place for place in places if trouble or place.idle][: max(surplus, 0)]
        for place in lost:
            place.lose(trouble or "The Dask cluster has become smaller.")
        if changed:
            self._staff(self._room())

    def _hear(self, event: tuple[float, Any]) -> None:
        """Something was said of a fit, perhaps another program's."""
        key, address, line = event[1]
        with self._changed:
            place = next((place for place in self._places.values() if place.key == key), None)
        if place:
            place.hear(address, line)

    def _heed(self, event: tuple[float, Any]) -> None:
        """The scheduler has news."""
        message = event[1]
        if message.get("action") not in ("add-worker", "remove-worker"):
            return
        tasks = message.get("processing-tasks", ())
        with self._changed:
            lost = [place for place in self._places.values() if place.key in tasks]
            self._news = True
            self._changed.notify_all()
        for place in lost:
            place.lose(f"The Dask worker {message['worker']} is no more.")

    def _room(self) -> int:
        """How many places there may be; one where there is no telling. The caller holds `_changed`."""
        threads = sum(self._threads.values()) or 1
        return min(threads, self._most or threads)

    def _vacant(self) -> bool:
        return self.mended and len(self._places) < self._room()

    def _connected(self) -> Client:
        """The client; a new one where there is none or it has given up."""
        if self._client is None or self._client.status not in ("running", "connecting"):
            self._disconnect()
            self._client = Client(self._address, timeout=ANSWER, set_as_default=False, name=dask_plugin.NAME)
        return self._client

    def _disconnect(self) -> None:
        client, self._client = self._client, None
        self._unfit = {}
        if client:
            client.close(timeout=ANSWER)
