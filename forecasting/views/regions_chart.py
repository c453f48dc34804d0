"""Several regions on one chart: each one's figures and forecast with its 80 % band, in one unit, as a figure, a table and sentences.

A unit is a factor for each region (`FACTORS`): figures are drawn as counted, or so that each region's are 100 on one date.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from forecasting.data.forecast import MEDIAN
from forecasting.data.formatting import decimals_needed, format_compact, format_date, format_dates, format_interval
from forecasting.data.kind import COUNT
from forecasting.data.series import Series
from forecasting.models import model
from forecasting.services.region_forecasts import RegionForecast
from forecasting.services.region_row import expected_change, past_periods
from forecasting.views.backtest_charts import LegendEntry, region_legend
from forecasting.views.charts import LEVEL_INDEX, adapted_to_kind, base_layout, history_line, iso_dates, json_numbers
from forecasting.views.charts import line_trace as plain_line
from forecasting.views.palette import LIGHT, Theme, rgba

#: Units by their name in links.
COUNTED = "counted"
INDEXED = "indexed"
#: Name in the link -> label of a unit.
UNITS = {COUNTED: "As counted", INDEXED: "Start = 100"}
#: Which lines are drawn, by their name in links.
EACH = "each"
AGAINST_MEAN = "mean"
#: Name in the link -> label.
LINES = {EACH: "Each region", AGAINST_MEAN: "One against the mean of the others"}
#: The label of the line of several regions' mean.
MEAN_LABEL = "Mean of the others"
#: What every region's figures are on the date that an index starts from.
INDEX_START = 100.0
#: Opacity of the 80 % bands on light and on dark; several lie over each other.
BAND_OPACITY = (0.13, 0.20)
#: Pixels above the plot that the chart's own buttons get, and below it for the legend.
BUTTONS_HEIGHT = 34
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
    """

    lines: tuple[RegionLine, ...]
    left_out: tuple[str, ...]
    unit: str
    decimals: int
    begins: pd.Timestamp
    about: Series


@dataclass(frozen=True)
class ChartChoices:
    """What a reader has chosen of the chart: a unit of `UNITS`, the start of an index, lines of `LINES`, means or single periods."""

    unit: str = COUNTED
    start: pd.Timestamp | None = None
    lines: str = EACH
    smooth: bool = False


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


def usual_start(series: Series) -> pd.Timestamp:
    """The date that an index starts from unless a reader chooses: the first on show, a year back for weeks."""
    return series.dates[-min(past_periods(series.frequency), len(series))]


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


#: Unit -> the factor of each region that it says something of. Another unit, such as per 100,000 people, is one more entry here
#: and in `UNITS`, and a line in `_unit_words` and `_why_left_out`.
FACTORS: Mapping[str, Callable[[Sequence[RegionLine], ChartChoices], dict[str, float]]] = {
    COUNTED: _counted,
    INDEXED: _indexed,
}


def _unit_words(unit: str, choices: ChartChoices) -> str:
    """What the y axis counts, where `unit` is what was counted."""
    if choices.unit == INDEXED and choices.start is not None:
        return f"{unit}, {format_date(choices.start)} = 100"
    return unit


def _why_left_out(region: str, choices: ChartChoices) -> str:
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
    decimals = about.decimals if choices.unit == COUNTED else 1
    return RegionsChart(tuple(lines), tuple(left_out), _unit_words(unit, choices), decimals, begins, about)


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
    layout = base_layout((chart.begins, ends), theme, chart.unit)
    layout["legend"] |= {"y": -0.12, "yanchor": "top"}
    layout["margin"]["t"] = BUTTONS_HEIGHT
    layout["xaxis"]["tickangle"] = 0
    if chart.about.cumulative:  # from zero on, a running total is a flat line
        layout["yaxis"]["rangemode"] = "normal"
    layout["shapes"] = [_future(chart, ends, theme)]
    figure = adapted_to_kind({"data": [*bands, *drawn], "layout": layout}, chart.about)
    if chart.about.kind is not COUNT:
        figure["layout"]["yaxis"]["tickformat"] = "~s" if _largest(chart) >= 10_000 else ","
    return figure


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


def summary_table(chart: RegionsChart) -> pd.DataFrame:
    """A row a line: what is now, and what is expected at the end of the horizon with its 80 % band, as numbers."""
    return pd.DataFrame(
        {
            "Region": [line.name for line in chart.lines],
            "Figures to": [line.origin for line in chart.lines],
            "Now": [float(line.past[-1]) for line in chart.lines],
            "Forecast for": [line.ahead[-1] for line in chart.lines],
            "Expected": [float(line.middle[-1]) for line in chart.lines],
            "80 % from": [float(line.low[-1]) for line in chart.lines],
            "to": [float(line.high[-1]) for line in chart.lines],
            "Change": [_change(line) for line in chart.lines],
            "Model": [model(line.model).label if line.model else "" for line in chart.lines],
        }
    )


def _change(line: RegionLine) -> float:
    """Percent from now to the end of the horizon; none of what is not above zero."""
    now = float(line.past[-1])
    return 100 * (float(line.middle[-1]) / now - 1) if now > 0 and line.low[-1] >= 0 else float("nan")


