"""Tables -> Plotly figures, as plain dictionaries that `Plotly.react` and `plotly.io` both take."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from typing import Any

import numpy as np
import pandas as pd

from forecasting.data.forecast import MEDIAN, QUANTILES, Forecast
from forecasting.data.formatting import compact, day, whole
from forecasting.data.revisions import Revision
from forecasting.data.series import Series
from forecasting.models import model
from forecasting.views.palette import LIGHT, Theme, rgba

#: Central bands drawn, widest first, with the opacity of each on light and dark.
BANDS = ((95, 0.16, 0.22), (80, 0.22, 0.28), (50, 0.30, 0.36))
#: Streamlit's own font, so that the chart looks like the page around it.
FONT = '"Source Sans", "Source Sans 3", "Helvetica Neue", Arial, sans-serif'
#: One entry in the legend stands for the three bands: the middle one's colour.
BANDS_NAME = "50, 80, 95 %"
LEGEND_BAND = 80
LEVEL = {level: i for i, level in enumerate(QUANTILES)}


@dataclass(frozen=True)
class Fan:
    """What the main chart shows.

    Attributes:
        series: the history; its provisional points are drawn hollow, and corrected ones beside what was reported.
        forecasts: by model, in the order of the legend.
        drafts: the models whose forecast is not final yet (drawn dotted).
        band: the model whose 50, 80 and 95 % bands are drawn.
        unit: what the y axis counts, e.g. ``"new cases"``.
        smooth: draw means over the last season (7 days) instead of single periods.
        revisions: what the last figures usually become, drawn beside them where they are not corrected already.
    """

    series: Series
    forecasts: dict[str, Forecast]
    drafts: frozenset[str]
    band: str
    unit: str
    smooth: bool
    revisions: tuple[Revision, ...] = ()

    def history(self) -> np.ndarray:
        """Shape (n,): the line of the past, as counts, means or running totals."""
        values = self.series.values
        if self.series.cumulative:
            return self.series.before + np.cumsum(values)
        return past_line(self.series, self.smooth)

    def quantiles(self, forecast: Forecast) -> np.ndarray:
        """Shape (horizon, 23): the same of the future."""
        if self.series.cumulative:
            return forecast.cumulative(self.series.total)
        return forecast.means if self.smooth else forecast.values


def can_smooth(series: Series) -> bool:
    """Whether a mean over the last season makes sense: daily or hourly counts, two seasons or more."""
    return not series.cumulative and series.season > 1 and series.frequency.name in ("daily", "hourly")


def fan(chart: Fan, theme: Theme = LIGHT) -> dict[str, Any]:
    """The fan chart: history, one line a model, and the bands of one of them."""
    past, dates = chart.history(), chart.series.dates
    traces = [
        *_bands(chart, past[-1], theme),
        *_reported(chart, theme),
        line_trace(iso(dates), past, _history_name(chart), theme.text, 2.2, "history"),
        *(_median(chart, name, past[-1], theme) for name in chart.forecasts),
        *as_reported(chart.series, chart.smooth, theme),
        *_provisional(chart, theme),
        *_revised(chart, theme),
    ]
    return {"data": traces, "layout": _layout(chart, theme)}


def iso(dates: pd.DatetimeIndex) -> list[str]:
    """ISO dates, with the time of day only where there is one; numpy's own formatting is ten times pandas'."""
    moments = dates.to_numpy().astype("datetime64[m]")
    days = moments.astype("datetime64[D]")
    return np.datetime_as_string(days if (days == moments).all() else moments).tolist()


def json_numbers(values: np.ndarray) -> list[float | None]:
    """JSON has no infinity; a tenth of a count is finer than any screen."""
    rounded = np.round(np.asarray(values, dtype=float), 1)
    if np.isfinite(rounded).all():
        return rounded.tolist()
    return [value if np.isfinite(value) else None for value in rounded.tolist()]


def _history_name(chart: Fan) -> str:
    if not chart.smooth or chart.series.cumulative:
        return "Reported" if chart.series.reported is None else "End corrected"
    return f"{chart.series.frequency.steps(chart.series.season).removesuffix('s').replace(' ', '-')} mean"


def shown(text: str) -> str:
    """The text so that Plotly shows it as it is: it would make a link of what looks like one in HTML."""
    return escape(text, quote=False)


def line_trace(x: list[str], y: np.ndarray, name: str, colour: str, width: float, uid: str) -> dict[str, Any]:
    """A line of the figure; `uid` is what keeps its legend choice when the figure changes."""
    return {
        "type": "scatter",
        "mode": "lines",
        "uid": uid,
        "x": x,
        "y": json_numbers(y),
        "name": shown(name),
        "line": {"color": colour, "width": width},
        "hovertemplate": "%{y:,.0f}",
    }


def _reported(chart: Fan, theme: Theme) -> list[dict[str, Any]]:
    """The single days behind their mean."""
    if not chart.smooth or chart.series.cumulative:
        return []
    return [line_trace(iso(chart.series.dates), chart.series.published, "Reported", theme.muted, 1.0, "reported")]


def as_reported(series: Series, smooth: bool, theme: Theme) -> list[dict[str, Any]]:
    """The last figures as published, where the line of the past runs through what they are expected to become.

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
            "x": iso(pd.DatetimeIndex(series.reported.index)),
            "y": json_numbers(series.reported.to_numpy(float)),
            "name": "As reported",
            "marker": {"symbol": "square-open", "size": 8, "color": theme.muted, "line": {"width": 1.5}},
            "customdata": [whole(value) for value in series.values[places]],
            "hovertemplate": "%{y:,.0f} as reported, taken as %{customdata}",
        }
    ]


