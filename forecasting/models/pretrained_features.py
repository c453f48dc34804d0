"""Inputs of the pretrained network: what it sees of a batch of series, in plain numpy.

The same code makes them for its training and for its forecasts, and, run on stand-ins for arrays, the graph of the exported model
(`forecasting/export/model_files/traced_array.py`); so nothing here writes into an array, or does one thing or another by what is in
it. Everything is relative to the last value and to the usual
change of each series, so a series in other units, or moved, gives the same inputs to the last bits.

A batch is an array of shape (series, periods), the newest period last, with NaN before the first figure of a series. A weighted
sum over the past of every series is one call of numpy, and nothing here runs series by series; yet what a series gives does not
depend on the others in its batch, to the last digit.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

#: Past periods that are looked at, at most, by the longest season that it is for: (season, seasons of it, at least).
CONTEXTS = ((1, 0, 96), (4, 32, 128), (7, 52, 0), (13, 20, 0), (24, 30, 0), (73, 8, 0), (300, 30, 0))
#: Seasons that are looked at where the season is longer than any of `CONTEXTS`.
LONG_CONTEXT = 6
#: Seasons that the seasonal profile is the mean of.
PROFILE_SEASONS = 6
#: The same for the second season, that of the week in figures of hours.
SECOND_PROFILE_SEASONS = 4
#: How much less a season counts than the one after it.
PROFILE_DISCOUNT = 0.8
#: What remains of a profile that one season alone has shown.
SINGLE_SEASON_TRUST = 0.4
#: The smoothing parameters of the exponential smoothings among the base forecasts.
SMOOTHING = (1.0, 0.5, 0.2, 0.06)
#: The spans, in periods, of the discounted trends among them.
TREND_SPANS = (2.5, 6.0, 15.0, 45.0)
#: The spans of the trends that are multiplied with a relative season.
MULTIPLICATIVE_SPANS = (6.0, 15.0)
#: Base forecasts for each step.
BASES = 23
#: Those of them whose bias at earlier dates is an input: the smoothed level, a damped trend, the last season.
BIASED_BASES = (1, 6, 14)
#: Recent points that are inputs themselves: without their season, and with it.
RECENT_POINTS, RECENT_RAW_POINTS = 64, 32
#: Steps of an earlier date at which the base forecasts are compared with what came, at most.
CHECKED_STEPS = 6
#: The largest deviation from the centre, in units of the scale.
LARGEST = 300.0
#: A series is on its own scale, in logs, or in roots: what `Batch.transform` says.
RAW, LOG, ROOT = 0, 1, 2


@dataclass(frozen=True)
class Batch:
    """Series with the same season, and the steps ahead that are asked for.

    Attributes:
        values: shape (series, periods), NaN before the first figure of each.
        season: periods in a season; 1 for none.
        second: periods in a second, longer season, a multiple of the first; 0 for none.
        steps: shape (series, asked), whole numbers from 1 on.
        floor: shape (series,), what no figure is below; minus infinity where there is no such bound.
        transform: shape (series,), `RAW`, `LOG` or `ROOT`.
    """

    values: np.ndarray
    season: int
    second: int
    steps: np.ndarray
    floor: np.ndarray
    transform: np.ndarray


@dataclass(frozen=True)
class Inputs:
    """What the network takes, in units of `scale` from `centre`.

    Attributes:
        series: shape (series, facts).
        steps: shape (series, asked, facts of a step); the last one is `ROOT_STEP` times the root of the step.
        bases: shape (series, asked, `BASES`), the base forecasts.
        unit: shape (series,), the size of the series' own noise.
        centre, scale: shape (series,), float64, of the figures.
    """

    series: np.ndarray
    steps: np.ndarray
    bases: np.ndarray
    unit: np.ndarray
    centre: np.ndarray
    scale: np.ndarray

    def feed(self) -> dict[str, np.ndarray]:
        """The network's inputs by name."""
        return {"series": self.series, "steps": self.steps, "bases": self.bases, "unit": self.unit}


#: The factor of the root of the step among the inputs.
ROOT_STEP = 0.3


@dataclass(frozen=True)
class Seasonal:
    """A series without its season: `rest`, what the season adds in each period asked for (`ahead`), and how sure it is."""

    rest: np.ndarray
    ahead: np.ndarray
    trust: np.ndarray
    second_trust: np.ndarray
    seasons: np.ndarray


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


