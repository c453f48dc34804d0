"""A fit carried on over a few new points: against statsmodels' filters with the same parameters, and damaged ones."""

from __future__ import annotations

import copy
import json
import subprocess
import sys
from dataclasses import replace
from functools import cache

import numpy as np
import pandas as pd
import pmdarima
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from optional_packages import installed
from sweeps import examples

from benchmarks.horizon import FILTERS
from forecasting.data.forecast import Forecast
from forecasting.data.frequency import DAILY, weekly
from forecasting.data.series import Series
from forecasting.models import auto_arima, model, models
from forecasting.models._sarima_fit import SarimaFit, SarimaOrder
from forecasting.models._stored_parameters import error_growth
from forecasting.storage.codec import decode_forecast, encode_forecast

EXTENSIBLE = tuple(FILTERS)
extensible = pytest.mark.parametrize("name", EXTENSIBLE)


def wave(count: int, season: int = 7, seed: int = 1) -> np.ndarray:
    t = np.arange(count)
    level = 1000 * (1.5 + np.sin(t / 40)) * (1 + 0.3 * np.sin(2 * np.pi * t / season))
    return np.round(level * np.exp(0.08 * np.random.default_rng(seed).standard_normal(count)))


DAYS = Series(pd.Timestamp("2021-01-04"), DAILY, wave(160))
LONG = Series(pd.Timestamp("2020-01-06"), DAILY, wave(420))  # more than SARIMA looks at
WEEKS = Series(pd.Timestamp("2021-01-02"), weekly(), wave(90, 9))
SERIES = {"days": DAYS, "long": LONG, "weeks": WEEKS}
#: What Auto-ARIMA's search ends at for each of them: the order, the seasonal order, and whether there is an intercept.
#: What is carried on here is a fit, so the search, which takes longest, is not made anew.
ORDERS = {
    "days": ((1, 1, 0), (1, 0, 0, 7), True),
    "long": ((1, 1, 0), (1, 0, 0, 7), True),
    "weeks": ((1, 1, 2), (0, 0, 0, 0), False),
}
every_series = pytest.mark.parametrize("of", list(SERIES))


@cache
def fitted(name: str, of: str, new: int = 0, horizon: int = 14) -> Forecast:
    """A forecast made `new` points ago. Auto-ARIMA does not search again but fits the orders of the whole series."""
    series = SERIES[of]
    with pytest.MonkeyPatch.context() as patch:
        if name == "auto_arima":
            order, seasonal, intercept = ORDERS[of]
            arima = pmdarima.ARIMA(
                order, seasonal, maxiter=30, suppress_warnings=True, with_intercept=intercept, concentrate_scale=True
            )
            patch.setattr(auto_arima, "stepwise_search", lambda values, _: arima.fit(values))
        return model(name).forecast(series.until(series.dates[-1 - new]), horizon)


def mean_of(name: str, series: Series, forecast: Forecast) -> np.ndarray:
    scale, start = model(name).scale(series), series.dates.get_loc(forecast.fitted["start"])
    return scale.inverse(FILTERS[name](scale.forward(series.values[start:]), forecast.fitted, forecast.horizon))


@extensible
@every_series
def test_a_fit_carried_on_over_nothing_is_the_fit(name: str, of: str) -> None:
    # Auto-ARIMA's own forecast is that of a Kalman filter with a nearly flat prior, the one carried on is exact.
    whole = fitted(name, of)
    again = model(name).extend(SERIES[of], 14, whole.fitted)
    assert again is not None
    for table in ("values", "totals", "means"):
        same = {"rtol": 1e-9, "atol": 1e-9} if name != "auto_arima" else {"rtol": 1e-5, "atol": 1e-3}
        np.testing.assert_allclose(getattr(again, table), getattr(whole, table), **same)
    assert (again.method, again.origin, again.notes) == (whole.method, whole.origin, whole.notes)
    assert again.fitted["growth"] == 1.0


@extensible
@every_series
@pytest.mark.parametrize("new", [1, 5])
def test_a_few_points_on_it_is_what_statsmodels_filters_through_all_of_them(name: str, of: str, new: int) -> None:
    earlier = fitted(name, of, new)
    later = model(name).extend(SERIES[of], 30, earlier.fitted)
    assert later is not None
    np.testing.assert_allclose(later.median, mean_of(name, SERIES[of], later), rtol=1e-8, atol=1e-8)
    assert later.origin == SERIES[of].origin
    assert later.fitted["origin"] == earlier.origin.isoformat()
    assert later.fitted["new"] == new


@extensible
def test_revised_last_figures_are_filtered_as_they_are_now(name: str) -> None:
    values = DAYS.values.copy()
    values[-3:] *= 1.2
    revised = replace(DAYS, values=values)
    later = model(name).extend(revised, 14, fitted(name, "days").fitted)
    assert later is not None
    np.testing.assert_allclose(later.median, mean_of(name, revised, later), rtol=1e-8)


@extensible
def test_errors_that_grow_show(name: str) -> None:
    earlier = fitted(name, "days", 5)
    shaken = replace(DAYS, values=np.where(np.arange(160) >= 155, DAYS.values * 3, DAYS.values))
    assert model(name).extend(shaken, 7, earlier.fitted).fitted["growth"] > 3
    assert model(name).extend(DAYS, 7, earlier.fitted).fitted["growth"] < 1.5


def test_growth_is_that_of_the_root_mean_square() -> None:
    assert error_growth(np.array([1.0, -1.0, 1.0, 3.0, -3.0]), 2) == pytest.approx(3.0)
    assert error_growth(np.zeros(5), 2) == error_growth(np.ones(5), 0) == error_growth(np.ones(3), 3) == 1.0


