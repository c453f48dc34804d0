"""Region calendars: which regions of a statistic have dates of their own, another step, weekday or phase than most.

Regions are compared with the common frequency in a few passes over all rows; only those that do not fit are looked at one by
one.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from forecasting.data.frequency import Frequency, months_in_period
from forecasting.data.infer_frequency import DAY_SECONDS, infer_frequency
from forecasting.data.regular_grid import dates_of_periods, period_numbers, period_phase
from forecasting.support.errors import DataError

#: Figures that a region must have, or it keeps the common calendar.
LEAST_FIGURES = 3
#: Share of a region's spacings that are one step of the common frequency, and of its dates that are on its grid.
FITTING_SHARE = 0.5
#: Share of a region's spacings that are one step of its own frequency, or it keeps the common one.
REGULAR_SHARE = 0.6
#: Share of a region's rows that have a figure where rows at every step say enough: most figures then follow each other.
REGULAR_FIGURES = 0.75
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
    count = int(codes.max()) + 1
    regular = _regular_regions(codes, dates, figures, count, common, reference)
    if regular.all():
        return {}
    if regular.any():
        others = ~regular[codes]
        codes, dates, figures = codes[others], dates[others], figures[others]
    if not len(codes):  # a name without a row of its own
        return {}
    places, days = pd.factorize(dates)
    order = np.argsort(days)
    stamps, places = pd.DatetimeIndex(days[order]), np.argsort(order)[places]
    try:
        at = dates_of_periods(stamps, common, reference)
    except DataError:
        return {}
    fits, step = _fits(stamps, at, common), _steps_apart(at, common)
    kept = np.flatnonzero(figures)
    order = kept[np.lexsort((places[kept], codes[kept]))] if _unsorted(codes[kept], places[kept]) else kept
    region, place = codes[order], places[order]
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
        steps = np.diff(np.unique(period_numbers(dates, frequency)))
    except DataError:
        return None
    calendar = RegionCalendar(frequency, period_phase(dates, frequency))
    if calendar == RegionCalendar(common, period_phase(reference, common)):
        return None
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


def _regular_regions(
    codes: np.ndarray,
    dates: np.ndarray,
    figures: np.ndarray,
    count: int,
    common: Frequency,
    reference: pd.DatetimeIndex,
) -> np.ndarray:
    """Which regions have a row at every step of a common frequency of equal steps, and figures in most; in regular tables all."""
    step = _equal_step(common)
    if not step:
        return np.zeros(count, dtype=bool)
    moments = dates.astype("datetime64[us]", copy=False).view(np.int64)
    first = np.empty(len(codes), dtype=bool)
    first[0], first[1:] = True, codes[1:] != codes[:-1]
    follows = np.empty(len(codes), dtype=bool)
    follows[0], follows[1:] = True, moments[1:] - moments[:-1] == step
    start = reference[:1].as_unit("us").asi8[0]  # of a Timestamp, `value` is in nanoseconds whatever its unit
    follows[first] = (moments[first] - start) % step == 0
    regular = np.bincount(codes[~follows], minlength=count) == 0
    regular &= np.bincount(codes[first], minlength=count) == 1
    if figures.all():
        return regular
    rows, held = np.bincount(codes, minlength=count), np.bincount(codes[figures], minlength=count)
    return regular & ((held >= REGULAR_FIGURES * rows) | (held == 0))


def _equal_step(common: Frequency) -> int:
    """Microseconds in a step, 0 where steps are of several lengths."""
    if common.minutes:
        return common.minutes * 60_000_000
    equal = not common.weekmask and not months_in_period(common.alias)
    return int(common.days) * DAY_SECONDS * 1_000_000 if equal else 0


def _unsorted(codes: np.ndarray, places: np.ndarray) -> bool:
    return bool(((np.diff(codes) < 0) | ((np.diff(codes) == 0) & (np.diff(places) < 0))).any())


def _lack_weekdays(codes: np.ndarray, weekdays: np.ndarray, count: int, common: Frequency) -> np.ndarray:
    """Which regions have rows on other weekdays than those of the common calendar, for all their rows."""
    there = np.bincount(codes * 7 + weekdays, minlength=count * 7).reshape(count, 7)
    mask = common.weekmask or "1111111"
    expected = np.array([bit == "1" for bit in mask])
    return ((there > 0) != expected).any(axis=1) & (there.sum(axis=1) >= LEAST_WEEKDAY_ROWS)
