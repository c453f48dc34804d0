"""Simulated epidemics with a known truth: a stochastic renewal process, reported the way that real counts are.

New infections follow the renewal equation of Cori et al. (2013), A new framework and software to estimate
time-varying reproduction numbers during epidemics, Am J Epidemiol 178(9): infections on day t are expected to be
``R[t] * sum(w[s] * I[t - s])``, with ``w`` the distribution of the generation interval. Each infected person infects a
negative binomial number of others (Lloyd-Smith et al. 2005, Superspreading and the effect of individual variation on
disease emergence, Nature 438). The logarithm of R is a smooth mean-reverting process (a critically damped oscillator
driven by noise) minus the caution of people who see many infections; both are ours, to keep waves coming and bounded.

`simulate_epidemic` makes one epidemic, `continue_epidemic` continues the same one many times: the distribution that a forecaster who
knew everything would give, against which the coverage of models can be tested.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np
import pandas as pd

from forecasting.data.frequency import DAILY
from forecasting.data.panel import Panel, Statistic, new_and_cumulative
from forecasting.sources.shared.base import Source
from forecasting.tables.cells.tidy_table import stack_wide_table

#: Region -> people; the names are from stories, so that nobody takes them for places.
REGIONS = {
    "Atlantis": 9_000_000,
    "Avalon": 400_000,
    "Blefuscu": 1_200_000,
    "Brobdingnag": 30_000_000,
    "Cockaigne": 5_500_000,
    "Erewhon": 2_500_000,
    "Laputa": 250_000,
    "Lilliput": 800_000,
    "Lyonesse": 3_500_000,
    "Ruritania": 15_000_000,
    "Utopia": 6_500_000,
    "Zenda": 600_000,
}
#: Length of an epidemic.
DAYS = 500
#: The last day of every epidemic.
LAST_DAY = pd.Timestamp("2024-06-30")
#: Days after which nobody infects any more.
_INFECTIOUS_DAYS = 21


@dataclass(frozen=True)
class EpidemicSettings:
    """The parameters of an epidemic: how it spreads and is reported.

    Attributes:
        population: people; where caution begins depends on it.
        initial: infections a day in the weeks before the first day.
        imported: infections a day from elsewhere.
        generation_mean, generation_sd: days from one infection to the next one that it causes (gamma).
        dispersion: of the offspring; the smaller, the more superspreading.
        wander, wander_days: standard deviation and time scale (days) of the logarithm of R.
        caution: how much the logarithm of R falls when infections grow e-fold.
        ascertained: the share of infections that is ever counted.
        noise: coefficient of variation of that share from day to day.
        weekdays: how much is counted on Monday … Sunday, relative to the mean.
        delays: the share of a day's count that is published 0, 1, 2 … days later.
        correction_chance, backlog_chance: a day's chance of a negative correction, and of a backlog's beginning.
    """

    population: int = 5_000_000
    initial: float = 30.0
    imported: float = 2.0
    generation_mean: float = 5.2
    generation_sd: float = 2.8
    dispersion: float = 0.5
    wander: float = 0.2
    wander_days: float = 20.0
    caution: float = 0.12
    ascertained: float = 0.4
    noise: float = 0.05
    weekdays: tuple[float, ...] = (1.15, 1.2, 1.12, 1.08, 1.05, 0.75, 0.65)
    delays: tuple[float, ...] = (0.45, 0.27, 0.14, 0.08, 0.04, 0.02)
    correction_chance: float = 0.006
    backlog_chance: float = 0.01

    def generation(self) -> np.ndarray:
        """The distribution of the generation interval over 1, 2 … days."""
        days = np.arange(1, _INFECTIOUS_DAYS + 1)
        shape = (self.generation_mean / self.generation_sd) ** 2
        density = days ** (shape - 1) * np.exp(-days * shape / self.generation_mean)
        return density / density.sum()


@dataclass(frozen=True)
class Simulation:
    """One simulated epidemic; every array has an entry a day, the first day being `first_weekday` (0 is Monday).

    Attributes:
        true_infections: people infected.
        reproduction_number: R, as it acted on that day.
        cases: infections that are counted in the end, by the day they belong to.
        reported: the counts as published at the end of the last day: the last days are incomplete, and corrections
            and backlogs are in it. Negative where a correction was.
    """

    setting: EpidemicSettings
    seed: int
    first_weekday: int
    true_infections: np.ndarray
    reproduction_number: np.ndarray
    cases: np.ndarray
    reported: np.ndarray
    _wander: np.ndarray = field(repr=False)  # value and speed of the wandering part of log R, a column each
    _arrived: np.ndarray = field(repr=False)  # a day's cases by the days that they were late
    _adjustments: np.ndarray = field(repr=False)

    def published(self, day: int) -> np.ndarray:
        """The counts of day 0 … `day` as they were published at the end of `day`."""
        late = np.arange(day + 1)[::-1]
        known = np.cumsum(self._arrived[: day + 1], axis=1)
        known = known[np.arange(day + 1), np.minimum(late, known.shape[1] - 1)]
        adjustments = self._adjustments[: day + 1]
        withheld = np.minimum(np.maximum(-adjustments[:, 0], 0), known)
        return known - withheld + adjustments[:, 1]


@dataclass(frozen=True)
class Futures:
    """Continuations of an epidemic, a row a draw and a column a day ahead: `infections`, and `cases` when complete."""

    infections: np.ndarray
    cases: np.ndarray


def simulate_epidemic(
    days: int, seed: int, setting: EpidemicSettings | None = None, first_weekday: int = 0
) -> Simulation:
    """One epidemic of so many `days`; the same arguments always give the same one."""
    setting = setting or EpidemicSettings()
    rng = np.random.default_rng(seed)
    before = rng.poisson(setting.initial, (1, _INFECTIOUS_DAYS)).astype(float)
    start = np.array([[rng.normal(0, setting.wander), 0.0]])
    infections, numbers, wander = _spread(before, start, days, setting, rng)
    cases = _counted(infections, first_weekday, setting, rng)[0]
    arrived = rng.multinomial(cases, setting.delays)
    adjustments = _artefacts(cases, setting, rng)
    simulation = Simulation(
        setting, seed, first_weekday, infections[0], numbers[0], cases, cases, wander[0], arrived, adjustments
    )
    object.__setattr__(simulation, "reported", simulation.published(days - 1))
    return simulation


def continue_epidemic(simulation: Simulation, day: int, horizon: int, draws: int, seed: int = 0) -> Futures:
    """Continue the epidemic `draws` times from the end of `day`, with everything known up to then.

    The cases are complete, without corrections or backlogs. This is the true predictive distribution given the whole
    state (infections and R, not only counts), so a forecaster who sees counts only has to be less sure.
    """
    rng = np.random.default_rng([simulation.seed, day, seed])
    past = simulation.true_infections[max(0, day + 1 - _INFECTIOUS_DAYS) : day + 1]
    before = np.full(_INFECTIOUS_DAYS, simulation.setting.initial)
    before[_INFECTIOUS_DAYS - len(past) :] = past
    start = np.tile(simulation._wander[day], (draws, 1))
    infections, _, _ = _spread(np.tile(before, (draws, 1)), start, horizon, simulation.setting, rng)
    weekday = (simulation.first_weekday + day + 1) % 7
    return Futures(infections, _counted(infections, weekday, simulation.setting, rng))


def _spread(
    before: np.ndarray, wander: np.ndarray, days: int, setting: EpidemicSettings, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Infections and R (rows × days) and the wandering part's path, from the `_INFECTIOUS_DAYS` days of infections `before`."""
    rows = len(before)
    infections = np.concatenate([before, np.zeros((rows, days))], axis=1)
    numbers = np.zeros((rows, days))
    path = np.zeros((rows, days, 2))
    weights = setting.generation()[::-1]
    value, speed = wander[:, 0].copy(), wander[:, 1].copy()
    # The strength of noise that gives the oscillator its standard deviation in the long run.
    kick = 2 * setting.wander / setting.wander_days**1.5
    for day in range(days):
        recent = infections[:, day : day + _INFECTIOUS_DAYS]
        speed += -value / setting.wander_days**2 - 2 * speed / setting.wander_days + kick * rng.normal(size=rows)
        value += speed
        seen = (recent[:, -14:].mean(axis=1) + 1) / (setting.population / 2000)
        numbers[:, day] = np.exp(value - setting.caution * np.log(seen))
        infectious = np.maximum(recent @ weights, 1e-9)
        size = setting.dispersion * infectious
        caused = rng.negative_binomial(size, setting.dispersion / (setting.dispersion + numbers[:, day]))
        infections[:, _INFECTIOUS_DAYS + day] = caused + rng.poisson(setting.imported, rows)
        path[:, day] = np.column_stack([value, speed])
    return infections[:, _INFECTIOUS_DAYS:], numbers, path


