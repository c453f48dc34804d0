"""Going back in time: what was known at an earlier date, what was forecast from it, and what came.

Charts and tables only; who forecasts and when is the `Service`'s business.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from forecasting.backtest import Cut
from forecasting.charts import LEVEL, axes, iso, line_trace, past_line
from forecasting.columns import DATE, HORIZON, MODEL, ORIGIN, QUANTILE, REGION, STATISTIC, VALUE
from forecasting.errors import DataError
from forecasting.evaluation import BANDS, COVERAGES, score_forecasts
from forecasting.frequency import Frequency
from forecasting.looking_back import LookBack
from forecasting.models import model, models
from forecasting.palette import LIGHT, Theme, rgba
from forecasting.panel import Panel
from forecasting.scoring import covered, weighted_interval_score
from forecasting.series import MEDIAN, Forecast, Series
from forecasting.wording import day

#: The columns of a table of cells, a row a forecast of one period.
CELLS = (MODEL, ORIGIN, HORIZON, DATE, "wis", "ae", *COVERAGES)
#: Horizons that share a row of the heat map.
TOGETHER = {"daily": 7, "hourly": 12}
#: Ratios that have the strongest colours, and the colours (worse, better) on light and on dark; both can be told apart
#: by colour-blind readers (vermilion and blue of Okabe & Ito 2008).
STRONGEST = 4.0
WORSE, BETTER = ("#c24e00", "#ff8a3d"), ("#0067a5", "#3fa9f5")
EVEN = ("#eceff3", "#2b3646")
#: The published forecasts that are drawn at once: their colours on light and on dark, none of them a model's, and dashes.
OTHERS = (("#5b4fc4", "#a79bff", "dash"), ("#8a4b2d", "#d9a384", "dot"), ("#a3006f", "#ff7ac8", "dashdot"))


def known_on(cut: Cut, panel: Panel) -> pd.Timestamp:
    """The day at whose end a cut was what was known: of vintages, that on which it was published."""
    return cut.at - pd.Timedelta(days=1) if panel.has_vintages() else cut.at


def reference_date(cut: Cut, panel: Panel) -> pd.Timestamp:
    """What the US hubs call the forecasts made from a cut: the first Saturday after it was published."""
    return known_on(cut, panel) + pd.offsets.Week(weekday=5)


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
    return [line_trace(dates, values, name, theme.text, 2.4, "history")]


def _came(chart: Moment, theme: Theme) -> list[dict[str, Any]]:
    """What came, from the origin on; where figures are revised also what the earlier ones have become."""
    if not chart.truth:
        return []
    start = _changed_from(chart) if chart.revised else chart.cut.series.origin
    dates, values = _clip(chart.now, past_line(chart.now, chart.smooth), start)
    name = "Known now" if chart.revised else "What came after"
    trace = line_trace(dates, values, name, theme.text, 2.0, "came")
    trace["line"]["dash"] = "dot"
    if chart.now.frequency.name not in TOGETHER:
        ring = {"color": theme.text, "width": 1.5}
        trace |= {"mode": "lines+markers", "marker": {"size": 5, "color": theme.background, "line": ring}}
    return [trace]


def _changed_from(chart: Moment) -> pd.Timestamp:
    """The date before the first figure on show that is another one now; the origin where none is."""
    then = pd.Series(chart.cut.series.values, chart.cut.series.dates)[chart.window[0] :]
    now = pd.Series(chart.now.values, chart.now.dates).reindex(then.index)
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


def placed(
    table: pd.DataFrame, statistic: str, region: str, cuts: Sequence[Cut], panel: Panel, frequency: Frequency, name: str
) -> pd.DataFrame:
    """Of a forecasts table, what is for this region and was made at one of the cuts' dates, counted from their origins.

    A forecast belongs to the cut that was published in the period after its own origin, or has the very same origin;
    periods are matched by date, whatever its horizons are counted from.

    Args:
        statistic: which to take where the table has several.
        name: what messages call the table.

    Raises `DataError` with one sentence when nothing is left.
    """
    rows = table[(table[REGION] == region).to_numpy()]
    if rows.empty:
        others = list(dict.fromkeys(map(str, table[REGION].unique())))
        more = f" and {len(others) - 3} more" if len(others) > 3 else ""
        raise DataError(f"{name} has no forecast for {region}; it has {', '.join(others[:3])}{more}.")
    rows = _of_statistic(rows, statistic, name)
    places = {origin: _place(origin, cuts, panel, frequency) for origin in rows[ORIGIN].unique()}
    rows = rows.assign(place=rows[ORIGIN].map(places))
    if (rows["place"] < 0).all():
        first, last = rows[ORIGIN].min(), rows[ORIGIN].max()
        when = f"on {day(first)}" if first == last else f"from {day(first)} to {day(last)}"
        raise DataError(
            f"{name} has forecasts for {region} with data to a day {when}, and none that was made at a date on the slider."
        )
    return _recounted(rows[rows["place"] >= 0], cuts, frequency)


def _of_statistic(rows: pd.DataFrame, statistic: str, name: str) -> pd.DataFrame:
    if STATISTIC not in rows:
        return rows
    targets = list(dict.fromkeys(map(str, rows[STATISTIC].unique())))
    if statistic in targets:
        rows = rows[(rows[STATISTIC] == statistic).to_numpy()]
    elif len(targets) > 1:
        raise DataError(
            f"{name} is about several things ({', '.join(targets[:4])}), and '{statistic}' is not among them."
        )
    return rows.drop(columns=STATISTIC)


def _place(origin: pd.Timestamp, cuts: Sequence[Cut], panel: Panel, frequency: Frequency) -> int:
    """The place of the cut whose forecasts one with this origin competes with; -1 where there is none."""
    after = frequency.after(origin, 1)[0]
    same = [i for i, cut in enumerate(cuts) if cut.origin == origin]
    if same or not panel.has_vintages():
        return same[-1] if same else -1
    return max((i for i, cut in enumerate(cuts) if origin < known_on(cut, panel) < after), default=-1)


def _recounted(rows: pd.DataFrame, cuts: Sequence[Cut], frequency: Frequency) -> pd.DataFrame:
    """Origins are the cuts' own, horizons count from there, and models are called apart from ours."""
    origins = {place: cuts[place].origin for place in rows["place"].unique()}
    ends = max(rows[DATE])
    steps = {
        (place, date): i
        for place, origin in origins.items()
        for i, date in enumerate(pd.date_range(origin, ends, freq=frequency.alias))
    }
    horizon = [steps.get(pair, 0) for pair in zip(rows["place"], rows[DATE], strict=True)]
    table = rows.assign(**{ORIGIN: rows["place"].map(origins), HORIZON: horizon}).drop(columns="place")
    names = {name: f"{name} (file)" if _is_ours(str(name)) else str(name) for name in table[MODEL].unique()}
    table[MODEL] = [names[name] for name in table[MODEL]]
    table[REGION] = table[REGION].astype(str)
    table = table[table[HORIZON] > 0].drop_duplicates([MODEL, ORIGIN, HORIZON, QUANTILE], keep="last")
    return table.reset_index(drop=True)


