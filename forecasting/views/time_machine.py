"""Going back in time: what was known at an earlier date, what was forecast from it, and what came.

Charts and tables only; who forecasts and when is the `Service`'s business.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from forecasting.data.columns import DATE, MODEL, ORIGIN, QUANTILE, REGION, VALUE
from forecasting.data.forecast import MEDIAN, Forecast
from forecasting.data.formatting import day
from forecasting.data.series import Series
from forecasting.evaluation.backtest import Cut
from forecasting.evaluation.forecast_tables import COVERAGES, SCORES, score_forecasts
from forecasting.evaluation.look_back import LookBack
from forecasting.models import model, models
from forecasting.views.charts import LEVEL, as_reported, axes, iso, line_trace, past_line
from forecasting.views.comparison import NAIVE
from forecasting.views.palette import LIGHT, Theme, rgba

#: What is averaged over cells.
AVERAGED = ("wis", "ae", *COVERAGES)
#: The published forecasts that are drawn at once: their colours on light and on dark, none of them a model's, and dashes.
OTHERS = (("#5f7d00", "#b5cc4a", "dash"), ("#b0123f", "#ff6b81", "dot"), ("#a3006f", "#ff7ac8", "dashdot"))


def usual_stop(cuts: Sequence[Cut], now: Series, horizon: int) -> int:
    """The place of the last cut whose whole horizon has come; the first one where there is none."""
    places = [i for i, cut in enumerate(cuts) if int((now.dates > cut.origin).sum()) >= horizon]
    return places[-1] if places else 0


@dataclass(frozen=True)
class Moment:
    """What the large chart shows: one region at one earlier date.

    Attributes:
        cut: the region as it stood then.
        now: the same as it is known now.
        forecasts: made then, by model, in the order of the legend.
        band: the model whose 80 % band is drawn.
        others: published forecasts of that date: their cells' quantiles, as `placed` gives them.
        window: the dates on show, the same at every date.
        truth: whether to draw what came.
        revised: whether earlier figures may have changed since, so that they are drawn as they are now, too.
        smooth: draw means over the last season instead of single periods.
        unit: what the y axis counts.
    """

    cut: Cut
    now: Series
    forecasts: dict[str, Forecast]
    band: str
    others: pd.DataFrame
    window: tuple[pd.Timestamp, pd.Timestamp]
    truth: bool
    revised: bool
    smooth: bool
    unit: str


def window(cuts: Sequence[Cut], now: Series, horizon: int) -> tuple[pd.Timestamp, pd.Timestamp]:
    """The dates that hold every forecast, and two horizons before the first."""
    first, last = cuts[0].origin, cuts[-1].origin
    place = int(now.dates.searchsorted(first))
    return now.dates[max(place - 2 * horizon, 0)], now.frequency.after(last, horizon)[-1]


def top(
    past: LookBack, others: pd.DataFrame, now: Series, shown: tuple[pd.Timestamp, pd.Timestamp], smooth: bool
) -> float:
    """Where the y axis ends at every date, so that nothing jumps: medians count to twice the figures, bands to 1.6 times."""
    known = [cut.series for cut in past.cuts] + [now]
    figures = max(float(past_line(s, smooth)[s.dates.searchsorted(shown[0]) :].max(initial=0)) for s in known) or 1.0
    tables = [f.means if smooth else f.values for f in past.forecasts.values()]
    published = others.loc[others[QUANTILE] == 0.5, VALUE].astype(float).max() if len(others) else 0.0
    medians = max((float(table[:, MEDIAN].max()) for table in tables), default=0.0)
    medians = max(medians, float(published))
    bands = max((float(table[:, LEVEL[0.9]].max()) for table in tables), default=0.0)
    return 1.06 * max(figures, min(medians, 2 * figures), min(bands, 1.6 * figures))


def moment(chart: Moment, theme: Theme = LIGHT) -> dict[str, Any]:
    """What was known then, every forecast made from it, and over them what came."""
    traces = [
        *_band(chart, theme),
        *_known(chart, theme),
        *(_median(chart, name, theme) for name in chart.forecasts),
        *_others(chart, theme),
        *as_reported(chart.cut.series, chart.smooth, theme),
        *_provisional(chart, theme),
        *_came(chart, theme),
    ]
    layout = axes(chart.window, theme, chart.unit)
    first, last = iso(pd.DatetimeIndex(chart.window))
    layout["xaxis"] |= {"minallowed": first, "maxallowed": last}
    layout["shapes"] = [_upright(iso(pd.DatetimeIndex([chart.cut.origin]))[0], theme)]
    return {"data": traces, "layout": layout}


def _upright(x: str, theme: Theme) -> dict[str, Any]:
    line = {"color": theme.muted, "width": 1, "dash": "dot"}
    return {"type": "line", "x0": x, "x1": x, "y0": 0, "y1": 1, "yref": "paper", "line": line}


def _clip(series: Series, values: np.ndarray, first: pd.Timestamp) -> tuple[list[str], np.ndarray]:
    place = int(series.dates.searchsorted(first))
    return iso(series.dates[place:]), values[place:]


def _known(chart: Moment, theme: Theme) -> list[dict[str, Any]]:
    series = chart.cut.series
    dates, values = _clip(series, past_line(series, chart.smooth), chart.window[0])
    name = "Published then" if chart.revised else "Reported by then"
    if series.reported is not None:
        name += ", end corrected"
    return [line_trace(dates, values, name, theme.text, 2.4, "history")]


def _came(chart: Moment, theme: Theme) -> list[dict[str, Any]]:
    """What came, from the origin on; where figures are revised also what the earlier ones have become."""
    if not chart.truth:
        return []
    start = _changed_from(chart) if chart.revised else chart.cut.series.origin
    dates, values = _clip(chart.now, past_line(chart.now.as_published(), chart.smooth), start)
    name = "Known now" if chart.revised else "What came after"
    trace = line_trace(dates, values, name, theme.text, 2.0, "came")
    trace["line"]["dash"] = "dot"
    if chart.now.frequency.name not in ("daily", "hourly"):
        ring = {"color": theme.text, "width": 1.5}
        trace |= {"mode": "lines+markers", "marker": {"size": 5, "color": theme.background, "line": ring}}
    return [trace]


def _changed_from(chart: Moment) -> pd.Timestamp:
    """The date before the first figure on show that is another one now; the origin where none is."""
    then = pd.Series(chart.cut.series.published, chart.cut.series.dates)[chart.window[0] :]
    now = pd.Series(chart.now.published, chart.now.dates).reindex(then.index)
    changed = np.flatnonzero((then - now).abs().to_numpy() >= 0.5)
    return then.index[max(int(changed[0]) - 1, 0)] if len(changed) else chart.cut.series.origin


def _provisional(chart: Moment, theme: Theme) -> list[dict[str, Any]]:
    late = chart.cut.series.provisional
    if late is None or late.empty:
        return []
    trace = line_trace(
        iso(pd.DatetimeIndex(late.index)), late.to_numpy(float), "Provisional then", theme.text, 2, "provisional"
    )
    marker = {"symbol": "circle-open", "size": 9, "color": theme.text, "line": {"width": 2}}
    return [{**trace, "mode": "markers", "marker": marker}]


def _joined(chart: Moment, forecast: Forecast) -> tuple[list[str], np.ndarray]:
    """A forecast's dates and quantiles, begun at the last figure that it knew."""
    table = forecast.means if chart.smooth else forecast.values
    last = past_line(chart.cut.series, chart.smooth)[-1]
    dates = pd.DatetimeIndex([forecast.origin]).append(forecast.dates)
    return iso(dates), np.vstack([np.full(table.shape[1], last), table])


