"""How often bands hold of small tables whose figures are no plain counts, and Prophet a year ahead of a steady one.

Forecasts are made from `ORIGINS` dates, `STEPS` periods ahead, each from the figures before it. The reference is what a band
promises; of Prophet's median and band it is the mean of all figures.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks._figure import Figure, figure
from forecasting.data.columns import VALUE
from forecasting.data.forecast import QUANTILES
from forecasting.data.panel import Panel
from forecasting.evaluation.scores import is_covered
from forecasting.models import model
from forecasting.preparation.prepare import prepare
from forecasting.tables.panel_file import read_panel

TABLES = Path(__file__).parents[1] / "tests" / "tables" / "cases"
NAMES = ("exchange_rate_weekly", "positivity_rate", "temperatures")
#: Percent of the bands.
BANDS = (50, 95)
ORIGINS = 12
#: Periods ahead, and from one origin to the next.
STEPS = 6
#: Days ahead of the steady series.
YEAR = 366


def run() -> Iterator[Figure]:
    for name in NAMES:
        panel = read_panel(TABLES / f"{name}.csv")
        for percent, held in held_by_ets(panel).items():
            yield figure(f"kinds/{name}/ets/held_{percent}", held, "share", percent / 100)
    steady = read_panel(TABLES / "steady_two_years.csv")
    values = model("prophet").forecast(prepare(steady, steady.regions()[0]), YEAR).values[-1]
    mean = float(steady.table[VALUE].mean())
    for level in (0.025, 0.5, 0.975):
        yield figure(f"kinds/steady_two_years/prophet/{level}", values[QUANTILES.index(level)], "a day", mean)


def held_by_ets(panel: Panel) -> dict[int, float]:
    """The share of what came that was within each of `BANDS`, over all origins and steps."""
    region, figures = panel.regions()[0], panel.counts(panel.regions()[0])
    within: dict[int, list[np.ndarray]] = {percent: [] for percent in BANDS}
    for end in range(len(figures) - ORIGINS * STEPS, len(figures), STEPS):
        known = panel.as_of(pd.Timestamp(figures.index[end - 1]))
        values = model("ets").forecast(prepare(known, region), STEPS).values
        came = figures.iloc[end : end + STEPS].to_numpy()
        for percent, held in within.items():
            held.append(is_covered(values, came, percent))
    return {percent: float(np.mean(held)) for percent, held in within.items()}
