import numpy as np
import pandas as pd
import pytest
import scoringrules
from hypothesis import given, settings
from hypothesis import strategies as st
from sweeps import examples

from forecasting.data.columns import FORECASTS
from forecasting.data.forecast import QUANTILES
from forecasting.evaluation.forecast_tables import (
    count_crossings,
    pairwise_comparison,
    pit_histogram,
    score_forecasts,
    summarise_scores,
)
from forecasting.evaluation.scores import mase, probability_integral_transform, weighted_interval_score
from forecasting.support.errors import DataError, RequestError

ORIGIN = pd.Timestamp("2024-11-16")


def forecast(model, quantiles, region="A", horizon=1, origin=ORIGIN):
    """One cell from level -> value."""
    date = origin + pd.Timedelta(days=7 * horizon)
    rows = [(region, model, origin, horizon, date, level, value) for level, value in quantiles.items()]
    return pd.DataFrame(rows, columns=list(FORECASTS))


def came(*values, region="A", origin=ORIGIN):
    """The truth of the weeks after the origin."""
    dates = [origin + pd.Timedelta(days=7 * (1 + i)) for i in range(len(values))]
    return pd.DataFrame({"region": region, "date": dates, "value": list(values)})


def ladders(models=("a", "b"), regions=("A", "B"), horizons=3, seed=1):
    """Sorted random quantiles of many cells at the hub's levels, and a truth for them."""
    random = np.random.default_rng(seed)
    cells = [(model, region, horizon) for model in models for region in regions for horizon in range(1, horizons + 1)]
    tables = [
        forecast(model, dict(zip(QUANTILES, np.sort(random.gamma(2, 50, 23)), strict=True)), region, horizon)
        for model, region, horizon in cells
    ]
    truth = pd.concat([came(*random.gamma(2, 50, horizons).round(), region=region) for region in regions])
    return pd.concat(tables, ignore_index=True), truth.reset_index(drop=True)


SMALL = {0.25: 8.0, 0.5: 10.0, 0.75: 14.0}


def test_one_cell_has_the_scores_reckoned_by_hand():
    scores = score_forecasts(forecast("m", SMALL), came(16.0)).iloc[0]
    # Interval score: width 6, and 2 / 0.5 for each of the 2 above it; WIS = (|16 - 10| / 2 + 0.5 / 2 * 14) / 1.5.
    assert scores["wis"] == pytest.approx((6 / 2 + 0.25 * (6 + 4 * 2)) / 1.5)
    assert (scores["ae"], scores["se"], scores["coverage_50"]) == (6, 36, 0)
    assert scores["pit"] == pytest.approx(0.875)
    logs = {level: np.log1p(value) for level, value in SMALL.items()}
    assert scores["wis_log"] == pytest.approx(score_forecasts(forecast("m", logs), came(np.log1p(16.0)))["wis"].iloc[0])


def test_the_columns_are_those_of_the_contract_and_a_band_without_its_levels_is_unknown():
    scores = score_forecasts(forecast("m", SMALL), came(10.0))
    contract = "region,model,origin,horizon,wis,wis_log,ae,coverage_50,coverage_80,coverage_95"
    assert list(scores)[:10] == contract.split(",")
    assert scores["coverage_50"].tolist() == [1]
    assert scores[["coverage_80", "coverage_95"]].isna().all(axis=None)


def test_the_scores_are_made_of_scoringrules_quantile_and_interval_scores():
    # Not of its weighted_interval_score: without numba that of 0.10 adds the median itself in place of its error.
    forecasts, truth = ladders()
    scores = score_forecasts(forecasts, truth).merge(truth, on=["region", "date"])
    keys = ["region", "model", "origin", "horizon"]
    wide = forecasts.pivot(index=keys, columns="quantile", values="value").to_numpy()
    came, levels = scores["value"].to_numpy()[:, None], np.array(QUANTILES)
    by_quantile = 2 * scoringrules.quantile_score(came, wide, levels[None, :]).mean(axis=1)
    assert scores["wis"].to_numpy() == pytest.approx(by_quantile)
    alpha = 2 * levels[:11]
    bands = scoringrules.interval_score(came, wide[:, :11], wide[:, :11:-1], alpha[None, :]) @ (alpha / 2)
    assert scores["wis"].to_numpy() == pytest.approx((scores["ae"] / 2 + bands).to_numpy() / 11.5)


def test_a_perfect_forecast_scores_0():
    scores = score_forecasts(forecast("m", dict.fromkeys(QUANTILES, 7.0)), came(7.0)).iloc[0]
    assert scores[["wis", "wis_log", "ae", "se"]].tolist() == [0, 0, 0, 0]
    assert scores[["coverage_50", "coverage_80", "coverage_95"]].tolist() == [1, 1, 1]
    assert scores["pit"] == pytest.approx(0.5)


