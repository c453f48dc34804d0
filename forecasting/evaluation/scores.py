"""Proper scores and coverage of quantile forecasts; every score takes forecasts and outcomes, and lower is better.

Bracher et al. (2021), Evaluating epidemic forecasts in an interval format, PLOS Computational Biology 17(2): e1008618.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from forecasting.data.forecast import MEDIAN, QUANTILES


def weighted_interval_score(
    values: np.ndarray, truth: np.ndarray, levels: Sequence[float] | np.ndarray = QUANTILES
) -> np.ndarray:
    """The WIS of each period: twice the mean pinball loss over the levels (Bracher et al. 2021, eq. 3).

    Args:
        values: shape (n, k), quantiles at `levels`.
        truth: shape (n,).
        levels: shape (k,), symmetric around 0.5 and with it.

    Returns:
        Shape (n,), in the unit of the counts.
    """
    at = np.asarray(levels, dtype=float)
    over = truth[:, None] - values
    return 2 * np.maximum(at * over, (at - 1) * over).mean(axis=1)


def is_covered(
    values: np.ndarray, truth: np.ndarray, percent: int, levels: Sequence[float] | np.ndarray = QUANTILES
) -> np.ndarray:
    """Shape (n,), bool: whether the central `percent` % band held what came.

    `percent` is 50, 80, 90 or 95 for the levels of the hubs; raises `ValueError` where a level is not among `levels`.
    """
    at = [float(level) for level in levels]
    tail = round((1 - percent / 100) / 2, 3)
    low, high = at.index(tail), at.index(round(1 - tail, 3))
    return (values[:, low] <= truth) & (truth <= values[:, high])


def probability_integral_transform(
    values: np.ndarray, truth: np.ndarray, levels: Sequence[float] | np.ndarray = QUANTILES
) -> np.ndarray:
    """Where in its forecast distribution each outcome fell: uniform on 0..1 if the forecasts are calibrated (Dawid 1984).

    Linear between the quantiles; in the middle of the levels that share a value with the outcome, as counts often do,
    and in the middle of the tail beyond the outermost quantile. Shapes as in `weighted_interval_score`.
    """
    at, rows = np.asarray(levels, dtype=float), np.arange(len(truth))
    values, count = np.sort(values, axis=1), len(at)
    below, up_to = (values < truth[:, None]).sum(axis=1), (values <= truth[:, None]).sum(axis=1)
    left, right = np.clip(below - 1, 0, count - 1), np.clip(below, 0, count - 1)
    step = values[rows, right] - values[rows, left]
    share = np.divide(truth - values[rows, left], step, out=np.zeros(len(truth)), where=step > 0)
    between = at[left] + share * (at[right] - at[left])
    tied = (at[right] + at[np.clip(up_to - 1, 0, count - 1)]) / 2
    tails = np.where(below == 0, at[0] / 2, (1 + at[-1]) / 2)
    beyond = (up_to == 0) | (below == count)
    return np.where(beyond, tails, np.where(up_to > below, tied, between))


def mase(median: np.ndarray, truth: np.ndarray, training: np.ndarray, season: int) -> float:
    """The mean absolute scaled error (Hyndman & Koehler 2006, International Journal of Forecasting 22(4): 679-688).

    The mean absolute error of `median` against `truth`, both of shape (n,), over that of repeating what was `season`
    periods earlier within `training`, shape (m,). NaN where that is 0 or `training` is no longer than a season.
    """
    steps = np.abs(training[season:] - training[:-season])
    scale = float(steps.mean()) if len(steps) else 0.0
    return float(np.abs(median - truth).mean()) / scale if scale > 0 else float("nan")


@dataclass(frozen=True)
class ModelScore:
    """One model's forecasts of some periods against what came.

    Attributes:
        model: its name.
        periods: how many periods were compared.
        error: mean absolute error of the median, in counts.
        relative_error: `error` over seasonal naive's on the same periods (below 1 is better); NaN where naive made none.
        wis: mean weighted interval score, in counts.
        relative_wis: `wis` over seasonal naive's; NaN where naive's is 0.
        held_50, held_80, held_95: in how many periods the band held what came.
        bias: how much too high (+) or too low the medians were on average, as a share of what came; NaN where nothing did.
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
    bias: float


def score_model(model: str, values: np.ndarray, naive: np.ndarray, truth: np.ndarray) -> ModelScore:
    """Compare `values` and the naive forecast's, both of shape (n, 23), with `truth` of shape (n,)."""
    error = np.abs(values[:, MEDIAN] - truth).mean()
    naive_error = np.abs(naive[:, MEDIAN] - truth).mean()
    wis, naive_wis = weighted_interval_score(values, truth).mean(), weighted_interval_score(naive, truth).mean()
    held_50, held_80, held_95 = (int(is_covered(values, truth, percent).sum()) for percent in (50, 80, 95))
    came = truth.sum()
    return ModelScore(
        model,
        len(truth),
        float(error),
        float(error / naive_error) if naive_error > 0 else float("nan"),
        float(wis),
        float(wis / naive_wis) if naive_wis > 0 else float("nan"),
        held_50,
        held_80,
        held_95,
        float(values[:, MEDIAN].sum() / came - 1) if came > 0 else float("nan"),
    )
