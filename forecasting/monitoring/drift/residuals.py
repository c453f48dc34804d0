"""Standardised residuals: what is left of counts once their own past is accounted for, over its usual size."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.lib.stride_tricks import sliding_window_view
from scipy.special import ndtr

#: Periods of the past that count.
MEMORY = 365
#: Days of the past that must be there.
LEAST_DAYS = 56
#: Periods of the past that must be there where they are longer than a day.
LEAST_PERIODS = 26
#: Candidates for how the variance of a logarithm depends on its count: this constant plus one over the count.
RATIOS = np.geomspace(1e-4, 1, 9)
#: Standard deviation that the logarithm of a count has at least, on top of Poisson's.
LEAST_NOISE = 0.02
#: Share of normal figures within one standard deviation: this quantile of absolute residuals is taken for their size.
USUAL = float(2 * ndtr(1) - 1)
#: Weeks from which the usual effect of a weekday is estimated.
USUAL_WEEKS = 8
#: Days whose median is the level: more than twice the longest backlog with its release, so that it is seen through.
AROUND = 11
#: Days before and after an edge that its two lines go through.
DAY_SIDES = (21, 21)
#: The same in periods longer than a day.
PERIOD_SIDES = (5, 4)
#: Days before a backlog from which its expected level is extrapolated.
BEFORE = 14
#: Days that a backlog withholds at most, before the day that releases it.
LONGEST = 5
#: A withheld day is below this share of the expected level.
LOW = 0.75
#: The day of the release is above this multiple of the expected level.
HIGH = 1.3
#: All days of a backlog together are within this factor of what was expected of them.
BALANCED = 1.7
#: Days after which a day's count is settled, because a backlog has been released by then.
SETTLED = 5


def shifted(values: np.ndarray, periods: int) -> np.ndarray:
    """Shift an array to later periods; shape (n,), NaN before the first value."""
    return values if periods == 0 else np.concatenate([np.full(min(periods, len(values)), np.nan), values[:-periods]])


@dataclass(frozen=True)
class DailyCounts:
    """Daily counts, their logarithms and what remains without weekdays; all of shape (n,), NaN where the past is too short.

    Attributes:
        counts: as reported.
        logarithms: of counts, backlogs spread back over the days that they were withheld from.
        residuals: logarithms less the usual weekday effect; days without a count are interpolated.
        level: the median of `residuals` over the `AROUND` days around each.
    """

    counts: np.ndarray
    logarithms: np.ndarray
    residuals: np.ndarray
    level: np.ndarray


def daily_counts(counts: np.ndarray) -> DailyCounts:
    """Remove weekday effects and backlogs from daily `counts`, shape (n,); the first eight weeks are only learned from."""
    effects = _weekday_effects(counts)
    with np.errstate(divide="ignore"):
        residuals = np.where(counts > 0, np.log1p(counts), np.nan) - effects
    known = np.flatnonzero(np.isfinite(residuals))
    logarithms, level = np.log1p(counts), np.full(len(counts), np.nan)
    if len(known) > BEFORE:
        within = slice(known[0], known[-1] + 1)
        residuals[within] = np.interp(np.arange(known[0], known[-1] + 1), known, residuals[known])
        spread = _without_backlogs(residuals[within], np.exp(np.nan_to_num(effects[within])))
        logarithms[within] += spread - residuals[within]
        residuals[within] = spread
        level[AROUND // 2 : len(residuals) - AROUND // 2] = np.median(sliding_window_view(residuals, AROUND), axis=1)
    return DailyCounts(counts, logarithms, residuals, level)


def _weekday_effects(counts: np.ndarray) -> np.ndarray:
    """Usual weekday effects, shape (n,): medians over the weeks before of the logarithm of a day over its week's mean."""
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


def _without_backlogs(residuals: np.ndarray, weekdays: np.ndarray) -> np.ndarray:
    """Spread backlogs (low days and a high one after them that sum to what was expected) evenly at the level before them.

    `weekdays`, shape (n,), is the usual effect of each day: what was withheld on a Sunday is less than on a Monday.
    """
    result = residuals.copy()
    before = np.median(sliding_window_view(residuals[:-1], BEFORE), axis=1)
    over = residuals[BEFORE:] - before
    high = np.flatnonzero(
        (over > np.log(HIGH)) & (residuals[BEFORE - 1 : -1] < residuals[BEFORE:] - np.log(HIGH / LOW))
    )
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


