"""Reliability of events on Methods: how often what was said to have a probability came, as a chart and in sentences.

The figures are those that ``python -m benchmarks events > benchmarks/results/events.jsonl`` wrote.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd

from forecasting.models import model, models
from forecasting.views.charts import base_layout, escape_html
from forecasting.views.palette import LIGHT, Theme

#: The file that the benchmark's last run was kept in: one JSON object a line.
RESULTS = Path(__file__).parents[2] / "benchmarks" / "results" / "events.jsonl"
#: Kinds of events, as a person says them; all of them together first.
KINDS = {
    "all": "all events",
    "above": "a level is exceeded",
    "below": "figures fall below a level",
    "rise": "a rise",
    "peak": "the peak is past",
    "total": "a large total",
}
#: Pixels of the dots.
DOT_SIZE = 8
#: Percent by which what came may differ from what was said and still be called about as said.
CLOSE = 5.0


@cache
def recorded_bins(path: Path = RESULTS) -> pd.DataFrame:
    """Columns ``model, kind, said, came, events``: mean probability and share that came, of each bin. Cached: change a copy."""
    figures = {row["name"]: row for row in map(json.loads, filter(str.strip, path.read_text().splitlines()))}
    rows = []
    for name, row in figures.items():
        parts = name.split("/")[1:]
        if len(parts) == 3 and "-" in parts[2] and parts[0] in models():
            rows.append((parts[0], parts[1], row["reference"], row["value"], int(figures[f"{name}/events"]["value"])))
    return pd.DataFrame(rows, columns=["model", "kind", "said", "came", "events"])


def reliability_figure(kind: str = "all", theme: Theme = LIGHT, path: Path = RESULTS) -> dict[str, Any]:
    """A line a model: how often events came, by how likely they were said to be; dotted, as often as said."""
    bins = recorded_bins(path)
    traces = [_line(name, part, theme) for name, part in bins[bins["kind"] == kind].groupby("model", sort=False)]
    layout = base_layout(None, theme, "share that came")
    layout["hovermode"] = "closest"
    percent = {"tickvals": list(range(0, 101, 20)), "ticktext": [f"{share} %" for share in range(0, 101, 20)]}
    title = {"text": "chance that was told", "font": {"size": 12, "color": theme.muted}}
    layout["xaxis"] |= {"range": [0, 101], "title": title, "fixedrange": True, **percent}
    layout["yaxis"] |= {"range": [0, 100], **percent}
    line = {"color": theme.muted, "width": 1.5, "dash": "dot"}
    layout["shapes"] = [{"type": "line", "x0": 0, "y0": 0, "x1": 100, "y1": 100, "line": line, "layer": "below"}]
    return {"data": traces, "layout": layout}


def _line(name: str, part: pd.DataFrame, theme: Theme) -> dict[str, Any]:
    colour = theme.model(name)
    return {
        "type": "scatter",
        "mode": "lines+markers",
        "uid": name,
        "x": [round(100 * one, 1) for one in part["said"]],
        "y": [round(100 * one, 1) for one in part["came"]],
        "customdata": [f"{one:,}" for one in part["events"]],
        "name": escape_html(model(name).label),
        "line": {"color": colour, "width": 2.0},
        "marker": {"size": DOT_SIZE, "color": colour},
        "hovertemplate": "said %{x:.0f} %, came %{y:.0f} % of %{customdata} events",
    }


def reliability_sentences(path: Path = RESULTS) -> list[str]:
    """A sentence a model: whether what it holds likely and unlikely comes about as often as it says, and which kind is furthest off."""
    bins, found = recorded_bins(path), []
    for name, part in bins.groupby("model", sort=False):
        by_kind = {str(kind): _apart(one) for kind, one in part.groupby("kind") if kind != "all"}
        worst = max(by_kind, key=lambda kind: by_kind[kind])
        whole = part[part["kind"] == "all"]
        unlikely, likely = _difference(whole[whole["said"] < 0.5]), _difference(whole[whole["said"] >= 0.5])
        halves = f"what it gives less than half comes {_words(unlikely)}, what it gives more {_words(likely)}"
        if max(abs(unlikely), abs(likely)) < CLOSE:
            halves = f"likely and unlikely events come {_words(likely)}"
        found.append(
            f"**{model(name).label}**: {halves}; {100 * _apart(whole):.0f} points off on average, and most for "
            f"*{KINDS.get(worst, worst)}* ({100 * by_kind[worst]:.0f})."
        )
    return found


def describe_reliability(kind: str = "all", path: Path = RESULTS) -> str:
    """The chart in a sentence, for screen readers."""
    bins = recorded_bins(path)
    part = bins[bins["kind"] == kind]
    off = ", ".join(
        f"{model(str(name)).label} {100 * _apart(one):.0f}" for name, one in part.groupby("model", sort=False)
    )
    return f"Chart of how often {KINDS[kind]} came by how likely it was said to be, of {len(part)} groups; points off on average: {off}."


def _apart(part: pd.DataFrame) -> float:
    """How far what came is from what was said on average, by events."""
    return float(((part["came"] - part["said"]).abs() * part["events"]).sum() / part["events"].sum())


def _difference(part: pd.DataFrame) -> float:
    """By how many percent points more came than was said."""
    return 100 * float(((part["came"] - part["said"]) * part["events"]).sum() / part["events"].sum())


def _words(difference: float) -> str:
    if abs(difference) < CLOSE:
        return "about as often as it says"
    return f"{'more' if difference > 0 else 'less'} often ({abs(difference):.0f} points)"
