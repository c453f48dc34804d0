"""Similar episodes: the past courses, of a region or of others, that are nearest to the last weeks' course, and what followed.

The method of analogues. Courses are compared on the log scale, each less its own mean, so only their shape counts. It is a
picture for people and no forecast: `python -m benchmarks like_when` says how such continuations did.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from forecasting.data.frequency import Frequency
from forecasting.data.kind import COUNT
from forecasting.data.panel import Panel
from forecasting.data.panel_cache import PerPanel
from forecasting.data.series import Series
from forecasting.data.snapshots import figures_on_grid, sorted_figures
from forecasting.evaluation.backtest import series_at_cutoff
from forecasting.preparation.prepare import prepare

#: Episodes that are told of.
COUNT_OF_EPISODES = 3
#: Episodes that may be asked for.
MOST_EPISODES = 50
#: Length of a course in reporting cycles: weeks of days and of weeks, days of hours, otherwise periods.
COURSE_CYCLES = 8
#: A course whose figures stay so near to their mean on the log scale is level: every level course is like it.
LEVEL = 1e-6
#: Counts are compared as the log of a count more, ...
ADDED_TO_COUNTS = 1.0
#: ... other figures as the log of so large a share of their region's mean more.
ADDED_SHARE = 0.01
#: Counts a period: courses that are smaller on average are mostly chance, unless the present is as small.
LEAST_MEAN = 5.0
#: Share of a cycle's figures that must be known for their mean to be.
KNOWN_SHARE = 0.5
#: Regions times periods on a grid: a table that would need more is not searched, for it would take the memory of others.
MOST_FIGURES = 5_000_000
#: Statistics of a panel whose figures are kept on a grid.
GRIDS_KEPT = 4
#: Searches of a panel whose result is kept.
SEARCHES_KEPT = 64


@dataclass(frozen=True)
class Episode:
    """A past course like the present one, and what followed.

    Attributes:
        region: whose it was.
        start, end: the first and the last date of its course.
        last: the last date of its continuation.
        difference: how far its course is from the present one in a usual period, once it has its level: 0.08 is 8 %.
        course: shape (periods,), its figures, scaled to the mean level of the present course.
        continuation: shape (horizon,), what followed, scaled so that it goes on from the last figure.
    """

    region: str
    start: pd.Timestamp
    end: pd.Timestamp
    last: pd.Timestamp
    difference: float
    course: np.ndarray
    continuation: np.ndarray

    def to_json(self) -> dict[str, Any]:
        """As JSON values; dates are ISO 8601."""
        dates = {name: getattr(self, name).date().isoformat() for name in ("start", "end", "last")}
        figures = {name: [round(float(one), 6) for one in getattr(self, name)] for name in ("course", "continuation")}
        return {"region": self.region, **dates, "difference": round(self.difference, 6), **figures}


@dataclass(frozen=True)
class SimilarEpisodes:
    """The nearest past episodes, or a sentence that says why there are none.

    Attributes:
        periods: of the course that was compared.
        mean_of: figures that each compared figure is a mean of: a week of days; 1 of single figures.
        dates: of the present course.
        ahead: the dates that the continuations are drawn on.
        last: the last figure that is compared, which they go on from.
        episodes: the nearest first.
        why_not: a sentence where there are none.
    """

    periods: int
    mean_of: int
    dates: pd.DatetimeIndex
    ahead: pd.DatetimeIndex
    last: float = float("nan")
    episodes: tuple[Episode, ...] = ()
    why_not: str = ""


@dataclass(frozen=True)
class FiguresOfRegions:
    """The figures of many regions on one grid of dates: shape (periods, regions), NaN where nothing is known."""

    dates: pd.DatetimeIndex
    regions: tuple[str, ...]
    values: np.ndarray


_GRIDS: PerPanel[FiguresOfRegions] = PerPanel(GRIDS_KEPT)
_FOUND: PerPanel[SimilarEpisodes] = PerPanel(SEARCHES_KEPT)


def similar_episodes(
    panel: Panel,
    region: str,
    statistic: str,
    horizon: int,
    at: pd.Timestamp | None = None,
    count: int = COUNT_OF_EPISODES,
) -> SimilarEpisodes:
    """The `count` nearest past episodes to a region's last course, as known at a date, with `horizon` periods of what followed.

    Args:
        at: rows up to it are looked at, or of a panel with vintages the newest before it; all without it.

    Raises `DataError` or `RequestError` where the region has no figures then.
    """
    if at is None:
        return episodes_like(panel, prepare(panel.as_of(None), region, statistic), statistic, horizon, count)
    series = series_at_cutoff(panel, region, statistic, at).series
    return episodes_like(panel.as_of(at), series, statistic, horizon, count)


def episodes_like(
    panel: Panel,
    series: Series,
    statistic: str,
    horizon: int,
    count: int = COUNT_OF_EPISODES,
    cycles: int = COURSE_CYCLES,
) -> SimilarEpisodes:
    """The same of a prepared series and the panel as it stood then; nothing after the series' last figure is looked at.

    Args:
        cycles: the length of the course.

    Kept with the panel: asked again it is the same object.
    """
    known = panel.as_of(None)
    name = (series.digest(), series.region, statistic, horizon, count, cycles)
    return _FOUND.get(known, name, lambda: _episodes_like(known, series, statistic, horizon, count, cycles))


def _episodes_like(
    panel: Panel, series: Series, statistic: str, horizon: int, count: int, cycles: int
) -> SimilarEpisodes:
    frequency = series.frequency
    mean_of, periods = frequency.cycle, cycles * frequency.cycle
    nothing = SimilarEpisodes(periods, mean_of, series.dates[-periods:], frequency.after(series.origin, horizon))
    if series.kind.low < 0:
        return replace(
            nothing, why_not="Figures that can fall below zero have no level that courses could be scaled to."
        )
    if len(series) < periods + mean_of - 1:
        known, wanted = frequency.steps(len(series)), frequency.steps(periods + mean_of - 1)
        return replace(nothing, why_not=f"A course of {wanted} is compared with earlier ones; there are only {known}.")
    added = ADDED_TO_COUNTS if series.kind is COUNT else None
    now = _log_means(series.values[-periods - mean_of + 1 :, None], mean_of, added)[-periods:, 0]
    if np.ptp(now) < LEVEL:
        return replace(nothing, why_not="The last figures are all the same: there is no course to compare.")
    if _figures_on_grid(panel, statistic, frequency) > MOST_FIGURES:
        return replace(
            nothing, why_not="So many regions over so long a time are too many to search for earlier courses."
        )
    figures = _until(figures_of_regions(panel, statistic, frequency), series.origin)
    logs = _log_means(figures.values, mean_of, added)
    own = figures.regions.index(series.region) if series.region in figures.regions else -1
    distances = _distances(logs, now, horizon)
    floor = np.log(min(LEAST_MEAN, float(np.expm1(now.mean()))) + 1.0) if series.kind is COUNT else -np.inf
    distances[_window_means(logs, periods)[: len(distances)] < floor] = np.inf
    if own >= 0:
        distances[max(len(logs) - 2 * periods - horizon + 1, 0) :, own] = np.inf
    found = tuple(
        _episode(figures, logs, now, (row, column), distances[row, column], horizon, series, added)
        for row, column in _nearest(distances.copy(), count, periods + horizon)
    )
    if not found:
        needed = frequency.steps(periods + horizon)
        return replace(
            nothing, why_not=f"No earlier course with what followed, {needed} together, is known to compare."
        )
    return replace(nothing, last=float(series.values[-mean_of:].mean()), episodes=found)


def _figures_on_grid(panel: Panel, statistic: str, frequency: Frequency) -> float:
    """About how many figures `figures_of_regions` would hold, gaps included."""
    rows = sorted_figures(panel, panel.statistic(statistic))
    span = (rows.dates[-1] - rows.dates[0]) / pd.Timedelta(days=1) if len(rows.dates) else 0.0
    return len(rows.names) * (span / frequency.days + 1)


def figures_of_regions(panel: Panel, statistic: str, frequency: Frequency) -> FiguresOfRegions:
    """The newest published figures of all regions with dates of one frequency, per period; kept with the panel."""
    known, asked = panel.as_of(None), panel.statistic(statistic)

    def made() -> FiguresOfRegions:
        regions = [one for one in known.regions(statistic) if known.frequency_of(statistic, one) == frequency]
        rows = sorted_figures(known, asked)
        grid, values, _ = figures_on_grid(rows.rows(rows.place(None)), regions, frequency, asked.reported_cumulative)
        if asked.reported_cumulative:
            values = np.diff(values, axis=0, prepend=np.nan)
        return FiguresOfRegions(grid, tuple(regions), np.where(values < asked.kind.low, np.nan, values))

    return _GRIDS.get(known, (asked.name, frequency.alias), made)


def _until(figures: FiguresOfRegions, date: pd.Timestamp) -> FiguresOfRegions:
    kept = int(figures.dates.searchsorted(date, side="right"))
    return replace(figures, dates=figures.dates[:kept], values=figures.values[:kept])


def _log_means(values: np.ndarray, mean_of: int, added: float | None) -> np.ndarray:
    """The log of each figure, or of the mean over the last cycle; shape (periods, regions), NaN where too few are known."""
    known = np.isfinite(values)
    if mean_of > 1:
        sums, counts = (_trailing_sums(one, mean_of) for one in (np.where(known, values, 0.0), known.astype(float)))
        enough = counts >= KNOWN_SHARE * mean_of
        values = np.divide(np.maximum(sums, 0.0), counts, out=np.full_like(sums, np.nan), where=enough)
    return np.log(values + _added(values, added))


def _added(values: np.ndarray, added: float | None) -> np.ndarray:
    """What is added before the log, of each region: shape (regions,)."""
    if added is not None:
        return np.full(values.shape[1], added)
    known = np.isfinite(values)
    sums = np.where(known, values, 0.0).sum(axis=0)
    means = ADDED_SHARE * sums / np.maximum(known.sum(axis=0), 1)
    return np.where(means > 0, means, 1.0)


def _trailing_sums(values: np.ndarray, length: int) -> np.ndarray:
    sums = np.cumsum(values, axis=0)
    sums[length:] -= sums[:-length].copy()
    return sums


def _window_means(logs: np.ndarray, periods: int) -> np.ndarray:
    """The mean of every course, by its first row; NaN where a figure is missing, shape (courses, regions)."""
    if len(logs) < periods:
        return np.empty((0, logs.shape[1]))
    known = np.isfinite(logs)
    sums, counts = (
        _trailing_sums(one, periods)[periods - 1 :] for one in (np.where(known, logs, 0.0), known.astype(float))
    )
    return np.where(counts > periods - 0.5, sums / periods, np.nan)


def _distances(logs: np.ndarray, now: np.ndarray, horizon: int) -> np.ndarray:
    """How far each course is from the present one on the log scale, by its first row; infinite where a figure is missing.

    Only courses whose continuation is known have a row. Each figure of the present is one pass over all courses at once.
    """
    periods, shape = len(now), now - now.mean()
    courses = max(len(logs) - periods - horizon + 1, 0)
    means = _window_means(logs, periods)[:courses]
    squares = np.zeros((courses, logs.shape[1]))
    for place, wanted in enumerate(shape):
        squares += (logs[place : place + courses] - means - wanted) ** 2
    missing = np.cumsum(np.isnan(logs), axis=0)
    unknown = missing[periods + horizon - 1 :][:courses] - missing[periods - 1 :][:courses] > 0
    return np.where(np.isnan(squares) | unknown, np.inf, np.sqrt(squares / periods))


def _nearest(distances: np.ndarray, count: int, apart: int) -> list[tuple[int, int]]:
    """The first row and the region of the nearest courses, those of one region `apart` from each other; changes `distances`."""
    found = list[tuple[int, int]]()
    while distances.size and len(found) < count:
        row, column = (int(one) for one in np.unravel_index(np.argmin(distances), distances.shape))
        if not np.isfinite(distances[row, column]):
            break
        found.append((row, column))
        distances[max(row - apart + 1, 0) : row + apart, column] = np.inf
    return found


def _episode(
    figures: FiguresOfRegions,
    logs: np.ndarray,
    now: np.ndarray,
    place: tuple[int, int],
    distance: float,
    horizon: int,
    series: Series,
    added: float | None,
) -> Episode:
    """One episode: its course on the level of the present one, and what followed from its last figure on."""
    row, column = place
    end = row + len(now)
    there, then = logs[row:end, column], logs[end : end + horizon, column]
    mean_of = series.frequency.cycle
    of_now = float(_added(series.values[-len(now) - mean_of + 1 :, None], added)[0])
    scaled = (there - there.mean() + now.mean(), then - there[-1] + now[-1])
    course, continuation = (series.kind.clip(np.exp(one) - of_now) for one in scaled)
    dates = figures.dates
    return Episode(
        figures.regions[column],
        dates[row],
        dates[end - 1],
        dates[end + horizon - 1],
        float(np.expm1(distance)),
        course,
        continuation,
    )
