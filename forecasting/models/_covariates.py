"""Covariates of a pool in blocks of the counts' own, and which of them are of no use, in sentences."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from forecasting.data.formatting import day
from forecasting.data.pool import Pool
from forecasting.data.series import Series
from forecasting.models._experts import LEAST_BLOCKS


@dataclass(frozen=True)
class Covariates:
    """What may be learned from.

    Attributes:
        tables: shape (blocks, regions) each, NaN where nothing is known.
        notes: a sentence for each that is left out.
    """

    tables: tuple[np.ndarray, ...] = ()
    notes: tuple[str, ...] = ()


def usable(pool: Pool, series: Sequence[Series], counts: np.ndarray, periods: int) -> Covariates:
    """Those covariates of `pool` that move and are known to the end, together, of at least half of the regions.

    Args:
        series: the regions' counts, in the pool's order; blocks are counted back from the end of each.
        counts: shape (blocks, regions), what is to be forecast.
        periods: in a block.
    """
    if not pool.covariates:
        return Covariates()
    if len(counts) < LEAST_BLOCKS:
        least, names = pool.frequency.steps(LEAST_BLOCKS * periods), " and ".join(f"'{one}'" for one in pool.covariates)
        return Covariates(notes=(f"Before there are {least} of figures {names} cannot be used.",))
    place = {region: column for column, region in enumerate(pool.regions)}
    columns = [place[one.region] for one in series]
    ends = np.array([int(pool.dates.searchsorted(one.origin)) + 1 for one in series])
    there = np.isfinite(counts[-1])
    known, tables, notes = there, [], []
    for name, figures in pool.covariates.items():
        own = _up_to(figures[:, columns], ends)
        table = _means(own, ends, len(counts), periods)
        both = known & np.isfinite(table[-1])
        why_not = _why_not(pool, own[:, there], table[:, there], int(both.sum()))
        if why_not:
            notes.append(f"'{name}' {why_not}, so it is not used.")
        else:
            known = both
            tables.append(table)
    return Covariates(tuple(tables), tuple(notes))


def _up_to(figures: np.ndarray, ends: np.ndarray) -> np.ndarray:
    """Without what is known of each region beyond the end of its counts."""
    return np.where(np.arange(len(figures))[:, None] < ends, figures, np.nan)


def _means(figures: np.ndarray, ends: np.ndarray, rows: int, periods: int) -> np.ndarray:
    """Of the figures in each block; as many `rows` as the counts have, which end with the last end of any region."""
    table = np.full((rows, len(ends)), np.nan)
    for column, end in enumerate(ends):
        last = rows - (ends.max() - end) // periods
        count = min(-(-end // periods), last)
        own = figures[max(end - count * periods, 0) : end, column]
        own = np.concatenate([np.full(count * periods - len(own), np.nan), own]).reshape(count, periods)
        known = np.isfinite(own)
        sums = np.where(known, own, 0.0).sum(axis=1)
        table[last - count : last, column] = np.divide(
            sums, known.sum(axis=1), out=np.full(count, np.nan), where=known.any(axis=1)
        )
    return table


def _why_not(pool: Pool, figures: np.ndarray, table: np.ndarray, told: int) -> str:
    """Why a covariate is of no use; empty where it is. With those before it, it is known to the end of `told` regions."""
    known = np.isfinite(table)
    if not known.any():
        return "has no figure in this time"
    if not (np.where(known, table, -np.inf).max(axis=0) > np.where(known, table, np.inf).min(axis=0)).any():
        return "never changes in any region"
    regions = len(known[-1])
    if 2 * told >= regions:
        return ""
    if 2 * known[-1].sum() >= regions:
        return "is known of other regions than the covariates before it"
    if 2 * known.any(axis=0).sum() < regions:
        return f"is known of {known.any(axis=0).sum()} of {regions} regions only"
    stopped = np.isfinite(figures[:, known.any(axis=0) & ~known[-1]])
    lasts = np.sort(len(figures) - 1 - np.argmax(stopped[::-1], axis=0))
    return f"ends on {day(pool.dates[lasts[len(lasts) // 2]])}"
