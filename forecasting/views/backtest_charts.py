"""Backtest charts on Compare: earlier forecasts over what came, side by side or overlaid."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from forecasting.data.forecast import MEDIAN, Forecast
from forecasting.data.formatting import format_date
from forecasting.data.series import Series
from forecasting.models import model
from forecasting.views import log_axis
from forecasting.views.charts import (
    LEVEL_INDEX,
    adapted_to_kind,
    base_layout,
    history_line,
    iso_dates,
    json_numbers,
    legend_below,
    line_trace,
    marked_with_dates,
)
from forecasting.views.palette import LIGHT, MODEL_COLOURS, OTHER_COLOUR, Theme, rgba


@dataclass(frozen=True)
class LegendEntry:
    """The name, label and colour of a line that stands for a model or a region."""

    name: str
    label: str
    colour: str


def model_legend(names: Sequence[str], theme: Theme = LIGHT) -> tuple[LegendEntry, ...]:
    """Legend entries of models, in their own colours."""
    return tuple(LegendEntry(name, model(name).label, theme.model(name)) for name in names)


def region_legend(regions: Sequence[str], theme: Theme = LIGHT) -> tuple[LegendEntry, ...]:
    """Legend entries of regions, in the colours of the palette in turn."""
    colours = [pair[theme.dark] for pair in (*MODEL_COLOURS.values(), OTHER_COLOUR)]
    return tuple(LegendEntry(region, region, colours[i % len(colours)]) for i, region in enumerate(regions))


@dataclass(frozen=True)
class BacktestChart:
    """The content of a backtest chart: one model's earlier forecasts over what came.

    Attributes:
        now: the series as it is known now.
        model: its name.
        forecasts: each with the origin that its horizons count from.
        smooth: draw means over the last season instead of single periods.
    """

    now: Series
    model: str
    forecasts: tuple[Forecast, ...]
    smooth: bool

    def quantiles(self, forecast: Forecast) -> np.ndarray:
        """The quantiles that are drawn, shape (horizon, 23)."""
        return forecast.means if self.smooth else forecast.values

    def window(self) -> tuple[pd.Timestamp, pd.Timestamp]:
        """The date range on show: the forecasts and as much before them."""
        first, last = min(f.origin for f in self.forecasts), max(f.dates[-1] for f in self.forecasts)
        return max(self.now.start, first - (last - first)), last

    def bottom(self, window: tuple[pd.Timestamp, pd.Timestamp]) -> float:
        """The lower edge of a logarithmic y axis in a window; bands count down to half of the lines."""
        past = history_line(self.now, self.smooth)[(self.now.dates >= window[0]) & (self.now.dates <= window[1])]
        lines = np.concatenate([past, *(self.quantiles(f)[:, MEDIAN] for f in self.forecasts)])
        above = lines[lines > 0]
        return log_axis.EDGE * float(above.min()) if above.size else 1.0

    def top(self, window: tuple[pd.Timestamp, pd.Timestamp] | None = None) -> float:
        """The end of the y axis, in the chart's own window or another; bands count up to twice the lines."""
        first, last = window or self.window()
        past = history_line(self.now, self.smooth)[(self.now.dates >= first) & (self.now.dates <= last)]
        lines = max([past.max(initial=0), *(self.quantiles(f)[:, MEDIAN].max() for f in self.forecasts)])
        bands = max(self.quantiles(f)[:, LEVEL_INDEX[0.9]].max() for f in self.forecasts)
        return float(1.06 * (max(lines, min(bands, 2 * lines)) or 1.0))


def common_window(charts: Sequence[BacktestChart]) -> tuple[pd.Timestamp, pd.Timestamp]:
    """The date range that charts side by side share."""
    windows = [chart.window() for chart in charts]
    return min(first for first, _ in windows), max(last for _, last in windows)


def zeros_sentences(charts: Sequence[BacktestChart]) -> list[str]:
    """What a logarithmic axis does with zeros on show, in a sentence; none where there are none."""
    first, last = common_window(charts)
    series = {id(chart.now): chart for chart in charts}.values()  # models are all of one
    past = [history_line(c.now, c.smooth)[(c.now.dates >= first) & (c.now.dates <= last)] for c in series]
    low = LEVEL_INDEX[0.1]
    reaches_zero = any((chart.quantiles(made)[:, low] <= 0).any() for chart in charts for made in chart.forecasts)
    return log_axis.zeros_sentences(np.concatenate(past), reaches_zero)


