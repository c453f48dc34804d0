"""Shocks: what they do to published figures, what the preparation says, and how an answer is judged."""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from benchmarks import extremes as benchmark
from forecasting import Panel, Statistic, model
from forecasting.data.forecast import MEDIAN
from forecasting.data.frequency import DAILY, weekly
from forecasting.evaluation.shocks import shock_periods, shocks
from forecasting.evaluation.stress_tests import apply_shock, judge_response
from forecasting.sources import source
from forecasting.support.errors import DataError
from forecasting.views import stress_test_results, what_if
from forecasting.views.charts import LEVEL_INDEX

WEEK = np.array([70, 100, 110, 105, 100, 60, 40.0])
NOISY = np.tile(WEEK, 12) * np.exp(np.random.default_rng(1).normal(0, 0.1, 84))
DAYS = pd.date_range("2021-01-04", periods=84)
CASES = Statistic("new_cases", "New cases", "cases", "cases")


def panel(values, cumulative=False, alias="D") -> Panel:
    """Two regions, so that there is one that must not change."""
    dates = pd.date_range("2021-01-04", periods=len(values), freq=alias)
    values = np.cumsum(values) if cumulative else np.asarray(values)
    rows = [
        pd.DataFrame({"region": r, "statistic": "cases", "date": dates, "value": values}) for r in ("Here", "There")
    ]
    statistic = replace(CASES, reported_cumulative=cumulative)
    frequency = DAILY if alias == "D" else weekly("SUN")
    return Panel("test", pd.concat(rows, ignore_index=True), (statistic,), {"cases": frequency}, "", "")


def struck(name, values=None, **options):
    values = np.tile(WEEK, 12) if values is None else values
    return apply_shock(panel(values, **options), "Here", "new_cases", shocks()[name])


def forecasts(case, name="ets", horizon=14):
    return model(name).forecast(case.real, horizon), model(name).forecast(case.series, horizon + case.gap)


def test_a_spike_is_the_last_count_tenfold_and_models_see_it():
    case = struck("spike")
    assert case.series.values[-1] == 10 * WEEK[-1]
    assert (case.series.values[:-1] == case.real.values[:-1]).all()
    assert list(case.changed.index) == [DAYS[-1]]
    assert not case.set_aside


def test_a_spike_strikes_the_last_day_that_counted_anything():
    case = struck("spike", np.tile([70, 100, 110, 105, 100, 60, 0.0], 12))
    assert list(case.changed.index) == [DAYS[-2]]


def test_a_drop_to_zero_looks_like_a_silence_and_is_set_aside():
    case = struck("drop")
    assert (case.changed == 0).all()
    assert (case.gap, case.set_aside) == (7, True)
    assert what_if.preparation_sentence(case).endswith("So no model sees the change.")


def test_a_drop_of_small_weekly_counts_is_seen():
    case = struck("drop", np.tile([4, 2, 3, 1, 0, 2.0], 10), alias="W-SUN")
    assert list(case.series.values[-2:]) == [0, 0]
    assert not case.set_aside


def test_a_silence_is_not_published_and_both_answers_end_on_the_same_day():
    case = struck("silence")
    before, after = forecasts(case)
    assert case.changed.isna().all()
    assert before.dates[-1] == after.dates[-1]
    answer = judge_response(case, before, after)
    assert answer.total == pytest.approx(1, abs=0.1)
    assert answer.reacted
    assert answer.sound


def test_a_level_is_three_times_two_weeks_or_four_periods():
    assert list(struck("level").changed.index) == list(DAYS[-14:])
    assert len(struck("level", np.arange(30, 60.0), alias="W-SUN").changed) == 4


def test_a_weekday_later_moves_the_pattern_and_hardly_the_total():
    case = struck("weekday")
    assert list(case.series.values[-7:]) == list(np.roll(WEEK, 1))
    assert abs(case.series.total - case.real.total) <= WEEK.max()
    assert "weekday" not in shocks(weekly())


@pytest.mark.parametrize("name", list(shocks()))
def test_running_totals_are_struck_by_their_new_counts(name):
    new, totals = struck(name), struck(name, cumulative=True)
    assert totals.series.origin == new.series.origin
    np.testing.assert_allclose(totals.series.values[-60:], new.series.values[-60:])


