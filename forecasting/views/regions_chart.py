"""Several regions on one chart: each one's figures and forecast with its 80 % band, in one unit.

A unit is a factor for each region (`FACTORS`): figures are drawn as counted, or so that each region's are 100 on one date.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from forecasting.data.forecast import MEDIAN
from forecasting.data.formatting import format_date, format_interval
from forecasting.data.kind import COUNT
from forecasting.data.population import population
from forecasting.data.series import Series
from forecasting.services.region_forecasts import RegionForecast
from forecasting.services.region_row import past_periods
from forecasting.views import log_axis
from forecasting.views.backtest_charts import LegendEntry, region_legend
from forecasting.views.charts import (
    LEVEL_INDEX,
    adapted_to_kind,
    base_layout,
    history_line,
    iso_dates,
    json_numbers,
    legend_below,
    marked_with_dates,
)
from forecasting.views.charts import line_trace as plain_line
from forecasting.views.palette import LIGHT, Theme, rgba
from forecasting.views.per_population import UNIT, PerPopulation, can_divide

#: Units by their name in links.
COUNTED = "counted"
INDEXED = "indexed"
PER_100K = "100k"
#: Name in the link -> label of a unit.
UNITS = {COUNTED: "As counted", PER_100K: "Per 100,000 people", INDEXED: "Start = 100"}
#: Which lines are drawn, by their name in links.
EACH = "each"
AGAINST_MEAN = "mean"
#: Name in the link -> label.
LINES = {EACH: "Each region", AGAINST_MEAN: "One against the mean of the others"}
#: The label of the line of several regions' mean.
MEAN_LABEL = "Mean of the others"
#: What every region's figures are on the date that an index starts from.
INDEX_START = 100.0
#: Decimal places of figures per 100,000 people.
RATE_DECIMALS = 2
#: Of the past that a sparkline shows, one part of so many is on show at first: six fans need room.
SHARE_OF_PAST = 2
#: Opacity of the 80 % bands on light and on dark; several lie over each other.
BAND_OPACITY = (0.13, 0.20)
#: The columns of the 80 % band's ends in a table of quantiles.
_LOW = LEVEL_INDEX[0.1]
_HIGH = LEVEL_INDEX[0.9]


@dataclass(frozen=True)
class RegionLine:
    """One line of the chart: figures to now, and what is expected with its 80 % band.

    Attributes:
        name: the region; `MEAN_LABEL` for several.
        dates, past: what was counted, shape (n,).
        ahead: the dates of the forecast.
        low, middle, high: the band's ends and the median, shape (horizon,).
        model: the forecast's, of a single region.
        final: whether a better forecast is on its way no more.
    """

    name: str
    dates: pd.DatetimeIndex
    past: np.ndarray
    ahead: pd.DatetimeIndex
    low: np.ndarray
    middle: np.ndarray
    high: np.ndarray
    model: str = ""
    final: bool = True

    @property
    def origin(self) -> pd.Timestamp:
        """The last date of its figures."""
        return self.dates[-1]

    def times(self, factor: float) -> RegionLine:
        """The line in another unit."""
        parts = {name: getattr(self, name) * factor for name in ("past", "low", "middle", "high")}
        return replace(self, **parts)


@dataclass(frozen=True)
class RegionsChart:
    """The content of the chart.

    Attributes:
        lines: in the order of the legend; the first is the region that others are compared with.
        left_out: regions that this unit says nothing of, each with the reason in a sentence.
        unit: what the y axis counts.
        decimals: decimal places of what is drawn.
        begins: the first date on show.
        about: the series of the first line, whose kind and frequency all have.
        log: the y axis is logarithmic.
    """

    lines: tuple[RegionLine, ...]
    left_out: tuple[str, ...]
    unit: str
    decimals: int
    begins: pd.Timestamp
    about: Series
    log: bool = False


@dataclass(frozen=True)
class ChartChoices:
    """What a reader has chosen of the chart: a unit of `UNITS`, the start of an index, lines of `LINES`, means or single periods, and
    whether its y axis is logarithmic.

    `among` is all regions of the panel, by which a name is known for a state's or a country's (`population`).
    """

    unit: str = COUNTED
    start: pd.Timestamp | None = None
    lines: str = EACH
    smooth: bool = False
    among: tuple[str, ...] = ()
    log: bool = False


def region_line(one: RegionForecast, smooth: bool) -> RegionLine:
    """One region's line as counted: periods, means over the last season, or running totals."""
    series, forecast = one.series, one.forecast
    if series.cumulative:
        past, table = series.before + np.cumsum(series.values), forecast.cumulative(series.total)
    else:
        past, table = history_line(series, smooth), forecast.means if smooth else forecast.values
    return RegionLine(
        one.region,
        series.dates,
        past,
        forecast.dates,
        table[:, _LOW],
        table[:, MEDIAN],
        table[:, _HIGH],
        forecast.model,
        one.final,
    )


