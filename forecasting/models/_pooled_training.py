"""The rows that a pooled model's trees learn from: every region at every block, and what it became.

Where a table was published before, the features of its last block are those of then and the target is what the counts became
in the newest table, so what is learned is what will be asked: to forecast from figures that are not final.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields

import numpy as np

from forecasting.models._pooled_experts import fourth_root
from forecasting.models._pooled_features import OFFSET, Calendar, Features, Standardised, features_of

#: Blocks, the last ones, that are learned from.
LEARNED_BLOCKS = 208
#: Rows that are learned from, at most.
MOST_ROWS = 30_000
#: Blocks after which an error counts half for the width of bands.
HALF_LIFE_OF_ERRORS = 60.0
#: What the error of a row counts that was not published as it is then, but only later.
SETTLED_WEIGHT = 0.5


@dataclass(frozen=True)
class LearnedTable:
    """A table of counts to learn from: the one to forecast, or one of another statistic of the same regions.

    Attributes:
        newest: shape (blocks, regions), counts; NaN where nothing was published.
        published: the same as published earlier, shortest first, each beginning with the same block.
        calendar: where in the year its blocks lie.
        ended: how many blocks before the table to forecast it ends.
    """

    newest: np.ndarray
    published: Sequence[np.ndarray]
    calendar: Calendar
    ended: int = 0


@dataclass(frozen=True)
class TrainingRows:
    """Rows of several numbers of blocks ahead below each other.

    Attributes:
        features: of the block that each row begins with.
        region, ahead: shape (rows,), which region (of all tables, those of the first one first), and how many blocks ahead.
        change: shape (rows,), the change of the root over those blocks, in the region's spread.
        age: shape (rows,), blocks from the row's first block to the newest one of the table to forecast.
        counts: shape (rows,), what the row's error counts.
    """

    features: Features
    region: np.ndarray
    ahead: np.ndarray
    change: np.ndarray
    age: np.ndarray
    counts: np.ndarray


@dataclass(frozen=True)
class Said:
    """What a learner says of some rows.

    Attributes:
        change: shape (asked,), the change that it expects of what it was asked.
        left_out: shape (rows,), what it said of each row that it learned from when that row's time was left out; NaN
            where it never was.
        inputs, asked: what it saw of the rows and of what it was asked.
    """

    change: np.ndarray
    left_out: np.ndarray
    inputs: np.ndarray
    asked: np.ndarray


#: Learns from rows and says what it expects of these features, each so many blocks ahead.
Learner = Callable[[TrainingRows, Features, np.ndarray], Said]


def rows_of_tables(tables: Sequence[LearnedTable], steps: range) -> TrainingRows:
    """The rows of several tables below each other, so many blocks ahead."""
    parts = [training_rows(table, steps) for table in tables]
    first = np.cumsum([0, *(table.newest.shape[1] for table in tables[:-1])])
    features = [np.concatenate([getattr(part.features, one.name) for part in parts]) for one in fields(Features)]
    regions = np.concatenate([part.region + offset for part, offset in zip(parts, first, strict=True)])
    others = [np.concatenate([getattr(part, name) for part in parts]) for name in ("ahead", "change", "age", "counts")]
    return TrainingRows(Features(*features), regions, *others)


def training_rows(table: LearnedTable, steps: range) -> TrainingRows:
    """The rows of `table` whose outcome so many blocks ahead is known; at most `MOST_ROWS`, drawn with one seed."""
    newest, roots = table.newest, Standardised.of(table.newest)
    first = max(len(newest) - LEARNED_BLOCKS, 0)
    blocks = np.arange(first, len(newest) - 1)
    features, root = features_of(roots, blocks, table.calendar), fourth_root(newest + OFFSET)
    start, spread = root[blocks].copy(), np.repeat(roots.spread[None], len(blocks), axis=0)
    counts = np.full(len(blocks), SETTLED_WEIGHT)
    for earlier in table.published:
        block = len(earlier) - 1
        if not max(first, 2) <= block < len(newest) - 1:
            continue
        then, row = Standardised.of(earlier), block - first
        features.put(row, features_of(then, np.array([block]), table.calendar))
        start[row], spread[row], counts[row] = fourth_root(earlier[-1] + OFFSET), then.spread, 1.0
    came = np.full((len(steps), *start.shape), np.nan)
    for which, ahead in enumerate(steps):
        known = root[first + ahead :]
        came[which, : len(known)] = known
    change = (came - start) / spread
    cells = np.argwhere(np.isfinite(change) & np.isfinite(features.own[..., 0]))
    if len(cells) > MOST_ROWS:
        cells = cells[np.sort(np.random.default_rng(0).choice(len(cells), MOST_ROWS, replace=False))]
    step, place, region = cells[:, 0], cells[:, 1], cells[:, 2]
    age = table.ended + len(newest) - 1 - blocks[place]
    return TrainingRows(
        features.of(place, region),
        region,
        step + steps[0],
        change[step, place, region],
        age,
        0.5 ** (age / HALF_LIFE_OF_ERRORS) * counts[place],
    )