@pytest.mark.parametrize("name", list(shocks()))
def test_a_shock_changes_one_region_and_no_earlier_figure(name):
    known = source("bundled").panel()
    before = known.table.copy()
    case = apply_shock(known, "Italy", "new_cases", shocks()[name])
    pd.testing.assert_frame_equal(known.table, before)
    assert case.changed.index[0] > case.real.origin - pd.Timedelta(days=4 * shock_periods(DAILY))
    same = case.real.dates[: len(case.series)] < case.changed.index[0] - pd.Timedelta(weeks=8)
    np.testing.assert_allclose(case.series.values[same], case.real.values[: len(case.series)][same])


def test_a_provisional_end_is_left_out_before_anything_is_struck():
    known = source("bundled").panel()
    case = apply_shock(known, "California", "new_admissions", shocks()["spike"])
    assert case.real.provisional is not None
    assert case.series.origin == case.real.origin
    assert case.series.values[-1] == 10 * case.real.values[-1]


def test_too_short_a_series_and_one_without_counts_are_said_to_be():
    with pytest.raises(DataError, match="too few for a what-if; it takes 42 days"):
        struck("level", np.tile(WEEK, 5))
    with pytest.raises(DataError, match="would not change them"):
        struck("level", np.where(np.arange(60) % 9 == 0, 1.0, 0.0), alias="W-SUN")


@pytest.mark.parametrize("name", ["naive", "ets", "theta"])
def test_every_answer_is_sound_and_follows_a_new_level(name):
    answer = judge_response(case := struck("level"), *forecasts(case, name))
    assert answer.sound
    assert answer.reacted
    assert 2 < answer.total < 6


def scaled(forecast, factor, spread=1.0):
    """Every median times `factor`, and the distance of every quantile from it times that and `spread`."""

    def table(values):
        middle = values[:, MEDIAN : MEDIAN + 1]
        return factor * np.maximum(middle + spread * (values - middle), 0)

    return replace(forecast, values=table(forecast.values), totals=table(forecast.totals), means=table(forecast.means))


@pytest.mark.parametrize(
    ("shock", "factor", "reacted", "did"),
    [
        ("spike", 1.0, True, "did not take it for the new level"),
        ("spike", 0.8, False, "went down"),
        ("spike", 9.9, False, "took it for the new level"),
        ("level", 3.0, True, "followed"),
        ("level", 1.0, False, "did not follow"),
        ("level", 10.0, False, "overshot"),
        ("weekday", 1.2, True, "held on"),
        ("weekday", 1.3, False, "was thrown off"),
        ("silence", 1.9, True, "held on"),
        ("silence", 0.4, False, "was thrown off"),
        ("drop", 0.2, None, "never saw it"),
    ],
)
def test_a_total_that_the_shock_does_not_justify_is_a_failure(shock, factor, reacted, did):
    case = struck(shock)
    before = model("naive").forecast(case.real, 14)
    after = scaled(before, factor)
    assert judge_response(case, before, after).reacted is reacted
    words = what_if.reaction_sentence(what_if.WhatIfChart(case, before, after, smooth=True))
    assert words.startswith(f"**No-change baseline** {did}: ")
    assert "over the next 14 days; 80 % band" in words


def test_bands_that_grow_with_the_counts_only_have_not_widened():
    case = struck("level", NOISY)
    before = model("naive").forecast(case.real, 14)
    same, wider = (judge_response(case, before, scaled(before, 3.0, spread)) for spread in (0.9, 1.1))
    assert (same.widened, wider.widened) == (False, True)
    assert same.width == pytest.approx(2.7, rel=0.05)
    assert judge_response(struck("weekday"), before, before).widened is None
    words = what_if.reaction_sentence(what_if.WhatIfChart(case, before, scaled(before, 3.0, 0.9), smooth=True))
    assert words.endswith("+200 % over the next 14 days; 80 % band 2.7× as wide, less than the counts grew.")


@pytest.mark.parametrize("worst", [np.nan, np.inf, -1.0])
def test_an_impossible_quantile_is_not_sound(worst):
    case = struck("level", NOISY)
    before = model("naive").forecast(case.real, 14)
    values = before.values.copy()
    values[3, 0] = worst
    answer = judge_response(case, before, replace(before, values=values))
    assert not answer.sound
    assert "impossible" in what_if.reaction_sentence(
        what_if.WhatIfChart(case, before, replace(before, values=values), smooth=True)
    )


def test_a_silence_that_becomes_zeros_is_not_sound():
    case = struck("silence")
    before, after = forecasts(case, "naive")
    means = after.means.copy()
    means[-1] = 0
    assert judge_response(case, before, after).sound
    assert not judge_response(case, before, replace(after, means=means)).sound


