"""What every model's bands have to be scaled by to hold what they say (`--write` keeps it; `--models a,b`).

Earlier forecasts of real and simulated figures against what came. For each model and frequency, two quantile
regressions (Koenker & Bassett 1978) of the logarithm of the absolute deviate, in units of the model's own spread, on the
logarithm of the horizon: its median says what the 50 % band needs, its 95 % point what the 95 % band needs. Every family
of figures has the same weight.

Printed, for each family: what the bands hold when the scale is learned from the *other* families of its frequency. That is
what to expect of figures that nobody has seen.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks._data import asked_models
from benchmarks._earlier import Earlier, europe, forecast_all, hub, simulated
from benchmarks._figure import Figure, figure
from benchmarks.coverage import SAMPLED
from forecasting.data.forecast import MEDIAN, QUANTILES
from forecasting.models import model, models
from forecasting.models.calibration import EDGE_50, EDGE_95, BandScale, band_scales

TABLE = Path(__file__).resolve().parents[1] / "forecasting" / "models" / "calibration.csv"
LOW = QUANTILES.index(0.15)
HIGH = QUANTILES.index(0.85)
#: Their spread is measured on the very regions that are forecast, each number of weeks ahead; it is left as it is.
MEASURED = ("pooled",)
#: Of the standard normal distribution, at those two levels.
WITHIN = 1.0364333894937898


def run(options: list[str]) -> Iterator[Figure]:
    write = "--write" in options
    fitted = [name for name, one in models().items() if not one.members]  # a blend's bands are its members'
    names = asked_models([option for option in options if option != "--write"], fitted)
    tasks = [*hub(), *europe(), *simulated()]
    learned = _kept()
    for name in names:
        asked = tasks[:: SAMPLED.get(name, 1)]
        found = deviates(name, asked, forecast_all(name, asked))
        for frequency, rows in found.groupby("frequency"):
            if name not in MEASURED:
                learned[name, str(frequency)] = learn(rows)
            for family, own in rows.groupby("family"):
                elsewhere = BandScale() if name in MEASURED else learn(rows[rows["family"] != family])
                yield from _held(f"{family}/{name}", own, elsewhere)
    if write:
        rows = [{"model": name, "frequency": frequency, **vars(one)} for (name, frequency), one in learned.items()]
        pd.DataFrame(rows).sort_values(["frequency", "model"]).round(4).to_csv(TABLE, index=False, lineterminator="\n")


def _kept() -> dict[tuple[str, str], BandScale]:
    return dict(band_scales())


def deviates(name: str, tasks: Sequence[Earlier], forecasts: Sequence[np.ndarray]) -> pd.DataFrame:
    """``family, frequency, horizon, deviate``: how many of its own spreads, uncorrected, an outcome was off its median."""
    tables = [_deviates(name, task, table) for task, table in zip(tasks, forecasts, strict=True)]
    return pd.concat(tables, ignore_index=True)


def _deviates(name: str, task: Earlier, table: np.ndarray) -> pd.DataFrame:
    frequency = task.series.frequency.name
    scale = model(name).scale(task.series)
    edge = band_scales().get((name, frequency), BandScale()).scale(np.full((task.steps, 1), WITHIN))[task.gap :, 0]
    said = scale.forward(table)
    middle, low, high = said[:, MEDIAN], said[:, LOW], said[:, HIGH]
    spread = np.maximum(np.maximum(high - middle, middle - low) / edge, 1e-9)  # either side may end at zero
    off = np.abs(scale.forward(np.maximum(task.came, 0.0)) - middle) / spread
    ahead = task.gap + np.arange(1, len(off) + 1)
    rows = pd.DataFrame({"family": task.family, "frequency": frequency, "horizon": ahead, "deviate": off})
    return rows[np.isfinite(task.came)]


def learn(rows: pd.DataFrame) -> BandScale:
    """The scale that these deviates ask for."""
    sizes = rows.groupby("family")["deviate"].transform("size").to_numpy()
    ahead, off = np.log(rows["horizon"].to_numpy(float)), np.log(np.maximum(rows["deviate"].to_numpy(), 1e-3))
    width_50, growth_50 = line(ahead, off - np.log(EDGE_50), 0.5, 1 / sizes)
    width_95, growth_95 = line(ahead, off - np.log(EDGE_95), 0.95, 1 / sizes)
    return BandScale(width_50, growth_50, width_95, growth_95, int(rows["horizon"].quantile(0.99)))


def line(x: np.ndarray, y: np.ndarray, level: float, weights: np.ndarray) -> tuple[float, float]:
    """Intercept and slope of the weighted quantile regression of `y` on `x`.

    By iteratively reweighted least squares (Hunter & Lange 2000), from the smoothed check loss down.
    """
    design, weights = np.column_stack([np.ones_like(x), x]), weights / weights.sum()
    beta = np.array([float(np.quantile(y, level)), 0.0])
    for smooth in (0.3, 0.1, 0.03, 0.01, 0.003):
        for _ in range(60):
            off = y - design @ beta
            own = weights / (smooth + np.abs(off))
            before = beta
            beta = np.linalg.solve(design.T @ (own[:, None] * design), design.T @ (own * y + weights * (2 * level - 1)))
            if np.abs(beta - before).max() < 1e-6:
                break
    return float(beta[0]), float(beta[1])


def _held(name: str, rows: pd.DataFrame, learned: BandScale) -> Iterator[Figure]:
    """What bands of this scale hold of these outcomes."""
    horizon = rows["horizon"].to_numpy(int)
    for percent, edge in ((50, EDGE_50), (95, EDGE_95)):
        edges = learned.scale(np.full((int(horizon.max()), 1), edge))[:, 0]
        inside = rows["deviate"].to_numpy() <= edges[horizon - 1]
        yield figure(f"calibrate/elsewhere/{name}/{percent}", float(inside.mean()), "fraction", percent / 100)
