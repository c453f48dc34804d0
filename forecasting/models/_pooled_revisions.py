"""Correction of a table's last rows by what such rows became in the tables that were published after them.

Each pair of tables that follow each other tells by how much rows of each age grew from one to the next. Such increments are
averaged over the last weeks, drawn from each region towards all regions, and added up from a row's age on.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

#: Ages, in blocks, at which a row may still be revised.
AGES = 6
#: Blocks between two tables that are compared, at most: else a row's age is not known well enough.
MOST_BLOCKS_APART = 1
#: Limits of one increment, on the log scale of counts + 1.
INCREMENT_LIMITS = (-0.25, 0.4)
#: Limits of a whole correction, on the same scale.
CORRECTION_LIMITS = (-0.3, 0.6)
#: The count at which an increment has half of its weight, and the count beyond which the weight grows no more.
HALF_WEIGHT, MOST_WEIGHT = 10.0, 40.0
#: Blocks after which an increment counts half.
HALF_LIFE = 6.0
#: Increments of size 0 that those of all regions are averaged with, for each ten regions.
PRIOR_OF_ALL = 8.0
#: Increments of all regions that a region's own are averaged with.
PRIOR_OF_REGION = 8.0


def corrected_tables(tables: Sequence[np.ndarray]) -> list[np.ndarray]:
    """Published tables, shortest first, each corrected by what is known from those up to it; the last is the present one.

    Args:
        tables: shape (blocks, regions) each, counts, beginning with the same block; NaN where nothing was published.
    """
    regions = tables[-1].shape[1]
    sums, weights = np.zeros((AGES, regions)), np.zeros((AGES, regions))
    found = [tables[0]]
    for before, now in pairwise(tables):
        passed = max(len(now) - len(before), 0)
        sums, weights = sums * 0.5 ** (passed / HALF_LIFE), weights * 0.5 ** (passed / HALF_LIFE)
        if passed <= MOST_BLOCKS_APART:
            for age in range(min(AGES, len(before))):
                increment, weight = _increment(before[-1 - age], now[len(before) - 1 - age])
                sums[age] += weight * increment
                weights[age] += weight
        found.append(_corrected(now, _usual_increments(sums, weights)))
    return found


def _increment(before: np.ndarray, now: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """By how much each region's row has grown, and what that counts."""
    known = np.isfinite(before) & np.isfinite(now)
    old, new = np.where(known, before, 0.0), np.where(known, now, 0.0)
    size = np.clip(old, 0.0, MOST_WEIGHT)
    return np.clip(np.log((new + 1) / (old + 1)), *INCREMENT_LIMITS), np.where(known, size / (size + HALF_WEIGHT), 0.0)


def _usual_increments(sums: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Shape (ages, regions): the usual increment of each age and region."""
    everywhere = sums.sum(axis=1) / (weights.sum(axis=1) + PRIOR_OF_ALL * sums.shape[1] / 10)
    return (sums + PRIOR_OF_REGION * everywhere[:, None]) / (weights + PRIOR_OF_REGION)


def _corrected(table: np.ndarray, increments: np.ndarray) -> np.ndarray:
    still_to_come = np.clip(np.cumsum(increments[::-1], axis=0)[::-1], *CORRECTION_LIMITS)
    count = min(AGES, len(table))
    corrected = table.copy()
    corrected[-count:] = (table[-count:] + 1) * np.exp(still_to_come[:count][::-1]) - 1
    return np.where(np.isfinite(corrected), np.maximum(corrected, 0.0), corrected)
