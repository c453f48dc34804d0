"""The real server in a process group of its own, and everything that runs because of it."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading
import urllib.request
from pathlib import Path

import psutil
from served import standing_still

ROOT = Path(__file__).parents[2]
#: Seconds in which a busy machine starts the server, and in which everything is gone after it.
START, END = 60, 20
#: How a traceback ends that Streamlit's server writes now and then when a tab is gone before its connection is closed.
LEFT = "starlette.websockets.WebSocketDisconnected: "
#: Seconds that fits go on and stand still in turn where they are slowed.
AT_WORK, AT_REST = 0.04, 0.4


class AppServer:
    """``streamlit run streamlit_app.py`` with its files in `home`, no network, and so many `workers` or one a core.

    Leaving the ``with`` block ends it and fails if any process is left.
    """

    def __init__(self, home, workers=None):
        self.home = Path(home)
        self._workers = workers
        self.log = self.home / "server.log"
        self.url = ""
        self._holding = threading.Lock()

    def __enter__(self):
        port = _free_port()
        self.url = f"http://127.0.0.1:{port}"
        command = [sys.executable, "-m", "streamlit", "run", "streamlit_app.py"]
        options = {"server.port": port, "server.address": "127.0.0.1", "server.headless": "true"}
        options |= {"server.fileWatcherType": "none"}
        environment = os.environ | {"FORECAST_HOME": str(self.home), "FORECAST_OFFLINE": "1"}
        environment["FORECAST_MODELS"] = "ets"  # a visitor who is no test's matter keeps no worker busy for a minute
        environment.pop("FORECAST_DB_URL", None)
        if self._workers:
            environment["FORECAST_WORKERS"] = str(self._workers)
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [*command, *(f"--{name}={value}" for name, value in options.items())],
                cwd=ROOT,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._family = {psutil.Process(self._process.pid)}
        try:
            self._await_health()
        except BaseException:
            self.kill()
            raise
        return self

    def __exit__(self, *_):
        self.family()
        self._process.terminate()
        try:
            left = self.ended()
        finally:
            self._remove()
        assert not left, f"the server left processes behind: {left}"

    def kill(self):
        """As the kernel does when memory runs out: no farewell."""
        self.family()
        self._process.kill()

    def ended(self):
        """Wait until the server and everything it started has ended; gives what has not."""
        self._wait(END)
        _, left = psutil.wait_procs(self._family, timeout=END)
        return [*left, *_group(self._process.pid)]

    def family(self):
        """The server and all processes that it has started, as far as they live."""
        with contextlib.suppress(psutil.NoSuchProcess):
            self._family |= set(psutil.Process(self._process.pid).children(recursive=True))
        return {process for process in self._family if process.is_running()}

    def children(self):
        """The processes that the server itself has started."""
        return psutil.Process(self._process.pid).children()

    def workers(self):
        """Those of them that fit."""
        return [process for process in self.children() if "forecasting.jobs.workers.worker" in _command(process)]

    @contextlib.contextmanager
    def held(self):
        """All fits stand still, so that nothing is finished before the test comes to it."""
        with self._holding, standing_still(self.workers()):
            yield

    @contextlib.contextmanager
    def slowed(self):
        """All fits take several times as long, so that a busy machine's page sees them run; they can be `held` meanwhile."""
        over = threading.Event()

        def slow():
            while not over.wait(AT_WORK):
                with self.held():
                    over.wait(AT_REST)

        thread = threading.Thread(target=slow, daemon=True)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()

    def tracebacks(self):
        """What went wrong without anybody having said so, from the server's log."""
        _, *found = self.log.read_text(errors="replace").split("Traceback (most recent call last):")
        return [one for one in found if LEFT not in one]

    def _await_health(self):
        for _ in range(10 * START):
            with contextlib.suppress(OSError):  # not there yet; urllib's errors are of this kind
                urllib.request.urlopen(f"{self.url}/_stcore/health", timeout=5).close()
                return
            if self._wait(0.1):
                raise AssertionError(f"the server ended at its start:\n{self.log.read_text()}")
        raise AssertionError(f"the server did not answer within {START} seconds:\n{self.log.read_text()}")

    def _wait(self, seconds):
        """Whether the server has ended within so many seconds."""
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            return False
        return True

    def _remove(self):
        """Whatever the outcome, later tests start with an empty machine."""
        for process in self.family():
            with contextlib.suppress(psutil.NoSuchProcess):
                process.send_signal(signal.SIGKILL)


def _free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def _command(process):
    try:
        return " ".join(process.cmdline())
    except psutil.Error:
        return ""


def _group(leader):
    members = []
    for process in psutil.process_iter():
        with contextlib.suppress(OSError):
            if os.getpgid(process.pid) == leader:
                members.append(process)
    return members
