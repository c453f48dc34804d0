"""Forecasting 100, 1,000 and 10,000 series with one command line, and 2,000 in one process beside statsforecast.

Daily counts of 100 days with a weekday pattern and waves of their own, from a Parquet file, 14 days ahead, in as many worker
processes as there are cores, with a store that is new each time: what a series costs, and going on after an interruption.
`python -m benchmarks many 100,1000` measures those numbers alone, and `python -m benchmarks many statsforecast` the last figure.

- `MODEL/N`: seconds; the reference is what N series would have taken at the price of the number before.
- `MODEL/N/processor`: the same in seconds of processor time of the command and its workers, which says more on a machine that is busy.
- `MODEL/N/again`: the same command again, which finds everything in the store; the reference is the first time.
- `MODEL/N/memory`: the largest process, in MB.
- `MODEL/over_statsforecast`: seconds of `forecast_many` for 2,000 weekly series of 150 figures, 13 ahead, with all quantiles; the
  reference is what statsforecast's automatic model takes for their means (`season_length=1`, as in `accuracy_peers`), from every
  so many of them, measured in turns in the same process. Needs `benchmarks/requirements.txt`.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks._figure import Figure, figure
from benchmarks._many_beside import beside_statsforecast

SIZES = (100, 1_000, 10_000)
MODELS = ("ets", "pooled")
DAYS = 100
AHEAD = 14


def run(options: Sequence[str]) -> Iterator[Figure]:
    beside = not options or options[0] == "statsforecast"
    sizes = [] if beside and options else [int(size) for size in options[0].split(",")] if options else list(SIZES)
    yield from command_line(sizes)
    if beside:
        yield from beside_statsforecast()


def command_line(sizes: Sequence[int]) -> Iterator[Figure]:
    for model in MODELS if sizes else ():
        before = spent_before = 0.0
        for size in sizes:
            with tempfile.TemporaryDirectory() as folder:
                file = Path(folder) / "counts.parquet"
                counts(size).to_parquet(file)
                first, memory, spent = forecast(file, model)
                again, *_ = forecast(file, model)
            yield figure(f"many/{model}/{size}", first, "s", (before or first / size) * size)
            yield figure(f"many/{model}/{size}/processor", spent, "s", (spent_before or spent / size) * size)
            yield figure(f"many/{model}/{size}/again", again, "s", first)
            yield figure(f"many/{model}/{size}/memory", memory, "MB", 1000.0)
            before, spent_before = first / size, spent / size


def counts(series: int, periods: int = DAYS) -> pd.DataFrame:
    """A tidy table of made-up counts of so many days."""
    rng, days = np.random.default_rng(1), np.arange(periods)
    level = np.exp(rng.normal(4, 1, (series, 1)))
    waves = np.exp(0.4 * np.sin(days / 15 + rng.uniform(0, 1, (series, 1))))
    values = rng.poisson(level * waves * np.where(days % 7 == 6, 0.5, 1.1))
    dates = pd.date_range("2022-01-01", periods=periods)
    names = [f"Area {place:05d}" for place in range(series)]
    return pd.DataFrame({"region": np.repeat(names, periods), "date": np.tile(dates, series), "value": values.ravel()})


def forecast(file: Path, model: str) -> tuple[float, float, float]:
    """Seconds that the command takes, megabytes of its largest process, and processor seconds of all of them."""
    arguments = ["--input", str(file), "--models", model, "--horizon", str(AHEAD)]
    output = ["--output", str(file.with_name("forecasts.parquet")), "--workers", str(os.cpu_count() or 1)]
    start = time.perf_counter()
    child = subprocess.Popen(
        [sys.executable, "-m", "forecasting", "forecast", *arguments, *output],
        env=os.environ | {"FORECAST_HOME": str(file.parent), "FORECAST_DB_URL": ""},
    )
    _, status, used = os.wait4(child.pid, 0)
    if status:
        raise SystemExit(f"The command line ended with {os.waitstatus_to_exitcode(status)}.")
    return time.perf_counter() - start, used.ru_maxrss / 1024, used.ru_utime + used.ru_stime
