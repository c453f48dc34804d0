"""Base forecasts: what simple rules say of many series at once, inputs of the pretrained network beside `pretrained_features`."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from forecasting.models._pretrained_seasons import (
    PROFILE_SEASONS,
    Seasonal,
    discounted_means,
    discounted_trends,
    known_mask,
    relatively_adjusted,
    seasonally_adjusted,
)

#: The smoothing parameters of the exponential smoothings among the base forecasts.
SMOOTHING = (1.0, 0.5, 0.2, 0.06)
#: The spans, in periods, of the discounted trends among them.
TREND_SPANS = (2.5, 6.0, 15.0, 45.0)
#: The spans of the trends that are multiplied with a relative season.
MULTIPLICATIVE_SPANS = (6.0, 15.0)


@dataclass(frozen=True)
class BaseForecasts:
    """Simple rules' forecasts, and what they are made of."""

    bases: np.ndarray
    lags: np.ndarray
    known: np.ndarray
    levels: np.ndarray
    slopes: np.ndarray
    seasonal: Seasonal
    positive: np.ndarray


def _damping(span: float) -> float:
    return 1 - 0.35 / np.sqrt(span)


def _damped(ahead: np.ndarray, span: float) -> np.ndarray:
    """The steps that a damped trend has made after `ahead` of them."""
    phi = _damping(span)
    return phi * (1 - phi**ahead) / (1 - phi)


def base_forecasts(
    values: np.ndarray, counts: np.ndarray, floor: np.ndarray, season: int, second: int, steps: np.ndarray
) -> BaseForecasts:
    """The forecasts of simple rules at `steps`; `values` are zero before the first figure."""
    adjusted = seasonally_adjusted(values, counts, season, second, steps)
    rest, ahead = adjusted.rest, steps.astype(float)
    levels = [*discounted_means(rest, counts, tuple(1 - alpha for alpha in SMOOTHING)).T]
    bases = [level[:, None] + adjusted.ahead for level in levels]
    smooth = levels[1]
    trend_levels, trend_slopes = discounted_trends(rest, counts, (*TREND_SPANS, 1e4))
    for span, level, slope in zip(TREND_SPANS, trend_levels.T, trend_slopes.T, strict=False):
        bases.append(level[:, None] + slope[:, None] * ahead + adjusted.ahead)
        bases.append(level[:, None] + slope[:, None] * _damped(ahead, span) + adjusted.ahead)
    overall = trend_slopes[:, -1]
    first = np.take_along_axis(rest, (rest.shape[1] - counts)[:, None], 1)[:, 0]
    drift = (rest[:, -1] - first) / np.maximum(counts - 1, 1)
    bases.append(smooth[:, None] + 0.5 * overall[:, None] * ahead + adjusted.ahead)
    bases.append(rest[:, -1:] + drift[:, None] * ahead + adjusted.ahead)
    flat = smooth[:, None] + adjusted.ahead
    lags, known = _last_seasons(values, counts, season, steps, flat, 4)
    far = _last_seasons(values, counts, second or season, steps, lags[0], 3)[0]
    bases += [lags[0], (lags[0] + lags[1]) / 2, sum(lags) / 4]
    bases.append(far[0] + _level_shift(values, counts, second or season)[:, None])
    bases += [far[0], sum(far) / 3]
    multiplied, positive = _multiplicative(values, counts, floor, season, second, steps, adjusted)
    return BaseForecasts(
        np.stack([*bases, *multiplied], -1),
        np.stack([*lags[:3], *far[:2], flat], -1),
        np.stack(known[:2], -1).astype(float),
        np.stack([*levels, *trend_levels[:, :-1].T], 1),
        np.stack([*trend_slopes.T, drift], 1),
        adjusted,
        positive,
    )


def _last_seasons(
    values: np.ndarray, counts: np.ndarray, season: int, steps: np.ndarray, otherwise: np.ndarray, number: int
) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """The figures one, two … seasons before each step, and where there are any; elsewhere those a season later."""
    length, found, known = values.shape[1], [], []
    for back in range(1, number + 1):
        place = length - 1 + steps - season * ((steps - 1) // season + back)
        there = place >= np.maximum(length - counts, 0)[:, None]
        figures = np.take_along_axis(values, np.clip(place, 0, length - 1), 1)
        otherwise = np.where(there, figures, otherwise)
        found.append(otherwise)
        known.append(there)
    return found, known


def _level_shift(values: np.ndarray, counts: np.ndarray, season: int) -> np.ndarray:
    """How far the last figures lie above those a season before."""
    length = values.shape[1]
    span = min(24, length - season)
    if span <= 0:
        return np.zeros(len(values))
    weights = 0.7 ** np.arange(span)[::-1] * known_mask(counts - season, span)
    changes = values[:, -span:] - values[:, length - season - span : length - season]
    return (weights * changes).sum(1) / np.maximum(weights.sum(1), 1e-12)


def _multiplicative(
    values: np.ndarray,
    counts: np.ndarray,
    floor: np.ndarray,
    season: int,
    second: int,
    steps: np.ndarray,
    adjusted: Seasonal,
) -> tuple[list[np.ndarray], np.ndarray]:
    """Base forecasts with a relative season, and where they are any: where every figure is above the floor."""
    recent = min(PROFILE_SEASONS * max(season, 8), values.shape[1])
    mask = known_mask(counts, values.shape[1])
    lowest = np.where(mask[:, -recent:] > 0, values[:, -recent:], np.inf).min(1)
    positive = np.isfinite(floor) & (lowest > floor)
    base = np.where(positive, floor, 0.0)[:, None]
    rest, factor = adjusted.rest, np.ones(steps.shape)
    if positive.any():
        usable = np.where(positive[:, None] & (values > base), values - base, 1.0)
        rest, factor = relatively_adjusted(usable * mask, counts, season, second, steps)
        rest = np.where(positive[:, None], rest, adjusted.rest)

    def seasonal(forecast: np.ndarray) -> np.ndarray:
        return np.where(positive[:, None], base + forecast * factor, forecast + adjusted.ahead)

    found = [seasonal(discounted_means(rest, counts, (0.5,)) * np.ones(steps.shape))]
    levels, slopes = discounted_trends(rest, counts, MULTIPLICATIVE_SPANS)
    for span, level, slope in zip(MULTIPLICATIVE_SPANS, levels.T, slopes.T, strict=True):
        found.append(seasonal(level[:, None] + slope[:, None] * _damped(steps.astype(float), span)))
    return found, positive.astype(float)
