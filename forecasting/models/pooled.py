"""Pooled: one global model of all regions of a panel, which learn from each other."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from forecasting.data.forecast import Forecast
from forecasting.data.frequency import Frequency
from forecasting.data.kind import AMOUNT, COUNT, Kind
from forecasting.data.pool import Pool
from forecasting.data.series import Series
from forecasting.models import _naive_fallback
from forecasting.models._pooled_covariates import UsableCovariates, usable_covariates
from forecasting.models._pooled_earlier_epidemics import WHAT as EPIDEMICS
from forecasting.models._pooled_earlier_epidemics import earlier_epidemics
from forecasting.models._pooled_expert_weights import PooledForecast, corrected_table, forecast_table
from forecasting.models._pooled_experts import WITH_COVARIATES, fourth_root
from forecasting.models._pooled_holiday_effect import HolidayEffect, holiday_effects
from forecasting.models._pooled_training import LearnedTable
from forecasting.models.base import PooledModel, Progress, ProgressCallback, ignore_progress
from forecasting.models.calibration import is_constant
from forecasting.models.ets import ETS
from forecasting.models.predictive import from_spread
from forecasting.models.theta import Theta
from forecasting.models.transforms import Transform
from forecasting.preparation.gather_pool import gather_pool, prepared_series
from forecasting.preparation.incomplete_reports import doubtful_together
from forecasting.support.errors import ForecastingError, ModelError

log = logging.getLogger(__name__)

#: Days of the longest year.
DAYS_OF_A_YEAR = 366
#: Blocks, the last ones, that a weekday (or hour) pattern is learned from: weeks (or days).
PATTERN_BLOCKS = 8
#: The mean that figures which are no counts are brought to: there the noise of counting, which they have not, is nothing.
MEAN_OF_OTHERS = 1e6
#: The trust that figures which are no counts must have earned, or each is forecast by itself; of series that
#: have nothing to do with each other it is a half. Counts are taken to be of one thing.
LEAST_TRUST = 0.6
#: Why ETS stands in.
BELOW_ZERO = "Pooled learns growth from sums, which figures below zero do not have, so ETS stands in."
NOTHING_IN_COMMON = "What these regions did together says no more of each than its own figures do, so ETS stands in."
#: The step of a numerical slope to both sides, as a share of the value.
SLOPE_STEP = 1e-4


class Pooled(PooledModel):
    """Experts on the whole table of regions, weighed by how they did on it so far."""

    name = "pooled"
    label = "Pooled"
    summary = (
        "One model for all regions at once. What the regions did together lately carries each of them on, as far as its "
        "own figures are too few or too noisy to tell; from half a year of weeks on, an autoregression learned "
        "from all regions takes part. From a year on, four fifths of the forecast are what boosted trees and ridge regressions have "
        "learned: how such courses went on, in any region, at any time and in the other statistics of the same source, from the "
        "figures as they were published then. Weekly counts that go back less than two years learn from three seasons of US "
        "influenza admissions, too, where that would have helped so far. The last weeks are corrected by what such weeks have "
        "become lately. Further columns of a file can take part as well, such as tests or mobility up to now. How much each of these counts is decided by "
        "their errors on the same regions so far. Best with many "
        "regions that rise and fall together; amounts that have nothing in common are left to exponential smoothing, and of a "
        "single region it knows no more than that does. With a "
        "country's holidays, the days of a week are given the shares that they had around earlier ones."
    )
    reference = (
        "Montero-Manso & Hyndman (2021), Principles and algorithms for forecasting groups of time series; Herbster & "
        "Warmuth (1998), Tracking the best expert; Friedman (2001), Greedy function approximation: a gradient boosting machine; "
        "Hoerl & Kennard (1970), Ridge regression"
    )
    version = 6
    order = 15
    time_limit = 180.0
    uses_covariates = True
    uses_holidays = True

    def warm_up(self) -> None:
        """Import scikit-learn's trees."""
        import sklearn.ensemble  # noqa: F401

    def forecast(self, series: Series, horizon: int, report: ProgressCallback = ignore_progress) -> Forecast:
        """Learn from all regions of the series' pool, or, without one, from this series alone, and forecast it."""
        if not len(series):
            raise ModelError("There is not a single figure to learn from.")
        if series.kind.low < 0:
            return _each_by_ets({series.region: series}, horizon, BELOW_ZERO)[series.region]
        if pool := series.around:
            made = self.forecast_pool(gather_pool(pool), horizon, report).get(series.region)
            if made is None:
                raise ModelError(f"Pooled cannot calculate with the figures of {series.region}; choose another model.")
            return made
        return self._forecasts({series.region: series}, None, horizon, report)[series.region]

    def forecast_pool(
        self, pool: Pool, horizon: int, report: ProgressCallback = ignore_progress
    ) -> dict[str, Forecast]:
        """Learn from all regions of `pool` at once and forecast each; one that nothing can be calculated with is left out."""
        series = {region: one for region, one in prepared_series(pool).items() if len(one)}
        if not series:
            raise ModelError("No region has a single figure to learn from.")
        if (made := self._without_faults(series, pool, horizon, report)) is not None:
            return made
        sound = {name: one for name, one in series.items() if self._without_faults({name: one}, None, horizon)}
        return self._forecasts(sound or series, pool, horizon, report)

    def _without_faults(
        self,
        series: Mapping[str, Series],
        pool: Pool | None,
        horizon: int,
        report: ProgressCallback = ignore_progress,
    ) -> dict[str, Forecast] | None:
        """The forecasts of these regions; None where any of them breaks the calculation or has no finite numbers."""
        try:
            with np.errstate(over="raise", invalid="raise", divide="raise"):
                made = self._forecasts(series, pool, horizon, report)
        except (ArithmeticError, ValueError, IndexError):
            log.warning("The pooled fit of %s broke down", _region_count(len(series)), exc_info=True)
            return None
        return made if all(one.is_finite for one in made.values()) else None

    def _forecasts(
        self, series: Mapping[str, Series], pool: Pool | None, horizon: int, report: ProgressCallback
    ) -> dict[str, Forecast]:
        kind = next(iter(series.values())).kind
        published, (series, units) = series, _in_units(series)
        others: list[LearnedTable] = []
        epidemics: LearnedTable | None = None
        frequency = next(iter(series.values())).frequency
        blocks = _Blocks.of(frequency)
        report(Progress(f"learning from {_region_count(len(series))}", 0, 2))
        counts, earlier, covariates = blocks.table(series), [], UsableCovariates()
        if pool is not None:
            earlier = _earlier_tables(pool, series) if blocks.periods == 1 else []
            earlier = [table / np.array([*units.values()]) for table in earlier]
            covariates = usable_covariates(pool, list(series.values()), counts, blocks.periods)
            others = [table for one in pool.others if (table := _learned_table(one, pool.dates[-1])) is not None]
            epidemics = earlier_epidemics(pool)
        passed = blocks.passed(series, len(counts))
        learned = forecast_table(
            counts,
            earlier,
            blocks.ahead(horizon),
            blocks.year,
            covariates.tables,
            passed,
            others if epidemics is None else [*others, epidemics],
        )
        report(Progress(f"forecasting {_region_count(len(series))}", 1, 2))
        if kind is not COUNT and learned.trust < LEAST_TRUST:
            return _each_by_ets(published, horizon, NOTHING_IN_COMMON)
        effects = holiday_effects(series, blocks.whole(horizon)) if frequency.alias == "D" else {}
        method, forecasts = _describe_weights(learned, len(series)), {}
        if epidemics is not None and learned.others:
            method = f"{method}; beside {len(epidemics.newest)} weeks of {EPIDEMICS}"
        for place, (region, one) in enumerate(series.items()):
            mean, spread, effect = learned.mean[place], learned.spread[place], effects.get(region)
            if one.is_intermittent and one.frequency.cycle > 1:
                forecasts[region] = _multiplied(_by_theta(one, horizon, learned.trust), units[region], kind)
                continue
            drawn = self._one(one, blocks, mean, spread, effect, horizon, method, learned.trust)
            forecasts[region] = _multiplied(drawn, units[region], kind)
        return {
            region: replace(one, notes=(*one.notes, *covariates.notes)) if covariates.notes else one
            for region, one in forecasts.items()
        }

    def _one(
        self,
        series: Series,
        blocks: _Blocks,
        mean: np.ndarray,
        spread: np.ndarray,
        effect: HolidayEffect | None,
        horizon: int,
        method: str,
        trust: float,
    ) -> Forecast:
        if not series.values.any() or is_constant(series):  # what shakes the others says nothing of such a region
            few = len(series) == 1
            repeated = (
                _naive_fallback.series_too_short(self, series, horizon, 2)
                if few
                else _naive_fallback.constant_series(self, series, horizon)
            )
            return replace(repeated, fitted={"trust": trust})
        scale = self.scale(series)
        mean, spread, noise = _to_scale(scale, *blocks.periods_of(series.values, mean, spread, horizon, effect))
        mean, notes = _naive_fallback.cap_runaway_trend(series, scale, mean)
        return from_spread(
            self, series, scale, mean, spread, noise, method=method, notes=notes, fitted={"trust": trust}
        )