@settings(max_examples=examples(20), deadline=None)
@given(st.randoms(use_true_random=False))
def test_the_order_of_the_rows_changes_nothing(random):
    forecasts, truth = ladders()
    order = list(range(len(forecasts)))
    random.shuffle(order)
    shuffled = score_forecasts(forecasts.iloc[order], truth.iloc[::-1])
    pd.testing.assert_frame_equal(shuffled, score_forecasts(forecasts, truth))


@settings(max_examples=examples(20), deadline=None)
@given(st.floats(0.01, 1000))
def test_scores_grow_in_proportion_with_the_counts(factor):
    forecasts, truth = ladders()
    once = score_forecasts(forecasts, truth)
    larger = forecasts.assign(value=forecasts["value"] * factor)
    more = score_forecasts(larger, truth.assign(value=truth["value"] * factor))
    assert more["wis"].to_numpy() == pytest.approx(factor * once["wis"].to_numpy())
    assert more["ae"].to_numpy() == pytest.approx(factor * once["ae"].to_numpy())


def test_truth_of_other_regions_and_dates_changes_nothing():
    forecasts, truth = ladders()
    elsewhere = pd.concat([came(1e9, 1e9, 1e9, region="C"), came(1e9, origin=ORIGIN - pd.Timedelta(days=7))])
    poisoned = score_forecasts(forecasts, pd.concat([elsewhere, truth]))
    pd.testing.assert_frame_equal(poisoned, score_forecasts(forecasts, truth))


def test_cells_without_truth_are_left_out_and_counted():
    forecasts, truth = ladders(horizons=3)
    truth.loc[(truth["region"] == "A") & (truth["date"] == truth["date"].max()), "value"] = np.nan
    scores = score_forecasts(forecasts, truth)
    assert len(scores) == 10
    assert scores.attrs["without_truth"] == 2
    nothing = score_forecasts(forecasts, came(1.0, region="nowhere"))
    assert nothing.empty
    assert nothing.attrs["without_truth"] == 12
    assert score_forecasts(forecasts.iloc[:0], truth).empty


def test_models_with_other_levels_are_each_scored_on_their_own():
    few, many = forecast("few", SMALL), forecast("many", dict.fromkeys(QUANTILES, 9.0))
    together = score_forecasts(pd.concat([few, many]), came(16.0)).set_index("model")["wis"]
    assert together["few"] == score_forecasts(few, came(16.0))["wis"].iloc[0]
    assert together["many"] == pytest.approx(7)


@pytest.mark.parametrize("levels", [(0.25, 0.75), (0.1, 0.5), (0.1, 0.5, 0.8)])
def test_levels_that_are_not_symmetric_around_the_median_are_an_error(levels):
    with pytest.raises(DataError, match=r"m's forecast for A from 2024-11-16, horizon 1, has the quantiles 0\.\d+, "):
        score_forecasts(forecast("m", dict.fromkeys(levels, 1.0)), came(1.0))


def test_a_quantile_or_a_truth_given_twice_is_an_error():
    once = forecast("m", SMALL)
    with pytest.raises(DataError, match=r"has the quantile 0\.25 twice"):
        score_forecasts(pd.concat([once, once]), came(1.0))
    with pytest.raises(DataError, match="What came in A on 2024-11-23 is given twice"):
        score_forecasts(once, pd.concat([came(1.0), came(2.0)]))
    moved = once.assign(date=once["date"].where(once["quantile"] < 0.6, ORIGIN))
    with pytest.raises(DataError, match="two dates"):
        score_forecasts(moved, came(1.0))


def test_crossing_quantiles_are_counted_and_ties_are_none():
    forecasts = pd.concat(
        [
            forecast("ties", dict.fromkeys(QUANTILES, 3.0)),
            forecast("crossing", {0.25: 5.0, 0.5: 4.0, 0.75: 6.0}),
            forecast("around the gap", {0.01: 5.0, 0.5: 4.0, 0.99: 6.0}),
        ]
    )
    assert count_crossings(forecasts) == 2


def test_several_statistics_are_scored_and_summarised_apart():
    small, large = ladders(seed=1), ladders(seed=2)
    forecasts, truth = (
        pd.concat([table.assign(statistic=name) for name, table in zip(("x", "y"), pair, strict=True)])
        for pair in zip(small, large, strict=True)
    )
    summary = summarise_scores(score_forecasts(forecasts, truth), "a")
    assert summary["statistic"].tolist() == ["x", "x", "y", "y"]
    alone = summarise_scores(score_forecasts(*large), "a").set_index("model")
    both = summary[summary["statistic"] == "y"].set_index("model").drop(columns="statistic")
    pd.testing.assert_frame_equal(both, alone)


def cells(model, wis, first=1):
    """Scores of consecutive horizons whose every measure is `wis`."""
    table = pd.DataFrame({"region": "A", "model": model, "origin": ORIGIN, "horizon": range(first, first + len(wis))})
    return table.assign(
        **dict.fromkeys(["wis", "wis_log", "ae", "coverage_50", "coverage_80", "coverage_95"], wis)
    ).assign(date=ORIGIN, se=np.square(wis), pit=0.5)


