"""The state behind a finished forecast of a linear model, checked to give that forecast."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from forecasting.data.forecast import Forecast
from forecasting.data.series import Series
from forecasting.models import _naive_fallback
from forecasting.models._stored_parameters import DAMAGED_DATA_ERRORS
from forecasting.models.linear import LinearModel
from forecasting.models.predictive import NormalOutput, from_normal_many
from forecasting.support.errors import ModelError

#: The largest difference between a forecast and what its state gives, relative to the size of its figures.
TOLERANCE = 1e-9


@dataclass(frozen=True)
class FittedState:
    """A linear model's equations (`form`) and numbers (`state`) behind a forecast, see `LinearState`.

    Attributes:
        output: mean, response and past errors on the scale of the model.
        mean_limits: what no mean is below or above there.
    """

    form: str
    state: dict[str, Any]
    output: NormalOutput
    mean_limits: tuple[float, float]


def fitted_state(model: LinearModel, series: Series, forecast: Forecast) -> FittedState:
    """The state behind `forecast`, which `model` made of `series`; nothing is fitted.

    Raises `ModelError` where the forecast is of other figures, or its stored fit is damaged.
    """
    try:
        found = model.linear_state(series, forecast.horizon, forecast.fitted)
        (made,) = from_normal_many([found.output])
        if not np.allclose(made.values, forecast.values, rtol=TOLERANCE, atol=TOLERANCE):
            raise ValueError("another forecast")
    except DAMAGED_DATA_ERRORS as error:
        raise ModelError(f"The stored fit of {model.label} is not one of these figures; forecast them anew.") from error
    limits = _naive_fallback.runaway_limits(found.output.series, found.output.scale)
    return FittedState(found.form, found.state, found.output, limits)