def numbers_table(chart: RegionsChart) -> pd.DataFrame:
    """All numbers of the chart, a row a region and date: a figure, or a forecast's median with its 80 % band."""
    tables = []
    for line in chart.lines:
        past, ahead = len(line.past), len(line.ahead)
        tables.append(
            pd.DataFrame(
                {
                    "region": line.name,
                    "date": line.dates.append(line.ahead),
                    "kind": ["figure"] * past + ["forecast"] * ahead,
                    "value": np.concatenate([line.past, line.middle]),
                    "lower_80": np.concatenate([np.full(past, np.nan), line.low]),
                    "upper_80": np.concatenate([np.full(past, np.nan), line.high]),
                    "unit": chart.unit,
                    "model": [""] * past + [line.model] * ahead,
                }
            )
        )
    return pd.concat(tables, ignore_index=True)


def dates_table(chart: RegionsChart) -> pd.DataFrame:
    """The numbers on show for reading: a row a date, the newest first; what is expected has its 80 % band in words."""
    columns = {}
    for line in chart.lines:
        shown = line.dates >= chart.begins
        decimals = chart.decimals or (0 if line.model else decimals_needed(line.past[shown]))
        past = [format_compact(value, decimals) for value in line.past[shown]]
        ahead = [
            f"{format_compact(middle, decimals)} ({format_interval(low, high, decimals)})"
            for low, middle, high in zip(line.low, line.middle, line.high, strict=True)
        ]
        columns[line.name] = pd.Series([*past, *ahead], line.dates[shown].append(line.ahead))
    table = pd.DataFrame(columns).sort_index(ascending=False).fillna("")
    return table.rename_axis("Date").reset_index()


def order_sentence(parts: Sequence[RegionForecast]) -> str:
    """Where most is expected to be added first: ``"Expected in 4 weeks: Ohio +31 %, Texas −4 %."``; empty for none."""
    changes = [(expected_change(one.series, one.forecast), one.region) for one in parts]
    told = [f"{region} {change.text}" for change, region in sorted(changes, key=lambda pair: -pair[0].ratio)]
    horizons = {one.forecast.horizon for one in parts}
    if not told or len(horizons) > 1:
        return ""
    ahead = parts[0].series.frequency.steps(horizons.pop())
    return f"Expected in {ahead}, from the highest rise to the deepest fall: {', '.join(told)}."


def against_mean_sentence(chart: RegionsChart) -> str:
    """How the first region stands beside the mean of the others, now and at the end of the horizon; empty where there is none."""
    if len(chart.lines) != 2 or chart.lines[1].name != MEAN_LABEL:
        return ""
    one, mean = chart.lines
    dates = one.dates.intersection(mean.dates)
    ahead = one.ahead.intersection(mean.ahead)
    if dates.empty or ahead.empty:
        return ""
    now = (_at(one.dates, one.past, dates[-1]), _at(mean.dates, mean.past, dates[-1]))
    then = (_at(one.ahead, one.middle, ahead[-1]), _at(mean.ahead, mean.middle, ahead[-1]))
    return (
        f"On {format_date(dates[-1])} {one.name} stands {_beside(*now, chart.decimals)}; "
        f"on {format_date(ahead[-1])} it is expected {_beside(*then, chart.decimals)}."
    )


def _at(dates: pd.DatetimeIndex, values: np.ndarray, date: pd.Timestamp) -> float:
    return float(values[dates.get_loc(date)])


def _beside(value: float, mean: float, decimals: int) -> str:
    """``"at 1.4 times the mean of the others"``; of what may be negative the distance."""
    if value >= 0 and mean > 0:
        return f"at {value / mean:.2f} times the mean of the others"
    way = "above" if value >= mean else "below"
    return f"{format_compact(abs(value - mean), decimals)} {way} the mean of the others"


def dated_sentence(parts: Sequence[RegionForecast]) -> str:
    """To which date there are figures, of all or from the oldest to the newest."""
    dates = sorted(one.series.origin for one in parts)
    name = parts[0].series.frequency.name.capitalize()
    if dates[0] == dates[-1]:
        return f"{name} figures to {format_date(dates[0])}."
    return f"{name} figures; the last dates are {format_dates(dates[0], dates[-1])}."


def figure_notes(parts: Sequence[RegionForecast]) -> list[str]:
    """Sentences on what the lines do not show as published: corrected ends, and provisional figures."""
    notes, running_total = [], parts[0].series.cumulative
    corrected = [one.region for one in parts if one.series.reported is not None and not running_total]
    if corrected:
        notes.append(f"The last figures of {', '.join(corrected)} are drawn as what they are expected to become.")
    late = [one.region for one in parts if one.series.provisional is not None and len(one.series.provisional)]
    if late:
        notes.append(f"Provisional figures of {', '.join(late)} are neither used nor drawn.")
    return notes


def describe_chart(chart: RegionsChart) -> str:
    """The chart in a sentence for a screen reader."""
    lines = [
        f"{line.name} {format_compact(float(line.past[-1]), chart.decimals)} now and "
        f"{format_compact(float(line.middle[-1]), chart.decimals)} on {format_date(line.ahead[-1])}"
        for line in chart.lines
    ]
    return f"Chart of {chart.unit} of {len(lines)} lines with forecasts: {'; '.join(lines)}."
