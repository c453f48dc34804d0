"""What a model does when a series is beyond it: the naive forecast under the model's own name, with a sentence why."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from forecasting.data.forecast import Forecast
from forecasting.data.series import Series
from forecasting.models.base import Model
from forecasting.models.naive import Naive
from forecasting.models.transforms import Transform

#: No median goes above this multiple of the largest figure so far.
RUNAWAY = 10.0
#: A season of more periods than this is believed only after `LONG_SEASON_CYCLES` of them: two years of weeks show
#: one difference a week of the year, which is as much noise as season.
LONG_SEASON = 24
LONG_SEASON_CYCLES = 3


def season(series: Series) -> int:
    """The season that `series` is long enough to show, or 1."""
    enough = series.season <= LONG_SEASON or len(series) >= LONG_SEASON_CYCLES * series.season
    return series.season if enough else 1


def too_short(model: Model, series: Series, horizon: int, needed: int) -> Forecast:
    """The naive forecast in place of one from `model`, which needs `needed` figures."""
    count = f"Only {len(series)} figure{'' if len(series) == 1 else 's'}"
    return _naive(model, series, horizon, f"{count}: {model.label} needs {needed}, so {_repeated(series)}.")


def constant(model: Model, series: Series, horizon: int) -> Forecast:
    """The one figure there is in all of `series`, for ever: nothing for `model` to learn."""
    return _naive(model, series, horizon, f"The last {len(series)} figures are all the same, so they are repeated.")


def failed(model: Model, series: Series, horizon: int) -> Forecast:
    """The naive forecast in place of one from `model`, whose fit came to nothing."""
    return _naive(
        model, series, horizon, f"{model.label} could not be fitted to these figures, so {_repeated(series)}."
    )


def capped(series: Series, scale: Transform, mean: np.ndarray) -> tuple[np.ndarray, tuple[str, ...]]:
    """`mean` (on `scale`) held below `RUNAWAY` times the largest figure so far, and a note if it had to be.

    A trend that is steady on a root scale is steep on the counts; beyond this nothing in the series speaks for it.
    """
    highest = ceiling(series, scale)
    if mean.max() <= highest:
        return mean, ()
    note = f"The trend ran away: the median is held at {RUNAWAY:g} times the largest figure so far."
    return np.minimum(mean, highest), (note,)


def ceiling(series: Series, scale: Transform) -> float:
    """`RUNAWAY` times the largest figure so far, on `scale`."""
    return float(scale.forward(RUNAWAY * series.values.max()))


def _naive(model: Model, series: Series, horizon: int, note: str) -> Forecast:
    forecast = Naive().forecast(series, horizon)
    return replace(forecast, model=model.name, notes=(*forecast.notes, note))


def _repeated(series: Series) -> str:
    if series.season == 1:
        return "the last one is repeated"
    return f"the last {series.frequency.steps(series.season)} are repeated"
