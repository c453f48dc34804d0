"""Discounted sums over the past of many series at once, and the seasons taken out of it: parts of `pretrained_features`."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

#: Seasons that the seasonal profile is the mean of.
PROFILE_SEASONS = 6
#: The same for the second season, that of the week in figures of hours.
SECOND_PROFILE_SEASONS = 4
#: How much less a season counts than the one after it.
PROFILE_DISCOUNT = 0.8
#: What remains of a profile that one season alone has shown.
SINGLE_SEASON_TRUST = 0.4


@dataclass(frozen=True)
class Seasonal:
    """A series without its season: `rest`, what the season adds in each period asked for (`ahead`), and how sure it is."""

    rest: np.ndarray
    ahead: np.ndarray
    trust: np.ndarray
    second_trust: np.ndarray
    seasons: np.ndarray


@lru_cache(maxsize=64)
def cumulative_weights(length: int, decays: tuple[float, ...]) -> tuple[np.ndarray, np.ndarray]:
    """``decay**age`` for the last `length` periods, shape (length, decays), and their sums over the last 0, 1 … periods."""
    ages = np.arange(length)[::-1, None]
    weights = np.array(decays) ** ages
    sums = np.concatenate([np.zeros((1, len(decays))), np.cumsum(weights[::-1], axis=0)])
    return weights, sums


def discounted_means(values: np.ndarray, counts: np.ndarray, decays: tuple[float, ...]) -> np.ndarray:
    """Discounted means of each series' last `counts` values, which are zero before; shape (series, decays); 0 of none."""
    weights, sums = cumulative_weights(values.shape[1], decays)
    known = np.clip(counts, 0, values.shape[1])[:, None]
    return _weighted_sums(values, weights) / np.maximum(np.take_along_axis(sums, known, 0), 1e-12)


@lru_cache(maxsize=64)
def _moments(length: int, spans: tuple[float, ...]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Weights, weights times age, and the sums of ``weight * age**(0, 1, 2)`` over the last 0, 1 … periods."""
    ages = np.arange(length)[::-1, None].astype(float)
    weights = np.exp(-ages / np.array(spans))
    powers = np.stack([weights, weights * ages, weights * ages**2])[:, ::-1]
    sums = np.concatenate([np.zeros((3, 1, len(spans))), np.cumsum(powers, axis=1)], axis=1)
    return weights, weights * ages, sums


def discounted_trends(
    values: np.ndarray, counts: np.ndarray, spans: tuple[float, ...]
) -> tuple[np.ndarray, np.ndarray]:
    """Level now and slope of the discounted least squares line; shape (series, spans) each. A short line is flattened."""
    weights, aged, sums = _moments(values.shape[1], spans)
    total, first, second = np.maximum(np.take_along_axis(sums, counts[None, :, None], 1), 1e-12)
    weighed = _weighted_sums(values, weights)
    mean, age = weighed / total, first / total
    slope = -(_weighted_sums(values, aged) - age * weighed) / (second - first * age + 0.3 * total)
    return mean + slope * age, slope


def _weighted_sums(values: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """``values @ weights``, each row by itself: a product of whole matrices rounds by how many rows there are.

    So a series has the same forecast to the last digit alone and among others.
    """
    return np.matmul(values[:, None], weights)[:, 0]


def _profile(
    values: np.ndarray, counts: np.ndarray, season: int, most: int, relative: bool = False
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The seasonal profile of the last seasons, shrunk by its noise: (series, season), the share kept, seasons seen.

    Its first phase is that of the first period ahead. `relative` to the trend, or added to it.
    """
    rows, length = values.shape
    seasons = min(most, length // season)
    if season == 1 or not seasons:
        return np.zeros((rows, season)), np.zeros(rows), np.zeros(rows)
    cycles = values[:, length - seasons * season :].reshape(rows, seasons, season)
    seen = (np.arange(seasons)[::-1] < (counts // season)[:, None]).astype(float)
    means = cycles.mean(2)
    after = np.concatenate([means[:, 1:], means[:, -1:]], 1)
    before = np.concatenate([means[:, :1], means[:, :-1]], 1)
    has_after = np.concatenate([seen[:, 1:], np.zeros((rows, 1))], 1)
    has_before = np.concatenate([np.zeros((rows, 1)), seen[:, :-1]], 1)
    slope = has_after * (after - means) + has_before * (means - before)
    slope /= np.maximum(has_after + has_before, 1) * season
    trend = means[..., None] + slope[..., None] * (np.arange(season) - (season - 1) / 2)
    away = cycles - trend
    if relative:
        away = away / np.where(trend > 1e-9, trend, np.inf)
    weight = seen * PROFILE_DISCOUNT ** np.arange(seasons)[::-1]
    total = np.maximum(weight.sum(1), 1e-9)
    profile = np.einsum("rk,rks->rs", weight, away) / total[:, None]
    profile -= profile.mean(1, keepdims=True)
    number = seen.sum(1)
    noise = np.einsum("rk,rks->r", weight, (away - profile[:, None]) ** 2) / total / season
    noise *= number / np.maximum(number - 1, 1)
    share = np.clip(1 - noise / np.maximum(number, 1) / ((profile**2).mean(1) + 1e-12), 0, 1)
    share = np.where(number >= 2, share, np.where(number == 1, SINGLE_SEASON_TRUST, 0.0))
    return profile * share[:, None], share, number


def _backwards(profile: np.ndarray, length: int) -> np.ndarray:
    """The profile in each of the last `length` periods."""
    season = profile.shape[1]
    return profile[:, (np.arange(length) - length) % season]


def _ahead(profile: np.ndarray, steps: np.ndarray) -> np.ndarray:
    """The profile at each step ahead."""
    return np.take_along_axis(profile, (steps - 1) % profile.shape[1], 1)


def seasonally_adjusted(
    values: np.ndarray, counts: np.ndarray, season: int, second: int, steps: np.ndarray
) -> Seasonal:
    """Take the season out, and the second one out of what remains."""
    length = values.shape[1]
    mask = known_mask(counts, length)
    profile, trust, seasons = _profile(values, counts, season, PROFILE_SEASONS)
    rest, ahead = values - _backwards(profile, length) * mask, _ahead(profile, steps)
    second_trust = np.zeros(len(values))
    if second:
        profile, second_trust, _ = _profile(rest, counts, second, SECOND_PROFILE_SEASONS)
        rest, ahead = rest - _backwards(profile, length) * mask, ahead + _ahead(profile, steps)
    return Seasonal(rest, ahead, trust, second_trust, seasons)


def relatively_adjusted(
    above: np.ndarray, counts: np.ndarray, season: int, second: int, steps: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Figures above their floor divided by their relative season, and the factors of the steps ahead."""
    length, factor = above.shape[1], np.ones(steps.shape)
    for period, most in ((season, PROFILE_SEASONS), (second, SECOND_PROFILE_SEASONS)):
        if period > 1:
            profile = np.clip(_profile(above, counts, period, most, relative=True)[0], -0.95, 20)
            above, factor = above / (1 + _backwards(profile, length)), factor * (1 + _ahead(profile, steps))
    return above, factor


def known_mask(counts: np.ndarray, length: int) -> np.ndarray:
    """1 in the last `counts` of `length` periods, 0 before; shape (series, length)."""
    return (np.arange(length)[::-1] < counts[:, None]).astype(float)
