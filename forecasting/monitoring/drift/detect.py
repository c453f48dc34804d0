"""Drift: whether a series is still counted as it was, and whether a model still does as well as it did.

Six tests, each of which looks at what is left when the past is taken into account (`paths`), and none of which sounds at
every wave. A drift is said as long as its statistic was above its threshold within the last `window` days. Nothing is
kept between two looks: the same figures always give the same drifts.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from forecasting.data.columns import DATE, HORIZON, MODEL, ORIGIN, STATISTIC
from forecasting.data.frequency import Frequency
from forecasting.data.panel import Panel
from forecasting.data.regular_grid import cycle_of, regular
from forecasting.data.series import Series
from forecasting.monitoring.drift import messages, statistics
from forecasting.monitoring.drift.residuals import Days, days
from forecasting.monitoring.drift.statistics import CAP, Path
from forecasting.support.errors import DataError
from forecasting.support.settings import DriftThresholds, drift_thresholds

#: Counts that a period must usually hold for a zero to be a missing figure.
PLENTY = 10.0
#: Outcomes of a model's that must be there before it is judged.
LEAST_OUTCOMES = 16
_COVERAGES = ["coverage_50", "coverage_80", "coverage_95"]
_DAYS = {"hourly": 1 / 24, "daily": 1, "weekly": 7, "monthly": 30, "quarterly": 91}


@dataclass(frozen=True)
class Drift:
    """One thing that has changed.

    Attributes:
        kind: ``"level"``, ``"variance"``, ``"weekday"`` or ``"missing"`` of figures, ``"error"`` or ``"coverage"`` of forecasts.
        since: about when it began.
        statistic: the largest value of the test since then; see `paths` for its unit.
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
    """Where the change began, where the statistic was largest since (places), and that."""

    began: int
    largest: int
    statistic: float


def _present(path: Path, threshold: float, lasts: int) -> _Alarm | None:
    """The alarm that lasts at the end of `path`, if there is one."""
    found = statistics.runs(path, threshold, lasts)
    if not found or len(path.statistic) - 1 - found[-1][1] >= lasts:
        return None
    first, last = found[-1]
    largest = first + int(np.nanargmax(path.statistic[first : last + 1]))
    return _Alarm(max(int(path.began[largest]), 0), largest, float(path.statistic[largest]))


def published(panel: Panel, region: str, statistic: str | None = None) -> pd.Series:
    """One region's figures before any repair, by every date from its first to the panel's last; NaN where none is.

    Of a panel with vintages those of the newest. Raises `RequestError` for an unknown region or statistic, `DataError`
    where there is no figure at all.
    """
    asked, newest = panel.statistic(statistic), panel.as_of(None)
    frequency = panel.frequencies[asked.column]
    table = newest.table
    counts = panel.counts(region, asked.name)
    found = regular(counts, frequency, cumulative=asked.reported_cumulative)
    found = found[found.first_valid_index() :]
    last = table.loc[table[STATISTIC] == asked.column, DATE].max()
    further = pd.date_range(found.index[-1], max(last, found.index[-1]), freq=frequency.alias)
    return found.reindex(found.index.union(further))


def inputs(series: Series, raw: pd.Series | None, of: str, thresholds: DriftThresholds | None = None) -> list[Drift]:
    """How a series' newest figures differ from those before: their level, scatter, weekdays and gaps.

    Args:
        series: prepared.
        raw: what `published` gives; without it gaps are not looked at.
        of: what sentences call it, e.g. ``"Italy, new cases"``.
        thresholds: `drift_thresholds()` by default.

    Returns:
        A `Drift` for each kind that is above its threshold, none of a series that is too short (half a year of days or of
        weeks; eight weeks for gaps). A few milliseconds.
    """
    limits = thresholds or drift_thresholds()
    lasts = periods(limits.window, series.frequency)
    seen = days(series.values) if series.frequency.name == "daily" else series.values
    found = []
    for kind in ("level", "variance", "weekday") if isinstance(seen, Days) else ("level", "variance"):
        limit = getattr(limits, kind)
        alarm = _present(path_of(kind, seen, limits), limit, lasts)
        if alarm:
            told = _said_of_figures(kind, of, seen, series, alarm)
            found.append(Drift(kind, series.dates[alarm.began], alarm.statistic, limit, told))
    if any(one.kind == "weekday" for one in found):  # its residuals are against the old weekdays
        found = [one for one in found if one.kind != "variance"]
    return found + _missing(raw, series.frequency, of, limits, lasts)


def path_of(kind: str, seen: np.ndarray | Days, limits: DriftThresholds) -> Path:
    """The path of one kind of a series; of a daily one `seen` is what `days` makes of it."""
    if kind == "weekday" and isinstance(seen, Days):
        return statistics.weekday(seen)
    return statistics.level(seen) if kind == "level" else statistics.variance(seen, CAP * limits.variance)


def _said_of_figures(kind: str, of: str, seen: np.ndarray | Days, series: Series, alarm: _Alarm) -> str:
    if kind == "weekday" and isinstance(seen, Days):
        return messages.weekday(of, seen, series.dates, alarm.largest)
    tell = messages.level if kind == "level" else messages.variance
    return tell(of, seen, series.frequency, series.dates, alarm.began)


