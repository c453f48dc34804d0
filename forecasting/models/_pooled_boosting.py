"""Boosted trees on the rows of a pooled model's tables: the change expected over the next blocks, and the size of its errors.

Each bag leaves out some stretches of time; what it says of them gives errors out of sample, which the widths come from.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from forecasting.models._pooled_features import Features
from forecasting.models._pooled_training import Learner, Said, TrainingRows

if TYPE_CHECKING:
    from sklearn.ensemble import HistGradientBoostingRegressor

#: Bags, and in how many of them each stretch of time is left out.
BAGS, LEFT_OUT_OF = 4, 1
#: Neighbouring blocks that are left out together.
STRETCH = 13
#: Blocks after which a row counts half.
HALF_LIFE = 150.0
#: Rows that a bag is fitted to, at most.
MOST_ROWS_A_BAG = 11_000
#: A target is clipped to so many of its standard deviations.
TARGET_LIMIT = 3.0
#: Trees of a bag, the leaves of each, and the share of a tree's correction that is added.
TREES, LEAVES, RATE = 60, 31, 0.06
#: Rows in a leaf at least, the ridge penalty of its value, and the bins of an input.
LEAST_IN_LEAF, PENALTY, BINS = 50, 5.0, 63
#: The number of the bin of inputs that are not known.
UNKNOWN = -1.0
#: The share of the inputs that each split may use.
INPUT_SHARE = 0.6
#: Of the trees that say how large errors are: how many, the leaves of each, and the share of a tree's correction that is added.
SIZE_TREES, SIZE_LEAVES, SIZE_RATE = 40, 8, 0.1
#: Errors in a leaf of those at least, and the ridge penalty of its value.
LEAST_SIZES_IN_LEAF, SIZE_PENALTY = 200, 20.0
#: Errors that they are fitted to, at most.
MOST_SIZES = 11_000


def boosted(with_season: bool, seed: int) -> Learner:
    """A learner of bagged trees that know the time of the year, or else what the other regions did."""

    def learn(rows: TrainingRows, now: Features, ahead: np.ndarray) -> Said:
        inputs, asked = rows.features.inputs(rows.ahead, with_season), now.inputs(ahead, with_season)
        columns = np.isfinite(inputs).any(axis=0)
        inputs, asked = inputs[:, columns], asked[:, columns]
        change, left_out = _bagged(rows, *_binned(inputs, asked), seed)
        return Said(change, left_out, inputs, asked)

    return learn


def expected_logs(
    inputs: np.ndarray, logs: np.ndarray, weights: np.ndarray, asked: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """The logarithm of an error's size that trees expect of each of `asked` and of each row of `inputs`, learned from `logs`."""
    columns = np.isfinite(inputs).any(axis=0)
    binned, here = _binned(inputs[:, columns], asked[:, columns])
    chosen = np.arange(len(logs))
    if len(logs) > MOST_SIZES:
        chosen = np.sort(np.random.default_rng(0).choice(len(logs), MOST_SIZES, replace=False))
    varying = np.ptp(binned[chosen], axis=0) > 0
    if len(chosen) < 2 * LEAST_SIZES_IN_LEAF or not varying.any():
        usual = float(np.average(logs, weights=weights))
        return np.full(len(asked), usual), np.full(len(logs), usual)
    trees = _trees(0, SIZE_TREES, SIZE_LEAVES, SIZE_RATE, LEAST_SIZES_IN_LEAF, SIZE_PENALTY)
    trees.fit(binned[chosen][:, varying], logs[chosen], sample_weight=weights[chosen])
    return trees.predict(here[:, varying]), trees.predict(binned[:, varying])


def _binned(inputs: np.ndarray, asked: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The number of the bin that each input is in, `UNKNOWN` for NaN.

    Bins hold equally many rows. scikit-learn makes its own by weight for each bag, which takes longer than the trees.
    """
    edges = np.nanquantile(inputs, np.linspace(0.0, 1.0, BINS + 1)[1:-1], axis=0)

    def binned(table: np.ndarray) -> np.ndarray:
        places = [np.searchsorted(edge, column, side="right") for edge, column in zip(edges.T, table.T, strict=True)]
        return np.where(np.isfinite(table), np.stack(places, axis=1), UNKNOWN)

    return binned(inputs), binned(asked)


def _bagged(rows: TrainingRows, inputs: np.ndarray, asked: np.ndarray, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """What the trees say of `asked`, and of each row when its time was left out; NaN where it never was."""
    draw = np.random.default_rng(seed)
    begin, end = rows.age // STRETCH, np.maximum(rows.age - rows.ahead, 0) // STRETCH
    left_out = np.zeros((BAGS, int(begin.max()) + 1), dtype=bool)
    for stretch in range(left_out.shape[1]):
        left_out[draw.permutation(BAGS)[:LEFT_OUT_OF], stretch] = True
    weights, limit = 0.5 ** (rows.age / HALF_LIFE), TARGET_LIMIT * rows.change.std()
    target = np.clip(rows.change, -limit, limit)
    said, fitted = np.zeros(len(asked)), 0
    apart, count = np.zeros(len(target)), np.zeros(len(target))
    for bag in range(BAGS):
        usable = np.flatnonzero(~left_out[bag][begin] & ~left_out[bag][end])
        own = np.flatnonzero(left_out[bag][begin])
        if len(usable) > MOST_ROWS_A_BAG:
            usable = np.sort(draw.choice(usable, MOST_ROWS_A_BAG, replace=False))
        varying = np.ptp(inputs[usable], axis=0) > 0 if len(usable) else np.zeros(inputs.shape[1], dtype=bool)
        if len(usable) < 2 * LEAST_IN_LEAF or not len(own) or not varying.any():
            continue
        trees = _trees(seed + bag).fit(inputs[usable][:, varying], target[usable], sample_weight=weights[usable])
        said, fitted = said + trees.predict(asked[:, varying]), fitted + 1
        apart[own] += trees.predict(inputs[own][:, varying])
        count[own] += 1
    return said / max(fitted, 1), np.where(count > 0, apart / np.maximum(count, 1), np.nan)


def _trees(
    seed: int,
    count: int = TREES,
    leaves: int = LEAVES,
    rate: float = RATE,
    least_in_leaf: int = LEAST_IN_LEAF,
    penalty: float = PENALTY,
) -> HistGradientBoostingRegressor:
    from sklearn.ensemble import HistGradientBoostingRegressor

    return HistGradientBoostingRegressor(
        learning_rate=rate,
        max_iter=count,
        max_leaf_nodes=leaves,
        min_samples_leaf=least_in_leaf,
        l2_regularization=penalty,
        max_bins=BINS + 1,  # one more for what is unknown; with more values than bins it would sort all rows again
        max_features=INPUT_SHARE,
        early_stopping=False,
        random_state=seed,
    )
