"""What holidays do to counts of days, learned from all regions of a pool at once.

The count of a holiday, or of one of the days after it (reports come late), is compared with those of the same weekday in the
weeks around it, and with how the ordinary days near by compare with theirs: that is what a holiday changes within its
week. What it does to the whole week is not looked at here. Everything is on the fourth root, as in `_experts`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from forecasting.data.holidays import AFTER, ORDINARY, days_since
from forecasting.data.series import Series
from forecasting.models._experts import root

WEEK = 7
#: A day is compared with its weekday so many weeks before and after at most, and with at least so many ordinary days of
#: those that are so near.
WEEKS = 3
NEAR = 4
LEAST_NEAR = 3
#: As if so many holidays had been like other days; and so many of each region's like those of all regions.
PRIOR = 4.0
PRIOR_REGION = 8.0
#: Half of what is seen in a count of this size is noise of counting.
SMALL = 20.0
#: No count is taken for more than so many times what was expected, on the fourth root.
MOST = 1.5


@dataclass(frozen=True)
class HolidayEffect:
    """What holidays do to one region.

    Attributes:
        usual: shape (n,), its counts, with those of holidays, and of the days after, as they would have been otherwise.
        times: shape (whole weeks of days ahead,), each day's count over what it would be otherwise, on the fourth root.
    """

    usual: np.ndarray
    times: np.ndarray

    def within_weeks(self, means: np.ndarray) -> np.ndarray:
        """`times` for these days ahead, such that the `means` (fourth roots) of each week from the first on keep their sum."""
        times = self.times[: len(means)]
        before = (means**4).reshape(-1, WEEK).sum(axis=1)
        after = ((means * times) ** 4).reshape(-1, WEEK).sum(axis=1)
        return times * np.repeat(root(np.divide(before, after, out=np.ones_like(after), where=after > 0)), WEEK)


def holiday_effects(series: Mapping[str, Series], weeks: int) -> dict[str, HolidayEffect]:
    """Of each region, so many weeks ahead; empty where the series name no holidays."""
    if not any(one.holidays for one in series.values()):
        return {}
    seen = {region: _Seen.of(one) for region, one in series.items()}
    shared = _shared(list(seen.values()))
    found = {}
    for region, one in series.items():
        ago = days_since(one.holidays, one.frequency.after(one.origin, WEEK * weeks))
        times = 1.0 + np.where(ago == ORDINARY, 0.0, seen[region].usually(shared)[ago])
        found[region] = HolidayEffect(seen[region].usual, times)
    return found


@dataclass(frozen=True)
class _Seen:
    """One region's holidays so far, and the days after them, as far as they can be compared.

    Attributes:
        usual: see `HolidayEffect`.
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
    def of(series: Series) -> _Seen:
        values, ago = series.values, days_since(series.holidays, series.dates)
        ordinary = ago == ORDINARY
        expected = _same_weekday(values, ordinary)
        expected = expected * _near_by(values, expected, ordinary)
        rows = np.flatnonzero(expected > 0)
        usual, expected = values.copy(), expected[rows]
        usual[rows] = expected
        change = np.minimum(root(values[rows]) / root(expected), MOST) - 1.0
        return _Seen(usual, series.dates.to_numpy()[rows], ago[rows], change, expected / (expected + SMALL))

    def usually(self, shared: np.ndarray) -> np.ndarray:
        """The usual change so many days after a holiday, drawn towards that of all regions."""
        changes = np.bincount(self.ago, self.weight * self.change, AFTER + 1)
        return (changes + PRIOR_REGION * shared) / (np.bincount(self.ago, self.weight, AFTER + 1) + PRIOR_REGION)


def _shared(seen: Sequence[_Seen]) -> np.ndarray:
    """The usual change so many days after a holiday, of all regions: one date counts once, however many share it."""
    date, ago, change, weight = (
        np.concatenate([getattr(one, name) for one in seen]) for name in ("date", "ago", "change", "weight")
    )
    dates, place = np.unique(date, return_inverse=True)
    known = np.maximum(np.bincount(place, weight, len(dates)), 1.0)[place]
    changes, counts = (np.bincount(ago, one / known, AFTER + 1) for one in (weight * change, weight))
    return changes / (counts + PRIOR)


def _same_weekday(values: np.ndarray, ordinary: np.ndarray) -> np.ndarray:
    """The mean of two ordinary days, so many weeks before and after each day, or one of them; NaN where there is none."""
    reach, count = WEEK * WEEKS, len(values)
    known = np.pad(np.where(ordinary, values, np.nan), reach, constant_values=np.nan)
    pairs = [(known[reach - away :][:count], known[reach + away :][:count]) for away in range(WEEK, reach + 1, WEEK)]
    expected = np.full(count, np.nan)
    for before, after in [*pairs, *((one, one) for pair in pairs for one in pair)]:
        expected = np.where(np.isfinite(expected), expected, (before + after) / 2)
    return expected


def _near_by(values: np.ndarray, expected: np.ndarray, ordinary: np.ndarray) -> np.ndarray:
    """For each day that is not ordinary: the median of what ordinary days near by counted, over what was expected of them."""
    ratio = np.divide(values, expected, out=np.full(len(values), np.nan), where=ordinary & (expected > 0))
    near = np.lib.stride_tricks.sliding_window_view(np.pad(ratio, NEAR, constant_values=np.nan), 2 * NEAR + 1)
    rows = ~ordinary & (np.isfinite(near).sum(axis=1) >= LEAST_NEAR)
    found = np.full(len(values), np.nan)
    found[rows] = np.nanmedian(near[rows], axis=1)
    return found