def _each_by_ets(series: Mapping[str, Series], horizon: int, note: str) -> dict[str, Forecast]:
    """The forecasts of ETS in place of ones that would say nothing, with a sentence why; they have earned no trust."""
    found = {}
    for region, made in zip(series, ETS().forecast_many(list(series.values()), horizon), strict=True):
        if isinstance(made, ForecastingError):
            raise made
        found[region] = replace(made, model=Pooled.name, notes=(*made.notes, note), fitted={"trust": 0.0})
    return found


def _by_theta(series: Series, horizon: int, trust: float) -> Forecast:
    """The forecast of Theta for an intermittent series of days, whose weeks' sums and growth say less than their mean."""
    note = "Most days have no count here, so Theta stands in."
    stands_in = Theta().forecast(series, horizon)
    return replace(stands_in, model=Pooled.name, notes=(*stands_in.notes, note), fitted={"trust": trust})


def _in_units(series: Mapping[str, Series]) -> tuple[dict[str, Series], dict[str, float]]:
    """The series divided by their units, and these; counts as they are."""
    units = {region: _unit(one) for region, one in series.items()}
    if all(one.kind is COUNT for one in series.values()):
        return dict(series), units
    return {r: replace(one, values=one.values / units[r], kind=AMOUNT) for r, one in series.items()}, units