def scatter(known: DailyCounts) -> np.ndarray:
    """Standardised logarithms of daily counts without weekday effect and level, shape (n,).

    NaN where nothing was counted. The value of a day is known `SETTLED` days later.
    """
    residuals = np.where(known.counts > 0, known.residuals - known.level, np.nan)
    return standardised(residuals, np.exp(-known.level), 4 * 7, LEAST_DAYS)


def sides(seen: np.ndarray | DailyCounts) -> tuple[int, int]:
    """Return how many periods before and after an edge its two lines go through."""
    return DAY_SIDES if isinstance(seen, DailyCounts) else PERIOD_SIDES


def edges(seen: np.ndarray | DailyCounts) -> np.ndarray:
    """Standardised edges in the logarithms of counts before the last periods (`sides`), shape (n,).

    An edge is the difference between two lines where they meet, each through the periods on its side by repeated medians (Siegel
    1982, Robust regression using repeated medians, Biometrika 69(1): 242-244; for edges: Fried 2007, On the robust
    detection of edges in time series filtering, Computational Statistics & Data Analysis 52(2): 1063-1074).
    """
    logarithms, (before, after) = _logarithms(seen), sides(seen)
    size, inverse = np.full((2, len(logarithms)), np.nan)
    if len(size) < before + after:
        return size
    windows = sliding_window_view(logarithms, before + after)
    size[before + after - 1 :] = _jumps(windows, before)
    inverse[before + after - 1 :] = np.exp(-np.median(windows, axis=1))
    daily = isinstance(seen, DailyCounts)
    return standardised(size, inverse, 4 * 7 if daily else 4, LEAST_DAYS if daily else LEAST_PERIODS)


def jump(seen: np.ndarray | DailyCounts, place: int) -> float:
    """Size of the edge in the logarithm of the counts right before a place, as `edges` measures it; 0 near either end."""
    before, after = sides(seen)
    window = _logarithms(seen)[max(place - before, 0) : place + after]
    return float(_jumps(window[None], before)[0]) if len(window) == before + after else 0.0


def _logarithms(seen: np.ndarray | DailyCounts) -> np.ndarray:
    return seen.residuals if isinstance(seen, DailyCounts) else np.log1p(seen)


def _jumps(windows: np.ndarray, before: int) -> np.ndarray:
    """Differences, shape (n,), between lines through the first `before` of each row and through the others, where they meet."""
    at = np.array([before - 0.5])
    return (_line(windows[:, before:], at - before) - _line(windows[:, :before], at))[:, 0]


def _line(windows: np.ndarray, at: np.ndarray) -> np.ndarray:
    """Values, shape (n, k), at the k places `at` of a repeated-medians line through each of n rows of `windows`."""
    places = np.arange(windows.shape[1])
    others = np.array([[other for other in places if other != place] for place in places])
    slopes = (windows[:, :, None] - windows[:, others]) / (places[:, None] - others)
    slope = np.median(np.median(slopes, axis=2), axis=1)[:, None]
    return np.median(windows - slope * places, axis=1)[:, None] + slope * at


def innovations(values: np.ndarray) -> np.ndarray:
    """Standardised one-step errors of an autoregression of growth, shape (n,).

    Growth of the logarithm of a count is taken to be an autoregression of its own past, estimated anew in each period.
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


def unexplained(seen: np.ndarray | DailyCounts) -> np.ndarray:
    """Standardised residuals of a series, shape (n,): `scatter` of days, `innovations` of longer periods."""
    return scatter(seen) if isinstance(seen, DailyCounts) else innovations(seen)


def standardised(residuals: np.ndarray, inverse: np.ndarray, gap: int, least: int) -> np.ndarray:
    """Divide residuals by their standard deviation as it was up to `gap` periods before.

    The variance is taken to be proportional to a constant plus `inverse`, the one over counts: logarithms of small counts
    scatter more. Of `RATIOS` the likeliest constant of the past is used, and a quantile for the size.
    """
    shape = RATIOS + inverse[:, None]
    squares = pd.DataFrame(residuals[:, None] ** 2 / shape)
    size = squares.rolling(MEMORY, min_periods=least).quantile(USUAL).shift(gap)
    fit = np.log(size + 1e-12) + np.log(shape) + np.minimum(squares / (size + 1e-12), 9.0)
    unlikely = fit.rolling(MEMORY, min_periods=1).mean().shift(gap).fillna(0).to_numpy()
    rows, best = np.arange(len(residuals)), np.argmin(unlikely, axis=1)
    variance = size.to_numpy()[rows, best] * shape[rows, best]
    return residuals / np.sqrt(np.maximum(variance, inverse + LEAST_NOISE**2))
