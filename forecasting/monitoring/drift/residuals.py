"""What is left of counts when all that their own past explains is taken away, over how large it usually is."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.lib.stride_tricks import sliding_window_view
from scipy.special import ndtr

#: Periods of the past that count, and those that must be there, of days and of longer periods.
MEMORY = 365
LEAST_DAYS = 56
LEAST_PERIODS = 26
#: How the variance of a logarithm may depend on its count: this much plus one over the count.
RATIOS = np.geomspace(1e-4, 1, 9)
#: The log of a count is at least as uncertain as Poisson's, and by this (a standard deviation) for what is not random in it.
LEAST_NOISE = 0.02
#: The share of normal figures within one standard deviation; whatever the figures are, as many are within what is taken for it.
USUAL = float(2 * ndtr(1) - 1)
#: Weeks that tell what is usual on a weekday.
USUAL_WEEKS = 8
#: Days whose median is the level: two more than twice the longest backlog that is to be seen through, with its release.
AROUND = 11
#: Days before and after an edge, and longer periods.
DAY_SIDES = (21, 21)
PERIOD_SIDES = (5, 4)
#: Days before a backlog that tell what was to be expected.
BEFORE = 14
#: A backlog is up to so many days below `LOW` of the level and one above `HIGH` of it, all together near (`BALANCED`) it.
LONGEST = 5
LOW = 0.75
HIGH = 1.3
BALANCED = 1.7
#: Days after which a day's count is settled: a backlog has been released by then.
SETTLED = 5


def shifted(values: np.ndarray, periods: int) -> np.ndarray:
    """Shape (n,): what stood `periods` earlier, NaN before the first."""
    return values if periods == 0 else np.concatenate([np.full(min(periods, len(values)), np.nan), values[:-periods]])


@dataclass(frozen=True)
class Days:
    """Daily counts as logarithms, all of shape (n,), NaN where the past is too short.

    Attributes:
        counts: as they are.
        seen: logarithms of counts, backlogs spread back over the days that they were withheld from.
        left: the same less what is usual on that weekday; days without a count are drawn between their neighbours.
        around: the median of `left` over the `AROUND` days around each.
    """

    counts: np.ndarray
    seen: np.ndarray
    left: np.ndarray
    around: np.ndarray


def days(counts: np.ndarray) -> Days:
    """What there is to daily `counts`, shape (n,); the first eight weeks tell what is usual on a weekday."""
    usual = _usual(counts)
    with np.errstate(divide="ignore"):
        left = np.where(counts > 0, np.log1p(counts), np.nan) - usual
    known = np.flatnonzero(np.isfinite(left))
    seen, around = np.log1p(counts), np.full(len(counts), np.nan)
    if len(known) > BEFORE:
        within = slice(known[0], known[-1] + 1)
        left[within] = np.interp(np.arange(known[0], known[-1] + 1), known, left[known])
        spread = _without_backlogs(left[within], np.exp(np.nan_to_num(usual[within])))
        seen[within] += spread - left[within]
        left[within] = spread
        around[AROUND // 2 : len(left) - AROUND // 2] = np.median(sliding_window_view(left, AROUND), axis=1)
    return Days(counts, seen, left, around)


def _usual(counts: np.ndarray) -> np.ndarray:
    """Shape (n,): the median of the logarithm of a weekday over the week around it, over the weeks before."""
    first = USUAL_WEEKS * 7
    usual = np.full(len(counts), np.nan)
    if len(counts) <= first:
        return usual
    around = np.full(len(counts), np.nan)
    around[3:-3] = np.convolve(counts, np.full(7, 1 / 7), "valid")
    ratio = np.where(counts > 0, np.log1p(counts) - np.log1p(around), np.nan)
    same = sliding_window_view(ratio, first - 6)[: len(counts) - first, ::7]
    enough = np.flatnonzero(np.isfinite(same).sum(axis=1) >= USUAL_WEEKS // 2)
    usual[first + enough] = np.nanmedian(same[enough], axis=1)
    return usual


def _without_backlogs(left: np.ndarray, weekdays: np.ndarray) -> np.ndarray:
    """`left` with a few low days and a high one after them, which hold together what they should, at the level before.

    `weekdays`, shape (n,), is what is usual on each: what was withheld on a Sunday is less than what was on a Monday.
    """
    result = left.copy()
    before = np.median(sliding_window_view(left[:-1], BEFORE), axis=1)
    over = left[BEFORE:] - before
    high = np.flatnonzero((over > np.log(HIGH)) & (left[BEFORE - 1 : -1] < left[BEFORE:] - np.log(HIGH / LOW)))
    for day in BEFORE + high:
        for first in range(day - 1, max(int(day) - LONGEST, BEFORE) - 1, -1):
            level = _line(result[None, first - BEFORE : first], BEFORE + np.arange(day + 1 - first))[0]
            part = slice(first, day + 1)
            if result[first] > level[0] + np.log(LOW) or result[day] < level[-1] + np.log(HIGH):
                break
            held = (np.exp(result[part]) * weekdays[part]).sum() / (np.exp(level) * weekdays[part]).sum()
            if 1 / BALANCED < held < BALANCED:
                result[part] = level + np.log(held)
                break
    return result


def scatter(known: Days) -> np.ndarray:
    """Shape (n,): logarithms of daily counts less the weekday's and the level around them, over their noise.

    NaN where nothing was counted. A day's is known `SETTLED` days later.
    """
    left = np.where(known.counts > 0, known.left - known.around, np.nan)
    return standardised(left, np.exp(-known.around), 4 * 7, LEAST_DAYS)


def sides(seen: np.ndarray | Days) -> tuple[int, int]:
    """How many periods before and after an edge are looked at."""
    return DAY_SIDES if isinstance(seen, Days) else PERIOD_SIDES


def edges(seen: np.ndarray | Days) -> np.ndarray:
    """Shape (n,): the edge in the logarithms of counts before the last periods (`sides`), over what edges were before.

    The difference between two lines where they meet, each through the periods on its side by repeated medians (Siegel
    1982, Robust regression using repeated medians, Biometrika 69(1): 242-244; for edges: Fried 2007, On the robust
    detection of edges in time series filtering, Computational Statistics & Data Analysis 52(2): 1063-1074).
    """
    left, (before, after) = _logarithms(seen), sides(seen)
    found, inverse = np.full((2, len(left)), np.nan)
    if len(found) < before + after:
        return found
    windows = sliding_window_view(left, before + after)
    found[before + after - 1 :] = _jumps(windows, before)
    inverse[before + after - 1 :] = np.exp(-np.median(windows, axis=1))
    daily = isinstance(seen, Days)
    return standardised(found, inverse, 4 * 7 if daily else 4, LEAST_DAYS if daily else LEAST_PERIODS)


def jump(seen: np.ndarray | Days, place: int) -> float:
    """By how much the logarithm of the counts jumps right before a place, as `edges` sees it; 0 near either end."""
    before, after = sides(seen)
    window = _logarithms(seen)[max(place - before, 0) : place + after]
    return float(_jumps(window[None], before)[0]) if len(window) == before + after else 0.0


def _logarithms(seen: np.ndarray | Days) -> np.ndarray:
    return seen.left if isinstance(seen, Days) else np.log1p(seen)


def _jumps(windows: np.ndarray, before: int) -> np.ndarray:
    """Shape (n,): how far apart two lines are where they meet, through the first `before` of each row and the others."""
    at = np.array([before - 0.5])
    return (_line(windows[:, before:], at - before) - _line(windows[:, :before], at))[:, 0]


def _line(windows: np.ndarray, at: np.ndarray) -> np.ndarray:
    """Shape (n, k): where the line through each of n rows of `windows` is at the k places `at`."""
    places = np.arange(windows.shape[1])
    others = np.array([[other for other in places if other != place] for place in places])
    slopes = (windows[:, :, None] - windows[:, others]) / (places[:, None] - others)
    slope = np.median(np.median(slopes, axis=2), axis=1)[:, None]
    return np.median(windows - slope * places, axis=1)[:, None] + slope * at


def innovations(values: np.ndarray) -> np.ndarray:
    """Shape (n,): how far the logarithm of a count is from what the two before it let expect, over its noise.

    Growth is taken to be an autoregression of its own past, estimated anew in each period.
    """
    growth = np.diff(np.log1p(values), prepend=np.nan)
    before = shifted(growth, 1)
    # As if eight periods had been seen whose growth, a fifth, went on by half.
    weight = 8 * 0.2**2
    carried = np.nancumsum(growth * before) + weight / 2
    persistence = np.clip(shifted(carried / (np.nancumsum(before**2) + weight), 1), 0, 1)
    inverse = [1 / (shifted(values, lag) + 1) for lag in (0, 1, 2)]
    noise = inverse[0] + (1 + persistence) ** 2 * inverse[1] + persistence**2 * inverse[2]
    return standardised(growth - persistence * before, noise, 2, LEAST_PERIODS)


def unexplained(seen: np.ndarray | Days) -> np.ndarray:
    """Shape (n,): `scatter` of days, `innovations` of longer periods."""
    return scatter(seen) if isinstance(seen, Days) else innovations(seen)


def standardised(left: np.ndarray, inverse: np.ndarray, gap: int, least: int) -> np.ndarray:
    """`left` over its standard deviation as it was up to `gap` periods before.

    The variance is taken to be proportional to a constant plus `inverse`, the one over counts: logarithms of small counts
    scatter more. Of `RATIOS` the likeliest constant of the past is used, and a quantile for the size.
    """
    shape = RATIOS + inverse[:, None]
    squares = pd.DataFrame(left[:, None] ** 2 / shape)
    size = squares.rolling(MEMORY, min_periods=least).quantile(USUAL).shift(gap)
    fit = np.log(size + 1e-12) + np.log(shape) + np.minimum(squares / (size + 1e-12), 9.0)
    unlikely = fit.rolling(MEMORY, min_periods=1).mean().shift(gap).fillna(0).to_numpy()
    rows, best = np.arange(len(left)), np.argmin(unlikely, axis=1)
    variance = size.to_numpy()[rows, best] * shape[rows, best]
    return left / np.sqrt(np.maximum(variance, inverse + LEAST_NOISE**2))
