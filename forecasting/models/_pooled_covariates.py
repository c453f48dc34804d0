"""Covariate tables for the pooled model: averaged over blocks as the counts are, with a sentence for each that is left out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from forecasting.data.formatting import format_date
from forecasting.data.pool import Pool
from forecasting.data.series import Series
from forecasting.models._pooled_experts import LEAST_BLOCKS


@dataclass(frozen=True)
class UsableCovariates:
    """The covariates that an autoregression can use.

    Attributes:
        tables: shape (blocks, regions) each, NaN where nothing is known.
        notes: a sentence for each that is left out.
    """

    tables: tuple[np.ndarray, ...] = ()
    notes: tuple[str, ...] = ()


def usable_covariates(pool: Pool, series: Sequence[Series], counts: np.ndarray, periods: int) -> UsableCovariates:
    """Select the covariates of `pool` that vary and are known to the end, together, for at least half of the regions.

    Args:
        series: the regions' counts, in the pool's order; blocks are counted back from the end of each.
        counts: shape (blocks, regions), what is to be forecast.
        periods: how many make a block.
    """
    if not pool.covariates:
        return UsableCovariates()
    if len(counts) < LEAST_BLOCKS:
        least, names = pool.frequency.steps(LEAST_BLOCKS * periods), " and ".join(f"'{one}'" for one in pool.covariates)
        return UsableCovariates(notes=(f"Before there are {least} of figures {names} cannot be used.",))
    place = {region: column for column, region in enumerate(pool.regions)}
    columns = [place[one.region] for one in series]
    ends = np.array([int(pool.dates.searchsorted(one.origin)) + 1 for one in series])
    there = np.isfinite(counts[-1])
    known, tables, notes = there, [], []
    for name, figures in pool.covariates.items():
        own = _blank_beyond(figures[:, columns], ends)
        table = _block_means(own, ends, len(counts), periods)
        both = known & np.isfinite(table[-1])
        why_not = _why_unusable(pool, own[:, there], table[:, there], int(both.sum()))
        if why_not:
            notes.append(f"'{name}' {why_not}, so it is not used.")
        else:
            known = both
            tables.append(table)
    return UsableCovariates(tuple(tables), tuple(notes))


def _blank_beyond(figures: np.ndarray, ends: np.ndarray) -> np.ndarray:
    """Set to NaN what is known of each region beyond the end of its counts."""
    return np.where(np.arange(len(figures))[:, None] < ends, figures, np.nan)


def _block_means(figures: np.ndarray, ends: np.ndarray, rows: int, periods: int) -> np.ndarray:
    """The mean of the figures in each block; as many `rows` as the counts have, which end with the last end of any region."""
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


def _why_unusable(pool: Pool, figures: np.ndarray, table: np.ndarray, known_regions: int) -> str:
    """Why a covariate cannot be used; empty where it can. Together with those before it, it is known for `known_regions` regions."""
    known = np.isfinite(table)
    if not known.any():
        return "has no figure in this time"
    if not (np.where(known, table, -np.inf).max(axis=0) > np.where(known, table, np.inf).min(axis=0)).any():
        return "never changes in any region"
    regions = len(known[-1])
    if 2 * known_regions >= regions:
        return ""
    if 2 * known[-1].sum() >= regions:
        return "is known of other regions than the covariates before it"
    if 2 * known.any(axis=0).sum() < regions:
        return f"is known of {known.any(axis=0).sum()} of {regions} regions only"
    stopped = np.isfinite(figures[:, known.any(axis=0) & ~known[-1]])
    lasts = np.sort(len(figures) - 1 - np.argmax(stopped[::-1], axis=0))
    return f"ends on {format_date(pool.dates[lasts[len(lasts) // 2]])}"
