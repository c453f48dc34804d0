"""The time machine's chart: what was known at an earlier date, what was forecast from it, and what came."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from forecasting.data.columns import DATE, MODEL, QUANTILE, VALUE
from forecasting.data.forecast import MEDIAN, Forecast
from forecasting.data.formatting import format_date
from forecasting.data.series import Series
from forecasting.evaluation.backtest import Cutoff
from forecasting.evaluation.track_record import TrackRecord
from forecasting.models import model, models
from forecasting.views.charts import (
    LEVEL_INDEX,
    adapted_to_kind,
    as_reported_traces,
    base_layout,
    history_line,
    iso_dates,
    line_trace,
    marked_with_dates,
)
from forecasting.views.palette import LIGHT, Theme, rgba

#: Colour on light, colour on dark, and dash of each published forecast that is drawn; no model has these colours.
PUBLISHED_COLOURS = (("#5f7d00", "#b5cc4a", "dash"), ("#b0123f", "#ff6b81", "dot"), ("#a3006f", "#ff7ac8", "dashdot"))


def default_cut(cutoffs: Sequence[Cutoff], now: Series, horizon: int) -> int:
    """The index of the last cut whose whole horizon has come; 0 where there is none."""
    places = [i for i, cut in enumerate(cutoffs) if int((now.dates > cut.origin).sum()) >= horizon]
    return places[-1] if places else 0


@dataclass(frozen=True)
class TimeMachineChart:
    """The content of the time machine's chart: one region at one earlier date.

    Attributes:
        cut: the region as it stood then.
        now: the same as it is known now.
        forecasts: made then, by model, in the order of the legend.
        band: the model whose 80 % band is drawn.
        others: published forecasts of that date: a forecasts table.
        window: the dates on show, the same at every date.
        truth: whether to draw what came.
        revised: whether earlier figures may have changed since, so that they are drawn as they are now, too.
        smooth: draw means over the last season instead of single periods.
        unit: what the y axis counts.
    """

    cut: Cutoff
    now: Series
    forecasts: dict[str, Forecast]
    band: str
    others: pd.DataFrame
    window: tuple[pd.Timestamp, pd.Timestamp]
    truth: bool
    revised: bool
    smooth: bool
    unit: str


def chart_window(cutoffs: Sequence[Cutoff], now: Series, horizon: int) -> tuple[pd.Timestamp, pd.Timestamp]:
    """The date range that holds every forecast, and two horizons before the first."""
    first, last = cutoffs[0].origin, cutoffs[-1].origin
    place = int(now.dates.searchsorted(first))
    return now.dates[max(place - 2 * horizon, 0)], now.frequency.after(last, horizon)[-1]


def axis_top(
    past: TrackRecord, others: pd.DataFrame, now: Series, shown: tuple[pd.Timestamp, pd.Timestamp], smooth: bool
) -> float:
    """The end of the y axis, the same at every date so that nothing jumps: medians count to twice the figures, bands to 1.6 times."""
    known = [cut.series for cut in past.cutoffs] + [now]
    figures = max(float(history_line(s, smooth)[s.dates.searchsorted(shown[0]) :].max(initial=0)) for s in known) or 1.0
    tables = [f.means if smooth else f.values for f in past.forecasts.values()]
    published = others.loc[others[QUANTILE] == 0.5, VALUE].astype(float).max() if len(others) else 0.0
    medians = max((float(table[:, MEDIAN].max()) for table in tables), default=0.0)
    medians = max(medians, float(published))
    bands = max((float(table[:, LEVEL_INDEX[0.9]].max()) for table in tables), default=0.0)
    return 1.06 * max(figures, min(medians, 2 * figures), min(bands, 1.6 * figures))


def time_machine_figure(chart: TimeMachineChart, theme: Theme = LIGHT) -> dict[str, Any]:
    """The Plotly figure: what was known then, every forecast made from it, and over them what came."""
    traces = [
        *_band(chart, theme),
        *_known(chart, theme),
        *(_median(chart, name, theme) for name in chart.forecasts),
        *_others(chart, theme),
        *as_reported_traces(chart.cut.series, chart.smooth, theme),
        *_provisional(chart, theme),
        *_came(chart, theme),
    ]
    layout = base_layout(chart.window, theme, chart.unit)
    first, last = iso_dates(pd.DatetimeIndex(chart.window))
    layout["xaxis"] |= {"minallowed": first, "maxallowed": last}
    marked_with_dates(layout, chart.cut.origin, chart.now.frequency)
    layout["shapes"] = [_upright(iso_dates(pd.DatetimeIndex([chart.cut.origin]))[0], theme)]
    return adapted_to_kind({"data": traces, "layout": layout}, chart.now)


def _upright(x: str, theme: Theme) -> dict[str, Any]:
    line = {"color": theme.muted, "width": 1, "dash": "dot"}
    return {"type": "line", "x0": x, "x1": x, "y0": 0, "y1": 1, "yref": "paper", "line": line}


def _clip(series: Series, values: np.ndarray, first: pd.Timestamp) -> tuple[list[str], np.ndarray]:
    place = int(series.dates.searchsorted(first))
    return iso_dates(series.dates[place:]), values[place:]


def _known(chart: TimeMachineChart, theme: Theme) -> list[dict[str, Any]]:
    series = chart.cut.series
    dates, values = _clip(series, history_line(series, chart.smooth), chart.window[0])
    name = "Published then" if chart.revised else "Reported by then"
    if series.reported is not None:
        name += ", end corrected"
    return [line_trace(dates, values, name, theme.text, 2.4, "history")]


def _came(chart: TimeMachineChart, theme: Theme) -> list[dict[str, Any]]:
    """A line of what came from the origin on; where figures are revised also of what the earlier ones have become."""
    if not chart.truth:
        return []
    start = _changed_from(chart) if chart.revised else chart.cut.series.origin
    dates, values = _clip(chart.now, history_line(chart.now.as_published(), chart.smooth), start)
    name = "Actual, as known now" if chart.revised else "Actual"
    trace = line_trace(dates, values, name, theme.text, 2.0, "came")
    trace["line"]["dash"] = "dot"
    if chart.now.frequency.cycle == 1:
        ring = {"color": theme.text, "width": 1.5}
        trace |= {"mode": "lines+markers", "marker": {"size": 5, "color": theme.background, "line": ring}}
    return [trace]


def _changed_from(chart: TimeMachineChart) -> pd.Timestamp:
    """The date before the first figure on show that is another one now; the origin where none is."""
    then = pd.Series(chart.cut.series.published, chart.cut.series.dates)[chart.window[0] :]
    now = pd.Series(chart.now.published, chart.now.dates).reindex(then.index)
    changed = np.flatnonzero((then - now).abs().to_numpy() >= 0.5)
    return then.index[max(int(changed[0]) - 1, 0)] if len(changed) else chart.cut.series.origin


def _provisional(chart: TimeMachineChart, theme: Theme) -> list[dict[str, Any]]:
    late = chart.cut.series.provisional
    if late is None or late.empty:
        return []
    trace = line_trace(
        iso_dates(pd.DatetimeIndex(late.index)), late.to_numpy(float), "Provisional then", theme.text, 2, "provisional"
    )
    marker = {"symbol": "circle-open", "size": 9, "color": theme.text, "line": {"width": 2}}
    return [{**trace, "mode": "markers", "marker": marker}]


def _joined(chart: TimeMachineChart, forecast: Forecast) -> tuple[list[str], np.ndarray]:
    """A forecast's dates and quantiles with the last figure that it knew before them."""
    table = forecast.means if chart.smooth else forecast.values
    last = history_line(chart.cut.series, chart.smooth)[-1]
    dates = pd.DatetimeIndex([forecast.origin]).append(forecast.dates)
    return iso_dates(dates), np.vstack([np.full(table.shape[1], last), table])