def _is_ours(name: str) -> bool:
    return name in models()


def label(name: str) -> str:
    """How a model is called, ours or somebody else's."""
    return model(name).label if _is_ours(name) else name


def cells(past: LookBack, now: Series) -> pd.DataFrame:
    """A score for each period that was forecast and has come: the columns `CELLS`."""
    made = [(name, place, f) for (name, place), f in past.forecasts.items() if past.cuts[place].origin < now.origin]
    said, came, parts = [], [], []
    for name, place, forecast in made:
        then = past.cuts[place]
        first = int(now.dates.searchsorted(then.origin, side="right"))
        truth = now.values[first : first + past.horizon]
        said.append(forecast.values[then.gap :][: len(truth)])
        came.append(truth)
        parts.append((name, then.origin, len(truth), now.dates[first : first + len(truth)]))
    if not parts:
        return pd.DataFrame(columns=list(CELLS))
    counts = [count for _, _, count, _ in parts]
    table = pd.DataFrame(
        {
            MODEL: np.repeat([name for name, *_ in parts], counts),
            ORIGIN: np.repeat(pd.DatetimeIndex([origin for _, origin, *_ in parts]), counts),
            HORIZON: np.concatenate([np.arange(1, count + 1) for count in counts]),
            DATE: np.concatenate([dates.to_numpy() for *_, dates in parts]),
        }
    )
    return table.assign(**_scores(np.concatenate(said), np.concatenate(came)))


def _scores(said: np.ndarray, came: np.ndarray) -> dict[str, np.ndarray]:
    held = {f"coverage_{percent}": covered(said, came, percent).astype(float) for percent in BANDS}
    return {"wis": weighted_interval_score(said, came), "ae": np.abs(said[:, MEDIAN] - came), **held}


def published_cells(table: pd.DataFrame, now: Series) -> pd.DataFrame:
    """The same of published forecasts. Raises `DataError` for quantiles that cannot be scored."""
    if table.empty:
        return pd.DataFrame(columns=list(CELLS))
    came = pd.DataFrame({REGION: table[REGION].iloc[0], DATE: now.dates, VALUE: now.values})
    return score_forecasts(table, came)[list(CELLS)]


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
    keys = [ORIGIN, DATE]
    count = judged.groupby(keys)[MODEL].transform("nunique")
    shared = judged[count == judged[MODEL].nunique()]
    means = shared.groupby(MODEL)[["wis", "ae", *COVERAGES]].mean()
    naive = means["wis"].get("naive", np.nan)
    means.insert(0, "relative_wis", means["wis"] / naive if naive > 0 else np.nan)
    means[list(COVERAGES)] *= 100
    common = len(shared[keys].drop_duplicates())
    left_out = len(judged[keys].drop_duplicates()) - common
    return Standing(means.sort_values("wis", kind="stable").reset_index(), common, shared[ORIGIN].nunique(), left_out)


