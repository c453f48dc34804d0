"""Strongly shrunk linear regressions on the rows of a pooled model's tables, one for each number of blocks ahead."""

from __future__ import annotations

import numpy as np

from forecasting.models._pooled_features import Features
from forecasting.models._pooled_training import Learner, Said, TrainingRows

#: Blocks after which a row counts half.
HALF_LIFE = 78.0
#: Neighbouring blocks that are left out together, and in how many parts the stretches are left out.
STRETCH, PARTS = 13, 5
#: A target is clipped to so many of its standard deviations, and a standardised input to so many.
TARGET_LIMIT, INPUT_LIMIT = 3.0, 5.0
#: Rows of one number of blocks ahead that a regression needs.
LEAST_ROWS = 100
#: What keeps the equations solvable where inputs depend on each other, in rows of mean weight.
JITTER = 1e-6


def ridge(penalty: float, penalty_of_season: float) -> Learner:
    """A learner of ridge regressions.

    Args:
        penalty: of a standardised input, in rows of mean weight.
        penalty_of_season: so many times as large for what says the time of the year.
    """

    def learn(rows: TrainingRows, now: Features, ahead: np.ndarray) -> Said:
        inputs, asked = _inputs(rows.features, rows.ahead), _inputs(now, ahead)
        weights = 0.5 ** (rows.age / HALF_LIFE)
        middle = np.average(inputs, axis=0, weights=weights)
        deviation = np.sqrt(np.average((inputs - middle) ** 2, axis=0, weights=weights))
        scale = np.where(deviation > 1e-9, deviation, np.inf)
        inputs, asked = (np.clip((one - middle) / scale, -INPUT_LIMIT, INPUT_LIMIT) for one in (inputs, asked))
        penalties = np.full(inputs.shape[1] + 1, penalty)
        penalties[0], penalties[-_SEASONAL:] = 0.0, penalty * penalty_of_season
        limit = TARGET_LIMIT * rows.change.std()
        target = np.clip(rows.change, -limit, limit)
        change, left_out = np.zeros(len(asked)), np.full(len(inputs), np.nan)
        before = np.zeros(0)
        for step in np.unique(ahead):
            chosen, wanted = np.flatnonzero(rows.ahead == step), np.flatnonzero(ahead == step)
            if len(chosen) < LEAST_ROWS:
                change[wanted] = before if len(before) else 0.0
                continue
            change[wanted], left_out[chosen] = _one_step(
                _with_constant(inputs[chosen]),
                target[chosen],
                weights[chosen],
                penalties,
                _with_constant(asked[wanted]),
                rows.age[chosen] // STRETCH % PARTS,
                np.maximum(rows.age[chosen] - step, 0) // STRETCH % PARTS,
            )
            before = change[wanted]
        return Said(change, left_out, np.column_stack([inputs, rows.ahead]), np.column_stack([asked, ahead]))

    return learn


#: Inputs that say the time of the year: two waves, each as sine and cosine.
_SEASONAL = 4


def _inputs(features: Features, ahead: np.ndarray) -> np.ndarray:
    """Shape (rows, inputs), zero where something is not known; what says the time of the year comes last."""
    sine, cosine = features.season[:, 0], features.season[:, 1]
    twice = np.stack([2 * sine * cosine, cosine**2 - sine**2], axis=1)
    change = np.take_along_axis(features.by_horizon, ahead[:, None] - 1, axis=1)
    inputs = [features.own, features.shared, change, features.season[:, :2], twice]
    return np.nan_to_num(np.concatenate(inputs, axis=1))


def _with_constant(inputs: np.ndarray) -> np.ndarray:
    return np.concatenate([np.ones((len(inputs), 1)), inputs], axis=1)


def _one_step(
    inputs: np.ndarray,
    target: np.ndarray,
    weights: np.ndarray,
    penalties: np.ndarray,
    asked: np.ndarray,
    begin: np.ndarray,
    end: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """What one regression says of `asked`, and of each row when its time was left out; NaN where that left too few."""
    weighted, ridge = inputs * weights[:, None], np.diag((penalties + JITTER) * weights.mean())

    def slopes(usable: np.ndarray) -> np.ndarray:
        return np.linalg.solve(weighted[usable].T @ inputs[usable] + ridge, weighted[usable].T @ target[usable])

    left_out = np.full(len(target), np.nan)
    for part in range(PARTS):
        own = begin == part
        usable = ~own & (end != part)
        if own.any() and usable.sum() >= LEAST_ROWS:
            left_out[own] = inputs[own] @ slopes(usable)
    return asked @ slopes(np.ones(len(target), dtype=bool)), left_out
