"""Charts on Compare of accuracy by horizon: errors, coverage of bands, and the PIT histogram of where outcomes fell."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from forecasting.views.backtest_charts import LegendEntry, json_ratios
from forecasting.views.charts import base_layout, escape_html, legend_below, line_trace
from forecasting.views.palette import LIGHT, Theme

#: Pixels of the dots on lines whose points stand for a group of horizons each.
DOT_SIZE = 7
#: Ticks of an axis of steps ahead, each on a whole step.
MOST_TICKS = 8


def error_by_horizon_figure(
    cells: pd.DataFrame, parties: Sequence[LegendEntry], step: str, theme: Theme = LIGHT
) -> dict[str, Any]:
    """A line a model: its mean absolute error so many steps ahead, from scores with ``model, horizon, ae``."""
    means = cells.groupby(["model", "horizon"])["ae"].mean()
    traces = []
    for party in parties:
        line = means[party.name]
        trace = line_trace([], line.to_numpy(), party.label, party.colour, 2.0, party.name)
        traces.append({**trace, "x": [int(ahead) for ahead in line.index]})
    return {
        "data": traces,
        "layout": legend_below(_ahead_axes(theme, "mean absolute error", step, int(cells["horizon"].max()))),
    }


def relative_error_figure(
    table: pd.DataFrame, parties: Sequence[LegendEntry], step: str, theme: Theme = LIGHT
) -> dict[str, Any]:
    """A line a region: a model's error over no change's, from `comparison.relative_error_by_horizon`."""
    traces = [_stretches(table[table["region"] == party.name], "ratio", party, "%{y:.2f}×") for party in parties]
    layout = legend_below(_ahead_axes(theme, "error, × no change", step, int(table["last"].max()), table))
    layout["yaxis"] |= {"tickformat": ".1~f"}
    layout["shapes"] = [_level(1.0, theme)]
    return {"data": traces, "layout": layout}


def coverage_by_horizon_figure(
    table: pd.DataFrame, by: str, percent: int, parties: Sequence[LegendEntry], step: str, theme: Theme = LIGHT
) -> dict[str, Any]:
    """A line a party: how much its `percent` % band held, from `comparison.coverage_by_horizon`; dotted, the honest share."""
    column = f"coverage_{percent}"
    traces = [_stretches(table[table[by] == party.name], column, party, "%{y:.0f} %") for party in parties]
    layout = _ahead_axes(theme, "", step, int(table["last"].max()), table) | {"showlegend": False}
    shares = [0, 25, 50, 75, 100]
    layout["yaxis"] |= {"tickvals": shares, "ticktext": [f"{share} %" for share in shares]}
    layout["shapes"] = [_level(percent, theme)]
    return {"data": traces, "layout": layout}


def _stretches(part: pd.DataFrame, column: str, party: LegendEntry, hover: str) -> dict[str, Any]:
    """A party's line with a dot for each stretch of the horizon."""
    trace = line_trace([], np.array([]), party.label, party.colour, 2.0, party.name)
    return trace | {
        "mode": "lines+markers",
        "marker": {"size": DOT_SIZE, "color": party.colour},
        "x": [int(ahead) for ahead in part["last"]],
        "y": json_ratios(part[column].to_numpy(float)),
        "hovertemplate": hover,
    }


def _level(at: float, theme: Theme) -> dict[str, Any]:
    """A dotted line across the chart."""
    line = {"color": theme.muted, "width": 1.5, "dash": "dot"}
    return {"type": "line", "xref": "paper", "x0": 0, "x1": 1, "y0": at, "y1": at, "line": line, "layer": "below"}


def _ahead_axes(theme: Theme, unit: str, step: str, ends: int, stretches: pd.DataFrame | None = None) -> dict[str, Any]:
    """A frame whose x axis is how many steps ahead; with `stretches`, named by their first and last step."""
    layout = base_layout(None, theme, unit)
    title = {"text": f"{step}s ahead", "font": {"size": 12, "color": theme.muted}}
    layout["xaxis"] |= {"title": title, "range": [1, max(ends, 2)], "tick0": 0, "dtick": math.ceil(ends / MOST_TICKS)}
    if stretches is not None:
        ticks = stretches.drop_duplicates("last")
        names = [
            str(last) if first == last else f"{first}–{last}"
            for first, last in zip(ticks["first"], ticks["last"], strict=True)
        ]
        values = [int(last) for last in ticks["last"]]
        margin = 0.06 * max(values[-1] - values[0], 1)
        layout["xaxis"] |= {"tickvals": values, "ticktext": names, "range": [values[0] - margin, values[-1] + margin]}
    return layout


def pit_histogram_figure(histogram: pd.DataFrame, party: LegendEntry, theme: Theme = LIGHT) -> dict[str, Any]:
    """Bars of `evaluation.pit_histogram`: how many outcomes fell into each part of the forecasts; dotted, the honest share."""
    shares = 100 * histogram["share"].to_numpy(float)
    parts = [
        f"{100 * low:.0f}–{100 * high:.0f} %" for low, high in zip(histogram["low"], histogram["high"], strict=True)
    ]
    bars = {
        "type": "bar",
        "uid": party.name,
        "x": [float(middle) for middle in (histogram["low"] + histogram["high"]) / 2],
        "y": json_ratios(shares),
        "customdata": parts,
        "width": 0.92 / len(histogram),
        "marker": {"color": party.colour},
        "hovertemplate": "quantiles %{customdata}: %{y:.0f} % of outcomes<extra></extra>",
        "name": escape_html(party.label),
        "showlegend": False,
    }
    layout = base_layout(None, theme, "")
    layout["hovermode"] = "closest"
    layout["xaxis"] |= {
        "range": [0, 1],
        "tickvals": [0.1, 0.5, 0.9],
        "ticktext": ["far below", "median", "far above"],
        "fixedrange": True,
    }
    layout["yaxis"] |= {"tickformat": "d", "ticksuffix": " %", "nticks": 4}
    layout["shapes"] = [_level(100 / len(histogram), theme) | {"layer": "above"}]
    return {"data": [bars], "layout": layout}
