"""Compare's charts: earlier forecasts over what came, and errors by how far ahead they were made."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from forecasting.charts import LEVEL, axes, iso, json_numbers, line_trace, past_line
from forecasting.models import model
from forecasting.palette import LIGHT, Theme, rgba
from forecasting.series import MEDIAN, Forecast, Series
from forecasting.wording import day


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

    def top(self) -> float:
        """The highest value on show, bands up to twice the lines."""
        past = past_line(self.now, self.smooth)[self.now.dates.searchsorted(self.window()[0]) :]
        lines = max([past.max(), *(self.quantiles(f)[:, MEDIAN].max() for f in self.forecasts)])
        bands = max(self.quantiles(f)[:, LEVEL[0.9]].max() for f in self.forecasts)
        return float(1.06 * (max(lines, min(bands, 2 * lines)) or 1.0))


def replay(chart: Replay, theme: Theme = LIGHT) -> dict[str, Any]:
    """What came as a line, and over it every earlier forecast's median and 80 % band."""
    colour, traces = theme.model(chart.model), []
    for i, forecast in enumerate(chart.forecasts):
        table, dates = chart.quantiles(forecast), iso(forecast.dates)
        band = {
            "type": "scatter",
            "mode": "lines",
            "uid": f"band-{i}",
            "x": dates + dates[::-1],
            "y": json_numbers(np.concatenate([table[:, LEVEL[0.9]], table[::-1, LEVEL[0.1]]])),
            "fill": "toself",
            "fillcolor": rgba(colour, 0.16),
            "line": {"width": 0},
            "hoverinfo": "skip",
            "showlegend": False,
        }
        traces.append(band)
        line = line_trace(dates, table[:, MEDIAN], f"from {day(forecast.origin)}", colour, 1.8, f"forecast-{i}")
        traces.append({**line, "showlegend": False})
    came = line_trace(iso(chart.now.dates), past_line(chart.now, chart.smooth), "Came", theme.text, 1.8, "history")
    layout = axes(chart.window(), theme, "")
    return {"data": [*traces, {**came, "showlegend": False}], "layout": layout}


def error_by_horizon(cells: pd.DataFrame, theme: Theme, step: str) -> dict[str, Any]:
    """A line a model: its mean absolute error so many steps ahead, from scores with ``model, horizon, ae``."""
    means = cells.groupby(["model", "horizon"])["ae"].mean()
    traces = []
    for name in cells["model"].drop_duplicates():
        line = means[name]
        ahead = [int(h) for h in line.index]
        trace = line_trace([], line.to_numpy(), model(name).label, theme.model(name), 2.0, name)
        traces.append({**trace, "x": ahead})
    layout = axes(None, theme, "mean absolute error")
    layout["xaxis"] |= {
        "title": {"text": f"{step}s ahead", "font": {"size": 12, "color": theme.muted}},
        "range": [1, max(int(cells["horizon"].max()), 2)],
    }
    return {"data": traces, "layout": layout}
