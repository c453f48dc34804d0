"""Tables -> Plotly figures, as plain dictionaries that `Plotly.react` and `plotly.io` both take.

Colours: a model has the same colour on every page. The set is Okabe & Ito's (2008) for colour-blind readers, lightened on
dark backgrounds until lines keep a contrast of 3:1 or more.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from forecasting.models import model
from forecasting.series import MEDIAN, QUANTILES, Forecast, Series
from forecasting.wording import compact, day, whole

#: Model -> colour on a light and on a dark background. A model that is not named here takes the last pair.
COLOURS: dict[str, tuple[str, str]] = {
    "sarima": ("#0072b2", "#4db8ff"),
    "prophet": ("#d55e00", "#ff8a3d"),
    "ets": ("#00805e", "#2ed3a3"),
    "theta": ("#a8578a", "#e59cc8"),
    "auto_arima": ("#b07900", "#f0b93a"),
    "naive": ("#6b7280", "#a3aab5"),
    "": ("#5b4fc4", "#a79bff"),
}
#: Central bands drawn, widest first, with the opacity of each on light and dark.
BANDS = ((95, 0.16, 0.22), (80, 0.22, 0.28), (50, 0.30, 0.36))
#: Streamlit's own font, so that the chart looks like the page around it.
FONT = '"Source Sans", "Source Sans 3", "Helvetica Neue", Arial, sans-serif'
#: One entry in the legend stands for the three bands: the middle one's colour.
BANDS_NAME, LEGEND_BAND = "50, 80, 95 %", 80
LEVEL = {level: i for i, level in enumerate(QUANTILES)}


@dataclass(frozen=True)
class Theme:
    """The colours of one background."""

    dark: bool

    @property
    def background(self) -> str:
        """The page's own, as `.streamlit/config.toml` has it."""
        return "#0e1420" if self.dark else "#ffffff"

    @property
    def text(self) -> str:
        """Axis labels and the history line."""
        return "#f3f5f8" if self.dark else "#1f2733"

    @property
    def muted(self) -> str:
        """Reported daily counts behind their mean, and quiet labels."""
        return "#8f9bab" if self.dark else "#9aa5b4"

    @property
    def grid(self) -> str:
        """Grid lines."""
        return "rgba(160,172,190,0.20)" if self.dark else "rgba(90,105,125,0.16)"

    def model(self, name: str) -> str:
        """The colour of a model."""
        return COLOURS.get(name, COLOURS[""])[self.dark]


LIGHT, DARK = Theme(dark=False), Theme(dark=True)


@dataclass(frozen=True)
class Fan:
    """What the main chart shows.

    Attributes:
        series: the history; its provisional points are drawn hollow.
        forecasts: by model, in the order of the legend.
        drafts: the models whose forecast is not final yet (drawn dotted).
        band: the model whose 50, 80 and 95 % bands are drawn.
        unit: what the y axis counts, e.g. ``"new cases"``.
        smooth: draw means over the last season (7 days) instead of single periods.
    """

    series: Series
    forecasts: dict[str, Forecast]
    drafts: frozenset[str]
    band: str
    unit: str
    smooth: bool

    def history(self) -> np.ndarray:
        """Shape (n,): the line of the past, as counts, means or running totals."""
        values = self.series.values
        if self.series.cumulative:
            return self.series.before + np.cumsum(values)
        return _past(self.series, self.smooth)

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
        _line(_iso(dates), past, _history_name(chart), theme.text, 2.2, "history"),
        *(_median(chart, name, past[-1], theme) for name in chart.forecasts),
        *_provisional(chart, theme),
    ]
    return {"data": traces, "layout": _layout(chart, theme)}


def _iso(dates: pd.DatetimeIndex) -> list[str]:
    """ISO dates, with the time of day only where there is one; numpy's own formatting is ten times pandas'."""
    moments = dates.to_numpy().astype("datetime64[m]")
    days = moments.astype("datetime64[D]")
    return np.datetime_as_string(days if (days == moments).all() else moments).tolist()


