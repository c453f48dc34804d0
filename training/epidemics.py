"""Made-up epidemics: a renewal process with reporting, and yearly waves; counts of shape (series, periods)."""

from __future__ import annotations

import numpy as np

from training.components import Random, autoregressive, chance, power

#: Weeks and days in a year.
WEEKS_A_YEAR, DAYS_A_YEAR = 52.18, 365.25
#: Figures are no larger.
LARGEST = 1e8


def renewal(random: Random, rows: int, length: int, days: bool) -> np.ndarray:
    """Infections that infect others, with a reproduction number that wanders, a season and susceptibles that run out.

    Of `days`, with weekdays on which less is reported, or of weeks.
    """
    pace, generation = (0.2, [1, 2, 3, 3, 2, 1, 1]) if days else (1.0, [3, 2, 1])
    year, before = (DAYS_A_YEAR, 120) if days else (WEEKS_A_YEAR, 60)
    interval, back = random.dirichlet(generation, rows), len(generation)
    people = power(random, rows, 3, 7.5)[:, 0]
    seasonal = np.where(random.random(rows) < 0.6, random.uniform(0.05, 0.35, rows), 0) * (0.4 if days else 1)
    phase, wander = random.uniform(0, 2 * np.pi, rows), power(random, rows, -2, -0.9)[:, 0] * (0.6 if days else 1)
    revert, waning = random.uniform(0.01, 0.12, rows) * (0.5 if days else 1), random.uniform(0.004, 0.03, rows) * pace
    imported, basic = power(random, rows, -1.5, 1)[:, 0], np.log(random.uniform(1.0, 1.9, rows))
    even, mood, susceptible = power(random, rows, 0.8, 4)[:, 0], random.normal(size=rows) * 0.1, people.copy()
    infected = np.zeros((rows, length + before))
    infected[:, :back] = power(random, rows, 0, 2)
    for period in range(back, length + before):
        mood = mood * (1 - revert) + wander * random.standard_t(5, rows) * 0.8
        share = np.clip(susceptible / people, 1e-3, 1)
        number = np.exp(basic * share + np.log(share) + mood + seasonal * np.cos(2 * np.pi * period / year + phase))
        recent = (interval * infected[:, period - back : period][:, ::-1]).sum(1)
        infected[:, period] = (number * recent + imported).clip(0, people * 0.2) * random.gamma(even, 1 / even)
        susceptible = np.clip(
            susceptible - infected[:, period] + waning * (people - susceptible), people * 1e-3, people
        )
    expected = infected[:, before:] * random.uniform(0.005, 0.5, (rows, 1))
    return _counted(random, expected * _weekdays(random, rows, length) if days else expected, 0.5)


def _weekdays(random: Random, rows: int, length: int) -> np.ndarray:
    """What share of a usual day is reported on each day: for some series nothing at weekends."""
    share = np.where(chance(random, rows, 0.7), np.clip(1 + 0.25 * random.normal(size=(rows, 7)), 0, 3), 1.0)
    share[random.random(rows) < 0.25, 5:] = 0
    return share[:, np.arange(length) % 7] * 7 / share.sum(1, keepdims=True)


def yearly_waves(random: Random, rows: int, length: int) -> np.ndarray:
    """Weeks with a wave a year that has its own time, height and slopes, some with a second one."""
    time, total = np.arange(length), np.zeros((rows, length))
    first, jitter, uneven = (
        random.uniform(0, WEEKS_A_YEAR, (rows, 1)),
        random.uniform(0, 6, (rows, 1)),
        random.uniform(0.1, 1, (rows, 1)),
    )
    rise, fall = random.uniform(0.08, 0.6, (rows, 1)), random.uniform(0.08, 0.5, (rows, 1))
    for year in range(-1, length // 52 + 2):
        peak = first + WEEKS_A_YEAR * year + jitter * random.normal(size=(rows, 1))
        height = np.exp(uneven * random.normal(size=(rows, 1)))
        up, down = (slope * np.exp(0.2 * random.normal(size=(rows, 1))) for slope in (rise, fall))
        total += height * _wave(time - peak, up, down)
        again = chance(random, rows, 0.3) * random.uniform(0.1, 0.8, (rows, 1))
        total += height * again * _wave(time - peak - random.uniform(5, 26, (rows, 1)), up, down)
    total = (total + power(random, rows, -3, -0.7)) * power(random, rows, 1, 4)
    moods = random.normal(size=(rows, length)) * power(random, rows, -2.5, -0.8)
    return _counted(random, total * np.exp(autoregressive(random, moods, 0.9, 0.9)), 0.8)


def _wave(time: np.ndarray, rise: np.ndarray, fall: np.ndarray) -> np.ndarray:
    return 2 / (np.exp(-np.clip(rise * time, -50, 50)) + np.exp(np.clip(fall * time, -50, 50)))


def _counted(random: Random, expected: np.ndarray, least: float) -> np.ndarray:
    """Counts that vary more than Poisson's by a factor of each series' own."""
    even = power(random, len(expected), least, 3)
    return random.poisson(np.clip(expected * random.gamma(even, 1 / even, expected.shape), 0, LARGEST)).astype(float)
