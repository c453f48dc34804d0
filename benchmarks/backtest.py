"""A look back over many origins: four models on a daily series, ETS on 53 weekly ones, a year of those, and statsforecast's own loop.

`four_models`: the last 12 origins, a week apart, of naive, ETS, theta and SARIMA for one country's daily cases, 28 days
ahead. `weekly_ets`: the last 8 origins of ETS for 53 places' weekly admissions, four weeks ahead. Both with a fresh
store in memory and two workers that have imported what they need, as the app's have; from the panel to the last forecast.
`over_statsforecast`: `weekly_ets` beside statsforecast's cross-validation of AutoETS with the same prepared figures,
windows, horizons and quantiles in two processes, everything imported; medians of turns one after the other.

`year/MODEL/processor`: the last 52 origins of 53 places' weekly admissions, four weeks ahead, by the same service; seconds of processor
time of it and its workers from the panel to the last forecast, of which nothing has been worked out. The reference is what is wanted.
`command/MODEL/processor`: the same by `python -m forecasting backtest` with its scores, from its start to its end; the reference is the
figure before. `python -m benchmarks backtest year` measures these alone.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from statistics import median

import pandas as pd
import psutil

from benchmarks._figure import BenchmarkError, Figure, figure
from benchmarks._server import processor_seconds, wait_until_idle
from forecasting.data.forecast import QUANTILES
from forecasting.data.panel import Panel
from forecasting.evaluation.backtest import Cutoff, rolling_origins, series_at_cutoffs
from forecasting.jobs import JobQueue
from forecasting.jobs.request import Request
from forecasting.preparation.prepare import prepare
from forecasting.services.service import Service
from forecasting.sources import source
from forecasting.storage.forecast_store import ForecastStore

MODELS = ("naive", "ets", "theta", "sarima")
WORKERS = 2
TURNS = 3
#: Seconds that are wanted at most.
FOUR_MODELS = 10.0
WEEKLY_ETS = 60.0
#: The models of a year of origins, and the seconds of processor time that are wanted at most.
YEAR_MODELS = ("ets", "theta", "naive")
YEAR_SECONDS = 3.0
MISSING = (
    "statsforecast is not installed, so there is nothing to compare with: pip install -r benchmarks/requirements.txt."
)


def run(options: Sequence[str]) -> Iterator[Figure]:
    panel = source("bundled").panel()
    if list(options) != ["year"]:
        yield from beside_statsforecast(panel)
    yield from a_year(panel)


def beside_statsforecast(panel: Panel) -> Iterator[Figure]:
    yield figure("backtest/four_models", median(turns(lambda: four_models(panel))), "s", FOUR_MODELS)
    cross_validation = statsforecast_loop(panel)
    ours, theirs = [], []
    for _ in range(TURNS):
        ours.append(weekly_ets(panel))
        theirs.append(cross_validation() if cross_validation else 0.0)
    yield figure("backtest/weekly_ets", median(ours), "s", WEEKLY_ETS)
    if not cross_validation:
        raise BenchmarkError(MISSING)
    yield figure("backtest/over_statsforecast", median(ours), "s", median(theirs))


def a_year(panel: Panel) -> Iterator[Figure]:
    for model in YEAR_MODELS:
        spent = median(turns(partial(year_of_origins, panel, model)))
        yield figure(f"backtest/year/{model}/processor", spent, "s", YEAR_SECONDS)
        yield figure(f"backtest/command/{model}/processor", median(turns(partial(command, model))), "s", spent)


def year_of_origins(panel: Panel, model: str) -> float:
    """Processor seconds of this process and its workers from the panel to the last of the forecasts."""
    panel = replace(panel, table=panel.table.copy()).as_of(None)
    me = psutil.Process()
    with started([model]) as service:
        while service.queue.load().ready < WORKERS:
            time.sleep(0.1)
        wait_until_idle(me.children)
        before = processor_seconds([me, *me.children()])
        requests = list(asked(panel, panel.regions("new_admissions"), "new_admissions", [model], 4, 52, 1))
        missing = sum(job.forecast is None for _, job in service.run(requests))
        spent = processor_seconds([me, *me.children()]) - before
    if missing or len(requests) < 52 * 53:
        raise BenchmarkError(f"{missing} forecasts are missing, so the time says nothing.")
    return spent


def command(model: str) -> float:
    """Processor seconds of the command line, and of its workers, for the same with its scores."""
    with tempfile.TemporaryDirectory() as folder:
        asked_for = ["--source", "bundled", "--statistic", "new_admissions", "--horizon", "4", "--origins", "52"]
        output = ["--output", str(Path(folder) / "forecasts.parquet"), "--workers", str(WORKERS)]
        child = subprocess.Popen(
            [sys.executable, "-m", "forecasting", "backtest", "--models", model, *asked_for, *output],
            env=os.environ | {"FORECAST_HOME": folder, "FORECAST_DB_URL": ""},
            stdout=subprocess.DEVNULL,
        )
        _, status, used = os.wait4(child.pid, 0)
    if status:
        raise BenchmarkError(f"The command line ended with {os.waitstatus_to_exitcode(status)}.")
    return used.ru_utime + used.ru_stime


def turns(work: Callable[[], float]) -> list[float]:
    return [work() for _ in range(TURNS)]


def four_models(panel: Panel) -> float:
    return look_back(panel, ["United States"], "new_cases", MODELS, horizon=28, origins=12, step=7)


def weekly_ets(panel: Panel) -> float:
    regions = panel.regions("new_admissions")
    return look_back(panel, regions, "new_admissions", ["ets"], horizon=4, origins=8, step=1)


def look_back(
    panel: Panel, regions: Sequence[str], statistic: str, models: Sequence[str], horizon: int, origins: int, step: int
) -> float:
    """Seconds from the panel to the last forecast. Raises `BenchmarkError` if some forecast is not there."""
    panel = panel.as_of(None)
    with started(models) as service:
        start = time.perf_counter()
        requests = list(asked(panel, regions, statistic, models, horizon, origins, step))
        jobs = [job for _, job in service.run(requests)]
        seconds = time.perf_counter() - start
    if missing := len(regions) * origins * len(models) - sum(job.forecast is not None for job in jobs):
        raise BenchmarkError(f"{missing} forecasts are missing, so the time says nothing.")
    return seconds


def asked(
    panel: Panel, regions: Sequence[str], statistic: str, models: Sequence[str], horizon: int, origins: int, step: int
) -> Iterator[Request]:
    """What `backtest` asks of the service."""
    wanted: dict[pd.Timestamp, list[str]] = {}
    for region in regions:
        for at in rolling_origins(panel, region, statistic, horizon, origins, step):
            wanted.setdefault(at, []).append(region)
    for at, those in wanted.items():
        for known in series_at_cutoffs(panel, those, statistic, [at]):
            if isinstance(known, Cutoff):
                yield from (known.request(model, horizon) for model in models)


@contextmanager
def started(models: Sequence[str]) -> Iterator[Service]:
    """A service whose store is empty and whose workers have each fitted something."""
    store = ForecastStore("sqlite://")
    service = Service(store, JobQueue(store, workers=WORKERS))
    try:
        practice = prepare(source("bundled").panel(), "Italy", "new_cases")
        first = [Request(practice.tail(60 + more), model, 1) for model in models for more in range(2 * WORKERS)]
        list(service.run(first))
        yield service
    finally:
        service.close()


def statsforecast_loop(panel: Panel) -> Callable[[], float] | None:
    """Seconds of statsforecast's cross-validation of what `weekly_ets` forecasts; None without statsforecast."""
    try:
        from statsforecast import StatsForecast
        from statsforecast.models import AutoETS
    except ImportError:
        return None
    table = pd.concat([nixtla(panel, region) for region in panel.regions("new_admissions")], ignore_index=True)
    levels = [round(100 * (1 - 2 * level), 1) for level in QUANTILES if level < 0.5]

    def cross_validation() -> float:
        start = time.perf_counter()
        loop = StatsForecast(models=[AutoETS(season_length=1)], freq="W-SAT", n_jobs=WORKERS)
        loop.cross_validation(df=table, h=4, n_windows=8, step_size=1, level=levels)
        return time.perf_counter() - start

    cross_validation()
    return cross_validation


def nixtla(panel: Panel, region: str) -> pd.DataFrame:
    """One region's prepared figures with the names that statsforecast gives its columns."""
    series = prepare(panel, region, "new_admissions")
    return pd.DataFrame({"unique_id": region, "ds": series.dates, "y": series.values})