def _numbers(values: np.ndarray) -> list[float | None]:
    """JSON has no infinity; a tenth of a count is finer than any screen."""
    rounded = np.round(np.asarray(values, dtype=float), 1)
    if np.isfinite(rounded).all():
        return rounded.tolist()
    return [value if np.isfinite(value) else None for value in rounded.tolist()]


def _history_name(chart: Fan) -> str:
    if not chart.smooth or chart.series.cumulative:
        return "Reported"
    return f"{chart.series.frequency.steps(chart.series.season).removesuffix('s').replace(' ', '-')} mean"


def _line(x: list[str], y: np.ndarray, name: str, colour: str, width: float, uid: str) -> dict[str, Any]:
    return {
        "type": "scatter",
        "mode": "lines",
        "uid": uid,
        "x": x,
        "y": _numbers(y),
        "name": name,
        "line": {"color": colour, "width": width},
        "hovertemplate": "%{y:,.0f}",
    }


def _reported(chart: Fan, theme: Theme) -> list[dict[str, Any]]:
    """The single days behind their mean."""
    if not chart.smooth or chart.series.cumulative:
        return []
    return [_line(_iso(chart.series.dates), chart.series.values, "Reported", theme.muted, 1.0, "reported")]


def _provisional(chart: Fan, theme: Theme) -> list[dict[str, Any]]:
    late = chart.series.provisional
    if late is None or late.empty or chart.series.cumulative:
        return []
    return [
        {
            "type": "scatter",
            "mode": "markers",
            "uid": "provisional",
            "x": _iso(pd.DatetimeIndex(late.index)),
            "y": _numbers(late.to_numpy(float)),
            "name": "Provisional, not used",
            "marker": {"symbol": "circle-open", "size": 9, "color": theme.text, "line": {"width": 2}},
            "hovertemplate": "%{y:,.0f} so far",
        }
    ]


def _bands(chart: Fan, last: float, theme: Theme) -> list[dict[str, Any]]:
    forecast = chart.forecasts.get(chart.band)
    if forecast is None:
        return []
    table = chart.quantiles(forecast)
    dates = pd.DatetimeIndex([forecast.origin]).append(forecast.dates)
    x = _iso(dates) + _iso(dates[::-1])
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
                "y": _numbers(np.concatenate([[last], high, low[::-1], [last]])),
                "fill": "toself",
                "fillcolor": _rgba(theme.model(chart.band), dark if theme.dark else light),
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
    trace = _line(
        _iso(dates), np.concatenate([[last], table[:, MEDIAN]]), label, theme.model(name), 2.8 if lead else 1.7, name
    )
    trace["line"]["dash"] = "dot" if name in chart.drafts else "solid"
    ranges = [f"{whole(low)} – {whole(high)}" for low, high in table[:, [LEVEL[0.1], LEVEL[0.9]]]]
    trace["customdata"] = ["", *ranges]
    trace["hovertemplate"] = ["%{y:,.0f}", *["%{y:,.0f}  (80 %: %{customdata})"] * len(ranges)]
    return trace


def _rgba(colour: str, opacity: float) -> str:
    red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return f"rgba({red},{green},{blue},{opacity})"


def opening_window(chart: Fan) -> tuple[pd.Timestamp, pd.Timestamp]:
    """The dates that the chart opens on: the horizon and about three times as much before it; the rest is a drag away."""
    ends = [f.dates[-1] for f in chart.forecasts.values()] or [chart.series.origin]
    ahead = max((f.horizon for f in chart.forecasts.values()), default=1)
    behind = min(len(chart.series), max(3 * ahead, 12 * (chart.series.season if chart.series.season < 50 else 4), 24))
    return chart.series.dates[-behind], max(ends)