def _counted(infections: np.ndarray, weekday: int, setting: EpidemicSettings, rng: np.random.Generator) -> np.ndarray:
    """The infections that are counted in the end, the first column being a `weekday`."""
    pattern = np.array(setting.weekdays)[(weekday + np.arange(infections.shape[1])) % 7]
    share = setting.ascertained * pattern / np.mean(setting.weekdays)
    if setting.noise:
        share = share * rng.gamma(setting.noise**-2, setting.noise**2, infections.shape)
    return rng.binomial(infections.astype(int), np.clip(share, 0, 1)).astype(int)


def _artefacts(cases: np.ndarray, setting: EpidemicSettings, rng: np.random.Generator) -> np.ndarray:
    """What is withheld on each day (first column, negative) and released or corrected on it (second column)."""
    days = len(cases)
    adjustments = np.zeros((days, 2), dtype=int)
    for day in np.flatnonzero(rng.random(days) < setting.backlog_chance):
        length = int(rng.integers(2, 5))
        held = np.rint(cases[day : day + length] * rng.uniform(0.5, 1.0)).astype(int)
        held = np.where(adjustments[day : day + length, 0] < 0, 0, held)
        adjustments[day : day + length, 0] -= held
        if day + length < days:
            adjustments[day + length, 1] += held.sum()
    for day in np.flatnonzero(rng.random(days) < setting.correction_chance):
        usual = cases[max(0, day - 6) : day + 1].mean()
        adjustments[day, 1] -= round(usual * rng.uniform(0.5, 2.5))
    return adjustments


