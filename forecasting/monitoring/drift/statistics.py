"""How far the newest of a row of figures are from those before them: one statistic for every period there is.

Epidemics rise and fall by nature, so no test here looks at counts as they are. Each looks at what is left when all that
the past explains is taken away: edges, innovations, residuals, shares, flags. Medians see to it that a backlog, which
withholds some days and then gives them at once, is no change. What is said at a period uses that period and earlier ones
only, so one path holds what every night of the past would have said: a night reads its end, and the benchmark
(`python -m benchmarks drift`) reads all of it.

Page (1954), Continuous inspection schemes, Biometrika 41: 100-115, for every `page`: evidence for a change is summed,
and begins at zero whenever it is against it.
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
    Days,
    edges,
    shifted,
    sides,
    unexplained,
)

#: A ratio of errors counts for so many standard deviations at most, and so many of these are no evidence; one is at least that.
MOST = 1.5
STEP = 0.7
LEAST_SPREAD = 0.05
#: Standard deviations from which on a residual is far out.
FAR = 1.3
#: Weeks that are recent, and those before with which they are compared; random draws of as many of the latter.
RECENT_WEEKS = 4
PAST_WEEKS = 20
DRAWS = 100
#: A sum of evidence is kept below so many times its threshold, so that an alarm can end.
CAP = 1.5
#: The distance of two months' shares has at least this standard deviation.
LEAST_DISTANCE = 0.003
#: A share of missing periods that is none; the odds of missing ones are looked for to be this many times as high.
LEAST_MISSING = 0.02
ODDS = 6.0
#: How sure what a band of 80 % promises is before anything has come, in outcomes; what a week of misses counts at most.
BAND = 0.8
PRIOR = 60.0
WEEK = 0.2
#: Of a week.
NIGHTS = 7


@dataclass(frozen=True)
class Path:
    """Shape (n,) both: a statistic as known at each period, NaN where the past is too short; and where the change began."""

    statistic: np.ndarray
    began: np.ndarray


def page(evidence: np.ndarray, cap: float, delay: int = 0) -> Path:
    """Page's cumulative sum of `evidence`, shape (n,), which is known `delay` periods later; NaN is no evidence.

    It is kept below `cap`, so that an alarm can end.
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
    return Path(shifted(held, delay), shifted(began, delay))


def runs(path: Path, threshold: float, lasts: int) -> list[tuple[int, int]]:
    """The alarms of a path: first period, and the last above `threshold`. One ends `lasts` periods after that."""
    above = np.flatnonzero(np.nan_to_num(path.statistic) > threshold)
    if not len(above):
        return []
    parts = np.split(above, np.flatnonzero(np.diff(above) > lasts) + 1)
    return [(int(part[0]), int(part[-1])) for part in parts]


def level(seen: np.ndarray | Days) -> Path:
    """The size of a step in what is counted, over what edges of that series were like before.

    The edge between two robust lines through the periods before and after it (`edges`; Fried 2007), on a chart with a
    fixed limit (Shewhart 1931, Economic control of quality of manufactured product). A step is an edge whatever wave it
    falls into; a sum of small ones would be the wave.
    """
    late = SETTLED if isinstance(seen, Days) else 0
    found = edges(seen)
    began = np.arange(len(found), dtype=float) - sides(seen)[1] + 1
    return Path(shifted(np.abs(found), late), shifted(began, late))


def variance(seen: np.ndarray | Days, cap: float) -> Path:
    """Evidence that residuals have twice the standard deviation that they had.

    A cumulative sum for a scale (Hawkins 1981, A CUSUM for a scale parameter, Journal of Quality Technology 13(4):
    228-231) of how many lie far out (`FAR`), so that no single one counts for more.
    """
    found = unexplained(seen)
    usual, wider = 2 * ndtr(-FAR), 2 * ndtr(-FAR / 2)
    outside = np.where(np.abs(found) > FAR, np.log(wider / usual), np.log((1 - wider) / (1 - usual)))
    return page(np.where(np.isfinite(found), outside, np.nan), cap, SETTLED if isinstance(seen, Days) else 0)


