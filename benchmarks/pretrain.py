"""`pretrain` on a Dask cluster: what a second worker brings, and what twice as many regions cost.

Made-up daily counts of 400 days (as `many` makes them), forecast by `MODELS` 14 days ahead: the whole command, with a store
that is new each time, on clusters of one and of two workers on this machine that have warmed up. They take turns; the
quickest turns count. Give a number of regions as an option.

- `efficiency`: the seconds of one Dask worker over twice those of two. The reference is what is wanted, so a ratio of 1 or
  more is good. It needs two cores that nobody else uses: scheduler and command run beside the two workers.
- `seconds/1`, `seconds/2`: what that was made of; the reference of each is what it takes with one worker.
- `linear`: seconds of all regions on two workers; the reference is twice the seconds of half of them.
- `side_by_side`: processor seconds of the fits with two workers, over those of the same fits with one. What is more than 1 is
  the machine's: its cores share caches and memory, and the efficiency cannot be more than 1 over this.
- `overhead`: processor seconds of command, scheduler and Dask workers, on two workers; the reference are those of the fits.
  What others do on the machine hardly touches it.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import psutil
from distributed import Client

from benchmarks import many
from benchmarks._figure import BenchmarkError, Figure, figure

REGIONS = 24
DAYS = 400
AHEAD = 14
TURNS = 2
#: All that are fitted region by region.
MODELS = "sarima,auto_arima,prophet,ets,theta"
#: The wanted efficiency, and seconds in which a cluster must stand.
WANTED = 0.9
START_LIMIT = 60.0


@dataclass(frozen=True)
class Taken:
    """Seconds of one command, and processor seconds: of the fits, and of all else."""

    seconds: float
    fits: float
    overhead: float


class Cluster:
    """A scheduler on loopback with Dask workers of one thread each."""

    def __init__(self, folder: Path, workers: int) -> None:
        self._folder = folder
        file = folder / f"scheduler{workers}.json"
        where = ("--scheduler-file", str(file))
        self._scheduler = self._start("scheduler", "--host", "127.0.0.1", "--port", "0", *where)
        options = (*where, "--no-nanny", "--nthreads", "1", "--local-directory", str(folder))
        self._workers = [self._start("worker", *options) for _ in range(workers)]
        with Client(scheduler_file=str(file), timeout=START_LIMIT, set_as_default=False) as client:
            client.wait_for_workers(workers, timeout=START_LIMIT)
            self.address = client.scheduler.address

    def used(self) -> tuple[float, float]:
        """Processor seconds so far: of the processes that fit, and of all others."""
        fits = [child for worker in self._workers for child in worker.children(recursive=True)]
        return _processor(fits), _processor([self._scheduler, *self._workers])

    def close(self) -> None:
        for process in [self._scheduler, *self._workers]:
            process.kill()
            process.wait()

    def _start(self, *arguments: str) -> psutil.Popen:
        command = [sys.executable, "-m", "dask", *arguments, "--no-dashboard"]
        return psutil.Popen(command, cwd=self._folder, env=_environment(), stderr=subprocess.DEVNULL)


def run(options: Sequence[str]) -> Iterator[Figure]:
    part = many.counts((int(options[0]) if options else REGIONS) // 2, DAYS)
    whole = twice(part)
    with tempfile.TemporaryDirectory() as name:
        folder, clusters = Path(name), []
        try:
            for workers in (1, 2):
                clusters.append(Cluster(folder, workers))
                pretrain(folder, clusters[-1], many.counts(4 * workers, DAYS))
            alone, both = clusters
            turns = [
                (pretrain(folder, alone, whole), pretrain(folder, both, whole), pretrain(folder, both, part))
                for _ in range(TURNS)
            ]
        finally:
            for cluster in clusters:
                cluster.close()
    one, two, half = (min(kind, key=lambda taken: taken.seconds) for kind in zip(*turns, strict=True))
    yield figure("pretrain/efficiency", one.seconds / (2 * two.seconds), "", WANTED)
    yield figure("pretrain/seconds/1", one.seconds, "s", one.seconds)
    yield figure("pretrain/seconds/2", two.seconds, "s", one.seconds)
    yield figure("pretrain/linear", two.seconds, "s", 2 * half.seconds)
    yield figure("pretrain/side_by_side", two.fits, "s", one.fits)
    yield figure("pretrain/overhead", two.overhead, "s", two.fits)


def twice(table: pd.DataFrame) -> pd.DataFrame:
    """With as many regions again, which are as hard to fit, but not the same."""
    again = table.assign(region=table["region"] + " again", value=table["value"] + 1)
    return pd.concat([table, again], ignore_index=True)


def pretrain(folder: Path, cluster: Cluster, table: pd.DataFrame) -> Taken:
    file = folder / "counts.parquet"
    table.to_parquet(file)
    fits, others = cluster.used()
    with tempfile.TemporaryDirectory(dir=folder) as home:
        told = {
            "FORECAST_HOME": home,
            "FORECAST_DB_URL": "",
            "FORECAST_WORKERS": "2",
            "FORECAST_DATA_COUNTS": str(file),
        }
        arguments = ["--source", "data-counts", "--models", MODELS, "--horizon", str(AHEAD), "--dask", cluster.address]
        start = time.perf_counter()
        child = subprocess.Popen(
            [sys.executable, "-m", "forecasting", "pretrain", *arguments],
            env=_environment() | told,
            stdout=subprocess.DEVNULL,
        )
        _, status, command = os.wait4(child.pid, 0)
        seconds = time.perf_counter() - start
    if status:
        raise BenchmarkError(f"pretrain ended with {os.waitstatus_to_exitcode(status)}.")
    fits_now, others_now = cluster.used()
    return Taken(seconds, fits_now - fits, others_now - others + command.ru_utime + command.ru_stime)


def _processor(processes: Iterable[psutil.Process]) -> float:
    times = [process.cpu_times() for process in processes]
    return sum(one.user + one.system for one in times)


def _environment() -> dict[str, str]:
    """This one's, with this package on the path."""
    return os.environ | {"PYTHONPATH": str(Path(__file__).resolve().parents[1])}
