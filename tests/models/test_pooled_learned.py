"""What is learned from all rows of tables whose course is known: trees, regressions, and tables of other statistics."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from sweeps import examples

from forecasting.data.forecast import QUANTILES
from forecasting.models import _pooled_learned as learning
from forecasting.models._pooled_boosting import boosted, expected_logs
from forecasting.models._pooled_features import MOST_AHEAD, STEPS, Calendar, Features, Standardised, features_of
from forecasting.models._pooled_ridge import ridge
from forecasting.models._pooled_training import LearnedTable, Learner, Said, TrainingRows, rows_of_tables, training_rows
from forecasting.models.predictive import error_quantiles

YEAR = 52
NEAR = STEPS[0]


def waves(blocks: int, regions: int = 20, noise: float = 0.05) -> np.ndarray:
    """Regions of different sizes with one peak a year, at nearly the same time."""
    rng = np.random.default_rng(5)
    sizes, weeks = np.exp(rng.normal(5, 1, regions)), np.arange(blocks)[:, None]
    late = rng.normal(0, 1.5, regions)
    course = np.exp(1.5 * np.cos(2 * np.pi * (weeks - 26 - late) / YEAR))
    return np.round(sizes * course * np.exp(noise * rng.normal(size=(blocks, regions))))


def learned_table(counts: np.ndarray, published: Sequence[np.ndarray] = (), first_week: int = 0) -> LearnedTable:
    passed = (first_week + np.arange(len(counts))) / YEAR % 1.0
    return LearnedTable(counts, published, Calendar.of(YEAR, passed, counts))


def fit(counts: np.ndarray, *others: LearnedTable) -> tuple[np.ndarray, np.ndarray]:
    found = learning.learned_forecast([learned_table(counts), *others], error_quantiles())
    assert found is not None
    return found


def root(counts: np.ndarray) -> np.ndarray:
    return np.sqrt(np.sqrt(counts.T))


@pytest.mark.parametrize(
    "learner", [boosted(True, 0), boosted(False, 0), ridge(100.0, 1.0)], ids=["season", "regions", "ridge"]
)
def test_each_learner_goes_on_with_a_wave_that_earlier_years_have_shown(monkeypatch, learner: Learner):
    monkeypatch.setattr(learning, "LEARNERS", (learner,))
    whole = waves(200)
    known, came = whole[:180], root(whole[180 : 180 + MOST_AHEAD])
    mean, spread = fit(known)
    unchanged = np.abs(root(known[-1:]) - came).mean()
    assert np.abs(mean - came).mean() < 0.55 * unchanged
    assert (spread > 0).all()


def test_a_table_of_a_few_weeks_learns_from_another_statistic_with_years():
    """The other one has its wave at the same time of the year and another size."""
    whole, first, end = waves(200), 150, 170
    other, short = learned_table(7 * whole[:end]), whole[first:end]
    came = root(whole[end : end + 4])
    own = learned_table(short, first_week=first)
    assert learning.learned_forecast([own], error_quantiles()) is None
    found = learning.learned_forecast([own, other], error_quantiles())
    assert found is not None
    assert found[0].shape == (20, MOST_AHEAD)
    unchanged = np.abs(root(short[-1:]) - came).mean()
    assert np.abs(found[0][:, :4] - came).mean() < unchanged / 2


def test_a_table_that_goes_otherwise_is_not_learned_from():
    """Beside waves, waves help; walks that come back to their mean at once do not, nor does a wave help those."""
    rng = np.random.default_rng(3)
    restless = learned_table(np.round(np.exp(5 + rng.normal(0, 0.6, (150, 20)))))
    short, long = learned_table(waves(200)[150:180], first_week=150), learned_table(waves(200)[:170])
    assert len(learning.tables_that_help([short, long])) == 2
    assert len(learning.tables_that_help([learned_table(waves(150)), restless])) == 1


def test_errors_with_and_without_other_tables_are_compared_on_the_same_rows(monkeypatch):
    """Alone it errs more wherever it says something, which is on half of its rows only."""
    own, other = learned_table(waves(60)), learned_table(waves(60))
    alone = len(training_rows(own, learning.TESTED_STEPS).change)

    def test(rows: TrainingRows, now: Features, ahead: np.ndarray) -> Said:
        is_alone = len(rows.change) == alone
        known = np.where((np.arange(len(rows.change)) % 2 == 0) | (not is_alone), 1.0, np.nan)
        return Said(ahead, (rows.change - (1.5 if is_alone else 1.0)) * known, ahead, ahead)

    monkeypatch.setattr(learning, "TEST", test)
    assert len(learning.tables_that_help([own, other])) == 2


def test_a_table_that_cannot_be_learned_from_alone_takes_every_help():
    few, long = learned_table(waves(200)[150:154], first_week=150), learned_table(waves(200)[:170])
    assert len(learning.tables_that_help([few, long])) == 2


def test_rows_of_a_table_that_ended_earlier_are_older():
    table = learned_table(waves(60))
    ages = training_rows(replace(table, ended=30), NEAR).age
    assert ages.min() == training_rows(table, NEAR).age.min() + 30


def test_a_large_region_says_more_of_all_together_than_a_small_one():
    counts = np.full((80, 3), 100.0)
    counts[:, 0] = 10_000.0
    rising = counts.copy()
    rising[60:, 0] *= 2
    small = counts.copy()
    small[60:, 1] *= 2
    change = [np.ptp(Standardised.of(table).together) for table in (rising, small)]
    assert change[0] > 10 * change[1]


def test_a_region_that_begins_later_does_not_make_all_together_jump():
    counts = np.full((80, 3), 100.0)
    counts[:40, 2] = np.nan
    assert np.ptp(Standardised.of(counts).together) == pytest.approx(0.0, abs=1e-9)


def test_half_of_what_comes_is_within_the_band_of_50_percent():
    held = []
    for end in range(140, 190, 50 // examples(5, fewest=2)):
        whole = waves(200, noise=0.2)
        mean, spread = fit(whole[:end])
        came = root(whole[end : end + 4])
        half = error_quantiles()[QUANTILES.index(0.75)]
        held.append(np.abs(came - mean[:, :4]) <= half * spread[:, :4])
    assert 0.35 < np.mean(held) < 0.65


def test_less_than_a_year_is_left_to_the_experts():
    for counts in (waves(learning.LEAST_BLOCKS - 1), waves(150, regions=2)):
        assert learning.learned_forecast([learned_table(counts)], error_quantiles()) is None


@pytest.mark.usefixtures("few_trees")
def test_a_region_that_ended_before_the_others_is_continued_from_its_own_end():
    table = waves(180)
    table[-30:, 0] = np.nan
    mean, _ = fit(table)
    assert mean[0, 0] == pytest.approx(table[149, 0] ** 0.25, rel=0.1)


@pytest.mark.usefixtures("few_trees")
def test_regions_of_zeros_and_of_one_figure_are_forecast_and_nothing_is_infinite():
    table = waves(120)
    table[:, 0], table[:-1, 1], table[:, 2] = 0.0, np.nan, 7.0
    mean, spread = fit(table)
    assert np.isfinite(mean).all()
    assert np.isfinite(spread).all()
    assert mean[2] == pytest.approx(7**0.25, rel=0.1)


def test_a_row_that_was_published_lower_then_is_learned_from_as_it_was_then():
    newest = waves(120)
    then = newest[:100].copy()
    then[-1] *= 0.5
    rows = training_rows(learned_table(newest, [then]), NEAR)
    of_then = (rows.age == 20) & (rows.ahead == 1) & (rows.region == 3)
    grown = ((newest[100, 3] + 0.5) ** 0.25 - (then[-1, 3] + 0.5) ** 0.25) / Standardised.of(then).spread[3]
    assert rows.change[of_then] == pytest.approx([grown])
    assert rows.counts[of_then] > rows.counts[(rows.age == 20 + 1) & (rows.ahead == 1) & (rows.region == 3)]


def test_features_look_at_nothing_that_comes_later():
    table = waves(150)
    roots, calendar = Standardised.of(table), learned_table(table).calendar
    before = replace(roots, values=roots.values[:100], together=roots.together[:100])
    cut, whole = features_of(before, np.array([99]), calendar), features_of(roots, np.array([99]), calendar)
    np.testing.assert_allclose(cut.own, whole.own)
    np.testing.assert_allclose(cut.shared, whole.shared)
    np.testing.assert_allclose(cut.by_horizon, whole.by_horizon)


def test_the_highest_figure_is_looked_for_since_the_quietest_time_of_the_year():
    """In the middle of a rise the last season's peak does not count, however near it is."""
    table = waves(150, noise=0.0)
    roots, calendar = Standardised.of(table), learned_table(table).calendar
    rising, falling = np.array([2 * YEAR + 16]), np.array([2 * YEAR + 36])
    assert (features_of(roots, rising, calendar).own[0, :, -1] == 0).mean() > 0.9
    assert (features_of(roots, falling, calendar).own[0, :, -1] < -0.5).all()
    assert (features_of(roots, rising, Calendar()).own[0, :, -1] <= 0).all()