def weekday(known: Days) -> Path:
    """The distance between the weekdays' shares of the last weeks and of those before, against that of random weeks.

    Half the sum of differences of shares, each a median over weeks; as many weeks drawn from those before say how large
    it is without a change (a permutation of whole weeks: Good 2005, Permutation, parametric and bootstrap tests of
    hypotheses, 3rd ed.). The statistic is in standard deviations of these draws.
    """
    statistic = np.full(len(known.seen), np.nan)
    began = np.arange(len(statistic), dtype=float) - SETTLED - RECENT_WEEKS * 7 + 1
    windows, first = _weeks(known)
    if not len(windows):
        return Path(statistic, began)
    usual = _shares(windows[:, :PAST_WEEKS])
    distance = np.abs(_shares(windows[:, PAST_WEEKS:]) - usual).sum(axis=-1) / 2
    drawn = np.abs(_shares(windows[:, _draws()], axis=2) - usual[:, None]).sum(axis=-1) / 2
    spread = np.maximum(drawn.std(axis=1), LEAST_DISTANCE)
    last = first + (RECENT_WEEKS + PAST_WEEKS) * 7 - 1
    statistic[last : last + len(distance)] = (distance - drawn.mean(axis=1)) / spread
    return Path(shifted(statistic, SETTLED), began)


def weekday_shares(known: Days, at: int) -> tuple[np.ndarray, np.ndarray, int]:
    """What `weekday` compared when it looked at place `at`: shares of the past and of the last weeks, and where these begin.

    Shape (7,) both, from the weekday of that place on.
    """
    windows, first = _weeks(known)
    past = PAST_WEEKS * 7
    window = windows[at - SETTLED + 1 - RECENT_WEEKS * 7 - past - first]
    return _shares(window[:PAST_WEEKS], 0), _shares(window[PAST_WEEKS:], 0), at - SETTLED + 1 - RECENT_WEEKS * 7


def _weeks(known: Days) -> tuple[np.ndarray, int]:
    """Shape (n, weeks, 7): each day over the level around it, for every end; and where the first of them begins."""
    weeks = (RECENT_WEEKS + PAST_WEEKS) * 7
    ratios = np.exp(known.seen - known.around)
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


def missing(flags: np.ndarray, cycle: int, cap: float) -> Path:
    """Evidence that figures are missing more often than they were; `flags` is bool, shape (n,).

    A Bernoulli cumulative sum: Reynolds & Stoumbos (1999), A CUSUM chart for monitoring a proportion when inspecting
    continuously, Journal of Quality Technology 31(1): 87-108.
    """
    least = LEAST_DAYS if cycle > 1 else LEAST_PERIODS
    share = pd.Series(flags.astype(float)).rolling(MEMORY, min_periods=least).mean().shift(4 * cycle).to_numpy()
    usual = np.clip(share, LEAST_MISSING, 0.9)
    more = ODDS * usual / (1 - usual + ODDS * usual)
    return page(np.where(flags, np.log(more / usual), np.log((1 - more) / (1 - usual))), cap)


def error(ratios: np.ndarray, together: int, least: int, cap: float) -> Path:
    """Evidence that `ratios`, shape (n,) (logarithms of errors over those of repeating), are larger than they were.

    The Page-Hinkley test (Page 1954; on a model's errors as in Gama et al. 2004, Learning with drift detection, SBIA:
    286-295), of ratios over their own past's median and usual deviation. `together` are a week; where that is one, it is
    a mean of seven nights, and as sure as these.
    """
    past = pd.Series(ratios)
    usual = past.rolling(MEMORY, min_periods=least).median().shift(together)
    scale = (past - usual).abs().rolling(MEMORY, min_periods=least // 2).quantile(USUAL).shift(together)
    found = ((past - usual) / np.maximum(scale, LEAST_SPREAD)).to_numpy()
    return page((np.clip(found, -MOST, MOST) - STEP) * np.sqrt(NIGHTS / together), cap)


def coverage(held: np.ndarray, hard: np.ndarray, together: int, least: int, cap: float) -> Path:
    """Evidence that bands of 80 % are half as wide as they should be to hold what they held before.

    A cumulative sum of log likelihood ratios (Page 1954): of the share of the past, which begins at what is promised,
    and of what is left of it where a normal distribution is twice as wide. Means of a week, for what is missed in a
    backlog is missed on all of its days, and a week counts for no more than `WEEK` in each of its nights.

    Args:
        held: shape (n,), the share of the outcomes from an origin that were in the band, 0 or 1 where it is one.
        hard: shape (n,), bool, where another model's band did not hold them either: then a miss says nothing.
        together: origins in a week.
        least: the first so many are the past of no one.
        cap: see `page`.
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
    return page(np.minimum(of_week, WEEK) * NIGHTS / together, cap)
