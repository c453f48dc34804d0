"""A linear model as JSON: its parameters, scale, state and bands, from which a few lines of numpy make the same quantiles.

`docs/export.md` says what each field means and has these lines for each form; a test runs them as they are printed.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from forecasting.data.forecast import Forecast
from forecasting.data.series import Series
from forecasting.export.model_files.signature import Origin, Signature
from forecasting.models.calibration import EDGE_50, EDGE_95, MOST_APART
from forecasting.models.fitted_state import FittedState, fitted_state
from forecasting.models.linear import LinearModel
from forecasting.models.predictive import NORMAL_QUANTILES, NormalOutput, most_of, normal_bands
from forecasting.models.transforms import POWERS

#: The largest number that there is; JSON has no infinity.
MOST = float(np.finfo(float).max)


def parameters_document(model: LinearModel, series: Series, forecast: Forecast, origin: Origin) -> dict[str, Any]:
    """The forecast of `model` for `series` as JSON values: signature, parameters, state and bands.

    Raises `ModelError` where the forecast is not of this model and series, as after a change of the program.
    """
    found = fitted_state(model, series, forecast)
    signature = Signature.of(model, series, forecast.horizon, origin, (), 1, many=False)
    return signature.to_json() | {
        "method": forecast.method,
        "notes": list(forecast.notes),
        "dates": [date.isoformat() for date in forecast.dates],
        "form": found.form,
        "state": found.state,
        "scale": _scale(found.output),
        "bands": _bands(found.output),
        "limits": _limits(found),
    }


def _scale(output: NormalOutput) -> dict[str, Any]:
    """The transform: ``figure = max(y, low) ** power + origin``."""
    scale = output.scale
    return {
        "name": scale.name,
        "power": POWERS[scale.name],
        "low": max(scale.low, -MOST),
        "origin": scale.origin,
    }


def _bands(output: NormalOutput) -> dict[str, Any]:
    """What makes quantiles of a mean: sizes on the scale of the model, one number a step ahead, and standard normal quantiles."""
    bands = normal_bands([output])
    inner, outer = bands.factors.inner[0], bands.factors.outer[0]
    return {
        "shock": float(bands.sizes[0]),
        "doubt": bands.doubt[0].tolist(),
        "inner": inner.tolist(),
        "outer": np.maximum(outer, inner - MOST_APART).tolist(),
        "normal_quantiles": NORMAL_QUANTILES.tolist(),
        "edge_50": EDGE_50,
        "edge_95": EDGE_95,
    }


def _limits(found: FittedState) -> dict[str, Any]:
    """What no mean (on the scale of the model) and no quantile (of the figures) is beyond."""
    series, (low, high) = found.output.series, found.mean_limits
    return {
        "mean": [max(low, -MOST), min(high, MOST)],
        "quantiles": [max(series.kind.low, -MOST), min(series.kind.high, most_of(series), MOST)],
    }