def skill(judged: pd.DataFrame, name: str, frequency: Frequency) -> pd.DataFrame:
    """One model's WIS over seasonal naive's, by origin (rows) and horizons (columns, called like ``"8–14"``).

    NaN where nothing has come yet, or seasonal naive was right to the count.
    """
    both = judged[judged[MODEL].isin([name, "naive"])]
    size = TOGETHER.get(frequency.name, 1)
    group = (both[HORIZON].astype(int) - 1) // size
    means = both.groupby([both[MODEL], both[ORIGIN], group])["wis"].mean().unstack(MODEL)
    ratio = means[name] / means["naive"].where(means["naive"] > 0) if name in means else means["naive"] * np.nan
    wide = ratio.unstack(HORIZON)
    wide.columns = [f"{size * g + 1}–{size * (g + 1)}" if size > 1 else str(g + 1) for g in wide.columns]
    return wide


def heat_map(
    ratios: pd.DataFrame, step: str, chosen: pd.Timestamp, theme: Theme = LIGHT, names: dict[Any, str] | None = None
) -> dict[str, Any]:
    """What `skill` gives as a row of tiles for each horizon, one for each date; the chosen date is framed.

    `names` are what the dates are called in the hover text.
    """
    names = names or {}
    shown = [names.get(origin, day(origin)) for origin in ratios.index]
    traces = []
    for column in ratios:
        values = ratios[column].to_numpy(float)
        text = [f"{value:.2f} times repeating's" if np.isfinite(value) else "nothing to compare" for value in values]
        traces.append(
            {
                "type": "bar",
                "uid": f"row {column}",
                "name": str(column),
                "x": list(range(len(values))),
                "y": [1.0] * len(values),
                "marker": {
                    "color": [shade(value, theme) for value in values],
                    "line": {"width": 2, "color": theme.background},
                },
                "customdata": [list(pair) for pair in zip(shown, text, strict=True)],
                "hovertemplate": f"%{{customdata[0]}}<br>{step}s ahead: {column}<br>WIS %{{customdata[1]}}<extra></extra>",
                "showlegend": False,
            }
        )
    layout = axes(None, theme, f"{step}s ahead")
    layout |= {"barmode": "stack", "bargap": 0, "hovermode": "closest", "dragmode": False}
    ticks = _ticks(len(shown))
    layout["xaxis"] |= {
        "range": [-0.5, len(shown) - 0.5],
        "tickvals": ticks,
        "ticktext": [shown[i] for i in ticks],
        "tickangle": 0,
        "showline": False,
        "fixedrange": True,
    }
    rows = len(ratios.columns)
    layout["yaxis"] |= {
        "tickvals": [row + 0.5 for row in range(rows)],
        "ticktext": [str(column) for column in ratios],
        "tickformat": "",
        "gridcolor": "rgba(0,0,0,0)",
    }
    if chosen in ratios.index:
        at = int(ratios.index.get_loc(chosen))
        frame = {"type": "rect", "x0": at - 0.5, "x1": at + 0.5, "y0": 0, "y1": rows}
        layout["shapes"] = [{**frame, "line": {"color": theme.text, "width": 2}}]
    return {"data": traces, "layout": layout}


def _ticks(count: int, most: int = 4) -> list[int]:
    """Places of a few labels, evenly apart."""
    step = max(-(-count // most), 1)
    return list(range(step // 2, count, step))


def shade(ratio: float, theme: Theme = LIGHT) -> str:
    """The colour of a ratio: blue below 1, vermilion above, as strong as its logarithm is large."""
    if not np.isfinite(ratio):
        return theme.background
    strength = float(np.clip(np.log(max(ratio, 1e-9)) / np.log(STRONGEST), -1, 1))
    end = (WORSE if strength > 0 else BETTER)[theme.dark]
    return _mixed(EVEN[theme.dark], end, abs(strength))


def scale(theme: Theme = LIGHT) -> str:
    """The key to the heat map's colours, in HTML."""
    better, worse = (colours[theme.dark] for colours in (BETTER, WORSE))
    strip = f"linear-gradient(90deg, {better}, {EVEN[theme.dark]}, {worse})"
    return (
        '<div style="display:flex;align-items:center;gap:.6rem;font-size:.85rem;flex-wrap:wrap">'
        f"<span>better ({1 / STRONGEST:g}×)</span>"
        f'<span style="flex:1 1 6rem;max-width:16rem;height:.7rem;border-radius:.35rem;background:{strip}"></span>'
        f"<span>worse ({STRONGEST:g}×)</span></div>"
    )


def _mixed(one: str, other: str, share: float) -> str:
    pairs = [(int(one[i : i + 2], 16), int(other[i : i + 2], 16)) for i in (1, 3, 5)]
    return "#" + "".join(f"{round(a + share * (b - a)):02x}" for a, b in pairs)


def describe(chart: Moment) -> str:
    """The chart in a sentence, for a screen reader."""
    names = ", ".join(label(name) for name in chart.forecasts) or "no model yet"
    return f"Chart of {chart.unit} as known on {day(chart.cut.at)}, with forecasts of {names}" + (
        ", and what came after." if chart.truth else "."
    )