def _band(chart: Moment, theme: Theme) -> list[dict[str, Any]]:
    if chart.band not in chart.forecasts:
        return []
    dates, table = _joined(chart, chart.forecasts[chart.band])
    low, high, colour = table[:, LEVEL[0.1]], table[:, LEVEL[0.9]], theme.model(chart.band)
    return [_area(dates, low, high, rgba(colour, 0.3 if theme.dark else 0.2), "80 % band", "band")]


def _area(dates: list[str], low: np.ndarray, high: np.ndarray, colour: str, name: str, uid: str) -> dict[str, Any]:
    trace = line_trace(dates + dates[::-1], np.concatenate([high, low[::-1]]), name, colour, 0, uid)
    return {**trace, "fill": "toself", "fillcolor": colour, "hoverinfo": "skip", "hovertemplate": None}


def _median(chart: Moment, name: str, theme: Theme) -> dict[str, Any]:
    dates, table = _joined(chart, chart.forecasts[name])
    width = 2.8 if name == chart.band else 1.8
    return line_trace(dates, table[:, MEDIAN], model(name).label, theme.model(name), width, name)


def _others(chart: Moment, theme: Theme) -> list[dict[str, Any]]:
    """Published forecasts: a dashed median each, and the edges of the first one's 80 % band."""
    traces = []
    names = list(chart.others[MODEL].drop_duplicates())
    for name, (light, dark, dash) in zip(names, OTHERS, strict=False):
        colour = dark if theme.dark else light
        cells = chart.others[chart.others[MODEL] == name].pivot(index=DATE, columns=QUANTILE, values=VALUE)
        dates = iso(pd.DatetimeIndex(cells.index))
        if name == names[0] and {0.1, 0.9} <= set(cells):
            low, high = cells[0.1].to_numpy(float), cells[0.9].to_numpy(float)
            traces.append({**_area(dates, low, high, rgba(colour, 0.14), "", f"band {name}"), "showlegend": False})
        line = line_trace(dates, cells[0.5].to_numpy(float), name, colour, 2.4, f"published {name}")
        line["line"]["dash"] = dash
        traces.append({**line, "mode": "lines+markers", "marker": {"size": 5, "color": colour}})
    return traces


