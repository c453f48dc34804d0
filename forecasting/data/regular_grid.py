"""Put published figures on a regular grid of dates: fill missing dates, move dates between, difference running totals."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, lru_cache

import numpy as np
import pandas as pd

from forecasting.data.frequency import (
    MONTH_END,
    Frequency,
    anchored_months,
    days_in_months,
    months_in_period,
)
from forecasting.data.infer_frequency import day_numbers, infer_frequency
from forecasting.support.errors import DataError

#: No gap between two dates is longer, unless the dates around it are many.
LONGEST_GAP = pd.Timedelta(days=3650)
#: Periods for each date that a gap of that length has at least, where one of the dates is a slip.
JUMP = 10
#: Dates of a series, at most, whose places in a grid are remembered.
MOST_REMEMBERED = 5000
#: Beginnings of the aliases whose dates the calendar alone decides, not a phase.
CALENDAR_ROOTS = ("W", "MS", "ME", "QS", "QE")


def to_regular_grid(counts: pd.Series, frequency: Frequency, *, cumulative: bool = False) -> pd.Series:
    """`counts` on every date of `frequency` from its first to its last, NaN where nothing was published.

    Dates between two grid dates belong to the week, month or quarter that holds them: new counts are added up there,
    of running totals the last one stands. Raises `DataError` when there is no figure at all.
    """
    values, grid = values_on_grid(as_figures(counts), as_dates(counts.index), frequency, cumulative=cumulative)
    return pd.Series(values, index=grid)


def values_on_grid(
    values: np.ndarray, dates: pd.DatetimeIndex, frequency: Frequency, *, cumulative: bool = False
) -> tuple[np.ndarray, pd.DatetimeIndex]:
    """What `to_regular_grid` gives of floats and their dates, as such: called for every series there is, and a table takes its time."""
    known = np.isfinite(values)
    if not known.any():
        raise DataError("There are no figures here to forecast from; choose another region or statistic.")
    moments = dates.asi8
    if (moments[1:] < moments[:-1]).any():
        order = np.argsort(dates, kind="stable")
        dates, values, known = dates[order], values[order], known[order]
    _check_jumps(dates, frequency)
    places, grid = _places(dates, frequency)
    if not known.all() and frequency.alias != "D":
        empty = ~known & (grid[places] != dates)
        if empty.any():  # blank rows of a table with more dates than this region has
            dates, values, known = dates[~empty], values[~empty], known[~empty]
            places, grid = _places(dates, frequency)
    if len(grid) == len(dates) and places[-1] == len(grid) - 1 and (np.diff(places) == 1).all():
        return np.where(known, values, np.nan), grid
    result = np.full(len(grid), np.nan)
    if cumulative:
        result[places[known]] = values[known]
    else:
        result[places[known]] = 0.0
        np.add.at(result, places[known], values[known])
    return result, grid


def as_figures(counts: pd.Series) -> np.ndarray:
    """`counts` as floats, NaN where there is none."""
    return counts.to_numpy() if counts.dtype == np.float64 else counts.to_numpy(dtype=float, na_value=np.nan)


def as_dates(index: pd.Index) -> pd.DatetimeIndex:
    """`index` as dates; itself where it has them, for to make another one takes its time."""
    return index if isinstance(index, pd.DatetimeIndex) else pd.DatetimeIndex(index)


def _places(
    dates: pd.DatetimeIndex, frequency: Frequency, reference: pd.DatetimeIndex | None = None
) -> tuple[np.ndarray, pd.DatetimeIndex]:
    """The regular grid that covers sorted `dates`, and where in it each of them belongs.

    Regions of a panel mostly have the same dates, so the last ones are remembered.
    """
    if reference is None and dates.tz is None and len(dates) <= MOST_REMEMBERED:
        return _remembered_places(dates.asi8.tobytes(), dates.unit, frequency)
    return _places_in_grid(dates, frequency, reference)


@lru_cache(maxsize=256)
def _remembered_places(moments: bytes, unit: str, frequency: Frequency) -> tuple[np.ndarray, pd.DatetimeIndex]:
    dates = pd.DatetimeIndex(np.frombuffer(moments, dtype=np.int64).view(f"M8[{unit}]"))
    places, grid = _places_in_grid(dates, frequency, None)
    places.flags.writeable = False
    return places, grid


def _places_in_grid(
    dates: pd.DatetimeIndex, frequency: Frequency, reference: pd.DatetimeIndex | None
) -> tuple[np.ndarray, pd.DatetimeIndex]:
    root = _root(frequency)
    if root in CALENDAR_ROOTS:
        dates = dates.normalize()
        offset = pd.tseries.frequencies.to_offset(frequency.alias)
        starts = root in ("MS", "QS")
        first = offset.rollback(dates[0]) if starts else offset.rollforward(dates[0])
        last = dates[-1] if starts else offset.rollforward(dates[-1])
        weekly = root == "W"
        grid = frequency.grid(first, (last - first).days // 7 + 1) if weekly else frequency.between(first, last)
        return grid_positions(grid, dates, frequency), grid
    periods = _Periods.of(frequency, dates if reference is None else reference)
    numbers = periods.numbers(dates)
    first = periods.date(int(numbers[0]), dates.unit)
    return numbers - numbers[0], frequency.grid(first, int(numbers[-1] - numbers[0]) + 1)


def grid_positions(grid: pd.DatetimeIndex, dates: pd.DatetimeIndex, frequency: Frequency) -> np.ndarray:
    """Where in the regular `grid` each of `dates` belongs that lies between two of its own."""
    root = _root(frequency)
    if root in ("MS", "QS"):
        return grid.searchsorted(dates.normalize(), side="right") - 1
    if root in ("W", "ME", "QE"):
        return grid.searchsorted(dates.normalize())
    periods = _Periods.of(frequency, grid)
    return periods.numbers(dates) - periods.numbers(grid[:1])[0]


def dates_of_periods(
    dates: pd.DatetimeIndex, frequency: Frequency, reference: pd.DatetimeIndex | None = None
) -> pd.DatetimeIndex:
    """The date of the period that each of the sorted `dates` belongs to; in the phase of `reference` where it is given."""
    if not len(dates):
        return dates
    if frequency.minutes:  # there may be millions between two
        periods = _Periods.of(frequency, dates if reference is None else reference)
        seconds = periods.numbers(dates) * 60 * frequency.minutes + periods.phase
        return pd.DatetimeIndex(seconds.astype("datetime64[s]").astype(f"datetime64[{dates.unit}]"))
    places, grid = _places(dates, frequency, reference)
    return grid[places]


def is_regular(dates: pd.DatetimeIndex) -> bool:
    """Whether sorted, unique `dates` have a usual spacing in which each has a period of its own."""
    try:
        return bool((np.diff(period_numbers(dates, infer_frequency(dates))) > 0).all())
    except DataError:
        return False


def period_numbers(dates: pd.DatetimeIndex, frequency: Frequency) -> np.ndarray:
    """The number of the period that each of the sorted `dates` belongs to, counted from that of the first."""
    if frequency.minutes:
        numbers = _Periods.of(frequency, dates).numbers(dates)
        return numbers - numbers[0]
    return _places(dates, frequency)[0]


def period_phase(dates: pd.DatetimeIndex, frequency: Frequency) -> int:
    """Where in a step `dates` lie, of a frequency that is counted from the dates themselves; 0 of any other."""
    return 0 if _root(frequency) in CALENDAR_ROOTS else _Periods.of(frequency, dates).phase


def _check_jumps(dates: pd.DatetimeIndex, frequency: Frequency) -> None:
    """Raises `DataError` for a date that is so far from the others that it is a slip: nothing is filled up to it."""
    if dates.asi8[-1] - dates.asi8[0] <= _longest_gap(dates.unit):
        return
    gaps = np.diff(dates.to_numpy())
    place = int(np.argmax(gaps))
    if gaps[place] > LONGEST_GAP and gaps[place] / pd.Timedelta(days=frequency.days) > JUMP * len(dates):
        raise DataError(
            f"The dates jump from {dates[place]:%Y-%m-%d} to {dates[place + 1]:%Y-%m-%d}, with nothing between; "
            "mend the date that is wrong, or delete its row."
        )


@cache
def _longest_gap(unit: str) -> int:
    """`LONGEST_GAP` in so many units of dates."""
    return int(LONGEST_GAP // pd.Timedelta(1, unit=unit))


def _root(frequency: Frequency) -> str:
    return frequency.alias.split("-")[0]


@dataclass(frozen=True)
class _Periods:
    """Numbers of the periods that dates belong to, for the frequencies that are counted from a phase.

    Attributes:
        frequency: whose.
        phase: where in a step its dates lie: seconds, days or months.
    """

    frequency: Frequency
    phase: int

    @staticmethod
    def of(frequency: Frequency, dates: pd.DatetimeIndex) -> _Periods:
        """With the phase that most of `dates` have."""
        if frequency.minutes:
            residues, counts = np.unique(_seconds(dates) % (60 * frequency.minutes), return_counts=True)
            most = int(np.argmax(counts))
            return _Periods(frequency, int(residues[most]) if 2 * counts[most] > len(dates) else 0)
        if months := months_in_period(frequency.alias):
            return _Periods(frequency, int(np.bincount(_anchor_months(dates, frequency) % months).argmax()))
        if frequency.weekmask:
            return _Periods(frequency, 0)
        length = int(frequency.days)
        return _Periods(frequency, int(np.bincount(day_numbers(dates) % length).argmax()) if length > 1 else 0)

    def numbers(self, dates: pd.DatetimeIndex) -> np.ndarray:
        """The number of the period that each date belongs to."""
        if self.frequency.minutes:
            step, seconds = 60 * self.frequency.minutes, _seconds(dates) - self.phase
            below = seconds // step
            if (seconds % step).any() and len(np.unique(below)) < len(np.unique(near := (seconds + step // 2) // step)):
                return near
            return below
        if months := months_in_period(self.frequency.alias):
            apart = _anchor_months(dates, self.frequency) - self.phase
            anchored = anchored_months(self.frequency.alias)
            day = anchored[1] if anchored else 0
            before = {1: 0, MONTH_END: months - 1}.get(day, months // 2)
            return (apart + before) // months
        days = day_numbers(dates)
        if self.frequency.weekmask:
            return np.busday_count(
                np.datetime64(0, "D"), days.astype("datetime64[D]"), weekmask=self.frequency.weekmask
            ).astype(np.int64)
        length = int(self.frequency.days)
        return (days - self.phase + length // 2) // length if length > 1 else days

    def date(self, number: int, unit: str) -> pd.Timestamp:
        """The date of the period with this number."""
        frequency = self.frequency
        if frequency.minutes:
            return pd.Timestamp(number * 60 * frequency.minutes + self.phase, unit="s").as_unit(unit)
        if months := months_in_period(frequency.alias):
            month = np.array([number * months + self.phase]).astype("datetime64[M]")
            anchored = anchored_months(frequency.alias)
            if anchored is None:
                return frequency.grid(pd.Timestamp(month[0]).as_unit(unit), 1)[0]
            return pd.Timestamp(days_in_months(month, anchored[1])[0]).as_unit(unit)
        if frequency.weekmask:
            first = np.busday_offset(np.datetime64(0, "D"), number, roll="forward", weekmask=frequency.weekmask)
            return pd.Timestamp(first).as_unit(unit)
        length = int(frequency.days)
        return pd.Timestamp(number * length + (self.phase if length > 1 else 0), unit="D").as_unit(unit)


def _seconds(dates: pd.DatetimeIndex) -> np.ndarray:
    return dates.to_numpy("datetime64[s]").astype(np.int64)


def _anchor_months(dates: pd.DatetimeIndex, frequency: Frequency) -> np.ndarray:
    """The month, counted from 1970, whose anchor is nearest to each date; its own where the anchor is its begin or end."""
    days = dates.to_numpy("datetime64[D]")
    months = days.astype("datetime64[M]")
    anchored = anchored_months(frequency.alias)
    if anchored is None or anchored[1] in (1, MONTH_END):
        return months.astype(np.int64)
    around = np.stack([months - 1, months, months + 1])
    off = np.abs((days_in_months(around, anchored[1]) - days).astype(np.int64))
    return around.astype(np.int64)[np.argmin(off, axis=0), np.arange(len(days))]


def counts_from_totals(totals: np.ndarray) -> tuple[np.ndarray, float, int]:
    """New counts from running totals: the counts, the total before them, how many periods had no report.

    Counts have the length of `totals`; those up to the first total are NaN, because when they came is not known, and
    so are those after the last one. A difference across periods without a report is shared among them evenly.
    """
    known = np.flatnonzero(np.isfinite(totals))
    counts = np.full(len(totals), np.nan)
    first, last = known[0], known[-1]
    if first == last:
        counts[first] = totals[first]
        return counts, 0.0, 0
    span = np.arange(first, last + 1)
    counts[first + 1 : last + 1] = np.diff(np.interp(span, known, totals[known]))
    return counts, float(totals[first]), len(span) - len(known)


def count_leading_zeros(counts: np.ndarray) -> int:
    """How many zeros and NaN stand before the first count; 0 when there is no count at all."""
    if len(counts) and counts[0] and counts[0] == counts[0]:
        return 0
    found = np.flatnonzero((counts != 0) & ~np.isnan(counts))
    return int(found[0]) if len(found) else 0
