"""Holiday effects on daily counts, learned from all regions of a pool at once.

The count of a holiday, or of one of the days after it (reports come late), is compared with those of the same weekday in the
weeks around it, and with how the ordinary days near by compare with theirs: that is what a holiday changes within its
week. What it does to the whole week is not looked at here. Everything is on the fourth root, as in `_pooled_experts`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from forecasting.data.holidays import AFTER, ORDINARY, days_since_holiday
from forecasting.data.series import Series
from forecasting.models._pooled_experts import fourth_root

#: Days in a week.
WEEK = 7
#: Weeks before and after a day in which its weekday is looked up, at most.
WEEKS_COMPARED = 3
#: Days before and after a day that count as near by.
NEARBY_DAYS = 4
#: Ordinary days near by that a comparison needs.
LEAST_NEARBY_DAYS = 3
#: Holidays without effect that the shared effect is averaged with.
PRIOR_HOLIDAYS = 4.0
#: Holidays of the shared effect that a region's own is averaged with.
PRIOR_REGION_HOLIDAYS = 8.0
#: The count at which half of what is seen is counting noise.
NOISY_COUNT = 20.0
#: The ratio to the expected count, on the fourth root, that a count is clipped to.
MAX_RATIO = 1.5


@dataclass(frozen=True)
class HolidayEffect:
    """The effect of holidays on one region's counts.

    Attributes:
        usual: shape (n,), its counts, with those of holidays, and of the days after, as they would have been otherwise.
        times: shape (whole weeks of days ahead,), each day's count over what it would be otherwise, on the fourth root.
    """

    usual: np.ndarray
    times: np.ndarray

    def within_weeks(self, means: np.ndarray) -> np.ndarray:
        """`times` scaled so that the counts behind `means` (fourth roots) keep the sum of each week from the first on."""
        times = self.times[: len(means)]
        before = (means**4).reshape(-1, WEEK).sum(axis=1)
        after = ((means * times) ** 4).reshape(-1, WEEK).sum(axis=1)
        return times * np.repeat(fourth_root(np.divide(before, after, out=np.ones_like(after), where=after > 0)), WEEK)


def holiday_effects(series: Mapping[str, Series], weeks: int) -> dict[str, HolidayEffect]:
    """The holiday effect of each region for so many `weeks` ahead; empty where the series name no holidays."""
    if not any(one.holidays for one in series.values()):
        return {}
    seen = {region: _RegionHolidays.of(one) for region, one in series.items()}
    shared = _shared_change(list(seen.values()))
    found = {}
    for region, one in series.items():
        ago = days_since_holiday(one.holidays, one.frequency.after(one.origin, WEEK * weeks))
        times = 1.0 + np.where(ago == ORDINARY, 0.0, seen[region].usually(shared)[ago])
        found[region] = HolidayEffect(seen[region].usual, times)
    return found


@dataclass(frozen=True)
class _RegionHolidays:
    """One region's holidays so far, and the days after them, as far as they can be compared.

    Attributes:
        usual: the region's counts with those of holidays replaced by expected ones, as in `HolidayEffect`.
        date, ago: when each was, and how many days after a holiday.
        change: how much more than expected it counted, as a share, on the fourth root.
        weight: what share of that is not noise of counting.
    """

    usual: np.ndarray
    date: np.ndarray
    ago: np.ndarray
    change: np.ndarray
    weight: np.ndarray

    @staticmethod
    def of(series: Series) -> _RegionHolidays:
        values, ago = series.values, days_since_holiday(series.holidays, series.dates)
        ordinary = ago == ORDINARY
        expected = _same_weekday_mean(values, ordinary)
        expected = expected * _nearby_ratio(values, expected, ordinary)
        rows = np.flatnonzero(expected > 0)
        usual, expected = values.copy(), expected[rows]
        usual[rows] = expected
        change = np.minimum(fourth_root(values[rows]) / fourth_root(expected), MAX_RATIO) - 1.0
        return _RegionHolidays(
            usual, series.dates.to_numpy()[rows], ago[rows], change, expected / (expected + NOISY_COUNT)
        )

    def usually(self, shared: np.ndarray) -> np.ndarray:
        """The usual change so many days after a holiday, shrunk towards that of all regions."""
        changes = np.bincount(self.ago, self.weight * self.change, AFTER + 1)
        return (changes + PRIOR_REGION_HOLIDAYS * shared) / (
            np.bincount(self.ago, self.weight, AFTER + 1) + PRIOR_REGION_HOLIDAYS
        )


def _shared_change(seen: Sequence[_RegionHolidays]) -> np.ndarray:
    """The usual change so many days after a holiday in all regions; a date counts once, however many regions share it."""
    date, ago, change, weight = (
        np.concatenate([getattr(one, name) for one in seen]) for name in ("date", "ago", "change", "weight")
    )
    dates, place = np.unique(date, return_inverse=True)
    known = np.maximum(np.bincount(place, weight, len(dates)), 1.0)[place]
    changes, counts = (np.bincount(ago, one / known, AFTER + 1) for one in (weight * change, weight))
    return changes / (counts + PRIOR_HOLIDAYS)


def _same_weekday_mean(values: np.ndarray, ordinary: np.ndarray) -> np.ndarray:
    """The mean of two ordinary days, so many weeks before and after each day, or one of them; NaN where there is none."""
    reach, count = WEEK * WEEKS_COMPARED, len(values)
    known = np.pad(np.where(ordinary, values, np.nan), reach, constant_values=np.nan)
    pairs = [(known[reach - away :][:count], known[reach + away :][:count]) for away in range(WEEK, reach + 1, WEEK)]
    expected = np.full(count, np.nan)
    for before, after in [*pairs, *((one, one) for pair in pairs for one in pair)]:
        expected = np.where(np.isfinite(expected), expected, (before + after) / 2)
    return expected


def _nearby_ratio(values: np.ndarray, expected: np.ndarray, ordinary: np.ndarray) -> np.ndarray:
    """For each day that is not ordinary: the median ratio of count to expectation over the ordinary days near by."""
    ratio = np.divide(values, expected, out=np.full(len(values), np.nan), where=ordinary & (expected > 0))
    near = np.lib.stride_tricks.sliding_window_view(
        np.pad(ratio, NEARBY_DAYS, constant_values=np.nan), 2 * NEARBY_DAYS + 1
    )
    rows = ~ordinary & (np.isfinite(near).sum(axis=1) >= LEAST_NEARBY_DAYS)
    found = np.full(len(values), np.nan)
    found[rows] = np.nanmedian(near[rows], axis=1)
    return found
