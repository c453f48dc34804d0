"""Boosted trees on all regions of a pooled model's table at once: the mean and spread of the next blocks.

Two bagged ensembles of trees, one that knows the time of the year and one that knows what the other regions did, are averaged.
Each bag leaves out some stretches of time; what it says of them gives errors out of sample, which the widths come from.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from forecasting.data.forecast import QUANTILES
from forecasting.models._pooled_experts import fourth_root
from forecasting.models._pooled_features import MOST_AHEAD, OFFSET, Standardised, features_of
from forecasting.models._pooled_training import TrainingRows, training_rows

if TYPE_CHECKING:
    from sklearn.ensemble import HistGradientBoostingRegressor

#: Blocks that a table must have before trees learn from it: a year of weeks.
LEAST_BLOCKS = 52
#: Regions × blocks that it must have at least.
LEAST_ROWS = 500
#: Bags, and in how many of them each stretch of time is left out.
BAGS, LEFT_OUT_OF = 4, 1
#: Neighbouring blocks that are left out together.
STRETCH = 13
#: Blocks after which a row counts half.
HALF_LIFE = 150.0
#: Rows that a bag is fitted to, at most.
MOST_ROWS_A_BAG = 15_000
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
#: Errors are this much larger, so that their logarithm is finite.
LEAST_ERROR = 0.03
#: The ridge penalty of the regression of errors, in rows of mean weight, and the limit of its standardised inputs.
ERROR_PENALTY, INPUT_LIMIT = 300.0, 5.0
#: Errors that a region's own share of the width is averaged with.
PRIOR_ERRORS = 20.0


def boosted_forecast(
    published: Sequence[np.ndarray], newest: np.ndarray, year: int | None, shape: np.ndarray
) -> tuple[np.ndarray, np.ndarray] | None:
    """Mean and spread of the fourth root of the next `MOST_AHEAD` blocks after each region's own last one.

    Args:
        published: the table as published earlier, shortest first, each beginning with the same block.
        newest: shape (blocks, regions), counts; NaN before a region begins and after it ends.
        year: blocks in a year, None where a year means nothing.
        shape: shape (23,), the quantiles of a standardised error that the spread is to be used with, symmetrical.

    Returns:
        Two arrays of shape (regions, MOST_AHEAD); None where there is too little to learn from.
    """
    known, regions = np.isfinite(newest), np.arange(newest.shape[1])
    if len(newest) < LEAST_BLOCKS or known.sum() < LEAST_ROWS:
        return None
    roots = Standardised.of(newest)
    rows = training_rows(published, newest, roots, year)
    ends = np.where(known.any(axis=0), len(newest) - 1 - np.argmax(known[::-1], axis=0), 0)
    distinct, at = np.unique(ends, return_inverse=True)
    now = features_of(roots.values, distinct, year).of(at, regions)
    means, spreads = [], []
    for seed, with_season in enumerate((True, False)):
        steps = [now.inputs(np.full(len(regions), ahead), with_season) for ahead in range(1, MOST_AHEAD + 1)]
        change, spread = _member(rows, with_season, np.concatenate(steps), len(regions), shape, 100 * seed)
        means.append(roots.values[ends, regions][:, None] + change)
        spreads.append(spread)
    return _roots_of_counts(
        roots.centre[:, None] + roots.spread[:, None] * np.mean(means, axis=0),
        roots.spread[:, None] * np.mean(spreads, axis=0),
    )


def _member(
    rows: TrainingRows, with_season: bool, asked: np.ndarray, regions: int, shape: np.ndarray, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """Expected changes and their spread, shape (regions, MOST_AHEAD) each; `asked` are the inputs, horizon by horizon."""
    inputs = rows.inputs(with_season)
    columns = np.isfinite(inputs).any(axis=0)
    inputs, asked = inputs[:, columns], asked[:, columns]
    change, left_out = _bagged(rows, *_binned(inputs, asked), seed)
    errors = rows.change - left_out
    known = np.isfinite(errors)
    size, expected = _error_sizes(inputs[known], errors[known], rows.counts[known], rows.region[known], asked, regions)
    relative, ahead = np.abs(errors[known]) / expected, rows.ahead[known]
    widths = []
    for step in range(1, MOST_AHEAD + 1):
        near = np.abs(ahead - step) <= 1
        widths.append(_width(relative[near], rows.counts[known][near], shape))
    return change.reshape(MOST_AHEAD, regions).T, size.reshape(MOST_AHEAD, regions).T * np.array(widths)


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


def _trees(seed: int) -> HistGradientBoostingRegressor:
    from sklearn.ensemble import HistGradientBoostingRegressor

    return HistGradientBoostingRegressor(
        learning_rate=RATE,
        max_iter=TREES,
        max_leaf_nodes=LEAVES,
        min_samples_leaf=LEAST_IN_LEAF,
        l2_regularization=PENALTY,
        max_bins=BINS,
        max_features=INPUT_SHARE,
        early_stopping=False,
        random_state=seed,
    )


def _error_sizes(
    inputs: np.ndarray, errors: np.ndarray, weights: np.ndarray, region: np.ndarray, asked: np.ndarray, regions: int
) -> tuple[np.ndarray, np.ndarray]:
    """The size of errors expected of each of `asked` and of each row: a ridge regression of their logarithm.

    The rows of `asked` are those of each region for each horizon; a region's own errors move its size.
    """
    middle, deviation = np.nanmean(inputs, axis=0), np.nanstd(inputs, axis=0)
    deviation = np.where(deviation > 1e-9, deviation, np.inf)

    def standard(table: np.ndarray) -> np.ndarray:
        scaled = np.nan_to_num((table - middle) / deviation)
        return np.concatenate([np.ones((len(table), 1)), np.clip(scaled, -INPUT_LIMIT, INPUT_LIMIT)], axis=1)

    design, here = standard(inputs), standard(asked)
    penalty = np.full(design.shape[1], ERROR_PENALTY * weights.mean())
    penalty[0] = 0.0
    weighted = design * weights[:, None]
    slopes = np.linalg.solve(weighted.T @ design + np.diag(penalty), weighted.T @ np.log(np.abs(errors) + LEAST_ERROR))
    rows = np.exp(design @ slopes)
    relative = np.abs(errors) / rows
    usual = float(np.average(relative, weights=weights))
    capped = weights * np.minimum(relative, 5 * usual)
    total, count = np.bincount(region, capped, regions), np.bincount(region, weights, regions)
    own = (total + PRIOR_ERRORS * usual) / (count + PRIOR_ERRORS) / max(usual, 1e-12)
    return np.exp(here @ slopes) * np.tile(own, len(asked) // regions), rows * own[region]


def _width(sizes: np.ndarray, weights: np.ndarray, shape: np.ndarray) -> float:
    """By what `shape` is to be multiplied so that it fits errors of these absolute sizes, by least squares over its levels."""
    if not len(sizes):
        return 0.0
    upper = shape > 0
    levels, ordered = 2 * np.array(QUANTILES)[upper] - 1, np.argsort(sizes)
    share = (np.cumsum(weights[ordered]) - weights[ordered] / 2) / weights.sum()
    found = np.interp(levels, share, sizes[ordered])
    return float(found @ shape[upper] / (shape[upper] @ shape[upper]))


def _roots_of_counts(mean: np.ndarray, spread: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and spread of the root of the counts from those of the root of the counts and `OFFSET`."""

    def without(root: np.ndarray) -> np.ndarray:
        return fourth_root(np.maximum(root, 0.0) ** 4 - OFFSET)

    return without(mean), without(mean + spread) - without(mean)