def _provisional(chart: Fan, theme: Theme) -> list[dict[str, Any]]:
    late = chart.series.provisional
    if late is None or late.empty or chart.series.cumulative:
        return []
    return [
        {
            "type": "scatter",
            "mode": "markers",
            "uid": "provisional",
            "x": iso(pd.DatetimeIndex(late.index)),
            "y": json_numbers(late.to_numpy(float)),
            "name": "Provisional, not used",
            "marker": {"symbol": "circle-open", "size": 9, "color": theme.text, "line": {"width": 2}},
            "hovertemplate": "%{y:,.0f} so far",
        }
    ]


def _revised(chart: Fan, theme: Theme) -> list[dict[str, Any]]:
    """What the last figures usually become, with where four of five such figures ended."""
    told = () if chart.series.reported is None else chart.series.reported.index
    shown = [one for one in chart.revisions if one.date >= chart.series.start and one.date not in told]
    if not shown or chart.smooth or chart.series.cumulative:
        return []
    value = np.array([revision.value for revision in shown])
    low, middle, high = (value * [getattr(r, part) for r in shown] for part in ("low", "median", "high"))
    return [
        {
            "type": "scatter",
            "mode": "markers",
            "uid": "revised",
            "x": iso(pd.DatetimeIndex([revision.date for revision in shown])),
            "y": json_numbers(middle),
            "error_y": {
                "type": "data",
                "symmetric": False,
                "array": json_numbers(high - middle),
                "arrayminus": json_numbers(middle - low),
                "color": theme.muted,
                "thickness": 1.5,
                "width": 4,
            },
            "name": "Usually becomes",
            "marker": {"symbol": "diamond-open", "size": 9, "color": theme.muted, "line": {"width": 2}},
            "customdata": [f"{whole(a)} – {whole(b)}" for a, b in zip(low, high, strict=True)],
            "hovertemplate": "usually becomes %{y:,.0f} (80 %: %{customdata})",
        }
    ]


def _bands(chart: Fan, last: float, theme: Theme) -> list[dict[str, Any]]:
    forecast = chart.forecasts.get(chart.band)
    if forecast is None:
        return []
    table = chart.quantiles(forecast)
    dates = pd.DatetimeIndex([forecast.origin]).append(forecast.dates)
    x = iso(dates) + iso(dates[::-1])
    traces = []
    for percent, light, dark in BANDS:
        tail = round((1 - percent / 100) / 2, 3)
        low, high = table[:, LEVEL[tail]], table[:, LEVEL[round(1 - tail, 3)]]
        traces.append(
            {
                "type": "scatter",
                "mode": "lines",
                "uid": f"band-{percent}",
                "x": x,
                "y": json_numbers(np.concatenate([[last], high, low[::-1], [last]])),
                "fill": "toself",
                "fillcolor": rgba(theme.model(chart.band), dark if theme.dark else light),
                "line": {"width": 0},
                "name": BANDS_NAME,
                "legendgroup": "bands",
                "showlegend": percent == LEGEND_BAND,
                "hoverinfo": "skip",
            }
        )
    return traces


def _median(chart: Fan, name: str, last: float, theme: Theme) -> dict[str, Any]:
    forecast = chart.forecasts[name]
    table = chart.quantiles(forecast)
    dates = pd.DatetimeIndex([forecast.origin]).append(forecast.dates)
    lead = name == chart.band
    label = model(name).label + (" (draft)" if name in chart.drafts else "")
    trace = line_trace(
        iso(dates), np.concatenate([[last], table[:, MEDIAN]]), label, theme.model(name), 2.8 if lead else 1.7, name
    )
    trace["line"]["dash"] = "dot" if name in chart.drafts else "solid"
    ranges = [f"{whole(low)} – {whole(high)}" for low, high in table[:, [LEVEL[0.1], LEVEL[0.9]]]]
    trace["customdata"] = ["", *ranges]
    trace["hovertemplate"] = ["%{y:,.0f}", *["%{y:,.0f}  (80 %: %{customdata})"] * len(ranges)]
    return trace


