"""Theta against statsmodels' ThetaModel, on figures that ship with statsmodels."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from forecasting.data.forecast import QUANTILES
from forecasting.data.frequency import frequency_of_alias
from forecasting.data.series import Series
from forecasting.models import model, predictive
from forecasting.models.calibration import BandFactors
from forecasting.models.theta import (
    fit_smoothing,
    fit_smoothings,
    half_slope_drift,
    is_seasonal,
    least_squares_slope,
    seasonal_effects,
    theta_errors,
)


@pytest.fixture(scope="module")
def nile() -> np.ndarray:
    """The Nile's yearly flow at Aswan, 1871-1970."""
    from statsmodels.datasets import nile

    return nile.load_pandas().data["volume"].to_numpy(dtype=float)


def test_the_nile_is_forecast_as_by_statsmodels(nile: np.ndarray) -> None:
    from statsmodels.tsa.forecasting.theta import ThetaModel

    theirs = ThetaModel(pd.Series(nile), deseasonalize=False).fit()
    ours = fit_smoothing(nile)
    assert ours.alpha == pytest.approx(theirs.params["alpha"], abs=1e-3)
    assert least_squares_slope(nile) == pytest.approx(theirs.params["b0"])
    mean = ours.level + half_slope_drift(ours.alpha, least_squares_slope(nile), len(nile), 12)
    np.testing.assert_allclose(mean, theirs.forecast(12), rtol=1e-4)


def test_many_series_are_smoothed_as_each_is_alone(nile: np.ndarray) -> None:
    noise = np.random.default_rng(4).normal(0, 1, 300)
    series = [nile[:40], np.cumsum(noise), nile, noise, nile[:2], nile[50:90]]
    for values, found in zip(series, fit_smoothings(series), strict=True):
        alone = fit_smoothing(values)
        assert (found.alpha, found.level) == pytest.approx((alone.alpha, alone.level), rel=1e-12)
        np.testing.assert_allclose(found.errors, alone.errors, rtol=1e-12, atol=1e-12)
    assert fit_smoothings([]) == []


def test_the_bands_widen_as_those_of_the_arima_model_that_theta_is(
    nile: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    from statsmodels.tsa.statespace.sarimax import SARIMAX

    as_said = BandFactors(np.zeros(10), np.zeros(10))
    for name in ("own_factors_of_many", "learned_factors"):  # learned from errors on figures that no model made
        monkeypatch.setattr(predictive, name, lambda *_: as_said)
    # Not ThetaModel.prediction_intervals: statsmodels 0.15 adds 1 + (alpha - 1)**2 a step, where ARIMA(0,1,1) adds
    # alpha**2 (Hyndman & Billah 2003, section 2), three times too wide ten steps ahead.
    alpha = fit_smoothing(nile).alpha
    arima = SARIMAX(nile, order=(0, 1, 1), trend="c").smooth([least_squares_slope(nile) / 2, alpha - 1, 1.0])
    theirs = arima.get_forecast(10).se_mean
    series = Series(
        pd.Timestamp("2000-01-01"), frequency_of_alias("W-SAT"), nile**4
    )  # the Nile on the fourth root; no season
    ours = model("theta").forecast(series, 10).values ** 0.25
    widths = ours[:, QUANTILES.index(0.975)] - ours[:, QUANTILES.index(0.025)]
    np.testing.assert_allclose(widths / widths[0], theirs / theirs[0], rtol=1e-3)


@pytest.mark.parametrize("count", [84, 85, 90])
@pytest.mark.parametrize("season", [4, 7])
def test_the_coming_season_starts_where_the_figures_end(count: int, season: int) -> None:
    wave = np.cos(np.arange(count + season) * 2 * np.pi / season)
    effects = seasonal_effects(wave[:count], season)
    np.testing.assert_allclose(effects, wave[count:], atol=1e-9)


def test_noise_has_no_season() -> None:
    assert not is_seasonal(np.random.default_rng(3).normal(size=200), 7)


def test_a_changed_weekday_pattern_replaces_the_old_one() -> None:
    old = np.tile([0.0, 0, 0, 0, 0, 0, 7], 40)
    new = np.tile([7.0, 0, 0, 0, 0, 0, 0], 8)
    assert np.argmax(seasonal_effects(np.concatenate([old, new]), 7)) == 0


def test_a_steady_climb_is_no_error_where_it_is_forecast() -> None:
    """Half of the slope is a drift of the forecasts, so half of what smoothing alone is late by is no error."""
    climb = np.arange(60.0) + np.random.default_rng(0).normal(0, 0.1, 60)
    smoothed, slope = fit_smoothing(climb), least_squares_slope(climb)
    assert np.mean(theta_errors(smoothed, slope)[20:]) == pytest.approx(np.mean(smoothed.errors[20:]) / 2, rel=0.1)
