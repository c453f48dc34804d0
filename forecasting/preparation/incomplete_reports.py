"""Detect incomplete last counts: late reporters, days that are not in yet, reporting that stopped.

A count is doubted only against its own past: the change from the same weekday a week earlier (or from the period
before, for weekly and longer periods) against all earlier such changes, on the log scale and robustly.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from forecasting.preparation.repairs import NATURAL_ZEROS, PLENTY, longest_true_zeros, middle, typical, usually_silent


@dataclass(frozen=True)
class CollapseRule:
    """When a fall is too deep to be believed.

    Attributes:
        ratio: only falls to below this share of the earlier count are looked at.
        deviations: and only those so many robust standard deviations below the median change.
        least: the earlier count is at least this large; smaller ones fall that far by chance.
    """

    ratio: float
    deviations: float
    least: float


#: All regions together, whose noise is small.
TOGETHER = CollapseRule(ratio=0.7, deviations=4.0, least=100.0)
#: The typical region's last day: so deep a fall is late reports, as the simulator makes them, and not an epidemic's end.
DAYS_TOGETHER = CollapseRule(ratio=0.7, deviations=5.0, least=20.0)
#: The days before one that is doubted, which were late too, but less.
BEFORE_IT = CollapseRule(ratio=0.93, deviations=2.0, least=20.0)
#: Setbacks of the typical region are never taken to vary by less than this (3 %).
LEAST_SETBACK = 0.03
#: One region alone, which must be far outside its own history: a false alarm throws away what is known.
ALONE = CollapseRule(ratio=0.5, deviations=4.0, least=20.0)
#: No larger share of all earlier changes was as deep: once in 100 days, never in two years of weeks.
RARE = 0.01
#: Changes that are never taken to vary by less than this (10 %), or a calm year would make anything an alarm.
LEAST_DEVIATION = 0.1
#: With fewer earlier changes than this (or than two cycles), nothing is doubted but a fall of all regions together.
SHORT_HISTORY = 4
#: Share of the earlier counts below which such a fall is doubted.
SHORT_RATIO = 0.5
#: Zeros at the end are natural where fewer than this many counts are usual.
LEAST_LEVEL = 3.0
#: Late reports reach back no further than this many periods a cycle (a week of days, or two longer periods).
MOST_PERIODS = 2
#: Regions that must end together before their sum is judged.
LEAST_REGIONS = 3
#: The typical region is sought among no more than about so many, evenly spaced: more do not move it, and take time.
MOST_REGIONS = 1000
#: The share of them that must fall too: late reports are everywhere at once, one large region is not.
BREADTH = 2 / 3


def collapsed(counts: np.ndarray, cycle: int, rule: CollapseRule) -> bool:
    """Whether the last of `counts` (new counts per period, NaN allowed) fell deeper than its past can explain."""
    if len(counts) <= cycle:
        return False
    before, now = counts[-1 - cycle], counts[-1]
    if not (before >= rule.least and now >= 0) or np.log((now + 1) / (before + 1)) >= np.log(rule.ratio):
        return False
    earlier, later = counts[:-cycle], counts[cycle:]
    usable = (earlier >= rule.least) & (later >= 0)
    changes = np.log((later[usable] + 1) / (earlier[usable] + 1))
    last, history = changes[-1], changes[:-1]
    if len(history) < max(SHORT_HISTORY, 2 * cycle):
        return rule is TOGETHER and last < np.log(SHORT_RATIO)
    centre = middle(history)
    deviation = max(1.4826 * middle(np.abs(history - centre)), LEAST_DEVIATION)
    return bool(
        last < min(np.log(rule.ratio), centre - rule.deviations * deviation) and (history <= last).mean() <= RARE
    )


def doubtful_together(table: np.ndarray, cycle: int) -> int:
    """The row from which on all regions' new counts (`table`: periods × regions) are doubtful; their number if none."""
    if table.shape[1] < LEAST_REGIONS:
        return len(table)
    return _late_days(table, cycle) if cycle > 1 else _late_periods(table)


def _late_periods(table: np.ndarray) -> int:
    """By the sum of all regions, where there is no shorter cycle than the period."""
    together = np.nansum(table, axis=1)
    for end in range(len(table), max(len(table) - MOST_PERIODS, 1), -1):
        fell, rose = table[end - 1] < table[end - 2], table[end - 1] > table[end - 2]
        broad = fell.sum() >= BREADTH * max((fell | rose).sum(), 1)
        if not (broad and collapsed(together[:end], 1, TOGETHER)):
            return end
    return len(table)