def context_length(season: int) -> int:
    """How many past periods the network looks at."""
    for longest, seasons, least in CONTEXTS:
        if season <= longest:
            return max(seasons * season, least)
    return LONG_CONTEXT * season


def checked_spans(season: int, second: int) -> tuple[int, int]:
    """How many periods ago the two earlier dates are at which the base forecasts are compared with what came."""
    if season == 1:
        return 2, 5
    if season < 8:
        return min(max(season - 1, 3), 4), 2 * season
    return (6 if season == 24 else 4), min(season, 96) if season <= 24 or second else 13


def right_aligned(series: list[np.ndarray], length: int) -> np.ndarray:
    """The last `length` figures of each series as one array, NaN before the first of a shorter one."""
    values = np.full((len(series), length), np.nan)
    for row, figures in zip(values, series, strict=True):
        kept = figures[-length:]
        row[length - len(kept) :] = kept
    return values


def make_inputs(batch: Batch) -> Inputs:
    """The network's inputs for a batch; every series needs two figures."""
    known = np.isfinite(batch.values)
    counts = known.sum(1)
    anchor = batch.values[:, -1]
    values = np.where(known, batch.values - anchor[:, None], 0.0)
    floor = batch.floor - anchor
    spread = np.abs(values).max(1)
    spread = np.where(spread > 0, spread, np.where(np.isfinite(floor) & (floor < 0), -floor, 1.0))
    values, floor = values / spread[:, None], floor / spread
    now = _base_forecasts(values, counts, floor, batch.season, batch.second, batch.steps)
    centre = now.levels[:, 1]
    scale, facts, unit = _facts(values, counts, floor, centre, now.seasonal.rest, batch.season)

    def relative(table: np.ndarray) -> np.ndarray:
        away = (-1,) + (1,) * (table.ndim - 1)
        return np.clip((table - centre.reshape(away)) / scale.reshape(away), -LARGEST, LARGEST)

    bases = relative(now.bases)
    facts += [
        now.seasonal.trust,
        now.seasonal.second_trust,
        np.minimum(now.seasonal.seasons, PROFILE_SEASONS) / 3,
        now.positive,
        np.full(len(counts), float(batch.second > 0)),
        batch.transform == LOG,
        batch.transform == ROOT,
    ]
    series = [
        _recent(relative(now.seasonal.rest), counts, RECENT_POINTS),
        _recent(relative(values), counts, RECENT_RAW_POINTS),
        _recent(np.ones_like(values), counts, RECENT_POINTS)[:, ::8],
        np.stack(facts, 1),
        np.arcsinh(relative(now.levels)),
        np.arcsinh(3 * np.clip(now.slopes / scale[:, None], -LARGEST, LARGEST)),
        *_earlier_errors(values, counts, floor, batch, scale),
    ]
    ahead = batch.steps.astype(float)
    steps = [
        np.arcsinh(bases),
        np.arcsinh(relative(now.lags)),
        now.known,
        np.stack([np.log(ahead), ahead / 16, np.minimum(ahead / batch.season, 4), ROOT_STEP * np.sqrt(ahead)], -1),
    ]
    return Inputs(
        np.concatenate(series, 1).astype(np.float32),
        np.concatenate(steps, -1).astype(np.float32),
        bases.astype(np.float32),
        unit.astype(np.float32),
        anchor + centre * spread,
        scale * spread,
    )


# ---------------------------------------------------------------------------------------------- discounted sums


@lru_cache(maxsize=64)
def _weights(length: int, decays: tuple[float, ...]) -> tuple[np.ndarray, np.ndarray]:
    """``decay**age`` for the last `length` periods, shape (length, decays), and their sums over the last 0, 1 … periods."""
    ages = np.arange(length)[::-1, None]
    weights = np.array(decays) ** ages
    sums = np.concatenate([np.zeros((1, len(decays))), np.cumsum(weights[::-1], axis=0)])
    return weights, sums


def _discounted_means(values: np.ndarray, counts: np.ndarray, decays: tuple[float, ...]) -> np.ndarray:
    """Discounted means of each series' last `counts` values, which are zero before; shape (series, decays); 0 of none."""
    weights, sums = _weights(values.shape[1], decays)
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


