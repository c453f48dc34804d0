"""The nearest past episodes, of panels in which the right one is known."""

from itertools import pairwise

import numpy as np
import pandas as pd
import pytest

from forecasting.data.frequency import DAILY, Frequency, weekly
from forecasting.data.kind import MEASUREMENT
from forecasting.data.panel import Panel, Statistic
from forecasting.evaluation import similar_episodes as similar_episodes_module
from forecasting.evaluation.similar_episodes import COURSE_CYCLES, episodes_like, similar_episodes
from forecasting.preparation.prepare import prepare

HORIZON, WEEKS = 4, 120
WEEKLY = weekly()
#: The course of one wave, its peak, and what follows.
WAVE = np.array([20.0, 30, 50, 90, 160, 260, 330, 360, 300, 220, 130, 90, 70, 50])
#: Rows on which the episodes begin: in the north a wave is in the past, and in the south one has just reached its peak.
PAST = 40
NOW = WEEKS - COURSE_CYCLES


def panel_of(figures: dict[str, np.ndarray], frequency: Frequency = WEEKLY, **about: object) -> Panel:
    first = pd.Timestamp("2022-01-01")
    tables = [
        pd.DataFrame(
            {"region": name, "statistic": "people", "date": frequency.grid(first, len(values)), "value": values}
        )
        for name, values in sorted(figures.items())
    ]
    known = Statistic("people", "People", "people", "people", **about)  # type: ignore[arg-type]
    return Panel("made up", pd.concat(tables, ignore_index=True), (known,), {"people": frequency}, "", "")


def quiet(seed: int, periods: int = WEEKS) -> np.ndarray:
    return np.round(np.random.default_rng(seed).uniform(80, 120, periods))


def waves() -> dict[str, np.ndarray]:
    """North had ten times the wave that the south is in now; the east has none."""
    north, south = 10 * quiet(1), quiet(2)
    north[PAST : PAST + len(WAVE)] = 10 * WAVE
    south[NOW:] = WAVE[:COURSE_CYCLES]
    return {"East": quiet(3), "North": north, "South": south}


def test_the_nearest_episode_is_the_same_wave_of_another_place_on_the_level_of_here():
    panel = panel_of(waves())
    found = similar_episodes(panel, "South", "people", HORIZON)
    nearest = found.episodes[0]
    dates = prepare(panel, "North", "people").dates
    ends = PAST + COURSE_CYCLES
    assert (nearest.region, nearest.start, nearest.end) == ("North", dates[PAST], dates[ends - 1])
    assert nearest.last == dates[ends + HORIZON - 1]
    assert nearest.difference < 0.02 < found.episodes[1].difference
    np.testing.assert_allclose(nearest.course, WAVE[:COURSE_CYCLES], rtol=0.05)
    np.testing.assert_allclose(nearest.continuation, WAVE[COURSE_CYCLES : COURSE_CYCLES + HORIZON], rtol=0.04)
    assert found.ahead[0] == found.dates[-1] + pd.Timedelta(days=7)


def test_days_are_compared_by_their_means_of_a_week():
    week = np.array([1.3, 1.2, 1.1, 1.0, 1.0, 0.8, 0.6])
    figures = {name: np.round(np.repeat(values, 7) * np.tile(week, WEEKS)) for name, values in waves().items()}
    found = similar_episodes(panel_of(figures, DAILY), "South", "people", 28)
    nearest = found.episodes[0]
    assert nearest.region == "North"
    assert found.mean_of == 7
    assert nearest.continuation[6::7] == pytest.approx(WAVE[COURSE_CYCLES : COURSE_CYCLES + HORIZON], rel=0.06)


def test_nothing_after_the_date_is_looked_at():
    table = waves()
    figures = {name: values[: PAST + COURSE_CYCLES + 2] for name, values in table.items()}
    at = prepare(panel_of(figures), "North", "people").origin
    then, whole = panel_of(figures), panel_of(table)
    for region in ("North", "South"):
        early, late = (similar_episodes(one, region, "people", HORIZON, at=at) for one in (then, whole))
        assert late.episodes
        assert [one.to_json() for one in early.episodes] == [one.to_json() for one in late.episodes]
        assert all(one.last <= at for one in late.episodes)


def test_episodes_of_one_place_overlap_neither_the_present_nor_each_other():
    panel = panel_of({"Alone": quiet(4)})
    found = similar_episodes(panel, "Alone", "people", HORIZON, count=5)
    assert len(found.episodes) == 5
    spans = sorted((one.start, one.last) for one in found.episodes)
    assert all(last < start for (_, last), (start, _) in pairwise(spans))
    assert spans[-1][1] < found.dates[0]


def test_a_course_with_a_gap_in_it_or_after_it_is_no_episode():
    for gap in (PAST + 3, PAST + COURSE_CYCLES + HORIZON - 1):
        figures = waves()
        figures["North"][gap] = np.nan
        found = similar_episodes(panel_of(figures), "South", "people", HORIZON)
        assert all(one.region != "North" or one.start != nearest_start() for one in found.episodes)


def nearest_start() -> pd.Timestamp:
    return WEEKLY.grid(pd.Timestamp("2022-01-01"), WEEKS)[PAST]


def test_where_there_is_nothing_to_compare_a_sentence_says_why():
    def why_not(values: np.ndarray, **about: object) -> str:
        found = similar_episodes(panel_of({"Here": values}, **about), "Here", "people", HORIZON)
        assert not found.episodes
        return found.why_not

    assert "there are only 5 weeks" in why_not(quiet(5, 5))
    assert "all the same" in why_not(np.full(WEEKS, 30.0))
    assert "all the same" in why_not(np.zeros(WEEKS))
    assert "12 weeks together" in why_not(quiet(5, 12))
    assert "below zero" in why_not(quiet(5) - 100, kind=MEASUREMENT)


def test_the_present_needs_no_figures_of_its_own_in_the_panel():
    figures = waves()
    here = prepare(panel_of(figures), "South", "people")
    del figures["South"]
    assert episodes_like(panel_of(figures), here, "people", HORIZON).episodes[0].region == "North"


def test_a_table_that_would_fill_the_memory_is_not_searched(monkeypatch):
    monkeypatch.setattr(similar_episodes_module, "MOST_FIGURES", 3 * WEEKS - 1)
    found = similar_episodes(panel_of(waves()), "South", "people", HORIZON)
    assert "too many to search" in found.why_not
    monkeypatch.setattr(similar_episodes_module, "MOST_FIGURES", 3 * WEEKS)
    assert similar_episodes(panel_of(waves()), "South", "people", HORIZON).episodes