def test_a_ratio_is_of_the_means_on_the_cells_that_both_have():
    # a and base share horizons 2 and 3 only: (2 + 4) / (3 + 9).
    scores = pd.concat([cells("a", [100.0, 2.0, 4.0]), cells("base", [3.0, 9.0, 1000.0], first=2)])
    summary = summarise_scores(scores, "base").set_index("model")
    assert summary.loc["a", ["relative_wis", "relative_wis_log", "common_cells", "cells"]].tolist() == [0.5, 0.5, 2, 3]
    assert summary.loc["base", "relative_wis"] == 1
    assert summary.loc["a", "wis"] == pytest.approx(106 / 3)
    assert summary.loc["a", "rmse"] == pytest.approx(np.sqrt((10000 + 4 + 16) / 3))
    assert "relative_wis" not in summarise_scores(scores)


def test_a_model_without_a_common_cell_has_no_ratio():
    summary = summarise_scores(pd.concat([cells("a", [1.0]), cells("base", [1.0], first=5)]), "base").set_index("model")
    assert np.isnan(summary.loc["a", "relative_wis"])
    assert summary.loc["a", "common_cells"] == 0


def test_an_unknown_baseline_is_an_error_that_names_the_models():
    for compare in (summarise_scores, pairwise_comparison):
        with pytest.raises(RequestError, match=r"no score of 'x'.*there are a"):
            compare(cells("a", [1.0]), baseline="x")


def test_pairs_are_compared_on_their_common_cells_and_skill_is_the_geometric_mean():
    scores = pd.concat([cells("a", [1.0, 1.0]), cells("b", [2.0, 4.0, 50.0]), cells("c", [8.0], first=3)])
    table = pairwise_comparison(scores)
    assert table.loc["a", "b"] == pytest.approx(2 / 6)
    assert table.loc["b", "a"] == pytest.approx(3)
    assert table.loc["b", "c"] == pytest.approx(50 / 8)
    assert np.isnan(table.loc["a", "c"])
    assert table.loc["b", "relative_skill"] == pytest.approx((3 * 1 * 50 / 8) ** (1 / 3))
    scaled = pairwise_comparison(scores, baseline="b")["relative_skill"]
    assert scaled["b"] == 1
    assert scaled["a"] == pytest.approx((1 / 3) ** (1 / 2) / (3 * 50 / 8) ** (1 / 3))


def test_the_pit_of_calibrated_forecasts_is_uniform_and_its_histogram_adds_up():
    random = np.random.default_rng(3)
    draws = random.uniform(0, 1, 4000)
    pit = probability_integral_transform(np.tile(QUANTILES, (4000, 1)), draws)
    assert np.abs(pit - draws).max() <= 0.01
    histogram = pit_histogram(pd.DataFrame({"model": "m", "pit": pit}), bins=5)
    assert histogram["share"].to_numpy() == pytest.approx(np.full(5, 0.2), abs=0.03)
    assert histogram["count"].sum() == 4000


def test_the_pit_of_an_outcome_that_several_levels_share_is_in_their_middle_and_beyond_them_in_the_tail():
    values, levels = np.tile([0.0, 0.0, 4.0], (4, 1)), (0.25, 0.5, 0.75)
    pit = probability_integral_transform(values, np.array([-1.0, 0.0, 2.0, 9.0]), levels)
    assert pit.tolist() == pytest.approx([0.125, 0.375, 0.625, 0.875])


def test_mase_is_relative_to_repeating_the_season_before():
    training = np.array([1.0, 5.0, 3.0, 9.0])  # two periods apart: |3 - 1|, |9 - 5|, on average 3
    assert mase(np.array([4.0, 4.0]), np.array([1.0, 10.0]), training, 2) == pytest.approx(4.5 / 3)
    assert np.isnan(mase(np.ones(1), np.ones(1), training, 4))
    assert np.isnan(mase(np.ones(1), np.zeros(1), np.ones(9), 1))


def test_wis_with_any_levels_is_the_absolute_error_for_a_point():
    assert weighted_interval_score(np.full((1, 3), 7.0), np.array([10.0]), (0.1, 0.5, 0.9)).tolist() == pytest.approx(
        [3]
    )


def test_figures_below_zero_have_no_score_of_their_logarithm():
    dates = pd.date_range("2024-01-01", periods=10)
    truth = pd.DataFrame({"region": "A", "date": dates, "value": np.linspace(-12.0, -3.0, 10)})
    levels = (0.1, 0.5, 0.9)
    forecasts = pd.DataFrame(
        [
            ("A", name, dates[0], ahead, dates[ahead], level, -12.0 + ahead + shift + level)
            for name, shift in (("near", 0.0), ("far", 5.0))
            for ahead in range(1, 9)
            for level in levels
        ],
        columns=["region", "model", "origin", "horizon", "date", "quantile", "value"],
    )
    scores = score_forecasts(forecasts, truth)
    assert scores["wis_log"].isna().all()
    assert (scores["wis"] > 0).all()
    assert list(summarise_scores(scores, "far")["model"]) == ["near", "far"]