def is_missing(raw: np.ndarray) -> np.ndarray:
    """Shape (n,), bool: where no figure was published, or a zero amid plenty, which is how some publish none."""
    positive = pd.Series(np.where(raw > 0, raw, np.nan))
    usual = positive.rolling(28, min_periods=4).median().shift(1).to_numpy()
    return np.isnan(raw) | ((raw == 0) & (usual >= PLENTY))


def periods(window: float, frequency: Frequency) -> int:
    """How many periods `window` days are, at least one."""
    return max(round(window / _DAYS[frequency.name]), 1)


def _missing(raw: pd.Series | None, frequency: Frequency, of: str, limits: DriftThresholds, lasts: int) -> list[Drift]:
    if raw is None:
        return []
    flags, dates = is_missing(raw.to_numpy(float)), pd.DatetimeIndex(raw.index)
    path = statistics.missing(flags, cycle_of(frequency), CAP * limits.missing)
    alarm = _present(path, limits.missing, lasts)
    if not alarm:
        return []
    told = messages.missing(of, flags, frequency, dates, alarm.began)
    return [Drift("missing", dates[alarm.began], alarm.statistic, limits.missing, told)]


def outcomes(
    scores: pd.DataFrame, of: str, thresholds: DriftThresholds | None = None, baseline: str = "naive"
) -> list[Drift]:
    """How models' newest forecasts did against those before: their error, over the baseline's, and what their bands held.

    Args:
        scores: a row a forecast, as `evaluation.score_forecasts` gives them, of one region and statistic: ``model, origin,
            horizon, date, wis, coverage_50, coverage_80, coverage_95``. Where the baseline is not among them, errors are not judged.
        of: what sentences call the series.
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
    tables = by_origin(scores)
    yardstick = tables.get(baseline)
    for name, kinds in model_paths(scores, limits, baseline).items():
        own = tables[name]
        for kind, path in kinds.items():
            alarm = _present(path, getattr(limits, kind), _periods_of(own.index, limits.window))
            if alarm:
                told = _said_of_outcomes(kind, of, name, baseline, own, yardstick, alarm)
                found.append(Drift(kind, own.index[alarm.began], alarm.statistic, getattr(limits, kind), told, name))
    return found


def model_paths(scores: pd.DataFrame, limits: DriftThresholds, baseline: str = "naive") -> dict[str, dict[str, Path]]:
    """The paths of every model that has outcomes enough, by kind; a place an origin."""
    tables = by_origin(scores)
    return {
        name: _model_paths(own, None if name == baseline else tables.get(baseline), limits)
        for name, own in tables.items()
        if len(own) >= LEAST_OUTCOMES
    }


def _model_paths(own: pd.DataFrame, other: pd.DataFrame | None, limits: DriftThresholds) -> dict[str, Path]:
    together = _periods_of(own.index, 7)
    hard = np.zeros(len(own), dtype=bool)
    if other is not None:
        hard = other["coverage_80"].reindex(own.index).to_numpy() < 0.5
    held = own["coverage_80"].to_numpy(float)
    found = {"coverage": statistics.coverage(held, hard, together, LEAST_OUTCOMES, CAP * limits.coverage)}
    if other is None:
        return found
    return found | {
        "error": statistics.error(messages.ratios(own, other), together, LEAST_OUTCOMES, CAP * limits.error)
    }


def by_origin(scores: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Each model's mean scores by origin, over the horizons up to the next origin: of what overlaps nothing is used twice."""
    complete = scores.dropna(subset=["wis", *_COVERAGES])
    return {str(name): _apart(part) for name, part in complete.groupby(MODEL, observed=True)}


def _apart(scores: pd.DataFrame) -> pd.DataFrame:
    """Of one model's scores."""
    rows = scores.assign(**{day: pd.to_datetime(scores[day]) for day in (ORIGIN, DATE)})
    first = rows.iloc[0]
    period = (first[DATE] - first[ORIGIN]) / first[HORIZON]
    shortest = rows[HORIZON].min() * period
    apart = pd.Series(np.sort(rows[ORIGIN].unique())).diff().median()
    apart = shortest if pd.isna(apart) else apart
    near = rows[rows[HORIZON] * period <= 1.01 * max(apart, shortest)].groupby(ORIGIN)[["wis", *_COVERAGES]].mean()
    every = int(np.ceil(shortest / apart - 0.01))
    return near.iloc[(len(near) - 1) % every :: every]


def _said_of_outcomes(
    kind: str, of: str, model: str, baseline: str, own: pd.DataFrame, yardstick: pd.DataFrame | None, alarm: _Alarm
) -> str:
    if kind == "coverage" or yardstick is None:
        return messages.coverage(of, model, own, alarm.began)
    return messages.error(of, model, baseline, messages.ratios(own, yardstick), own.index, alarm.began)


def _periods_of(origins: pd.Index, window: float) -> int:
    """How many origins there usually are within `window` days."""
    apart = float(np.median(np.diff(origins.to_numpy()) / np.timedelta64(1, "D")))
    return max(round(window / max(apart, 1e-6)), 1)
