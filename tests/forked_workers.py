"""Workers that are forked from a process that has imported what they need, instead of being started anew for each test.

A worker takes seconds of the processor to import its libraries, and there are hundreds in a run. The forked ones are children
of the tests' process, with a session, an environment and pipes of their own as any others, and run the same code. Tests of how
a worker is started, what it imports or how it dies use real ones: ``pytest.mark.usefixtures("started_workers")``.
"""

from __future__ import annotations

import ctypes
import importlib
import json
import os
import runpy
import socket
import subprocess
import sys
import tempfile
import threading
import traceback
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

import pytest

PR_SET_CHILD_SUBREAPER = 36
#: What every worker imports, and models that one that knows the real ones has warmed up; not Prophet, which makes a temporary
#: folder of its own when it is imported.
IMPORTED = ("forecasting.jobs.workers.fit", "forecasting.jobs.workers.protocol", "forecasting.models")
WARMED = ("ets", "sarima", "theta", "auto_arima", "pooled")


class ForkServer:
    """The process that workers are forked from; it begins with the first of them."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None

    def start_worker(self, command: Sequence[str], environment: dict[str, str]) -> ForkedWorker:
        """A worker running ``python -m module`` or ``python script.py``."""
        with self._lock:
            self.begin()
            pipes = [os.pipe() for _ in range(3)]
            theirs = [pipes[0][0], pipes[1][1], pipes[2][1]]
            order = json.dumps([command[1:], environment, os.getcwd()]).encode()
            subreaper(True)  # who loses its parent meanwhile is ours
            try:
                socket.send_fds(self._socket, [len(order).to_bytes(8, "big")], theirs)
                self._socket.sendall(order)
                pid = int.from_bytes(self._socket.recv(8, socket.MSG_WAITALL), "big")
            finally:
                subreaper(False)
                for one in theirs:
                    os.close(one)
        assert pid, "no worker could be forked"
        return ForkedWorker(pid, pipes[0][1], pipes[1][0], pipes[2][0])

    def begin(self) -> None:
        """Start it, unless it runs."""
        from forecasting.jobs.workers import process

        if self._process is None:
            self._socket, theirs = socket.socketpair()
            command = [sys.executable, __file__, str(theirs.fileno())]
            with theirs:
                self._process = subprocess.Popen(
                    command,
                    env=process._environment(None),
                    pass_fds=[theirs.fileno()],
                    stdin=subprocess.DEVNULL,
                    start_new_session=True,
                )

    def close(self) -> None:
        """End it; its workers end with those who use them."""
        if self._process is not None:
            self._socket.close()
            self._process.wait()


class ForkedWorker:
    """As much of a `subprocess.Popen` as `WorkerProcess` uses."""

    def __init__(self, pid: int, orders: int, events: int, errors: int) -> None:
        self.pid = pid
        self.stdin = os.fdopen(orders, "w", encoding="utf-8", errors="replace")
        self.stdout = os.fdopen(events, encoding="utf-8", errors="replace")
        self.stderr = os.fdopen(errors, encoding="utf-8", errors="replace")

    def wait(self) -> int:
        """Wait for its end; gives its exit code (negative: the signal)."""
        try:
            return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        except ChildProcessError:  # somebody else has waited
            return 0


def subreaper(on: bool) -> None:
    """Whether processes of descendants that have ended become children of this one."""
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, int(on), 0, 0, 0)


@pytest.fixture(scope="session", autouse=True)
def forked_workers() -> Iterator[ForkServer | None]:
    """Workers of queues in the tests' own process are forked where the system can do that."""
    if not sys.platform.startswith("linux"):
        yield None
        return
    from forecasting.jobs.workers import process

    server, start = ForkServer(), process._start

    def forked(command, temp_folder):
        if command[0] != sys.executable:
            return start(command, temp_folder)
        return server.start_worker(command, process._environment(temp_folder))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(process, "_start", forked)
        patch.setattr(process, "_started_anew", start, raising=False)
        yield server
    server.close()


@pytest.fixture
def started_workers(forked_workers, monkeypatch):
    """Workers are processes that are started anew."""
    from forecasting.jobs.workers import process

    monkeypatch.setattr(process, "_start", getattr(process, "_started_anew", process._start))


def serve(orders: socket.socket) -> None:
    """Fork a worker for each order until the other side is gone."""
    for name in IMPORTED:
        importlib.import_module(name)
    cold = True
    while True:
        length, pipes, _, _ = socket.recv_fds(orders, 8, 3)
        if not length:
            return
        command, environment, folder = json.loads(orders.recv(int.from_bytes(length, "big"), socket.MSG_WAITALL))
        if cold and command[0] == "-m":
            warm_up()
            cold = False
        orders.sendall(fork_worker(command, environment, folder, pipes, orders).to_bytes(8, "big"))
        for pipe in pipes:
            os.close(pipe)


def warm_up() -> None:
    """Import what the models do."""
    from forecasting.models import models

    for name in WARMED:
        models()[name].warm_up()
    threads = [Path(f"/proc/self/task/{one}/comm").read_text().strip() for one in os.listdir("/proc/self/task")]
    others = [name for name in threads[1:] if not name.startswith("jemalloc")]  # pyarrow's, which expects to be forked
    assert not others, f"what is forked might wait for threads that are not there: {others}"


def fork_worker(command, environment, folder, pipes, orders) -> int:
    """Fork a worker whose parent has ended when this returns its number."""
    told, tell = os.pipe()
    between = os.fork()
    if not between:
        worker = os.fork()
        if worker:
            os.write(tell, worker.to_bytes(8, "big"))
            os._exit(0)
        for one in (told, tell, orders.fileno()):
            os.close(one)
        code = 1
        try:
            code = run_worker(command, environment, folder, pipes)
        finally:
            os._exit(code)
    os.waitpid(between, 0)
    number = int.from_bytes(os.read(told, 8), "big")
    os.close(told)
    os.close(tell)
    return number


def run_worker(command, environment, folder, pipes) -> int:
    """What a worker that is started anew does; gives its exit code."""
    os.setsid()
    for place, pipe in enumerate(pipes):
        os.dup2(pipe, place)
        os.close(pipe)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    tempfile.tempdir = None
    sys.path[:0] = [path for path in environment.get("PYTHONPATH", "").split(os.pathsep) if path not in sys.path]
    try:
        if command[0] == "-m":
            runpy.run_module(command[1], run_name="__main__", alter_sys=True)
        else:
            sys.path.insert(0, str(Path(command[0]).parent))
            runpy.run_path(command[0], run_name="__main__")
        return 0
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    except BaseException:
        traceback.print_exc()
        return 1
    finally:
        for stream in (sys.stdout, sys.stderr):
            with suppress(OSError, ValueError):
                stream.flush()


if __name__ == "__main__":
    sys.modules.pop("pytest", None)
    serve(socket.socket(fileno=int(sys.argv[1])))
