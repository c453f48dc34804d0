"""What every model's bands have to be scaled by to hold what they say (`--write` keeps it; `--models a,b`).

Earlier forecasts of all development sets (`benchmarks/_development_sets.py`) against what came; every set has the same weight. Of models
whose bands come from the series' own errors (`forecasting/models/calibration.py`), one scale for all figures: the median of the
logarithm of the error in half-widths of the uncorrected 50 % band, and a quantile regression (Koenker & Bassett 1978) of that in
half-widths of the 95 % band on how short the series is. Of Prophet, by frequency of counts, two regressions on the logarithm of the
horizon. Models without a row have the scale that `LINEAR` have together.

Printed, for each set: what the bands hold when the scale is learned from the *other* sets. That is what to expect of figures that
nobody has seen. Prophet takes part only when asked for by name.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks._data import asked_models
from benchmarks._development_sets import all_sets
from benchmarks._earlier import Earlier, forecast_all
from benchmarks._figure import Figure, figure
from forecasting.data.forecast import MEDIAN, QUANTILES
from forecasting.data.kind import COUNT
from forecasting.models import model
from forecasting.models.calibration import (
    ANY,
    BandScale,
    band_scale,
    band_scales,
    few_figures,
    learned_factors,
    weighted_median,
)

TABLE = Path(__file__).resolve().parents[1] / "forecasting" / "models" / "calibration.csv"
#: Models whose bands are those of shocks that pass through a linear filter.
LINEAR = ("naive", "theta", "ets", "sarima")
#: Models that have no errors of their own, and scales by frequency and horizon.
BY_FREQUENCY = ("prophet",)
#: Of how many tasks of a slow model one is taken.
SAMPLED = {"prophet": 6}
#: The edges of the 50 % and of the 95 % band among the quantiles.
EDGES = {50: (QUANTILES.index(0.25), QUANTILES.index(0.75)), 95: (QUANTILES.index(0.025), QUANTILES.index(0.975))}
#: The least and the largest logarithm of an error in half-widths that counts.
LEAST, LARGEST = -7.0, 5.0


def run(options: list[str]) -> Iterator[Figure]:
    write = "--write" in options
    names = asked_models([option for option in options if option != "--write"], list(LINEAR))
    tasks = [(one.name, task) for one in all_sets() for task in one.tasks()]
    learned, every = dict(band_scales()), []
    for name in names:
        found = errors_in_widths(name, tasks[:: SAMPLED.get(name, 1)])
        if name in BY_FREQUENCY:
            found = found[found["count"]]
            groups = [(frequency, rows, learn_by_horizon) for frequency, rows in found.groupby("frequency")]
        else:
            groups = [(ANY, found, learn)]
        for frequency, rows, learner in groups:
            learned[name, str(frequency)] = learner(rows)
            for family, own in rows.groupby("family"):
                others = rows[rows["family"] != family]
                yield from _held(f"{family}/{name}", own, learner(others) if len(others) else BandScale())
        if name in LINEAR:
            every.append(found.assign(family=name + " " + found["family"]))
    if len(every) == len(LINEAR):
        learned[ANY, ANY] = learn(pd.concat(every))
    if write:
        rows = [{"model": name, "frequency": frequency, **vars(one)} for (name, frequency), one in learned.items()]
        pd.DataFrame(rows).sort_values(["frequency", "model"]).round(4).to_csv(TABLE, index=False, lineterminator="\n")


def errors_in_widths(name: str, tasks: Sequence[tuple[str, Earlier]]) -> pd.DataFrame:
    """A row a period that came: its set, and the factors, as logarithms, by which the bands would just have held it.

    Columns ``family, frequency, count, figures, horizon, needed_50, needed_95``.
    """
    forecasts = forecast_all(name, [task for _, task in tasks])
    tables = [_errors_in_widths(name, *task, table) for task, table in zip(tasks, forecasts, strict=True)]
    return pd.concat(tables, ignore_index=True)


def _errors_in_widths(name: str, family: str, task: Earlier, table: np.ndarray) -> pd.DataFrame:
    series = task.series
    scale = model(name).scale(series)
    came = series.kind.clip(task.came)
    said, came = scale.forward(table), scale.forward(came)
    off = came - said[:, MEDIAN]
    days = "daily" if series.frequency.weekmask else series.frequency.name
    rows = {"family": family, "frequency": days, "count": series.kind is COUNT}
    rows |= {"figures": len(series), "horizon": task.gap + np.arange(1, len(off) + 1)}
    learned = band_scale(name, series).factors(task.steps, len(series)) if name in BY_FREQUENCY else None
    learned = learned or learned_factors(name, series, task.steps)
    for percent, applied in ((50, learned.inner), (95, learned.outer)):
        low, high = (np.abs(said[:, edge] - said[:, MEDIAN]) for edge in EDGES[percent])
        width = np.maximum(low, high)  # the same on both sides, but one may end at zero
        with np.errstate(divide="ignore", invalid="ignore"):
            needed = np.log(np.abs(off) / width) + applied[task.gap :]
        rows[f"needed_{percent}"] = np.clip(np.nan_to_num(needed, nan=LEAST), LEAST, LARGEST)
    return pd.DataFrame(rows)[np.isfinite(task.came)]


def learn(rows: pd.DataFrame) -> BandScale:
    """The scale that these errors ask for: the same at all steps ahead, and a wider 95 % band of short series."""
    weights = _even(rows)
    few = few_figures(rows["horizon"].to_numpy(), rows["figures"].to_numpy())
    width_50 = weighted_median(rows["needed_50"].to_numpy(), weights)
    width_95, few_95 = line(few, rows["needed_95"].to_numpy(), 0.95, weights)
    return BandScale(width_50=width_50, width_95=width_95, few_95=few_95)


def learn_by_horizon(rows: pd.DataFrame) -> BandScale:
    """The scale that these errors ask for, by how far ahead they are."""
    weights, ahead = _even(rows), np.log(rows["horizon"].to_numpy(float))
    width_50, growth_50 = line(ahead, rows["needed_50"].to_numpy(), 0.5, weights)
    width_95, growth_95 = line(ahead, rows["needed_95"].to_numpy(), 0.95, weights)
    return BandScale(width_50, growth_50, width_95, growth_95, horizon=int(rows["horizon"].quantile(0.99)))


def _even(rows: pd.DataFrame) -> np.ndarray:
    """Weights that give every set as much as any other."""
    return 1 / rows.groupby("family")["horizon"].transform("size").to_numpy()


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
    horizon, figures = rows["horizon"].to_numpy(int), rows["figures"].to_numpy(int)
    few = few_figures(horizon, figures)
    ahead = np.log(np.minimum(horizon, learned.horizon))
    for percent, edge in (
        (50, learned.width_50 + learned.growth_50 * ahead),
        (95, learned.width_95 + learned.growth_95 * ahead + learned.few_95 * few),
    ):
        inside = rows[f"needed_{percent}"].to_numpy() <= edge
        yield figure(f"calibrate/elsewhere/{name}/{percent}", float(inside.mean()), "fraction", percent / 100)
