from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from forecasting.data.frequency import DAILY, weekly
from forecasting.data.panel import Panel, Statistic
from forecasting.data.series import Series
from forecasting.data.training_options import ALL_HISTORY, TrainingOptions
from forecasting.evaluation.backtest import Cutoff
from forecasting.evaluation.forecast_tables import pairwise_comparison
from forecasting.evaluation.scores import ModelScore
from forecasting.evaluation.track_record import TrackRecord
from forecasting.jobs import Job, State
from forecasting.models import model
from forecasting.services.track_records import TrackRecords
from forecasting.views import comparison

NOW = Series(pd.Timestamp("2021-01-01"), DAILY, 100 + np.arange(90.0))


def score(relative_error, held=8, name="ets", bias=0.0):
    return ModelScore(name, 10, 100 * relative_error, relative_error, 50.0, relative_error, held // 2, held, held, bias)


def test_a_score_table_holds_numbers_so_that_a_click_sorts_them():
    table = comparison.score_table({"ETS": score(0.5), "Theta": score(1.5)}, "Model")
    assert table.columns[0] == "Model"
    assert list(table.columns[1:]) == list(comparison.IDEAL_SCORES)
    assert all(pd.api.types.is_float_dtype(kind) for kind in table.dtypes.iloc[1:])


def test_the_best_is_the_smallest_error_the_least_bias_and_the_band_nearest_its_name():
    table = comparison.score_table({"A": score(0.5, held=10, bias=-0.3), "B": score(1.5, held=8, bias=0.1)}, "Model")
    best = comparison.best_cells(table)
    assert best["Error vs no change"].tolist() == [True, False]
    assert best["80 % held"].tolist() == [False, True]
    assert best["Bias"].tolist() == [False, True]
    assert not best["Model"].any()
    assert not comparison.best_cells(table, but=["Mean error"])["Mean error"].any()
    assert not comparison.best_cells(table.head(1)).any(axis=None)


def test_what_is_not_known_is_never_the_best():
    table = comparison.score_table({"A": score(float("nan")), "B": score(1.5)}, "Model")
    assert comparison.best_cells(table)["Error vs no change"].tolist() == [False, True]


@pytest.mark.parametrize(
    ("ratios", "words"),
    [
        ((0.5, 2.0), "beat no change in 1 of 2 regions; its error was as large as no change's on (geometric) average"),
        ((0.5, 2.0), "worst in **R1** (100 % above, where no change would have been better)"),
        ((0.5, 0.8), "in all 2 regions"),
        ((1.5, 2.0), "in none of 2 regions"),
        ((0.5,), "beat no change in R0: its error was 50 % below no change's."),
        ((float("nan"),), " of 10 outcomes fell in its 80 % range."),
    ],
)
def test_where_a_model_is_good_is_put_in_words(ratios, words):
    scores = {f"R{i}": score(ratio) for i, ratio in enumerate(ratios)}
    assert words in comparison.across_regions_sentence("ets", scores)


def test_the_region_where_bands_held_least_is_named():
    said = comparison.across_regions_sentence("ets", {"Italy": score(0.5, held=9), "Spain": score(0.6, held=3)})
    assert "12 of 20 outcomes fell in its 80 % range, least in Spain (30 %)" in said


def pit(kind, count=200):
    even = (np.arange(count) + 0.5) / count
    return {
        "even": even,
        "edges": np.where(even < 0.5, even / 4, 1 - (1 - even) / 4),
        "middle": 0.3 + 0.4 * even,
        "high": 0.5 + even / 2,
        "low": even / 2,
    }[kind]


@pytest.mark.parametrize(
    ("kind", "verdict"),
    [
        ("even", "about right"),
        ("edges", "too narrow"),
        ("middle", "too wide"),
        ("high", "too low"),
        ("low", "too high"),
    ],
)
def test_where_outcomes_fell_says_how_forecasts_are_wrong(kind, verdict):
    assert comparison.calibration_sentence(pit(kind), 200).lower().startswith(f"**{verdict}**")


def test_few_forecasts_are_only_a_hint_however_many_outcomes_they_have():
    slightly = np.concatenate([pit("high"), pit("even"), pit("even")])
    assert comparison.calibration_sentence(slightly, 8).startswith("**Perhaps too low**")
    assert comparison.calibration_sentence(slightly, 400).startswith("**Too low**")


def test_few_outcomes_get_fewer_bars():
    assert comparison.histogram_bins(32) < comparison.histogram_bins(224) == 10


@pytest.fixture
def pairs():
    cells = pd.DataFrame({"model": ["ets", "naive"] * 2, "origin": [0, 0, 1, 1], "wis": [1.0, 2.0, 2.0, 4.0]})
    return pairwise_comparison(cells.assign(region="Italy", horizon=1), "wis", "naive")


def test_relative_skill_is_explained_by_the_best_models_figure(pairs):
    assert "ETS's 0.50 says: scores 50 % better than no change's" in comparison.relative_skill_sentence(pairs)
    assert "better than no change's" not in comparison.relative_skill_sentence(pairs.loc[["naive"]])


def test_models_in_pairs_have_labels_and_the_skill_first(pairs):
    table = comparison.pairwise_table(pairs)
    assert table.columns.tolist() == ["Model", "Relative skill", "over ETS", "over No-change baseline"]
    assert table["over No-change baseline"].tolist() == [0.5, 1.0]


def test_the_closest_at_the_start_and_at_the_end_are_named():
    rows = [("ets", 1, 1.0), ("theta", 1, 2.0), ("ets", 28, 9.0), ("theta", 28, 5.0)]
    cells = pd.DataFrame(rows, columns=["model", "horizon", "ae"])
    assert (
        comparison.near_and_far_sentence(cells, DAILY)
        == "Closest over the first 7 days: **ETS**; over the last: **Theta**."
    )
    weeks = cells.assign(horizon=[1, 1, 4, 4])
    assert "over the first week" in comparison.near_and_far_sentence(weeks, weekly())


def test_how_often_one_was_closer_counts_only_dates_that_both_forecast_from():
    rows = [("ets", 0, 1.0), ("theta", 0, 2.0), ("ets", 1, 3.0), ("theta", 1, 2.0), ("ets", 2, 1.0)]
    cells = pd.DataFrame(rows, columns=["model", "origin", "wis"])
    assert comparison.closer_dates(cells, "ets", "theta") == (1, 2)


def panel(parents=None):
    dates = pd.date_range("2021-01-01", periods=3)
    rows = [
        (region, "cases", date, level)
        for region, level in [("Wales", 5.0), ("Britain", 90.0), ("Peru", 40.0), ("Chad", 7.0), ("Fiji", float("nan"))]
        for date in dates
    ]
    table = pd.DataFrame(rows, columns=["region", "statistic", "date", "value"])
    statistic = Statistic("new_cases", "New cases", "cases", "cases")
    return Panel("test", table, (statistic,), {"cases": DAILY}, "", "", parents=parents or {})


def test_a_region_is_compared_with_the_largest_others_but_not_with_its_whole_or_its_parts():
    assert comparison.default_regions(panel(), "new_cases", "Chad") == ["Chad", "Britain", "Peru"]
    parents = {"Wales": "Britain"}
    assert "Britain" not in comparison.default_regions(panel(parents), "new_cases", "Wales")
    assert "Wales" not in comparison.default_regions(panel(parents), "new_cases", "Britain")
    whole = dict.fromkeys(["Wales", "Peru", "Chad", "Fiji"], "Britain")
    assert comparison.default_regions(panel(whole), "new_cases", "Britain") == ["Britain", "Peru", "Chad"], (
        "there is nothing else"
    )


@pytest.fixture
def past():
    """Naive and Theta from two dates; Theta's second forecast was cancelled."""
    cutoffs = tuple(
        Cutoff("Italy", NOW.dates[place], NOW.until(NOW.dates[place]), NOW.dates[place]) for place in (50, 57)
    )
    asked = {}
    for i, cut in enumerate(cutoffs):
        for name in ("naive", "theta"):
            request = cut.request(name, 14)
            job = Job(request.key, name, 14, State.done, forecast=model(name).forecast(request.series, 14))
            asked[name, i] = job
    asked["theta", 1] = replace(asked["theta", 1], state=State.cancelled, forecast=None)
    return TrackRecord(asked=asked, cutoffs=cutoffs, horizon=14, ahead=14)


def test_only_what_was_cancelled_is_asked_for_again(past):
    (request,) = comparison.cancelled_requests(past, ALL_HISTORY)
    assert request.key == past.asked["theta", 1].key
    assert comparison.cancelled_requests(past, TrainingOptions(30)) == [], (
        "with another window those were other requests"
    )


def test_what_waits_is_cancelled_before_what_runs():
    states = (State.running, State.done, State.queued, State.running, State.queued)
    jobs = [Job(str(i), "ets", 1, state) for i, state in enumerate(states)]
    assert comparison.cancellable_keys(jobs) == ["2", "4", "0", "3"]


def test_scores_are_made_anew_only_when_a_forecast_has_come(past):
    back = TrackRecords(None, None, None)
    scores = back.scores({"Italy": past}, {"Italy": NOW})
    assert set(scores["model"]) == {"naive", "theta"}
    assert back.scores({"Italy": replace(past)}, {"Italy": NOW}) is scores
    fewer = replace(past, asked={name: job for name, job in past.asked.items() if name[0] == "naive"})
    assert set(back.scores({"Italy": fewer}, {"Italy": NOW})["model"]) == {"naive"}
    two = {"Italy": past, "Spain": fewer}
    both = back.scores(two, dict.fromkeys(two, NOW))
    assert len(both) == len(scores) + (scores["model"] == "naive").sum()
    assert back.scores(two, dict.fromkeys(two, NOW)) is both


def test_nothing_made_is_an_empty_table():
    scores = TrackRecords(None, None, None).scores({"Italy": TrackRecord()}, {"Italy": NOW})
    assert scores.empty
    assert "wis" in scores
