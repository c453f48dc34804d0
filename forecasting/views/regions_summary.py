"""Tables and sentences of the chart of several regions: what is now, what is expected, and what is not drawn as published."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from forecasting.data.formatting import decimals_needed, format_compact, format_date, format_dates, format_interval
from forecasting.models import model
from forecasting.services.region_forecasts import RegionForecast
from forecasting.services.region_row import expected_change
from forecasting.views.regions_chart import MEAN_LABEL, RegionLine, RegionsChart


def summary_table(chart: RegionsChart) -> pd.DataFrame:
    """A row a line: what is now, and what is expected at the end of the horizon with its 80 % band, as numbers."""
    return pd.DataFrame(
        {
            "Region": [line.name for line in chart.lines],
            "Now": [float(line.past[-1]) for line in chart.lines],
            "Expected": [float(line.middle[-1]) for line in chart.lines],
            "Change": [_change(line) for line in chart.lines],
            "80 % from": [float(line.low[-1]) for line in chart.lines],
            "to": [float(line.high[-1]) for line in chart.lines],
            "Figures to": [line.origin for line in chart.lines],
            "Forecast for": [line.ahead[-1] for line in chart.lines],
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
    """The expected changes in order: ``"Expected change in 4 weeks, largest rise first: Ohio +31 %, Texas −4 %."``; empty for none."""
    changes = [(expected_change(one.series, one.forecast), one.region) for one in parts]
    told = [f"{region} {change.text}" for change, region in sorted(changes, key=lambda pair: -pair[0].ratio)]
    horizons = {one.forecast.horizon for one in parts}
    if not told or len(horizons) > 1:
        return ""
    ahead = parts[0].series.frequency.steps(horizons.pop())
    return f"Expected change in {ahead}, largest rise first: {', '.join(told)}."


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
