"""Drift detection: whether a series is still counted as it was, and whether a model still does as well as it did.

Six tests (`statistics`), each on what is left when the past is accounted for, so that a wave of an epidemic is no drift. A
drift is reported as long as its statistic was above its threshold within the last `window` days. Nothing is kept between
two runs: the same figures always give the same drifts.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from forecasting.data.columns import DATE, HORIZON, MODEL, ORIGIN, STATISTIC
from forecasting.data.frequency import Frequency
from forecasting.data.panel import Panel
from forecasting.data.regular_grid import to_regular_grid
from forecasting.data.series import Series
from forecasting.monitoring.drift import messages, statistics
from forecasting.monitoring.drift.residuals import DailyCounts, daily_counts
from forecasting.monitoring.drift.statistics import CAP, StatisticPath
from forecasting.support.errors import DataError
from forecasting.support.settings import DriftThresholds, drift_thresholds

#: Usual count of a period from which on a zero is a missing figure.
PLENTY = 10.0
#: Outcomes that a model must have before it is judged.
LEAST_OUTCOMES = 16
_COVERAGES = ["coverage_50", "coverage_80", "coverage_95"]


@dataclass(frozen=True)
class Drift:
    """One drift: what has changed since when, and how surely.

    Attributes:
        kind: ``"level"``, ``"variance"``, ``"weekday"`` or ``"missing"`` of figures, ``"error"`` or ``"coverage"`` of forecasts.
        since: about when it began.
        statistic: the largest value of the test since then; see `statistics` for its unit.
        threshold: what it is above.
        sentence: the same for a person.
        model: whose forecasts, where it is about forecasts.
    """

    kind: str
    since: pd.Timestamp
    statistic: float
    threshold: float
    sentence: str
    model: str = ""


@dataclass(frozen=True)
class _Alarm:
    """An alarm: the places where the change began and where the statistic was largest since, and that statistic."""

    began: int
    largest: int
    statistic: float


def _lasting_alarm(path: StatisticPath, threshold: float, lasts: int) -> _Alarm | None:
    """Return the alarm that still lasts at the end of `path`, if there is one."""
    found = statistics.alarms(path, threshold, lasts)
    if not found or len(path.statistic) - 1 - found[-1][1] >= lasts:
        return None
    first, last = found[-1]
    largest = first + int(np.nanargmax(path.statistic[first : last + 1]))
    return _Alarm(max(int(path.began[largest]), 0), largest, float(path.statistic[largest]))


def published_values(panel: Panel, region: str, statistic: str | None = None) -> pd.Series:
    """Return one region's figures before any repair, for every date from its first to the panel's last; NaN where none is.

    Of a panel with vintages those of the newest. Raises `RequestError` for an unknown region or statistic, `DataError`
    where there is no figure at all.
    """
    asked, newest = panel.statistic(statistic), panel.as_of(None)
    frequency = panel.frequency_of(asked.name, region)
    table = newest.table
    counts = panel.counts(region, asked.name)
    found = to_regular_grid(counts, frequency, cumulative=asked.reported_cumulative)
    found = found[found.first_valid_index() :]
    last = table.loc[table[STATISTIC] == asked.column, DATE].max()
    further = frequency.between(found.index[-1], max(last, found.index[-1]))
    return found.reindex(found.index.union(further))


def data_drifts(
    series: Series, raw: pd.Series | None, of: str, thresholds: DriftThresholds | None = None
) -> list[Drift]:
    """Detect drifts of a series' newest figures from those before: in level, scatter, weekdays and gaps.

    Args:
        series: prepared.
        raw: what `published_values` returns; without it gaps are not tested.
        of: the name of the series in sentences, e.g. ``"Italy, new cases"``.
        thresholds: `drift_thresholds()` by default.

    Returns:
        A `Drift` for each kind that is above its threshold, none of a series that is too short (half a year of days or of
        weeks; eight weeks for gaps). A few milliseconds.
    """
    limits = thresholds or drift_thresholds()
    lasts = periods_in(limits.window, series.frequency)
    seen = daily_counts(series.values) if series.frequency.name == "daily" else series.values
    found = []
    for kind in ("level", "variance", "weekday") if isinstance(seen, DailyCounts) else ("level", "variance"):
        limit = getattr(limits, kind)
        alarm = _lasting_alarm(data_path(kind, seen, limits), limit, lasts)
        if alarm:
            sentence = _data_message(kind, of, seen, series, alarm)
            found.append(Drift(kind, series.dates[alarm.began], alarm.statistic, limit, sentence))
    if any(one.kind == "weekday" for one in found):  # its residuals are against the old weekdays
        found = [one for one in found if one.kind != "variance"]
    return found + _missing(raw, series.frequency, of, limits, lasts)


def data_path(kind: str, seen: np.ndarray | DailyCounts, limits: DriftThresholds) -> StatisticPath:
    """Compute the path of one kind of drift of a series; `seen` is its counts, or `daily_counts` of a daily one."""
    if kind == "weekday" and isinstance(seen, DailyCounts):
        return statistics.weekday_path(seen)
    return statistics.level_path(seen) if kind == "level" else statistics.variance_path(seen, CAP * limits.variance)


def _data_message(kind: str, of: str, seen: np.ndarray | DailyCounts, series: Series, alarm: _Alarm) -> str:
    if kind == "weekday" and isinstance(seen, DailyCounts):
        return messages.weekday_message(of, seen, series.dates, alarm.largest)
    tell = messages.level_message if kind == "level" else messages.variance_message
    return tell(of, seen, series.frequency, series.dates, alarm.began)


def is_missing(raw: np.ndarray) -> np.ndarray:
    """Flag missing figures, shape (n,), bool: none published, or a zero amid plenty, which is how some publish none."""
    positive = pd.Series(np.where(raw > 0, raw, np.nan))
    usual = positive.rolling(28, min_periods=4).median().shift(1).to_numpy()
    return np.isnan(raw) | ((raw == 0) & (usual >= PLENTY))


def periods_in(window: float, frequency: Frequency) -> int:
    """Convert a window in days to periods, at least one."""
    return max(round(window / frequency.days), 1)


def _missing(raw: pd.Series | None, frequency: Frequency, of: str, limits: DriftThresholds, lasts: int) -> list[Drift]:
    if raw is None:
        return []
    flags, dates = is_missing(raw.to_numpy(float)), pd.DatetimeIndex(raw.index)
    path = statistics.missing_path(flags, frequency.cycle, CAP * limits.missing)
    alarm = _lasting_alarm(path, limits.missing, lasts)
    if not alarm:
        return []
    sentence = messages.missing_message(of, flags, frequency, dates, alarm.began)
    return [Drift("missing", dates[alarm.began], alarm.statistic, limits.missing, sentence)]


def forecast_drifts(
    scores: pd.DataFrame, of: str, thresholds: DriftThresholds | None = None, baseline: str = "naive"
) -> list[Drift]:
    """Detect drifts of models' newest forecasts from those before: of the error, over the baseline's, and of coverage.

    Args:
        scores: a row a forecast, as `evaluation.score_forecasts` gives them, of one region and statistic: ``model, origin,
            horizon, date, wis, coverage_50, coverage_80, coverage_95``. Where the baseline is not among them, errors are not judged.
        of: the name of the series in sentences.
        thresholds: `drift_thresholds()` by default.
        baseline: the model whose error tells how hard a time it was; it is judged by its bands alone.

    Returns:
        A `Drift` for each model and kind that is above its threshold. Of each origin the horizons up to the
        next origin count, one a day where forecasts are made every night, for what overlaps is not independent; fewer
        than 16 origins say nothing.

    Raises:
        DataError: a column is missing.
    """
    limits = thresholds or drift_thresholds()
    for column in (MODEL, ORIGIN, HORIZON, DATE, "wis", *_COVERAGES):
        if column not in scores:
            raise DataError(f"The scores of {of} lack the column '{column}'; give a table of score_forecasts.")
    found = []
    tables = scores_by_origin(scores)
    yardstick = tables.get(baseline)
    for name, kinds in forecast_paths(scores, limits, baseline).items():
        own = tables[name]
        for kind, path in kinds.items():
            alarm = _lasting_alarm(path, getattr(limits, kind), _origins_in(own.index, limits.window))
            if alarm:
                sentence = _forecast_message(kind, of, name, baseline, own, yardstick, alarm)
                found.append(
                    Drift(kind, own.index[alarm.began], alarm.statistic, getattr(limits, kind), sentence, name)
                )
    return found


def forecast_paths(
    scores: pd.DataFrame, limits: DriftThresholds, baseline: str = "naive"
) -> dict[str, dict[str, StatisticPath]]:
    """Compute the paths of every model that has enough outcomes, by kind of drift; a place is an origin."""
    tables = scores_by_origin(scores)
    return {
        name: _paths_of_model(own, None if name == baseline else tables.get(baseline), limits)
        for name, own in tables.items()
        if len(own) >= LEAST_OUTCOMES
    }


def _paths_of_model(own: pd.DataFrame, other: pd.DataFrame | None, limits: DriftThresholds) -> dict[str, StatisticPath]:
    together = _origins_in(own.index, 7)
    hard = np.zeros(len(own), dtype=bool)
    if other is not None:
        hard = other["coverage_80"].reindex(own.index).to_numpy() < 0.5
    held = own["coverage_80"].to_numpy(float)
    found = {"coverage": statistics.coverage_path(held, hard, together, LEAST_OUTCOMES, CAP * limits.coverage)}
    if other is None:
        return found
    return found | {
        "error": statistics.error_path(messages.error_ratios(own, other), together, LEAST_OUTCOMES, CAP * limits.error)
    }


def scores_by_origin(scores: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Average each model's scores by origin, over the horizons up to the next origin, so that no outcome is used twice."""
    complete = scores.dropna(subset=["wis", *_COVERAGES])
    return {str(name): _non_overlapping(part) for name, part in complete.groupby(MODEL, observed=True)}


