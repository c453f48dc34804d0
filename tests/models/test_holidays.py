"""Holidays: where they come from, who uses them, and what they do; without them not a digit changes."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sweeps import examples

from forecasting.data import holidays
from forecasting.data.forecast import Forecast
from forecasting.data.frequency import DAILY, frequency_of_alias
from forecasting.data.panel import Panel, Statistic
from forecasting.data.pool import Pool
from forecasting.data.series import Series
from forecasting.jobs.request import Request
from forecasting.models import PooledModel, model
from forecasting.models._pooled_holiday_effect import WEEK, HolidayEffect, holiday_effects
from forecasting.models.pooled import _Blocks
from forecasting.models.prophet import holiday_arguments as as_prophet_has_them
from forecasting.preparation.gather_pool import gather_pool, prepared_series
from forecasting.preparation.prepare import prepare
from forecasting.support.errors import RequestError
from forecasting.views import reproduce

pytestmark = pytest.mark.filterwarnings("error::RuntimeWarning")
START = pd.Timestamp("2020-03-02")  # a Monday
#: Shares of a count: on a holiday, and one and two days after it.
DIP = np.array([0.4, 0.7, 1.3])


def world(days: int, regions: int = 4, seed: int = 0, code: str = "DE") -> tuple[np.ndarray, np.ndarray]:
    """Counts with weekdays and holidays, and what they would be without any holiday, beyond noise."""
    random, dates = np.random.default_rng(seed), pd.date_range(START, periods=days)
    weekday = np.array([0.8, 1.2, 1.1, 1.1, 1.2, 0.9, 0.7])[dates.day_of_week]
    level = np.exp(np.sin(np.arange(days) / 40)[:, None] * 0.5 + random.normal(6, 0.5, regions))
    usual = level * weekday[:, None]
    ago = holidays.days_since_holiday(code, dates)
    times = np.where(ago == holidays.ORDINARY, 1.0, DIP[ago])
    return random.poisson(usual * times[:, None]).astype(float), usual


def pool_of(counts: np.ndarray, code: str = "") -> Pool:
    regions = tuple(f"Region {place}" for place in range(counts.shape[1]))
    spans = ((0, len(counts)),) * len(regions)
    return Pool(DAILY, START, regions, counts, False, {}, spans, holidays=code)


def pooled(pool: Pool, horizon: int = 14) -> dict[str, Forecast]:
    chosen = model("pooled")
    assert isinstance(chosen, PooledModel)
    return chosen.forecast_pool(pool, horizon)


def series_of(counts: np.ndarray, code: str = "") -> Series:
    return Series(START, DAILY, counts).with_holidays(code)


def days_to(date: str) -> int:
    """Days of history that end the day before."""
    return (pd.Timestamp(date) - START).days


def panel_of(counts: np.ndarray, alias: str = "D") -> Panel:
    dates = pd.date_range(START, periods=len(counts), freq=alias)
    columns = {f"Region {place}": column for place, column in enumerate(counts.T)}
    table = pd.concat(
        [
            pd.DataFrame({"region": name, "statistic": "new", "date": dates, "value": one})
            for name, one in columns.items()
        ]
    )
    known = Statistic("new", "new", "new", "new")
    return Panel("made", table.reset_index(drop=True), (known,), {"new": frequency_of_alias(alias)}, "", "")


def assert_same(one: Forecast, other: Forecast) -> None:
    for table in ("values", "totals", "means"):
        np.testing.assert_array_equal(getattr(one, table), getattr(other, table))


def test_the_holidays_of_a_country_and_of_a_part_of_one_have_dates_and_english_names() -> None:
    found = holidays.holiday_dates("de", pd.Timestamp("2020-12-24"), pd.Timestamp("2021-01-01"))
    assert list(found.index) == [pd.Timestamp(day) for day in ("2020-12-25", "2020-12-26", "2021-01-01")]
    assert found.iloc[0] == "Christmas Day"
    some, more = (
        set(holidays.holiday_dates(code, START, pd.Timestamp("2020-12-31")).index) for code in ("DE", "DE-BY")
    )
    assert some < more
    assert holidays.check_country(" us-ca ") == "US-CA"


def test_days_after_holidays_are_counted_from_the_last_one() -> None:
    since = holidays.days_since_holiday("DE", pd.date_range("2020-12-24", periods=11))
    assert since.tolist() == [-1, 0, 0, 1, 2, -1, -1, -1, 0, 1, 2]
    assert holidays.days_since_holiday("DE", pd.date_range("2021-01-02", periods=2)).tolist() == [1, 2]
    assert len(holidays.days_since_holiday("DE", pd.DatetimeIndex([]))) == 0


def test_countries_come_with_their_names_in_order() -> None:
    found = holidays.holiday_countries()
    assert found["DE"] == "Germany"
    assert found["TT"] == "Trinidad and Tobago"
    names = [name for name in found.values() if name.isascii()]
    assert names == sorted(names)
    assert len(found) > 150


@pytest.mark.parametrize("code", ["XX", "", "Germany", "DE-XX", "D'; DROP", "DE-"])
def test_an_unknown_code_is_one_sentence(code: str) -> None:
    with pytest.raises(RequestError, match="There are no holidays of"):
        holidays.check_country(code)


def test_nothing_is_imported_before_somebody_asks() -> None:
    lines = "import forecasting.services.service, sys; from forecasting.models import models; models()"
    answer = subprocess.run(
        [sys.executable, "-c", f"{lines}; print('holidays' in sys.modules)"], capture_output=True, text=True, check=True
    )
    assert answer.stdout.strip() == "False"


def test_only_models_that_use_them_have_another_key_with_them_and_only_of_counts_of_days() -> None:
    plain = prepare(panel_of(world(200)[0]), "Region 0")
    with_them = plain.with_holidays("de")
    assert (with_them.holidays, with_them.pool and with_them.pool.holidays) == ("DE", "DE")
    assert with_them.tail(90).pool == with_them.with_holidays("DE").tail(90).pool
    assert with_them.with_holidays("") == plain
    for name in ("pooled", "prophet", "ensemble"):
        keys = {Request(plain.with_holidays(code), name, 7).key for code in ("", "DE", "FR", "de")}
        assert len(keys) == 3
        assert model(name).uses_holidays
    for name in ("ets", "sarima", "naive"):
        assert Request(with_them, name, 7).key == Request(plain, name, 7).key
    weekly = prepare(panel_of(world(60)[0], "W-SAT"), "Region 0")
    assert weekly.with_holidays("DE") is weekly
    for name in ("pooled", "prophet", "ensemble"):
        assert Request(replace(weekly, holidays="DE"), name, 7).key == Request(weekly, name, 7).key
    with pytest.raises(RequestError, match="'XX'"):
        weekly.with_holidays("XX")


def test_a_worker_sees_them_too() -> None:
    series = prepare(panel_of(world(60)[0]), "Region 0").with_holidays("DE")
    assert Series.from_json(series.to_json()).holidays == "DE"
    assert series.pool is not None
    pool = Pool.from_json(gather_pool(series.pool).to_json())
    assert pool.holidays == "DE"
    assert {one.holidays for one in prepared_series(pool).values()} == {"DE"}


def test_a_view_is_reproduced_with_them() -> None:
    panel = panel_of(world(60)[0])
    plain = prepare(panel, "Region 0")
    views = [
        reproduce.ReproducibleView(panel, "Region 0", "new", ("pooled",), 7, one)
        for one in (plain, plain.with_holidays("DE"))
    ]
    assert "holidays" not in reproduce.command_line(views[0]) + reproduce.python_snippet(views[0])
    assert "--holidays DE" in reproduce.command_line(views[1])
    assert ".with_holidays('DE')" in reproduce.python_snippet(views[1])


def test_where_no_holiday_was_or_comes_the_numbers_are_the_same_to_the_last_digit() -> None:
    counts = world(days_to("2020-09-10"))[0][-90:]  # in Germany there is none from June to October
    start = pd.Timestamp("2020-09-10") - pd.Timedelta(days=90)
    plain = Series(start, DAILY, counts[:, 0])
    for name in ("prophet", "pooled"):
        chosen = model(name)
        assert_same(chosen.forecast(plain.with_holidays("DE"), 14), chosen.forecast(plain, 14))


def test_pooled_expects_of_coming_holidays_what_earlier_ones_did_in_all_regions() -> None:
    days = days_to("2020-12-22")
    counts, usual = world(days + 14, regions=12)
    expected = (
        usual
        * np.where(
            (ago := holidays.days_since_holiday("DE", pd.date_range(START, periods=days + 14))) < 0, 1, DIP[ago]
        )[:, None]
    )
    plain, with_them = pooled(pool_of(counts[:days])), pooled(pool_of(counts[:days], "DE"))
    there = ago[days:] != holidays.ORDINARY

    def wrong(forecasts: dict[str, Forecast]) -> float:
        """On and after holidays: how far off a day's share of its two weeks is."""
        ratios = [
            np.abs(np.log(one.median / one.median.sum() / (came / came.sum())))[there].mean()
            for one, came in zip(forecasts.values(), expected[days:].T, strict=True)
        ]
        return float(np.mean(ratios))

    assert wrong(with_them) < 0.5 * wrong(plain)


