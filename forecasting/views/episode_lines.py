"""Similar episodes on the fan chart: a dashed line for what followed each, its name at the line's end, and a sentence below."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from forecasting.data.formatting import format_change, format_date, format_dates, format_figure, format_iso
from forecasting.data.series import Series
from forecasting.evaluation.similar_episodes import COURSE_CYCLES, Episode, SimilarEpisodes
from forecasting.views.charts import iso_dates, json_numbers, line_trace
from forecasting.views.line_labels import LineLabel
from forecasting.views.palette import Theme

#: Pixels: the nearest is the widest.
WIDTHS = (1.8, 1.4, 1.1)
#: What `python -m benchmarks like_when` printed: how what followed such episodes compares with no change.
RESULTS = Path(__file__).parents[2] / "benchmarks" / "results" / "like_when.jsonl"
#: Ratios nearer to one than this are called the same.
ABOUT = 0.05


def has_course(series: Series) -> bool:
    """Whether there is a course to compare: figures that cannot fall below zero, no running totals, for twice as long."""
    return not series.cumulative and series.kind.low >= 0 and len(series) >= 2 * COURSE_CYCLES * series.frequency.cycle


def episode_name(episode: Episode) -> str:
    """Place and month, as it stands at a line's end: ``"New York, Jan 2024"``."""
    return f"{episode.region}, {episode.end:%b %Y}"


def episode_traces(found: SimilarEpisodes, factor: float, theme: Theme, named: str) -> list[dict[str, Any]]:
    """A dashed line of what followed each episode, the nearest first; `factor` scales counts to the unit on show."""
    dates = iso_dates(found.dates[-1:].append(found.ahead))
    traces = []
    for width, episode in zip(WIDTHS, found.episodes, strict=False):
        values = factor * np.concatenate([[found.last], episode.continuation])
        uid = f"episode-{episode.region}-{episode.end:%Y-%m-%d}"
        trace = line_trace(dates, values, episode_name(episode), theme.quiet, width, uid)
        trace["line"]["dash"] = "dash"
        traces.append(trace | {"showlegend": False, "meta": {"named": named, "joined": True}})
    return traces


def episode_labels(found: SimilarEpisodes, factor: float, theme: Theme) -> list[LineLabel]:
    """The names at the lines' ends."""
    date = iso_dates(found.ahead[-1:])[0]
    return [
        LineLabel(
            date, json_numbers(factor * one.continuation[-1:])[0] or 0.0, episode_name(one), theme.quiet, place == 0
        )
        for place, one in enumerate(found.episodes)
    ]


def episode_lines(found: SimilarEpisodes, series: Series) -> list[str]:
    """What is most like now, and a line an episode: when it was, how near, and what followed; plain text."""
    now, ahead = series.frequency.steps(found.periods), series.frequency.steps(len(found.ahead))
    decimals = series.decimals
    first = (
        f"most like {episode_name(found.episodes[0])}, by the course of the last {now} to {format_date(series.origin)}."
    )
    return [first] + [
        f"{one.region}, {format_dates(one.start, one.end)}: {_apart(one)}; {ahead} later at "
        f"{format_figure(one.continuation[-1], decimals)} on the scale of here ({_change(found, one)})."
        for one in found.episodes
    ]


def _change(found: SimilarEpisodes, episode: Episode) -> str:
    return (
        format_change(float(episode.continuation[-1]), float(episode.course[-1]))
        if episode.course[-1] > 0
        else "from 0"
    )


def episode_answer(found: SimilarEpisodes, series: Series, statistic: str) -> dict[str, Any]:
    """What command line and API answer, as JSON values."""
    return {
        "region": series.region,
        "statistic": statistic,
        "origin": format_iso(series.origin),
        "periods": found.periods,
        "mean_of": found.mean_of,
        "dates": [format_iso(date) for date in found.dates],
        "last": round(found.last, 6),
        "ahead": [format_iso(date) for date in found.ahead],
        "episodes": [one.to_json() for one in found.episodes],
        "sentences": episode_lines(found, series),
    }


def episode_sentences(found: SimilarEpisodes, series: Series) -> list[str]:
    """What the dashed lines are, which courses they followed, and what they are worth; or why there are none."""
    if not found.episodes:
        return [f"Like when? {found.why_not}"]
    most, *others = (f"{one.region}, {one.end:%B %Y} ({_apart(one)})" for one in found.episodes)
    then = f", then {' and '.join(others)}" if others else ""
    mean = f"{series.frequency.season_length} means of " if found.mean_of > 1 else ""
    return [
        f"Most like {most}{then}, by the course of {mean}the last {series.frequency.steps(found.periods)}, whatever the level.",
        f"Dashed: what followed there, scaled to go on from here. A picture, not a forecast: {worth_clause()}",
    ]


@cache
def worth_clause(path: Path = RESULTS) -> str:
    """How far off the mean of what followed the nearest three was on earlier dates, as a clause. Cached by file."""
    lines = [json.loads(line) for line in path.read_text().splitlines() if line.strip()]
    ratio = next(one["value"] for one in lines if one["name"] == f"like_when/all/{COURSE_CYCLES} weeks/3")
    how = (
        "about as far off as"
        if abs(ratio - 1) < ABOUT
        else f"{abs(ratio - 1):.0%} {'further off' if ratio > 1 else 'nearer'} than"
    )
    return f"on earlier dates, the mean of three such courses was {how.replace('%', ' %')} no change."


def _apart(episode: Episode) -> str:
    """How far its course is from the present one, in words."""
    return f"{max(round(100 * episode.difference), 1)} % apart" if episode.difference < 1 else "far apart"
