"""A test run that is ended by a signal leaves no server behind."""

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import psutil

TESTS = Path(__file__).parents[1]
#: Seconds in which a busy machine starts a run, and ends it.
PATIENCE = 60
#: A test that starts a server in a session of its own, tells its number and waits for it.
WAITING = """
import subprocess, sys

def test_waits():
    command = [sys.executable, "-c", "import time; time.sleep(600)"]
    server = subprocess.Popen(command, start_new_session=True)
    with open({path!r}, "w") as file:
        file.write(f"{{server.pid}}\\n")
    server.wait()
"""


def until(condition):
    end = time.monotonic() + PATIENCE
    while not (value := condition()) and time.monotonic() < end:
        time.sleep(0.05)  # between two looks at another process
    return value


def told(path):
    """The number that a test has written, once its line is whole."""
    with suppress(FileNotFoundError):
        text = path.read_text()
        return int(text) if text.endswith("\n") else None


def start_run(folder, processes):
    """A pytest that runs one test in so many further processes, and the number of the server that the test starts."""
    folder.mkdir()
    path = folder / "pid"
    (folder / "test_waiting.py").write_text(WAITING.format(path=str(path)))
    (folder / "pytest.ini").write_text("[pytest]\n")
    # None of all plugins that are installed, which take seconds to import.
    plugins = ["-p", "xdist", "-p", "process_watchdog"]
    command = [sys.executable, "-m", "pytest", *plugins, "-n", processes, str(folder)]
    environment = os.environ | {"PYTHONPATH": str(TESTS), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    return subprocess.Popen(command, cwd=folder, env=environment, **quiet), path


def test_servers_end_with_the_run_that_started_them(tmp_path):
    cases = [("0", signal.SIGTERM), ("1", signal.SIGTERM), ("1", signal.SIGINT)]
    runs = [start_run(tmp_path / f"{processes} {how.name}", processes) for processes, how in cases]
    servers = [psutil.Process(until(lambda path=path: told(path))) for _, path in runs]
    for (run, _), (_, how) in zip(runs, cases, strict=True):
        run.send_signal(how)
    for run, _ in runs:
        run.wait(PATIENCE)
    _, left = psutil.wait_procs(servers, timeout=PATIENCE)
    assert not left