@pytest.mark.parametrize("name", list(shocks()))
@pytest.mark.parametrize("smooth", [True, False])
def test_the_chart_is_plain_json_with_both_answers_and_the_changed_points(name, smooth):
    case = struck(name)
    picture = what_if.WhatIfChart(case, *forecasts(case, "theta"), smooth)
    figure = what_if.what_if_figure(picture)
    assert json.loads(json.dumps(figure, allow_nan=False)) == figure
    traces = {trace["uid"]: trace for trace in figure["data"]}
    assert list(traces) == ["band", "real", "answer-real", "struck", "answer-struck", "marks"]
    assert len(traces["marks"]["x"]) == len(case.changed)
    assert None not in traces["marks"]["y"]
    assert traces["answer-struck"]["x"][-1] == traces["answer-real"]["x"][-1]
    assert picture.top() >= max(traces["marks"]["y"])


def test_what_is_set_aside_is_hollow_and_what_is_not_published_a_cross():
    symbols = {
        name: what_if.what_if_figure(what_if.WhatIfChart(case, *forecasts(case, "naive"), False))["data"][-1]["marker"][
            "symbol"
        ]
        for name in shocks()
        if (case := struck(name))
    }
    assert set(symbols["drop"]) == {"circle-open"}
    assert set(symbols["silence"]) == {"x-thin"}
    assert set(symbols["level"]) == {"circle"}


@pytest.fixture
def results(tmp_path):
    """What the benchmark prints of one series and two instant models, with no process of its own."""
    cases = list(benchmark.struck(panel(np.tile(WEEK, 12)), "new_cases", "Here"))
    assert len({id(case.real) for case in cases}) == 1
    answers = [
        benchmark.Result(name, case.shock.name, judge_response(case, *forecasts(case, name)))
        for case in cases
        for name in ("naive", "theta")
    ]
    path = tmp_path / "extremes.jsonl"
    rows = [
        row
        for name in ("naive", "theta")
        for shock in (*shocks(), "all")
        for row in benchmark.figures(name, shock, answers)
    ]
    for shock in shocks():
        rows.append(benchmark.figure(f"{shock}/set_aside", float(shock == "drop"), "fraction", None))
        rows.append(benchmark.figure(f"{shock}/judged", 80, "series", None))
    path.write_text("\n".join(map(json.dumps, rows)))
    return path


def test_methods_shows_what_the_benchmark_printed(results):
    table = stress_test_results.pass_table("reacted", results)
    assert list(table["Model"]) == ["Theta", "No-change baseline"]
    assert "Three times the level (80)" in table
    assert not any("drop" in column for column in table)
    assert "A weekday later (80)" not in stress_test_results.pass_table("widened", results)


def test_the_sentences_name_whoever_fails(results):
    rows = [json.loads(line) for line in results.read_text().splitlines()]
    for row in rows:
        if row["name"].endswith("/reacted"):
            row["value"] = 0.51 if row["name"] == "extremes/theta/spike/reacted" else 1.0
    results.write_text("\n".join(map(json.dumps, rows)))
    said = stress_test_results.failure_sentences(results)
    assert said[0].startswith("**A drop to zero**: in 100 % of the series")
    assert [line for line in said if "demands" in line] == [
        "**A spike**: Theta (51 %) did what it demands in less than nine of ten series."
    ]
    assert said[-1].startswith("Every quantile")


def test_a_model_without_a_forecast_fails_everything():
    failed = benchmark.Result("ets", "level", None)
    assert [benchmark.share([failed], demand) for demand in benchmark.DEMANDS] == [0, 0, 0]


def test_the_kept_figures_cover_every_shock_and_fast_model():
    kept = stress_test_results.pass_shares()
    assert set(kept["model"]) == {"naive", *benchmark.usual()}
    assert set(kept["shock"]) == {*shocks(), "all"}
    assert kept["value"].between(0, 1).all()
    assert stress_test_results.failure_sentences()


def test_the_band_is_the_80_percent_one():
    case = struck("level", NOISY)
    before, after = forecasts(case, "naive")
    wide = (after.values[:, LEVEL_INDEX[0.9]] - after.values[:, LEVEL_INDEX[0.1]]).sum()
    narrow = (before.values[:, LEVEL_INDEX[0.9]] - before.values[:, LEVEL_INDEX[0.1]]).sum()
    assert judge_response(case, before, after).width == pytest.approx(wide / narrow)
