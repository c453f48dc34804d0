"""Watchdog that ends every process of a test run when pytest itself has ended, by whatever signal.

Fixtures end their servers, but a pytest that is killed (SIGTERM, SIGKILL, an impatient Ctrl-C) runs no fixture to its
end, and neither do the processes of pytest-xdist when their controller goes. The watchdog is a process of its own that reads
a pipe of which only pytest holds the other end: when that is closed, it ends whatever carries the run's marker in its
environment, which every child inherits, daemons included.
"""

from __future__ import annotations

import os
import subprocess
import sys
import uuid
from contextlib import suppress

import psutil
import pytest

#: Environment variable by which all processes of a test run are recognised.
MARKER = "PYTEST_PROCESS_WATCHDOG"
#: Seconds that processes have to end after SIGTERM before they are killed.
GRACE = 3.0

_watchdog: subprocess.Popen[str] | None = None


def pytest_configure(config: pytest.Config) -> None:
    """Start the watchdog of a process that runs tests; its children from now on carry the marker."""
    global _watchdog
    if config.getoption("numprocesses", 0):  # only starts others, which have their own
        return
    os.environ[MARKER] = uuid.uuid4().hex
    command = [sys.executable, __file__, os.environ[MARKER]]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    _watchdog = subprocess.Popen(command, stdin=subprocess.PIPE, text=True, start_new_session=True, **quiet)


def pytest_unconfigure() -> None:
    """Close the pipe at the end of a run; what fixtures have left behind is ended, too."""
    global _watchdog
    if _watchdog is not None:
        _watchdog.communicate()
        _watchdog = None


def also_watch(pid: int) -> None:
    """Have the watchdog end a process that overwrites its environment, as nginx does."""
    if _watchdog is not None and _watchdog.stdin:
        _watchdog.stdin.write(f"{pid}\n")
        _watchdog.stdin.flush()


def marked(marker: str) -> list[psutil.Process]:
    """Other living processes whose environment has the marker."""
    processes = []
    for process in psutil.process_iter():
        with suppress(psutil.Error, OSError):
            if process.pid != os.getpid() and process.environ().get(MARKER) == marker:
                processes.append(process)
    return processes


def end_all(marker: str, named: dict[int, psutil.Process]) -> None:
    """End the processes of a run: SIGTERM, and SIGKILL for those that stay."""
    processes = [*marked(marker), *(process for process in named.values() if process.is_running())]
    for process in processes:
        with suppress(psutil.Error):
            process.terminate()
    psutil.wait_procs(processes, timeout=GRACE)
    for process in [*processes, *marked(marker)]:
        with suppress(psutil.Error):
            process.kill()


def main(marker: str) -> None:
    """Wait for the end of the pipe, then end what is left of the run."""
    named: dict[int, psutil.Process] = {}
    for line in sys.stdin:
        with suppress(psutil.Error):
            named[int(line)] = psutil.Process(int(line))
    end_all(marker, named)


if __name__ == "__main__":
    main(sys.argv[1])
