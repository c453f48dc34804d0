"""Past episodes on the fan chart, and in words."""

import json

import numpy as np
import pandas as pd
import pytest

from forecasting.data.frequency import weekly
from forecasting.data.population import Population
from forecasting.data.series import Series
from forecasting.evaluation.similar_episodes import Episode, SimilarEpisodes
from forecasting.views import episode_lines, fan_chart
from forecasting.views.per_population import PerPopulation

SERIES = Series(pd.Timestamp("2023-01-07"), weekly(), np.linspace(50, 100, 60), region="Here")
AHEAD = SERIES.frequency.after(SERIES.origin, 2)


def episode(region: str, end: str, difference: float) -> Episode:
    last = pd.Timestamp(end)
    course = np.linspace(60, 100, 8)
    return Episode(
        region,
        last - pd.Timedelta(weeks=7),
        last,
        last + pd.Timedelta(weeks=2),
        difference,
        course,
        np.array([110.0, 120]),
    )


FOUND = SimilarEpisodes(
    8,
    1,
    SERIES.dates[-8:],
    AHEAD,
    100.0,
    (episode("New York", "2024-01-13", 0.08), episode("A & B", "2023-06-03", 1.4)),
)


def chart(**more: object) -> fan_chart.FanChart:
    return fan_chart.FanChart(SERIES, {}, frozenset(), "", "new people", False, similar=FOUND, **more)  # type: ignore[arg-type]


def test_each_episode_is_a_dashed_line_named_at_its_end():
    figure = fan_chart.fan_figure(chart())
    lines = [trace for trace in figure["data"] if trace["uid"].startswith("episode-")]
    assert [line["name"] for line in lines] == ["New York, Jan 2024", "A &amp; B, Jun 2023"]
    assert all(line["line"]["dash"] == "dash" for line in lines)
    assert lines[0]["y"] == pytest.approx([100, 110, 120])
    assert lines[0]["x"][-1] == f"{AHEAD[-1]:%Y-%m-%d}"
    ends = [note for note in figure["layout"]["annotations"] if note["name"] == fan_chart.LINE_ENDS]
    assert [note["text"] for note in ends] == ["<b>New York, Jan 2024</b>", "A &amp; B, Jun 2023"]
    assert abs(ends[0]["yshift"] - ends[1]["yshift"]) >= 15


def test_they_are_in_the_unit_on_show_and_on_a_log_axis():
    people = Population(50_000, "a census")
    line = next(
        t
        for t in fan_chart.fan_figure(chart().per_population(PerPopulation(people)))["data"]
        if t["uid"][:8] == "episode-"
    )
    assert line["y"][-1] == pytest.approx(240)
    figure = fan_chart.fan_figure(chart(log=True))
    end = next(note for note in figure["layout"]["annotations"] if note["name"] == fan_chart.LINE_ENDS)
    assert end["y"] == pytest.approx(np.log10(120))


def test_the_sentence_says_when_how_near_and_what_it_is_worth():
    most, worth = fan_chart.fan_notes(chart())
    assert most.startswith(
        "Most like New York, January 2024 (8 % apart), then A & B, June 2023 (far apart), by the course of"
    )
    assert "A picture, not a forecast" in worth
    nothing = SimilarEpisodes(8, 1, SERIES.dates[-8:], AHEAD, 100.0, (), "There is no course.")
    assert episode_lines.episode_sentences(nothing, SERIES) == ["Like when? There is no course."]


@pytest.mark.parametrize(
    ("ratio", "words"), [(1.02, "about as far off as"), (1.21, "21 % further off than"), (0.8, "20 % nearer than")]
)
def test_what_such_courses_are_worth_is_read_from_the_benchmark(ratio, words, tmp_path):
    path = tmp_path / "results.jsonl"
    path.write_text(json.dumps({"name": "like_when/all/8 weeks/3", "value": ratio}))
    assert words in episode_lines.worth_clause(path)
