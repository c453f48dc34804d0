"""Prophet: what this house chose for it, and its manners."""

from __future__ import annotations

import logging

import numpy as np
import pandas as pd
import pytest

from forecasting.data.frequency import DAILY, frequency_of_alias
from forecasting.data.series import Series
from forecasting.models import model
from forecasting.models.prophet import seasonality_arguments


def line(count: int, alias: str = "D") -> Series:
    return Series(
        pd.date_range("2020-01-05", periods=1, freq=alias)[0], frequency_of_alias(alias), np.arange(count) + 10.0
    )


@pytest.mark.parametrize(
    ("series", "waves"),
    [
        (line(13), set()),
        (line(14), {"weekly_seasonality"}),
        (line(800), {"weekly_seasonality", "yearly_seasonality"}),
        (line(100, "W-SAT"), set()),
        (line(106, "W-SAT"), {"yearly_seasonality"}),
        (line(30, "MS"), {"yearly_seasonality"}),
        (line(60, "h"), {"daily_seasonality"}),
        (line(400, "h"), {"daily_seasonality", "weekly_seasonality"}),
    ],
    ids=lambda value: f"{len(value)} {value.frequency.step}s" if isinstance(value, Series) else None,
)
def test_a_wave_is_drawn_when_the_series_holds_two_of_it(series: Series, waves: set[str]) -> None:
    assert {name for name, used in seasonality_arguments(series).items() if used} == waves


def test_a_steady_climb_goes_on() -> None:
    counts = (5 + 0.02 * np.arange(90) + np.random.default_rng(4).normal(0, 0.05, 90)) ** 3
    forecast = model("prophet").forecast(Series(pd.Timestamp("2021-01-01"), DAILY, counts), 14)
    np.testing.assert_allclose(forecast.median, (5 + 0.02 * np.arange(90, 104)) ** 3, rtol=0.1)


def test_the_callers_random_numbers_and_loggers_are_left_as_they_were() -> None:
    np.random.seed(7)
    expected = np.random.random()
    np.random.seed(7)
    model("prophet").forecast(line(20), 3)
    assert np.random.random() == expected
    assert not logging.getLogger("cmdstanpy").disabled
