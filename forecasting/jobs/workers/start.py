"""Start workers: processes of this machine, or slots of a Dask cluster, as the settings say."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from forecasting.jobs.workers.interface import Crew
from forecasting.jobs.workers.process import WORKER, WorkerProcess
from forecasting.support import settings


class Processes:
    """`count` processes of this machine, each started with `command`."""

    trouble, mended = "", False

    def __init__(self, count: int, command: Sequence[str] = WORKER) -> None:
        self._count, self._command = count, command

    def check(self) -> None:
        """Nothing is known before a process is started."""

    def open(self, staff: Callable[[int], None]) -> None:
        """See `Crew`."""
        staff(self._count)

    def hire(self, ended: Callable[[], None]) -> WorkerProcess:
        """See `Crew`; raises `OSError`."""
        return WorkerProcess(self._command, ended)

    def close(self) -> None:
        """Their supervisors end them."""


def crew_of(workers: int | None = None, command: Sequence[str] | None = None, dask: str = "") -> Crew:
    """At most `workers` of them: of the Dask cluster `dask`, or that the settings name, else processes here.

    Without `workers` as many as the settings say, or as the cluster has threads. A `command` starts processes here in any
    case. Raises `RequestError` for settings that cannot be.
    """
    address = "" if command else dask or settings.dask()
    if not address:
        return Processes(workers or settings.workers(), command or WORKER)
    from forecasting.jobs.workers.dask_client import Cluster  # brings Dask, which nobody else needs

    return Cluster(address, workers or settings.most_workers())
