"""Made-up series: seven families that differ in what drives them, a batch of one family at a time."""

from __future__ import annotations

import numpy as np

from training.components import (
    Random,
    autoregressive,
    chance,
    noise,
    power,
    season,
    smooth_curve,
    wandering_level,
)
from training.epidemics import renewal, yearly_waves

#: Shares of the families by season: structural, smooth, autoregressive, multiplicative, counts, epidemics, economic.
FAMILIES = ("structural", "smooth", "autoregressive", "multiplicative", "counts", "epidemic", "economic")
SHARES = {
    1: (0.21, 0.09, 0.10, 0.10, 0.06, 0.09, 0.35),
    7: (0.25, 0.10, 0.10, 0.15, 0.09, 0.24, 0.07),
    24: (0.35, 0.15, 0.15, 0.30, 0.05, 0.00, 0.00),
    52: (0.19, 0.08, 0.09, 0.10, 0.08, 0.36, 0.10),
}
OTHER_SHARES = (0.21, 0.10, 0.10, 0.19, 0.08, 0.00, 0.32)
#: No figure is larger.
LARGEST = 1e9


def made_up(random: Random, rows: int, length: int, period: int, second: int = 0) -> np.ndarray:
    """Series of one family with a season of `period`; shape (rows, length), NaN where a figure is missing."""
    shares = SHARES[24] if second else SHARES.get(period, OTHER_SHARES)
    family = random.choice(FAMILIES, p=shares)
    if family == "epidemic":
        return with_holes(random, _epidemic(random, rows, length, period))
    values = {
        "structural": _structural,
        "smooth": _smooth,
        "autoregressive": _autoregressive,
        "multiplicative": _multiplicative,
        "counts": _counts,
        "economic": _economic,
    }[family](random, rows, length, period, second)
    values = np.clip(np.nan_to_num(values), -LARGEST, LARGEST)
    if family in ("structural", "smooth", "autoregressive"):
        values = _placed(random, values)
    if random.random() < 0.5:
        values = with_outliers(random, values)
    return with_holes(random, values)


def _season_size(random: Random, rows: int, period: int) -> np.ndarray:
    return power(random, rows, -0.7, 1.3) * chance(random, rows, 0.8 if period > 1 else 0)


def _structural(random: Random, rows: int, length: int, period: int, second: int) -> np.ndarray:
    """Level, season and noise, added."""
    seasonal = (
        season(random, rows, length, period, second) * _season_size(random, rows, period) * power(random, rows, -1, 0.3)
    )
    return (
        wandering_level(random, rows, length)
        + seasonal
        + noise(random, rows, length) * power(random, rows, -1.5, 0.5) * 0.6
    )


def _smooth(random: Random, rows: int, length: int, period: int, second: int) -> np.ndarray:
    """Smooth curves, a trend, a season and noise, added."""
    curve = smooth_curve(random, rows, length) * power(random, rows, -0.3, 1)
    curve = curve + smooth_curve(random, rows, length) * chance(random, rows, 0.5)
    trend = random.normal(size=(rows, 1)) * power(random, rows, -2.5, -0.7) * np.arange(length)
    seasonal = season(random, rows, length, period, second) * _season_size(random, rows, period)
    return curve + trend + seasonal + noise(random, rows, length) * power(random, rows, -1.5, 0.5) * 0.5


def _autoregressive(random: Random, rows: int, length: int, period: int, second: int) -> np.ndarray:
    """Seasonal ARIMA processes, of which two thirds are summed up once."""
    first, then = random.uniform(-0.5, 1, rows), random.uniform(-0.6, 0.4, rows)
    then = np.maximum(np.where(first + then >= 0.99, 0.95 - first, then), -0.9)
    yearly = np.where(random.random(rows) < 0.5, random.uniform(0.3, 0.97, rows), 0) * (period > 1)
    moving, before = random.uniform(-0.8, 0.8, rows), 3 * (period + 8)
    shocks = random.normal(size=(rows, length + before))
    values = np.zeros_like(shocks)
    values[:, : period + 8] = 2 * shocks[:, : period + 8]
    for now in range(period + 8, length + before):
        back = values[:, now - period] - first * values[:, now - period - 1] - then * values[:, now - period - 2]
        values[:, now] = first * values[:, now - 1] + then * values[:, now - 2] + yearly * back
        values[:, now] += shocks[:, now] + moving * shocks[:, now - 1]
    values = values[:, -length:]
    drift = 0.3 * random.normal(size=(rows, 1)) * chance(random, rows, 0.6)
    values = np.where(chance(random, rows, 2 / 3), np.cumsum(values + drift, 1), values)
    size = _season_size(random, rows, period) * values.std(1, keepdims=True) * 0.4
    return values + season(random, rows, length, period, second) * size


