"""No model knows the unit of its figures: k times the figures have k times the forecast, and moved measurements a moved one."""

from __future__ import annotations

from functools import cache

import numpy as np
import pandas as pd
import pytest
from optional_packages import installed

from forecasting.data.forecast import Forecast
from forecasting.data.frequency import DAILY, Frequency, frequency_of_alias, weekly
from forecasting.data.kind import AMOUNT, MEASUREMENT, SHARE, Kind
from forecasting.data.series import Series
from forecasting.models import models

#: Models whose fits take a second or more: they forecast one series in two other units.
SLOW = ("auto_arima", "prophet")
QUICK = [name for name in installed(models()) if name not in SLOW]
RANDOM = np.random.default_rng(3)
WALK = np.cumsum(RANDOM.normal(0, 0.1, 120))
LEVEL = 5 + WALK + 0.5 * np.sin(2 * np.pi * np.arange(120) / 7) + RANDOM.normal(0, 0.2, 120)
#: Figures of all shapes, by name: their frequency, and values between 0 and about 10.
SHAPES: dict[str, tuple[Frequency, np.ndarray]] = {
    "days with a weekday pattern": (DAILY, LEVEL),
    "weeks in waves": (weekly("SAT"), np.exp(WALK + RANDOM.normal(0, 0.1, 120))),
    "five weeks": (weekly("SAT"), np.array([3.0, 4, 3.5, 5, 4.2])),
    "twelve days": (DAILY, np.array([3.0, 4, 3.5, 5, 4.2, 4.4, 3.9, 5, 6, 5.5, 6.2, 5.9])),
    "eighteen quarters": (frequency_of_alias("QS-JAN"), 5 + np.cumsum(RANDOM.normal(0.1, 0.3, 18))),
    "always the same": (DAILY, np.full(30, 2.5)),
    "nothing but zeros": (DAILY, np.zeros(30)),
    "mostly zeros": (DAILY, np.where(RANDOM.random(120) < 0.6, 0.0, RANDOM.integers(1, 9, 120))),
    "calm for long": (DAILY, np.r_[np.full(40, 1.0), 1.0 + 1e-4 * RANDOM.normal(0, 1, 80)]),
}
#: What some model took for something else in another unit.
ONCE_WRONG = (
    {"name": "sarima", "shape": "calm for long"},
    {"name": "sarima", "shape": "always the same"},
    {"name": "pretrained", "shape": "always the same"},
)
#: A share of this much of them keeps its bands away from 1, where they end in any unit.
SMALL_SHARE = 0.004
#: Relative distance of two searches that end at the same parameters.
NEAR = 1e-2

shape = pytest.mark.parametrize("shape", list(SHAPES))


def forecast(name: str, shape: str, kind: Kind, factor: float = 1.0, moved: float = 0.0) -> Forecast:
    frequency, values = SHAPES[shape]
    series = Series(pd.Timestamp("2024-01-06"), frequency, values * factor + moved, kind=kind)
    return models()[name].forecast(series, 10)


@cache
def long_search(name: str, factor: float = 1.0) -> Forecast:
    """That of amounts with a weekday pattern, in one unit or another."""
    return forecast(name, "days with a weekday pattern", AMOUNT, factor)


def assert_same(one: Forecast, other: Forecast, factor: float = 1.0, moved: float = 0.0) -> None:
    """Equal up to the unit, as seen from the size of the forecast and of its bands."""
    size = np.abs(one.values).max() if not moved else np.ptp(one.values)
    for ours, theirs in ((one.values, other.values), (one.means, other.means)):
        np.testing.assert_allclose((theirs - moved) / factor, ours, rtol=0, atol=NEAR * size + 1e-9 * abs(moved))


@pytest.mark.sweep(each=3, always=ONCE_WRONG)
@shape
@pytest.mark.parametrize("kind", [AMOUNT, MEASUREMENT, SHARE], ids=lambda kind: kind.name)
@pytest.mark.parametrize("name", QUICK)
def test_figures_in_another_unit_have_the_same_forecast_in_that_unit(name: str, kind: Kind, shape: str) -> None:
    unit = SMALL_SHARE if kind is SHARE else 1.0
    here = forecast(name, shape, kind, unit)
    for factor in (1e-9, 0.3, *((1e9,) if kind is not SHARE else ())):
        assert_same(here, forecast(name, shape, kind, unit * factor), factor)


@pytest.mark.sweep(each=2, always=ONCE_WRONG)
@shape
@pytest.mark.parametrize("name", QUICK)
def test_measurements_counted_from_elsewhere_have_the_same_forecast_there(name: str, shape: str) -> None:
    here = forecast(name, shape, MEASUREMENT)
    for moved in (-1e4, 7.0):
        assert_same(here, forecast(name, shape, MEASUREMENT, moved=moved), moved=moved)


@pytest.mark.sweep(always=({"name": "auto_arima"},))
@pytest.mark.parametrize("factor", [1e-9, 1e9])
@pytest.mark.parametrize("name", SLOW)
def test_a_long_search_does_not_know_the_unit_either(name: str, factor: float) -> None:
    assert_same(long_search(name), long_search(name, factor), factor)
