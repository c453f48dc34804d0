"""Boosted trees on a table of regions whose course is known."""

import numpy as np
import pytest

from forecasting.data.forecast import QUANTILES
from forecasting.models import _pooled_boosting as boosting
from forecasting.models._pooled_features import MOST_AHEAD, Standardised, features_of
from forecasting.models._pooled_training import training_rows
from forecasting.models.predictive import error_quantiles

YEAR = 52


def waves(blocks: int, regions: int = 20, noise: float = 0.05) -> np.ndarray:
    """Regions of different sizes with one peak a year, at nearly the same time."""
    rng = np.random.default_rng(5)
    sizes, weeks = np.exp(rng.normal(5, 1, regions)), np.arange(blocks)[:, None]
    late = rng.normal(0, 1.5, regions)
    course = np.exp(1.5 * np.cos(2 * np.pi * (weeks - 26 - late) / YEAR))
    return np.round(sizes * course * np.exp(noise * rng.normal(size=(blocks, regions))))


def fit(table: np.ndarray, published: list[np.ndarray] | None = None) -> tuple[np.ndarray, np.ndarray]:
    found = boosting.boosted_forecast(published or [], table, YEAR, error_quantiles())
    assert found is not None
    return found


def test_trees_go_on_with_a_wave_that_earlier_years_have_shown():
    whole = waves(200)
    known, came = whole[:180], np.sqrt(np.sqrt(whole[180 : 180 + MOST_AHEAD].T))
    mean, spread = fit(known)
    unchanged = np.abs(np.sqrt(np.sqrt(known[-1]))[:, None] - came).mean()
    assert np.abs(mean - came).mean() < unchanged / 2
    assert (spread > 0).all()


def test_half_of_what_comes_is_within_the_band_of_50_percent():
    held = []
    for end in range(140, 190, 10):
        whole = waves(200, noise=0.2)
        mean, spread = fit(whole[:end])
        came = np.sqrt(np.sqrt(whole[end : end + 4].T))
        half = error_quantiles()[QUANTILES.index(0.75)]
        held.append(np.abs(came - mean[:, :4]) <= half * spread[:, :4])
    assert 0.35 < np.mean(held) < 0.65


def test_less_than_a_year_is_left_to_the_experts():
    assert boosting.boosted_forecast([], waves(boosting.LEAST_BLOCKS - 1), YEAR, error_quantiles()) is None
    assert boosting.boosted_forecast([], waves(150, regions=2), YEAR, error_quantiles()) is None


def test_a_region_that_ended_before_the_others_is_continued_from_its_own_end():
    table = waves(180)
    table[-30:, 0] = np.nan
    mean, _ = fit(table)
    assert mean[0, 0] == pytest.approx(table[149, 0] ** 0.25, rel=0.1)


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
    roots = Standardised.of(newest)
    rows = training_rows([then], newest, roots, YEAR)
    of_then = (rows.age == 20) & (rows.ahead == 1) & (rows.region == 3)
    grown = ((newest[100, 3] + 0.5) ** 0.25 - (then[-1, 3] + 0.5) ** 0.25) / Standardised.of(then).spread[3]
    assert rows.change[of_then] == pytest.approx([grown])
    assert rows.counts[of_then] > rows.counts[(rows.age == 20 + 1) & (rows.ahead == 1) & (rows.region == 3)]


def test_features_look_at_nothing_that_comes_later():
    table = waves(150)
    cut = features_of(Standardised.of(table).values[:100], np.array([99]), YEAR)
    whole = features_of(Standardised.of(table).values, np.array([99]), YEAR)
    np.testing.assert_allclose(cut.own, whole.own)
    np.testing.assert_allclose(cut.shared, whole.shared)
    np.testing.assert_allclose(cut.by_horizon, whole.by_horizon)


def test_the_same_table_gives_the_same_forecast():
    table = waves(110)
    np.testing.assert_array_equal(fit(table)[0], fit(table)[0])


def test_inputs_that_are_unknown_or_equal_in_all_rows_of_a_bag_are_no_harm():
    table = np.tile(np.array([3.0, 40.0, 500.0]), (200, 4))
    table[:, 0] = np.arange(200) % 3
    mean, spread = fit(table)
    assert np.isfinite(mean).all()
    assert np.isfinite(spread).all()
    assert mean[1, 0] == pytest.approx(40**0.25, rel=0.02)
    short, _ = fit(waves(YEAR + 1))
    assert np.isfinite(short).all()
