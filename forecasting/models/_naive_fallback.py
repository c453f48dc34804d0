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
    """Cap `mean` (on `scale`) at `runaway_limits`; returns it with a note if capped.

    A trend that is steady on a root scale is steep on the counts; beyond this nothing in the series speaks for it.
    """
    lowest, highest = runaway_limits(series, scale)
    if mean.max() <= highest and mean.min() >= lowest:
        return mean, ()
    held = "the largest figure so far" if series.kind.low >= 0 else "the range of all figures so far beyond it"
    note = f"The trend ran away: the median is held at {RUNAWAY_MULTIPLE:g} times {held}."
    return np.clip(mean, lowest, highest), (note,)


def runaway_limits(series: Series, scale: Transform) -> tuple[float, float]:
    """What no median falls below or exceeds, on `scale`: `RUNAWAY_MULTIPLE` times the largest figure so far.

    Of figures that may be negative, `RUNAWAY_MULTIPLE` times their range below the lowest and above the highest.
    """
    low, high = float(series.values.min()), float(series.values.max())
    if series.kind.low >= 0:
        return -np.inf, float(scale.forward(np.array(RUNAWAY_MULTIPLE * high)))
    reach = RUNAWAY_MULTIPLE * (high - low)
    first, last = scale.forward(np.array([low - reach, high + reach])).tolist()
    return first, last


def _naive_with_note(model: Model, series: Series, horizon: int, note: str) -> Forecast:
    forecast = Naive().forecast(series, horizon)
    return replace(forecast, model=model.name, notes=(*forecast.notes, note))


def _what_is_repeated(series: Series) -> str:
    if series.season == 1:
        return "the last one is repeated"
    return f"the last {series.frequency.steps(series.season)} are repeated"
