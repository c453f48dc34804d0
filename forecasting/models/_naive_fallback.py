"""Fallback to the naive forecast under a model's own name, with a note why, and the cap on medians that run away."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from forecasting.data.forecast import Forecast
from forecasting.data.series import Series
from forecasting.models.base import Model
from forecasting.models.naive import Naive
from forecasting.models.transforms import Transform

#: The multiple of the largest figure so far that no median exceeds.
RUNAWAY_MULTIPLE = 10.0
#: A season of more periods than this is believed only after `LONG_SEASON_CYCLES` of them: two years of weeks show
#: one difference a week of the year, which is as much noise as season.
LONG_SEASON = 24
#: Cycles that a long season must have been seen for.
LONG_SEASON_CYCLES = 3


def learnable_season(series: Series) -> int:
    """The number of periods in the season that `series` is long enough to show, or 1."""
    enough = series.season <= LONG_SEASON or len(series) >= LONG_SEASON_CYCLES * series.season
    return series.season if enough else 1


def series_too_short(model: Model, series: Series, horizon: int, needed: int) -> Forecast:
    """The naive forecast in place of one from `model`, which needs `needed` figures."""
    count = f"Only {len(series)} figure{'' if len(series) == 1 else 's'}"
    return _naive_with_note(
        model, series, horizon, f"{count}: {model.label} needs {needed}, so {_what_is_repeated(series)}."
    )


def constant_series(model: Model, series: Series, horizon: int) -> Forecast:
    """The naive forecast of a series whose figures are all the same: there is nothing for `model` to learn."""
    return _naive_with_note(
        model, series, horizon, f"The last {len(series)} figures are all the same, so they are repeated."
    )


def fit_failed(model: Model, series: Series, horizon: int) -> Forecast:
    """The naive forecast in place of one from `model`, whose fit failed."""
    return _naive_with_note(
        model, series, horizon, f"{model.label} could not be fitted to these figures, so {_what_is_repeated(series)}."
    )


def cap_runaway_trend(series: Series, scale: Transform, mean: np.ndarray) -> tuple[np.ndarray, tuple[str, ...]]:
    """Cap `mean` (on `scale`) at `RUNAWAY_MULTIPLE` times the largest figure so far; returns it with a note if capped.

    A trend that is steady on a root scale is steep on the counts; beyond this nothing in the series speaks for it.
    """
    highest = runaway_limit(series, scale)
    if mean.max() <= highest:
        return mean, ()
    note = f"The trend ran away: the median is held at {RUNAWAY_MULTIPLE:g} times the largest figure so far."
    return np.minimum(mean, highest), (note,)


def runaway_limit(series: Series, scale: Transform) -> float:
    """`RUNAWAY_MULTIPLE` times the largest figure so far, on `scale`."""
    return float(scale.forward(RUNAWAY_MULTIPLE * series.values.max()))


def _naive_with_note(model: Model, series: Series, horizon: int, note: str) -> Forecast:
    forecast = Naive().forecast(series, horizon)
    return replace(forecast, model=model.name, notes=(*forecast.notes, note))


def _what_is_repeated(series: Series) -> str:
    if series.season == 1:
        return "the last one is repeated"
    return f"the last {series.frequency.steps(series.season)} are repeated"
