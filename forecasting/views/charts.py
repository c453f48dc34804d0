"""Parts that all charts share: the layout, lines, and JSON values of Plotly figures.

Figures are plain dictionaries, which `Plotly.react` and `plotly.io` both take.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from html import escape
from typing import Any

import numpy as np
import pandas as pd

from forecasting.data.forecast import QUANTILES
from forecasting.data.formatting import format_figure
from forecasting.data.frequency import Frequency
from forecasting.data.kind import COUNT
from forecasting.data.series import Series
from forecasting.views.palette import Theme

#: Streamlit's own font, so that the chart looks like the page around it.
FONT = '"Source Sans", "Source Sans 3", "Helvetica Neue", Arial, sans-serif'
#: Milliseconds, or months, between the ticks of an axis -> how it writes their dates, in the order of `format_date`.
TICK_DATES = (
    ((None, 86_399_999), "%H:%M\n%-d %b %Y"),
    ((86_400_000, 2_500_000_000), "%-d %b\n%Y"),
    (("M1", "M11"), "%b %Y"),
    (("M12", None), "%Y"),
)
#: Pixels above the plot that the chart's own buttons get.
BUTTONS_HEIGHT = 34
#: Quantile level -> its column in a table of quantiles.
LEVEL_INDEX = {level: i for i, level in enumerate(QUANTILES)}
#: Where a text on hover has the height of its point, with so many decimal places.
_HEIGHT = re.compile(r"%\{y:,?\.(\d+)f\}")


def can_smooth(series: Series) -> bool:
    """Whether a mean over the last season makes sense: figures of days or shorter steps, two seasons or more."""
    return not series.cumulative and series.season > 1 and series.frequency.cycle > 1


def iso_dates(dates: pd.DatetimeIndex) -> list[str]:
    """ISO dates, with the time of day only where there is one. By numpy, whose formatting is ten times as fast as pandas'."""
    moments = dates.to_numpy().astype("datetime64[m]")
    days = moments.astype("datetime64[D]")
    return np.datetime_as_string(days if (days == moments).all() else moments).tolist()


def json_numbers(values: np.ndarray) -> list[float | None]:
    """Numbers that JSON has, and None for what is not finite: rounded to a tenth, small ones to six significant digits."""
    values = np.asarray(values, dtype=float)
    rounded = np.round(values, 1)
    small = np.isfinite(values) & (np.abs(values) < 100) & (values != rounded)
    if small.any():
        digits = 10.0 ** (5 - np.floor(np.log10(np.abs(values[small]))))
        rounded[small] = np.round(values[small] * digits) / digits
    if np.isfinite(rounded).all():
        return rounded.tolist()
    return [value if np.isfinite(value) else None for value in rounded.tolist()]


def escape_html(text: str) -> str:
    """Escape `text` for Plotly, which would make a link of what looks like one in HTML."""
    return escape(text, quote=False)


def line_trace(x: list[str], y: np.ndarray, name: str, colour: str, width: float, uid: str) -> dict[str, Any]:
    """A Plotly line trace; its legend choice is kept under `uid` when the figure changes."""
    return {
        "type": "scatter",
        "mode": "lines",
        "uid": uid,
        "x": x,
        "y": json_numbers(y),
        "name": escape_html(name),
        "line": {"color": colour, "width": width},
        "hovertemplate": "%{y:,.0f}",
    }


def as_reported_traces(series: Series, smooth: bool, theme: Theme) -> list[dict[str, Any]]:
    """Markers of the last figures as published, where the history line runs through what they are expected to become.

    Squares, for the circles of `provisional` points are figures that are not used at all. Not beside means or totals.
    """
    if series.reported is None or smooth or series.cumulative:
        return []
    places = series.dates.get_indexer(series.reported.index)
    return [
        {
            "type": "scatter",
            "mode": "markers",
            "uid": "as reported",
            "x": iso_dates(pd.DatetimeIndex(series.reported.index)),
            "y": json_numbers(series.reported.to_numpy(float)),
            "name": "As reported",
            "marker": {"symbol": "square-open", "size": 8, "color": theme.muted, "line": {"width": 1.5}},
            "customdata": [format_figure(value, series.decimals) for value in series.values[places]],
            "hovertemplate": "%{y:,.0f} as reported, taken as %{customdata}",
        }
    ]


def history_line(series: Series, smooth: bool) -> np.ndarray:
    """Shape (n,): the counts, or their means over the last season."""
    if not smooth:
        return series.values
    return pd.Series(series.values).rolling(series.season, min_periods=1).mean().to_numpy()


