"""The fan chart: a series, one line a model, and the 50, 80 and 95 % bands of one of them."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from forecasting.data.forecast import MEDIAN, Forecast
from forecasting.data.formatting import format_date, format_figure
from forecasting.data.holidays import holiday_dates
from forecasting.data.kind import COUNT
from forecasting.data.revisions import Revision
from forecasting.data.series import Series
from forecasting.evaluation.similar_episodes import SimilarEpisodes
from forecasting.models import model
from forecasting.views import earlier_seasons, episode_lines, last_figures, log_axis
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
    marked_with_dates,
    with_decimals,
)
from forecasting.views.line_labels import LETTER_WIDTH, LineLabel, above_line_notes, height_scale, line_end_notes
from forecasting.views.palette import LIGHT, Theme, rgba
from forecasting.views.per_population import UNIT, PerPopulation

#: Central bands in the colour of their model, the widest first: percent, opacity on light, opacity on dark.
BAND_OPACITIES = ((95, 0.16, 0.22), (80, 0.22, 0.28), (50, 0.30, 0.36))
#: Percent of the bands, the narrowest first.
LEVELS = (50, 80, 95)
#: What the buttons for a stretch of time ask for: how many of which step, their label, and its days.
RANGES = ((1, "month", "1 m", 31), (3, "month", "3 m", 92), (6, "month", "6 m", 183), (1, "year", "1 y", 366))
#: Days.
DAYS_OF_A_WEEK, DAYS_OF_A_YEAR = 7, 365
#: Pixels: the room beside names at the ends of lines.
LABEL_MARGIN = 14
#: Pixels from a date in which Plotly's own box tells of it: less than a usual step, or it tells of the last figure on the next date.
HOVER_DISTANCE = 7
#: What annotations at the ends of lines are called: where there is no room for them, models are named in the legend.
LINE_ENDS = "line ends"
#: Opacities of the lines of earlier seasons: of the last one, and of the first.
SEASON_OPACITIES = (1.0, 0.45)
#: Names above lines keep apart where they are nearer than this share of what is on show.
NEAR = 0.12


@dataclass(frozen=True)
class FanChart:
    """The content of a fan chart.

    Attributes:
        series: the history; its provisional points are drawn hollow, and corrected ones beside what was reported.
        forecasts: by model, in the order of the legend.
        drafts: the models whose forecast is not final yet (drawn dotted).
        banded_model: the model whose bands are drawn.
        unit: what the y axis counts, e.g. ``"new cases"``.
        smooth: draw means over the last season (7 days) instead of single periods.
        revisions: what the last figures usually become, drawn beside them where they are not corrected already.
        levels: which bands are drawn, of `LEVELS`.
        log: the y axis is logarithmic.
        seasons: earlier seasons are drawn on the weeks of the one that is on.
        per: what counts were divided by, see `per_population`; None where they are as counted.
        similar: past episodes like the last weeks, as counted, what followed which is drawn; None for no such lines.
    """

    series: Series
    forecasts: dict[str, Forecast]
    drafts: frozenset[str]
    banded_model: str
    unit: str
    smooth: bool
    revisions: tuple[Revision, ...] = ()
    levels: tuple[int, ...] = LEVELS
    log: bool = False
    seasons: bool = False
    per: PerPopulation | None = None
    similar: SimilarEpisodes | None = None

    def per_population(self, per: PerPopulation) -> FanChart:
        """The same chart with figures per 100,000 people."""
        return replace(
            self,
            series=per.series(self.series),
            forecasts={name: per.forecast(forecast) for name, forecast in self.forecasts.items()},
            unit=f"{self.unit} {UNIT}",
            revisions=per.revisions(self.revisions),
            per=per,
        )

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

    def end(self) -> pd.Timestamp:
        """The last date of a forecast, or of the series where there is none."""
        return max([forecast.dates[-1] for forecast in self.forecasts.values()] or [self.series.origin])

    @property
    def factor(self) -> float:
        """What a figure as counted is multiplied by."""
        return self.per.factor if self.per else 1.0

    @property
    def from_zero(self) -> bool:
        """Whether the axis begins at zero: of counts, also per 100,000 people, that are no running totals."""
        return (self.series.kind is COUNT or self.per is not None) and not self.series.cumulative


def fan_figure(chart: FanChart, theme: Theme = LIGHT) -> dict[str, Any]:
    """The Plotly figure: history, one line a model, and the bands of one of them."""
    past, dates = chart.history(), chart.series.dates
    traces = [
        *_bands(chart, past[-1], theme),
        *_seasons(chart, past, theme),
        *_episodes(chart, theme),
        *_reported(chart, theme),
        line_trace(iso_dates(dates), past, _history_name(chart), theme.text, 2.2, "history"),
        *(_median(chart, name, past[-1], theme) for name in chart.forecasts),
        *as_reported_traces(chart.series, chart.smooth, theme),
        *last_figures.provisional_traces(chart.series, theme),
        *last_figures.revised_traces(chart.series, chart.revisions, chart.smooth, theme),
        *_holidays(chart, past, theme),
    ]
    figure = {"data": traces, "layout": _layout(chart, past, theme)}
    if chart.per:
        figure = with_decimals(figure, chart.series, "tozero" if chart.from_zero else "normal")
    else:
        figure = adapted_to_kind(figure, chart.series)
    return log_axis.on_log_axis(figure) if chart.log else figure


def parts(chart: FanChart) -> list[object]:
    """The objects that the figure is made of, by which a figure that was made is found again."""
    return [chart.series, *chart.forecasts.values(), *([chart.similar] if chart.similar else [])]


def fan_notes(chart: FanChart) -> list[str]:
    """What a reader has to know of how the chart is drawn, in sentences; nothing of one that is drawn as usual."""
    notes = [chart.per.sentence] if chart.per else []
    if chart.log:
        lead = chart.forecasts.get(chart.banded_model)
        reaches_zero = lead is not None and bool(chart.levels) and bool((chart.quantiles(lead) <= 0).any())
        notes += log_axis.zeros_sentences(chart.history(), reaches_zero)
    if chart.seasons:
        notes.append(
            f"Thin lines: earlier seasons, {earlier_seasons.season_months(chart.series)}, on the same weeks of the year."
        )
    return notes + (episode_lines.episode_sentences(chart.similar, chart.series) if chart.similar else [])


def _history_name(chart: FanChart) -> str:
    if not chart.smooth or chart.series.cumulative:
        return "Reported" if chart.series.reported is None else "End corrected"
    return f"{chart.series.frequency.season_length} mean"


def _reported(chart: FanChart, theme: Theme) -> list[dict[str, Any]]:
    """A line of the single periods behind their mean."""
    if not chart.smooth or chart.series.cumulative:
        return []
    return [line_trace(iso_dates(chart.series.dates), chart.series.published, "Reported", theme.muted, 1.0, "reported")]


def _bands(chart: FanChart, last: float, theme: Theme) -> list[dict[str, Any]]:
    forecast = chart.forecasts.get(chart.banded_model)
    if forecast is None or not chart.levels:
        return []
    table = chart.quantiles(forecast)
    dates = pd.DatetimeIndex([forecast.origin]).append(forecast.dates)
    x = iso_dates(dates) + iso_dates(dates[::-1])
    in_legend = sorted(chart.levels)[len(chart.levels) // 2]
    traces = []
    for percent, light, dark in BAND_OPACITIES:
        if percent not in chart.levels:
            continue
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
                "name": f"{', '.join(str(level) for level in sorted(chart.levels))} %",
                "legendgroup": "bands",
                "showlegend": percent == in_legend,
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
    trace["meta"] = {"named": LINE_ENDS, "joined": True}  # its first point is the last of the history
    decimals = chart.series.decimals
    ranges = [
        f"{format_figure(low, decimals)} – {format_figure(high, decimals)}"
        for low, high in table[:, [LEVEL_INDEX[0.1], LEVEL_INDEX[0.9]]]
    ]
    trace["customdata"] = ["", *ranges]
    trace["hovertemplate"] = ["%{y:,.0f}", *["%{y:,.0f}  (80 %: %{customdata})"] * len(ranges)]
    return trace


def _seasons(chart: FanChart, past: np.ndarray, theme: Theme) -> list[dict[str, Any]]:
    """A thin line for each earlier season, the first one faintest."""
    found = _earlier(chart, past)
    traces = []
    for opacity, season in zip(np.linspace(*SEASON_OPACITIES, max(len(found), 2)), found, strict=False):
        colour = rgba(theme.quiet, round(float(opacity), 2))
        trace = line_trace(iso_dates(season.dates), season.values, season.label, colour, 1.2, f"season-{season.label}")
        traces.append(trace | {"showlegend": False})
    return traces[::-1]


def _episodes(chart: FanChart, theme: Theme) -> list[dict[str, Any]]:
    if chart.similar is None:
        return []
    return episode_lines.episode_traces(chart.similar, chart.factor, theme, LINE_ENDS)


def _earlier(chart: FanChart, past: np.ndarray) -> list[earlier_seasons.EarlierSeason]:
    return earlier_seasons.earlier_seasons(chart.series, past, opening_window(chart)[1]) if chart.seasons else []


def _holidays(chart: FanChart, past: np.ndarray, theme: Theme) -> list[dict[str, Any]]:
    """Marks on the line at public holidays, where models were told of them."""
    series, lead = chart.series, chart.forecasts.get(chart.banded_model)
    if not series.holidays or series.cumulative:
        return []
    dates, line = series.dates, past
    if lead is not None:
        dates, line = dates.append(lead.dates), np.concatenate([past, chart.quantiles(lead)[:, MEDIAN]])
    names = holiday_dates(series.holidays, dates[0], dates[-1])
    names = names[names.index.isin(dates)]
    return [
        {
            "type": "scatter",
            "mode": "markers",
            "uid": "holidays",
            "x": iso_dates(pd.DatetimeIndex(names.index)),
            "y": json_numbers(line[dates.get_indexer(names.index)]),
            "name": "Public holiday",
            "marker": {"symbol": "triangle-down-open", "size": 8, "color": theme.quiet, "line": {"width": 1.5}},
            "customdata": [escape_html(name) for name in names],
            "hovertemplate": "%{customdata}",
        }
    ]


def opening_window(chart: FanChart) -> tuple[pd.Timestamp, pd.Timestamp]:
    """The dates that the chart opens on: the horizon and about three times as much before it, of weeks at least a year.

    With earlier seasons it is the whole season that is on.
    """
    if chart.seasons:
        start = earlier_seasons.season_start(chart.series)
        return start, max(earlier_seasons.season_end(start), chart.end())
    ahead = max((f.horizon for f in chart.forecasts.values()), default=1)
    season, days = chart.series.season, chart.series.frequency.days
    least = math.ceil(DAYS_OF_A_YEAR / days) + 1 if days >= DAYS_OF_A_WEEK else 12 * (season if season < 50 else 4)
    behind = min(len(chart.series), max(3 * ahead, least, 24))
    return chart.series.dates[-behind], chart.end()


def _layout(chart: FanChart, past: np.ndarray, theme: Theme) -> dict[str, Any]:
    series = chart.series
    first, last = opening_window(chart)
    origin, whole_start, end = iso_dates(pd.DatetimeIndex([series.origin, series.start, last + (last - first) * 0.02]))
    layout = base_layout((first, last), theme, chart.unit)
    layout["xaxis"] |= {"minallowed": whole_start, "maxallowed": end, "tickangle": 0}
    layout["xaxis"]["rangeselector"] = _ranges(series, theme)
    layout["hoverdistance"] = HOVER_DISTANCE
    names = [model(name).label for name in chart.forecasts]
    names += [episode_lines.episode_name(one) for one in chart.similar.episodes] if chart.similar else []
    layout["margin"]["r"] = LABEL_MARGIN + LETTER_WIDTH * max((len(name) + 2 for name in names), default=0)
    layout["legend"] |= {"y": -0.12, "yanchor": "top"}
    if series.cumulative:  # from zero on, a running total is a flat line
        layout["yaxis"]["rangemode"] = "normal"
    marked_with_dates(layout, series.origin, series.frequency)
    layout["shapes"] = [
        {
            "type": "rect",
            "x0": origin,
            "x1": iso_dates(pd.DatetimeIndex([chart.end()]))[0],
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
            "name": name,
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
        for name, text, anchor, shift in (
            ("origin", f"data to {format_date(series.origin)}", "right", -6),
            ("forecast", "forecast", "left", 6),
        )
    ]
    layout["annotations"] += _names(chart, past, theme)
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


def _names(chart: FanChart, past: np.ndarray, theme: Theme) -> list[dict[str, Any]]:
    """The names of the models where their lines end, and of earlier seasons above their highest points."""
    ends = [
        LineLabel(
            iso_dates(forecast.dates[-1:])[0],
            json_numbers(chart.quantiles(forecast)[-1:, MEDIAN])[0] or 0.0,
            model(name).label + (" …" if name in chart.drafts else ""),
            theme.model(name),
            name == chart.banded_model,
        )
        for name, forecast in chart.forecasts.items()
    ]
    if chart.similar:
        ends += episode_lines.episode_labels(chart.similar, chart.factor, theme)
    first, last = opening_window(chart)
    seasons = _earlier(chart, past)
    shown = past[chart.series.dates >= first]
    values = [*shown.tolist(), *(end.value for end in ends), *(v for one in seasons for v in one.values.tolist())]
    height = height_scale(values, chart.from_zero, chart.log)
    peaks = [
        LineLabel(iso_dates(one.dates[[top]])[0], json_numbers(one.values[[top]])[0] or 0.0, one.label, theme.quiet)
        for one in seasons
        for top in [int(np.argmax(one.values))]
    ]

    def near(date: str, other: str) -> bool:
        return abs(pd.Timestamp(date) - pd.Timestamp(other)) < NEAR * (last - first)

    return line_end_notes(ends, height, LINE_ENDS) + above_line_notes(peaks, height, near, "seasons")