def units_of(series: Series, regions: Sequence[str], among: tuple[str, ...]) -> dict[str, str]:
    """Those of `UNITS` that figures such as `series` of some of these regions can be told in, with their labels."""
    divisible = any(can_divide(series, population(region, among)) for region in regions)
    return {unit: label for unit, label in UNITS.items() if unit != PER_100K or divisible}


def population_sources(regions: Sequence[str], among: tuple[str, ...]) -> list[str]:
    """A sentence on where the populations of `regions` are from; none where none is known."""
    known = [people.source for region in regions if (people := population(region, among))]
    return [f"Populations: {', '.join(dict.fromkeys(known))}."] if known else []


def usual_start(series: Series) -> pd.Timestamp:
    """The date that an index starts from unless a reader chooses: the first on show, half a year back for weeks."""
    return series.dates[-min(max(past_periods(series.frequency) // SHARE_OF_PAST, 2), len(series))]


def _counted(lines: Sequence[RegionLine], choices: ChartChoices) -> dict[str, float]:
    """Figures as they are."""
    return dict.fromkeys((line.name for line in lines), 1.0)


def _indexed(lines: Sequence[RegionLine], choices: ChartChoices) -> dict[str, float]:
    """Factors that make a region's figures `INDEX_START` on the start, or on its first date after that.

    A region without a figure above zero there has none.
    """
    assert choices.start is not None
    factors = {}
    for line in lines:
        place = int(line.dates.searchsorted(choices.start))
        if place < len(line.past) and line.past[place] > 0:
            factors[line.name] = INDEX_START / float(line.past[place])
    return factors


def _per_population(lines: Sequence[RegionLine], choices: ChartChoices) -> dict[str, float]:
    """Factors that make counts figures per 100,000 people; a region whose population is not known has none."""
    known = {line.name: population(line.name, choices.among) for line in lines}
    return {name: PerPopulation(people).factor for name, people in known.items() if people}


#: Unit -> the factor of each region that it says something of. Another unit is one more entry here and in `UNITS`, and a line in
#: `_unit_words` and `_why_left_out`.
FACTORS: Mapping[str, Callable[[Sequence[RegionLine], ChartChoices], dict[str, float]]] = {
    COUNTED: _counted,
    PER_100K: _per_population,
    INDEXED: _indexed,
}


def _unit_words(unit: str, choices: ChartChoices) -> str:
    """What the y axis counts, where `unit` is what was counted."""
    if choices.unit == INDEXED and choices.start is not None:
        return f"{unit}, {format_date(choices.start)} = 100"
    return f"{unit} {UNIT}" if choices.unit == PER_100K else unit


def _why_left_out(region: str, choices: ChartChoices) -> str:
    if choices.unit == PER_100K:
        return f"The population of {region} is not known here, so it is not drawn."
    assert choices.start is not None
    return f"{region} has no figure above zero on {format_date(choices.start)}, so it has no index and is not drawn."


def regions_chart(parts: Sequence[RegionForecast], choices: ChartChoices, unit: str) -> RegionsChart:
    """The chart of `parts`, of which the first is the one that others are compared with; `unit` is what was counted."""
    about = parts[0].series
    counted = [region_line(one, choices.smooth) for one in parts]
    if choices.unit == INDEXED and choices.start is None:
        choices = replace(choices, start=usual_start(about))
    factors = FACTORS[choices.unit](counted, choices)
    lines = [line.times(factors[line.name]) for line in counted if line.name in factors]
    left_out = [_why_left_out(line.name, choices) for line in counted if line.name not in factors]
    if choices.lines == AGAINST_MEAN and len(lines) > 1:
        mean = mean_line(lines[1:])
        if mean is None:
            left_out.append("The other regions have no dates in common, so there is no mean of them.")
        lines = [lines[0], *([mean] if mean else [])]
    begins = usual_start(about)
    if choices.unit == INDEXED and choices.start is not None:
        begins = min(begins, choices.start)
    decimals = {COUNTED: about.decimals, PER_100K: RATE_DECIMALS}.get(choices.unit, 1)
    unit = _unit_words(unit, choices)
    return RegionsChart(tuple(lines), tuple(left_out), unit, decimals, begins, about, choices.log)


def mean_line(lines: Sequence[RegionLine]) -> RegionLine | None:
    """The mean of several lines on the dates that all of them have; None where there are none.

    Its band is the mean of theirs, which is right where all go high or low together, as one wave does it, and else too wide.
    """
    past = _mean([pd.Series(line.past, line.dates) for line in lines])
    low, middle, high = (
        _mean([pd.Series(getattr(line, end), line.ahead) for line in lines]) for end in ("low", "middle", "high")
    )
    if past.empty or middle.empty:
        return None
    final = all(line.final for line in lines)
    dates, ahead = pd.DatetimeIndex(past.index), pd.DatetimeIndex(middle.index)
    return RegionLine(
        MEAN_LABEL, dates, past.to_numpy(), ahead, low.to_numpy(), middle.to_numpy(), high.to_numpy(), final=final
    )


def _mean(parts: Sequence[pd.Series]) -> pd.Series:
    """The mean on the dates that all have."""
    return pd.concat(parts, axis=1, join="inner").mean(axis=1)


def regions_figure(chart: RegionsChart, theme: Theme = LIGHT) -> dict[str, Any]:
    """The Plotly figure: a line a region to now, dotted from there with its 80 % band."""
    parties = region_legend([line.name for line in chart.lines], theme)
    bands = [_band(line, party, theme) for line, party in zip(chart.lines, parties, strict=True)]
    drawn = [trace for line, party in zip(chart.lines, parties, strict=True) for trace in _line(line, party, chart)]
    ends = max(line.ahead[-1] for line in chart.lines)
    layout = legend_below(base_layout((chart.begins, ends), theme, chart.unit))
    newest = max(line.origin for line in chart.lines)
    marked_with_dates(layout, newest, chart.about.frequency)["xaxis"]["tickangle"] = 0
    if chart.about.cumulative:  # from zero on, a running total is a flat line
        layout["yaxis"]["rangemode"] = "normal"
    layout["shapes"] = [_future(chart, ends, theme)]
    figure = adapted_to_kind({"data": [*bands, *drawn], "layout": layout}, chart.about)
    if chart.about.kind is not COUNT:
        figure["layout"]["yaxis"]["tickformat"] = "~s" if _largest(chart) >= 10_000 else ","
    return log_axis.on_log_axis(figure) if chart.log else figure


def zeros_sentences(chart: RegionsChart) -> list[str]:
    """What a logarithmic axis does with zeros on show, in a sentence; none where there are none, or where it is linear."""
    if not chart.log or not chart.lines:
        return []
    past = np.concatenate([line.past[line.dates >= chart.begins] for line in chart.lines])
    return log_axis.zeros_sentences(past, any((line.low <= 0).any() for line in chart.lines))


def _largest(chart: RegionsChart) -> float:
    return max(float(np.abs(line.past).max(initial=0.0)) for line in chart.lines)


def _future(chart: RegionsChart, ends: pd.Timestamp, theme: Theme) -> dict[str, Any]:
    """The background of what has not come yet, from the newest figure of all on."""
    now, last = iso_dates(pd.DatetimeIndex([max(line.origin for line in chart.lines), ends]))
    return {
        "type": "rect",
        "x0": now,
        "x1": last,
        "y0": 0,
        "y1": 1,
        "yref": "paper",
        "line": {"width": 0},
        "fillcolor": theme.future,
        "layer": "below",
    }


def _with_now(line: RegionLine, values: np.ndarray) -> np.ndarray:
    """Values of the forecast's dates after the last figure, from which the fan opens."""
    return np.concatenate([line.past[-1:], values])


def _band(line: RegionLine, party: LegendEntry, theme: Theme) -> dict[str, Any]:
    dates = iso_dates(pd.DatetimeIndex([line.origin]).append(line.ahead))
    return {
        "type": "scatter",
        "mode": "lines",
        "uid": f"band-{line.name}",
        "x": dates + dates[::-1],
        "y": json_numbers(np.concatenate([_with_now(line, line.high), _with_now(line, line.low)[::-1]])),
        "fill": "toself",
        "fillcolor": rgba(party.colour, BAND_OPACITY[theme.dark]),
        "line": {"width": 0},
        "legendgroup": line.name,
        "showlegend": False,
        "hoverinfo": "skip",
    }


def _line(line: RegionLine, party: LegendEntry, chart: RegionsChart) -> list[dict[str, Any]]:
    """What was counted, and dotted what is expected; a click in the legend takes out both, and the band."""
    precise, group = f"%{{y:,.{chart.decimals}f}}", {"legendgroup": line.name}
    past = plain_line(iso_dates(line.dates), line.past, party.label, party.colour, 2.0, line.name)
    ahead = plain_line(
        iso_dates(pd.DatetimeIndex([line.origin]).append(line.ahead)),
        _with_now(line, line.middle),
        party.label,
        party.colour,
        2.4,
        f"ahead-{line.name}",
    )
    ahead["line"] |= {"dash": "dot"}
    ranges = [format_interval(*ends, chart.decimals) for ends in zip(line.low, line.high, strict=True)]
    ahead |= {"showlegend": False, "customdata": ["", *ranges]}
    ahead["hovertemplate"] = ["<extra></extra>", *[f"{precise}  (80 %: %{{customdata}})"] * len(ranges)]
    return [past | group | {"hovertemplate": precise}, ahead | group]