def _band(chart: TimeMachineChart, theme: Theme) -> list[dict[str, Any]]:
    if chart.band not in chart.forecasts:
        return []
    dates, table = _joined(chart, chart.forecasts[chart.band])
    low, high, colour = table[:, LEVEL_INDEX[0.1]], table[:, LEVEL_INDEX[0.9]], theme.model(chart.band)
    return [_area(dates, low, high, rgba(colour, 0.3 if theme.dark else 0.2), "80 % band", "band")]


def _area(dates: list[str], low: np.ndarray, high: np.ndarray, colour: str, name: str, uid: str) -> dict[str, Any]:
    trace = line_trace(dates + dates[::-1], np.concatenate([high, low[::-1]]), name, colour, 0, uid)
    return {**trace, "fill": "toself", "fillcolor": colour, "hoverinfo": "skip", "hovertemplate": None}


def _median(chart: TimeMachineChart, name: str, theme: Theme) -> dict[str, Any]:
    dates, table = _joined(chart, chart.forecasts[name])
    width = 2.8 if name == chart.band else 1.8
    line = line_trace(dates, table[:, MEDIAN], model(name).label, theme.model(name), width, name)
    return line | {"meta": {"joined": True}}  # its first point is the last figure known then


def _others(chart: TimeMachineChart, theme: Theme) -> list[dict[str, Any]]:
    """Traces of published forecasts: a dashed median each, and the first one's 80 % band."""
    traces = []
    names = list(chart.others[MODEL].drop_duplicates())
    for name, (light, dark, dash) in zip(names, PUBLISHED_COLOURS, strict=False):
        colour = dark if theme.dark else light
        cells = chart.others[chart.others[MODEL] == name].pivot(index=DATE, columns=QUANTILE, values=VALUE)
        dates = iso_dates(pd.DatetimeIndex(cells.index))
        if name == names[0] and {0.1, 0.9} <= set(cells):
            low, high = cells[0.1].to_numpy(float), cells[0.9].to_numpy(float)
            traces.append({**_area(dates, low, high, rgba(colour, 0.14), "", f"band {name}"), "showlegend": False})
        line = line_trace(dates, cells[0.5].to_numpy(float), name, colour, 2.4, f"published {name}")
        line["line"]["dash"] = dash
        traces.append({**line, "mode": "lines+markers", "marker": {"size": 5, "color": colour}})
    return traces


def model_label(name: str) -> str:
    """The label of a model; of somebody else's its name."""
    return model(name).label if name in models() else name


def describe_time_machine(chart: TimeMachineChart) -> str:
    """Describe the chart in a sentence for a screen reader."""
    names = ", ".join(model_label(name) for name in chart.forecasts) or "no model yet"
    return f"Chart of {chart.unit} as known on {format_date(chart.cut.at)}, with forecasts of {names}" + (
        ", and the actual figures." if chart.truth else "."
    )
