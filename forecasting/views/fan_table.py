"""The numbers behind a fan chart as a table, and the chart in words."""

from __future__ import annotations

import pandas as pd

from forecasting.data.forecast import MEDIAN
from forecasting.data.formatting import format_compact, format_date, format_figure
from forecasting.data.series import Series
from forecasting.models import model
from forecasting.views.charts import LEVEL_INDEX
from forecasting.views.fan_chart import LEVELS, FanChart


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
            for percent in LEVELS:
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
        f"Chart of {chart.unit} to {format_date(chart.series.origin)}{', on a log axis' if chart.log else ''}. {_corrected(chart.series)}"
        + "; ".join(lines)
        + "."
    )


def _corrected(series: Series) -> str:
    if series.reported is None or series.cumulative:
        return ""
    date, value = series.reported.index[-1], series.reported.iloc[-1]
    taken, decimals = series.values[series.dates.get_loc(date)], series.decimals
    return f"The last figures are corrected; {format_date(date)}, reported as {format_figure(value, decimals)}, is drawn as {format_figure(taken, decimals)}. "
