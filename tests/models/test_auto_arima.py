"""Auto-ARIMA: the right order on figures whose order is known, and statsmodels' own variances."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pmdarima
import pytest

from forecasting.data.forecast import QUANTILES
from forecasting.data.frequency import DAILY
from forecasting.data.series import Series
from forecasting.models import auto_arima, model
from forecasting.models.auto_arima import arima_label, forecast_moments, stepwise_search


def autoregression(seed: int, count: int) -> np.ndarray:
    """An AR(1) series around 10, as on a cube root scale."""
    values = np.full(count + 50, 10.0)
    for t, shock in enumerate(np.random.default_rng(seed).normal(0, 0.3, count + 49), 1):
        values[t] = 10 + 0.7 * (values[t - 1] - 10) + shock
    return values[50:]


def test_an_autoregression_is_not_differenced_and_its_coefficient_is_found() -> None:
    found = stepwise_search(autoregression(0, 180), 1)
    assert found.order[1] == 0
    psi = forecast_moments(found, 3)[2]
    assert psi[1] == pytest.approx(0.7, abs=0.15)


def test_shocks_add_up_to_the_variance_that_statsmodels_gives() -> None:
    walk = 20 + np.cumsum(np.random.default_rng(5).normal(size=120)) * 0.3 + np.tile([0, 1, 2, 3, 2, 1, 0], 18)[:120]
    found = stepwise_search(walk, 7)
    assert found.order[1] + found.seasonal_order[1] > 0  # differenced: the hard case
    mean, errors, psi = forecast_moments(found, 21)
    theirs = found.arima_res_.get_forecast(21)
    np.testing.assert_allclose(mean, theirs.predicted_mean)
    np.testing.assert_allclose(np.mean(errors**2) * np.cumsum(psi**2), theirs.se_mean**2, rtol=0.03)


def test_the_airline_passengers_get_an_airline_like_model() -> None:
    # Box & Jenkins (1976), series G: thousands of passengers a month, 1949 to 1953.
    series_g = [112, 118, 132, 129, 121, 135, 148, 148, 136, 119, 104, 118, 115, 126, 141, 135, 125, 149, 170, 170]
    series_g += [158, 133, 114, 140, 145, 150, 178, 163, 172, 178, 199, 199, 184, 162, 146, 166, 171, 180, 193, 181]
    series_g += [183, 218, 230, 242, 209, 191, 172, 194, 196, 196, 236, 235, 229, 243, 264, 272, 237, 211, 180, 201]
    found = stepwise_search(np.log(series_g), 12)
    assert found.seasonal_order[1] == 1
    assert "[12]" in arima_label(found)


def test_bands_hold_what_they_promise_on_an_autoregression(monkeypatch: pytest.MonkeyPatch) -> None:
    arima = pmdarima.ARIMA((1, 0, 0), concentrate_scale=True)  # that the search finds it is tested above
    monkeypatch.setattr(auto_arima, "stepwise_search", lambda values, _: arima.fit(values))
    inside = []
    for seed in range(20):
        counts = autoregression(seed, 164) ** 3
        values = model("auto_arima").forecast(Series(pd.Timestamp("2021-01-01"), DAILY, counts[:150]), 14).values
        lower, upper = values[:, QUANTILES.index(0.1)], values[:, QUANTILES.index(0.9)]
        inside.append(np.mean((lower <= counts[150:]) & (counts[150:] <= upper)))
    assert np.mean(inside) == pytest.approx(0.8, abs=0.08)
