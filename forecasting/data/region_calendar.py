"""Region calendars: which regions of a statistic have dates of their own, another step, weekday or phase than most.

Regions are compared with the common frequency in a few passes over all rows; only those that do not fit are looked at one by
one.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from forecasting.data.frequency import Frequency
from forecasting.data.infer_frequency import infer_frequency
from forecasting.data.regular_grid import dates_of_periods, period_phase
from forecasting.support.errors import DataError

#: Figures that a region must have, or it keeps the common calendar.
LEAST_FIGURES = 3
#: Share of a region's spacings that are one step of the common frequency, and of its dates that are on its grid.
FITTING_SHARE = 0.5
#: Share of a region's spacings that are one step of its own frequency, or it keeps the common one.
REGULAR_SHARE = 0.6
#: Rows from which on a region may lack a weekday of the common calendar for good.
LEAST_WEEKDAY_ROWS = 12


@dataclass(frozen=True)
class RegionCalendar:
    """The calendar of one region.

    Attributes:
        frequency: the spacing of its dates.
        phase: where in a step they lie, of frequencies that are counted from their own dates; otherwise 0.
    """

    frequency: Frequency
    phase: int = 0


def region_calendars(
    codes: np.ndarray, dates: np.ndarray, figures: np.ndarray, common: Frequency, reference: pd.DatetimeIndex
) -> dict[int, RegionCalendar]:
    """The calendars of those regions that have another one than most.

    Args:
        codes: the region of each row, a number from 0 on.
        dates: its date, as ``datetime64``.
        figures: whether it has a figure.
        common: the frequency of the region with the most figures.
        reference: the dates of that region.
    """
    places, days = pd.factorize(dates)
    order = np.argsort(days)
    stamps, places = pd.DatetimeIndex(days[order]), np.argsort(order)[places]
    try:
        at = dates_of_periods(stamps, common, reference)
    except DataError:
        return {}
    fits, step = _fits(stamps, at, common), _steps_apart(at, common)
    if fits.all() and figures.all() and _one_step_apart(codes, step.astype(np.int32)[places]):
        return {}
    kept = np.flatnonzero(figures)
    order = kept[np.lexsort((places[kept], codes[kept]))] if _unsorted(codes[kept], places[kept]) else kept
    region, place = codes[order], places[order]
    count = int(codes.max()) + 1
    held = np.bincount(region, minlength=count)
    same = (region[1:] == region[:-1]) & (place[1:] != place[:-1])
    apart = step[place[1:]] - step[place[:-1]]
    spacings = np.bincount(region[1:][same], minlength=count)
    singles = np.bincount(region[1:][same & (apart == 1)], minlength=count)
    fitting = np.bincount(region[fits[place]], minlength=count)
    odd = (singles < FITTING_SHARE * spacings) | (fitting < FITTING_SHARE * held)
    if common.uses_holidays:
        odd |= _lack_weekdays(codes, (stamps.day_of_week.to_numpy())[places], count, common)
    found = {}
    for code in np.flatnonzero(odd & (held >= LEAST_FIGURES)):
        rows = codes == code
        own = pd.DatetimeIndex(np.unique(dates[rows & figures]))
        if calendar := _own_calendar(own, pd.DatetimeIndex(np.unique(dates[rows])), common, reference):
            found[int(code)] = calendar
    return found


def _own_calendar(
    dates: pd.DatetimeIndex, rows: pd.DatetimeIndex, common: Frequency, reference: pd.DatetimeIndex
) -> RegionCalendar | None:
    """The calendar of a region that does not fit the common one; None where it has no clear one of its own."""
    try:
        frequency = infer_frequency(dates, rows)
        numbers = dates_of_periods(dates, frequency).to_numpy()
    except DataError:
        return None
    calendar = RegionCalendar(frequency, period_phase(dates, frequency))
    if calendar == RegionCalendar(common, period_phase(reference, common)):
        return None
    grid = frequency.between(pd.Timestamp(numbers[0]), pd.Timestamp(numbers[-1]))
    steps = np.diff(grid.searchsorted(pd.DatetimeIndex(np.unique(numbers))))
    return calendar if len(steps) and (steps == 1).mean() >= REGULAR_SHARE else None


def _fits(stamps: pd.DatetimeIndex, at: pd.DatetimeIndex, common: Frequency) -> np.ndarray:
    """Which dates are those of a period; the time of day matters for shorter steps only."""
    if common.minutes:
        return np.asarray(stamps == at) | (np.abs((stamps - at).total_seconds().to_numpy()) < 15 * common.minutes)
    return stamps.to_numpy("datetime64[D]") == at.to_numpy("datetime64[D]")


def _steps_apart(at: pd.DatetimeIndex, common: Frequency) -> np.ndarray:
    """The number of each period of `at` on the whole common grid, so that differences are steps."""
    if common.minutes:
        seconds = at.to_numpy("datetime64[s]").astype(np.int64)
        return np.asarray((seconds - seconds[0]) // (60 * common.minutes))
    return np.asarray(common.between(at[0], at[-1]).searchsorted(at))


def _one_step_apart(codes: np.ndarray, steps: np.ndarray) -> bool:
    """Whether each row is one step after the row before it, or of another region: so it is in regular tables."""
    return bool(((steps[1:] - steps[:-1] == 1) | (codes[1:] != codes[:-1])).all())


def _unsorted(codes: np.ndarray, places: np.ndarray) -> bool:
    return bool(((np.diff(codes) < 0) | ((np.diff(codes) == 0) & (np.diff(places) < 0))).any())


def _lack_weekdays(codes: np.ndarray, weekdays: np.ndarray, count: int, common: Frequency) -> np.ndarray:
    """Which regions have rows on other weekdays than those of the common calendar, for all their rows."""
    there = np.bincount(codes * 7 + weekdays, minlength=count * 7).reshape(count, 7)
    mask = common.weekmask or "1111111"
    expected = np.array([bit == "1" for bit in mask])
    return ((there > 0) != expected).any(axis=1) & (there.sum(axis=1) >= LEAST_WEEKDAY_ROWS)
