"""Seasonal naive: the next season repeats the last one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from forecasting.data.forecast import Forecast
from forecasting.data.series import Series
from forecasting.models.base import Model, ProgressCallback, ignore_progress
from forecasting.models.linear import LinearModel, LinearState
from forecasting.models.predictive import NormalOutput, from_normal_many
from forecasting.support.errors import ForecastingError, ModelError

#: Errors, the last ones, that the bands are learned from.
ERRORS_USED = 52
#: Why there is no forecast.
NOTHING = "There is not a single figure to repeat."


class Naive(LinearModel):
    """Repeats the last season; its errors are those of having done so before."""

    name = "naive"
    label = "No-change baseline"
    summary = (
        "The seasonal naive forecast: next Monday will be like last Monday. Its bands widen season by season with the errors that repeating would "
        "have made in the past. It is instant and it is the yardstick: a model that does not beat it here has "
        "nothing to say here. Without a full season of history it repeats the last value."
    )
    reference = "Hyndman & Athanasopoulos, Forecasting: Principles and Practice, 3rd ed., section 5.2"
    version = 4
    order = 90
    instant = True

    def forecast(self, series: Series, horizon: int, report: ProgressCallback = ignore_progress) -> Forecast:
        """Repeat the last season, or the last value where there is no full season."""
        if not len(series):
            raise ModelError(NOTHING)
        return from_normal_many([_output(self, series, horizon)])[0]

    def forecast_many(self, series: Sequence[Series], horizon: int) -> list[Forecast | ForecastingError]:
        """Draw all forecasts at once."""
        made = iter(from_normal_many([_output(self, one, horizon) for one in series if len(one)]))
        return [next(made) if len(one) else ModelError(NOTHING) for one in series]

    def linear_state(self, series: Series, horizon: int, fitted: dict[str, Any]) -> LinearState:
        """The last season."""
        if not len(series):
            raise ModelError(NOTHING)
        output = _output(self, series, horizon)
        repeated = output.scale.forward(series.values)[-series.season :]
        return LinearState("seasonal_naive", {"repeated": repeated.tolist()}, output)


def _output(chosen: Model, series: Series, horizon: int) -> NormalOutput:
    """The last season again and again, and what doing so would have been wrong by, under the name of a model."""
    scale = chosen.scale(series)
    past = scale.forward(series.values)
    season = series.season
    mean = np.resize(past[-season:], horizon)
    psi = (np.arange(horizon + len(series.doubt)) % season == 0).astype(float)
    errors = (past[season:] - past[:-season])[-ERRORS_USED:]
    repeated = series.frequency.steps(season) if season > 1 else series.frequency.step
    return NormalOutput(chosen, series, scale, mean, errors, psi, f"Repeats the last {repeated}")