def _late_days(table: np.ndarray, cycle: int) -> int:
    """By how far the typical region fell behind its own recent course, over all that such setbacks have been before.

    Days before a doubted one are doubted sooner: reports that are late by a day are late by two as well, in part.
    """
    table = table[:, :: -(-table.shape[1] // MOST_REGIONS)]
    behind = _setbacks(table, cycle)
    usual = np.full(len(table), np.nan)
    judged = np.isfinite(behind).sum(axis=1) >= max(LEAST_REGIONS, table.shape[1] / 3)
    usual[judged] = np.nanmedian(behind[judged], axis=1)
    end = len(table)
    while end > max(len(table) - cycle, 0) and judged[end - 1]:
        rule = DAYS_TOGETHER if end == len(table) else BEFORE_IT
        own, history = behind[end - 1], usual[: end - 1]
        history = history[np.isfinite(history)]
        if len(history) < 2 * cycle or (own[np.isfinite(own)] < 0).mean() < BREADTH:
            break
        centre = np.median(history)
        deviation = max(1.4826 * np.median(np.abs(history - centre)), LEAST_SETBACK)
        last = usual[end - 1]
        rare = rule is BEFORE_IT or (history <= last).mean() <= RARE
        if not (rare and last < min(np.log(rule.ratio), centre - rule.deviations * deviation)):
            break
        end -= 1
    return end


def _setbacks(table: np.ndarray, cycle: int) -> np.ndarray:
    """Shape of `table`: each period's change over a cycle on the log scale, less the median of a cycle of such changes.

    That cycle ended half a cycle before, so that the last late days are not what others are compared with.
    """
    earlier, later = table[:-cycle], table[cycle:]
    usable = (earlier >= DAYS_TOGETHER.least) & (later >= 0)
    logs = np.log(np.where(usable, later + 1, 1.0) / np.where(usable, earlier + 1, 1.0))
    changes = np.where(usable, logs, np.nan)
    # One region after the other, with a gap between them, as one long series: pandas takes its time for each column.
    apart = np.vstack([changes, np.full((cycle, table.shape[1]), np.nan)])
    medians = pd.Series(apart.T.ravel()).rolling(cycle, min_periods=cycle // 2 + 1).median().shift(cycle // 2 + 1)
    recent = medians.to_numpy().reshape(apart.T.shape).T[: len(changes)]
    return np.vstack([np.full((cycle, table.shape[1]), np.nan), changes - recent])[-len(table) :]


def doubtful_alone(counts: np.ndarray, cycle: int) -> int:
    """The position from which on one region's new counts are doubtful; their number if none."""
    end = silent_from(counts, cycle)
    for last in range(end, max(end - _most(cycle), cycle), -1):
        if not collapsed(counts[:last], cycle, ALONE):
            return last
    return end


def _most(cycle: int) -> int:
    return cycle if cycle > 1 else MOST_PERIODS


def silent_from(counts: np.ndarray, cycle: int) -> int:
    """The position of the first of the last zeros and NaN that nothing explains; the number of counts if none.

    A zero is explained by a weekday that usually reports nothing, by a level so small that zeros are natural, or by
    earlier zeros as many in a row that no pile followed; a missing figure only by the weekday.
    """
    size = len(counts)
    if size and counts[-1] and counts[-1] == counts[-1]:
        return size
    heard = np.flatnonzero((counts != 0) & ~np.isnan(counts))
    if not len(heard) or heard[-1] == size - 1:
        return size
    start = int(heard[-1]) + 1
    usual = usually_silent(counts, cycle)
    expected = typical(counts, np.isnan(counts), start, size, cycle)[1] * _fading(counts[:start], cycle)
    doubtful = ~usual[start:]
    recent = slice(max(start - 8 * cycle, 0), start)
    zeros = (np.nan_to_num(counts[recent]) == 0) & ~usual[recent]
    surprising = expected[doubtful].sum() >= PLENTY and expected[doubtful].max() >= LEAST_LEVEL
    natural = not surprising or zeros.mean() > NATURAL_ZEROS
    if natural or size - start <= longest_true_zeros(counts[:start], cycle):
        doubtful &= np.isnan(counts[start:])
    return start + int(np.argmax(doubtful)) if doubtful.any() else size


def last_zeros_end(counts: np.ndarray) -> int:
    """The position after the last zero that no other count follows; 0 where the last count is none."""
    known = np.flatnonzero(np.isfinite(counts))
    return int(known[-1]) + 1 if len(known) and counts[known[-1]] == 0 else 0


def _fading(counts: np.ndarray, cycle: int) -> float:
    """How much lower than in the two cycles before counts are to be expected, when they fall as they did: at most 1."""
    last, before = np.nansum(counts[-cycle:]), np.nansum(counts[-2 * cycle : -cycle])
    return float(min(max(last / before, 0.0), 1.0)) ** 2 if before > 0 else 1.0
