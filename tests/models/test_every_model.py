"""What holds for every model in the registry, whatever it believes."""

from __future__ import annotations

from functools import cache

import numpy as np
import pandas as pd
import pytest
from optional_packages import installed

from forecasting.data.forecast import MEDIAN, Forecast
from forecasting.data.frequency import DAILY, frequency_of_alias
from forecasting.data.series import Series
from forecasting.models import models

RANDOM = np.random.default_rng(1)
WEEKLY_PATTERN = 100 + 30 * np.sin(np.arange(63) * 2 * np.pi / 7) + RANDOM.normal(0, 5, 63)
SPIKE = np.where(np.arange(63) == 40, 1e9, WEEKLY_PATTERN)

every_model = pytest.mark.parametrize("name", installed(models()))


def daily(values: object, start: str = "2021-01-04") -> Series:
    return Series(pd.Timestamp(start), DAILY, np.asarray(values, dtype=float))


@cache
def usual(name: str) -> Forecast:
    return models()[name].forecast(daily(WEEKLY_PATTERN), 14)


def assert_sound(series: Series, name: str, horizon: int) -> None:
    forecast = models()[name].forecast(series, horizon)
    assert forecast.model == name
    assert forecast.origin == series.origin
    for table in (forecast.values, forecast.totals, forecast.means):
        assert table.shape == (horizon, 23)
        assert np.isfinite(table).all()
        assert (table >= 0).all()
        assert (np.diff(table, axis=1) >= 0).all()


@pytest.mark.sweep(each=2)
@every_model
@pytest.mark.parametrize("count", [1, 2, 3, 9, 10, 14, 16])
def test_a_short_series_gets_a_forecast(name: str, count: int) -> None:
    assert_sound(daily(WEEKLY_PATTERN[:count]), name, 5)


@pytest.mark.sweep(each=2)
@every_model
@pytest.mark.parametrize(
    "values",
    [
        pytest.param(np.full(60, 7.0), id="constant"),
        pytest.param(np.zeros(60), id="zero"),
        pytest.param(np.where(np.arange(60) % 9 == 0, 1.0, 0.0), id="mostly zero"),
        pytest.param(SPIKE, id="a giant spike"),
        pytest.param(WEEKLY_PATTERN * 1e10, id="huge"),
        pytest.param(WEEKLY_PATTERN * 1e-9, id="tiny"),
        pytest.param(np.exp(np.arange(60) * 0.3), id="exploding"),
        pytest.param(np.exp(-np.arange(60) * 0.3), id="vanishing"),
    ],
)
def test_strange_figures_get_a_sound_forecast_as_far_as_it_goes(name: str, values: np.ndarray) -> None:
    assert_sound(daily(values), name, 120)


@every_model
def test_one_step_ahead_is_a_forecast_too_and_nothing_is_printed(name: str, capfd: pytest.CaptureFixture[str]) -> None:
    assert_sound(daily(WEEKLY_PATTERN), name, 1)
    assert capfd.readouterr() == ("", "")


@every_model
def test_the_same_series_gets_the_same_numbers(name: str) -> None:
    first, second = usual(name), models()[name].forecast(daily(WEEKLY_PATTERN), 14)
    np.testing.assert_array_equal(first.values, second.values)
    np.testing.assert_array_equal(first.totals, second.totals)
    np.testing.assert_array_equal(first.means, second.means)


@every_model
def test_moving_a_series_by_weeks_moves_its_forecast_and_changes_no_value(name: str) -> None:
    now = usual(name)
    later = models()[name].forecast(daily(WEEKLY_PATTERN, start="2021-03-01"), 14)  # eight weeks on
    np.testing.assert_allclose(later.values, now.values, rtol=3e-3)  # Prophet's search ends a little elsewhere
    assert (later.dates - now.dates == pd.Timedelta(weeks=8)).all()


@every_model
def test_a_thousand_times_the_counts_is_a_thousand_times_the_forecast(name: str) -> None:
    small = usual(name).median
    large = models()[name].forecast(daily(WEEKLY_PATTERN * 1000), 14).median
    np.testing.assert_allclose(large, small * 1000, rtol=0.02)


@pytest.mark.parametrize("name", [name for name in installed(models()) if models()[name].seasonal])
def test_a_clear_weekday_pattern_is_carried_on(name: str) -> None:
    median = usual(name).median
    expected = 100 + 30 * np.sin(np.arange(63, 77) * 2 * np.pi / 7)
    assert np.corrcoef(median, expected)[0, 1] > 0.9


@pytest.mark.sweep(each=2)
@every_model
@pytest.mark.parametrize("alias", ["W-SAT", "MS", "QS-JAN", "h"])
def test_other_spacings_are_forecast_on_their_own_dates(name: str, alias: str) -> None:
    series = Series(pd.date_range("2020-01-01", periods=1, freq=alias)[0], frequency_of_alias(alias), WEEKLY_PATTERN)
    forecast = models()[name].forecast(series, 8)
    assert list(forecast.dates) == list(pd.date_range(series.start, periods=71, freq=alias)[-8:])
    assert (forecast.values[:, MEDIAN] > 0).all()
