"""A server that can be killed and restarted on the same port and files, as a service manager would do it."""

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
from benchmarks._server import HOST, ROOT, Server, free_port, server_environment, stop_server

#: Seconds in which every child process of a killed server must have ended.
GONE = 20.0
#: Seconds after which something that the server should do counts as not done.
PATIENCE = 120.0
#: Settings of all servers beside their own; those of the program are as everybody has them.
SETTINGS: dict[str, str] = {}


@dataclass
class RestartableServer:
    """One server process at a time, always on the same port and with the same files.

    Attributes:
        home: folder of its files; temporary files, its children's too, are in ``home/tmp``.
        changes: other values for constants of the program, as `patched_server` takes them.
        environment: further environment variables.
        orphans: processes that outlived a killed server by more than `GONE` seconds.
        lives: how often the server was started.
        began: when it was last ready, on the monotonic clock.
    """

    home: Path
    changes: Mapping[str, Any] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)
    orphans: list[str] = field(default_factory=list)
    lives: int = 0
    began: float = 0.0

    def __post_init__(self) -> None:
        self.port = free_port()
        self.temporary.mkdir(parents=True, exist_ok=True)
        self._current: Server | None = None

    @property
    def temporary(self) -> Path:
        """The folder for temporary files (TMPDIR) of the server and its children."""
        return self.home / "tmp"

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.port}"

    @property
    def log(self) -> str:
        """The logs of all starts so far, one after the other."""
        return "".join(path.read_text(errors="replace") for path in sorted(self.home.glob("server-*.log")))

    def start(self) -> Server:
        """Start the server and wait until it answers."""
        self.lives += 1
        path = self.home / f"server-{self.lives:03}.log"
        command = [sys.executable, "-m", "benchmarks.soak.patched_server", str(self.port), json.dumps(self.changes)]
        with path.open("wb") as output:
            began = time.perf_counter()
            process = psutil.Popen(
                command, cwd=ROOT, env=self._environment(), stdout=output, stderr=output, start_new_session=True
            )
        self._current = Server(process, self.port, began, path)
        self._current.wait()
        self.began = time.monotonic()
        return self._current

    def kill(self) -> None:
        """Kill the server (SIGKILL), wait until its children are gone, and note those that stay in `orphans`."""
        server = self.running()
        started = server.process.children(recursive=True)
        server.process.kill()
        server.process.wait()
        for left in psutil.wait_procs(started, timeout=GONE)[1]:
            with suppress(psutil.NoSuchProcess):
                self.orphans.append(f"{left.pid}: {' '.join(left.cmdline())}")
                left.kill()
        self._current = None

    def kill_worker(self, which: int) -> bool:
        """Kill one of its workers (SIGKILL); returns whether there was one."""
        workers = self.workers()
        if not workers:
            return False
        with suppress(psutil.NoSuchProcess):
            workers[which % len(workers)].kill()
        return True

    def workers(self) -> list[psutil.Process]:
        """The worker processes that exist now."""
        found = []
        for child in self.running().process.children():
            with suppress(psutil.NoSuchProcess, psutil.ZombieProcess):
                if "forecasting.jobs.workers.worker" in child.cmdline():
                    found.append(child)
        return found

    def restart(self) -> Server:
        """Kill the server and start it again."""
        self.kill()
        return self.start()

    def stop(self) -> None:
        """Terminate the server (SIGTERM), and then kill what is left of its process tree."""
        if self._current:
            stop_server(self._current.process)
            self._current = None

    def still_there(self) -> list[str]:
        """Living processes of this or an earlier start, recognised by FORECAST_HOME in their environment."""
        found = []
        for process in psutil.process_iter():
            with suppress(psutil.Error, OSError):
                if process.environ().get("FORECAST_HOME") == str(self.home):
                    found.append(f"{process.pid}: {' '.join(process.cmdline())}")
        return found

    def leftovers(self) -> list[str]:
        """Files and folders that lie in the folder for temporary files."""
        return sorted(str(path.relative_to(self.temporary)) for path in self.temporary.glob("*"))

    def running(self) -> Server:
        """The server that runs now. Raises `BenchmarkError` if there is none."""
        if self._current is None:
            raise BenchmarkError("The server does not run.")
        return self._current

    def _environment(self) -> dict[str, str]:
        limits = {"FORECAST_API_RATE": "1000000/minute", "TMPDIR": str(self.temporary)}
        return server_environment(self.home) | limits | SETTINGS | dict(self.environment)


@contextmanager
def running_server(
    home: Path, changes: Mapping[str, Any] | None = None, environment: Mapping[str, str] | None = None
) -> Iterator[RestartableServer]:
    """Run a restartable server for the block; it is stopped afterwards."""
    made = RestartableServer(home, changes or {}, environment or {})
    try:
        made.start()
        yield made
    finally:
        made.stop()


@contextmanager
def suspended(process: psutil.Process) -> Iterator[None]:
    """Suspend a process and its whole group (SIGSTOP) for the block; it may be killed meanwhile."""
    os.killpg(process.pid, signal.SIGSTOP)
    try:
        yield
    finally:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGCONT)
