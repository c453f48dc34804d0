"""A machine with the server on it, which is killed and started again as a service manager would do it."""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from benchmarks._figure import BenchmarkError
from benchmarks._server import HOST, ROOT, Server, _environment, _free_port, _stop

#: Seconds in which everything that a killed server has started must be gone.
GONE = 20.0
#: A server as slow as this to do something has not done it.
PATIENCE = 120.0


@dataclass
class Machine:
    """One server at a time, always on the same port and with the same files.

    Attributes:
        home: of its files; temporary ones, of all that it starts, are in ``home/tmp``.
        changes: of the program's constants, see `_changed_server`.
        environment: more of it.
        orphans: processes that were still there long after their server.
        lives: how often the server was started.
        began: when it last was, on the monotonic clock.
    """

    home: Path
    changes: Mapping[str, Any] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)
    orphans: list[str] = field(default_factory=list)
    lives: int = 0
    began: float = 0.0

    def __post_init__(self) -> None:
        self.port = _free_port()
        self.temporary.mkdir(parents=True, exist_ok=True)
        self.server: Server | None = None

    @property
    def temporary(self) -> Path:
        """Where everything that it starts has its temporary files."""
        return self.home / "tmp"

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.port}"

    @property
    def log(self) -> str:
        """What all lives of the server have written."""
        return "".join(path.read_text(errors="replace") for path in sorted(self.home.glob("server-*.log")))

    def start(self) -> Server:
        """Starts the server, and waits until it answers."""
        self.lives += 1
        path = self.home / f"server-{self.lives:03}.log"
        command = [sys.executable, "-m", "benchmarks._changed_server", str(self.port), json.dumps(self.changes)]
        with path.open("wb") as output:
            began = time.perf_counter()
            process = psutil.Popen(
                command, cwd=ROOT, env=self._environment(), stdout=output, stderr=output, start_new_session=True
            )
        self.server = Server(process, self.port, began, path)
        self.server.wait()
        self.began = time.monotonic()
        return self.server

    def kill(self) -> None:
        """``kill -9`` of the server; waits until all that it had started is gone, and notes what stays."""
        server = self.running()
        started = server.process.children(recursive=True)
        server.process.kill()
        server.process.wait()
        for left in psutil.wait_procs(started, timeout=GONE)[1]:
            with suppress(psutil.NoSuchProcess):
                self.orphans.append(f"{left.pid}: {' '.join(left.cmdline())}")
                left.kill()
        self.server = None

    def kill_worker(self, which: int) -> bool:
        """``kill -9`` of one of its workers; whether there was one."""
        workers = self.workers()
        if not workers:
            return False
        with suppress(psutil.NoSuchProcess):
            workers[which % len(workers)].kill()
        return True

    def workers(self) -> list[psutil.Process]:
        """Those that fit now."""
        found = []
        for child in self.running().process.children():
            with suppress(psutil.NoSuchProcess, psutil.ZombieProcess):
                if "forecasting.jobs.workers.worker" in child.cmdline():
                    found.append(child)
        return found

    def restart(self) -> Server:
        """A kill and the start after it."""
        self.kill()
        return self.start()

    def stop(self) -> None:
        """Tells the server to end, as a service manager does, and whatever has not gone with it."""
        if self.server:
            _stop(self.server.process)
            self.server = None

    def still_there(self) -> list[str]:
        """Processes of any life of the server, told by their environment."""
        found = []
        for process in psutil.process_iter():
            with suppress(psutil.Error, OSError):
                if process.environ().get("FORECAST_HOME") == str(self.home):
                    found.append(f"{process.pid}: {' '.join(process.cmdline())}")
        return found

    def leftovers(self) -> list[str]:
        """What lies in the folder of temporary files, two levels deep."""
        return sorted(str(path.relative_to(self.temporary)) for path in self.temporary.glob("*"))

    def running(self) -> Server:
        """The server of now. Raises `BenchmarkError` if there is none."""
        if self.server is None:
            raise BenchmarkError("There is no server to do that to.")
        return self.server

    def _environment(self) -> dict[str, str]:
        limits = {"FORECAST_API_RATE": "1000000/minute", "TMPDIR": str(self.temporary)}
        return _environment(self.home) | limits | dict(self.environment)


@contextmanager
def machine(
    home: Path, changes: Mapping[str, Any] | None = None, environment: Mapping[str, str] | None = None
) -> Iterator[Machine]:
    """A machine whose server runs, and that is left with nothing running."""
    made = Machine(home, changes or {}, environment or {})
    try:
        made.start()
        yield made
    finally:
        made.stop()


@contextmanager
def stopped(process: psutil.Process) -> Iterator[None]:
    """The process hangs, with all of its group, as long as the block lasts; it may be killed meanwhile."""
    os.killpg(process.pid, signal.SIGSTOP)
    try:
        yield
    finally:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGCONT)
