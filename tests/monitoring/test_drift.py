"""Drift: what is found, what is not, and what is said of it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from benchmarks import _drifting
from benchmarks import drift as benchmark
from forecasting.data.frequency import DAILY, weekly
from forecasting.data.panel import Panel, Statistic
from forecasting.monitoring.drift import statistics
from forecasting.monitoring.drift.detect import data_drifts, forecast_drifts, is_missing, published_values
from forecasting.monitoring.drift.residuals import daily_counts
from forecasting.preparation.prepare import clean_counts
from forecasting.support.errors import DataError, RequestError
from forecasting.support.settings import DriftThresholds, drift_thresholds
from forecasting.tables.cells.tidy_table import stack_wide_table

FIRST = pd.Timestamp("2021-01-04")  # a Monday
LIMITS = DriftThresholds()
WEEK = np.array([1.2, 1.1, 1.1, 1.0, 1.0, 0.8, 0.8])


def waves(count: int = 500, noise: float = 0.05, seed: int = 1) -> np.ndarray:
    """Two orders of magnitude up and down, with weekdays and a little noise."""
    day = np.arange(count)
    rng = np.random.default_rng(seed)
    level = np.exp(7 + 2.0 * np.sin(day / 25))
    return np.rint(level * WEEK[day % 7] * rng.gamma(noise**-2, noise**2, count))


def drifts(raw: np.ndarray, of: str = "Italy, new cases") -> dict[str, object]:
    figures = pd.Series(raw, index=DAILY.grid(FIRST, len(raw)))
    return {drift.kind: drift for drift in data_drifts(clean_counts(figures, DAILY), figures, of, LIMITS)}


def test_waves_are_no_drift():
    assert drifts(waves()) == {}


def test_a_backlog_that_is_released_at_once_is_no_drift():
    raw = waves()
    for end in (450, 480):
        held = raw[end - 3 : end] * 0.9
        raw[end - 3 : end] -= held
        raw[end] += held.sum()
    assert drifts(raw) == {}


@pytest.mark.parametrize(("factor", "said"), [(0.5, "0.5"), (2.0, "2")])
def test_a_step_in_the_level_is_found_wherever_in_a_wave_it_is(factor: float, said: str):
    for at in (450, 462, 470):
        raw = waves()
        raw[at:] *= factor
        found = drifts(raw)["level"]
        assert abs((found.since - FIRST).days - at) <= 5
        assert found.statistic > found.threshold == LIMITS.level
        factor_said = float(found.sentence.split(" times")[0].rpartition(" ")[2])
        assert factor_said == pytest.approx(factor, rel=0.25), found.sentence
        assert found.sentence.startswith("Italy, new cases: from ")


def test_noise_that_triples_is_found_and_said_in_times():
    raw = waves(noise=0.05)
    raw[440:] = waves(noise=0.2, seed=2)[440:]
    found = drifts(raw)["variance"]
    assert 425 <= (found.since - FIRST).days <= 455
    assert "times as much from day to day as before" in found.sentence


def test_weekends_without_reports_are_a_changed_weekday_pattern():
    raw = waves()
    raw[455:] = _drifting.without_weekends(raw[455:], np.random.default_rng(0))
    found = drifts(raw)
    assert "Mondays now hold" in found["weekday"].sentence
    assert "variance" not in found  # which looks at what the old weekdays leave


def test_missing_days_are_found_and_counted():
    raw = waves()
    rng = np.random.default_rng(3)
    raw[470:] = np.where(rng.random(30) < 0.4, np.nan, raw[470:])
    found = drifts(raw)["missing"]
    assert (found.since - FIRST).days >= 465
    gone = int(np.isnan(raw[(found.since - FIRST).days :]).sum())
    assert f"{gone} of the " in found.sentence
    assert "0 % before" in found.sentence


def test_weekdays_that_never_report_are_not_missing_more_than_they_were():
    raw = waves()
    raw[np.arange(500) % 7 >= 5] = np.nan
    assert "missing" not in drifts(raw)


def test_a_zero_is_a_missing_figure_amid_plenty_only():
    plenty, few = np.full(60, 500.0), np.full(60, 2.0)
    plenty[50] = few[50] = 0
    assert np.flatnonzero(is_missing(plenty)).tolist() == [50]
    assert not is_missing(few).any()


def test_an_alarm_is_over_when_what_is_new_has_become_usual():
    raw = waves(620)
    raw[450:] *= 2
    assert "level" in drifts(raw[:500])
    assert "level" not in drifts(raw)


def test_a_night_says_what_the_path_of_a_longer_series_says_of_it():
    """Nothing that comes later changes what was said: that is why one path may stand for all nights."""
    values = waves(520)
    values[400:] *= 1.5
    whole, cut = daily_counts(values), daily_counts(values[:470])
    for of in (statistics.level_path, statistics.weekday_path, lambda seen: statistics.variance_path(seen, 20.0)):
        np.testing.assert_allclose(of(whole).statistic[:470], of(cut).statistic, rtol=1e-6, equal_nan=True)


def test_short_series_and_odd_ones_drift_nowhere():
    for raw in (np.array([5.0]), np.zeros(300), np.full(300, 7.0), np.full(10, 1e9)):
        series = clean_counts(pd.Series(raw, index=DAILY.grid(FIRST, len(raw))), DAILY)
        assert data_drifts(series, None, "here", LIMITS) == []


def test_weeks_have_a_level_too_but_no_weekdays():
    rng = np.random.default_rng(5)
    raw = np.exp(7 + 0.5 * np.sin(np.arange(120) / 9)) * rng.gamma(400, 1 / 400, 120)
    raw[112:] *= 3
    figures = pd.Series(np.rint(raw), index=weekly("SUN").grid(FIRST, 120))
    found = {drift.kind: drift for drift in data_drifts(clean_counts(figures, weekly("SUN")), figures, "Ohio", LIMITS)}
    assert "from one week to the next" in found["level"].sentence
    assert "weekday" not in found


def test_published_figures_reach_to_the_panel_s_end_with_their_gaps():
    dates = DAILY.grid(FIRST, 6)
    values = np.array([[5.0, np.nan, 7, 8, 9, 9], [np.nan, 1, 2, 3, np.nan, np.nan]])
    known = Statistic("cases", "Cases", "cases", "cases")
    panel = Panel(
        "here", stack_wide_table(["A", "B"], dates, values, "cases").dropna(), (known,), {"cases": DAILY}, "", ""
    )
    assert published_values(panel, "A", "cases").isna().tolist() == [False, True, False, False, False, False]
    assert published_values(panel, "B", "cases").isna().tolist() == [False, False, False, True, True]


def table(worse_from: int = 0, error: float = 1.0, width: float = 1.0, seed: int = 1) -> pd.DataFrame:
    """Scores of 300 nights of a model that is right, and of repeating; from one night on the model is not."""
    rng = np.random.default_rng(seed)
    from scipy.special import ndtri

    from forecasting.data.forecast import QUANTILES

    came = 1000 + 100 * rng.normal(size=(300, 1))
    right = np.tile(1000 + 100 * ndtri(np.array(QUANTILES)), (300, 1, 1))
    repeated = 1000 + 140 * rng.normal(size=(300, 1, 1)) + 1.7 * (right - 1000)
    nights = _drifting.Nights(right, repeated, came, DAILY.grid(FIRST, 300))
    return nights.scores(error, width, worse_from)


def test_a_model_that_stays_as_good_drifts_in_nothing():
    assert forecast_drifts(table(), "Italy, new cases", LIMITS) == []


def test_an_error_that_doubles_is_found_against_the_baseline_s():
    (found,) = (
        drift for drift in forecast_drifts(table(240, error=3.0), "Italy, new cases", LIMITS) if drift.kind == "error"
    )
    assert found.model == "ets"
    assert abs((found.since - FIRST).days - 240) <= 12
    assert "the forecasts of ets are off" in found.sentence
    assert "against those of naive" in found.sentence


def test_an_error_that_doubles_for_every_model_is_the_times_and_not_the_model():
    scores = table()
    hard = scores["origin"] >= FIRST + pd.Timedelta(days=260)
    scores["wis"] = scores["wis"].where(~hard, scores["wis"] * 3)
    assert forecast_drifts(scores, "x", LIMITS) == []


def test_bands_that_shrink_to_half_are_found_by_what_they_hold():
    found = {drift.kind: drift for drift in forecast_drifts(table(240, width=0.5), "Italy, new cases", LIMITS)}
    assert found["coverage"].model == "ets"
    assert "the 50 % band" in found["coverage"].sentence


def test_horizons_that_overlap_are_not_counted_twice():
    scores = table(240, width=0.5)
    ahead = [
        scores.assign(horizon=h, date=scores["origin"] + pd.Timedelta(days=h), wis=scores["wis"] * h) for h in (1, 2, 3)
    ]
    assert forecast_drifts(pd.concat(ahead), "x", LIMITS) == forecast_drifts(scores, "x", LIMITS)


def test_few_outcomes_say_nothing_and_a_table_of_something_else_is_refused():
    scores = table()
    assert forecast_drifts(scores[scores["origin"] < FIRST + pd.Timedelta(days=12)], "x", LIMITS) == []
    with pytest.raises(DataError, match="lack the column 'wis'"):
        forecast_drifts(scores.drop(columns="wis"), "x", LIMITS)


def test_thresholds_are_read_from_the_configuration(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("FORECAST_DRIFT", "level=5.5, window=14")
    assert drift_thresholds() == replace(DriftThresholds(), level=5.5, window=14)
    raw = waves()
    raw[455:] *= 2
    figures = pd.Series(raw, index=DAILY.grid(FIRST, len(raw)))
    assert data_drifts(clean_counts(figures, DAILY), None, "x")
    monkeypatch.setenv("FORECAST_DRIFT", "level=999")
    assert not data_drifts(clean_counts(figures, DAILY), None, "x")


@pytest.mark.parametrize(
    ("given", "complaint"),
    [
        ("levle=5", "has 'levle=5'; give name=number, with a name of level, variance"),
        ("level", "has 'level'; give level a number above 0"),
        ("level=-1", "give level a number above 0, such as level=8"),
        ("level=nan", "give level a number above 0"),
        ("level=0", "give level a number above 0"),
        ("level=5,level=6", "has 'level' twice"),
    ],
)
def test_a_mistake_in_the_configuration_is_said_in_a_sentence(
    monkeypatch: pytest.MonkeyPatch, given: str, complaint: str
):
    monkeypatch.setenv("FORECAST_DRIFT", given)
    with pytest.raises(RequestError, match=complaint):
        drift_thresholds()


def test_the_benchmark_counts_an_alarm_that_lasts_once_and_finds_what_is_injected(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(benchmark, "EPIDEMICS", 1)
    monkeypatch.setattr(benchmark, "MODELLED", 1)
    for module in (benchmark, _drifting):
        monkeypatch.setattr(module, "WARM", 60)
    monkeypatch.setattr(_drifting, "NIGHTS", 100)
    figures = {str(one["name"]): one for one in benchmark.run([])}
    assert {f"drift/daily/false alarms/{kind}" for kind in benchmark.SHARES} <= set(figures)
    assert figures["drift/daily/series-years"]["value"] == pytest.approx(2, abs=0.01)
    assert figures["drift/daily/30 % missing/found within 8 weeks"]["value"] == 1
    steady = statistics.StatisticPath(np.array([0, 9, 0, 9, 9, 0, 0, 0, 0, 9.0]), np.zeros(10))
    assert statistics.alarms(steady, 5, 3) == [(1, 4), (9, 9)]
