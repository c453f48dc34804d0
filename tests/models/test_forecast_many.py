"""Many series in one call: the numbers, sentences and failures of one call a series."""

from __future__ import annotations

import sys

import numpy as np
import pandas as pd
import pytest

from forecasting.data.frequency import DAILY, frequency_of_alias, weekly
from forecasting.data.kind import AMOUNT, COUNT, MEASUREMENT, SHARE
from forecasting.data.series import Series
from forecasting.models import model, pretrained
from forecasting.support.errors import ModelError

#: Relative distance of two numbers that are the same.
NEAR = 1e-9


def varied() -> list[Series]:
    """Series of several spacings, kinds and lengths, some of which no model can learn from."""
    random = np.random.default_rng(2)
    found = []
    for frequency in (DAILY, weekly(), frequency_of_alias("MS"), frequency_of_alias("h")):
        for kind in (COUNT, AMOUNT, MEASUREMENT, SHARE):
            for count in (1, 2, 9, 40, 90, 200):
                walk = np.exp(np.cumsum(random.normal(0, 0.1, count)))
                values = {COUNT: random.poisson(100 * walk) * 1.0, SHARE: walk / walk.max()}.get(kind, walk)
                found.append(Series(pd.Timestamp("2020-01-01"), frequency, values, kind=kind))
    doubtful = Series(pd.Timestamp("2020-01-04"), weekly(), random.poisson(80.0, 60) * 1.0, doubt=(0.05, 0.2))
    zeros, rare = np.zeros(60), np.where(np.arange(60) % 9 == 0, 1.0, 0.0)
    constant = [Series(pd.Timestamp("2020-01-01"), DAILY, values) for values in (zeros, rare, zeros + 7, rare * 1e9)]
    return [doubtful, *constant, *found]


def assert_the_same(many, series, name, horizon):
    assert len(many) == len(series)
    for found, one in zip(many, series, strict=True):
        alone = model(name).forecast(one, horizon)
        assert (found.model, found.method, found.notes) == (alone.model, alone.method, alone.notes)
        assert (found.origin, found.frequency) == (alone.origin, alone.frequency)
        for table in ("values", "totals", "means"):
            np.testing.assert_allclose(getattr(found, table), getattr(alone, table), rtol=NEAR, atol=1e-12)


@pytest.mark.sweep
@pytest.mark.parametrize("name", ["ets", "naive", "pretrained", "theta"])
@pytest.mark.parametrize("horizon", [1, 4, 9])
def test_many_series_have_the_forecasts_that_each_has_alone(name: str, horizon: int) -> None:
    series = varied()
    assert_the_same(model(name).forecast_many(series, horizon), series, name, horizon)


def test_a_model_that_says_nothing_of_it_forecasts_one_by_one() -> None:
    series = [one for one in varied() if len(one) == 40][:3]
    assert_the_same(model("sarima").forecast_many(series, 4), series, "sarima", 4)


@pytest.mark.parametrize("name", ["ets", "naive", "pretrained", "theta"])
def test_a_series_without_figures_is_an_error_in_its_place_and_the_others_are_forecast(name: str) -> None:
    good, empty = (Series(pd.Timestamp("2020-01-01"), DAILY, np.arange(count, dtype=float)) for count in (30, 0))
    first, second, third = model(name).forecast_many([good, empty, good], 4)
    assert isinstance(second, ModelError)
    np.testing.assert_array_equal(first.values, third.values)
    np.testing.assert_array_equal(first.values, model(name).forecast(good, 4).values)


def test_none_at_once_is_no_error() -> None:
    assert [model(name).forecast_many([], 4) for name in ("ets", "naive", "pretrained", "theta")] == [[], [], [], []]


def test_the_network_takes_a_few_at_a_time_and_the_numbers_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    series = [one for one in varied() if one.frequency == weekly()]
    at_once = model("pretrained").forecast_many(series, 4)
    monkeypatch.setattr(pretrained, "FIGURES_AT_ONCE", 5_000)
    for one, other in zip(at_once, model("pretrained").forecast_many(series, 4), strict=True):
        np.testing.assert_array_equal(one.values, other.values)


def test_without_onnxruntime_each_has_the_sentence_and_short_series_are_still_repeated(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    pretrained._network.cache_clear()
    long = Series(pd.Timestamp("2020-01-01"), DAILY, np.arange(30.0))
    failed, short = model("pretrained").forecast_many([long, long.tail(1)], 4)
    assert "needs the package onnxruntime" in str(failed)
    assert short.is_finite


def extreme() -> list[Series]:
    """Series of one figure, of enormous and tiny figures, constant ones, a line, and one jump."""
    walk = np.exp(np.cumsum(np.random.default_rng(5).normal(0, 0.2, 60)))
    figures = [
        [3.0],
        walk * 1e12,
        walk * 1e-9,
        np.full(40, 7.0),
        np.zeros(30),
        np.arange(50.0),
        np.r_[np.zeros(30), 1e9],
    ]
    return [Series(pd.Timestamp("2021-01-02"), weekly(), np.asarray(one), kind=AMOUNT) for one in figures]


@pytest.mark.sweep
@pytest.mark.parametrize("name", ["ets", "naive", "theta"])
@pytest.mark.parametrize("horizon", [1, 400])
def test_extreme_series_have_the_forecasts_of_each_alone_and_spoil_no_other(name: str, horizon: int) -> None:
    series = [*extreme(), *varied()[:20:5], *extreme()]
    many = model(name).forecast_many(series, horizon)
    assert_the_same(many, series, name, horizon)
    assert all(found.is_finite for found in many)


@pytest.mark.parametrize("name", ["ets", "theta"])
def test_a_series_with_nan_has_no_finite_forecast_and_spoils_no_other(name: str) -> None:
    good = Series(pd.Timestamp("2021-01-02"), weekly(), np.exp(np.sin(np.arange(60.0))), kind=AMOUNT)
    bad = Series(good.start, weekly(), np.r_[good.values[:-20], np.nan, good.values[-19:]], kind=AMOUNT)
    with np.errstate(invalid="ignore"):
        first, second, third = model(name).forecast_many([good, bad, good], 4)
    assert not second.is_finite
    for found in (first, third):
        np.testing.assert_array_equal(found.values, model(name).forecast(good, 4).values)


@pytest.mark.sweep
@pytest.mark.parametrize("together", [2, 15, 16, 40])
@pytest.mark.parametrize("name", ["ets", "naive", "theta"])
def test_however_many_there_are_each_has_its_numbers_to_the_last_digit(name: str, together: int) -> None:
    series = (varied() * 2)[:: len(varied()) * 2 // together][:together]
    for found, one in zip(model(name).forecast_many(series, 5), series, strict=True):
        alone = model(name).forecast(one, 5)
        assert found.fitted == alone.fitted
        for table in ("values", "totals", "means"):
            np.testing.assert_array_equal(getattr(found, table), getattr(alone, table))
