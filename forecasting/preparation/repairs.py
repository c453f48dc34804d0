"""Repairs of published counts, one function a fault: negative corrections, backlogs after a silence, dumps of old counts, gaps.

Every function takes float arrays of counts per period and returns new ones; none changes what it is given, and every
one keeps the total (but for interpolated gaps). `cycle` is the number of periods in a reporting week (7 for daily counts, 24 for hourly ones, 1
where there is none): a day is compared with the same weekday of the weeks around it.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

#: A correction or a dump reaches back at least this many cycles (4 weeks of days), ...
REACH = 4
#: ... and on until it moves the level by no more than a tenth: less than the usual noise between weeks.
MOST_MOVED = 0.1
#: A dump that would move all of history by more than this is no dump of old counts; it stays.
MOST_DUMPED = 0.5
#: Weeks on either side that tell whether a weekday usually reports (8 weeks in all).
WEEKS_AROUND = 4
#: A silence must be expected to hold this many counts: a Poisson zero is then rarer than 1 in 20,000.
PLENTY = 10.0
#: Zeros are a series' nature, not silences, when more than a quarter of the reporting days around are zero.
NATURAL_ZEROS = 0.25
#: A pile holds at least half of what was missing during the silence before it.
PILE_SHARE = 0.5
#: Cycles (or longer periods) at the end whose zeros say that there will be more of them.
RECENT_CYCLES, RECENT_LONGER = 8, 26
#: The share of them that are zeros, at least: fewer are exceptions.
LEAST_ZEROS = 1 / 12
#: From so many silences on the series tells whether its zeros are figures, ...
LEAST_SILENCES = 5
#: ... which they are when no more than this share of them is followed by a pile.
MOST_PILES = 0.2
#: A dump is at least this many times the largest of its neighbours and of the same weekday three weeks either way.
DUMP_RATIO = 4.0
#: A dump exceeds what is typical by at least this many counts.
DUMP_LEAST = 30.0
#: A dump exceeds what is typical by at least this many Poisson standard deviations.
DUMP_DEVIATIONS = 10.0
#: Periods that must follow a dump to show that the level returned.
DUMP_AFTER = 3


class Repaired(NamedTuple):
    """Counts after a repair: `values`, the positions that were `repaired`, and how many periods `took` a share."""

    values: np.ndarray
    repaired: np.ndarray
    took: int = 0


def spread_corrections(counts: np.ndarray, cycle: int) -> tuple[Repaired, float]:
    """Negative counts spread back over earlier periods in proportion to their counts, and what found no place.

    The corrected period itself gets what is typical for it. The second value (0 or negative) is the part of the
    corrections that exceeds everything counted before.
    """
    negative = np.flatnonzero(counts < 0)
    if not len(negative):
        return Repaired(counts, negative), 0.0
    values, left = counts.copy(), 0.0
    values[negative] = 0.0
    ignored = np.isnan(counts)
    ignored[negative] = True
    for at in negative:
        filled = typical(values, ignored, int(at), int(at) + 1, cycle)[1][0]
        available = float(np.nansum(values[:at]))
        needed = min(filled - counts[at], available)
        _add_back(values, int(at), -needed, cycle)
        values[at] = max(needed + counts[at], 0.0)
        left += min(needed + counts[at], 0.0)
        ignored[at] = False
    return Repaired(values, negative), left


def middle(values: np.ndarray) -> float:
    """The median of figures without NaN: `np.median` takes several times as long for few."""
    half = len(values) // 2
    if len(values) % 2:
        return float(np.partition(values, half)[half])
    ordered = np.partition(values, (half - 1, half))
    return float((ordered[half - 1] + ordered[half]) / 2)


def subtract_in_proportion(counts: np.ndarray, amount: float) -> np.ndarray:
    """`counts` made smaller by `amount` in all, in proportion; all zero when they hold less."""
    held = float(np.nansum(counts))
    return counts * max(1 - amount / held, 0.0) if held > 0 else np.where(np.isnan(counts), np.nan, 0.0)


def _add_back(values: np.ndarray, at: int, amount: float, cycle: int) -> None:
    """Add `amount` (which may be negative) in place to the periods before `at`, in proportion to what they hold."""
    held = np.nancumsum(values[:at][::-1])
    if not len(held) or held[-1] <= 0:
        return
    reach = int(np.searchsorted(held, abs(amount) / MOST_MOVED)) + 1
    reach = min(max(reach, REACH * cycle), at)
    if held[reach - 1] <= 0:
        reach = at
    values[at - reach : at] *= max(1 + amount / held[reach - 1], 0.0)


def typical(
    values: np.ndarray, ignored: np.ndarray, start: int, stop: int, cycle: int
) -> tuple[np.ndarray, np.ndarray]:
    """What the periods from `start` to `stop` would usually hold: a cautious guess and a middle one, both arrays.

    The two nearest values of the same weekday before, and the two after, that are not `ignored`: the smaller of the
    two sides' means is the cautious guess, the median of all is the middle one. 0 where there are none.
    """
    cautious, middle = np.zeros(stop - start), np.zeros(stop - start)
    for at in range(start, min(start + cycle, stop)):
        later = at + cycle * ((stop - 1 - at) // cycle + 1)
        before = _first_two(values, ignored, range(at - cycle, -1, -cycle))
        after = _first_two(values, ignored, range(later, len(values), cycle))
        if not before and not after:
            continue
        sides = [sum(side) / len(side) for side in (before, after) if side]
        cautious[at - start :: cycle] = min(sides)
        around = sorted(before + after)
        half = len(around) // 2
        middle[at - start :: cycle] = around[half] if len(around) % 2 else (around[half - 1] + around[half]) / 2
    return cautious, middle


def _first_two(values: np.ndarray, ignored: np.ndarray, places: range) -> list[float]:
    found: list[float] = []
    for place in places[: 2 * WEEKS_AROUND]:
        if not ignored[place]:
            found.append(float(values[place]))
            if len(found) == 2:
                break
    return found


def usually_silent(counts: np.ndarray, cycle: int) -> np.ndarray:
    """Which periods fall on a weekday that usually reports nothing, judged by the weeks before and by those after.

    Only weeks that report anything count, so that a long silence does not explain itself. A boolean array.
    """
    size = len(counts)
    if cycle == 1 or size < 2 * cycle:
        return np.zeros(size, dtype=bool)
    silent = ~(counts > 0)
    if not silent.any():
        return silent
    active = np.convolve(~silent, np.ones(2 * (cycle // 2) + 1), mode="same") > 0
    weeks = -(-size // cycle)
    padded = np.zeros((2, weeks * cycle))
    padded[0, :size] = silent & active
    padded[1, :size] = active
    sums = np.zeros((2, weeks + 1, cycle))
    np.cumsum(padded.reshape(2, weeks, cycle), axis=1, out=sums[:, 1:])
    week = np.arange(weeks)
    before = sums[:, week] - sums[:, np.maximum(week - WEEKS_AROUND, 0)]
    after = sums[:, np.minimum(week + 1 + WEEKS_AROUND, weeks)] - sums[:, week + 1]
    usual = [(zeros >= 0.5 * known) & (known >= 2) for zeros, known in (before, after)]
    return (usual[0] | usual[1]).reshape(-1)[:size]


def spread_piles(counts: np.ndarray, cycle: int) -> Repaired:
    """Piles that follow a silence spread back over it, weighted by what is usual for each weekday.

    A silence is a run of zeros or NaN that the weekday does not explain, in a series that counts plenty around it. Where
    most of such zeros are followed by no pile they are figures, and only what chance cannot explain is a pile.
    """
    repaired, judged = _spread_piles(counts, cycle, 1.0)
    if len(repaired.repaired) and _are_figures(len(repaired.repaired), len(judged)):
        repaired, _ = _spread_piles(counts, cycle, _dispersion(counts, cycle))
    return repaired


def longest_true_zeros(counts: np.ndarray, cycle: int) -> int:
    """How many unexplained zeros in a row are figures in this series, as no pile follows them; 0 where zeros are silences."""
    repaired, judged = _spread_piles(counts, cycle, 1.0)
    return max(judged) if _are_figures(len(repaired.repaired), len(judged)) else 0


def has_true_zeros(counts: np.ndarray, cycle: int) -> bool:
    """Whether single zeros among the last of these repaired counts are figures, though no chance at this level makes them."""
    recent = RECENT_CYCLES * cycle if cycle > 1 else RECENT_LONGER
    zeros = counts == 0
    if not zeros.any():
        return False
    zeros &= ~usually_silent(counts, cycle)
    zeros[1:] &= counts[:-1] > 0
    return bool(zeros[-recent:].mean() >= LEAST_ZEROS and longest_true_zeros(counts, cycle))


def _are_figures(piles: int, silences: int) -> bool:
    return silences >= LEAST_SILENCES and piles < MOST_PILES * silences


def _spread_piles(counts: np.ndarray, cycle: int, dispersion: float) -> tuple[Repaired, list[int]]:
    """`spread_piles` for noise so many times that of Poisson counts, and the lengths of the runs of zeros that were judged."""
    silent = ~(counts > 0)
    if not silent.any():
        return Repaired(counts, np.array([], dtype=int)), []
    doubtful = silent & ~usually_silent(counts, cycle)
    edges = np.diff(np.concatenate(([0], silent.view(np.int8), [0])))
    starts, stops = np.flatnonzero(edges == 1), np.flatnonzero(edges == -1)
    inside = stops < len(counts)
    values, piles, took, judged = counts, [], 0, []
    for start, stop in zip(starts[inside], stops[inside], strict=True):
        if not doubtful[start:stop].any():
            continue
        start = int(start + np.argmax(doubtful[start:stop]))
        expected = _expected_of_silence(values, doubtful, start, int(stop), cycle)
        if expected is None:
            continue
        if (counts[start:stop] == 0).any():
            judged.append(int(stop - start))
        if counts[stop] >= PLENTY and expected.is_pile(counts[stop], dispersion):
            values = values.copy() if values is counts else values
            values[start : stop + 1] = counts[stop] * (expected.each / expected.each.sum())
            piles.append(stop)
            took += stop - start
    return Repaired(values, np.array(piles, dtype=int), int(took)), judged


class _Expected(NamedTuple):
    """What a silence, and the period after it, would have held: `each` of them, and what is `usual` for the last alone."""

    each: np.ndarray
    usual: float

    def is_pile(self, count: float, dispersion: float) -> bool:
        """Whether the `count` after the silence is so large that it holds what was missing."""
        excess = count - self.usual
        return bool(
            excess >= PILE_SHARE * self.each[:-1].sum() and excess >= 5 * np.sqrt(dispersion * (self.usual + 1))
        )


def _expected_of_silence(
    values: np.ndarray, doubtful: np.ndarray, start: int, stop: int, cycle: int
) -> _Expected | None:
    """What the periods from `start` to `stop`, the first that is heard of again, would usually hold; None where zeros are natural."""
    around = slice(max(start - REACH * 7, 0), start), slice(stop + 1, stop + 1 + REACH * 7)
    if max((doubtful[side].mean() for side in around if len(doubtful[side])), default=1.0) > NATURAL_ZEROS:
        return None
    cautious, middle = typical(values, doubtful, start, stop + 1, cycle)
    usual = middle[-1] if cycle == 1 else typical(values, doubtful, stop, stop + 1, cycle)[1][0]
    return _Expected(middle, float(usual)) if cautious[:-1].sum() >= PLENTY else None


def _dispersion(counts: np.ndarray, cycle: int) -> float:
    """The variance of counts between a cycle and the next, robustly, over that of Poisson counts; at least 1."""
    before, after = counts[:-cycle], counts[cycle:]
    heard = (np.nan_to_num(before) > 0) & (np.nan_to_num(after) > 0)
    changes = (after[heard] - before[heard]) / np.sqrt(before[heard] + after[heard])
    return max(float(1.4826 * np.median(np.abs(changes))) ** 2, 1.0) if len(changes) else 1.0


def spread_dumps(counts: np.ndarray, cycle: int) -> Repaired:
    """Day-long dumps of old counts, many times what is around them, spread back over the weeks before.

    Only where the level returned afterwards; the day itself keeps what is typical for it.
    """
    size, first = len(counts), REACH * cycle
    heard, last = np.where(np.isnan(counts), 0.0, counts), max(size - DUMP_AFTER, first)
    beside = np.maximum(heard[first - 1 : last - 1], heard[first + 1 : last + 1])
    here = heard[first:last]
    places = first + np.flatnonzero((here >= DUMP_LEAST) & (here >= DUMP_RATIO * beside))  # few are left
    if not len(places):
        return Repaired(counts, places)
    shifts = sorted({side * step * k for side in (-1, 1) for step in (1, cycle) for k in (1, 2, 3)})
    around = places[:, None] + np.array(shifts)
    held = np.where((around >= 0) & (around < size), heard[np.clip(around, 0, size - 1)], 0.0)
    places = places[counts[places] >= DUMP_RATIO * held.max(axis=1)]
    values, dumps = counts, []
    for at in places:
        usual = typical(values, np.isnan(values), int(at), int(at) + 1, cycle)[1][0]
        excess = counts[at] - usual
        before = np.nansum(values[:at])
        if counts[at] < DUMP_RATIO * _since_last_report(values, int(at), cycle):
            continue
        if excess < DUMP_LEAST + DUMP_DEVIATIONS * np.sqrt(usual) or excess > MOST_DUMPED * before:
            continue
        values = values.copy() if values is counts else values
        _add_back(values, int(at), excess, cycle)
        values[at] = usual
        dumps.append(at)
    return Repaired(values, np.array(dumps, dtype=int))


def _since_last_report(values: np.ndarray, at: int, cycle: int) -> float:
    """What a report at `at` would hold of the periods since the one before, at the higher of the levels around.

    So a weekly report that comes a day early is not taken for a dump of old counts.
    """
    span = 3 * cycle
    around = [side for side in (values[max(at - span, 0) : at], values[at + 1 : at + 1 + span]) if len(side)]
    reported = np.flatnonzero(np.nan_to_num(values[max(at - span, 0) : at]))
    periods = min(at, span) - int(reported[-1]) if len(reported) else span
    return periods * max(float(np.nan_to_num(side).mean()) for side in around)


def fill_gaps(counts: np.ndarray, cycle: int) -> Repaired:
    """NaN filled: with 0 on weekdays that usually report nothing, else between the same weekdays around them.

    Interpolation is linear on the square-root scale, on which the noise of counts is even. `repaired` holds the
    interpolated ones only.
    """
    gaps = np.isnan(counts)
    if not gaps.any():
        return Repaired(counts, np.flatnonzero(gaps))
    values = np.where(gaps & usually_silent(counts, cycle), 0.0, counts)
    gaps = np.isnan(values)
    for phase in range(cycle):
        part = values[phase::cycle]
        known = np.flatnonzero(~np.isnan(part))
        if len(known):
            part[:] = np.where(np.isnan(part), np.interp(np.arange(len(part)), known, np.sqrt(part[known])) ** 2, part)
    known = np.flatnonzero(~np.isnan(values))
    values = np.where(np.isnan(values), np.interp(np.arange(len(values)), known, values[known]), values)
    return Repaired(values, np.flatnonzero(gaps))
