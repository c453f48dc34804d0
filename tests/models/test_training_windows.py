"""Made-up series and the windows that the pretrained network learns from; its fit itself needs torch and is not tested here."""

import numpy as np
import pytest

from forecasting.models.pretrained_features import context_length
from training.made_up_series import made_up
from training.windows import CALENDARS, made_up_windows, windows_of

MONTHS = next(calendar for calendar in CALENDARS if calendar.season == 12)


def test_windows_are_the_same_from_the_same_seed_and_finite():
    first, second = (made_up_windows(np.random.default_rng(7), 300) for _ in range(2))
    for one, other in zip(first, second, strict=True):
        np.testing.assert_array_equal(one.truth, other.truth)
        np.testing.assert_array_equal(one.series, other.series)
        assert all(np.isfinite(table).all() for table in (one.series, one.steps, one.bases, one.unit))
        assert np.isfinite(one.truth).any(axis=1).all()


def test_a_window_s_inputs_know_nothing_of_what_came():
    length = context_length(12)
    values = 100 + np.cumsum(np.random.default_rng(1).normal(size=(64, length + MONTHS.longest)), axis=1)
    other = values.copy()
    other[:, length:] *= 0.99
    one, two = (windows_of(np.random.default_rng(2), table, MONTHS, 0) for table in (values, other))
    np.testing.assert_array_equal(one.series, two.series)
    np.testing.assert_array_equal(one.bases, two.bases)
    assert (one.truth > two.truth).mean() > 0.9


@pytest.mark.parametrize("period", [1, 7, 24, 52])
def test_made_up_series_differ_and_are_mostly_known(period):
    random = np.random.default_rng(3)
    values = made_up(random, 64, 200, period, 168 if period == 24 else 0)
    assert values.shape == (64, 200)
    assert np.isfinite(values).mean() > 0.9
    assert len(np.unique(np.nanmean(values, axis=1))) > 32


def test_the_shares_of_calendars_are_shares():
    assert sum(calendar.share for calendar in CALENDARS) == pytest.approx(1, abs=0.15)
    assert all(calendar.usual <= calendar.longest for calendar in CALENDARS)
