"""How far off the pretrained network was at earlier dates of a series, and the factors of its bands that follow.

The network gives the whole forecast of a date at once, so what its bands would have held is seen by asking it for earlier dates too, in
the same batch. It has learned how wide its bands must be, and knows the usual change of each series, so a few dates outweigh that less
than they outweigh the variance of a linear model.
"""

from __future__ import annotations

import numpy as np

from forecasting.data.forecast import MEDIAN, QUANTILES
from forecasting.data.series import Series
from forecasting.models.calibration import EDGE_95, MOST_NARROWED, MOST_WIDENED, BandFactors, weighted_median
from forecasting.models.predictive import NORMAL_QUANTILES
from forecasting.models.transforms import Transform

#: Earlier dates that are asked for, at most: close to each other lately, farther apart before.
DATES = 16
#: Figures known at the earliest of them, at least.
LEAST_KNOWN = 4
#: How many horizons back the earliest is, or seasons, or periods, whatever is farthest.
HORIZONS_BACK = 10
#: The same in seasons.
SEASONS_BACK = 2
#: The same in periods.
PERIODS_BACK = 24
#: The most that an error counts as, in widths of the 95 % band: one that is far off says little of the others.
MOST_WIDTHS = 2.0
#: How many independent dates the network's own 50 % band counts as.
OWN_WEIGHT_50 = 8.0
#: The same of its 95 % band, of which few dates tell less.
OWN_WEIGHT_95 = 24.0
#: The places of the edges of the 50 % band among the quantiles.
EDGES_50 = (QUANTILES.index(0.25), QUANTILES.index(0.75))
#: The places of the edges of the 95 % band among them.
EDGES_95 = (QUANTILES.index(0.025), QUANTILES.index(0.975))


def earlier_dates(series: Series, horizon: int) -> np.ndarray:
    """How many periods ago the earlier dates are, the latest first; none where too few figures are known."""
    back = max(HORIZONS_BACK * horizon, SEASONS_BACK * series.season, PERIODS_BACK)
    farthest = min(len(series) - LEAST_KNOWN, back)
    if farthest < 1:
        return np.zeros(0, dtype=int)
    return np.unique(np.round(np.geomspace(1, farthest, DATES)).astype(int))


def factors_of_earlier_errors(values: np.ndarray, ago: np.ndarray, quantiles: np.ndarray) -> BandFactors:
    """The factors that the forecasts of earlier dates ask for, the same for all steps ahead.

    Args:
        values: the figures of the series, on the scale on which bands are stretched.
        ago: shape (dates,), how many periods ago each forecast was made, the latest first.
        quantiles: shape (dates, horizon, quantiles), the forecasts, on that scale.
    """
    horizon = quantiles.shape[1]
    if not len(ago):
        return BandFactors(np.zeros(horizon), np.zeros(horizon))
    steps = np.arange(horizon)
    known = steps < ago[:, None]
    came = values[np.minimum(len(values) - ago[:, None] + steps, len(values) - 1)]
    weights = (known / known.sum(1, keepdims=True))[known]
    middle = weighted_median(_widths_off(came, quantiles, EDGES_50)[known], weights)
    outer = np.minimum(_widths_off(came, quantiles, EDGES_95)[known], MOST_WIDTHS)
    root = EDGE_95 * np.sqrt(np.average(outer**2, weights=weights))
    independent = 1 + np.minimum(np.diff(ago), horizon).sum() / horizon
    share = independent / (independent + np.array([OWN_WEIGHT_50, OWN_WEIGHT_95]))
    with np.errstate(divide="ignore"):
        wider = share * np.clip(np.log([middle, root]), MOST_NARROWED, MOST_WIDENED)
    return BandFactors(np.full(horizon, wider[0]), np.full(horizon, wider[1]))


def stretched(quantiles: np.ndarray, factors: BandFactors, scale: Transform) -> np.ndarray:
    """Quantiles of shape (horizon, quantiles) whose distances from the median are stretched on `scale`."""
    on_scale = scale.forward(quantiles)
    median = on_scale[:, MEDIAN, None]
    deviates = np.tile(NORMAL_QUANTILES, (len(quantiles), 1))
    return np.asarray(scale.inverse(median + (on_scale - median) * factors.at(deviates)))


def _widths_off(came: np.ndarray, quantiles: np.ndarray, edges: tuple[int, int]) -> np.ndarray:
    """How far what came was from the median, in distances of the band's edge on that side; shape (dates, horizon)."""
    off = came - quantiles[..., MEDIAN]
    low, high = (np.abs(quantiles[..., edge] - quantiles[..., MEDIAN]) for edge in edges)
    width = np.where(off < 0, low, high)
    return np.divide(np.abs(off), width, out=np.where(off == 0, 0.0, np.inf), where=width > 0)
