"""The Monitor page's figures: how long answers took, and how many failed, over time."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd

from forecasting.views.charts import axes, iso, json_numbers
from forecasting.views.palette import LIGHT, Theme

#: Columns of `summaries.over_time` -> what the legend calls them, and the model whose colour they borrow.
LINES = {
    "median": ("Half within (median)", "ensemble", "solid", 2.4),
    "p95": ("95 % within (p95)", "prophet", "solid", 1.8),
    "p99": ("99 % within (p99)", "naive", "dot", 1.6),
}
#: The least that an axis of percent reaches to.
LOW = 5.0
#: Pixels left of both charts, so that they stand in line.
EDGE = 62


def grid(table: pd.DataFrame, since: datetime, until: datetime, step: timedelta) -> pd.DataFrame:
    """`table` (see `summaries.over_time`) with a row for every step from `since` to before `until`, NaN where nothing was."""
    every = pd.date_range(since, until, freq=pd.Timedelta(step), inclusive="left", name="begins")
    return table.set_index(pd.DatetimeIndex(table["begins"]).as_unit(every.unit)).drop(columns="begins").reindex(every)


def latency(table: pd.DataFrame, step: timedelta, theme: Theme = LIGHT) -> dict[str, Any]:
    """Median, p95 and p99 in milliseconds, of what `grid` gives; a gap where nobody asked for anything."""
    dates = _dates(table)
    traces = []
    for column, (name, colour, dash, width) in LINES.items():
        traces.append(
            {
                "type": "scatter",
                "mode": "lines+markers",
                "uid": column,
                "x": dates,
                "y": json_numbers(table[column].to_numpy(float)),
                "name": name,
                "line": {"color": theme.model(colour), "width": width, "dash": dash},
                "marker": {"size": 4},
                "hovertemplate": "%{y:,.0f} ms",
            }
        )
    layout = _layout(table, step, theme, "milliseconds")
    layout["yaxis"] |= {"tickformat": ","}
    return {"data": traces, "layout": layout}


def failed(table: pd.DataFrame, step: timedelta, theme: Theme = LIGHT) -> dict[str, Any]:
    """Percent that failed, a bar a step."""
    values = table["failed"].to_numpy(float)
    count = table["requests"].fillna(0).to_numpy(int)
    trace = {
        "type": "bar",
        "uid": "failed",
        "x": _dates(table),
        "y": json_numbers(values),
        "name": "Failed",
        "marker": {"color": theme.model("prophet")},
        "customdata": [f"{one:,}" for one in count],
        "hovertemplate": "%{y:.1f} % of %{customdata}",
        "showlegend": False,
    }
    layout = _layout(table, step, theme, "% failed")
    layout["yaxis"] |= {"tickformat": "", "nticks": 3}
    return {"data": [trace], "layout": layout}


def top_of_failed(table: pd.DataFrame) -> float:
    """Where the axis of `failed` ends."""
    highest = float(np.nanmax(table["failed"].to_numpy(float), initial=0.0))
    return max(1.1 * highest, LOW)


def describe(table: pd.DataFrame) -> str:
    """The latency chart in a sentence, for a screen reader."""
    there = table.dropna(subset=["median"])
    if there.empty:
        return "Chart of answering times; there is nothing in it yet."
    last = there.iloc[-1]
    return (
        f"Chart of answering times. The last ones: half within {last['median']:,.0f} milliseconds, "
        f"95 % within {last['p95']:,.0f}, 99 % within {last['p99']:,.0f}."
    )


def _dates(table: pd.DataFrame) -> list[str]:
    return iso(pd.DatetimeIndex(table.index).tz_localize(None))


def _layout(table: pd.DataFrame, step: timedelta, theme: Theme, unit: str) -> dict[str, Any]:
    index = pd.DatetimeIndex(table.index).tz_localize(None)
    layout = axes((index[0] - step / 2, index[-1] + step / 2), theme, unit)
    layout["xaxis"] |= {"hoverformat": "%a %-d %b, %H:%M", "fixedrange": True, "nticks": 6}
    layout["yaxis"] |= {"automargin": False}
    return layout | {"dragmode": False, "margin": layout["margin"] | {"l": EDGE}}
