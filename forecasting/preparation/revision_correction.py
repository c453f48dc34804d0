"""Correct the last counts by their usual revisions, learned from vintages; without vintages, doubt a last count that fell too deep.

Hospitals report late, so the last counts are too low again and again by about as much, each region by its own measure.
Where a source tells what was published when, that measure is learned, as in the chain ladder of insurers (Mack 1993,
ASTIN Bulletin 23) but from each age to the settled figure at once and by medians, and drawn towards that of the whole
panel where a region has few such figures (James & Stein's idea). Elsewhere only a last count that fell deeper than the
series ever does is doubted. Counts only: a running total hardly changes when its last day does.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from forecasting.data.columns import AS_OF, DATE, REGION, STATISTIC, VALUE
from forecasting.data.frequency import Frequency
from forecasting.data.panel import Published, Statistic
from forecasting.data.panel_cache import PanelCache, PerPanel
from forecasting.data.revisions import LEAST_CHANGE, SETTLED_AGE
from forecasting.data.series import Series
from forecasting.preparation.messages import correction_sentence, doubt_sentence, raised_sentence
from forecasting.preparation.repairs import middle

#: Figures are settled, and no longer corrected, after so many weeks of days or days of hours, or `SETTLED_AGE` longer periods.
CYCLES = 2
#: Figures below this are left out of what is learned; they change by large shares for nothing.
LEAST_COUNT = 10.0
#: So many different dates must have settled before anything is learned: all regions share what went wrong on one.
LEAST_DATES = 4
#: The panel counts as much as so many figures of the region's own.
POOLED = 8.0
#: This share of revisions must have gone the same way, or nothing is corrected: the median of ups and downs is chance.
AGREE = 0.7
#: Statistics of a panel of which what was learned is kept.
STATISTICS_KEPT = 8
#: Vintages of a panel, all statistics together, of which what was learned is kept.
VINTAGES_KEPT = 64

#: Without vintages: a last count is doubted below so many robust standard deviations, ...
DEVIATIONS = 2.0
#: ... where the count before it was at least this, ...
LEAST_LEVEL = 20.0
#: ... with so many earlier changes to judge by, and two cycles of them.
LEAST_CHANGES = 12
#: Changes are never taken to vary by less than this (10 %).
LEAST_DEVIATION = 0.1


@dataclass(frozen=True)
class UsualRevision:
    """How the counts of one region are revised until they are settled, by their age in periods.

    Attributes:
        factors: shape (ages,), of the settled figure over the published one; 1 where that is not worth a correction.
        doubt: shape (ages,), how far off that was on the log scale, as a mean of absolute differences: their standard
            deviation would let a few wild revisions widen all bands.
        count: how many earlier dates it was learned from.
        others: how many other regions it was drawn towards.
    """

    factors: np.ndarray
    doubt: np.ndarray
    count: int
    others: int


def usual_revisions(published: Published, asked: Statistic, frequency: Frequency) -> dict[str, UsualRevision]:
    """For each region what is usual, by the vintages up to that of `published`; empty where too little has settled."""
    whole, column, at = published.whole, asked.column, published.date_of(asked.column)
    if asked.reported_cumulative or at is None:
        return {}

    def young() -> _Young:
        return whole.get(_YOUNG, column, lambda: _arranged(whole, column, frequency))

    return whole.get(_LEARNED, (column, at), lambda: _learn(young(), at))


def correct_last_counts(series: Series, usual: UsualRevision, at: pd.Timestamp) -> Series:
    """`series` with its last counts as such counts usually become; `at` is when they were published.

    A last count that is still too low for its own past is raised further, where figures are revised at all.
    """
    age = max(len(series.frequency.between(series.origin, at)) - 1, 0)
    count = min(len(usual.factors) - age, len(series))
    if count <= 0:
        return series
    values, doubt = series.values.copy(), usual.doubt[age : age + count][::-1].copy()
    values[-count:] *= usual.factors[age : age + count][::-1]
    short = _short(values, series.frequency.cycle) if doubt[-1] >= LEAST_CHANGE else 0.0
    if short:
        values[-1] = (values[-1] + 1) * np.exp(short) - 1
        doubt[-1] = np.hypot(doubt[-1], short)
    worth = np.flatnonzero(doubt >= LEAST_CHANGE)
    changed = np.flatnonzero(values != series.values)
    reported = pd.Series(series.values[changed], index=series.dates[changed]) if len(changed) else None
    learned_from = changed[:-1] if short else changed
    notes = list(series.notes)
    if len(learned_from):
        factors = values[learned_from] / series.values[learned_from]
        known = (usual.count, usual.others)
        notes.append(correction_sentence(series.dates[learned_from], factors, *known, series.frequency))
    if short:
        notes.append(raised_sentence(series.values[-1], values[-1], series.origin, series.frequency))
    kept = tuple(doubt[worth[0] :].tolist()) if len(worth) else ()
    return replace(series, values=values, reported=reported, doubt=kept, notes=tuple(notes))


def doubt_last_count(series: Series) -> Series:
    """`series` with its last count in doubt, where that fell deeper than it usually can; the count itself stays.

    It is not raised to what was possible: where figures are settled such falls are real. Upward nothing is doubted, for
    too many jumps stay up.
    """
    short = _short(series.values, series.frequency.cycle)
    if not short or (series.true_zeros and series.values[-1] == 0):
        return series
    note = doubt_sentence(series.values[-1], series.origin, series.frequency)
    return replace(series, doubt=(short,), notes=(*series.notes, note))


def _short(values: np.ndarray, cycle: int) -> float:
    """How much too low the last of `values` is, on the log scale, for what its past makes possible; 0 if it is not."""
    if len(values) <= cycle or values[-1 - cycle] < LEAST_LEVEL:
        return 0.0
    earlier, later = values[:-cycle], values[cycle:]
    changes = np.log((later + 1) / (earlier + 1))
    history = changes[:-1][earlier[:-1] >= LEAST_LEVEL]
    if len(history) < max(LEAST_CHANGES, 2 * cycle):
        return 0.0
    centre = middle(history)
    deviation = max(1.4826 * middle(np.abs(history - centre)), LEAST_DEVIATION)
    short = float(centre - DEVIATIONS * deviation - changes[-1])
    return short if short >= LEAST_CHANGE else 0.0


@dataclass(frozen=True)
class _Young:
    """What one statistic's figures were when they were first published at each age, and every vintage of them.

    Attributes:
        regions: their names.
        first: shape (regions, ages, dates), the figures.
        seen: of the same shape, the vintage that each was in; -1 for none.
        settled: shape (vintages, dates), whether a date was settled by then.
        places, values: by vintage, flat positions among regions × dates, and the figures there.
        published: when the vintages were.
    """

    regions: list[str]
    first: np.ndarray
    seen: np.ndarray
    settled: np.ndarray
    places: list[np.ndarray]
    values: list[np.ndarray]
    published: pd.DatetimeIndex


_LEARNED: PerPanel[dict[str, UsualRevision]] = PerPanel(VINTAGES_KEPT)
_YOUNG: PerPanel[_Young] = PerPanel(STATISTICS_KEPT)


def _arranged(whole: PanelCache, column: str, frequency: Frequency) -> _Young:
    table = whole.table
    rows = table[(table[STATISTIC] == column).to_numpy()]
    region, names = pd.factorize(rows[REGION])
    date, dates = pd.factorize(rows[DATE], sort=True)
    published = whole.vintages.of(column)
    vintage = published.searchsorted(rows[AS_OF])
    value = rows[VALUE].to_numpy(float, na_value=np.nan)
    grid = frequency.between(min(dates[0], published[0]), published[-1])
    ages = grid.searchsorted(published, side="right")[:, None] - grid.searchsorted(dates, side="right")
    age, most = ages[vintage, date], _settled(frequency)
    shape = (len(names), most, len(dates))
    first, seen = np.full(shape, np.nan), np.full(shape, -1, dtype=np.int32)
    # Backwards, so that what was published first at an age is what stays.
    young = np.flatnonzero((age >= 0) & (age < most) & ~np.isnan(value))
    young = young[np.argsort(-vintage[young], kind="stable")]
    first[region[young], age[young], date[young]] = value[young]
    seen[region[young], age[young], date[young]] = vintage[young]
    order = np.argsort(vintage, kind="stable")
    bounds = np.searchsorted(vintage[order], np.arange(1, len(published)))
    places = np.split((region * len(dates) + date)[order], bounds)
    values = np.split(value[order], bounds)
    return _Young([str(name) for name in names], first, seen, ages >= most, places, values, published)


def _settled(frequency: Frequency) -> int:
    """The age, in periods, at which a figure is settled."""
    cycle = frequency.cycle
    return CYCLES * cycle if cycle > 1 else SETTLED_AGE


def _learn(young: _Young, at: pd.Timestamp) -> dict[str, UsualRevision]:
    place = int(young.published.searchsorted(at))
    final = np.full((len(young.regions), young.first.shape[2]), np.nan)
    final.flat[young.places[place]] = young.values[place]
    known = (young.seen >= 0) & (young.seen <= place) & young.settled[place]
    known &= (young.first >= LEAST_COUNT) & (final > 0)[:, None]
    dates = known.any(axis=(0, 1))
    known, first, final = known[..., dates], young.first[..., dates], final[:, dates]
    ratios = np.full(known.shape, np.nan)
    np.log(np.where(known, final[:, None] / np.where(known, first, 1.0), 1.0), out=ratios, where=known)
    enough = known.any(axis=0).sum(axis=1) >= LEAST_DATES
    if not enough.any():
        return {}
    centre, spread, count = _pooled(ratios)
    centre, spread = np.where(enough, centre, 0.0), np.where(enough, spread, 0.0)
    factors = np.exp(centre)
    factors[np.abs(factors - 1) < LEAST_CHANGE] = 1.0
    others = len(young.regions) - 1
    return {name: UsualRevision(factors[i], spread[i], int(count[i]), others) for i, name in enumerate(young.regions)}


def _pooled(ratios: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Each region's usual revision and how far off that was, by age, drawn towards the panel's; and from how many dates.

    Args:
        ratios: shape (regions, ages, dates), log ratios; NaN where there is none.

    Returns:
        Two arrays of shape (regions, ages) and one of shape (regions,).
    """
    count = (~np.isnan(ratios)).sum(axis=2)
    together = np.moveaxis(ratios, 1, 0).reshape(1, ratios.shape[1], -1)
    weight = count / (count + POOLED)
    centre = weight * _agreed(ratios) + (1 - weight) * _agreed(together)
    off = np.nansum(np.abs(ratios - centre[..., None]), axis=2)
    shared = off.sum(axis=0) / np.maximum(count.sum(axis=0), 1)
    return centre, (off + POOLED * shared) / (count + POOLED), count.max(axis=1)


def _agreed(values: np.ndarray) -> np.ndarray:
    """The median along the last axis, less NaN; 0 where there is none, or fewer than `AGREE` are of its sign."""
    low, middle, high = _quantiles(values, (1 - AGREE, 0.5, AGREE))
    return np.where((low > 0) | (high < 0), middle, 0.0)


def _quantiles(values: np.ndarray, levels: Sequence[float]) -> list[np.ndarray]:
    """Along the last axis, less NaN; 0 where nothing is left (numpy's own is far slower on many short rows)."""
    ordered = np.sort(values, axis=-1)
    last = np.maximum((~np.isnan(values)).sum(axis=-1) - 1, 0)
    found = []
    for level in levels:
        below = np.floor(level * last).astype(int)
        above = np.minimum(below + 1, last)
        low, high = (np.take_along_axis(ordered, at[..., None], axis=-1)[..., 0] for at in (below, above))
        found.append(np.nan_to_num(low + (high - low) * (level * last - below)))
    return found
