"""Linear models: those whose forecast is a mean and the response to a shock, so that a few numbers say all of it.

ETS, Theta, SARIMA and the seasonal naive forecast are; `linear_state` gives these numbers for a forecast that there is, without a new
fit. `forecasting.export.parameters_file` writes them as a file.
"""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import Any

from forecasting.data.series import Series
from forecasting.models.base import Model
from forecasting.models.predictive import NormalOutput


@dataclass(frozen=True)
class LinearState:
    """A linear model after the last figure of a series, on the model's scale.

    Attributes:
        form: which equations give mean and response: ``"ets"``, ``"theta"``, ``"sarima"`` or ``"seasonal_naive"``. A model whose fit
            was impossible has the last.
        state: parameters and state as JSON values; `docs/export.md` lists them by form.
        output: mean, response and past errors, from which the bands come.
    """

    form: str
    state: dict[str, Any]
    output: NormalOutput


class LinearModel(Model):
    """A model that has a `LinearState`."""

    @abstractmethod
    def linear_state(self, series: Series, horizon: int, fitted: dict[str, Any]) -> LinearState:
        """The state behind this model's forecast of `series`, `horizon` steps ahead; `fitted` is that forecast's (`Forecast.fitted`).

        Raises one of `DAMAGED_DATA_ERRORS` where `fitted` is not what this model gave, and `ModelError` without a figure.
        """
