"""Joint futures: sampled paths of a `Forecast`, whose periods have its quantiles and whose sums are as uncertain as its totals.

A `Forecast` keeps quantiles of each period and of the running totals, which models computed from futures that they sampled. How
the periods hang together is in neither and in both together: the longer a future stays on one side, the wider the totals. So a
Gaussian copula is chosen in which a share of an error's variance is that of a random walk and the rest each period's own, or
of days and shorter steps that of a random walk from season to season; the share is the one whose sums have the standard
deviations of the totals. That gives back the model's own dependence in time, of forecasts that were stored long ago, too.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from statistics import NormalDist

import numpy as np

from forecasting.data.forecast import QUANTILES, Forecast
from forecasting.data.kind import Kind

#: Paths: so many that each level of `QUANTILES` is one of them in every period, and probabilities of paths are right to a percent.
PATHS = 999
#: Shares of a random walk that are tried.
SHARES = np.linspace(0.0, 1.0, 41)
#: Terms of the expansion that tells how the covariance of two periods follows from their correlation.
TERMS = 3
#: Seeds of what a random walk is made of, and of each period's own.
_WALK_SEED, _OWN_SEED = 0, 1


def joint_futures(forecast: Forecast, kind: Kind | None = None, paths: int = PATHS) -> np.ndarray:
    """Sampled futures of a forecast, shape (paths, horizon): always the same ones.

    In each period their quantiles are those of the forecast (``np.quantile`` with ``method="weibull"``).

    Args:
        kind: what the figures are, within whose bounds they stay beyond the outermost quantiles.
        paths: how many; the quantiles are met exactly where one more is a multiple of 200.
    """
    return joint_futures_of_many([forecast], kind, paths)[0]


def joint_futures_of_many(
    forecasts: Sequence[Forecast], kind: Kind | None = None, paths: int = PATHS
) -> list[np.ndarray]:
    """`joint_futures` of several forecasts, those of one horizon at once."""
    groups: dict[tuple[int, int], list[int]] = {}
    for place, one in enumerate(forecasts):
        groups.setdefault((one.horizon, one.frequency.cycle), []).append(place)
    found: dict[int, np.ndarray] = {}
    for (horizon, cycle), places in groups.items():
        values = np.array([forecasts[place].values for place in places])
        below, share = _interpolation(paths)
        # Not by a product with weights, so that what lies between two equal quantiles is their very number.
        margins = values[..., below] + np.diff(values)[..., below] * share
        if kind is not None:
            margins = kind.clip(margins)
        shares, seasonal = walk_shares(values, np.array([forecasts[place].totals for place in places]), cycle)
        for place, margin, share, by_season in zip(places, margins, shares, seasonal, strict=True):
            order = _ranks(horizon, paths, round(float(share), 6), cycle if by_season else 0)
            found[place] = np.take_along_axis(margin, order, axis=1).T
    return [found[place] for place in range(len(forecasts))]


def walk_shares(values: np.ndarray, totals: np.ndarray, cycle: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """The share of a random walk that gives sums of `values` the standard deviations of `totals`; shape (forecasts, horizon, 23) each.

    Also, whether the rest of the variance stays from season to season instead of being each period's own; both of shape
    (forecasts,).

    Args:
        cycle: periods of a season of days or shorter steps, else 1.
    """
    count, horizon, _ = values.shape
    if horizon == 1:
        return np.ones(count), np.zeros(count, dtype=bool)
    own, terms = _moments(values)
    wanted, _ = _moments(totals)
    steps = np.arange(1, horizon + 1)
    walk = _pair_sums(terms, steps)
    rest = np.zeros_like(walk)
    losses = [_loss(own, wanted, walk, rest)]
    if 1 < cycle < horizon:
        losses.append(_loss(own, wanted, walk, _seasonal_pair_sums(terms, cycle)))
    found = np.stack(losses, axis=1).reshape(count, -1).argmin(axis=1)
    return SHARES[found % len(SHARES)], found >= len(SHARES)


def _loss(own: np.ndarray, wanted: np.ndarray, walk: np.ndarray, rest: np.ndarray) -> np.ndarray:
    """Shape (forecasts, shares): how far the sums' standard deviations are from the wanted ones, on the log scale.

    Args:
        own, wanted: shape (forecasts, horizon), variances of the periods and of the running totals.
        walk, rest: shape (TERMS, forecasts, horizon), what pairs of periods add to the variance of sums, by term.
    """
    variance = np.broadcast_to(own.cumsum(axis=1)[:, None], (len(own), len(SHARES), own.shape[1])).copy()
    for term in range(TERMS):
        variance += SHARES[:, None] ** (term + 1) * walk[term][:, None]
        variance += (1 - SHARES[:, None]) ** (term + 1) * rest[term][:, None]
    tiny = np.finfo(float).tiny
    apart = np.log(np.maximum(variance, tiny)) - np.log(np.maximum(wanted, tiny))[:, None]
    return np.asarray((apart[..., 1:] ** 2).mean(axis=-1))


def _moments(quantiles: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Variances of the distributions with these `quantiles`, and their coefficients of Hermite polynomials of a normal deviate.

    Shapes (forecasts, horizon) and (TERMS, forecasts, horizon). The covariance of two periods whose deviates have the
    correlation r is the sum over terms of r, r², r³ times the product of their coefficients.
    """
    mean, square, polynomials = _moment_weights()
    variance = ((quantiles @ square) * quantiles).sum(axis=-1) - (quantiles @ mean) ** 2
    return np.maximum(variance, 0.0), np.moveaxis(quantiles @ polynomials, -1, 0)


