"""The fan chart: a series, one line a model, and the 50, 80 and 95 % bands of one of them; its table and its description."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from forecasting.data.forecast import MEDIAN, Forecast
from forecasting.data.formatting import format_compact, format_date, format_figure
from forecasting.data.kind import COUNT
from forecasting.data.revisions import Revision
from forecasting.data.series import Series
from forecasting.models import model
from forecasting.views.charts import (
    LEVEL_INDEX,
    adapted_to_kind,
    as_reported_traces,
    base_layout,
    escape_html,
    history_line,
    iso_dates,
    json_numbers,
    line_trace,
)
from forecasting.views.palette import LIGHT, Theme, rgba

#: Central bands in the colour of their model, the widest first: percent, opacity on light, opacity on dark.
BAND_OPACITIES = ((95, 0.16, 0.22), (80, 0.22, 0.28), (50, 0.30, 0.36))
#: The name of the legend's one entry for the three bands.
BANDS_NAME = "50, 80, 95 %"
#: What the buttons for a stretch of time ask for: how many of which step, their label, and its days.
RANGES = ((1, "month", "1 m", 31), (3, "month", "3 m", 92), (6, "month", "6 m", 183), (1, "year", "1 y", 366))
#: Days.
DAYS_OF_A_WEEK, DAYS_OF_A_YEAR = 7, 365
#: Pixels: the room beside names at the ends of lines, about the width of a letter, the height of a name, and that of the plot.
LABEL_MARGIN, LETTER_WIDTH, LABEL_HEIGHT, PLOT_HEIGHT = 14, 7, 15, 330
#: Percent of the band whose colour that entry has.
LEGEND_BAND = 80


@dataclass(frozen=True)
class FanChart:
    """The content of a fan chart.

    Attributes:
        series: the history; its provisional points are drawn hollow, and corrected ones beside what was reported.
        forecasts: by model, in the order of the legend.
        drafts: the models whose forecast is not final yet (drawn dotted).
        banded_model: the model whose 50, 80 and 95 % bands are drawn.
        unit: what the y axis counts, e.g. ``"new cases"``.
        smooth: draw means over the last season (7 days) instead of single periods.
        revisions: what the last figures usually become, drawn beside them where they are not corrected already.
    """

    series: Series
    forecasts: dict[str, Forecast]
    drafts: frozenset[str]
    banded_model: str
    unit: str
    smooth: bool
    revisions: tuple[Revision, ...] = ()

    def history(self) -> np.ndarray:
        """The history line as counts, means or running totals, shape (n,)."""
        values = self.series.values
        if self.series.cumulative:
            return self.series.before + np.cumsum(values)
        return history_line(self.series, self.smooth)

    def quantiles(self, forecast: Forecast) -> np.ndarray:
        """Quantiles of the same measure in the future, shape (horizon, 23)."""
        if self.series.cumulative:
            return forecast.cumulative(self.series.total)
        return forecast.means if self.smooth else forecast.values


def fan_figure(chart: FanChart, theme: Theme = LIGHT) -> dict[str, Any]:
    """The Plotly figure: history, one line a model, and the bands of one of them."""
    past, dates = chart.history(), chart.series.dates
    traces = [
        *_bands(chart, past[-1], theme),
        *_reported(chart, theme),
        line_trace(iso_dates(dates), past, _history_name(chart), theme.text, 2.2, "history"),
        *(_median(chart, name, past[-1], theme) for name in chart.forecasts),
        *as_reported_traces(chart.series, chart.smooth, theme),
        *_provisional(chart, theme),
        *_revised(chart, theme),
    ]
    return adapted_to_kind({"data": traces, "layout": _layout(chart, theme)}, chart.series)


def _history_name(chart: FanChart) -> str:
    if not chart.smooth or chart.series.cumulative:
        return "Reported" if chart.series.reported is None else "End corrected"
    return f"{chart.series.frequency.season_length} mean"


def _reported(chart: FanChart, theme: Theme) -> list[dict[str, Any]]:
    """A line of the single periods behind their mean."""
    if not chart.smooth or chart.series.cumulative:
        return []
    return [line_trace(iso_dates(chart.series.dates), chart.series.published, "Reported", theme.muted, 1.0, "reported")]


def _provisional(chart: FanChart, theme: Theme) -> list[dict[str, Any]]:
    late = chart.series.provisional
    if late is None or late.empty or chart.series.cumulative:
        return []
    return [
        {
            "type": "scatter",
            "mode": "markers",
            "uid": "provisional",
            "x": iso_dates(pd.DatetimeIndex(late.index)),
            "y": json_numbers(late.to_numpy(float)),
            "name": "Provisional, not used",
            "marker": {"symbol": "circle-open", "size": 9, "color": theme.text, "line": {"width": 2}},
            "hovertemplate": "%{y:,.0f} so far",
        }
    ]


def _revised(chart: FanChart, theme: Theme) -> list[dict[str, Any]]:
    """Markers of what the last figures usually become, with an 80 % range."""
    corrected = () if chart.series.reported is None else chart.series.reported.index
    shown = [one for one in chart.revisions if one.date >= chart.series.start and one.date not in corrected]
    if not shown or chart.smooth or chart.series.cumulative:
        return []
    decimals = chart.series.decimals
    value = np.array([revision.value for revision in shown])
    low, middle, high = (value * [getattr(r, part) for r in shown] for part in ("low", "median", "high"))
    return [
        {
            "type": "scatter",
            "mode": "markers",
            "uid": "revised",
            "x": iso_dates(pd.DatetimeIndex([revision.date for revision in shown])),
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
            "customdata": [
                f"{format_figure(a, decimals)} – {format_figure(b, decimals)}" for a, b in zip(low, high, strict=True)
            ],
            "hovertemplate": "usually becomes %{y:,.0f} (80 %: %{customdata})",
        }
    ]


def _bands(chart: FanChart, last: float, theme: Theme) -> list[dict[str, Any]]:
    forecast = chart.forecasts.get(chart.banded_model)
    if forecast is None:
        return []
    table = chart.quantiles(forecast)
    dates = pd.DatetimeIndex([forecast.origin]).append(forecast.dates)
    x = iso_dates(dates) + iso_dates(dates[::-1])
    traces = []
    for percent, light, dark in BAND_OPACITIES:
        tail = round((1 - percent / 100) / 2, 3)
        low, high = table[:, LEVEL_INDEX[tail]], table[:, LEVEL_INDEX[round(1 - tail, 3)]]
        traces.append(
            {
                "type": "scatter",
                "mode": "lines",
                "uid": f"band-{percent}",
                "x": x,
                "y": json_numbers(np.concatenate([[last], high, low[::-1], [last]])),
                "fill": "toself",
                "fillcolor": rgba(theme.model(chart.banded_model), dark if theme.dark else light),
                "line": {"width": 0},
                "name": BANDS_NAME,
                "legendgroup": "bands",
                "showlegend": percent == LEGEND_BAND,
                "hoverinfo": "skip",
            }
        )
    return traces


def _median(chart: FanChart, name: str, last: float, theme: Theme) -> dict[str, Any]:
    forecast = chart.forecasts[name]
    table = chart.quantiles(forecast)
    dates = pd.DatetimeIndex([forecast.origin]).append(forecast.dates)
    lead = name == chart.banded_model
    label = model(name).label + (" (draft)" if name in chart.drafts else "")
    trace = line_trace(
        iso_dates(dates),
        np.concatenate([[last], table[:, MEDIAN]]),
        label,
        theme.model(name),
        2.8 if lead else 1.7,
        name,
    )
    trace["line"]["dash"] = "dot" if name in chart.drafts else "solid"
    trace["showlegend"] = False  # its name stands at its end
    decimals = chart.series.decimals
    ranges = [
        f"{format_figure(low, decimals)} – {format_figure(high, decimals)}"
        for low, high in table[:, [LEVEL_INDEX[0.1], LEVEL_INDEX[0.9]]]
    ]
    trace["customdata"] = ["", *ranges]
    trace["hovertemplate"] = ["%{y:,.0f}", *["%{y:,.0f}  (80 %: %{customdata})"] * len(ranges)]
    return trace


def opening_window(chart: FanChart) -> tuple[pd.Timestamp, pd.Timestamp]:
    """The dates that the chart opens on: the horizon and about three times as much before it, of weeks at least a year."""
    ends = [f.dates[-1] for f in chart.forecasts.values()] or [chart.series.origin]
    ahead = max((f.horizon for f in chart.forecasts.values()), default=1)
    season, days = chart.series.season, chart.series.frequency.days
    least = math.ceil(DAYS_OF_A_YEAR / days) + 1 if days >= DAYS_OF_A_WEEK else 12 * (season if season < 50 else 4)
    behind = min(len(chart.series), max(3 * ahead, least, 24))
    return chart.series.dates[-behind], max(ends)


def _layout(chart: FanChart, theme: Theme) -> dict[str, Any]:
    first, last = opening_window(chart)
    origin, whole_start, end = iso_dates(
        pd.DatetimeIndex([chart.series.origin, chart.series.start, last + (last - first) * 0.02])
    )
    layout = base_layout((first, last), theme, chart.unit)
    layout["xaxis"] |= {"minallowed": whole_start, "maxallowed": end}
    end_of_all = iso_dates(pd.DatetimeIndex([last]))[0]
    layout["xaxis"]["rangeselector"] = _ranges(chart.series, theme)
    layout["margin"]["r"] = LABEL_MARGIN + LETTER_WIDTH * max(
        (len(model(name).label) + 2 for name in chart.forecasts), default=0
    )
    layout["legend"] |= {"y": -0.12, "yanchor": "top"}
    layout["xaxis"]["tickangle"] = 0
    if chart.series.cumulative:  # from zero on, a running total is a flat line
        layout["yaxis"]["rangemode"] = "normal"
    layout["shapes"] = [
        {
            "type": "rect",
            "x0": origin,
            "x1": end_of_all,
            "y0": 0,
            "y1": 1,
            "yref": "paper",
            "line": {"width": 0},
            "fillcolor": theme.future,
            "layer": "below",
        }
    ]
    layout["annotations"] = [
        {
            "x": origin,
            "y": 1,
            "yref": "paper",
            "text": text,
            "showarrow": False,
            "xanchor": anchor,
            "xshift": shift,
            "yanchor": "top",
            "font": {"size": 12, "color": theme.quiet},
        }
        for text, anchor, shift in (
            (f"data to {format_date(chart.series.origin)}", "right", -6),
            ("forecast", "left", 6),
        )
    ]
    layout["annotations"] += _line_ends(chart, theme)
    return layout


def _ranges(series: Series, theme: Theme) -> dict[str, Any]:
    """Buttons on the chart's edge for the stretch of time on show, those that the figures are long enough for."""
    days = series.frequency.days * len(series)
    steps = [
        {"count": count, "step": step, "stepmode": "backward", "label": label}
        for count, step, label, least in RANGES
        if least < days and least > 2 * series.frequency.days
    ]
    return {
        "buttons": [*steps, {"step": "all", "label": "All"}],
        "x": 0,
        "xanchor": "left",
        "y": 1.02,
        "yanchor": "bottom",
        "bgcolor": theme.background,
        "activecolor": theme.future,
        "bordercolor": theme.grid,
        "borderwidth": 1,
        "font": {"size": 12, "color": theme.text},
    }


