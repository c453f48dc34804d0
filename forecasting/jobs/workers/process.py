"""WorkerProcess: a worker as a process of this machine, as its supervising thread starts, feeds, reads and kills it."""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

from forecasting.jobs.workers.protocol import WorkerEvent
from forecasting.jobs.workers.temp_folders import TEMP_FOLDERS

log = logging.getLogger(__name__)

#: Linear algebra in each worker keeps to one thread: several workers' threads would fight for the cores, and pages with
#: them (`python -m benchmarks responsiveness`). It must be set before numpy is imported, hence by the parent.
ONE_THREAD = dict.fromkeys(
    (
        "OMP_NUM_THREADS",
        "OPENBLAS_NUM_THREADS",
        "MKL_NUM_THREADS",
        "BLIS_NUM_THREADS",
        "VECLIB_MAXIMUM_THREADS",
        "NUMEXPR_NUM_THREADS",
        "NUMBA_NUM_THREADS",
    ),
    "1",
)
#: Seconds in which a worker must get ready, and after that begin a fit it was given (it may still be warming up).
START_SECONDS = 120.0
#: Lines of a worker's standard error that are logged for one fit, at most.
LOGGED_LINES = 200
#: Characters of each that are logged, at most.
LOGGED_WIDTH = 2000
#: Lines of a worker's standard error that are kept for the log of its end.
KEPT_LINES = 20


class WorkerProcess:
    """A process running `command`, the leader of a process group of its own. Raises `OSError` if it cannot be started.

    `on_exit` is called once, from another thread, as soon as the process has ended, however that came.

    Attributes:
        alive: False once it has been killed or was seen to have ended.
        lines: what it writes, one line after the other, until its output ends; only one thread may read.
        events: the same as events, for callers that do not read the lines.
        start_timeout: seconds in which it must begin a fit it was given.
    """

    start_timeout = START_SECONDS

    def __init__(self, command: Sequence[str], on_exit: Callable[[], None]) -> None:
        self._temp_folder = TEMP_FOLDERS.create()
        self._process = _start(command, self._temp_folder)
        assert self._process.stdin
        assert self._process.stdout
        assert self._process.stderr
        self._orders, self._output, self._stderr = self._process.stdin, self._process.stdout, self._process.stderr
        self._lock = threading.Lock()
        self._reaped = False
        self._on_exit = on_exit
        self._budget = LOGGED_LINES
        self._last_lines: deque[str] = deque(maxlen=KEPT_LINES)
        self.alive = True
        self.lines = self._lines()
        self.events = read_events(self.lines, self.name)
        self._errors = threading.Thread(target=self._log_errors, daemon=True, name=f"worker {self.pid} stderr")
        self._errors.start()

    @property
    def pid(self) -> int:
        """The process's number, which is also that of its process group."""
        return self._process.pid

    @property
    def name(self) -> str:
        """Its name in the log."""
        return f"process {self.pid}"

    @property
    def last_output(self) -> str:
        """The end of what it wrote to standard error, for the log."""
        return "\n".join(self._last_lines)

    def send(self, line: str) -> None:
        """Give it a fit, as a `FitOrder`'s line. A dead process is noticed by `events`, not here."""
        self._budget = LOGGED_LINES
        try:
            self._orders.write(line)
            self._orders.flush()
        except OSError:
            self.alive = False

    def kill(self) -> None:
        """End it and its children at once; may be called from any thread, at any time."""
        with self._lock:
            self.alive = False
            if not self._reaped:  # its number may since belong to a stranger
                _kill_group(self._process)

    def reap(self) -> int:
        """Kill what is left of its group, wait for it, and return its exit code (negative: the signal)."""
        self.kill()
        with self._lock:
            self._reaped = True
        code = self._process.wait()
        self._errors.join(timeout=2)  # only a child that left the group could keep standard error open
        for stream in (self._orders, self._output):
            with contextlib.suppress(OSError):  # an order that was never read
                stream.close()
        TEMP_FOLDERS.remove(self._temp_folder)
        return code

    def _lines(self) -> Iterator[str]:
        yield from self._output
        self.alive = False

    def _log_errors(self) -> None:
        with self._stderr as stream:
            while line := stream.readline(LOGGED_WIDTH):
                self._last_lines.append(line.rstrip())
                self._budget -= 1
                if self._budget >= 0:
                    log.info("Worker %d: %s", self.pid, line.rstrip())
        self.alive = False
        self._on_exit()


def read_events(lines: Iterable[str], name: str) -> Iterator[WorkerEvent]:
    """Parse a worker's lines into events; a line that is none is logged under the worker's `name`."""
    for line in lines:
        try:
            yield WorkerEvent.from_line(line)
        except (ValueError, KeyError, TypeError, AttributeError):
            log.warning("The worker's %s wrote a line that is no event: %.200s", name, line)


def _start(command: Sequence[str], temp_folder: Path | None) -> subprocess.Popen[str]:
    try:
        return subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            errors="replace",
            env=_environment(temp_folder),
            start_new_session=True,
        )
    except OSError:
        TEMP_FOLDERS.remove(temp_folder)
        raise


def _kill_group(process: subprocess.Popen[str]) -> None:
    """Kill a process that was not waited for yet, with its children where the system knows groups."""
    with contextlib.suppress(OSError):  # nobody is left in it; macOS says "not permitted" of the dead
        if hasattr(os, "killpg"):
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()


def _environment(temp_folder: Path | None) -> dict[str, str]:
    """The parent's, with one thread for linear algebra, `temp_folder` for temporary files, and this package on the path."""
    temporary = dict.fromkeys(("TMPDIR", "TEMP", "TMP"), str(temp_folder)) if temp_folder else {}
    root = str(Path(__file__).resolve().parents[3])
    path = os.pathsep.join(filter(None, [root, os.environ.get("PYTHONPATH")]))
    return os.environ | ONE_THREAD | temporary | {"PYTHONPATH": path, "PYTHONIOENCODING": "utf-8"}


#: The command that starts a worker process.
WORKER_COMMAND = (sys.executable, "-m", "forecasting.jobs.workers.worker")