@lru_cache(maxsize=1)
def _moment_weights() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """What quantiles are weighed with to get their mean, mean square and coefficients; shapes (23,), (23, 23), (23, TERMS).

    Nothing lies beyond the outermost quantiles here: what is assumed there of single periods and of sums need not agree.
    """
    deviates, (below, share) = _deviates(PATHS), _interpolation(PATHS)
    weights = np.zeros((len(QUANTILES), PATHS))
    weights[below, np.arange(PATHS)] = 1 - np.clip(share, 0.0, 1.0)
    weights[below + 1, np.arange(PATHS)] = np.clip(share, 0.0, 1.0)
    polynomials = (deviates, (deviates**2 - 1) / np.sqrt(2), (deviates**3 - 3 * deviates) / np.sqrt(6))
    centred = [one - one.mean() for one in polynomials[:TERMS]]
    coefficients = np.array([weights @ one / (one @ one) for one in centred]).T
    return weights.mean(axis=1), weights @ weights.T / PATHS, coefficients


def _pair_sums(terms: np.ndarray, steps: np.ndarray) -> np.ndarray:
    """What pairs of periods add to the variance of sums where their errors are those of one random walk; shape of `terms`.

    The correlation of periods i < j is the root of i/j, so that a pair's product is a part of the first and one of the second.
    """
    found = np.empty_like(terms)
    for term in range(TERMS):
        power = steps ** ((term + 1) / 2)
        before = (terms[term] * power).cumsum(axis=-1)
        pairs = np.zeros_like(before)
        pairs[..., 1:] = 2 * before[..., :-1] * terms[term][..., 1:] / power[1:]
        found[term] = pairs.cumsum(axis=-1)
    return found


def _seasonal_pair_sums(terms: np.ndarray, cycle: int) -> np.ndarray:
    """The same where each place in the season has a random walk of its own, a step a season."""
    count, horizon = terms.shape[1:]
    seasons = -(-horizon // cycle)
    padded = np.zeros((TERMS, count, seasons * cycle))
    padded[..., :horizon] = terms
    by_place = np.moveaxis(padded.reshape(TERMS, count, seasons, cycle), 2, 3)
    sums = _pair_sums(by_place, np.arange(1, seasons + 1))
    added = np.diff(sums, axis=-1, prepend=0.0)
    return np.moveaxis(added, 3, 2).reshape(TERMS, count, -1)[..., :horizon].cumsum(axis=-1)


@lru_cache(maxsize=8)
def _deviates(paths: int) -> np.ndarray:
    """Shape (paths,): normal deviates at evenly spaced levels, the lowest first."""
    return np.array([NormalDist().inv_cdf(place / (paths + 1)) for place in range(1, paths + 1)])


@lru_cache(maxsize=8)
def _interpolation(paths: int) -> tuple[np.ndarray, np.ndarray]:
    """Which quantile lies below each of a period's figures, the lowest first, and what share of the way to the next it is.

    Between two levels, and beyond the outermost, figures are linear in the normal deviate, as in `predictive.from_quantiles`.
    """
    deviates, known = _deviates(paths), np.array([NormalDist().inv_cdf(level) for level in QUANTILES])
    below = np.clip(np.searchsorted(known, deviates + 1e-9) - 1, 0, len(known) - 2)
    share = (deviates - known[below]) / (known[below + 1] - known[below])
    share[np.abs(share) < 1e-9] = 0.0  # a level itself, where the figure is its quantile to the last digit
    below.flags.writeable = share.flags.writeable = False
    return below, share


@lru_cache(maxsize=32)
def _ranks(horizon: int, paths: int, share: float, cycle: int) -> np.ndarray:
    """Shape (horizon, paths): which of a period's figures, the lowest first, each path has.

    Paths come in opposite pairs. A longer horizon has the same ones in its first periods.
    """
    steps = np.arange(1, horizon + 1)[:, None]
    walk = _shocks(horizon, paths, _WALK_SEED).cumsum(axis=0) / np.sqrt(steps)
    own = _shocks(horizon, paths, _OWN_SEED)
    if cycle:
        seasons = np.concatenate([own[place::cycle].cumsum(axis=0) for place in range(cycle)])
        order = np.concatenate([np.arange(horizon)[place::cycle] for place in range(cycle)])
        own = np.empty_like(seasons)
        own[order] = seasons
        own /= np.sqrt((steps - 1) // cycle + 1)
    deviates = np.sqrt(share) * walk + np.sqrt(1 - share) * own
    ranks = deviates.argsort(axis=1, kind="stable").argsort(axis=1, kind="stable")
    ranks.flags.writeable = False
    return ranks


def _shocks(horizon: int, paths: int, seed: int) -> np.ndarray:
    """Standard normal shocks, shape (horizon, paths): of opposite pairs, and zeros between them where their number is odd."""
    shocks = np.random.default_rng(seed).standard_normal((horizon, paths // 2))
    return np.concatenate([shocks, np.zeros((horizon, paths % 2)), -shocks], axis=1)