def _learned_table(pool: Pool, newest: pd.Timestamp) -> LearnedTable | None:
    """The table of another statistic, corrected for revisions; None where no series can be made of it.

    Its rows are so much older than those of the table to forecast, which ends with `newest`, as it ends before that.
    """
    series, units = _in_units({region: one for region, one in prepared_series(pool).items() if len(one)})
    if not series:
        return None
    blocks = _Blocks.of(pool.frequency)
    counts = blocks.table(series)
    earlier = _earlier_tables(pool, series) if blocks.periods == 1 else []
    earlier = [table / np.array([*units.values()]) for table in earlier]
    table = corrected_table(counts, earlier, blocks.year, blocks.passed(series, len(counts)))
    ends = max(one.origin for one in series.values())
    return replace(table, ended=max(len(pool.frequency.between(ends, newest)) - 1, 0) // blocks.periods)


def _unit(series: Series) -> float:
    """What the figures of `series` are divided by: 1 for counts, which have the noise of counting."""
    mean = 0.0 if series.kind is COUNT else float(series.values.mean())
    return mean / MEAN_OF_OTHERS if mean > 0 else 1.0


def _multiplied(forecast: Forecast, unit: float, kind: Kind) -> Forecast:
    """The forecast of figures that were divided by `unit`, within the bounds of their own kind."""
    if kind is COUNT:
        return forecast
    values, means = kind.clip(forecast.values * unit), kind.clip(forecast.means * unit)
    totals = np.minimum(forecast.totals * unit, kind.high * np.arange(1, forecast.horizon + 1)[:, None])
    return replace(forecast, values=values, totals=totals, means=means)


@dataclass(frozen=True)
class _Blocks:
    """How counts are summed to blocks without a pattern inside: weeks of days, days of hours, or single longer periods.

    Attributes:
        periods: how many make a block.
        year: blocks in a year, None where a year is far longer than any season of the series.
    """

    periods: int
    year: int | None

    @staticmethod
    def of(frequency: Frequency) -> _Blocks:
        if frequency.cycle > 1:
            return _Blocks(frequency.cycle, None if frequency.minutes else 52)
        return _Blocks(1, frequency.season)

    def ahead(self, horizon: int) -> int:
        """How many blocks hold so many periods, and one more to interpolate to."""
        return horizon if self.periods == 1 else self.whole(horizon) + 1

    def whole(self, horizon: int) -> int:
        """How many blocks hold so many periods."""
        return -(-horizon // self.periods)

    def table(self, series: Mapping[str, Series]) -> np.ndarray:
        """Counts a block, shape (blocks, regions); single periods begin with the first date of any region.

        Blocks are counted back from each region's own last period, so none is cut; one that ends earlier than others
        by some blocks has none at the end.
        """
        starts = min(one.start for one in series.values())
        ends = max(one.origin for one in series.values())
        grid = next(iter(series.values())).frequency.between(starts, ends)
        rows = -(-len(grid) // self.periods)
        table = np.full((rows, len(series)), np.nan)
        for place, one in enumerate(series.values()):
            missing = (len(grid) - 1 - int(grid.searchsorted(one.origin))) // self.periods
            whole = self._blocks(one.published)
            table[rows - missing - len(whole) : rows - missing, place] = whole
        return table[int(np.argmax(np.isfinite(table).any(axis=1))) :]

    def passed(self, series: Mapping[str, Series], blocks: int) -> np.ndarray:
        """The share of its year that has passed at the end of each of the last `blocks`, shape (blocks,)."""
        starts = min(one.start for one in series.values())
        ends = max(one.origin for one in series.values())
        grid = next(iter(series.values())).frequency.between(starts, ends)
        rows = len(grid) - 1 - self.periods * np.arange(blocks)[::-1]
        return (grid[np.maximum(rows, 0)].day_of_year.to_numpy() - 1) / DAYS_OF_A_YEAR

    def _blocks(self, values: np.ndarray) -> np.ndarray:
        """Sums of whole blocks up to the last period; of less than a block its mean times its length."""
        count = len(values) // self.periods
        if not count:
            return np.array([values.mean() * self.periods])
        return np.asarray(values[-count * self.periods :].reshape(count, self.periods).sum(axis=1))

    def periods_of(
        self,
        values: np.ndarray,
        mean: np.ndarray,
        spread: np.ndarray,
        horizon: int,
        effect: HolidayEffect | None = None,
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray | None]:
        """Mean, spread and noise of each period ahead on the fourth root, from those of blocks by the region's own pattern."""
        if self.periods == 1:
            return mean[:horizon], spread[:horizon], None
        share = fourth_root(np.array(1 / self.periods))
        usual = values if effect is None else effect.usual
        pattern, noise = self._pattern(usual, self._blocks(usual)[-PATTERN_BLOCKS:])
        middles = self.periods * np.arange(len(mean) + 1) - (self.periods - 1) / 2
        ahead = np.arange(1, self.periods * self.whole(horizon) + 1)
        level = np.interp(ahead, middles, np.concatenate([fourth_root(self._blocks(values)[-1:]), mean])) * share
        wide = np.interp(ahead, middles, np.concatenate([[0.0], spread])) * share
        shape = fourth_root(np.resize(pattern, len(ahead)))
        if effect is not None:
            shape = shape * effect.within_weeks(level * shape)
        return (level * shape)[:horizon], (wide * shape)[:horizon], np.where(shape > 0, noise, 0.0)[:horizon]

    def _pattern(self, values: np.ndarray, recent: np.ndarray) -> tuple[np.ndarray, float]:
        """Each place's share of a block times its length, and the noise around that on the fourth root."""
        count = len(values) // self.periods
        if count < 2 or not recent.sum() > 0:
            return np.ones(self.periods), 0.0
        days = values[-len(recent) * self.periods :].reshape(len(recent), self.periods)
        pattern = days.sum(axis=0) / recent.sum() * self.periods
        noise = fourth_root(days) - fourth_root(np.outer(recent / self.periods, pattern))
        return pattern, float(np.sqrt((noise**2).mean()))


def _earlier_tables(pool: Pool, series: Mapping[str, Series]) -> list[np.ndarray]:
    """Tables of new counts as published earlier, from the first date of `series` on, without what was provisional then."""
    columns = [place for place, region in enumerate(pool.regions) if region in series]
    first = int(pool.dates.searchsorted(min(one.start for one in series.values())))
    found = []
    for snapshot in pool.snapshots:
        counts = snapshot.values[:, columns]
        if pool.reported_cumulative:
            totals = pd.DataFrame(counts).interpolate(limit_area="inside").to_numpy()
            counts = np.diff(totals, axis=0, prepend=np.nan)
        counts = np.where(counts < 0, np.nan, counts)[first:]
        rows = np.flatnonzero(np.isfinite(counts).any(axis=1))
        if len(rows):
            counts = counts[: rows[-1] + 1]
            found.append(counts[: doubtful_together(counts, 1)])
    return found


def _to_scale(
    scale: Transform, mean: np.ndarray, spread: np.ndarray, noise: np.ndarray | None
) -> tuple[np.ndarray, np.ndarray, np.ndarray | None]:
    """Convert mean, spread and noise from the fourth root to `scale`, by the slope at the mean or one deviation above 0."""
    moved = scale.forward(mean**4)
    at = np.maximum(mean, np.hypot(spread, 0.0 if noise is None else noise))
    low, high = scale.forward(((1 - SLOPE_STEP) * at) ** 4), scale.forward(((1 + SLOPE_STEP) * at) ** 4)
    slope = np.divide(high - low, 2 * SLOPE_STEP * at, out=np.zeros_like(at), where=at > 0)
    return moved, spread * slope, None if noise is None else noise * slope


def _describe_weights(learned: PooledForecast, regions: int) -> str:
    kinds = {"shared": "shared trend", "season": "season", "auto": "autoregression"}
    shares = {
        label: sum(
            weight for name, weight in learned.weights.items() if name.startswith(kind) and name != WITH_COVARIATES
        )
        for kind, label in kinds.items()
    }
    shares[WITH_COVARIATES] = learned.weights.get(WITH_COVARIATES, 0.0)
    shares = {"trees and regressions": learned.learned} | {
        label: (1 - learned.learned) * share for label, share in shares.items()
    }
    parts = [f"{label} {100 * share:.0f} %" for label, share in shares.items() if share >= 0.005]
    described = ", ".join(parts)
    return f"{described[:1].upper()}{described[1:]}; {_region_count(regions)}"


def _region_count(count: int) -> str:
    return "1 region" if count == 1 else f"{count:,} regions"
