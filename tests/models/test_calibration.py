"""How wide bands are: the size of a shock, and the scale that was learned."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from benchmarks.calibrate import line
from forecasting.data.frequency import DAILY, Frequency, weekly
from forecasting.data.series import Series
from forecasting.models import models
from forecasting.models.calibration import EDGE_50, EDGE_95, BandScale, band_scales, shock_size
from forecasting.models.predictive import NORMAL_QUANTILES
from forecasting.models.transforms import transform

ROOT = transform("fourth_root")


def counts(values: object, frequency: Frequency = DAILY) -> Series:
    return Series(pd.Timestamp("2021-01-02"), frequency, np.asarray(values, dtype=float))


def test_many_even_errors_have_their_own_size() -> None:
    errors = np.tile([0.3, -0.3], 5000)
    assert shock_size(errors, counts([1000.0] * 10), ROOT) == pytest.approx(0.3, rel=0.15)


def test_without_errors_a_shock_is_a_quarter_of_the_level_and_the_noise_of_counting() -> None:
    typical = (400 + np.hypot(100, 20)) ** 0.25 - 400**0.25
    assert shock_size(np.zeros(0), counts([400.0], weekly()), ROOT) == pytest.approx(typical)


def test_what_was_lately_weighs_more_than_what_was_long_ago() -> None:
    calm, wild = np.full(60, 0.05), np.full(6, 0.5)
    series = counts([1000.0] * 66, weekly())
    assert shock_size(np.r_[calm, wild], series, ROOT) > 1.5 * shock_size(np.r_[wild, calm], series, ROOT)


@pytest.mark.parametrize("name", ["naive", "theta", "ets", "sarima", "pooled", "ensemble"])
@pytest.mark.parametrize("frequency", [DAILY, weekly()])
def test_counts_that_never_change_have_a_narrow_band_that_is_not_nothing(name: str, frequency: Frequency) -> None:
    values = models()[name].forecast(counts([7.0] * 60, frequency), 8).values
    assert values[:, 11] == pytest.approx(7, rel=1e-4)
    assert (values[0, [0, -1]] != 7).all()
    assert (np.abs(values[0] - 7) < 0.2).all()
    assert (np.abs(values - 7) < 0.7).all()
    few = models()[name].forecast(counts([7.0] * 3, frequency), 1).values
    assert few[0, -1] - few[0, 0] > 1


def test_figures_that_never_reach_one_have_shocks_of_their_own_size() -> None:
    small = shock_size(np.zeros(0), counts([1e-6] * 5), ROOT) / 1e-6**0.25
    assert small == pytest.approx(shock_size(np.zeros(0), counts([1e-3] * 5), ROOT) / 1e-3**0.25)


def test_both_bands_are_scaled_by_what_was_learned_and_the_middle_stays() -> None:
    learned = BandScale(np.log(1.5), 0.0, np.log(2.0), 0.5, horizon=4)
    z = np.tile([-EDGE_95, -EDGE_50, 0.0, EDGE_50, EDGE_95], (6, 1))
    scaled = learned.scale(z) / np.where(z == 0, 1.0, z)
    assert scaled[:, [1, 3]] == pytest.approx(1.5)
    assert scaled[:, 4] == pytest.approx(2.0 * np.sqrt([1, 2, 3, 4, 4, 4]))
    assert (learned.scale(z)[:, 2] == 0).all()


@pytest.mark.parametrize("name", list(models()))
@pytest.mark.parametrize("frequency", ["hourly", "daily", "weekly", "monthly", "quarterly"])
def test_no_scale_makes_quantiles_cross(name: str, frequency: str) -> None:
    ahead = 400
    scaled = band_scales().get((name, frequency), BandScale()).scale(np.tile(NORMAL_QUANTILES, (ahead, 1)))
    assert (np.diff(scaled, axis=1) > 0).all()


def test_what_was_learned_is_there_for_models_that_are_there() -> None:
    assert {name for name, _ in band_scales()} <= set(models())
    assert {("ets", "daily"), ("ets", "weekly"), ("naive", "weekly"), ("sarima", "daily")} <= set(band_scales())


def test_the_quantile_regression_of_the_calibration_finds_a_known_line() -> None:
    random = np.random.default_rng(3)
    x = np.repeat(np.log([1.0, 2, 3, 4]), 5000)
    y = 0.4 + 0.3 * x + random.exponential(1.0, len(x))
    intercept, slope = line(x, y, 0.95, np.ones(len(x)))
    assert intercept == pytest.approx(0.4 - np.log(0.05), abs=0.1)
    assert slope == pytest.approx(0.3, abs=0.1)
