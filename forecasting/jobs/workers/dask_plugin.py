"""What runs on a Dask worker for a `cluster`: it keeps a warm worker process a thread, and hands it the fits.

A fit is not done in the Dask worker itself: linear algebra is pinned, ended is ended, and a fit that takes all memory
takes only its own process along. When the Dask worker dies, its processes see their input end and go too.
"""

from __future__ import annotations

import hashlib
import json
import sys
import threading
import zlib
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

from distributed import Worker, get_worker
from distributed.diagnostics.plugin import WorkerPlugin

from forecasting.jobs.timeouts import ALARMS
from forecasting.jobs.workers.process import START_LIMIT, WORKER, WorkerProcess
from forecasting.jobs.workers.protocol import head

#: How the plugin, the topic of events and the tasks are called in Dask.
NAME = "forecast-explorer"
#: What a fit passes through in this folder.
FILES = ("fit.py", "protocol.py", "remote.py", "worker.py")
#: What its last digit depends on, beside this package.
LIBRARIES = ("numpy", "scipy", "pandas", "statsmodels", "prophet", "pmdarima")

#: All lines of a fit but progress; and what its process wrote to standard error if it died before the last.
Said = tuple[list[str], str | None]


def versions() -> dict[str, str]:
    """What must be the same wherever a forecast is made: the models and what hands them their fits, Python, libraries."""
    package = Path(__file__).resolve().parents[2]
    files = [*package.glob("models/*.py"), *package.glob("models/*.csv"), *(package / "jobs" / name for name in FILES)]
    digest = hashlib.sha256()
    for file in sorted(files):
        digest.update(f"{file.name} {file.stat().st_size}\n".encode() + file.read_bytes())
    found = {"models": digest.hexdigest()[:12], "python": ".".join(map(str, sys.version_info[:2]))}
    return found | {name: _version(name) for name in LIBRARIES}


def resource(wanted: dict[str, str]) -> str:
    """The name under which Dask counts the places for fits by these `versions`."""
    return f"{NAME} {hashlib.sha256(json.dumps(wanted, sort_keys=True).encode()).hexdigest()[:12]}"


async def prepare(wanted: dict[str, str], command: Sequence[str], dask_worker: Worker) -> dict[str, str]:
    """Makes a Dask worker ready for fits, if it has the versions `wanted`; gives those it has. Twice does no harm."""
    found = versions()
    if found != wanted:
        return found
    fits, before = Fits(wanted, command or WORKER), dask_worker.plugins.get(NAME)
    if before != fits:
        places: dict[str, float] = {resource(before.wanted): 0} if isinstance(before, Fits) else {}
        await dask_worker.plugin_add(plugin=fits, name=NAME, catch_errors=False)
        await dask_worker.set_resources(**places | {resource(wanted): dask_worker.state.nthreads})
    return found


def fit(key: str, order: bytes) -> Said:
    """A Dask task, called `key`: has a worker process do an `Order`'s packed line. Progress goes to the topic at once."""
    fits = get_worker().plugins[NAME]
    assert isinstance(fits, Fits)
    return fits.fit(key, zlib.decompress(order).decode())


class Fits(WorkerPlugin):
    """The worker processes of one Dask worker; ends a fit when its task is not wanted any more, or its client is gone."""

    def __init__(self, wanted: dict[str, str], command: Sequence[str]) -> None:
        self.wanted, self._command = wanted, tuple(command)
        self._lock = threading.Lock()
        self._over = False
        self._idle: list[WorkerProcess] = []
        self._busy: dict[str, WorkerProcess] = {}
        self._unwanted: set[str] = set()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Fits) and (self.wanted, self._command) == (other.wanted, other._command)

    __hash__ = None  # type: ignore[assignment]

    def setup(self, worker: Worker) -> None:
        """Starts the processes, which warm up before the first fit comes."""
        self._worker = worker
        self._idle = [self._start() for _ in range(worker.state.nthreads)]

    def teardown(self, worker: Worker) -> None:
        """Ends the processes."""
        with self._lock:
            self._over = True
            for process in [*self._idle, *self._busy.values()]:
                process.kill()
            idle, self._idle = self._idle, []
        for process in idle:
            process.bury()

    def transition(self, key: Any, start: str, finish: str, **_: Any) -> None:
        """A running task that is released is not wanted any more: its client has cancelled it, or has died."""
        if start == "executing" and finish == "released" and str(key).startswith(NAME):
            with self._lock:
                self._unwanted.add(key)
                if key in self._busy:
                    self._busy[key].kill()

    def fit(self, key: str, line: str) -> Said:
        """See `fit` of the module."""
        process = self._take(key)
        try:
            process.send(line)
            return self._follow(key, process, json.loads(line)["fit"])
        finally:
            self._give_back(key, process)

    def _take(self, key: str) -> WorkerProcess:
        while True:
            with self._lock:
                process = self._idle.pop() if self._idle else self._start()
                if process.alive:
                    self._busy[key] = process
                    if key in self._unwanted:
                        process.kill()
                    return process
            process.bury()

    def _follow(self, key: str, process: WorkerProcess, fit: int) -> Said:
        said: list[str] = []
        with ALARMS.within(START_LIMIT, process.kill):
            for line in process.lines:
                if head(line) == ("started", fit):
                    said.append(line)
                    self._say(key, line)
                    break
        for line in process.lines:
            name, of = head(line)
            if of != fit:
                continue
            if name == "progress":
                self._say(key, line)
                continue
            said.append(line)
            if name in ("done", "failed"):
                return said, None
        process.bury()
        return said, process.last_words

    def _say(self, key: str, line: str) -> None:
        """To whoever waits for it, before the result is there."""
        self._worker.log_event(NAME, [key, self._worker.address, line])

    def _give_back(self, key: str, process: WorkerProcess) -> None:
        with self._lock:
            self._busy.pop(key)
            self._unwanted.discard(key)
            if process.alive:
                self._idle.append(process)
                return
            if not self._over:
                self._idle.append(self._start())  # warms up until the next fit comes
        process.bury()

    def _start(self) -> WorkerProcess:
        return WorkerProcess(self._command, lambda: None)


def _version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return "not installed"
