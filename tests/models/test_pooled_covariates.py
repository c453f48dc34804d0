"""Covariates of a pool: one that leads the counts helps, one that does not costs nothing, and none knows the future."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pandas as pd
import pytest

from forecasting.data.forecast import Forecast
from forecasting.data.frequency import frequency_of_alias
from forecasting.data.pool import Pool, Snapshot
from forecasting.evaluation.scores import weighted_interval_score
from forecasting.models import model
from forecasting.models._pooled_expert_weights import forecast_table
from forecasting.models._pooled_experts import LEAST_BLOCKS, WITH_COVARIATES, expert_forecasts
from forecasting.models.base import PooledModel

pytestmark = [pytest.mark.filterwarnings("error::RuntimeWarning"), pytest.mark.usefixtures("few_trees")]
ROWS, REGIONS, LEADS = 88, 12, 2
#: The row from which on a covariate is not known, where it has stopped, or is poisoned.
STOPS = ROWS - 20


def simulated(seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Counts whose regions go their own ways, the log of what they will be two periods later, and noise."""
    random = np.random.default_rng(seed)
    course = np.zeros((ROWS + LEADS, REGIONS))
    for row in range(1, len(course)):
        course[row] = 0.9 * course[row - 1] + random.normal(0, 0.25, REGIONS)
    counts = random.poisson(np.exp(4.5 + random.normal(0, 0.7, REGIONS) + course[:ROWS])).astype(float)
    return counts, 300 + 40 * course[LEADS:], random.normal(size=counts.shape)


def pool_of(counts: np.ndarray, alias: str = "W-SAT", **covariates: np.ndarray) -> Pool:
    start = pd.date_range("2021-01-01", periods=1, freq=alias)[0]
    regions = tuple(f"Region {place:02d}" for place in range(counts.shape[1]))
    spans = ((0, len(counts)),) * len(regions)
    return Pool(frequency_of_alias(alias), start, regions, counts, False, {}, spans, covariates=covariates)


def forecasts(pool: Pool, horizon: int = 4) -> dict[str, Forecast]:
    pooled = model("pooled")
    assert isinstance(pooled, PooledModel)
    return pooled.forecast_pool(pool, horizon)


@cache
def plain() -> dict[str, Forecast]:
    """Those of the simulated counts alone."""
    return forecasts(pool_of(simulated()[0]))


@cache
def led() -> dict[str, Forecast]:
    """Those of the same with the covariate that leads them."""
    counts, leading, _ = simulated()
    return forecasts(pool_of(counts, leading=leading))


def wis(counts: np.ndarray, **covariates: np.ndarray) -> float:
    """The mean of two periods ahead, from two rows near the end."""
    scores = []
    for row in (ROWS - 8, ROWS - 5):
        known = {name: one[:row] for name, one in covariates.items()}
        for place, forecast in enumerate(forecasts(pool_of(counts[:row], **known), LEADS).values()):
            scores.append(weighted_interval_score(forecast.values, counts[row : row + LEADS, place]).mean())
    return float(np.mean(scores))


def assert_same(one: dict[str, Forecast], other: dict[str, Forecast]) -> None:
    assert list(one) == list(other)
    for region, forecast in one.items():
        for table in ("values", "totals", "means"):
            np.testing.assert_array_equal(getattr(forecast, table), getattr(other[region], table))


def test_a_covariate_that_leads_the_counts_makes_forecasts_better_and_noise_makes_them_hardly_any_different() -> None:
    counts, leading, noise = simulated()
    without = wis(counts)
    assert wis(counts, leading=leading) < 0.7 * without
    assert wis(counts, noise=noise) == pytest.approx(without, rel=0.03)
    assert wis(counts, leading=leading, noise=noise) < 0.7 * without


def test_a_covariate_in_days_is_used_week_by_week_counted_back_from_the_end() -> None:
    counts, leading, _ = simulated(1)
    days = np.repeat(counts, 7, axis=0) / 7
    daily = np.repeat(leading, 7, axis=0)
    cut = forecasts(pool_of(days[:-3], "D", leading=daily[:-3]))["Region 00"]
    assert float(cut.method.split("with covariates ")[1].split(" %")[0]) > 90
    one_day_a_week = np.where(np.arange(len(days))[:, None] % 7 == 2, daily, np.nan)
    expected = forecast_table(counts, (), 3, 52, (leading,)).mean[:, 1] ** 4
    there = forecasts(pool_of(days, "D", leading=one_day_a_week), 14).values()
    np.testing.assert_allclose([one.median[7:].sum() for one in there], expected, rtol=0.25)


def test_without_covariates_or_with_none_that_can_be_used_the_numbers_are_the_same() -> None:
    counts, leading, _ = simulated()
    assert_same(forecasts(replace(pool_of(counts, leading=leading), covariates={})), plain())
    assert_same(forecasts(pool_of(counts, flat=np.full_like(counts, 3.0), empty=np.full_like(counts, np.nan))), plain())
    one, other = forecast_table(counts, (), 4, 52), forecast_table(counts, (), 4, 52, ())
    np.testing.assert_array_equal(one.mean, other.mean)
    np.testing.assert_array_equal(one.spread, other.spread)
    assert WITH_COVARIATES not in one.weights


def test_at_an_earlier_origin_only_what_was_known_by_then_is_used() -> None:
    counts, leading, _ = simulated()
    poisoned = np.where(np.arange(ROWS)[:, None] < STOPS, leading, 1e9)
    then, clean = (expert_forecasts(counts[:STOPS], 4, 52, (one,)) for one in (poisoned, leading))
    assert WITH_COVARIATES in then
    for name, mean in then.items():
        np.testing.assert_array_equal(mean, clean[name])


