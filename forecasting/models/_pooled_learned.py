"""What is learned from all rows of a pooled model's tables: mean and spread of the next blocks of each region.

Several learners, each of which sees something else, are averaged: boosted trees, with the time of the year and with what the
other regions did, and strongly shrunk ridge regressions. Widths come from what each said of stretches of time that it had
not seen.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from forecasting.data.forecast import QUANTILES
from forecasting.models._pooled_boosting import boosted, expected_logs
from forecasting.models._pooled_experts import fourth_root
from forecasting.models._pooled_features import MOST_AHEAD, OFFSET, STEPS, Standardised, features_of
from forecasting.models._pooled_ridge import ridge
from forecasting.models._pooled_training import LearnedTable, Learner, Said, TrainingRows, rows_of_tables

#: Blocks that some table must have before anything is learned: a year of weeks.
LEAST_BLOCKS = 52
#: Regions × blocks that all tables together must have at least.
LEAST_CELLS = 500
#: Blocks that the table to forecast must have: a few, if others have enough.
LEAST_OWN_BLOCKS = 3
#: Blocks that it must have before others than the first learner take part.
LEAST_OWN_BLOCKS_FOR_ALL = 12
#: The first alone knows the time of the year and nothing of the other regions, so it is at home in another table.
LEARNERS: tuple[Learner, ...] = (boosted(True, 0), boosted(False, 100), ridge(1000.0, 1.0), ridge(300.0, 10.0))
#: The learner that shows whether other tables help, and how many blocks ahead.
TEST, TESTED_STEPS = ridge(300.0, 10.0), range(1, 5)
#: Errors are this much larger, so that their logarithm is finite.
LEAST_ERROR = 0.03
#: Errors that a region's own share of the width is averaged with.
PRIOR_ERRORS = 20.0


def learned_forecast(
    tables: Sequence[LearnedTable], shape: np.ndarray, horizon: int = MOST_AHEAD
) -> tuple[np.ndarray, np.ndarray] | None:
    """Mean and spread of the fourth root of the next blocks after each region's own last one.

    Args:
        tables: the one to forecast, and others to learn from beside it.
        shape: shape (23,), the quantiles of a standardised error that the spread is to be used with, symmetrical.
        horizon: blocks ahead that are wanted; as many of `STEPS` are learned as it takes.

    Returns:
        Two arrays of shape (regions, blocks), of `MOST_AHEAD` blocks at most; None where there is too little to learn from.
    """
    asked, enough = tables[0], [table for table in tables if len(table.newest) >= LEAST_BLOCKS]
    cells = sum(int(np.isfinite(table.newest).sum()) for table in tables)
    if not enough or cells < LEAST_CELLS or len(asked.newest) < LEAST_OWN_BLOCKS:
        return None
    quietest = enough[0].calendar.quietest
    tables = [replace(one, calendar=replace(one.calendar, quietest=quietest)) for one in tables]
    learners = LEARNERS if len(asked.newest) >= LEAST_OWN_BLOCKS_FOR_ALL else LEARNERS[:1]
    found = []
    for steps in STEPS:
        if steps[0] == 1 or steps[0] <= horizon:
            members = _members(tables, learners, shape, steps)
            found.append([np.mean([member[part] for member in members], axis=0) for part in (0, 1)])
    mean, spread = (np.hstack([one[part] for one in found]) for part in (0, 1))
    return _roots_of_counts(mean, spread)


def tables_that_help(tables: Sequence[LearnedTable]) -> Sequence[LearnedTable]:
    """The table to forecast, and the others if a regression errs less on it with them, or cannot learn without them."""
    if len(tables) == 1:
        return tables
    alone, weights = _errors_on_the_first(tables[:1])
    beside, _ = _errors_on_the_first(tables)
    both = np.isfinite(alone) & np.isfinite(beside)
    return tables[:1] if weights[both] @ alone[both] < weights[both] @ beside[both] else tables


def _errors_on_the_first(tables: Sequence[LearnedTable]) -> tuple[np.ndarray, np.ndarray]:
    """The absolute errors on the first table's near rows when their time was left out, NaN where none is known; what each counts."""
    rows = rows_of_tables(tables, TESTED_STEPS)
    own = rows.region < tables[0].newest.shape[1]
    if not own.any():
        return np.zeros(0), np.zeros(0)
    one_row = rows.features.rows(np.zeros(len(TESTED_STEPS), dtype=int))
    left_out = TEST(rows, one_row, np.array(TESTED_STEPS)).left_out
    return np.abs(rows.change - left_out)[own], rows.counts[own]


def _members(
    tables: Sequence[LearnedTable], learners: Sequence[Learner], shape: np.ndarray, steps: range
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Mean and spread of the root of the counts and `OFFSET`, shape (regions, steps) each, of each learner."""
    newest, rows = tables[0].newest, rows_of_tables(tables, steps)
    known, regions = np.isfinite(newest), np.arange(newest.shape[1])
    ends = np.where(known.any(axis=0), len(newest) - 1 - np.argmax(known[::-1], axis=0), 0)
    distinct, at = np.unique(ends, return_inverse=True)
    roots = Standardised.of(newest)
    now = features_of(roots, distinct, tables[0].calendar).of(np.tile(at, len(steps)), np.tile(regions, len(steps)))
    ahead = np.repeat(np.array(steps), len(regions))
    last = roots.values[ends, regions]
    found = []
    for learner in learners:
        said = learner(rows, now, ahead)
        spread = _spread(rows, said, shape, len(regions), steps)
        change = said.change.reshape(len(steps), len(regions)).T
        found.append(
            (roots.centre[:, None] + roots.spread[:, None] * (last[:, None] + change), roots.spread[:, None] * spread)
        )
    return found


def _spread(rows: TrainingRows, said: Said, shape: np.ndarray, regions: int, steps: range) -> np.ndarray:
    """The spread of changes, shape (regions, steps)."""
    errors = rows.change - said.left_out
    known = np.isfinite(errors)
    size, expected = _error_sizes(
        said.inputs[known], errors[known], rows.counts[known], rows.region[known], said.asked, regions
    )
    relative, ahead = np.abs(errors[known]) / expected, rows.ahead[known]
    widths = []
    for step in steps:
        near = np.abs(ahead - step) <= 1
        widths.append(_width(relative[near], rows.counts[known][near], shape))
    return size.reshape(len(steps), regions).T * np.array(widths)


def _error_sizes(
    inputs: np.ndarray, errors: np.ndarray, weights: np.ndarray, region: np.ndarray, asked: np.ndarray, regions: int
) -> tuple[np.ndarray, np.ndarray]:
    """The size of errors expected of each of `asked` and of each row, by trees; a region's own errors move its size.

    The rows of `asked` are those of each region for each horizon.
    """
    here, logs = expected_logs(inputs, np.log(np.abs(errors) + LEAST_ERROR), weights, asked)
    rows = np.exp(logs)
    relative = np.abs(errors) / rows
    usual = float(np.average(relative, weights=weights))
    capped = weights * np.minimum(relative, 5 * usual)
    every = max(int(region.max()) + 1, regions)
    total, count = np.bincount(region, capped, every), np.bincount(region, weights, every)
    own = (total + PRIOR_ERRORS * usual) / (count + PRIOR_ERRORS) / max(usual, 1e-12)
    return np.exp(here) * np.tile(own[:regions], len(asked) // regions), rows * own[region]


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
