"""The factors of the network's bands, from forecasts of earlier dates whose errors are known."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from forecasting.data.frequency import DAILY, weekly
from forecasting.data.kind import MEASUREMENT
from forecasting.data.series import Series
from forecasting.models import model
from forecasting.models._pretrained_bands import earlier_dates, factors_of_earlier_errors, stretched
from forecasting.models.calibration import BandFactors
from forecasting.models.predictive import NORMAL_QUANTILES
from forecasting.models.transforms import transform

WHITE = np.random.default_rng(0).standard_normal(400)


def series(count: int) -> Series:
    return Series(pd.Timestamp("2024-01-06"), weekly("SAT"), WHITE[:count], kind=MEASUREMENT)


def factors(said: float, count: int = 400, horizon: int = 4) -> BandFactors:
    """Of noise with a standard deviation of 1, forecast as if it were `said`."""
    ago = earlier_dates(series(count), horizon)
    return factors_of_earlier_errors(WHITE[:count], ago, np.tile(said * NORMAL_QUANTILES, (len(ago), horizon, 1)))


def test_earlier_dates_lie_close_lately_and_leave_figures_to_learn_from() -> None:
    ago = earlier_dates(series(400), 4)
    assert (ago[:2] == [1, 2]).all()
    assert (np.diff(np.diff(ago)) >= -1).all()
    assert 10 <= len(ago) <= 16
    assert earlier_dates(series(12), 4).max() == 8
    assert len(earlier_dates(series(4), 4)) == 0


def test_bands_that_held_what_they_say_stay() -> None:
    right = factors(1.0)
    assert right.inner == pytest.approx(0, abs=0.25)
    assert right.outer == pytest.approx(0, abs=0.1)


def test_bands_that_were_too_narrow_are_widened_and_too_wide_ones_narrowed() -> None:
    narrow, wide = factors(0.5), factors(2.0)
    assert (narrow.inner > 0.2).all()
    assert (narrow.outer > 0.1).all()
    assert (wide.inner < -0.2).all()
    assert (wide.outer < -0.1).all()


def test_a_short_past_moves_bands_less_than_a_long_one() -> None:
    assert 0 < factors(0.5, 12).outer[0] < factors(0.5).outer[0]


def test_without_an_earlier_date_bands_stay() -> None:
    none = factors_of_earlier_errors(WHITE[:4], np.zeros(0, dtype=int), np.zeros((0, 4, 23)))
    assert not none.inner.any()
    assert not none.outer.any()


def test_one_error_that_is_far_off_counts_as_two_widths() -> None:
    values, ago = np.r_[np.zeros(99), 1e9], np.array([1, 2, 3, 4])
    found = factors_of_earlier_errors(values, ago, np.tile(NORMAL_QUANTILES, (4, 1, 1)))
    assert found.outer[0] == pytest.approx(0, abs=0.1)


def test_quantiles_are_stretched_on_a_root_and_none_gets_below_zero() -> None:
    quantiles = np.tile(np.maximum(3 + NORMAL_QUANTILES, 0) ** 4, (2, 1))
    wider = stretched(quantiles, BandFactors(np.log([2.0, 2.0]), np.log([2.0, 2.0])), transform("fourth_root"))
    np.testing.assert_allclose(wider, np.tile(np.maximum(3 + 2 * NORMAL_QUANTILES, 0) ** 4, (2, 1)))


def test_the_bands_of_daily_noise_hold_what_they_say() -> None:
    inside = []
    for seed in range(30):
        values = np.random.default_rng(seed).standard_normal(127)
        known = Series(pd.Timestamp("2024-01-06"), DAILY, values[:120], kind=MEASUREMENT)
        found = model("pretrained").forecast(known, 7).values
        inside.append(
            [(found[:, low] <= values[120:]) & (values[120:] <= found[:, high]) for low, high in ((6, 16), (1, 21))]
        )
    assert np.mean(inside, axis=(0, 2)) == pytest.approx([0.5, 0.95], abs=0.1)
