"""The COVID-19 forecast hub's own task: WIS over CovidHub-baseline's, as the hub's forecasters had to work (`--models a,b`).

Every model forecasts 53 regions at 31 reference dates four weeks ahead, each from the newest vintage before that date and
nothing else, and is scored where the baseline forecast too: on log1p of the counts and on the counts, for all dates and
for the last two months, when there was half a year to learn from. Beside them the hub's ensemble of all teams, who could
use earlier seasons and other signals. `reference` is what is wanted: a first step of 0.74 and 0.95 over all dates.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from benchmarks._data import asked_models, real
from benchmarks._earlier import WEEKS_AHEAD, Earlier, forecast_all, hub
from benchmarks._figure import Figure, figure
from benchmarks.hub_scores import BASELINE
from forecasting.data.columns import DATE, HORIZON, MODEL, ORIGIN, QUANTILE, REGION, STATISTIC, VALUE
from forecasting.data.forecast import QUANTILES
from forecasting.evaluation.forecast_tables import score_forecasts
from forecasting.tables.forecast_file import read_forecasts, read_truth

USUAL = ["ensemble", "pooled", "pretrained", "ets", "sarima", "theta", "naive"]
TEAMS = "CovidHub-ensemble"
#: What is wanted of the log1p and of the natural scale.
WANTED = {"log1p": 0.74, "natural": 0.95}
#: Half a year of history on the last reference dates from this one on.
HALF_A_YEAR = pd.Timestamp("2025-05-03")
WEEK = pd.Timedelta(days=7)


def run(options: list[str]) -> Iterator[Figure]:
    names = asked_models(options, USUAL)
    truth = read_truth(real("hub-dev/truth.csv.gz")).drop(columns=STATISTIC)
    published = read_forecasts(real("hub-dev/forecasts.parquet"), regions=truth[REGION].unique())
    theirs = score_forecasts(published[published[MODEL].isin([BASELINE, TEAMS])], truth)
    baseline = theirs[theirs[MODEL] == BASELINE]
    tasks = list(hub())
    for name in [*names, TEAMS]:
        scores = theirs[theirs[MODEL] == TEAMS] if name == TEAMS else score_forecasts(_table(name, tasks), truth)
        yield from _figures(name, scores, baseline)


def _table(name: str, tasks: list[Earlier]) -> pd.DataFrame:
    """The forecasts table, as the hub's files become one: the origin is the week before the reference date."""
    values = np.stack(forecast_all(name, tasks))
    cells = [(task.region, task.date - WEEK, ahead) for task in tasks for ahead in range(1, WEEKS_AHEAD + 1)]
    table = pd.DataFrame(cells, columns=[REGION, ORIGIN, HORIZON]).assign(**{MODEL: name})
    table[DATE] = table[ORIGIN] + table[HORIZON] * WEEK
    levels = len(QUANTILES)
    table = table.loc[table.index.repeat(levels)].reset_index(drop=True)
    return table.assign(**{QUANTILE: np.tile(QUANTILES, len(cells)), VALUE: values.ravel()})


def _figures(name: str, scores: pd.DataFrame, baseline: pd.DataFrame) -> Iterator[Figure]:
    both = scores.merge(baseline, on=[REGION, ORIGIN, HORIZON], suffixes=("", "_baseline"))
    late = both[both[ORIGIN] + WEEK >= HALF_A_YEAR]
    for scale, column in (("log1p", "wis_log"), ("natural", "wis")):
        yield figure(f"hub_dev/{name}/{scale}", _ratio(both, column), "ratio of mean WIS", WANTED[scale])
        yield figure(
            f"hub_dev/{name}/{scale} with half a year", _ratio(late, column), "ratio of mean WIS", WANTED[scale]
        )
    for percent in (50, 95):
        held = float(both[f"coverage_{percent}"].mean())
        yield figure(f"hub_dev/{name}/held {percent} %", held, "fraction", percent / 100)
    yield figure(f"hub_dev/{name}/cells", len(both), "cells", len(baseline))


def _ratio(both: pd.DataFrame, column: str) -> float:
    return float(both[column].mean() / both[f"{column}_baseline"].mean())
