"""Compare's charts of earlier forecasts over what came, side by side or over one another."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from forecasting.data.forecast import MEDIAN, Forecast
from forecasting.data.formatting import day
from forecasting.data.series import Series
from forecasting.models import model
from forecasting.views.charts import LEVEL, axes, iso, json_numbers, line_trace, past_line
from forecasting.views.palette import COLOURS, LIGHT, Theme, rgba


@dataclass(frozen=True)
class Party:
    """One of those that are compared: a model, or a region."""

    name: str
    label: str
    colour: str


def model_parties(names: Sequence[str], theme: Theme = LIGHT) -> tuple[Party, ...]:
    """Models in their own colours."""
    return tuple(Party(name, model(name).label, theme.model(name)) for name in names)


def region_parties(regions: Sequence[str], theme: Theme = LIGHT) -> tuple[Party, ...]:
    """Regions in the colours of the palette, in turn."""
    colours = [pair[theme.dark] for pair in COLOURS.values()]
    return tuple(Party(region, region, colours[i % len(colours)]) for i, region in enumerate(regions))


@dataclass(frozen=True)
class Replay:
    """One model's earlier forecasts over what came.

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
        """Shape (horizon, 23)."""
        return forecast.means if self.smooth else forecast.values

    def window(self) -> tuple[pd.Timestamp, pd.Timestamp]:
        """The dates on show: the forecasts and as much before them."""
        first, last = min(f.origin for f in self.forecasts), max(f.dates[-1] for f in self.forecasts)
        return max(self.now.start, first - (last - first)), last

    def top(self, window: tuple[pd.Timestamp, pd.Timestamp] | None = None) -> float:
        """The highest value on show, in its own window or another; bands up to twice the lines."""
        first, last = window or self.window()
        past = past_line(self.now, self.smooth)[(self.now.dates >= first) & (self.now.dates <= last)]
        lines = max([past.max(initial=0), *(self.quantiles(f)[:, MEDIAN].max() for f in self.forecasts)])
        bands = max(self.quantiles(f)[:, LEVEL[0.9]].max() for f in self.forecasts)
        return float(1.06 * (max(lines, min(bands, 2 * lines)) or 1.0))


def shared_window(charts: Sequence[Replay]) -> tuple[pd.Timestamp, pd.Timestamp]:
    """The dates that charts side by side show, all of them the same."""
    windows = [chart.window() for chart in charts]
    return min(first for first, _ in windows), max(last for _, last in windows)


def replay(
    chart: Replay, theme: Theme = LIGHT, window: tuple[pd.Timestamp, pd.Timestamp] | None = None
) -> dict[str, Any]:
    """What came as a line, and over it every earlier forecast's median and 80 % band."""
    colour, traces = theme.model(chart.model), []
    for i, forecast in enumerate(chart.forecasts):
        table = chart.quantiles(forecast)
        line = line_trace(
            iso(forecast.dates), table[:, MEDIAN], f"from {day(forecast.origin)}", colour, 1.8, f"forecast-{i}"
        )
        traces += [_band(forecast, table, colour, 0.16, f"band-{i}"), {**line, "showlegend": False}]
    came = line_trace(iso(chart.now.dates), past_line(chart.now, chart.smooth), "Came", theme.text, 1.8, "history")
    return {
        "data": [*traces, {**came, "showlegend": False}],
        "layout": axes(window or chart.window(), theme, ""),
    }


def _band(forecast: Forecast, table: np.ndarray, colour: str, opacity: float, uid: str) -> dict[str, Any]:
    """The 80 % band of a forecast whose quantiles are in `table`."""
    dates = iso(forecast.dates)
    return {
        "type": "scatter",
        "mode": "lines",
        "uid": uid,
        "x": dates + dates[::-1],
        "y": json_numbers(np.concatenate([table[:, LEVEL[0.9]], table[::-1, LEVEL[0.1]]])),
        "fill": "toself",
        "fillcolor": rgba(colour, opacity),
        "line": {"width": 0},
        "hoverinfo": "skip",
        "showlegend": False,
    }


def overlaid(charts: Sequence[Replay], theme: Theme = LIGHT, unit: str = "") -> dict[str, Any]:
    """Models over one another: each one's only forecast, median and 80 % band, and what came."""
    bands, lines = [], []
    for chart in charts:
        (forecast,) = chart.forecasts
        table, colour, group = chart.quantiles(forecast), theme.model(chart.model), {"legendgroup": chart.model}
        bands.append(_band(forecast, table, colour, 0.10, f"band-{chart.model}") | group)
        label = model(chart.model).label
        lines.append(line_trace(iso(forecast.dates), table[:, MEDIAN], label, colour, 2.2, chart.model) | group)
    now = charts[0].now
    came = line_trace(iso(now.dates), past_line(now, charts[0].smooth), "What came", theme.text, 2.2, "history")
    return {"data": [*bands, came, *lines], "layout": axes(shared_window(charts), theme, unit)}


def overlaid_regions(charts: Sequence[Replay], parties: Sequence[Party], theme: Theme = LIGHT) -> dict[str, Any]:
    """One model's only forecast of each region (dashed) over what came, as multiples of each region's mean on show."""
    first, last = shared_window(charts)
    traces = []
    for chart, party in zip(charts, parties, strict=True):
        (forecast,) = chart.forecasts
        shown = (chart.now.dates >= first) & (chart.now.dates <= last)
        past = past_line(chart.now, chart.smooth)[shown]
        mean = float(past.mean()) or 1.0
        came = _share_line(chart.now.dates[shown], past / mean, party, 1.4, f"came-{party.name}")
        said = _share_line(forecast.dates, chart.quantiles(forecast)[:, MEDIAN] / mean, party, 2.6, party.name)
        said["line"] |= {"dash": "dot"}
        traces += [came | {"showlegend": False}, said]
    layout = axes((first, last), theme, "1 = the region's own mean on show")
    layout["yaxis"]["tickformat"] = ".1~f"
    return {"data": traces, "layout": layout}


def _share_line(dates: pd.DatetimeIndex, shares: np.ndarray, party: Party, width: float, uid: str) -> dict[str, Any]:
    """A line of multiples, which a tenth would be too coarse for."""
    trace = line_trace(iso(dates), shares, party.label, party.colour, width, uid)
    trace |= {"y": rounded(shares), "legendgroup": party.name, "hovertemplate": "%{y:.2f}"}
    return trace


def rounded(values: np.ndarray) -> list[float | None]:
    """JSON's numbers to three decimals; it has no NaN."""
    return [round(float(value), 3) if np.isfinite(value) else None for value in values]