def test_what_was_seen_often_is_believed_and_what_was_seen_once_hardly() -> None:
    counts, _ = world(days_to("2022-12-22"), regions=12)

    def on_the_next_one(history: np.ndarray) -> float:
        return float((holiday_effects(prepared_series(pool_of(history, "DE")), 1)["Region 0"].times ** 4).min())

    once, thrice, often = (
        on_the_next_one(counts[: days_to(date)]) for date in ("2020-04-13", "2020-05-21", "2022-12-22")
    )
    assert 0.7 < once < 1
    assert 0.4 < thrice < once
    assert often == pytest.approx(0.4, abs=0.1)


def test_the_pattern_of_weekdays_is_that_of_weeks_without_holidays() -> None:
    counts, usual = world(days_to("2021-01-12"))
    effect = holiday_effects({"0": series_of(counts[:, 0], "DE")}, 1)["0"]
    np.testing.assert_allclose(effect.usual[30:-10], usual[30:-10, 0], rtol=0.3)
    ordinary = holidays.days_since_holiday("DE", pd.date_range(START, periods=len(counts))) == holidays.ORDINARY
    np.testing.assert_array_equal(effect.usual[ordinary], counts[ordinary, 0])


@settings(max_examples=examples(50), deadline=None)
@given(
    horizon=st.integers(1, 40),
    seed=st.integers(0, 1000),
    silent=st.booleans(),
)
def test_whole_weeks_keep_their_sums_whatever_holidays_do(horizon: int, seed: int, silent: bool) -> None:
    random, blocks = np.random.default_rng(seed), _Blocks.of(DAILY)
    weeks = blocks.whole(horizon)
    values = random.poisson(50, 70) * (1.0 if not silent else np.arange(70) % 7 > 1)
    mean, spread = random.uniform(2, 6, weeks + 1), random.uniform(0.1, 1, weeks + 1)
    times = np.where(random.uniform(size=WEEK * weeks) < 0.3, random.uniform(0, 1.4, WEEK * weeks), 1.0)
    effect = HolidayEffect(values, times)
    plain, with_them = (blocks.periods_of(values, mean, spread, horizon, one)[0] for one in (None, effect))
    whole = WEEK * (horizon // WEEK)
    sums = [(one[:whole] ** 4).reshape(-1, WEEK).sum(axis=1) for one in (plain, with_them)]
    np.testing.assert_allclose(sums[1], sums[0], rtol=1e-9)
    np.testing.assert_array_equal(
        blocks.periods_of(values, mean, spread, horizon, HolidayEffect(values, np.ones(WEEK * weeks)))[0], plain
    )


def test_next_week_does_not_depend_on_how_far_one_looks() -> None:
    pool = pool_of(world(days_to("2020-12-20"))[0], "DE")
    near, far = pooled(pool, 9), pooled(pool, 60)
    for region, forecast in near.items():
        np.testing.assert_allclose(far[region].values[:9], forecast.values, rtol=1e-12)


@settings(max_examples=examples(30), deadline=None)
@given(
    days=st.sampled_from([1, 3, 8, 20, 60, 120]),
    regions=st.integers(1, 3),
    level=st.sampled_from([0.0, 0.02, 3.0]),
    horizon=st.sampled_from([1, 7, 30]),
    seed=st.integers(0, 100),
)
def test_short_and_silent_regions_have_sound_forecasts(
    days: int, regions: int, level: float, horizon: int, seed: int
) -> None:
    counts = np.random.default_rng(seed).poisson(level, (days, regions)).astype(float)
    pool = replace(pool_of(counts, "DE"), start=pd.Timestamp("2020-12-20"))
    for forecast in pooled(pool, horizon).values():
        assert np.isfinite(forecast.values).all()
        assert (forecast.values >= 0).all()
        assert (np.diff(forecast.values, axis=1) >= 0).all()


def test_prophet_expects_of_coming_holidays_what_the_last_ones_did() -> None:
    days = days_to("2020-06-01")  # Whit Monday; before it Easter, the first of May and Ascension
    counts, _ = world(days, regions=1)
    plain, with_them = (model("prophet").forecast(series_of(counts[:, 0], code), 7) for code in ("", "DE"))
    assert with_them.median[0] < 0.8 * plain.median[0]
    np.testing.assert_allclose(with_them.median[3:] / plain.median[3:], 1.0, atol=0.2)


def test_prophet_is_told_of_nothing_that_it_cannot_have_learned() -> None:
    counts = world(120)[0][:, 0]
    assert as_prophet_has_them(series_of(counts), 7) == {}
    assert as_prophet_has_them(series_of(counts[:20], "DE"), 60) == {}  # no holiday yet
    table = as_prophet_has_them(series_of(counts[: days_to("2020-05-30")], "DE"), 7)["holidays"]
    assert pd.Timestamp("2020-06-01") in set(table["ds"])
    assert table["holiday"].nunique() == 3
