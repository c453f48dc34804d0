"""The real server, or one with a bare page, as a process group of its own that is always stopped."""

from __future__ import annotations

import os
import signal
import socket
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import httpx
import psutil

from benchmarks._figure import BenchmarkError

ROOT = Path(__file__).resolve().parents[1]
APP = ROOT / "streamlit_app.py"
BARE = Path(__file__).with_name("_bare_page.py")
HOST = "127.0.0.1"
#: Seconds in which a server must answer, and in which it must have gone when it is told to.
START_LIMIT = 90.0
STOP_LIMIT = 10.0
#: Seconds in which the workers must have done what they were asked.
SETTLE_LIMIT = 180.0
#: How often that is looked at, in seconds.
LOOK = 0.25


@dataclass(frozen=True)
class Server:
    """A running server.

    Attributes:
        process: `streamlit run`.
        port: where it listens, on the loopback interface only.
        started: when its command was given, on `time.perf_counter`'s clock.
        log: what it has written.
    """

    process: psutil.Popen
    port: int
    started: float
    log: Path

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.port}"

    def workers(self) -> list[psutil.Process]:
        """The processes that fit models."""
        return [child for child in self.process.children() if "forecasting.jobs.workers.worker" in child.cmdline()]

    def answers(self) -> bool:
        """Whether it serves pages yet."""
        try:
            return httpx.get(f"{self.url}/_stcore/health", timeout=2, trust_env=False).is_success
        except httpx.TransportError:
            return False

    def wait(self) -> Server:
        """Blocks until it serves pages. Raises `BenchmarkError` with its last words if it does not."""
        while not self.answers():
            if self.process.poll() is not None or time.perf_counter() - self.started > START_LIMIT:
                raise BenchmarkError(f"The server did not start. It said last:\n{self.log.read_text()[-2000:]}")
            time.sleep(0.02)
        return self


def settled(server: Server) -> None:
    """Blocks until the server's workers have nothing to do, neither fits nor imports, so that the next figure is its own.

    Raises `BenchmarkError` if they do not come to an end.
    """
    wait_until_idle(server.workers)


def wait_until_idle(workers: Callable[[], Sequence[psutil.Process]]) -> None:
    """Blocks until `workers` use no processor time. Raises `BenchmarkError` if they do not come to an end."""
    quiet = 0
    for _ in range(int(SETTLE_LIMIT / LOOK)):
        before = processor_seconds(now := workers())
        time.sleep(LOOK)
        quiet = quiet + 1 if processor_seconds(now) - before < 0.02 else 0
        if quiet == 3 or not now:
            return
    raise BenchmarkError(f"The workers were still busy after {SETTLE_LIMIT:g} seconds.")


def processor_seconds(processes: Iterable[psutil.Process]) -> float:
    """Seconds of processor time that they, and children that they have waited for, have used."""
    total = 0.0
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            total += sum(process.cpu_times()[:4])
    return total


@contextmanager
def serving(script: Path, home: Path, more: Mapping[str, str] | None = None) -> Iterator[Server]:
    """`streamlit run script`, offline, with `home` for its files; it may not answer yet. Stopped with all its children.

    The app is run with its configuration, anything else as Streamlit comes. `more` are further environment variables.
    """
    port = free_port()
    options = {"port": port, "address": HOST, "headless": "true"}
    command = [sys.executable, "-m", "streamlit", "run", str(script)]
    command += [f"--server.{name}={value}" for name, value in options.items()]
    log = home / f"server-{port}.log"
    with log.open("wb") as output:
        started = time.perf_counter()
        process = psutil.Popen(
            command,
            cwd=ROOT if script == APP else home,
            env=server_environment(home) | dict(more or {}),
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    try:
        yield Server(process, port, started, log)
    finally:
        stop_server(process)


def server_environment(home: Path) -> dict[str, str]:
    ours = {name: value for name, value in os.environ.items() if not name.startswith(("FORECAST_", "STREAMLIT_"))}
    return ours | {"FORECAST_HOME": str(home), "FORECAST_OFFLINE": "1"}


def free_port() -> int:
    with socket.socket() as listening:
        listening.bind((HOST, 0))
        return int(listening.getsockname()[1])


def stop_server(process: psutil.Popen) -> None:
    """Ends the server, and whatever of its tree is still there a while later."""
    tree = [process]
    with suppress(psutil.NoSuchProcess):
        tree += process.children(recursive=True)
        process.send_signal(signal.SIGTERM)
    for left in psutil.wait_procs(tree, timeout=STOP_LIMIT)[1]:
        with suppress(psutil.NoSuchProcess):
            left.kill()
    process.wait()