def _layout(chart: Fan, theme: Theme) -> dict[str, Any]:
    first, last = opening_window(chart)
    origin, whole_start, end = _iso(
        pd.DatetimeIndex([chart.series.origin, chart.series.start, last + (last - first) * 0.02])
    )
    layout = _axes((first, last), theme, chart.unit)
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
        past = _past(self.now, self.smooth)[self.now.dates.searchsorted(self.window()[0]) :]
        lines = max([past.max(), *(self.quantiles(f)[:, MEDIAN].max() for f in self.forecasts)])
        bands = max(self.quantiles(f)[:, LEVEL[0.9]].max() for f in self.forecasts)
        return float(1.06 * (max(lines, min(bands, 2 * lines)) or 1.0))


def replay(chart: Replay, theme: Theme = LIGHT) -> dict[str, Any]:
    """What came as a line, and over it every earlier forecast's median and 80 % band."""
    colour, traces = theme.model(chart.model), []
    for i, forecast in enumerate(chart.forecasts):
        table, dates = chart.quantiles(forecast), _iso(forecast.dates)
        band = {
            "type": "scatter",
            "mode": "lines",
            "uid": f"band-{i}",
            "x": dates + dates[::-1],
            "y": _numbers(np.concatenate([table[:, LEVEL[0.9]], table[::-1, LEVEL[0.1]]])),
            "fill": "toself",
            "fillcolor": _rgba(colour, 0.16),
            "line": {"width": 0},
            "hoverinfo": "skip",
            "showlegend": False,
        }
        traces.append(band)
        line = _line(dates, table[:, MEDIAN], f"from {day(forecast.origin)}", colour, 1.8, f"forecast-{i}")
        traces.append({**line, "showlegend": False})
    came = _line(_iso(chart.now.dates), _past(chart.now, chart.smooth), "Came", theme.text, 1.8, "history")
    layout = _axes(chart.window(), theme, "")
    return {"data": [*traces, {**came, "showlegend": False}], "layout": layout}


def error_by_horizon(cells: pd.DataFrame, theme: Theme, step: str) -> dict[str, Any]:
    """A line a model: its mean absolute error so many steps ahead, from scores with ``model, horizon, ae``."""
    means = cells.groupby(["model", "horizon"])["ae"].mean()
    traces = []
    for name in cells["model"].drop_duplicates():
        line = means[name]
        ahead = [int(h) for h in line.index]
        trace = _line([], line.to_numpy(), model(name).label, theme.model(name), 2.0, name)
        traces.append({**trace, "x": ahead})
    layout = _axes(None, theme, "mean absolute error")
    layout["xaxis"] |= {
        "title": {"text": f"{step}s ahead", "font": {"size": 12, "color": theme.muted}},
        "range": [1, max(int(cells["horizon"].max()), 2)],
    }
    return {"data": traces, "layout": layout}


def _past(series: Series, smooth: bool) -> np.ndarray:
    if not smooth:
        return series.values
    return pd.Series(series.values).rolling(series.season, min_periods=1).mean().to_numpy()


def _axes(window: tuple[pd.Timestamp, pd.Timestamp] | None, theme: Theme, unit: str) -> dict[str, Any]:
    """The quiet frame that every chart has; a time axis when there is a `window`."""
    x: dict[str, Any] = {"gridcolor": "rgba(0,0,0,0)", "linecolor": theme.grid, "showline": True, "automargin": True}
    if window:
        x |= {"type": "date", "range": _iso(pd.DatetimeIndex(window)), "hoverformat": "%a %-d %b %Y"}
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
            "title": {"text": unit, "font": {"size": 12, "color": theme.muted}},
        },
    }


def numbers(chart: Fan) -> pd.DataFrame:
    """The chart as a table: a row a date, each model's median, and the bands of one of them."""
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
    return table


def describe(chart: Fan) -> str:
    """The chart in a sentence, for a screen reader."""
    lines = [
        f"{model(name).label} expects {compact(chart.quantiles(f)[-1, MEDIAN])} on {day(f.dates[-1])}"
        for name, f in chart.forecasts.items()
    ]
    return f"Chart of {chart.unit} to {day(chart.series.origin)}. " + "; ".join(lines) + "."


def standalone(figure: dict[str, Any], title: str) -> bytes:
    """A page that shows the chart anywhere, without a network (it carries plotly.js, about 5 MB)."""
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
