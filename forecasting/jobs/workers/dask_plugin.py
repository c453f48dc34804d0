"""Dask worker plugin: keeps one warm worker process per thread of a Dask worker, and gives it the fits that Dask schedules.

A fit does not run in the Dask worker itself: a process of its own has linear algebra pinned to one thread, can be killed at
once, and is the only one to go when a fit takes all memory. When the Dask worker dies, its processes see their input end
and exit.
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

from forecasting.jobs.timeouts import TIMEOUTS
from forecasting.jobs.workers.process import START_SECONDS, WORKER_COMMAND, WorkerProcess
from forecasting.jobs.workers.protocol import read_event_head

#: The name of the plugin and of the topic of events in Dask, and the prefix of the tasks' keys.
NAME = "forecast-explorer"
#: Modules of this package that a fit passes through: they must be the same on the server and on the Dask worker.
VERSIONED_MODULES = ("dask_plugin.py", "fit.py", "protocol.py", "worker.py")
#: Libraries on whose version a forecast's last digit depends.
VERSIONED_LIBRARIES = ("numpy", "scipy", "pandas", "statsmodels", "prophet", "pmdarima", "torch")

#: All event lines of a fit but progress, and what its process wrote to standard error last if it died before the fit's end.
FitOutput = tuple[list[str], str | None]


def required_versions() -> dict[str, str]:
    """Versions that must be the same wherever a forecast is made: a digest of models and worker code, Python, libraries."""
    package = Path(__file__).resolve().parents[2]
    workers = Path(__file__).parent
    files = [
        *package.glob("models/*.py"),
        *package.glob("models/networks/*.py"),
        *package.glob("models/*.csv"),
        *package.glob("models/*.onnx"),
        *(workers / name for name in VERSIONED_MODULES),
    ]
    digest = hashlib.sha256()
    for file in sorted(files):
        digest.update(f"{file.name} {file.stat().st_size}\n".encode() + file.read_bytes())
    versions = {"models": digest.hexdigest()[:12], "python": ".".join(map(str, sys.version_info[:2]))}
    return versions | {name: _version(name) for name in VERSIONED_LIBRARIES}


def resource_name(wanted: dict[str, str]) -> str:
    """The name of the Dask resource that stands for slots for fits with these `required_versions`."""
    return f"{NAME} {hashlib.sha256(json.dumps(wanted, sort_keys=True).encode()).hexdigest()[:12]}"


async def install_plugin(wanted: dict[str, str], command: Sequence[str], dask_worker: Worker) -> dict[str, str]:
    """Install the plugin on a Dask worker if it has the versions `wanted`; returns those it has. Twice does no harm."""
    present = required_versions()
    if present != wanted:
        return present
    plugin, before = FitPlugin(wanted, command or WORKER_COMMAND), dask_worker.plugins.get(NAME)
    if before != plugin:
        slots: dict[str, float] = {resource_name(before.wanted): 0} if isinstance(before, FitPlugin) else {}
        await dask_worker.plugin_add(plugin=plugin, name=NAME, catch_errors=False)
        await dask_worker.set_resources(**slots | {resource_name(wanted): dask_worker.state.nthreads})
    return present


def run_fit(key: str, order: bytes) -> FitOutput:
    """Dask task `key`: run a `FitOrder`'s compressed line in a worker process. Progress goes to the topic at once."""
    plugin = get_worker().plugins[NAME]
    assert isinstance(plugin, FitPlugin)
    return plugin.run_fit(key, zlib.decompress(order).decode())


class FitPlugin(WorkerPlugin):
    """The worker processes of one Dask worker; kills a fit when its task is cancelled or its client is gone."""

    def __init__(self, wanted: dict[str, str], command: Sequence[str]) -> None:
        self.wanted, self._command = wanted, tuple(command)
        self._lock = threading.Lock()
        self._closed = False
        self._idle: list[WorkerProcess] = []
        self._busy: dict[str, WorkerProcess] = {}
        self._cancelled: set[str] = set()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, FitPlugin) and (self.wanted, self._command) == (other.wanted, other._command)

    __hash__ = None  # type: ignore[assignment]

    def setup(self, worker: Worker) -> None:
        """Start the processes, which warm up before the first fit comes."""
        self._worker = worker
        self._idle = [self._start() for _ in range(worker.state.nthreads)]

    def teardown(self, worker: Worker) -> None:
        """End the processes."""
        with self._lock:
            self._closed = True
            for process in [*self._idle, *self._busy.values()]:
                process.kill()
            idle, self._idle = self._idle, []
        for process in idle:
            process.reap()

    def transition(self, key: Any, start: str, finish: str, **_: Any) -> None:
        """Kill the fit of a running task that is released: its client has cancelled it, or has died."""
        if start == "executing" and finish == "released" and str(key).startswith(NAME):
            with self._lock:
                self._cancelled.add(key)
                if key in self._busy:
                    self._busy[key].kill()

    def run_fit(self, key: str, line: str) -> FitOutput:
        """Run a `FitOrder`'s line in a process, as the Dask task `key`; returns its event lines and, if it died, why."""
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
                    if key in self._cancelled:
                        process.kill()
                    return process
            process.reap()

    def _follow(self, key: str, process: WorkerProcess, fit: int) -> FitOutput:
        lines: list[str] = []
        with TIMEOUTS.within(START_SECONDS, process.kill):
            for line in process.lines:
                if read_event_head(line) == ("started", fit):
                    lines.append(line)
                    self._publish(key, line)
                    break
        for line in process.lines:
            name, number = read_event_head(line)
            if number != fit:
                continue
            if name == "progress":
                self._publish(key, line)
                continue
            lines.append(line)
            if name in ("done", "failed"):
                return lines, None
        process.reap()
        return lines, process.last_output

    def _publish(self, key: str, line: str) -> None:
        """Send a line to the client that waits for it, before the task's result is there."""
        self._worker.log_event(NAME, [key, self._worker.address, line])

    def _give_back(self, key: str, process: WorkerProcess) -> None:
        with self._lock:
            self._busy.pop(key)
            self._cancelled.discard(key)
            if process.alive:
                self._idle.append(process)
                return
            if not self._closed:
                self._idle.append(self._start())  # warms up until the next fit comes
        process.reap()

    def _start(self) -> WorkerProcess:
        return WorkerProcess(self._command, lambda: None)


def _version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return "not installed"
