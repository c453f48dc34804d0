"""Cases and deaths of 32 European countries, 28 days and four weeks ahead, by every fast model (or `--models a,b`).

From nine dates by the day and every fifth week by the week, each from what was known then; models that learn from all
regions are given the countries of that date. For each model: the geometric mean over countries of its WIS over seasonal
naive's, the same ratio on log1p over everything, and what its 50 % and 95 % bands held.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd

from benchmarks._data import asked_models
from benchmarks._earlier import Earlier, europe, forecast_all
from benchmarks._figure import Figure, figure
from forecasting.evaluation.scores import is_covered, weighted_interval_score
from forecasting.models import models

#: Seconds or more a forecast: only when asked for by name.
SLOW = ("auto_arima", "deep", "prophet")
NAIVE = "naive"


def run(options: list[str]) -> Iterator[Figure]:
    asked = asked_models(options, [name for name in models() if name not in (NAIVE, *SLOW)])
    tasks = list(europe())
    naive = scores(tasks, forecast_all(NAIVE, tasks))
    for name in asked:
        both = scores(tasks, forecast_all(name, tasks)).join(naive, rsuffix="_naive")
        for family, rows in both.groupby("family"):
            sums = rows.groupby("region")[["wis", "wis_naive"]].sum()
            ratio = float(np.exp(np.log(sums["wis"] / sums["wis_naive"]).mean()))
            of = f"models_europe/{family}/{name}"
            yield figure(f"{of}/wis", ratio, "ratio to seasonal naive", 1.0)
            yield figure(
                f"{of}/wis_log", rows["wis_log"].sum() / rows["wis_log_naive"].sum(), "ratio to seasonal naive", 1.0
            )
            yield figure(f"{of}/held 50 %", float(rows["held_50"].mean()), "fraction", 0.5)
            yield figure(f"{of}/held 95 %", float(rows["held_95"].mean()), "fraction", 0.95)


def scores(tasks: Sequence[Earlier], forecasts: Sequence[np.ndarray]) -> pd.DataFrame:
    """A row a task: its family and region, mean scores over its horizon, and the shares that two bands held."""
    rows = []
    for task, table in zip(tasks, forecasts, strict=True):
        came = np.maximum(task.came, 0.0)
        rows.append(
            {
                "family": task.family,
                "region": task.region,
                "wis": weighted_interval_score(table, came).mean(),
                "wis_log": weighted_interval_score(np.log1p(table), np.log1p(came)).mean(),
                "held_50": is_covered(table, came, 50).mean(),
                "held_95": is_covered(table, came, 95).mean(),
            }
        )
    return pd.DataFrame(rows)
