"""Change-point statistics: for every period, how far the newest figures of a series are from those before them.

Epidemics rise and fall by nature, so no test here looks at counts as they are. Each looks at what is left when all that
the past explains is taken away: edges, innovations, residuals, shares, flags. Medians make them robust to a backlog, which
withholds some days and then gives them at once. The statistic of a period uses that period and earlier ones only, so one
path holds the results of every night of the past: the nightly update reads its end, and the benchmark
(`python -m benchmarks drift`) reads all of it.

Cumulative sums (`cusum`): Page (1954), Continuous inspection schemes, Biometrika 41: 100-115; evidence for a change is
summed, and begins at zero whenever it is against it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.lib.stride_tricks import sliding_window_view
from scipy.special import ndtr, ndtri

from forecasting.monitoring.drift.residuals import (
    LEAST_DAYS,
    LEAST_PERIODS,
    MEMORY,
    SETTLED,
    USUAL,
    DailyCounts,
    edges,
    shifted,
    sides,
    unexplained,
)

#: Standard deviations that a ratio of errors counts for at most.
MOST = 1.5
#: Standard deviations of a ratio of errors that are no evidence.
STEP = 0.7
#: Standard deviation that the logarithm of a ratio of errors has at least.
LEAST_SPREAD = 0.05
#: Standard deviations beyond which a residual is an outlier.
FAR = 1.3
#: Weeks whose weekday pattern is compared with that of the weeks before.
RECENT_WEEKS = 4
#: Weeks before the recent ones.
PAST_WEEKS = 20
#: Random draws of `RECENT_WEEKS` from the `PAST_WEEKS`.
DRAWS = 100
#: Multiple of its threshold that a cumulative sum is capped at, so that an alarm can end.
CAP = 1.5
#: Standard deviation that the distance between two months' weekday shares has at least.
LEAST_DISTANCE = 0.003
#: Share of missing periods that is taken as usual at least.
LEAST_MISSING = 0.02
#: Odds ratio of missing periods that the test looks for.
ODDS = 6.0
#: Nominal coverage of the band that is tested, as a share.
BAND = 0.8
#: Weight of the nominal coverage in the usual one, in outcomes.
PRIOR = 60.0
#: Evidence that one night of a week of misses counts for at most.
WEEK = 0.2
#: Nights in a week.
NIGHTS = 7


@dataclass(frozen=True)
class StatisticPath:
    """A test statistic over time.

    Attributes:
        statistic: shape (n,), as known at each period; NaN where the past is too short.
        began: shape (n,), the place where the change would have begun.
    """

    statistic: np.ndarray
    began: np.ndarray


def cusum(evidence: np.ndarray, cap: float, delay: int = 0) -> StatisticPath:
    """Page's cumulative sum of `evidence`, shape (n,), capped so that an alarm can end; NaN is no evidence.

    Evidence is known `delay` periods later.
    """
    held = np.full(len(evidence), np.nan)
    began = np.full(len(evidence), np.nan)
    total, first = 0.0, 0
    for place, more in enumerate(evidence.tolist()):
        if more == more:
            if total <= 0:
                total, first = 0.0, place
            total = min(total + more, cap)
        held[place], began[place] = max(total, 0.0), first
    return StatisticPath(shifted(held, delay), shifted(began, delay))


def alarms(path: StatisticPath, threshold: float, lasts: int) -> list[tuple[int, int]]:
    """Find the alarms of a path: first and last period above `threshold`. Gaps of up to `lasts` periods do not end one."""
    above = np.flatnonzero(np.nan_to_num(path.statistic) > threshold)
    if not len(above):
        return []
    parts = np.split(above, np.flatnonzero(np.diff(above) > lasts) + 1)
    return [(int(part[0]), int(part[-1])) for part in parts]


def level_path(seen: np.ndarray | DailyCounts) -> StatisticPath:
    """Statistic for a step in the level of the counts: standardised edges of their logarithms.

    An edge lies between two robust lines through the periods before and after it (`edges`; Fried 2007), on a chart with a
    fixed limit (Shewhart 1931, Economic control of quality of manufactured product). A step is an edge whatever wave it
    falls into; a sum of small ones would be the wave.
    """
    late = SETTLED if isinstance(seen, DailyCounts) else 0
    found = edges(seen)
    began = np.arange(len(found), dtype=float) - sides(seen)[1] + 1
    return StatisticPath(shifted(np.abs(found), late), shifted(began, late))


def variance_path(seen: np.ndarray | DailyCounts, cap: float) -> StatisticPath:
    """Statistic for residuals that have twice the standard deviation that they had.

    A cumulative sum for a scale (Hawkins 1981, A CUSUM for a scale parameter, Journal of Quality Technology 13(4):
    228-231) of how many lie far out (`FAR`), so that no single one counts for more.
    """
    found = unexplained(seen)
    usual, wider = 2 * ndtr(-FAR), 2 * ndtr(-FAR / 2)
    outside = np.where(np.abs(found) > FAR, np.log(wider / usual), np.log((1 - wider) / (1 - usual)))
    return cusum(np.where(np.isfinite(found), outside, np.nan), cap, SETTLED if isinstance(seen, DailyCounts) else 0)


def weekday_path(known: DailyCounts) -> StatisticPath:
    """Statistic for a changed weekday pattern: distance between recent and past shares, against that of random weeks.

    Half the sum of differences of shares, each a median over weeks; as many weeks drawn from those before say how large
    it is without a change (a permutation of whole weeks: Good 2005, Permutation, parametric and bootstrap tests of
    hypotheses, 3rd ed.). The statistic is in standard deviations of these draws.
    """
    statistic = np.full(len(known.logarithms), np.nan)
    began = np.arange(len(statistic), dtype=float) - SETTLED - RECENT_WEEKS * 7 + 1
    windows, first = _weeks(known)
    if not len(windows):
        return StatisticPath(statistic, began)
    usual = _shares(windows[:, :PAST_WEEKS])
    distance = np.abs(_shares(windows[:, PAST_WEEKS:]) - usual).sum(axis=-1) / 2
    drawn = np.abs(_shares(windows[:, _draws()], axis=2) - usual[:, None]).sum(axis=-1) / 2
    spread = np.maximum(drawn.std(axis=1), LEAST_DISTANCE)
    last = first + (RECENT_WEEKS + PAST_WEEKS) * 7 - 1
    statistic[last : last + len(distance)] = (distance - drawn.mean(axis=1)) / spread
    return StatisticPath(shifted(statistic, SETTLED), began)


def weekday_shares(known: DailyCounts, at: int) -> tuple[np.ndarray, np.ndarray, int]:
    """Weekday shares that `weekday_path` compares at place `at`: of the past, of the last weeks, and where these begin.

    Both have shape (7,), from the weekday of that place on.
    """
    windows, first = _weeks(known)
    past = PAST_WEEKS * 7
    window = windows[at - SETTLED + 1 - RECENT_WEEKS * 7 - past - first]
    return _shares(window[:PAST_WEEKS], 0), _shares(window[PAST_WEEKS:], 0), at - SETTLED + 1 - RECENT_WEEKS * 7


def _weeks(known: DailyCounts) -> tuple[np.ndarray, int]:
    """Windows of daily ratios to the level, shape (n, weeks, 7), and the place where the first of them begins."""
    weeks = (RECENT_WEEKS + PAST_WEEKS) * 7
    ratios = np.exp(known.logarithms - known.level)
    places = np.flatnonzero(np.isfinite(ratios))
    if len(places) < weeks:
        return np.empty((0, weeks // 7, 7)), 0
    return sliding_window_view(ratios[places[0] : places[-1] + 1], weeks).reshape(-1, weeks // 7, 7), int(places[0])


def _shares(ratios: np.ndarray, axis: int = 1) -> np.ndarray:
    """Each weekday's share of a typical week: medians over the weeks of `axis`, with a sum of 1."""
    typical = np.median(ratios, axis=axis)
    return typical / typical.sum(axis=-1, keepdims=True)