def opening_window(chart: Fan) -> tuple[pd.Timestamp, pd.Timestamp]:
    """The dates that the chart opens on: the horizon and about three times as much before it; the rest is a drag away."""
    ends = [f.dates[-1] for f in chart.forecasts.values()] or [chart.series.origin]
    ahead = max((f.horizon for f in chart.forecasts.values()), default=1)
    behind = min(len(chart.series), max(3 * ahead, 12 * (chart.series.season if chart.series.season < 50 else 4), 24))
    return chart.series.dates[-behind], max(ends)


def _layout(chart: Fan, theme: Theme) -> dict[str, Any]:
    first, last = opening_window(chart)
    origin, whole_start, end = iso(
        pd.DatetimeIndex([chart.series.origin, chart.series.start, last + (last - first) * 0.02])
    )
    layout = axes((first, last), theme, chart.unit)
    layout["xaxis"] |= {"minallowed": whole_start, "maxallowed": end}
    layout["shapes"] = [
        {
            "type": "line",
            "x0": origin,
            "x1": origin,
            "y0": 0,
            "y1": 1,
            "yref": "paper",
            "line": {"color": theme.muted, "width": 1, "dash": "dot"},
        }
    ]
    layout["annotations"] = [
        {
            "x": origin,
            "y": 1,
            "yref": "paper",
            "text": f"data to {day(chart.series.origin)}",
            "showarrow": False,
            "xanchor": "right",
            "xshift": -6,
            "yanchor": "top",
            "font": {"size": 12, "color": theme.muted},
        }
    ]
    return layout


def past_line(series: Series, smooth: bool) -> np.ndarray:
    """Shape (n,): the counts, or their means over the last season."""
    if not smooth:
        return series.values
    return pd.Series(series.values).rolling(series.season, min_periods=1).mean().to_numpy()


def axes(window: tuple[pd.Timestamp, pd.Timestamp] | None, theme: Theme, unit: str) -> dict[str, Any]:
    """The quiet frame that every chart has; a time axis when there is a `window`."""
    x: dict[str, Any] = {"gridcolor": "rgba(0,0,0,0)", "linecolor": theme.grid, "showline": True, "automargin": True}
    if window:
        x |= {"type": "date", "range": iso(pd.DatetimeIndex(window)), "hoverformat": "%a %-d %b %Y"}
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
            "title": {"text": shown(unit), "font": {"size": 12, "color": theme.muted}},
        },
    }


def numbers(chart: Fan) -> pd.DataFrame:
    """The chart as a table: a row a date, each model's median, and the bands of one of them.

    Where the last figures are corrected, they are the first rows, beside what was reported.
    """
    dates = max((f.dates for f in chart.forecasts.values()), key=len)
    table = pd.DataFrame({"Date": dates})
    for name, forecast in chart.forecasts.items():
        values = chart.quantiles(forecast)
        table[model(name).label] = pd.Series(values[:, MEDIAN].round(1))
        if name == chart.band:
            for percent, *_ in reversed(BANDS):
                tail = round((1 - percent / 100) / 2, 3)
                low, high = values[:, LEVEL[tail]], values[:, LEVEL[round(1 - tail, 3)]]
                table[f"{model(name).label}, {percent} %"] = [
                    f"{whole(a)} – {whole(b)}" for a, b in zip(low, high, strict=True)
                ] + [""] * (len(dates) - len(low))
    reported = chart.series.reported
    if reported is None or chart.series.cumulative:
        return table
    corrected = chart.series.values[chart.series.dates.get_indexer(reported.index)].round(1)
    past = pd.DataFrame({"Date": reported.index, "Reported": reported.to_numpy().round(1), "Corrected": corrected})
    found = pd.concat([past, table], ignore_index=True)
    words = [column for column in table if column.endswith("%")]
    return found.fillna(dict.fromkeys(words, ""))


def describe(chart: Fan) -> str:
    """The chart in a sentence, for a screen reader."""
    lines = [
        f"{model(name).label} expects {compact(chart.quantiles(f)[-1, MEDIAN])} on {day(f.dates[-1])}"
        for name, f in chart.forecasts.items()
    ]
    return f"Chart of {chart.unit} to {day(chart.series.origin)}. {_corrected(chart.series)}" + "; ".join(lines) + "."


def _corrected(series: Series) -> str:
    if series.reported is None or series.cumulative:
        return ""
    date, value = series.reported.index[-1], series.reported.iloc[-1]
    taken = series.values[series.dates.get_loc(date)]
    return f"The last figures are corrected; {day(date)}, reported as {whole(value)}, is drawn as {whole(taken)}. "


def standalone(figure: dict[str, Any], title: str) -> bytes:
    """A page that shows the chart anywhere, without a network (it carries all of plotly.js)."""
    from plotly.io import to_html

    layout = {
        **figure["layout"],
        "title": {"text": title},
        "margin": {"t": 90, "l": 60, "r": 30, "b": 50},
        "height": 640,
    }
    layout["yaxis"] = {**layout["yaxis"], "fixedrange": False}
    page = to_html({"data": figure["data"], "layout": layout}, include_plotlyjs=True, validate=False)
    return page.encode()
