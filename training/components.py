"""Parts of made-up series: seasons, levels, smooth curves, noise; each of shape (series, periods).

Every function draws its own shapes and sizes, so that a batch holds many different series.
"""

from __future__ import annotations

import numpy as np

Random = np.random.Generator

#: Fourier waves in a smooth curve.
WAVES = 12
#: Harmonics in a smooth season, at most.
HARMONICS = 5


def power(random: Random, rows: int, low: float, high: float) -> np.ndarray:
    """Ten to a power between `low` and `high`, a column for each series."""
    return 10 ** random.uniform(low, high, (rows, 1))


def chance(random: Random, rows: int, share: float) -> np.ndarray:
    """True for such a share of the series; a column."""
    return random.random((rows, 1)) < share


def autoregressive(random: Random, noise: np.ndarray, low: float, high: float, share: float = 1.0) -> np.ndarray:
    """First-order autoregressive noise; the coefficient is between `low` and `high` for such a `share`, 0 for the others."""
    rows = len(noise)
    memory = np.where(random.random(rows) < share, random.uniform(low, high, rows), 0.0)
    noise = noise.copy()
    for period in range(1, noise.shape[1]):
        noise[:, period] += memory * noise[:, period - 1]
    return noise


def noise(random: Random, rows: int, length: int) -> np.ndarray:
    """Normal or long-tailed noise, for some series autocorrelated."""
    shocks = np.where(
        chance(random, rows, 0.7),
        random.normal(size=(rows, length)),
        random.standard_t(3, (rows, length)) / 1.6,
    )
    return autoregressive(random, shocks, -0.6, 0.9, 0.4)


def smooth_curve(random: Random, rows: int, length: int) -> np.ndarray:
    """A sum of random waves, as of a Gaussian process, about 1 in size; some with much faster waves."""
    width = power(random, rows, 0.5, 2.3)
    rough = random.standard_cauchy((rows, WAVES)).clip(-30, 30)
    rates = np.where(chance(random, rows, 0.6), random.normal(size=(rows, WAVES)), rough) / width
    phases, time, total = random.uniform(0, 2 * np.pi, (rows, WAVES)), np.arange(length), np.zeros((rows, length))
    for wave in range(WAVES):
        total += np.cos(rates[:, wave, None] * time + phases[:, wave, None])
    return total / np.sqrt(WAVES / 2)


def wandering_level(random: Random, rows: int, length: int) -> np.ndarray:
    """A random walk with a slope that wanders and fades, for some with a jump or a kink."""
    step, change = power(random, rows, -2, 0)[:, 0], power(random, rows, -3, -1)[:, 0] * (random.random(rows) < 0.6)
    fading = np.where(random.random(rows) < 0.35, 1.0, random.uniform(0.8, 0.99, rows))
    slope = random.normal(size=rows) * power(random, rows, -2.5, -0.3)[:, 0] * (random.random(rows) < 0.8)
    usual = slope * random.integers(0, 2, rows)
    shocks = random.normal(size=(length, 2, rows))
    heavy = random.random(rows) < 0.25
    shocks[:, 0] *= np.where(heavy, random.gamma(0.5, 2, (length, rows)), 1.0)
    level, path = np.zeros(rows), np.empty((length, rows))
    for period in range(length):
        slope = usual * (1 - fading) + fading * slope + change * shocks[period, 1]
        level = level + slope + step * shocks[period, 0]
        path[period] = level
    time = np.arange(length)
    jumps = random.normal(size=(rows, 1)) * 15 * step[:, None] * chance(random, rows, 0.15)
    kinks = random.normal(size=(rows, 1)) * power(random, rows, -2, -0.5) * chance(random, rows, 0.2)
    at, from_then = random.integers(1, length, (rows, 1)), random.integers(1, length, (rows, 1))
    return path.T + jumps * (time >= at) + kinks * np.maximum(time - from_then, 0)


def season(random: Random, rows: int, length: int, period: int, second: int = 0) -> np.ndarray:
    """A season of about 1 in size: its shape may drift, its size may wander; with `second`, days of a week differ."""
    if period == 1:
        return np.zeros((rows, length))
    time, shift = np.arange(length), random.integers(0, period, (rows, 1))
    place = (time + shift) % period
    now, later = (np.take_along_axis(_season_shape(random, rows, period), place, 1) for _ in range(2))
    drift = np.where(chance(random, rows, 0.5), 0.0, random.uniform(0, 1, (rows, 1))) * time / length
    size = (
        np.cumsum(random.normal(size=(rows, length)), 1) * power(random, rows, -2.5, -1) / np.sqrt(max(period / 12, 1))
    )
    size = np.where(chance(random, rows, 0.6), 1.0, np.exp(size))
    found = (now * (1 - drift) + later * drift) * size
    return _week(random, found, time + shift, period, second) if second else found


def _season_shape(random: Random, rows: int, period: int) -> np.ndarray:
    """One season's shape: smooth, rough, spiky or a hump; mean 0, standard deviation 1."""
    phase, waves = np.arange(period), np.zeros((rows, period))
    for harmonic in range(1, min(HARMONICS, max(period // 2, 1)) + 1):
        size = random.normal(size=(rows, 1)) / harmonic ** random.uniform(0, 1.5, (rows, 1))
        there = chance(random, rows, (1, 0.7, 0.4, 0.3, 0.3)[harmonic - 1])
        waves += size * there * np.cos(2 * np.pi * harmonic * phase / period + random.uniform(0, 2 * np.pi, (rows, 1)))
    rough = random.normal(size=(rows, period))
    share = random.random((rows, 1))
    rough = share * rough + (1 - share) * (np.roll(rough, 1, 1) + rough + np.roll(rough, -1, 1)) / 1.7
    spikes, row = np.zeros((rows, period)), np.arange(rows)
    for size in (3, 2):
        spikes[row, random.integers(0, period, rows)] += random.normal(size=rows) * size
    hump = np.exp(
        random.uniform(0.5, 4, (rows, 1)) * np.cos(2 * np.pi * phase / period + random.uniform(0, 6.3, (rows, 1)))
    )
    hump *= random.choice([-1, 1, 1, 1], (rows, 1)) / (hump.std(1, keepdims=True) + 1e-9)
    kind = random.integers(0, 5, (rows, 1))
    shape = np.select(
        [kind == 0, kind == 1, kind == 2, kind == 3], [waves, rough, spikes, hump], waves + 0.4 * rough + 0.3 * hump
    )
    return (shape - shape.mean(1, keepdims=True)) / (shape.std(1, keepdims=True) + 1e-9)


def _week(random: Random, daily: np.ndarray, time: np.ndarray, period: int, second: int) -> np.ndarray:
    """The days of a longer season differ in size and level, for most series; weekends often stand out."""
    rows, days = len(daily), second // period
    weekend = np.isin(np.arange(days), [days - 2, days - 1])
    factor = np.where(
        chance(random, rows, 0.7),
        1 - weekend * random.uniform(-0.3, 0.9, (rows, 1)),
        1 + 0.4 * random.normal(size=(rows, days)),
    )
    factor = factor + 0.07 * random.normal(size=(rows, days)) * chance(random, rows, 0.6)
    free = 0.5 * random.normal(size=(rows, days))
    offset = np.where(chance(random, rows, 0.5), factor - 1, free) * random.choice([0, 0.5, 1, 2], (rows, 1))
    day = (time // period + random.integers(0, days, (rows, 1))) % days
    weekly = daily * np.take_along_axis(factor, day, 1) + np.take_along_axis(offset, day, 1)
    return np.where(chance(random, rows, 0.8), weekly, daily)