def label(name: str) -> str:
    """How a model is called, ours or somebody else's."""
    return model(name).label if name in models() else name


def published_cells(table: pd.DataFrame, now: Series) -> pd.DataFrame:
    """Scores of published forecasts of one region. Raises `DataError` for quantiles that cannot be scored."""
    if table.empty:
        return pd.DataFrame(columns=list(SCORES))
    came = pd.DataFrame({REGION: table[REGION].iloc[0], DATE: now.dates, VALUE: now.published})
    return score_forecasts(table, came)


@dataclass(frozen=True)
class Standing:
    """The models compared on the cells that all of them have forecast.

    Attributes:
        table: a row a model, the best first: ``model, relative_wis, wis, ae, coverage_50, coverage_80, coverage_95``,
            shares in percent.
        cells, origins: how many periods of how many dates were compared.
        left_out: how many some had forecast and others not.
    """

    table: pd.DataFrame
    cells: int
    origins: int
    left_out: int


def standing(judged: pd.DataFrame) -> Standing:
    """Average the scores of each model over the cells that all of them have."""
    by, names = pd.factorize(judged[MODEL], sort=True)
    origin, _ = pd.factorize(judged[ORIGIN])
    date, dates = pd.factorize(judged[DATE])
    cells, cell = np.unique(origin * len(dates) + date, return_inverse=True)
    has = np.zeros((len(cells), len(names)), dtype=bool)
    has[cell, by] = True
    whole = np.asarray(has.all(axis=1))
    shared = whole[cell]
    means = {column: _means(judged[column].to_numpy(float)[shared], by[shared], len(names)) for column in AVERAGED}
    naive = means["wis"][list(names).index(NAIVE)] if NAIVE in list(names) else np.nan
    ratio = means["wis"] / naive if naive > 0 else np.full(len(names), np.nan)
    shares = {column: 100 * means[column] for column in COVERAGES}
    table = pd.DataFrame({MODEL: names, "relative_wis": ratio, "wis": means["wis"], "ae": means["ae"], **shares})
    table = table[np.isin(np.arange(len(names)), by[shared])].sort_values("wis", kind="stable", ignore_index=True)
    return Standing(table, int(whole.sum()), len(np.unique(origin[shared])), int((~whole).sum()))


def _means(values: np.ndarray, group: np.ndarray, groups: int) -> np.ndarray:
    """Shape (groups,): the mean of each group's values that are known."""
    known = np.isfinite(values)
    count = np.bincount(group[known], minlength=groups)
    total = np.bincount(group[known], values[known], minlength=groups)
    return np.divide(total, count, out=np.full(groups, np.nan), where=count > 0)


def by_then(judged: pd.DataFrame, names: Sequence[str], date: pd.Timestamp) -> Standing:
    """How these models stood at `date`, over the periods that had come by then; seasonal naive beside them."""
    known = (judged[DATE] <= date) & judged[MODEL].isin([*names, NAIVE])
    return standing(judged[known])


def describe(chart: Moment) -> str:
    """The chart in a sentence, for a screen reader."""
    names = ", ".join(label(name) for name in chart.forecasts) or "no model yet"
    return f"Chart of {chart.unit} as known on {day(chart.cut.at)}, with forecasts of {names}" + (
        ", and what came after." if chart.truth else "."
    )
