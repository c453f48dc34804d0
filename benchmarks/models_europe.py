"""Daily cases of 32 European countries, 28 days ahead from six origins, by every fast model (or `--models a,b`).

For each model: the mean and median MASE, the geometric mean of its WIS over seasonal naive's, what its 50 % and 95 %
bands held, and its seconds a forecast beside auto_arima's where that runs too, else beside seasonal naive's. The
figures are real, are kept beside the project and are not part of it: `FORECAST_TEST_DATA` names their folder.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from forecasting import DataError, RequestError, model, models
from forecasting.frequency import DAILY
from forecasting.models import Model
from forecasting.prepare import clean
from forecasting.scoring import covered, weighted_interval_score
from forecasting.series import Series

HORIZON = 28
#: Evenly spaced, so that no phase of the waves is favoured: trends are continued well between turns and badly at them.
ORIGINS = pd.date_range("2020-10-05", periods=6, freq="85D")
#: Seconds or more a forecast: only when asked for by name.
SLOW = ("auto_arima", "prophet")
#: Days after the horizon that the truth is prepared with, for corrections that came later.
HINDSIGHT = 28


@dataclass(frozen=True)
class Task:
    """One country at one origin: what was known, and what came in the 28 days after it."""

    known: Series
    came: np.ndarray

    @property
    def scale(self) -> float:
        """The mean absolute change from a week before, the denominator of MASE (Hyndman & Koehler 2006)."""
        return float(np.abs(self.known.values[7:] - self.known.values[:-7]).mean())


@dataclass(frozen=True)
class Result:
    mase: float
    wis: float
    held_50: float
    held_95: float
    seconds: float


def run(options: list[str]) -> Iterator[dict[str, object]]:
    asked = chosen(options)
    tasks = [task for country in countries() for task in tasks_of(country)]
    results = {name: [result(model(name), task) for task in tasks] for name in asked}
    beside = "auto_arima" if "auto_arima" in asked else "naive"
    for name in asked:
        yield from figures(name, results[name], results["naive"], beside, results[beside])


def chosen(options: list[str]) -> list[str]:
    """Seasonal naive and the models named, or all fast ones. Raises `RequestError`."""
    match options:
        case []:
            return ["naive", *(name for name in models() if name not in ("naive", *SLOW))]
        case ["--models", names]:
            return list(dict.fromkeys(["naive", *(model(name).name for name in names.split(","))]))
    raise RequestError(f"models_europe takes --models a,b and nothing else; '{' '.join(options)}' was given.")


def countries() -> Iterator[pd.Series]:
    """New cases of each country by date, as published. Raises `DataError` when the file is not there."""
    beside = Path(__file__).parents[2] / "shared" / "data"
    path = Path(os.environ.get("FORECAST_TEST_DATA", beside)) / "real" / "jhu_europe_incident_cases.csv.gz"
    if not path.exists():
        raise DataError(f"There is no '{path.name}' in '{path.parent}'; set FORECAST_TEST_DATA to the folder above it.")
    table = pd.read_csv(path, parse_dates=["date"])
    for name, rows in table.groupby("location_name"):
        yield pd.Series(rows["value"].to_numpy(float), index=pd.DatetimeIndex(rows["date"]), name=name)


def tasks_of(counts: pd.Series) -> Iterator[Task]:
    """Its origins, without those around which the country hardly reported by day."""
    for origin in ORIGINS:
        known = clean(counts[:origin], DAILY)
        until = known.origin + pd.Timedelta(days=HORIZON)
        later = clean(counts[: until + pd.Timedelta(days=HINDSIGHT)], DAILY)
        came = later.values[(later.dates > known.origin) & (later.dates <= until)]
        silent = max((known.values[-56:] == 0).mean(), (came == 0).mean())
        if len(came) == HORIZON and silent < 0.4:
            yield Task(known, came)


def result(tried: Model, task: Task) -> Result:
    started = time.perf_counter()
    forecast = tried.forecast(task.known, HORIZON)
    seconds = time.perf_counter() - started
    return Result(
        float(np.abs(forecast.median - task.came).mean() / task.scale),
        float(weighted_interval_score(forecast.values, task.came).mean()),
        float(covered(forecast.values, task.came, 50).mean()),
        float(covered(forecast.values, task.came, 95).mean()),
        seconds,
    )


def figures(
    name: str, own: list[Result], naive: list[Result], beside: str, timed: list[Result]
) -> Iterator[dict[str, object]]:
    def of(results: list[Result], field: str) -> np.ndarray:
        return np.array([getattr(r, field) for r in results])

    def figure(kind: str, value: float, unit: str, reference: float) -> dict[str, object]:
        ratio = round(float(value / reference), 3)
        return {
            "name": f"models_europe/{name}/{kind}",
            "value": round(float(value), 4),
            "unit": unit,
            "reference": round(float(reference), 4),
            "ratio": ratio,
        }

    yield figure("mase_mean", of(own, "mase").mean(), "MASE", of(naive, "mase").mean())
    yield figure("mase_median", np.median(of(own, "mase")), "MASE", np.median(of(naive, "mase")))
    yield figure("wis_over_naive", np.exp(np.log(of(own, "wis") / of(naive, "wis")).mean()), "ratio", 1.0)
    yield figure("coverage_50", of(own, "held_50").mean(), "fraction", 0.5)
    yield figure("coverage_95", of(own, "held_95").mean(), "fraction", 0.95)
    yield figure(f"seconds_beside_{beside}", np.median(of(own, "seconds")), "s", np.median(of(timed, "seconds")))
