"""How far forecasts were off. Every score takes what was forecast and what came, and is lower for better.

Bracher et al. (2021), Evaluating epidemic forecasts in an interval format, PLOS Computational Biology 17(2): e1008618.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from forecasting.series import MEDIAN, QUANTILES


def weighted_interval_score(values: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """The WIS of each period: twice the mean pinball loss over the levels (Bracher et al. 2021, eq. 3).

    Args:
        values: shape (n, 23), quantiles at `QUANTILES`.
        truth: shape (n,).

    Returns:
        Shape (n,), in the unit of the counts.
    """
    levels = np.asarray(QUANTILES)
    over = truth[:, None] - values
    return 2 * np.maximum(levels * over, (levels - 1) * over).mean(axis=1)


def covered(values: np.ndarray, truth: np.ndarray, percent: int) -> np.ndarray:
    """Shape (n,), bool: whether the central `percent` % band held what came. `percent` is 50, 80, 90 or 95."""
    tail = round((1 - percent / 100) / 2, 3)
    low, high = QUANTILES.index(tail), QUANTILES.index(round(1 - tail, 3))
    return (values[:, low] <= truth) & (truth <= values[:, high])


@dataclass(frozen=True)
class Score:
    """One model's forecasts of some periods against what came.

    Attributes:
        model: its name.
        periods: how many periods were compared.
        error: mean absolute error of the median, in counts.
        relative_error: `error` over seasonal naive's on the same periods (below 1 is better); NaN where naive made none.
        wis: mean weighted interval score, in counts.
        relative_wis: `wis` over seasonal naive's; NaN where naive's is 0.
        held_50, held_80, held_95: in how many periods the band held what came.
        total_error: the sum of the medians' total against what came in all, as a share of it; NaN where nothing came.
    """

    model: str
    periods: int
    error: float
    relative_error: float
    wis: float
    relative_wis: float
    held_50: int
    held_80: int
    held_95: int
    total_error: float


def score(model: str, values: np.ndarray, naive: np.ndarray, truth: np.ndarray, total: float) -> Score:
    """Compare `values` and the naive forecast's, both of shape (n, 23), with `truth` of shape (n,).

    `total` is the median of the forecast sum over the n periods.
    """
    error = np.abs(values[:, MEDIAN] - truth).mean()
    naive_error = np.abs(naive[:, MEDIAN] - truth).mean()
    wis, naive_wis = weighted_interval_score(values, truth).mean(), weighted_interval_score(naive, truth).mean()
    held_50, held_80, held_95 = (int(covered(values, truth, percent).sum()) for percent in (50, 80, 95))
    came = truth.sum()
    return Score(
        model,
        len(truth),
        float(error),
        float(error / naive_error) if naive_error > 0 else float("nan"),
        float(wis),
        float(wis / naive_wis) if naive_wis > 0 else float("nan"),
        held_50,
        held_80,
        held_95,
        float(total / came - 1) if came > 0 else float("nan"),
    )