def _non_overlapping(scores: pd.DataFrame) -> pd.DataFrame:
    """Average one model's scores by origin, over horizons that do not overlap."""
    rows = scores.assign(**{day: pd.to_datetime(scores[day]) for day in (ORIGIN, DATE)})
    first = rows.iloc[0]
    period = (first[DATE] - first[ORIGIN]) / first[HORIZON]
    shortest = rows[HORIZON].min() * period
    apart = pd.Series(np.sort(rows[ORIGIN].unique())).diff().median()
    apart = shortest if pd.isna(apart) else apart
    near = rows[rows[HORIZON] * period <= 1.01 * max(apart, shortest)].groupby(ORIGIN)[["wis", *_COVERAGES]].mean()
    every = int(np.ceil(shortest / apart - 0.01))
    return near.iloc[(len(near) - 1) % every :: every]


def _forecast_message(
    kind: str, of: str, model: str, baseline: str, own: pd.DataFrame, yardstick: pd.DataFrame | None, alarm: _Alarm
) -> str:
    if kind == "coverage" or yardstick is None:
        return messages.coverage_message(of, model, own, alarm.began)
    return messages.error_message(of, model, baseline, messages.error_ratios(own, yardstick), own.index, alarm.began)


def _origins_in(origins: pd.Index, window: float) -> int:
    """Return how many origins there usually are within `window` days."""
    apart = float(np.median(np.diff(origins.to_numpy()) / np.timedelta64(1, "D")))
    return max(round(window / max(apart, 1e-6)), 1)