def backtest_figure(
    chart: BacktestChart,
    theme: Theme = LIGHT,
    window: tuple[pd.Timestamp, pd.Timestamp] | None = None,
    edge: float | None = None,
) -> dict[str, Any]:
    """The Plotly figure: what came as a line, and over it every earlier forecast's median and 80 % band.

    With an `edge` its y axis is logarithmic and begins there.
    """
    colour, traces = theme.model(chart.model), []
    for i, forecast in enumerate(chart.forecasts):
        table = chart.quantiles(forecast)
        line = line_trace(
            iso_dates(forecast.dates),
            table[:, MEDIAN],
            f"from {format_date(forecast.origin)}",
            colour,
            1.8,
            f"forecast-{i}",
        )
        traces += [_band(forecast, table, colour, 0.16, f"band-{i}"), {**line, "showlegend": False}]
    came = line_trace(
        iso_dates(chart.now.dates), history_line(chart.now, chart.smooth), "Actual", theme.text, 1.8, "history"
    )
    layout = _dated(base_layout(window or chart.window(), theme, ""), chart.now)
    figure = adapted_to_kind({"data": [*traces, {**came, "showlegend": False}], "layout": layout}, chart.now)
    return figure if edge is None else log_axis.on_log_axis(figure, edge)


def _dated(layout: dict[str, Any], now: Series) -> dict[str, Any]:
    return marked_with_dates(layout, now.origin, now.frequency)


def _band(forecast: Forecast, table: np.ndarray, colour: str, opacity: float, uid: str) -> dict[str, Any]:
    """The 80 % band of a forecast whose quantiles are in `table`."""
    dates = iso_dates(forecast.dates)
    return {
        "type": "scatter",
        "mode": "lines",
        "uid": uid,
        "x": dates + dates[::-1],
        "y": json_numbers(np.concatenate([table[:, LEVEL_INDEX[0.9]], table[::-1, LEVEL_INDEX[0.1]]])),
        "fill": "toself",
        "fillcolor": rgba(colour, opacity),
        "line": {"width": 0},
        "hoverinfo": "skip",
        "showlegend": False,
    }


def overlaid_models_figure(
    charts: Sequence[BacktestChart], theme: Theme = LIGHT, unit: str = "", log: bool = False
) -> dict[str, Any]:
    """A Plotly figure of several models: each one's only forecast, median and 80 % band, and what came."""
    bands, lines = [], []
    for chart in charts:
        (forecast,) = chart.forecasts
        table, colour, group = chart.quantiles(forecast), theme.model(chart.model), {"legendgroup": chart.model}
        bands.append(_band(forecast, table, colour, 0.10, f"band-{chart.model}") | group)
        label = model(chart.model).label
        lines.append(line_trace(iso_dates(forecast.dates), table[:, MEDIAN], label, colour, 2.2, chart.model) | group)
    now = charts[0].now
    came = line_trace(iso_dates(now.dates), history_line(now, charts[0].smooth), "Actual", theme.text, 2.2, "history")
    layout = _dated(legend_below(base_layout(common_window(charts), theme, unit)), now)
    figure = adapted_to_kind({"data": [*bands, came, *lines], "layout": layout}, now)
    return log_axis.on_log_axis(figure, _lowest_edge(charts)) if log else figure


def _lowest_edge(charts: Sequence[BacktestChart]) -> float:
    """The lower edge of a logarithmic axis on which several charts have room."""
    window = common_window(charts)
    return min(chart.bottom(window) for chart in charts)


def overlaid_regions_figure(
    charts: Sequence[BacktestChart], parties: Sequence[LegendEntry], theme: Theme = LIGHT, log: bool = False
) -> dict[str, Any]:
    """A Plotly figure of several regions: one model's forecast (dotted) over what came, in multiples of the region's mean."""
    first, last = common_window(charts)
    traces = []
    for chart, party in zip(charts, parties, strict=True):
        (forecast,) = chart.forecasts
        shown = (chart.now.dates >= first) & (chart.now.dates <= last)
        past = history_line(chart.now, chart.smooth)[shown]
        mean = float(past.mean()) or 1.0
        came = _share_line(chart.now.dates[shown], past / mean, party, 1.4, f"came-{party.name}")
        dashed = _share_line(forecast.dates, chart.quantiles(forecast)[:, MEDIAN] / mean, party, 2.6, party.name)
        dashed["line"] |= {"dash": "dot"}
        traces += [came | {"showlegend": False}, dashed]
    layout = legend_below(base_layout((first, last), theme, "1 = the region's own mean on show"))
    _dated(layout, charts[0].now)["yaxis"]["tickformat"] = ".1~f"
    figure = {"data": traces, "layout": layout}
    return log_axis.on_log_axis(figure) if log else figure


def _share_line(
    dates: pd.DatetimeIndex, shares: np.ndarray, party: LegendEntry, width: float, uid: str
) -> dict[str, Any]:
    """A line of multiples, with three decimals: a tenth would be too coarse."""
    trace = line_trace(iso_dates(dates), shares, party.label, party.colour, width, uid)
    trace |= {"y": json_ratios(shares), "legendgroup": party.name, "hovertemplate": "%{y:.2f}"}
    return trace


def json_ratios(values: np.ndarray) -> list[float | None]:
    """Numbers that JSON has: rounded to three decimals, and None for what is not finite."""
    return [round(float(value), 3) if np.isfinite(value) else None for value in values]