def base_layout(window: tuple[pd.Timestamp, pd.Timestamp] | None, theme: Theme, unit: str) -> dict[str, Any]:
    """The Plotly layout that every chart starts from; its x axis is of dates when there is a `window`."""
    x: dict[str, Any] = {"gridcolor": "rgba(0,0,0,0)", "linecolor": theme.grid, "showline": True, "automargin": True}
    if window:
        x |= {"type": "date", "range": iso_dates(pd.DatetimeIndex(window)), "hoverformat": "%a %-d %b %Y"}
        x["tickformatstops"] = [{"dtickrange": list(steps), "value": form} for steps, form in TICK_DATES]
    return {
        "font": {"color": theme.text, "size": 13, "family": FONT},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "margin": {"l": 8, "r": 12, "t": 8, "b": 8},
        "hovermode": "x unified",
        "hoverlabel": {
            "bgcolor": "#1b2430" if theme.dark else "#ffffff",
            "bordercolor": theme.grid,
            "font": {"color": theme.text, "size": 13},
        },
        "legend": {
            "orientation": "h",
            "traceorder": "normal",
            "y": 1.02,
            "yanchor": "bottom",
            "x": 0,
            "xanchor": "left",
        },
        "dragmode": "pan",
        "modebar": {"bgcolor": "rgba(0,0,0,0)", "color": theme.muted, "activecolor": theme.text},
        "xaxis": x,
        "yaxis": {
            "gridcolor": theme.grid,
            "zeroline": False,
            "rangemode": "tozero",
            "fixedrange": True,
            "tickformat": "~s",
            "automargin": True,
            "title": {"text": escape_html(unit), "font": {"size": 12, "color": theme.muted}},
        },
    }


def marked_with_dates(layout: dict[str, Any], origin: pd.Timestamp, frequency: Frequency) -> dict[str, Any]:
    """`layout` with what the chart's own ticks go by: a date that has a figure, and the days between two, if not minutes."""
    step = {} if frequency.minutes else {"step": frequency.days}
    layout["meta"] = {"origin": iso_dates(pd.DatetimeIndex([origin]))[0]} | step
    return layout


def legend_below(layout: dict[str, Any]) -> dict[str, Any]:
    """`layout` with its legend at the foot and room for the chart's buttons at the top, where they would lie over a legend."""
    layout["legend"] |= {"yref": "container", "y": 0, "yanchor": "bottom"}
    layout["margin"] |= {"t": BUTTONS_HEIGHT}
    return layout


def adapted_to_kind(figure: dict[str, Any], series: Series) -> dict[str, Any]:
    """`figure` with as many decimal places as the figures of `series` need, and an axis that begins at zero for counts only."""
    return figure if series.kind is COUNT else with_decimals(figure, series)


def with_decimals(figure: dict[str, Any], series: Series, rangemode: str = "normal") -> dict[str, Any]:
    """`figure` with as many decimal places as the figures of `series` need, and an axis of their whole range or ``"tozero"``."""
    precise = f",.{series.decimals}f"
    for trace in figure["data"]:
        shown = trace.get("hovertemplate")
        if isinstance(shown, list):
            trace["hovertemplate"] = [text.replace(",.0f", precise) for text in shown]
        elif shown:
            trace["hovertemplate"] = shown.replace(",.0f", precise)
    largest = float(np.abs(series.values).max(initial=0.0))
    figure["layout"]["yaxis"] |= {"rangemode": rangemode, "tickformat": "~s" if largest >= 10_000 else ","}
    return figure


def with_minus_signs(figure: dict[str, Any]) -> dict[str, Any]:
    """`figure` with the minus sign of every other figure in Plotly's own box on hover, which would write a hyphen."""
    for trace in figure["data"]:
        write_figures(trace, [place for place, value in enumerate(trace["y"]) if value is not None and value < 0])
    return figure


def write_figures(trace: dict[str, Any], places: Sequence[int]) -> None:
    """Write the figures at some places of a trace into what it says on hover, in the place of the height at which they are drawn."""
    shown = trace.get("hovertemplate")
    if not shown or not places:
        return
    texts = list(shown) if isinstance(shown, list) else [shown] * len(trace["y"])
    for place in places:
        texts[place] = _with_figure(texts[place], trace["y"][place])
    trace["hovertemplate"] = texts


def _with_figure(template: str, value: float) -> str:
    return _HEIGHT.sub(lambda found: format_figure(value, int(found[1])), template)


def standalone_html(figure: dict[str, Any], title: str) -> bytes:
    """An HTML page that shows the figure without a network (it contains all of plotly.js)."""
    from plotly.io import to_html

    figure = with_minus_signs(figure)
    layout = {
        **figure["layout"],
        "title": {"text": title},
        "margin": {"t": 90, "l": 60, "r": max(30, figure["layout"]["margin"]["r"]), "b": 50},
        "height": 640,
    }
    layout["yaxis"] = {**layout["yaxis"], "fixedrange": False}
    page = to_html({"data": figure["data"], "layout": layout}, include_plotlyjs=True, validate=False)
    return page.encode()