@extensible
def test_what_was_fitted_is_json_and_exact_to_the_last_digit_on_every_way(name: str) -> None:
    forecast = fitted(name, "days")
    for again in (
        json.loads(json.dumps(forecast.fitted, allow_nan=False)),
        Forecast.from_json(json.loads(json.dumps(forecast.to_json()))).fitted,
        decode_forecast(encode_forecast(forecast)).fitted,
    ):
        assert again == forecast.fitted


def test_a_forecast_of_an_older_program_has_nothing_to_go_on_from() -> None:
    data = fitted("ets", "days").to_json()
    del data["fitted"]
    assert Forecast.from_json(data).fitted == {}


@pytest.mark.parametrize("name", installed(models()))
def test_a_stand_in_cannot_be_carried_on(name: str) -> None:
    short = DAYS.until(DAYS.dates[4])
    forecast = model(name).forecast(short, 7)
    assert model(name).extend(DAYS, 7, forecast.fitted) is None


@extensible
def test_another_version_model_or_series_is_none(name: str) -> None:
    known = fitted(name, "days").fitted
    for other in (
        {"version": known["version"] + 1},
        {"model": "naive"},
        {"start": "2019-01-01"},
        {"origin": "2030-01-01"},
    ):
        assert model(name).extend(DAYS, 7, known | other) is None
    assert model(name).extend(WEEKS, 7, known) is None
    assert model(name).extend(DAYS.until(DAYS.dates[-2]), 7, known) is None


def leaves(data: object, path: tuple = ()) -> list[tuple]:
    items = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    return [path, *(leaf for key, value in items for leaf in leaves(value, (*path, key)))]


RUBBISH = st.sampled_from(
    [None, "x", "", True, -1, 0, 1, 2, 7, 1e300, -1e300, float("nan"), float("inf"), 10**400, [], [1.0], {}, {"a": 1}]
)


@settings(max_examples=examples(150), deadline=None)
@given(st.sampled_from(EXTENSIBLE), st.data())
def test_damaged_parameters_are_none_or_a_sound_forecast_but_no_error(name: str, data: st.DataObject) -> None:
    damaged = copy.deepcopy(fitted(name, "days").fitted)
    for _ in range(data.draw(st.integers(1, 3))):
        *above, last = data.draw(st.sampled_from(leaves(damaged)[1:]))
        place = damaged
        for key in above:
            place = place[key]
        if data.draw(st.booleans()):
            place[last] = copy.deepcopy(data.draw(RUBBISH))  # a list may be damaged in its turn
        else:
            del place[last]
    found = model(name).extend(DAYS, 14, damaged)
    if found is not None:
        assert np.isfinite(found.values).all()
        assert (np.diff(found.values, axis=1) >= 0).all()


@extensible
def test_nothing_at_all_is_none(name: str) -> None:
    for nothing in ({}, {"model": name}, {"model": name, "version": model(name).version}):
        assert model(name).extend(DAYS, 7, nothing) is None


@pytest.mark.parametrize(
    "damage",
    [
        {"order": [0, 1, 1, 0, 1, 1, 365]},
        {"order": [9, 1, 1, 0, 1, 1, 7]},
        {"params": [-0.5]},
        {"params": [-1.5, -0.5]},
    ],
)
def test_orders_beyond_all_bounds_and_coefficients_that_explode_are_refused(damage: dict) -> None:
    good = SarimaFit(SarimaOrder(0, 1, 1, 0, 1, 1, 7), np.array([-0.4, -0.5]), 0.0).to_json()
    assert SarimaFit.from_json(good).params.tolist() == [-0.4, -0.5]
    with pytest.raises(ValueError, match=r"whole number|list of|stationary"):
        SarimaFit.from_json(good | damage)


EXTEND = """
import json, sys
from forecasting.models import model
from forecasting.data.series import Series
for name, series, fitted in json.load(sys.stdin):
    assert model(name).extend(Series.from_json(series), 28, fitted) is not None
print(*sorted({module.partition(".")[0] for module in sys.modules} & {"statsmodels", "pmdarima", "prophet", "sklearn"}))
"""


def test_carrying_on_imports_no_library_that_fits() -> None:
    given = [(name, DAYS.to_json(), fitted(name, "days").fitted) for name in EXTENSIBLE]
    done = subprocess.run(
        [sys.executable, "-c", EXTEND], input=json.dumps(given), capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == []


@pytest.mark.parametrize("seasonal", [(0, 0, 0, 0), (1, 0, 0, 7), (0, 1, 1, 7)], ids=str)
@pytest.mark.parametrize("order", [(0, 1, 1), (1, 0, 0)], ids=str)
def test_what_an_intercept_of_auto_arima_means_is_carried_on(order: tuple, seasonal: tuple) -> None:
    from pmdarima.arima import ARIMA

    from forecasting.models.auto_arima import arima_parameters

    values = 10 + 0.3 * np.arange(120) + np.sin(np.arange(120)) + np.random.default_rng(1).normal(0, 0.3, 120)
    found = ARIMA(order, seasonal, with_intercept=True, suppress_warnings=True).fit(values)
    known = arima_parameters(found)
    if order[1] + seasonal[1] > 1:
        assert known == {}
        return
    assert (known["mean"] != 0) == (order[1] + seasonal[1] == 0)
    ours = FILTERS["auto_arima"](values, known | {"unit": 1.0}, 30)
    np.testing.assert_allclose(ours, found.arima_res_.forecast(30), rtol=1e-4)
