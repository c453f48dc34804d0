"""Charts on Monitor: answering times and failures over time."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd

from forecasting.views.charts import base_layout, iso_dates, json_numbers
from forecasting.views.palette import LIGHT, Theme

#: Column of `summaries.latency_over_time` -> its name in the legend, the model whose colour it borrows, dash, width.
LINES = {
    "median": ("Half within (median)", "ensemble", "solid", 2.4),
    "p95": ("95 % within (p95)", "prophet", "solid", 1.8),
    "p99": ("99 % within (p99)", "naive", "dot", 1.6),
}
#: The lowest end of an axis of percent.
LEAST_AXIS_TOP = 5.0
#: Pixels left of both charts, so that they are aligned.
LEFT_MARGIN = 62


def fill_time_grid(table: pd.DataFrame, since: datetime, until: datetime, step: timedelta) -> pd.DataFrame:
    """Fill the gaps of `summaries.latency_over_time`: a row for every step from `since` to before `until`, NaN if empty."""
    every = pd.date_range(since, until, freq=pd.Timedelta(step), inclusive="left", name="begins")
    return table.set_index(pd.DatetimeIndex(table["begins"]).as_unit(every.unit)).drop(columns="begins").reindex(every)


def latency_figure(table: pd.DataFrame, step: timedelta, theme: Theme = LIGHT) -> dict[str, Any]:
    """The Plotly figure of median, p95 and p99 in milliseconds, from `fill_time_grid`; a gap where there was no request."""
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


def failures_figure(table: pd.DataFrame, step: timedelta, theme: Theme = LIGHT) -> dict[str, Any]:
    """The Plotly figure of the percent of requests that failed, a bar a step."""
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


def failures_axis_top(table: pd.DataFrame) -> float:
    """The end of the y axis of `failures_figure`."""
    highest = float(np.nanmax(table["failed"].to_numpy(float), initial=0.0))
    return max(1.1 * highest, LEAST_AXIS_TOP)


def describe_latency(table: pd.DataFrame) -> str:
    """Describe the latency chart in a sentence for a screen reader."""
    there = table.dropna(subset=["median"])
    if there.empty:
        return "Chart of answering times; there is nothing in it yet."
    last = there.iloc[-1]
    return (
        f"Chart of answering times. The last ones: half within {last['median']:,.0f} milliseconds, "
        f"95 % within {last['p95']:,.0f}, 99 % within {last['p99']:,.0f}."
    )


def _dates(table: pd.DataFrame) -> list[str]:
    return iso_dates(pd.DatetimeIndex(table.index).tz_localize(None))


def _layout(table: pd.DataFrame, step: timedelta, theme: Theme, unit: str) -> dict[str, Any]:
    index = pd.DatetimeIndex(table.index).tz_localize(None)
    layout = base_layout((index[0] - step / 2, index[-1] + step / 2), theme, unit)
    layout["xaxis"] |= {"hoverformat": "%a %-d %b, %H:%M", "fixedrange": True, "nticks": 6}
    layout["yaxis"] |= {"automargin": False}
    return layout | {"dragmode": False, "margin": layout["margin"] | {"l": LEFT_MARGIN}}
