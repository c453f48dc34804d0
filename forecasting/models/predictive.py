"""From what a model believes of the future to a `Forecast`: 23 quantiles of each period, of sums and of means.

Two doors: `from_normal` for models whose errors are a linear filter of normal shocks on some scale (ARIMA, ETS, theta,
naive), `from_paths` for models that can only be sampled (Prophet). The first is exact for single periods; sums and means
over several periods have no closed form on a transformed scale and are sampled, always with the same seed.
"""

from __future__ import annotations

from statistics import NormalDist

import numpy as np

from forecasting.models.base import Model
from forecasting.models.spread import correction, shock_size
from forecasting.series import QUANTILES, Forecast, Series
from forecasting.transforms import Transform

#: Possible futures sampled for sums and means: enough for the 0.01 and 0.99 quantiles to be steady to a few percent.
SAMPLES = 1000
Z = np.array([NormalDist().inv_cdf(level) for level in QUANTILES])


def from_normal(
    model: Model,
    series: Series,
    scale: Transform,
    mean: np.ndarray,
    errors: np.ndarray,
    psi: np.ndarray,
    method: str = "",
    notes: tuple[str, ...] = (),
) -> Forecast:
    """The forecast of a linear model with normal shocks on `scale`, its bands as wide as they had to be so far.

    Args:
        mean: shape (horizon,), point forecasts on `scale`.
        errors: past errors one step ahead on `scale`, oldest first; may be empty.
        psi: shape (horizon,), the response of the series to a unit shock 0, 1, 2 … periods later (psi[0] == 1), as in
            Box & Jenkins; the variance h steps ahead is that of a shock times ``sum(psi[:h]**2)``.
        method: what was fitted, for a person; the model's label if empty.
    """
    widened = correction(model.name, series.frequency.name).scale
    spread = shock_size(errors, series, scale) * np.sqrt(np.cumsum(psi**2))[:, None]
    values = scale.inverse(mean[:, None] + spread * widened(np.tile(Z, (len(mean), 1))))
    shocks = np.random.default_rng(0).standard_normal((SAMPLES // 2, len(mean)))
    shocks = np.concatenate([shocks, -shocks])  # antithetic: the sampled median stays on the mean
    lags = np.subtract.outer(np.arange(len(mean)), np.arange(len(mean)))
    response = np.where(lags >= 0, psi[np.abs(lags)], 0.0) / np.sqrt(np.cumsum(psi**2))[:, None]
    paths = scale.inverse(mean + (spread * widened(response @ shocks.T)).T)
    return _forecast(model, series, values, paths, method or f"{model.label} {scale.label}", notes)


def from_paths(
    model: Model,
    series: Series,
    scale: Transform,
    paths: np.ndarray,
    method: str = "",
    notes: tuple[str, ...] = (),
) -> Forecast:
    """The forecast of a model that gives sampled futures: `paths` has shape (samples, horizon), on `scale`.

    They are drawn away from their median, or towards it, as the model's bands had to be so far.
    """
    middle = np.median(paths, axis=0)
    low, high = np.quantile(paths, [0.16, 0.84], axis=0)
    spread = (high - low) / 2
    deviates = np.divide(paths - middle, spread, out=np.zeros_like(paths), where=spread > 0)
    widened = correction(model.name, series.frequency.name).scale(deviates.T).T
    paths = scale.inverse(np.where(spread > 0, middle + spread * widened, paths))
    values = np.quantile(paths, QUANTILES, axis=0).T
    return _forecast(model, series, values, paths, method or model.label, notes)


def _forecast(
    model: Model, series: Series, values: np.ndarray, paths: np.ndarray, method: str, notes: tuple[str, ...]
) -> Forecast:
    window = series.season if series.frequency.name in ("daily", "hourly") else 1
    means = values if window == 1 else np.quantile(_trailing_mean(series.values, paths, window), QUANTILES, axis=0).T
    totals = np.quantile(np.cumsum(paths, axis=1), QUANTILES, axis=0).T
    # Sorting undoes rounding: quantiles that are equal on paper may cross in the last digit.
    values, totals, means = (np.sort(np.maximum(table, 0.0), axis=1) for table in (values, totals, means))
    return Forecast(model.name, method, series.origin, series.frequency, values, totals, means, notes)


def _trailing_mean(past: np.ndarray, paths: np.ndarray, window: int) -> np.ndarray:
    """Shape of `paths`: along each path, the mean of the last `window` periods, reaching back into `past`."""
    before = np.broadcast_to(past[-(window - 1) :], (len(paths), window - 1))
    sums = np.cumsum(np.concatenate([np.zeros((len(paths), 1)), before, paths], axis=1), axis=1)
    return (sums[:, window:] - sums[:, :-window]) / window