def _discounted_trends(
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


# ------------------------------------------------------------------------------------------------------- seasons


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


def _seasonally_adjusted(
    values: np.ndarray, counts: np.ndarray, season: int, second: int, steps: np.ndarray
) -> Seasonal:
    """Take the season out, and the second one out of what remains."""
    length = values.shape[1]
    mask = _mask(counts, length)
    profile, trust, seasons = _profile(values, counts, season, PROFILE_SEASONS)
    rest, ahead = values - _backwards(profile, length) * mask, _ahead(profile, steps)
    second_trust = np.zeros(len(values))
    if second:
        profile, second_trust, _ = _profile(rest, counts, second, SECOND_PROFILE_SEASONS)
        rest, ahead = rest - _backwards(profile, length) * mask, ahead + _ahead(profile, steps)
    return Seasonal(rest, ahead, trust, second_trust, seasons)


def _relatively_adjusted(
    above: np.ndarray, counts: np.ndarray, season: int, second: int, steps: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Figures above their floor divided by their relative season, and the factors of the steps ahead."""
    length, factor = above.shape[1], np.ones(steps.shape)
    for period, most in ((season, PROFILE_SEASONS), (second, SECOND_PROFILE_SEASONS)):
        if period > 1:
            profile = np.clip(_profile(above, counts, period, most, relative=True)[0], -0.95, 20)
            above, factor = above / (1 + _backwards(profile, length)), factor * (1 + _ahead(profile, steps))
    return above, factor


def _mask(counts: np.ndarray, length: int) -> np.ndarray:
    """1 in the last `counts` of `length` periods, 0 before; shape (series, length)."""
    return (np.arange(length)[::-1] < counts[:, None]).astype(float)


# ------------------------------------------------------------------------------------------------ base forecasts


def _damping(span: float) -> float:
    return 1 - 0.35 / np.sqrt(span)


def _damped(ahead: np.ndarray, span: float) -> np.ndarray:
    """The steps that a damped trend has made after `ahead` of them."""
    phi = _damping(span)
    return phi * (1 - phi**ahead) / (1 - phi)


def _base_forecasts(
    values: np.ndarray, counts: np.ndarray, floor: np.ndarray, season: int, second: int, steps: np.ndarray
) -> BaseForecasts:
    """The forecasts of simple rules at `steps`; `values` are zero before the first figure."""
    adjusted = _seasonally_adjusted(values, counts, season, second, steps)
    rest, ahead = adjusted.rest, steps.astype(float)
    levels = [*_discounted_means(rest, counts, tuple(1 - alpha for alpha in SMOOTHING)).T]
    bases = [level[:, None] + adjusted.ahead for level in levels]
    smooth = levels[1]
    trend_levels, trend_slopes = _discounted_trends(rest, counts, (*TREND_SPANS, 1e4))
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
    weights = 0.7 ** np.arange(span)[::-1] * _mask(counts - season, span)
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
    mask = _mask(counts, values.shape[1])
    lowest = np.where(mask[:, -recent:] > 0, values[:, -recent:], np.inf).min(1)
    positive = np.isfinite(floor) & (lowest > floor)
    base = np.where(positive, floor, 0.0)[:, None]
    rest, factor = adjusted.rest, np.ones(steps.shape)
    if positive.any():
        usable = np.where(positive[:, None] & (values > base), values - base, 1.0)
        rest, factor = _relatively_adjusted(usable * mask, counts, season, second, steps)
        rest = np.where(positive[:, None], rest, adjusted.rest)

    def seasonal(forecast: np.ndarray) -> np.ndarray:
        return np.where(positive[:, None], base + forecast * factor, forecast + adjusted.ahead)

    found = [seasonal(_discounted_means(rest, counts, (0.5,)) * np.ones(steps.shape))]
    levels, slopes = _discounted_trends(rest, counts, MULTIPLICATIVE_SPANS)
    for span, level, slope in zip(MULTIPLICATIVE_SPANS, levels.T, slopes.T, strict=True):
        found.append(seasonal(level[:, None] + slope[:, None] * _damped(steps.astype(float), span)))
    return found, positive.astype(float)


# --------------------------------------------------------------------------------------------------------- facts


def _facts(
    values: np.ndarray, counts: np.ndarray, floor: np.ndarray, centre: np.ndarray, rest: np.ndarray, season: int
) -> tuple[np.ndarray, list[np.ndarray], np.ndarray]:
    """The scale of each series, facts about it, and the size of its noise in units of the scale."""
    length = values.shape[1]
    mask = _mask(counts, length)
    changes = np.abs(np.diff(values)) * mask[:, :-1]
    usual = _discounted_means(changes, counts - 1, (0.99,))[:, 0]
    seasonal = usual
    if 1 < season < length:
        moved = np.abs(values[:, season:] - values[:, :-season]) * mask[:, :-season]
        sums, pairs = _weights(moved.shape[1], (0.995,))[1], np.clip(counts - season, 0, moved.shape[1])
        number = np.take_along_axis(sums[:, 0], pairs, 0)
        share = np.minimum(number / 3, 1)
        seasonal = share * _discounted_means(moved, counts - season, (0.995,))[:, 0] + (1 - share) * usual
    bounded = np.isfinite(floor)
    ground = np.where(bounded, floor, 0.0)
    size = np.where(bounded, ((values - ground[:, None]) * mask).sum(1) / np.maximum(counts, 1), 0.0)
    scale = seasonal + 0.1 * usual + 1e-3 * np.abs(size)
    scale = np.where(scale > 0, scale, 1e-3)
    steps = np.diff(rest) * mask[:, :-1]
    noise = _discounted_means(np.abs(steps), counts - 1, (0.97, 0.6)) / scale[:, None] + 0.03
    pairs = _discounted_means(steps[:, 1:] * steps[:, :-1], counts - 2, (0.97,))[:, 0]
    squares = _discounted_means(steps[:, 1:] ** 2, counts - 2, (0.97,))[:, 0]
    zeros = (mask * (values <= ground[:, None])).sum(1) / np.maximum(counts, 1) * bounded
    mean = (mask * rest).sum(1) / np.maximum(counts, 1)
    facts = [
        np.full(len(counts), np.log(season)),
        np.log1p(counts) / 3,
        np.log1p(counts / season),
        zeros,
        np.clip(pairs / (squares + 1e-6 * scale**2), -2, 2),
        np.log(noise[:, 0]),
        np.log(noise[:, 1]),
        np.log(usual / scale + 1e-3),
        np.where(bounded, np.log(scale / np.maximum(np.abs(size), 1e-9) + 1e-4) / 3, 0.0),
        np.where(bounded, np.clip((centre - ground) / scale, -50, 50) / 20, 0.0),
        bounded.astype(float),
        np.arcsinh((mean - centre) / scale),
    ]
    return scale, facts, noise.mean(1)


def _recent(table: np.ndarray, counts: np.ndarray, number: int) -> np.ndarray:
    """The last `number` columns on the scale of the inverse hyperbolic sine, zero before the first figure."""
    kept = min(number, table.shape[1])
    last = np.arcsinh(table[:, -kept:]) * _mask(counts, kept)
    return np.concatenate([np.zeros((len(table), number - kept)), last], 1)


def _earlier_errors(
    values: np.ndarray, counts: np.ndarray, floor: np.ndarray, batch: Batch, scale: np.ndarray
) -> list[np.ndarray]:
    """How far the base forecasts of two earlier dates were off, relative to each other, and the bias of some."""
    found, length = [], values.shape[1]
    for span in checked_spans(batch.season, batch.second):
        ahead = np.unique(np.round(np.linspace(1, span, min(span, CHECKED_STEPS))).astype(int))
        enough = counts - span >= 2
        before = np.where(enough, counts - span, 1)
        steps = np.tile(ahead, (len(values), 1))
        bases = _base_forecasts(values[:, :-span], before, floor, batch.season, batch.second, steps).bases
        away = (values[:, length - span - 1 + ahead][..., None] - bases) / scale[:, None, None]
        errors = np.log(np.minimum(np.abs(away).mean(1), LARGEST) + 0.05)
        usual = errors.mean(1, keepdims=True)
        bias = np.arcsinh(np.clip(away[..., BIASED_BASES].mean(1), -LARGEST, LARGEST))
        found += [table * enough[:, None] for table in (errors - usual, usual, np.ones_like(usual), bias)]
    return found