def _multiplicative(random: Random, rows: int, length: int, period: int, second: int) -> np.ndarray:
    """Level, season and noise, multiplied."""
    level = (wandering_level if random.random() < 0.7 else smooth_curve)(random, rows, length)
    growth = 6 * np.tanh(_with_steps(level, power(random, rows, -2.3, -0.9)) / 6)
    seasonal = season(random, rows, length, period, second) * power(random, rows, -2, -0.2) * chance(random, rows, 0.8)
    return 100 * np.exp(growth + seasonal + noise(random, rows, length) * power(random, rows, -2.5, -0.8))


def _counts(random: Random, rows: int, length: int, period: int, second: int) -> np.ndarray:
    """Poisson or more uneven counts, some of them mostly zero."""
    growth = _with_steps(wandering_level(random, rows, length), power(random, rows, -2.5, -1))
    seasonal = (
        season(random, rows, length, period, second) * random.uniform(0, 0.8, (rows, 1)) * chance(random, rows, 0.8)
    )
    mean = np.exp(np.clip(random.uniform(-2, 4, (rows, 1)) + growth + seasonal, -6, 9))
    even = power(random, rows, -0.3, 2)
    mean = mean * np.where(chance(random, rows, 0.5), 1.0, random.gamma(even, 1 / even, (rows, length)))
    ordered = random.random((rows, length)) < np.where(
        chance(random, rows, 0.25), random.uniform(0.1, 0.7, (rows, 1)), 1.0
    )
    return random.poisson(mean) * ordered.astype(float)


def _economic(random: Random, rows: int, length: int, period: int, second: int) -> np.ndarray:
    """A drift against its noise, with changes of it, cycles, and a season; on logs or as it is."""
    step = power(random, rows, -2.3, -0.8)
    slower = 1.0 if period == 1 else random.uniform(1, 4, (rows, 1))
    drift = step * random.uniform(-0.4, 1.6, (rows, 1)) * chance(random, rows, 0.85) / slower
    shocks = autoregressive(random, random.normal(size=(rows, length)), -0.2, 0.75)
    time, changing, changes = np.arange(length), chance(random, rows, 0.35), np.zeros((rows, length))
    for _ in range(2):
        changes += changing * random.normal(size=(rows, 1)) * drift * (time >= random.integers(0, length, (rows, 1)))
    walk = np.cumsum(drift + changes + step * shocks, 1)
    line = drift * time + np.cumsum(changes, 1) + step * shocks * 1.5
    path = np.where(chance(random, rows, 0.25), line, walk)
    path = path + smooth_curve(random, rows, length) * step * random.uniform(0, 4, (rows, 1)) * chance(
        random, rows, 0.4
    )
    path = 7 * np.tanh((path - path[:, -1:] * random.uniform(0, 1, (rows, 1))) / 7)
    path = path + season(random, rows, length, period) * power(random, rows, -2, -0.3) * chance(random, rows, 0.8)
    path = path + noise(random, rows, length) * step * random.uniform(0, 1.5, (rows, 1)) * chance(random, rows, 0.6)
    return np.where(chance(random, rows, 0.6), 1000 * np.exp(path), 1000 + 600 * path)


def _epidemic(random: Random, rows: int, length: int, period: int) -> np.ndarray:
    """Cases a day or a week, a fifth of them as rates."""
    weekly = period != 7
    values = (
        yearly_waves(random, rows, length)
        if weekly and random.random() < 0.5
        else renewal(random, rows, length, not weekly)
    )
    return values / power(random, rows, 0, 3) if random.random() < 0.2 else values


def _with_steps(path: np.ndarray, size: np.ndarray) -> np.ndarray:
    """The path with steps of `size` on average."""
    return path / (np.abs(np.diff(path)).mean(1, keepdims=True) + 1e-9) * size


def _placed(random: Random, values: np.ndarray) -> np.ndarray:
    """Most series above zero, near it or far from it; and all in units of their own."""
    rows, low = len(values), values.min(1, keepdims=True)
    spread = values.max(1, keepdims=True) - low
    above = values - low + spread * power(random, rows, -1.5, 1.5)
    return np.where(chance(random, rows, 0.7), above, values) * power(random, rows, -1, 3)


def with_outliers(random: Random, values: np.ndarray) -> np.ndarray:
    """The same, some of them with outliers here and there."""
    rows, length = values.shape
    usual = np.abs(np.diff(values)).mean(1, keepdims=True) + 1e-9
    there = chance(random, rows, 0.12) & (random.random((rows, length)) < 0.015)
    return values + there * random.normal(size=(rows, length)) * usual * 6


def with_holes(random: Random, values: np.ndarray) -> np.ndarray:
    """The same, some of them with missing figures (NaN): a stretch, or here and there."""
    rows, length = values.shape
    values = values.copy()
    for row in np.flatnonzero(random.random(rows) < 0.05):
        start = random.integers(0, length)
        values[row, start : start + random.integers(1, 12)] = np.nan
    values[chance(random, rows, 0.04) & (random.random((rows, length)) < 0.1)] = np.nan
    return values
