"""The local worker backend, and the choice between it and a Dask cluster by command line or settings."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from forecasting.jobs.workers.interface import WorkerBackend
from forecasting.jobs.workers.process import WORKER_COMMAND, WorkerProcess
from forecasting.support import settings


class LocalBackend:
    """A `WorkerBackend` of `count` processes of this machine, each started with `command`."""

    trouble, recovered = "", False

    def __init__(self, count: int, command: Sequence[str] = WORKER_COMMAND) -> None:
        self._count, self._command = count, command

    def check(self) -> None:
        """Return at once: nothing is known before a process is started."""

    def open(self, on_capacity: Callable[[int], None]) -> None:
        """Call `on_capacity` once: the number of processes never changes."""
        on_capacity(self._count)

    def start_worker(self, on_exit: Callable[[], None]) -> WorkerProcess:
        """Start a process; `on_exit` is called when it has ended. Raises `OSError`."""
        return WorkerProcess(self._command, on_exit)

    def close(self) -> None:
        """Do nothing: the supervisors end their processes."""


def choose_backend(workers: int | None = None, command: Sequence[str] | None = None, dask: str = "") -> WorkerBackend:
    """The backend for at most `workers` workers: the Dask cluster `dask` or that of the settings, else local processes.

    Without `workers` as many as the settings say, or as the cluster has threads. A `command` starts local processes in any
    case. Raises `RequestError` for settings that are wrong.
    """
    address = "" if command else dask or settings.dask()
    if not address:
        return LocalBackend(workers or settings.workers(), command or WORKER_COMMAND)
    from forecasting.jobs.workers.dask_client import DaskBackend  # imports Dask, which only a cluster needs

    return DaskBackend(address, workers or settings.most_workers())
