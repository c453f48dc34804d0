"""A row of the Regions page: the latest figure, the expected change with its band, and a sparkline."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd

from forecasting.data.forecast import MEDIAN, QUANTILES, Forecast
from forecasting.data.formatting import format_change, format_compact, format_difference, format_interval
from forecasting.data.frequency import Frequency
from forecasting.data.kind import COUNT
from forecasting.data.series import Series
from forecasting.evaluation.scores import ModelScore

#: Days of the past that a sparkline shows of periods of less than so many days, the shortest first.
PAST_DAYS = ((1, 7), (7, 120), (28, 365))
#: Months, and longer periods, of the past that a sparkline shows.
PAST_MONTHS = 36
PAST_LONGER = 24
#: The height of a sparkline, in its own units.
HEIGHT = 100
#: The most points of a sparkline's past.
POINTS = 60
#: The most points of a sparkline's forecast.
AHEAD = 16
#: A band reaches no higher than so many times the lines, or it would flatten them.
BAND_TOP = 2.0
#: The least of the width that the forecast gets: four weeks after a year would be a few pixels.
LEAST_AHEAD = 0.16
#: From how many times the present on a change is in the next class, upwards; downwards the same shares.
CLASSES = (1.05, 1.25, 1.67)
#: Counts in a stretch below which a change in percent says little.
FEW = 10
#: What may be shown alone.
DIRECTIONS = {"rising": "↑", "falling": "↓", "unsure": "↕"}
_LOW = QUANTILES.index(0.1)
_HIGH = QUANTILES.index(0.9)


@dataclass(frozen=True)
class Sparkline:
    """A small chart: heights from 0 to `HEIGHT` at even distances, first of the past, then of the forecast's 80 % band.

    Attributes:
        share: how much of the width the past takes.
    """

    past: tuple[int, ...]
    low: tuple[int, ...] = ()
    middle: tuple[int, ...] = ()
    high: tuple[int, ...] = ()
    share: float = 1.0


@dataclass(frozen=True)
class ExpectedChange:
    """What is expected at the end of the horizon, beside what is now: figures a period, or their mean over a season.

    Attributes:
        now: what is.
        low, middle, high: the lower end of the 80 % band of what will be, its median, and its upper end.
        relative: changes are told in percent; of figures that may be negative as differences.
        decimals: of differences and figures.
        per: periods of a stretch, a week of days for instance, that figures are told for; 1 where they do not add up.
        counts: they are counts, of which a few say little in percent.
    """

    now: float
    low: float
    middle: float
    high: float
    relative: bool = True
    decimals: int = 0
    per: int = 1
    counts: bool = False

    @property
    def expected(self) -> str:
        """The figure that is expected of a stretch at the end of the horizon: ``"218"``."""
        return format_compact(self.middle * self.per, self.decimals)

    @property
    def expected_band(self) -> str:
        """Its 80 % band: ``"170–290"``."""
        return format_interval(self.low * self.per, self.high * self.per, self.decimals)

    @property
    def few(self) -> bool:
        """Whether these are fewer than `FEW` counts, now and then: one more would be a large change in percent."""
        return self.counts and max(self.now, self.middle) * self.per < FEW

    @property
    def direction(self) -> str:
        """``"rising"`` or ``"falling"`` where the whole 80 % band says so, else ``"unsure"``."""
        if self.low > self.now:
            return "rising"
        return "falling" if self.high < self.now else "unsure"

    @property
    def ratio(self) -> float:
        """How many times the present is expected; infinite for a rise from nothing. Of differences, how large it is."""
        if not self.relative:
            return self.middle - self.now
        if self.now > 0:
            return self.middle / self.now
        return math.inf if self.middle > 0 else 1.0

    @property
    def level(self) -> int:
        """-3 (falls by 40 % or more) to 3 (rises by 67 % or more), 0 being about the same, or few. Of differences, the sure ones ±2."""
        if self.few:
            return 0
        if not self.relative:
            return {"rising": 2, "falling": -2, "unsure": 0}[self.direction]
        up = sum(self.ratio >= times for times in CLASSES)
        return up - sum(self.ratio * times <= 1 for times in CLASSES)

    @property
    def text(self) -> str:
        """The median change in words: ``"+12 %"``, or the difference: ``"+1.2"``."""
        if not self.relative:
            return format_difference(self.middle, self.now, self.decimals)
        return format_change(self.middle, self.now)

    @property
    def band(self) -> str:
        """The 80 % band of the change in words, ``"−20 to +55 %"``; counts where there is nothing now that a percentage could be of."""
        if not self.relative:
            low, high = (format_difference(end, self.now, self.decimals) for end in (self.low, self.high))
            return f"{low} to {high}"
        if self.now <= 0:
            return f"{format_compact(self.low, self.decimals)} to {format_compact(self.high, self.decimals)}"
        low, high = format_change(self.low, self.now), format_change(self.high, self.now)
        return f"{low.removesuffix(' %') if high.endswith(' %') else low} to {high}"


@dataclass(frozen=True)
class RegionRow:
    """One region.

    Attributes:
        latest: what was counted in the last stretch (a week of days, else a period), or the mean of what was measured; None
            while it is not prepared.
        at: the last date of it.
        moved: how it differs from the stretch before, in words.
        record: how good the model was from earlier dates; None while that is not known.
        state: ``"coming"``, ``"ready"``, ``"failed"`` or ``"cancelled"``.
        why: a sentence, when it failed.
        decimals: decimal places of `latest`.
    """

    region: str
    latest: float | None = None
    at: pd.Timestamp | None = None
    moved: str = ""
    spark: Sparkline | None = None
    change: ExpectedChange | None = None
    record: ModelScore | None = None
    state: str = "coming"
    why: str = ""
    decimals: int = 0


def past_periods(frequency: Frequency) -> int:
    """Periods of the past that a sparkline shows."""
    for below, days in PAST_DAYS:
        if frequency.days < below:
            return round(days / frequency.days)
    return PAST_MONTHS if frequency.days < 60 else PAST_LONGER


def comparison_periods(frequency: Frequency) -> int:
    """The periods that "latest" speaks of: a week of days, a day of hours, else one."""
    return frequency.cycle


def latest_row(region: str, series: Series) -> RegionRow:
    """A region's row before there is a forecast."""
    steps = min(comparison_periods(series.frequency), len(series))
    over = 1 if series.kind.adds_up else steps
    now, before = series.values[-steps:].sum() / over, series.values[-2 * steps : -steps].sum() / over
    changed = format_change(now, before) if series.kind.low >= 0 else format_difference(now, before, series.decimals)
    moved = changed if len(series) >= 2 * steps else ""
    return RegionRow(region, float(now), series.origin, moved, sparkline(series), decimals=series.decimals)


