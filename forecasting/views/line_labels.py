"""Names beside lines of a chart, pushed apart where they would lie upon each other."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from forecasting.views.charts import escape_html

#: Pixels: the height of a name, about the width of a letter, and the height of a plot.
LABEL_HEIGHT, LETTER_WIDTH, PLOT_HEIGHT = 15, 7, 330


@dataclass(frozen=True)
class LineLabel:
    """A name beside a line: where, what, in which colour, and whether it is bold."""

    date: str
    value: float
    text: str
    colour: str
    bold: bool = False


def height_scale(values: Iterable[float], from_zero: bool, log: bool) -> Callable[[float], float]:
    """How many pixels above the bottom of a plot a value is about, where the axis shows all `values`."""
    known = [value for value in values if math.isfinite(value) and (value > 0 or not log)]
    least = min(known, default=1.0)

    def measured(value: float) -> float:
        return math.log10(max(value, least)) if log else value

    bottom = 0.0 if from_zero and not log else measured(least)
    height = measured(max(known, default=1.0)) - bottom or 1.0
    return lambda value: (measured(value) - bottom) / height * PLOT_HEIGHT


def line_end_notes(labels: Iterable[LineLabel], height: Callable[[float], float], name: str) -> list[dict[str, Any]]:
    """Plotly annotations to the right of the labels' points, each at least a line above the one below; `name` says what they are."""
    notes, lowest = list[dict[str, Any]](), -math.inf
    for label in sorted(labels, key=lambda label: label.value):
        here = height(label.value)
        lowest = max(here, lowest + LABEL_HEIGHT)
        notes.append(_note(label, name) | {"xanchor": "left", "xshift": 6, "yshift": round(lowest - here)})
    return notes


def above_line_notes(
    labels: Iterable[LineLabel],
    height: Callable[[float], float],
    near: Callable[[str, str], bool],
    name: str,
) -> list[dict[str, Any]]:
    """Plotly annotations above the labels' points, each above those that are `near` in time."""
    notes, placed = list[dict[str, Any]](), list[tuple[str, float]]()
    for label in sorted(labels, key=lambda label: label.value):
        here = place = height(label.value) + 0.7 * LABEL_HEIGHT
        for date, other in sorted(placed, key=lambda one: one[1]):
            if near(date, label.date) and abs(other - place) < LABEL_HEIGHT:
                place = other + LABEL_HEIGHT
        placed.append((label.date, place))
        shift = round(place - here + 0.7 * LABEL_HEIGHT)
        notes.append(_note(label, name) | {"xanchor": "center", "yshift": shift})
    return notes


def _note(label: LineLabel, name: str) -> dict[str, Any]:
    text = escape_html(label.text)
    return {
        "name": name,
        "x": label.date,
        "y": label.value,
        "text": f"<b>{text}</b>" if label.bold else text,
        "showarrow": False,
        "yanchor": "middle",
        "font": {"size": 12, "color": label.colour},
    }
