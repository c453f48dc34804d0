"""Instant models from the last 52 origins of 53 places' weekly admissions: all at once, beside one after the other.

`MODEL`: seconds for 2,756 forecasts, four weeks ahead, through `Service.run` with a fresh store, from prepared series; the
reference is what the same service would take for them one by one, from every so many of them, measured in turns in the same run.
Ends with an error where some number differs by more than a part in a billion.

`MODEL/from_panel`: seconds from the panel to the last of these forecasts in one process, each region prepared as it stood at each
origin; the reference is what is wanted at most.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from statistics import median

import numpy as np

from benchmarks._figure import BenchmarkError, Figure, figure
from benchmarks.backtest import asked
from forecasting.jobs import Job, JobQueue
from forecasting.jobs.request import Request
from forecasting.jobs.workers.fit import fit_requests
from forecasting.models import model
from forecasting.services.service import Service
from forecasting.sources import source
from forecasting.storage.forecast_store import ForecastStore

MODELS = ("pretrained", "naive", "theta")
#: Models that are timed from the panel on, and the seconds that are wanted at most.
FROM_PANEL = ("ets", "theta", "naive")
MOST_SECONDS = 3.0
ORIGINS = 52
AHEAD = 4
TURNS = 3
#: Of so many forecasts one is made alone.
EVERY = 20
#: Relative distance of two numbers that are the same.
NEAR = 1e-9


def run() -> Iterator[Figure]:
    panel = source("bundled").panel()
    regions = panel.regions("new_admissions")
    for name in MODELS:
        requests = list(asked(panel, regions, "new_admissions", [name], AHEAD, ORIGINS, step=1))
        model(name).warm_up()
        at_once, alone = list[float](), list[float]()
        for _ in range(TURNS):
            seconds, many = all_at_once(requests)
            at_once.append(seconds)
            seconds, some = one_by_one(requests[::EVERY])
            alone.append(seconds * len(requests) / len(some))
            compare(many, some)
        yield figure(f"at_once/{name}", median(at_once), "s", median(alone))
    for name in FROM_PANEL:
        seconds = median(from_panel(name) for _ in range(TURNS))
        yield figure(f"at_once/{name}/from_panel", seconds, "s", MOST_SECONDS)


def from_panel(name: str) -> float:
    panel = source("bundled").panel()
    panel = replace(panel, table=panel.table.copy())  # nothing of it has been worked out
    start = time.perf_counter()
    requests = list(asked(panel, panel.regions("new_admissions"), "new_admissions", [name], AHEAD, ORIGINS, step=1))
    if missing := sum(outcome.forecast is None for outcome in fit_requests(requests)):
        raise BenchmarkError(f"{missing} forecasts are missing, so the time says nothing.")
    return time.perf_counter() - start


def all_at_once(requests: Sequence[Request]) -> tuple[float, dict[str, Job]]:
    with fresh() as service:
        start = time.perf_counter()
        done = {request.key: job for request, job in service.run(requests)}
        return time.perf_counter() - start, done


def one_by_one(requests: Sequence[Request]) -> tuple[float, dict[str, Job]]:
    with fresh() as service:
        start = time.perf_counter()
        done = {request.key: service.queue.submit(request, background=True) for request in requests}
        return time.perf_counter() - start, done


@contextmanager
def fresh() -> Iterator[Service]:
    """A service that knows no forecast; its worker has nothing to do."""
    store = ForecastStore("sqlite://")
    service = Service(store, JobQueue(store, workers=1))
    try:
        yield service
    finally:
        service.close()


def compare(many: dict[str, Job], some: dict[str, Job]) -> None:
    """Raises `BenchmarkError` where a forecast is missing, or is another than alone."""
    for key, job in some.items():
        one, other = job.forecast, many[key].forecast
        if one is None or other is None:
            raise BenchmarkError("Some forecasts are missing, so the times say nothing.")
        for table in ("values", "totals", "means"):
            if not np.allclose(getattr(one, table), getattr(other, table), rtol=NEAR, atol=NEAR):
                raise BenchmarkError(f"{job.model} gave other {table} at once than alone.")