class Simulated(Source):
    """Invented epidemics in invented regions."""

    name = "simulated"
    label = "Simulated epidemics"
    summary = (
        "Twelve invented epidemics in places from stories, 500 days each: a renewal process with a reproduction "
        "number that changes smoothly, counted with weekday patterns, reporting delays, corrections and backlogs. "
        "The truth behind them is known, so they show how well a model can do at all."
    )
    home = "https://doi.org/10.1093/aje/kwt133"
    attribution = "Simulated by Forecast Explorer; method after Cori et al. (2013)"
    licence = "public domain"
    order = 40

    def statistics(self) -> tuple[Statistic, ...]:
        """New and cumulative cases."""
        return new_and_cumulative("cases", reported_cumulative=False)

    def panel(self) -> Panel:
        """The counts as published on the last day, 30 June 2024."""
        return _panel()


def simulations(world: int = 0) -> dict[str, Simulation]:
    """The epidemics behind the source, by region: the truth to its figures; other epidemics in other worlds."""
    first_weekday = (LAST_DAY - pd.Timedelta(days=DAYS - 1)).weekday()
    return {
        region: simulate_epidemic(
            DAYS, world + seed, EpidemicSettings(population=population, initial=population / 150_000), first_weekday
        )
        for seed, (region, population) in enumerate(REGIONS.items(), 1)
    }


@lru_cache(maxsize=1)
def _panel() -> Panel:
    known = simulations()
    dates = pd.date_range(end=LAST_DAY, periods=DAYS, freq="D")
    values = np.vstack([simulation.reported for simulation in known.values()])
    return Panel(
        Simulated.name,
        stack_wide_table(list(known), dates, values, "cases"),
        Simulated().statistics(),
        {"cases": DAILY},
        Simulated.attribution,
        Simulated.licence,
        ("These figures are simulated: the regions and everything that happens there are invented.",),
    )
