"""What the pooled model is made of, on tables of which one knows what should come."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sweeps import examples

from forecasting.models._pooled_expert_weights import ORIGINS, forecast_table
from forecasting.models._pooled_experts import (
    KEPT_STATES,
    MOST_REGRESSED,
    _autoregressions,
    alone_filter,
    expert_forecasts,
    fourth_root,
    level_filter,
    smooth_each_alone,
    typical_shock,
)

pytestmark = [pytest.mark.filterwarnings("error::RuntimeWarning"), pytest.mark.usefixtures("few_trees")]
YEAR = 52


def counted(seed: int, course: np.ndarray, regions: int = 20) -> np.ndarray:
    """Poisson counts of regions of many sizes around a course (rows, or rows × regions) of logarithms."""
    random = np.random.default_rng(seed)
    course = course - course.mean(axis=0)
    size = np.exp(random.normal(3.5, 1.0, regions))
    return random.poisson(size * np.exp(course.reshape(len(course), -1))).astype(float)


def waves(seed: int, rows: int = 60, regions: int = 1) -> np.ndarray:
    """Growth that lasts for five rows, and then is another."""
    growth = np.random.default_rng(seed).normal(0, 0.25, (rows // 5, regions))
    return np.cumsum(np.repeat(growth, 5, axis=0), axis=0)


def seasons(rows: int) -> np.ndarray:
    return 1.5 * np.sin(2 * np.pi * np.arange(rows) / YEAR)


@settings(max_examples=examples(25), deadline=None)
@given(
    seed=st.integers(0, 1000),
    rows=st.integers(1, 45),
    spans=st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1), st.booleans()), min_size=1, max_size=5),
    horizon=st.integers(1, 30),
    year=st.sampled_from([None, 4, 12]),
)
def test_whatever_there_is_gives_finite_means_positive_spreads_and_weights_that_sum_to_one(
    seed: int, rows: int, spans: list[tuple[float, float, bool]], horizon: int, year: int | None
) -> None:
    table = np.full((rows, len(spans)), np.nan)
    for place, (one, other, silent) in enumerate(spans):
        first, last = sorted((int(one * (rows - 1)), int(other * (rows - 1))))
        table[first : last + 1, place] = 0 if silent else np.random.default_rng(seed).poisson(30, last + 1 - first)
    table = table[np.isfinite(table).any(axis=1).argmax() :]
    learned = forecast_table(table, (), horizon, year)
    assert learned.mean.shape == learned.spread.shape == (len(spans), horizon)
    assert np.isfinite(learned.mean).all()
    assert np.isfinite(learned.spread).all()
    assert (learned.mean >= 0).all()
    assert (learned.spread > 0).all()
    assert sum(learned.weights.values()) == pytest.approx(1)
    assert 0 <= learned.trust <= 1


def test_the_order_of_the_regions_does_not_matter() -> None:
    table = counted(1, waves(1))
    table[:20, 3], table[50:, 5] = np.nan, np.nan
    order = np.random.default_rng(0).permutation(table.shape[1])
    straight, mixed = forecast_table(table, (), 6, None), forecast_table(table[:, order], (), 6, None)
    np.testing.assert_allclose(mixed.mean, straight.mean[order], rtol=1e-10)
    np.testing.assert_allclose(mixed.spread, straight.spread[order], rtol=1e-10)


@pytest.mark.parametrize("near", [1, 3, 12])
def test_looking_further_ahead_does_not_change_what_is_near(near: int) -> None:
    table = counted(2, waves(2), regions=5)
    short, long = forecast_table(table, (), near, None), forecast_table(table, (), 30, None)
    assert short.trust == long.trust
    assert short.weights == long.weights
    np.testing.assert_array_equal(short.mean, long.mean[:, :near])
    np.testing.assert_array_equal(short.spread, long.spread[:, :near])


def test_trust_is_earned_where_regions_move_together_and_lost_where_each_goes_its_own_way() -> None:
    together = forecast_table(counted(4, waves(4)), (), 4, None).trust
    apart = forecast_table(counted(4, waves(4, regions=20)), (), 4, None).trust
    assert together > 0.6
    assert apart < 0.5


@pytest.mark.parametrize("rows", [1, 2])
def test_before_anything_is_known_trust_is_a_half_and_all_experts_are_equal(rows: int) -> None:
    learned = forecast_table(counted(3, waves(3))[:rows], (), 4, None)
    assert learned.trust == 0.5
    assert learned.origins == 0
    assert len(set(learned.weights.values())) == 1


def test_a_season_of_three_years_is_forecast_better_by_who_knows_the_year() -> None:
    counts = counted(4, seasons(3 * YEAR), regions=8)
    came = fourth_root(counts[-10:]).T
    wrong = {year: np.abs(forecast_table(counts[:-10], (), 10, year).mean - came).mean() for year in (None, YEAR)}
    assert wrong[YEAR] < 0.85 * wrong[None]


def test_two_regions_with_the_same_figures_have_the_same_forecast() -> None:
    table = counted(5, waves(5))
    learned = forecast_table(np.column_stack([table, table[:, 7]]), (), 5, None)
    np.testing.assert_array_equal(learned.mean[-1], learned.mean[7])
    np.testing.assert_array_equal(learned.spread[-1], learned.spread[7])


def test_what_all_do_together_carries_a_region_on_that_is_too_small_to_tell_by_itself() -> None:
    course = np.concatenate([np.zeros(20), np.arange(10) * 0.2])
    table = np.exp(course)[:, None] * np.full(30, 1000.0)
    table[:, 0] = np.where(np.arange(30) % 2, 2.0, 3.0)
    alone, among = forecast_table(table[:, :1], (), 1, None), forecast_table(table, (), 1, None)
    assert among.mean[0, 0] > alone.mean[0, 0]


def test_a_region_of_zeros_stays_at_zero_and_one_without_noise_where_it_is() -> None:
    table = np.column_stack([np.zeros(40), np.full(40, 81.0)])
    learned = forecast_table(table, (), 20, None)
    np.testing.assert_allclose(learned.mean, [[0.0] * 20, [3.0] * 20], atol=1e-9)
    assert (learned.spread**4 < 1).all()


def test_a_newcomer_takes_no_weight_from_anybody() -> None:
    # While it has not begun, autoregressions know as little of it as all others do: that is no error of theirs.
    table = counted(6, 0.4 * np.sin(np.arange(60) * 2 * np.pi / 20), regions=6)
    newcomers = np.full((60, 6), np.nan)
    newcomers[45:] = 400.0
    before, after = (
        forecast_table(table, (), 4, None).weights,
        forecast_table(np.hstack([table, newcomers]), (), 4, None).weights,
    )

    def regressed(weights: dict[str, float]) -> float:
        return sum(weight for name, weight in weights.items() if name.startswith("auto"))

    assert regressed(before) > 0.5
    assert regressed(after) > 0.5


def test_a_region_that_begins_when_another_has_ended_is_forecast_like_all() -> None:
    table = np.full((40, 2), np.nan)
    table[:20, 0], table[22:, 1] = 50.0, 70.0
    learned = forecast_table(table, (), 4, None)
    np.testing.assert_allclose(learned.mean**4, [[50.0] * 4, [70.0] * 4], rtol=1e-6)


def test_a_region_that_ended_earlier_is_forecast_from_its_own_end_and_level() -> None:
    table = np.full((50, 4), 625.0)
    table[40:, 0] = np.nan
    table[:, 0] /= 16
    learned = forecast_table(table, (), 20, None)
    np.testing.assert_allclose(learned.mean[0], 2.5, rtol=0.01)


def test_without_earlier_tables_the_newest_one_is_cut() -> None:
    table = counted(7, waves(7), regions=5)
    cutoffs = [table[:rows] for rows in range(max(2, len(table) - ORIGINS), len(table))]
    ours, theirs = forecast_table(table, (), 5, None), forecast_table(table, cutoffs, 5, None)
    assert ours.origins == len(cutoffs)
    np.testing.assert_array_equal(ours.mean, theirs.mean)
    np.testing.assert_array_equal(ours.spread, theirs.spread)


def test_before_the_first_that_was_published_the_newest_one_is_cut_and_of_two_of_a_length_the_later_counts() -> None:
    table = counted(7, waves(7), regions=5)
    cutoffs = [table[:rows] for rows in range(max(2, len(table) - ORIGINS), len(table))]
    ours, theirs = forecast_table(table, (), 5, None), forecast_table(table, [3 * cutoffs[-2], *cutoffs[-2:]], 5, None)
    assert theirs.origins == ours.origins
    np.testing.assert_array_equal(ours.mean, theirs.mean)


def test_last_rows_that_are_always_published_too_low_are_raised_by_what_became_of_them() -> None:
    table = np.full((60, 8), 625.0)
    cutoffs = [table[:rows].copy() for rows in range(30, len(table))]
    for cut in cutoffs:
        cut[-1] *= 0.8
    late = table.copy()
    late[-1] *= 0.8
    taken_at_its_word = forecast_table(late, (), 4, None).mean[:, 0] ** 4
    raised = forecast_table(late, cutoffs, 4, None).mean[:, 0] ** 4
    assert (taken_at_its_word < 0.93 * 625).all()
    np.testing.assert_allclose(raised, 625, rtol=0.05)


def test_revisions_of_few_or_small_regions_correct_nothing() -> None:
    for table in (np.full((60, 4), 625.0), np.full((60, 8), 4.0)):
        cutoffs = [table[:rows].copy() for rows in range(30, len(table))]
        for cut in cutoffs:
            cut[-1] *= 0.8
        late = table.copy()
        late[-1] *= 0.8
        below = forecast_table(late, cutoffs, 4, None).mean[:, 0] ** 4
        assert (below < 0.99 * table[0, 0]).all()


def test_tables_as_long_as_the_newest_or_longer_say_nothing_of_what_came_after_them() -> None:
    table = counted(8, waves(8), regions=5)
    cutoffs = [table[:rows] for rows in range(40, len(table))]
    later = [*cutoffs, table * 2, np.vstack([table, table])]
    ours, theirs = forecast_table(table, cutoffs, 5, None), forecast_table(table, later, 5, None)
    assert ours.weights == theirs.weights
    np.testing.assert_array_equal(ours.mean, theirs.mean)


def test_figures_that_were_published_too_low_widen_the_bands() -> None:
    table = np.full((50, 8), 625.0)
    cutoffs = [table[:rows].copy() for rows in range(30, len(table))]
    settled = forecast_table(table, cutoffs, 4, None)
    for cut in cutoffs:
        cut[-1] *= 0.5
    assert forecast_table(table, cutoffs, 4, None).spread[:, 0].mean() > 1.2 * settled.spread[:, 0].mean()


def test_a_region_that_was_missing_in_the_last_row_of_earlier_tables_is_no_error_of_those_that_need_it() -> None:
    table = counted(10, waves(10), regions=6)
    cutoffs = [table[:rows].copy() for rows in range(40, len(table))]
    all_there = forecast_table(table, cutoffs, 4, None)
    for cut in cutoffs:
        cut[-1, 0] = np.nan
    late = forecast_table(table, cutoffs, 4, None)
    np.testing.assert_allclose(late.spread[1:], all_there.spread[1:], rtol=0.15)


@pytest.mark.sweep
@pytest.mark.parametrize("revised", [0, 2, KEPT_STATES + 3])
@pytest.mark.parametrize("further", [1, KEPT_STATES + 1])
def test_a_filter_that_goes_on_where_the_table_before_ended_gives_the_same_numbers_as_one_that_begins(
    revised: int, further: int
) -> None:
    newest = counted(8, waves(8, rows=45, regions=20))
    newest[:9, 3], newest[-3:, 4] = np.nan, np.nan
    tables = [newest[:rows].copy() for rows in range(20, len(newest), further)]
    for table in tables:
        table[len(table) - revised :] *= 0.9
    levels, alone = level_filter(), alone_filter()
    for table in [*tables, newest]:
        for name, mean in expert_forecasts(table, 4, YEAR, (), levels).items():
            np.testing.assert_array_equal(mean, expert_forecasts(table, 4, YEAR, ())[name])
        for name, mean in smooth_each_alone(table, 4, alone).items():
            np.testing.assert_array_equal(mean, smooth_each_alone(table, 4)[name])


def test_a_shock_is_a_share_of_large_counts_and_noise_of_small_ones() -> None:
    sizes = np.array([0.0, 1.0, 100.0, 1e6])
    relative = typical_shock(sizes) / np.maximum(fourth_root(sizes), 1.0)
    assert (np.diff(relative) <= 0).all()
    assert relative[-1] == pytest.approx(1.25**0.25 - 1, rel=0.01)


def test_autoregressions_of_a_very_long_table_learn_from_its_last_blocks() -> None:
    """Series of decades took minutes, and what they did then says little of now."""
    values = np.cumsum(np.random.default_rng(4).normal(size=(MOST_REGRESSED + 80, 3)), axis=0)
    long, short = (_autoregressions(one, 4, None, []) for one in (values, values[80:]))
    assert list(long) == list(short)
    for name, forecast in long.items():
        np.testing.assert_array_equal(forecast, short[name])