@pytest.mark.usefixtures("few_trees")
def test_near_blocks_do_not_depend_on_how_far_one_looks():
    table = [learned_table(waves(110))]
    near, far = (learning.learned_forecast(table, error_quantiles(), horizon) for horizon in (4, MOST_AHEAD))
    assert near is not None
    assert far is not None
    assert near[0].shape == (20, len(NEAR))
    for one, other in zip(near, far, strict=True):
        np.testing.assert_array_equal(one, other[:, : len(NEAR)])


def test_errors_that_are_larger_at_some_inputs_are_expected_there():
    rng = np.random.default_rng(2)
    inputs = rng.normal(size=(4000, 3))
    size = np.where(inputs[:, 1] > 0, 1.0, 0.2)
    logs = np.log(size * np.abs(rng.normal(size=4000)) + 0.03)
    asked = np.array([[0.0, 1.0, 0.0], [0.0, -1.0, np.nan]])
    wide, narrow = np.exp(expected_logs(inputs, logs, np.ones(4000), asked)[0])
    assert wide > 2.5 * narrow
    few = expected_logs(inputs[:50], logs[:50], np.ones(50), asked)[0]
    assert few == pytest.approx(np.full(2, logs[:50].mean()))


@pytest.mark.usefixtures("few_trees")
def test_the_same_table_gives_the_same_forecast():
    table = waves(110)
    np.testing.assert_array_equal(fit(table)[0], fit(table)[0])


@pytest.mark.usefixtures("few_trees")
def test_inputs_that_are_unknown_or_equal_in_all_rows_of_a_bag_are_no_harm():
    table = np.tile(np.array([3.0, 40.0, 500.0]), (200, 4))
    table[:, 0] = np.arange(200) % 3
    mean, spread = fit(table)
    assert np.isfinite(mean).all()
    assert np.isfinite(spread).all()
    assert mean[1, 0] == pytest.approx(40**0.25, rel=0.02)
    short, _ = fit(waves(YEAR + 1))
    assert np.isfinite(short).all()


def test_rows_of_several_tables_keep_their_regions_apart():
    one, other = learned_table(waves(60, regions=3)), learned_table(waves(70, regions=4))
    rows = rows_of_tables([one, other], NEAR)
    assert sorted(set(rows.region.tolist())) == list(range(7))
    assert len(rows.change) == len(training_rows(one, NEAR).change) + len(training_rows(other, NEAR).change)


def test_the_quietest_time_of_the_year_is_where_the_figures_are_lowest():
    quietest = learned_table(waves(156)).calendar.quietest  # the waves' peak is in the middle of the year
    assert min(quietest, 1 - quietest) < 4 / YEAR
