"""Simulated epidemics in which nothing drifts, and the same with a drift from a date on; nightly scores of a real model.

Every epidemic is a year to learn from and some to watch, with a population of its own, backlogs, corrections and days
without a figure. Seeds of `CHOSEN_ON` are those that thresholds were chosen on, seeds of `REPORTED_ON` are others.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from forecasting.data.forecast import MEDIAN
from forecasting.data.frequency import DAILY, Frequency, weekly
from forecasting.data.series import Series
from forecasting.evaluation.scores import is_covered, weighted_interval_score
from forecasting.models import model
from forecasting.monitoring.drift.residuals import DailyCounts, daily_counts
from forecasting.preparation.prepare import clean_counts
from forecasting.sources.simulated import EpidemicSettings, simulate_epidemic

CHOSEN_ON = 400_000
REPORTED_ON = 500_000
LEARNED = 365
WATCHED = 730
FIRST = pd.Timestamp("2021-01-04")  # a Monday
#: Nights before a model's scores are watched, and nights that they are; days after which a model is fitted anew.
WARM = 240
NIGHTS = 365
ANEW = 28
#: What makes the noise of the simulator's reporting three times as large.
NOISIER = float(np.sqrt(3**2 - 1)) * EpidemicSettings().noise


@dataclass(frozen=True)
class Watched:
    """One series as it came: `raw`, shape (n,), before repairs (NaN where nothing was published), by day or by week."""

    raw: np.ndarray
    frequency: Frequency

    @cached_property
    def series(self) -> Series:
        """The same, prepared."""
        dates = self.frequency.grid(FIRST, len(self.raw))
        return clean_counts(pd.Series(self.raw, index=dates), self.frequency)

    @cached_property
    def seen(self) -> np.ndarray | DailyCounts:
        """What tests look at."""
        return daily_counts(self.series.values) if self.frequency.name == "daily" else self.series.values

    @property
    def cut(self) -> int:
        """Periods before the first one of `series`."""
        return (
            len(self.raw) - len(self.series) - (0 if self.series.provisional is None else len(self.series.provisional))
        )


def by_day(seed: int) -> Watched:
    """An epidemic without a drift; on up to 3 % of its days nothing is published."""
    rng = np.random.default_rng(seed)
    population = int(np.exp(rng.uniform(np.log(2.5e5), np.log(3e7))))
    found = simulate_epidemic(
        LEARNED + WATCHED, seed, EpidemicSettings(population=population, initial=population / 150_000)
    )
    raw = found.reported.astype(float)
    raw[rng.random(len(raw)) < rng.uniform(0, 0.03)] = np.nan
    return Watched(raw, DAILY)


def by_week(daily: Watched, seed: int) -> Watched:
    """The same by week; up to 1 % of the weeks are not published."""
    rng = np.random.default_rng([seed, 1])
    sums = np.nan_to_num(daily.raw[: len(daily.raw) // 7 * 7]).reshape(-1, 7).sum(axis=1)
    sums[rng.random(len(sums)) < rng.uniform(0, 0.01)] = np.nan
    return Watched(sums, weekly("SUN"))


Change = Callable[[np.ndarray, np.random.Generator], np.ndarray]


def halved(raw: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Half of what was reported is."""
    return raw / 2


def doubled(raw: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Twice what was reported is."""
    return raw * 2


def noisier(raw: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The noise of reporting is three times as large."""
    return np.rint(raw * rng.gamma(NOISIER**-2, NOISIER**2, raw.shape))


def without_weekends(raw: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Nothing is reported on weekends, and it comes on Monday; `raw` begins with a Monday."""
    whole = np.nan_to_num(raw)
    changed, day = whole.copy(), np.arange(len(raw)) % 7
    changed[day >= 5] = 0
    held = np.where(day >= 5, whole, 0)
    mondays = np.flatnonzero(day == 0)[1:]
    changed[mondays] += held[mondays - 1] + held[mondays - 2]
    return changed


def gappy(raw: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """30 % of the periods have no figure."""
    return np.where(rng.random(len(raw)) < 0.3, np.nan, raw)


def drifted(watched: Watched, change: Change, at: int, seed: int) -> Watched:
    """The same with a change from place `at` on."""
    after = change(watched.raw[at:], np.random.default_rng([seed, 2]))
    return replace(
        watched, raw=np.concatenate([watched.raw[:at], np.maximum(np.rint(after), np.minimum(watched.raw[at:], 0))])
    )


@dataclass(frozen=True)
class Nights:
    """What a model and repeating said of the days after each of n origins: quantiles, shape (n, h, 23); what came, (n, h)."""

    model: np.ndarray
    naive: np.ndarray
    came: np.ndarray
    origins: pd.DatetimeIndex

    def scores(self, error: float = 1.0, width: float = 1.0, at: int = 0) -> pd.DataFrame:
        """A row an origin, horizon and model, in the columns of `score_forecasts`; from place `at` on the model is worse.

        `error` multiplies the distance of its quantiles from what came, `width` that from its median.
        """
        worse, came = self.model.copy(), self.came[at:, :, None]
        median = worse[at:, :, [MEDIAN]]
        worse[at:] = came + error * (median + width * (worse[at:] - median) - came)
        return pd.concat([self._scored("ets", worse), self._scored("naive", self.naive)], ignore_index=True)

    def _scored(self, name: str, values: np.ndarray) -> pd.DataFrame:
        flat, came = values.reshape(-1, values.shape[-1]), self.came.ravel()
        horizon = np.tile(np.arange(1, self.came.shape[1] + 1), len(self.came))
        origin = self.origins.repeat(self.came.shape[1])
        held = {f"coverage_{band}": is_covered(flat, came, band).astype(float) for band in (50, 80, 95)}
        when = {"origin": origin, "horizon": horizon, "date": origin + pd.to_timedelta(horizon, "D")}
        return pd.DataFrame({"model": name, **when, "wis": weighted_interval_score(flat, came), **held})


def nights(watched: Watched, every: int = 1) -> Nights:
    """ETS and seasonal naive from every night or every so many: so many days ahead, ETS fitted anew every four weeks."""
    ets, naive, series = model("ets"), model("naive"), watched.series
    places = range(len(series) - WARM - NIGHTS, len(series) - every + 1, every)
    said, repeated, fitted = [], [], dict[str, Any]()
    for place in places:
        known = replace(series, values=series.values[:place], provisional=None)
        carried = ets.extend(known, every, fitted) if (place - places[0]) % ANEW else None
        if carried is None:
            carried = ets.forecast(known, every)
            fitted = carried.fitted
        said.append(carried.values)
        repeated.append(naive.forecast(known, every).values)
    came = np.array([series.values[place : place + every] for place in places])
    return Nights(np.array(said), np.array(repeated), came, series.dates[np.array(places) - 1])