def _draws() -> np.ndarray:
    """Shape (DRAWS, RECENT_WEEKS): weeks of the past by number; always the same."""
    return np.argsort(np.random.default_rng(1954).random((DRAWS, PAST_WEEKS)), axis=1)[:, :RECENT_WEEKS]


def missing_path(flags: np.ndarray, cycle: int, cap: float) -> StatisticPath:
    """Statistic for figures that are missing more often than they were; `flags` is bool, shape (n,).

    A Bernoulli cumulative sum: Reynolds & Stoumbos (1999), A CUSUM chart for monitoring a proportion when inspecting
    continuously, Journal of Quality Technology 31(1): 87-108.
    """
    least = LEAST_DAYS if cycle > 1 else LEAST_PERIODS
    share = pd.Series(flags.astype(float)).rolling(MEMORY, min_periods=least).mean().shift(4 * cycle).to_numpy()
    usual = np.clip(share, LEAST_MISSING, 0.9)
    more = ODDS * usual / (1 - usual + ODDS * usual)
    return cusum(np.where(flags, np.log(more / usual), np.log((1 - more) / (1 - usual))), cap)


def error_path(ratios: np.ndarray, together: int, least: int, cap: float) -> StatisticPath:
    """Statistic for `ratios`, shape (n,) (logarithms of errors over the baseline's), that are larger than they were.

    The Page-Hinkley test (Page 1954; on a model's errors as in Gama et al. 2004, Learning with drift detection, SBIA:
    286-295), of ratios over their own past's median and usual deviation. `together` are a week; where that is one, it is
    a mean of seven nights, and as sure as these.
    """
    past = pd.Series(ratios)
    usual = past.rolling(MEMORY, min_periods=least).median().shift(together)
    scale = (past - usual).abs().rolling(MEMORY, min_periods=least // 2).quantile(USUAL).shift(together)
    found = ((past - usual) / np.maximum(scale, LEAST_SPREAD)).to_numpy()
    return cusum((np.clip(found, -MOST, MOST) - STEP) * np.sqrt(NIGHTS / together), cap)


def coverage_path(held: np.ndarray, hard: np.ndarray, together: int, least: int, cap: float) -> StatisticPath:
    """Statistic for bands of 80 % that are half as wide as they should be to hold what they held before.

    A cumulative sum of log likelihood ratios (Page 1954): of the share of the past, which begins at what is promised,
    and of what is left of it where a normal distribution is twice as wide. Means of a week, for what is missed in a
    backlog is missed on all of its days, and a week counts for no more than `WEEK` in each of its nights.

    Args:
        held: shape (n,), the share of the outcomes from an origin that were in the band, 0 or 1 where it is one.
        hard: shape (n,), bool, where another model's band did not hold them either: then a miss says nothing.
        together: origins in a week.
        least: the first so many are the past of no one.
        cap: see `cusum`.
    """
    known = pd.Series(held)
    count = known.rolling(MEMORY, min_periods=1).count().shift(together).fillna(0).to_numpy()
    before = known.rolling(MEMORY, min_periods=1).sum().shift(together).fillna(0).to_numpy()
    usual = np.minimum((before + PRIOR * BAND) / (count + PRIOR), 0.999)
    narrow = 2 * ndtr(ndtri((1 + usual) / 2) / 2) - 1
    evidence = held * np.log(narrow / usual) + (1 - held) * np.log((1 - narrow) / (1 - usual))
    evidence = pd.Series(np.where(hard & (evidence > 0), np.nan, evidence))
    of_week = evidence.rolling(together, min_periods=1).mean().to_numpy(copy=True)
    of_week[:least] = np.nan
    return cusum(np.minimum(of_week, WEEK) * NIGHTS / together, cap)