def _line_ends(chart: FanChart, theme: Theme) -> list[dict[str, Any]]:
    """The names of the models where their lines end, pushed apart where lines end close to each other."""
    ends = sorted((float(chart.quantiles(f)[-1, MEDIAN]), name) for name, f in chart.forecasts.items())
    first, _ = opening_window(chart)
    shown = chart.history()[chart.series.dates >= first]
    values = [*shown.tolist(), *(end for end, _ in ends)]
    bottom = 0.0 if chart.series.kind is COUNT and not chart.series.cumulative else min(values)
    height = (max(values) - bottom) or 1.0
    labels, lowest = list[dict[str, Any]](), -math.inf
    for end, name in ends:
        here = (end - bottom) / height * PLOT_HEIGHT
        place = max(here, lowest + LABEL_HEIGHT)
        lowest = place
        forecast = chart.forecasts[name]
        labels.append(
            {
                "x": iso_dates(forecast.dates[-1:])[0],
                "y": json_numbers(np.array([end]))[0],
                "text": ("<b>{}</b>" if name == chart.banded_model else "{}").format(
                    escape_html(model(name).label + (" …" if name in chart.drafts else ""))
                ),
                "showarrow": False,
                "xanchor": "left",
                "xshift": 6,
                "yanchor": "middle",
                "yshift": round(place - here),
                "font": {"size": 12, "color": theme.model(name)},
            }
        )
    return labels


