"""A Dask cluster of real processes on loopback, for tests."""

import os
import queue
import subprocess
import sys
import threading
from pathlib import Path

ROOT = Path(__file__).parents[2]
COMMAND = (sys.executable, str(Path(__file__).with_name("scripted_worker.py")))


class DaskCluster:
    """A scheduler, and workers with one thread each; `folder` has what they write."""

    def __init__(self, folder, environment):
        self._folder = folder
        self._environment = os.environ | {"PYTHONPATH": str(ROOT)} | environment
        self._workers = []
        self.start_scheduler("0")

    def start_scheduler(self, port):
        self.scheduler = self._start("scheduler", "--port", port, "--host", "127.0.0.1")
        self.address = _said(self.scheduler, "Scheduler at:")

    def workers(self):
        """Those that live, by process number."""
        return {worker.pid: worker for worker in self._workers if worker.poll() is None}

    def add_worker(self):
        """Does not wait for it."""
        options = ("--no-nanny", "--nthreads", "1", "--local-directory", self._folder)
        self._workers.append(self._start("worker", self.address, *options))
        threading.Thread(target=self._workers[-1].stderr.read, daemon=True).start()
        return self._workers[-1]

    def close(self):
        for process in [*self._workers, self.scheduler]:
            process.kill()
            process.wait()

    def _start(self, *arguments):
        command = [sys.executable, "-m", "dask", *arguments, "--no-dashboard"]
        return subprocess.Popen(command, env=self._environment, cwd=self._folder, stderr=subprocess.PIPE, text=True)


def _said(process, what):
    """The rest of the line that has `what`; reads the others too, so that the process never waits for a reader."""
    found = queue.Queue()

    def read():
        for line in process.stderr:
            if what in line:
                found.put(line.split(what)[1].strip())
        found.put("")

    threading.Thread(target=read, daemon=True).start()
    return found.get(timeout=120)
