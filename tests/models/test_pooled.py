"""Pooled: every region of a pool has a sound forecast from its own end, and the pool's shape changes none of them."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import cache

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sweeps import examples

from forecasting.data.forecast import Forecast
from forecasting.data.frequency import frequency_of_alias
from forecasting.data.kind import AMOUNT
from forecasting.data.pool import Pool, Snapshot
from forecasting.data.series import Series
from forecasting.models import model
from forecasting.models.base import PooledModel
from forecasting.models.pooled import NOTHING_IN_COMMON, _learned_table
from forecasting.preparation.gather_pool import prepared_series
from forecasting.support.errors import ModelError

pytestmark = [pytest.mark.filterwarnings("error::RuntimeWarning"), pytest.mark.usefixtures("few_trees")]
START = pd.Timestamp("2022-01-01")  # a Saturday


def pooled() -> PooledModel:
    chosen = model("pooled")
    assert isinstance(chosen, PooledModel)
    return chosen


def pool_of(
    counts: np.ndarray,
    alias: str = "W-SAT",
    earlier: tuple[np.ndarray, ...] = (),
    totals: bool = False,
    window: int | None = None,
    start: pd.Timestamp = START,
) -> Pool:
    """Regions ``0``, ``1`` … with these figures; NaN where nothing was published."""
    known = [np.flatnonzero(np.isfinite(column)) for column in counts.T]
    return Pool(
        frequency_of_alias(alias),
        pd.date_range(start, periods=1, freq=alias)[0],
        tuple(str(place) for place in range(counts.shape[1])),
        counts,
        totals,
        {},
        tuple((int(rows[0]), int(rows[-1]) + 1) for rows in known),
        window,
        tuple(Snapshot(start, table) for table in earlier),
    )


def counted(rows: int = 60, regions: int = 6, seed: int = 0, level: float = 5.0) -> np.ndarray:
    random = np.random.default_rng(seed)
    course = np.sin(np.arange(rows) / 6)[:, None] + random.normal(level, 1, regions)
    return random.poisson(np.exp(course)).astype(float)


def published_earlier(counts: np.ndarray, tables: int = 12) -> tuple[np.ndarray, ...]:
    """Each with a last row that is too low yet."""
    rows = range(len(counts) - tables, len(counts))
    return tuple(np.vstack([counts[: row - 1], 0.7 * counts[row - 1 : row]]) for row in rows)


def assert_same(one: dict[str, Forecast], other: dict[str, Forecast]) -> None:
    assert list(one) == list(other)
    for region, forecast in one.items():
        assert forecast.origin == other[region].origin
        np.testing.assert_allclose(forecast.values, other[region].values, rtol=1e-9, atol=1e-9)
        np.testing.assert_allclose(forecast.totals, other[region].totals, rtol=1e-9, atol=1e-9)


@settings(max_examples=examples(30), deadline=None)
@given(
    alias=st.sampled_from(["W-SAT", "D", "h", "MS", "QS-JAN"]),
    rows=st.sampled_from([1, 2, 3, 6, 20, 70]),
    spans=st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1), st.booleans()), min_size=1, max_size=4),
    horizon=st.sampled_from([1, 2, 5, 30, 400]),
    vintages=st.booleans(),
    window=st.sampled_from([None, None, 2, 10]),
)
def test_regions_that_begin_end_and_are_silent_as_they_like_have_sound_forecasts(
    alias: str, rows: int, spans: list[tuple[float, float, bool]], horizon: int, vintages: bool, window: int | None
) -> None:
    counts = counted(rows, len(spans))
    for place, (one, other, silent) in enumerate(spans):
        first, last = sorted((int(one * (rows - 1)), int(other * (rows - 1))))
        counts[:first, place], counts[last + 1 :, place] = np.nan, np.nan
        counts[:, place] *= 0 if silent else 1
    earlier = tuple(counts[:row] for row in range(max(rows - 5, 0), rows)) if vintages else ()
    pool = pool_of(counts, alias, earlier, window=window)
    series, forecasts = prepared_series(pool), pooled().forecast_pool(pool, horizon)
    assert list(forecasts) == list(pool.regions)
    for region, forecast in forecasts.items():
        assert forecast.origin == series[region].origin
        for table in (forecast.values, forecast.totals, forecast.means):
            assert table.shape == (horizon, 23)
            assert np.isfinite(table).all()
            assert (table >= 0).all()
            assert (np.diff(table, axis=1) >= 0).all()


def test_the_order_of_the_regions_does_not_matter() -> None:
    counts = counted()
    counts[:10, 2], counts[50:, 4] = np.nan, np.nan
    order = [3, 0, 5, 2, 4, 1]
    straight = pooled().forecast_pool(pool_of(counts, earlier=published_earlier(counts)), 5)
    mixed = pooled().forecast_pool(
        pool_of(counts[:, order], earlier=tuple(table[:, order] for table in published_earlier(counts))), 5
    )
    assert_same({str(place): mixed[str(order.index(place))] for place in range(6)}, straight)


@pytest.mark.parametrize("alias", ["W-SAT", "D"])
def test_next_week_s_band_does_not_depend_on_how_far_one_looks(alias: str) -> None:
    pool = pool_of(counted(80), alias)
    near, far = pooled().forecast_pool(pool, 3), pooled().forecast_pool(pool, 60)
    for region, forecast in near.items():
        np.testing.assert_allclose(far[region].values[:3], forecast.values, rtol=1e-12)


def test_a_pool_of_one_is_the_forecast_of_its_series() -> None:
    pool = pool_of(counted(regions=1))
    alone = pooled().forecast(prepared_series(pool)["0"], 6)
    assert_same({"0": alone}, pooled().forecast_pool(pool, 6))


def test_sixteen_times_the_counts_is_about_sixteen_times_the_forecast() -> None:
    counts = counted(level=8.0)
    small, large = (pooled().forecast_pool(pool_of(times * counts), 6) for times in (1, 16))
    for region, forecast in small.items():
        np.testing.assert_allclose(large[region].median, 16 * forecast.median, rtol=0.03)


def test_a_region_of_zeros_is_forecast_about_zero_and_nothing_is_said_of_trends() -> None:
    counts = counted(level=8.0) * np.exp(np.arange(60) / 30)[:, None]
    counts[:, 3] = 0
    forecast = pooled().forecast_pool(pool_of(counts), 10)["3"]
    assert forecast.notes == ("The last 60 figures are all the same, so they are repeated.",)
    assert (forecast.median == 0).all()
    assert forecast.values.max() < 1


def test_a_pattern_of_weekdays_is_carried_on_with_each_region_s_own_weekdays() -> None:
    weekend = np.where(np.arange(140) % 7 < 2, 0.2, 1.0)
    late = np.where(np.arange(140) % 7 == 4, 4.0, 0.5)
    forecasts = pooled().forecast_pool(pool_of(300 * np.column_stack([weekend, late]), "D"), 28)
    for region, pattern in (("0", weekend), ("1", late)):
        np.testing.assert_allclose(forecasts[region].median, 300 * pattern[:28], rtol=0.05)


def test_a_window_forgets_what_was_before_it_in_earlier_vintages_too() -> None:
    counts = counted(70)
    earlier = published_earlier(counts)
    windowed = pool_of(counts, earlier=earlier, window=40)
    cut = pool_of(counts[30:], earlier=tuple(table[30:] for table in earlier), start=START + pd.Timedelta(weeks=30))
    assert_same(pooled().forecast_pool(windowed, 6), pooled().forecast_pool(cut, 6))


def test_running_totals_are_forecast_as_the_counts_that_they_are_made_of() -> None:
    counts = counted(50)
    earlier = published_earlier(counts)
    for table in earlier:
        table[-2:, 1] = np.nan  # a region that was late then has not reported zeros
    as_totals = tuple(np.cumsum(table, axis=0) for table in earlier)
    # Nobody knows when what the first total holds was counted.
    totals = pool_of(np.cumsum(counts, axis=0), earlier=as_totals, totals=True)
    new = pool_of(counts[1:], earlier=tuple(table[1:] for table in earlier), start=START + pd.Timedelta(weeks=1))
    assert_same(pooled().forecast_pool(totals, 4), pooled().forecast_pool(new, 4))


def test_vintages_that_are_no_shorter_than_the_newest_are_not_looked_at() -> None:
    counts = counted(40)
    earlier = published_earlier(counts)
    straight = pooled().forecast_pool(pool_of(counts, earlier=earlier), 4)
    assert_same(pooled().forecast_pool(pool_of(counts, earlier=(*earlier, 3 * counts)), 4), straight)


def test_the_forecast_says_what_it_is_made_of_and_what_it_has_earned() -> None:
    forecast = pooled().forecast_pool(pool_of(counted(90)), 4)["0"]
    assert forecast.method.startswith("Trees and regressions 80 %, shared trend")
    assert forecast.method.endswith("; 6 regions")
    fitted = json.loads(json.dumps(forecast.fitted))
    assert 0 < fitted["trust"] < 1


def test_without_a_single_figure_there_is_a_sentence() -> None:
    with pytest.raises(ModelError, match="No region has a single figure"):
        pooled().forecast_pool(Pool(frequency_of_alias("W-SAT"), START, (), np.empty((0, 0)), False, {}, ()), 4)
    with pytest.raises(ModelError, match="not a single figure"):
        pooled().forecast(Series(START, frequency_of_alias("W-SAT"), np.empty(0)), 4)


@cache
def without_another(alias: str) -> dict[str, Forecast]:
    """The forecasts of counts that no other region stands beside."""
    return pooled().forecast_pool(pool_of(counted(140), alias), 4)


@pytest.mark.sweep
@pytest.mark.parametrize("alias", ["D", "W-SAT", "MS"])
@pytest.mark.parametrize("figures", ["constant", "one", "three", "a thousand times", "beyond numbers"])
def test_a_region_unlike_the_others_never_costs_them_their_forecast(alias: str, figures: str) -> None:
    counts = np.column_stack([counted(140), np.full(140, 7.0)])
    if figures == "one":
        counts[:-1, -1] = np.nan
    if figures == "three":
        counts[:-3, -1] = np.nan
    if figures == "a thousand times":
        counts[:, -1] = 1000 * counts[:, 0]
    if figures == "beyond numbers":
        counts[:, -1] = 1e300 * (1 + np.arange(140) % 5)
    made = pooled().forecast_pool(pool_of(counts, alias), 4)
    others = without_another(alias)
    assert [*made] == [*others, "6"][: len(others) + (figures != "beyond numbers")]
    for region, forecast in others.items():
        assert made[region].is_finite
        np.testing.assert_allclose(made[region].median, forecast.median, rtol=0.25, atol=2)


def test_a_region_without_any_figure_is_left_out_of_the_series_of_a_pool() -> None:
    pool = pool_of(counted())
    broken = replace(pool, values=np.where(np.arange(6) == 2, np.nan, pool.values))
    assert [*prepared_series(broken)] == ["0", "1", "3", "4", "5"]


ODD_OTHERS = {
    "zeros": np.zeros((120, 6)),
    "one figure": np.full((120, 6), 7.0),
    "one region": counted(120, regions=1),
    "a thousandth": 1e-3 * counted(120),
    "a thousand times": 1e3 * counted(120),
    "gaps": np.where(np.arange(120)[:, None] % 3 == 1, np.nan, counted(120)),
    "an early end": np.vstack([counted(110), np.full((10, 6), np.nan)]),
}


@pytest.mark.parametrize("what", ODD_OTHERS)
def test_whatever_another_statistic_holds_every_region_has_a_finite_forecast(what: str) -> None:
    pool = replace(pool_of(counted(40)), others=(pool_of(ODD_OTHERS[what], start=START - pd.Timedelta(weeks=80)),))
    found = pooled().forecast_pool(pool, 10)
    assert list(found) == list(pool.regions)
    assert all(one.is_finite and (one.values >= 0).all() for one in found.values())


@pytest.mark.parametrize(("rows", "learned"), [(2, False), (3, True), (20, True)])
def test_a_few_weeks_learn_from_another_statistic_as_soon_as_they_have_a_course(rows: int, learned: bool) -> None:
    alone = pool_of(counted(rows))
    beside = replace(alone, others=(pool_of(counted(120), start=START - pd.Timedelta(weeks=120 - rows)),))
    assert pooled().forecast_pool(alone, 4)["0"].method.startswith("Shared trend")
    assert pooled().forecast_pool(beside, 4)["0"].method.startswith("Trees and regressions") == learned


def test_another_statistic_that_cannot_be_read_costs_the_forecast_nothing() -> None:
    pool = pool_of(counted(60))
    nothing = replace(pool, values=np.full(pool.values.shape, np.nan))
    alone, beside = (pooled().forecast_pool(one, 4)["0"] for one in (pool, replace(pool, others=(nothing,))))
    np.testing.assert_array_equal(alone.values, beside.values)


def test_amounts_that_have_nothing_in_common_are_forecast_one_by_one_and_it_says_so() -> None:
    random = np.random.default_rng(3)
    apart = 1e3 * np.exp(np.cumsum(random.normal(0, 0.1, (80, 20)), axis=0))
    together = 1e3 * counted(80, regions=20, level=3.0)
    found = {}
    for name, figures in (("apart", apart), ("together", together)):
        pool = replace(pool_of(figures), kind=AMOUNT)
        found[name] = pooled().forecast_pool(pool, 4)["3"]
        alone = model("ets").forecast(prepared_series(pool)["3"], 4)
        assert np.array_equal(found[name].values, alone.values) == (name == "apart")
    assert NOTHING_IN_COMMON in found["apart"].notes
    assert NOTHING_IN_COMMON not in found["together"].notes


@pytest.mark.parametrize(("weeks", "older"), [(40, 20), (60, 0), (80, 0)])
def test_rows_of_another_statistic_that_ended_earlier_are_older(weeks: int, older: int) -> None:
    asked = pool_of(counted(60))
    table = _learned_table(pool_of(counted(weeks)), asked.dates[-1])
    assert table is not None
    assert table.ended == older