def fan_table(chart: FanChart) -> pd.DataFrame:
    """The numbers of the chart as a table: a row a date, each model's median, and the bands of one of them.

    Where the last figures are corrected, they are the first rows, beside what was reported.
    """
    dates, decimals = max((f.dates for f in chart.forecasts.values()), key=len), chart.series.decimals
    table = pd.DataFrame({"Date": dates})
    for name, forecast in chart.forecasts.items():
        values = chart.quantiles(forecast)
        table[model(name).label] = pd.Series(values[:, MEDIAN].round(decimals + 1))
        if name == chart.banded_model:
            for percent, *_ in reversed(BAND_OPACITIES):
                tail = round((1 - percent / 100) / 2, 3)
                low, high = values[:, LEVEL_INDEX[tail]], values[:, LEVEL_INDEX[round(1 - tail, 3)]]
                table[f"{model(name).label}, {percent} %"] = [
                    f"{format_figure(a, decimals)} – {format_figure(b, decimals)}"
                    for a, b in zip(low, high, strict=True)
                ] + [""] * (len(dates) - len(low))
    reported = chart.series.reported
    if reported is None or chart.series.cumulative:
        return table
    corrected = chart.series.values[chart.series.dates.get_indexer(reported.index)].round(decimals + 1)
    past = pd.DataFrame(
        {"Date": reported.index, "Reported": reported.to_numpy().round(decimals + 1), "Corrected": corrected}
    )
    found = pd.concat([past, table], ignore_index=True)
    words = [column for column in table if column.endswith("%")]
    return found.fillna(dict.fromkeys(words, ""))


def describe_fan_chart(chart: FanChart) -> str:
    """Describe the chart in a sentence for a screen reader."""
    lines = [
        f"{model(name).label} expects {format_compact(chart.quantiles(f)[-1, MEDIAN], chart.series.decimals)} on {format_date(f.dates[-1])}"
        for name, f in chart.forecasts.items()
    ]
    return (
        f"Chart of {chart.unit} to {format_date(chart.series.origin)}. {_corrected(chart.series)}"
        + "; ".join(lines)
        + "."
    )


def _corrected(series: Series) -> str:
    if series.reported is None or series.cumulative:
        return ""
    date, value = series.reported.index[-1], series.reported.iloc[-1]
    taken, decimals = series.values[series.dates.get_loc(date)], series.decimals
    return f"The last figures are corrected; {format_date(date)}, reported as {format_figure(value, decimals)}, is drawn as {format_figure(taken, decimals)}. "