def test_rows_after_a_region_s_own_end_do_not_matter() -> None:
    counts, leading, _ = simulated()
    counts[-6:, 3] = np.nan
    poisoned = leading.copy()
    poisoned[-6:, 3] = 1e9
    known = replace(pool_of(counts), spans=tuple((0, ROWS - 6 * (place == 3)) for place in range(REGIONS)))
    assert_same(
        forecasts(replace(known, covariates={"one": leading})), forecasts(replace(known, covariates={"one": poisoned}))
    )


def test_a_covariate_that_has_stopped_for_most_regions_is_left_out_with_a_sentence() -> None:
    counts, leading, _ = simulated()
    stopped = leading.copy()
    stopped[STOPS:, 2:] = np.nan
    pool = pool_of(counts, mobility=stopped)
    there = forecasts(pool)
    assert_same(there, plain())
    last = pool.dates[STOPS - 1]
    (note,) = there["Region 00"].notes
    assert note == f"'mobility' ends on {last.day} {last:%b %Y}, so it is not used."
    assert all(forecast.notes == (note,) for forecast in there.values())


def test_where_a_covariate_has_stopped_for_few_regions_the_others_use_it_and_all_have_forecasts() -> None:
    counts, leading, _ = simulated()
    stopped = leading.copy()
    stopped[STOPS:, :2] = np.nan
    there = forecasts(pool_of(counts, leading=stopped))
    for region, forecast in there.items():
        assert np.isfinite(forecast.values).all()
        assert not forecast.notes
        if region not in ("Region 00", "Region 01"):
            np.testing.assert_allclose(forecast.median, led()[region].median, rtol=0.1)
    assert not np.allclose(there["Region 05"].median, plain()["Region 05"].median, rtol=0.01)


def test_a_gap_in_a_covariate_s_past_is_no_harm() -> None:
    counts, leading, _ = simulated()
    gaps = np.where(np.random.default_rng(0).uniform(size=leading.shape) < 0.1, np.nan, leading)
    gaps[-1], gaps[-2] = leading[-1], np.nan
    assert forecast_table(counts, (), 4, 52, (gaps,)).weights[WITH_COVARIATES] > 0.9


@pytest.mark.parametrize(
    ("figures", "why"),
    [
        (np.tile(np.arange(REGIONS) * 100.0, (ROWS, 1)), "never changes in any region"),
        (np.full((ROWS, REGIONS), np.nan), "has no figure in this time"),
        (
            np.where(np.arange(REGIONS) < 2, np.arange(ROWS)[:, None] * 1.0, np.nan),
            f"is known of 2 of {REGIONS} regions only",
        ),
    ],
)
def test_a_covariate_that_says_nothing_is_left_out_with_a_sentence(figures: np.ndarray, why: str) -> None:
    counts, leading, _ = simulated()
    there = forecasts(pool_of(counts, leading=leading, other=figures))
    assert_same(there, led())
    assert there["Region 03"].notes == (f"'other' {why}, so it is not used.",)


def test_covariates_of_different_regions_are_not_mixed_until_nothing_is_left() -> None:
    counts, leading, noise = simulated()
    here, there = np.arange(REGIONS) < 8, np.arange(REGIONS) >= 4
    both = pool_of(counts, a=np.where(here, leading, np.nan), b=np.where(there, noise, np.nan))
    assert forecasts(both)["Region 05"].notes == (
        "'b' is known of other regions than the covariates before it, so it is not used.",
    )
    assert_same(forecasts(both), forecasts(pool_of(counts, a=both.covariates["a"])))


def test_before_half_a_year_of_weeks_no_covariate_is_used_which_is_said() -> None:
    counts, leading, _ = simulated()
    few = slice(0, LEAST_BLOCKS - 1)
    there = forecasts(pool_of(counts[few], a=leading[few], b=leading[few]))
    assert_same(there, forecasts(pool_of(counts[few])))
    assert there["Region 00"].notes == ("Before there are 26 weeks of figures 'a' and 'b' cannot be used.",)


def test_an_error_of_the_last_moment_in_a_covariate_does_not_run_away() -> None:
    counts, leading, _ = simulated()
    typo = leading.copy()
    typo[-1, 4] = 1e12
    there = forecasts(pool_of(counts, one=typo))["Region 04"]
    assert np.isfinite(there.values).all()
    assert there.median.max() < 10 * counts[:, 4].max()


def test_the_order_of_regions_and_the_unit_of_a_covariate_do_not_matter() -> None:
    counts, leading, _ = simulated()
    order = np.random.default_rng(0).permutation(REGIONS)
    straight = forecast_table(counts, (), 4, 52, (leading,))
    mixed = forecast_table(counts[:, order], (), 4, 52, (1000 * leading[:, order] - 5,))
    np.testing.assert_allclose(mixed.mean, straight.mean[order], rtol=1e-8)
    np.testing.assert_allclose(mixed.spread, straight.spread[order], rtol=1e-8)


def test_they_are_weighed_at_the_dates_of_earlier_vintages_too() -> None:
    counts, leading, _ = simulated()
    earlier = tuple(
        Snapshot(pd.Timestamp("2021-01-01"), np.vstack([counts[: row - 1], 0.8 * counts[row - 1 : row]]))
        for row in range(ROWS - 30, ROWS)
    )
    there = forecasts(replace(pool_of(counts, leading=leading), snapshots=earlier))["Region 00"]
    assert float(there.method.split("with covariates ")[1].split(" %")[0]) > 90
