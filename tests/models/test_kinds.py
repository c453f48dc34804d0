"""Every model forecasts figures of every kind on their own terms: no scale, no origin and no bound is taken for granted."""

import numpy as np
import pandas as pd
import pytest

from forecasting.data.frequency import DAILY, weekly
from forecasting.data.kind import AMOUNT, COUNT, MEASUREMENT, SHARE
from forecasting.data.series import Series
from forecasting.models import model

#: Models whose forecasts take well under a second.
QUICK = ("naive", "theta", "ets", "sarima", "pooled", "pretrained", "ensemble")


def around(level, noise, count=120, seed=3):
    """Figures that wander around `level` with a weekday pattern."""
    random = np.random.default_rng(seed)
    walk = np.cumsum(random.normal(0, noise / 4, count))
    return level + walk + noise * np.sin(2 * np.pi * np.arange(count) / 7) + random.normal(0, noise / 2, count)


def forecast(name, values, kind, frequency=DAILY, horizon=14):
    series = Series(pd.Timestamp("2024-01-06"), frequency, np.asarray(values, dtype=float), kind=kind)
    return model(name).forecast(series, horizon)


@pytest.mark.parametrize("name", [*QUICK, "prophet"])
def test_measurements_below_zero_are_forecast_there(name):
    values = around(-11.0, 2.0)
    found = forecast(name, values, MEASUREMENT).values
    last_week = np.tile(values[-7:], 2)
    assert (np.abs(found[:, 11] - last_week) < 4).all()
    assert (found[:, 0] < last_week).all()
    assert (last_week < found[:, -1]).all()


@pytest.mark.parametrize("name", QUICK)
def test_measurements_counted_from_elsewhere_have_the_same_forecasts_there(name):
    values = around(0.0, 2.0)
    here, there = (forecast(name, values + origin, MEASUREMENT).values for origin in (0.0, 1000.0))
    np.testing.assert_allclose(there - 1000, here, rtol=0, atol=2e-2 * np.ptp(values))


@pytest.mark.sweep(each=2)
@pytest.mark.parametrize("name", QUICK)
@pytest.mark.parametrize("kind", [AMOUNT, MEASUREMENT], ids=lambda kind: kind.name)
@pytest.mark.parametrize("factor", [1e-8, 1e10])
def test_amounts_in_another_unit_have_the_same_forecasts_in_that_unit(name, kind, factor):
    values = around(5.0, 0.5)
    one, other = forecast(name, values, kind).values, forecast(name, values * factor, kind).values
    np.testing.assert_allclose(other / factor, one, rtol=1e-2)


@pytest.mark.parametrize("name", QUICK)
def test_a_share_and_ten_thousand_times_it_have_bands_of_the_same_width(name):
    values = np.clip(around(0.05, 0.01), 0.001, 0.999)
    share, amount = forecast(name, values, SHARE).values, forecast(name, 1e4 * values, AMOUNT).values
    np.testing.assert_allclose(amount / 1e4, share, rtol=1e-2)


@pytest.mark.parametrize("name", [*QUICK, "prophet"])
def test_no_share_is_above_one(name):
    found = forecast(name, np.clip(around(0.97, 0.03), 0.0, 1.0), SHARE, horizon=28)
    assert found.values.max() <= 1
    assert found.values[:, 11].min() > 0.8
    assert found.totals.max() <= 28


@pytest.mark.parametrize("name", ["ets", "sarima", "theta", "ensemble"])
def test_a_price_has_bands_of_the_size_of_its_moves(name):
    random = np.random.default_rng(1)
    price = 1.1 + np.cumsum(random.normal(0, 0.006, 150))
    found = forecast(name, price, MEASUREMENT, weekly("SAT"), horizon=1).values[0]
    assert found[11] == pytest.approx(price[-1], abs=0.006)
    assert 2 * 0.006 < found[21] - found[1] < 8 * 0.006


def test_the_ensemble_of_figures_that_are_no_counts_has_no_pooled_member():
    assert "Pooled" not in forecast("ensemble", around(5.0, 0.5), AMOUNT).method


def test_pooled_says_that_another_stands_in_for_measurements():
    found = forecast("pooled", around(-3.0, 1.0), MEASUREMENT)
    assert found.model == "pooled"
    assert "ETS stands in" in found.notes[-1]


def test_what_a_figure_is_is_part_of_what_a_model_sees():
    values = around(5.0, 0.5)
    start = pd.Timestamp("2024-01-06")
    count, amount = (Series(start, DAILY, values, kind=kind) for kind in (COUNT, AMOUNT))
    assert count.digest() != amount.digest()
    assert Series.from_json(amount.to_json()).kind is AMOUNT
    assert Series.from_json(amount.to_json()).digest() == amount.digest()


@pytest.mark.parametrize("name", [*QUICK, "prophet"])
def test_upper_quantiles_of_spare_parts_are_of_the_size_of_what_has_happened(name):
    random = np.random.default_rng(5)
    values = np.where(random.random(360) < 0.1, random.integers(1, 12, 360), 0)
    found = forecast(name, values, COUNT).values
    assert found[:, 21].max() <= 2 * values.max()
    assert name == "naive" or found[:, 11].max() < 1  # which repeats whatever was last


def test_pooled_is_no_worse_than_theta_on_spare_parts():
    random = np.random.default_rng(6)
    values = np.where(random.random(360) < 0.15, random.integers(1, 12, 360), 0)
    pooled, theta = (forecast(name, values, COUNT) for name in ("pooled", "theta"))
    np.testing.assert_array_equal(pooled.values, theta.values)
    assert "Theta stands in" in pooled.notes[-1]


def test_prophet_a_year_ahead_stays_where_a_steady_series_is():
    values = np.random.default_rng(7).poisson(110, 745)
    found = forecast("prophet", values, COUNT, horizon=366).values[-1]
    assert found[11] == pytest.approx(110, abs=15)
    assert 60 < found[1] < found[11] < found[21] < 200


def test_a_first_case_and_the_zeros_after_it_are_used_to_the_end():
    from forecasting.preparation.prepare import clean_counts

    dates = pd.date_range("2024-01-01", periods=90)
    counts = pd.Series([0.0] * 80 + [12.0] + [0.0] * 9, index=dates)
    series = clean_counts(counts, DAILY)
    assert series.origin == dates[-1]
    assert model("ets").forecast(series, 7).values[:, 11].max() < 1
