"""The rows that a pooled model's trees learn from: every region at every block, and what it became.

Where a table was published before, the features of its last block are those of then and the target is what the counts became
in the newest table, so what is learned is what will be asked: to forecast from figures that are not final.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from forecasting.models._pooled_experts import fourth_root
from forecasting.models._pooled_features import MOST_AHEAD, OFFSET, Features, Standardised, features_of

#: Blocks, the last ones, that are learned from.
LEARNED_BLOCKS = 208
#: Rows that are learned from, at most.
MOST_ROWS = 40_000
#: Blocks after which an error counts half for the width of bands.
HALF_LIFE_OF_ERRORS = 60.0
#: What the error of a row counts that was not published as it is then, but only later.
SETTLED_WEIGHT = 0.5


@dataclass(frozen=True)
class TrainingRows:
    """Rows of all horizons below each other.

    Attributes:
        features: of the block that each row begins with.
        region, ahead: shape (rows,), which region, and how many blocks ahead.
        change: shape (rows,), the change of the root over those blocks, in the region's spread.
        age: shape (rows,), blocks from the row's first block to the newest one.
        counts: shape (rows,), what the row's error counts.
    """

    features: Features
    region: np.ndarray
    ahead: np.ndarray
    change: np.ndarray
    age: np.ndarray
    counts: np.ndarray

    def inputs(self, with_season: bool) -> np.ndarray:
        """Shape (rows, features), as `Features.inputs`."""
        return self.features.inputs(self.ahead, with_season)


def training_rows(
    published: Sequence[np.ndarray], newest: np.ndarray, roots: Standardised, year: int | None
) -> TrainingRows:
    """All rows of `newest` whose outcome is known; at most `MOST_ROWS`, drawn with one seed.

    Args:
        published: the table as published earlier, shortest first, each beginning with the same block.
        newest: shape (blocks, regions), counts.
        roots: those of `newest`, standardised.
        year: blocks in a year, None where a year means nothing.
    """
    first = max(len(newest) - LEARNED_BLOCKS, 0)
    blocks = np.arange(first, len(newest) - 1)
    features, root = features_of(roots.values, blocks, year), fourth_root(newest + OFFSET)
    start, spread = root[blocks].copy(), np.repeat(roots.spread[None], len(blocks), axis=0)
    counts = np.full(len(blocks), SETTLED_WEIGHT)
    for table in published:
        block = len(table) - 1
        if not max(first, 2) <= block < len(newest) - 1:
            continue
        then, row = Standardised.of(table), block - first
        features.put(row, features_of(then.values, np.array([block]), year))
        start[row], spread[row], counts[row] = fourth_root(table[-1] + OFFSET), then.spread, 1.0
    came = np.full((MOST_AHEAD, *start.shape), np.nan)
    for ahead in range(1, min(MOST_AHEAD, len(blocks)) + 1):
        came[ahead - 1, : len(blocks) + 1 - ahead] = root[first + ahead :]
    change = (came - start) / spread
    cells = np.argwhere(np.isfinite(change) & np.isfinite(features.own[..., 0]))
    if len(cells) > MOST_ROWS:
        cells = cells[np.sort(np.random.default_rng(0).choice(len(cells), MOST_ROWS, replace=False))]
    step, place, region = cells[:, 0], cells[:, 1], cells[:, 2]
    age = len(newest) - 1 - blocks[place]
    return TrainingRows(
        features.of(place, region),
        region,
        step + 1,
        change[step, place, region],
        age,
        0.5 ** (age / HALF_LIFE_OF_ERRORS) * counts[place],
    )