def expected_change(series: Series, forecast: Forecast) -> ExpectedChange:
    """What a forecast says of its last period against the series' last; means over a season where there is one."""
    steps = min(comparison_periods(series.frequency), len(series))
    table = forecast.means if steps > 1 else forecast.values
    low, middle, high = (float(table[-1, place]) for place in (_LOW, MEDIAN, _HIGH))
    now, relative = float(series.values[-steps:].mean()), series.kind.low >= 0
    per = comparison_periods(series.frequency) if series.kind.adds_up else 1
    return ExpectedChange(now, low, middle, high, relative, series.decimals, per, series.kind is COUNT)


def sparkline(series: Series, forecast: Forecast | None = None) -> Sparkline:
    """The recent past as a small chart, with a forecast's median and 80 % band."""
    steps = comparison_periods(series.frequency)
    past = series.tail(past_periods(series.frequency) + steps - 1).values
    if len(past) > steps > 1:
        past = np.convolve(past, np.full(steps, 1 / steps), "valid")
    base = 0.0 if series.kind is COUNT else float(past.min(initial=np.inf))
    past = past - base
    if forecast is None:
        return Sparkline(_heights(_thin(past, POINTS), past.max(initial=0.0)))
    table = (forecast.means if steps > 1 else forecast.values)[:, [_LOW, MEDIAN, _HIGH]] - base
    lines = max(past.max(initial=0.0), table[:, 1].max())
    top = max(lines, min(table[:, 2].max(), BAND_TOP * lines))
    fan = _thin(np.vstack([np.repeat(past[-1], 3), table]), AHEAD)
    low, middle, high = (_heights(fan[:, place], top) for place in range(3))
    share = min(len(past) / (len(past) + forecast.horizon), 1 - LEAST_AHEAD)
    return Sparkline(_heights(_thin(past, POINTS), top), low, middle, high, round(share, 3))


def _thin(values: np.ndarray, most: int) -> np.ndarray:
    """About every n-th of `values`, at most so many; the first and the last always."""
    places = np.linspace(0, len(values) - 1, min(len(values), most)).round().astype(int)
    return values[places]


def _heights(values: np.ndarray, top: float) -> tuple[int, ...]:
    scaled = np.clip(HEIGHT * values / top, 0, HEIGHT) if top > 0 else np.zeros(len(values))
    return tuple(int(height) for height in scaled.round())
