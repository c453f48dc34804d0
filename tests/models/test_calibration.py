"""How wide bands are: the size of a shock, and the scale that was learned."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from benchmarks.calibrate import line
from forecasting.data.frequency import DAILY, Frequency, weekly
from forecasting.data.kind import AMOUNT
from forecasting.data.series import Series
from forecasting.models import models
from forecasting.models.calibration import (
    ANY,
    EDGE_50,
    EDGE_95,
    BandScale,
    band_scales,
    learned_factors,
    own_factors,
    shock_size,
)
from forecasting.models.predictive import NORMAL_QUANTILES
from forecasting.models.transforms import transform

ROOT = transform("fourth_root")


def counts(values: object, frequency: Frequency = DAILY) -> Series:
    return Series(pd.Timestamp("2021-01-02"), frequency, np.asarray(values, dtype=float))


def test_many_even_errors_have_their_own_size() -> None:
    errors = np.tile([0.3, -0.3], 5000)
    assert shock_size(errors, counts([1000.0] * 10), ROOT) == pytest.approx(0.3, rel=0.15)


def test_without_errors_a_shock_of_one_count_is_the_noise_of_counting() -> None:
    assert shock_size(np.zeros(0), counts([400.0], weekly()), ROOT) == pytest.approx(420**0.25 - 400**0.25)


def test_few_steady_counts_have_bands_of_the_noise_of_counting() -> None:
    values = models()["naive"].forecast(counts([1000.0, 1010, 995, 1005], weekly()), 1).values[0]
    assert 20 < values[21] - values[1] < 200


def test_a_short_epidemic_has_bands_of_the_size_of_its_steps() -> None:
    values = models()["naive"].forecast(counts([10.0, 25, 60, 140], weekly()), 1).values[0]
    assert values[1] < 60
    assert 300 < values[21] < 2000


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
    scaled = learned.factors(6, 100).scale(z)
    assert scaled[:, [1, 3]] / z[:, [1, 3]] == pytest.approx(1.5)
    assert scaled[:, 4] / z[:, 4] == pytest.approx(2.0 * np.sqrt([1, 2, 3, 4, 4, 4]))
    assert (scaled[:, 2] == 0).all()


def test_the_outer_band_of_a_short_series_is_wider_and_the_inner_one_is_not() -> None:
    learned = BandScale(few_95=1.0)
    short, long = learned.factors(4, 16), learned.factors(4, 1600)
    assert short.outer == pytest.approx(np.sqrt(np.arange(1, 5) / 16))
    assert (short.outer > 5 * long.outer).all()
    assert (short.inner == long.inner).all()


def test_errors_with_heavy_tails_make_the_inner_band_narrower_and_leave_the_outer_one() -> None:
    errors = np.where(np.arange(600) % 10 == 0, 3.0, 0.3) * (-1.0) ** np.arange(600)
    series = replace(counts(np.full(600, 1000.0) + errors), kind=AMOUNT)
    size = shock_size(errors, series, transform("none"))
    own = own_factors(series, size, errors, np.ones(1), 1)
    assert own.inner[0] < -0.7
    assert own.outer[0] == pytest.approx(0, abs=0.2)


def test_errors_that_pile_up_ahead_widen_the_bands_there() -> None:
    """An error that is the same for long is one of the level: errors of sums of it grow as fast as the steps."""
    errors = np.repeat([1.0, -1.0] * 15, 20)
    series = counts(np.full(600, 1000.0), weekly())
    own = own_factors(series, 1.0, errors, np.ones(9), 9)
    assert own.outer[0] == pytest.approx(0, abs=0.1)
    assert (np.diff(own.outer) > 0).all()
    assert own.outer[8] > 0.6


def test_doubt_of_the_last_values_is_left_as_it_is() -> None:
    errors, series = np.tile([0.1, -0.1], 300), counts(np.full(600, 1000.0))
    own = own_factors(series, 1.0, errors, np.ones(1), 1, doubt=np.array([100.0]))
    assert own.inner[0] == pytest.approx(0, abs=1e-3)
    assert own_factors(series, 1.0, errors, np.ones(1), 1).inner[0] < -1.5


@pytest.mark.parametrize("few", [False, True])
def test_no_factors_make_quantiles_cross(few: bool) -> None:
    z = np.tile(NORMAL_QUANTILES, (400, 1))
    for scale in [*band_scales().values(), BandScale(width_50=2.0, width_95=-2.0)]:
        assert (np.diff(scale.factors(400, 3 if few else 3000).scale(z), axis=1) > 0).all()


def test_what_was_learned_is_there_for_models_that_are_there() -> None:
    assert {name for name, _ in band_scales()} <= {ANY, *models()}
    assert {("ets", ANY), ("naive", ANY), ("sarima", ANY), (ANY, ANY), ("prophet", "weekly")} <= set(band_scales())


def test_a_model_that_nothing_was_learned_of_has_what_those_like_it_have() -> None:
    series = counts([5.0] * 40)
    new, known = learned_factors("new", series, 3), band_scales()[ANY, ANY].factors(3, 40)
    np.testing.assert_array_equal([new.inner, new.outer], [known.inner, known.outer])


def test_the_quantile_regression_of_the_calibration_finds_a_known_line() -> None:
    random = np.random.default_rng(3)
    x = np.repeat(np.log([1.0, 2, 3, 4]), 5000)
    y = 0.4 + 0.3 * x + random.exponential(1.0, len(x))
    intercept, slope = line(x, y, 0.95, np.ones(len(x)))
    assert intercept == pytest.approx(0.4 - np.log(0.05), abs=0.1)
    assert slope == pytest.approx(0.3, abs=0.1)
