"""The pooled model's experts: simple forecasters of a whole table of regions at once.

`_pooled_expert_weights` combines them ("prediction with expert advice").

Everything here is on the fourth root of counts per block (a period, or a week of days), in arrays of blocks × regions with
NaN where there is nothing. Errors are divided by `typical_shock`, so those of large and small regions can be compared.

- *Shared trend*: each region's level is a running average; what the regions did together carries it on, and fades. How
  much a new count moves the level is a Kalman gain: little where counting noise is large, as between small numbers or late
  reports. Nine gains between them cover smooth and noisy data.
- *Shared trend with a season*: half of the trend is what the regions did together at this time in earlier years.
- *Autoregression*: the change from now to h blocks ahead, regressed on the last changes of the region and of all, with or
  without the level and the time of the year; ridge regression over all regions at once, standardised by region. Where
  there are covariates, one more of them regresses on those, too.
- *Alone*: exponential smoothing of each region by itself, which the others are compared with.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

import numpy as np
import pandas as pd

State = TypeVar("State")
#: Level and trend of each region by each pair of gains: shape (gains, regions) each.
AloneState = tuple[np.ndarray, np.ndarray]

#: Variances of counting noise (times the mean count) over that of the level's own change a block.
COUNTING_NOISE = (4.0, 20.0, 60.0)
#: Variances of reporting noise over that of the level's own change a block.
REPORTING_NOISE = (0.02, 0.5, 2.0)
_COUNTING = np.repeat(COUNTING_NOISE, len(REPORTING_NOISE))[:, None]
_REPORTING = np.tile(REPORTING_NOISE, len(COUNTING_NOISE))[:, None]
#: States that a filter keeps of a table: those after its last rows, which are revised most.
KEPT_STATES = 12
#: The share of the regions' common trend that is carried on.
TREND_SHARE = 0.5
#: The share of the last common change that enters the trend.
TREND_GAIN = 0.5
#: The share of the trend that is left a block later.
TREND_DAMPING = 0.85
#: The share of the trend that is that of earlier years, where there are any.
SEASONAL_SHARE = 0.5
#: The share of a year that the change in earlier years is smoothed over.
SEASON_SMOOTHING = 0.1
#: Blocks, the last ones, that autoregressions learn from: ten years of weeks.
MOST_REGRESSED = 520
#: Blocks from which on autoregressions take part: half a year of weeks.
LEAST_BLOCKS = 26
#: The ridge penalty of autoregressions, in squared standardised figures.
RIDGE_PENALTY = 100.0
#: Changes of the region that an autoregression looks back on, in blocks.
LAGS = 3
#: Blocks ahead that an autoregression always has a regression for.
LEAST_HORIZON = 4
#: Level gains of the exponential smoothing of each region by itself.
ALONE_LEVEL = (0.5, 0.8, 1.0)
#: Trend gains of it.
ALONE_TREND = (0.0, 0.3)
#: The share of its trend that is left a block later.
ALONE_DAMPING = 0.8
_ALONE_GAINS = np.array([(level, trend) for level in ALONE_LEVEL for trend in ALONE_TREND])
#: Standard deviations from its region's mean that a covariate is clipped to.
COVARIATE_LIMIT = 3.0
#: The name of the expert that regresses on covariates.
WITH_COVARIATES = "autoregression with covariates"
#: The standard deviation of a typical shock without counting noise, as a share of the level.
TYPICAL_SHOCK_SHARE = 0.25


def fourth_root(counts: np.ndarray) -> np.ndarray:
    """The fourth root of counts, negative ones taken as 0."""
    return np.sqrt(np.sqrt(np.maximum(counts, 0.0)))


def typical_shock(counts: np.ndarray) -> np.ndarray:
    """The size of a typical shock to `counts` on the fourth root: a share of the level, and the noise of counting."""
    level = np.maximum(counts, 1.0)
    return fourth_root(level + np.sqrt((TYPICAL_SHOCK_SHARE * level) ** 2 + level)) - fourth_root(level)


def expert_forecasts(
    table: np.ndarray,
    horizon: int,
    year: int | None,
    covariates: Sequence[np.ndarray],
    filtered: CausalFilter[LevelState] | None = None,
) -> dict[str, np.ndarray]:
    """Each expert's forecasts of the blocks after a table's last row: name -> shape (regions, horizon).

    NaN for regions that have not begun, and from autoregressions where the last row, which they need, is not known. Whoever
    asks for tables that follow each other gives the same filter to all.
    """
    state = (filtered or level_filter()).end(table)
    levels, trend, common = state.levels, state.trend, state.common
    ahead = np.arange(1, horizon + 1)
    shock = last_typical_shock(table)[:, None]
    fading = TREND_SHARE * trend * TREND_DAMPING**ahead
    forecasts = {
        f"shared trend {place}": level[:, None] + shock * np.cumsum(fading) for place, level in enumerate(levels)
    }
    seasonal = _change_in_earlier_years(common, horizon, year)
    if seasonal is not None:
        path = np.cumsum(
            np.where(np.isnan(seasonal), fading, (1 - SEASONAL_SHARE) * fading + SEASONAL_SHARE * seasonal)
        )
        for place in range(0, len(levels), len(REPORTING_NOISE) + 1):
            forecasts[f"season {place}"] = levels[place][:, None] + shock * path
    if len(table) >= LEAST_BLOCKS:
        forecasts |= _autoregressions(fourth_root(table), horizon, year, [one[: len(table)] for one in covariates])
    return forecasts


class CausalFilter(Generic[State]):
    """A filter over the rows of tables, which are given one after the other.

    It looks at the past only. So of a table that begins as the one before it does, as the tables of one origin after the
    other do, only the rows that are new or revised are filtered.
    """

    def __init__(
        self, begin: Callable[[np.ndarray], State], step: Callable[[State, np.ndarray, np.ndarray], State]
    ) -> None:
        """`begin` makes the state after a table's first row, `step` that after one more, given the row before it and itself."""
        self._begin, self._step = begin, step
        self._table = np.empty((0, 0))
        self._states: dict[int, State] = {}  # after the last rows of `_table`, by the row

    def end(self, table: np.ndarray) -> State:
        """The state after the last row of a table."""
        same = _rows_in_common(self._table, table)
        states = {row: state for row, state in self._states.items() if row < same} or {0: self._begin(table[0])}
        last = max(states)
        state = states[last]
        for row in range(last + 1, len(table)):
            states[row] = state = self._step(state, table[row - 1], table[row])
            states.pop(row - KEPT_STATES, None)
        self._table, self._states = table, states
        return state


@dataclass(frozen=True)
class LevelState:
    """What the filter of levels knows after a row of a table.

    Attributes:
        levels: the level of each region by each gain, shape (gains, regions).
        size: the running mean of each region's counts.
        trend: the common trend, in typical shocks.
        common: the common change of each row so far, in typical shocks.
    """

    levels: np.ndarray
    size: np.ndarray
    trend: float
    common: np.ndarray


def level_filter() -> CausalFilter[LevelState]:
    """The filter of levels, of which `expert_forecasts` needs one for all tables that follow each other."""
    return CausalFilter(_begin_levels, _step_levels)


def _begin_levels(first: np.ndarray) -> LevelState:
    levels = np.repeat(fourth_root(first)[None], len(_COUNTING), axis=0)
    return LevelState(levels, np.maximum(first, 1.0), 0.0, np.zeros(1))


def _step_levels(state: LevelState, before: np.ndarray, now: np.ndarray) -> LevelState:
    levels, size, trend, common = state.levels, state.size, state.trend, 0.0
    known, both = np.isfinite(now), np.isfinite(now) & np.isfinite(before)
    middle = np.where(both, (now + before) / 2, size)
    shock = typical_shock(np.nan_to_num(middle))
    size = np.where(known, np.where(np.isfinite(size), 0.7 * size + 0.3 * np.maximum(now, 1.0), now), size)
    values = fourth_root(now)
    if both.any():
        change = np.clip((values - fourth_root(before))[both] / shock[both], -3.0, 3.0)
        common = float(np.average(change, weights=np.sqrt(middle[both]) + 1e-9))
    expected = levels + TREND_SHARE * TREND_DAMPING * trend * shock
    ratio = 1.0 / (_COUNTING / np.maximum(np.nan_to_num(size, nan=1.0), 1.0) + _REPORTING)
    gain = (-ratio + np.sqrt(ratio**2 + 4 * ratio)) / 2
    moved = np.where(np.isfinite(expected), expected + gain * (values - expected), values)
    trend = (1 - TREND_GAIN) * trend + TREND_GAIN * common if both.any() else TREND_DAMPING * trend
    return LevelState(np.where(known, moved, expected), size, trend, np.append(state.common, common))


def _rows_in_common(one: np.ndarray, other: np.ndarray) -> int:
    """How many rows two tables of the same regions have in common at their beginning."""
    rows = min(len(one), len(other))
    if not rows or one.shape[1] != other.shape[1]:
        return 0
    first, second = one[:rows], other[:rows]
    same = ((first == second) | (np.isnan(first) & np.isnan(second))).all(axis=1)
    return rows if same.all() else int(np.argmin(same))


def _change_in_earlier_years(common: np.ndarray, horizon: int, year: int | None) -> np.ndarray | None:
    """The common change of each coming block in earlier years, shrunk towards 0 where there are few; None without any."""
    if year is None:
        return None
    width = 2 * int(SEASON_SMOOTHING * year / 2) + 1
    if len(common) < year + width:
        return None
    smooth = np.convolve(common, np.full(width, 1 / width), "same")
    usable = len(common) - width // 2
    found = np.full(horizon, np.nan)
    for ahead in range(1, horizon + 1):
        places = np.arange(len(common) - 1 + ahead - year, -1, -year)
        places = places[(places < usable) & (places > 0)]
        if len(places):
            found[ahead - 1] = smooth[places].sum() / (len(places) + 1)
    return None if np.isnan(found).all() else found


def _autoregressions(
    values: np.ndarray, horizon: int, year: int | None, covariates: Sequence[np.ndarray]
) -> dict[str, np.ndarray]:
    """Autoregressive forecasts by name: of changes alone, with the level, with seasons, with covariates.

    Each has shape (regions, horizon). The one with covariates is NaN for regions whose last covariates are not known, and
    missing where that is so for more than half of the regions.
    """
    values = values[-MOST_REGRESSED:]
    covariates = [one[-MOST_REGRESSED:] for one in covariates]
    known = np.isfinite(values)
    count = np.maximum(known.sum(axis=0), 1)
    middle = np.nan_to_num(values).sum(axis=0) / count
    scale = np.sqrt(np.where(known, (values - middle) ** 2, 0.0).sum(axis=0) / count) + 0.05
    standard = (values - middle) / scale
    together = np.nan_to_num(standard).sum(axis=1) / np.maximum(known.sum(axis=1), 1)
    columns = [_lagged_change(standard, lag) for lag in range(LAGS)]
    columns += [_broadcast(_lagged_change(together[:, None], lag), standard) for lag in range(LAGS - 1)]
    level = [_broadcast(together[:, None], standard), standard, np.ones_like(standard)]
    sets = {"autoregression of changes": columns, "autoregression": columns + level}
    if year is not None and len(values) >= year + LEAST_BLOCKS // 2:
        angle = 2 * np.pi * np.arange(len(values))[:, None] / year
        waves = [_broadcast(wave(angle), standard) for wave in (np.sin, np.cos)]
        sets["autoregression with seasons"] = columns + level + waves
    further = [feature for one in covariates for feature in _last_value_and_change(one)]
    has_covariates = np.isfinite([feature[-1] for feature in further]).all(axis=0) & known[-1]
    if further and 2 * has_covariates.sum() >= known[-1].sum():
        sets[WITH_COVARIATES] = columns + level + further
    reach = min(horizon, max(LEAST_HORIZON, len(values) // 6))
    forecasts = {
        name: middle[:, None] + scale[:, None] * _direct_ridge_forecasts(standard, np.stack(chosen, -1), reach, horizon)
        for name, chosen in sets.items()
    }
    if WITH_COVARIATES in forecasts:
        forecasts[WITH_COVARIATES][~has_covariates] = np.nan
    return forecasts


def _last_value_and_change(covariate: np.ndarray) -> list[np.ndarray]:
    """Two features of a covariate, standardised by region: its value and its change since the last one; NaN where unknown."""
    known = np.isfinite(covariate)
    count = np.maximum(known.sum(axis=0), 1)
    middle = np.where(known, covariate, 0.0).sum(axis=0) / count
    scale = np.sqrt(np.where(known, (covariate - middle) ** 2, 0.0).sum(axis=0) / count)
    moves = scale > 1e-9 * np.abs(middle)
    standard = np.clip((covariate - middle) / np.where(moves, scale, np.inf), -COVARIATE_LIMIT, COVARIATE_LIMIT)
    before = pd.DataFrame(standard).ffill().shift().to_numpy()
    return [standard, standard - np.where(np.isfinite(before), before, standard)]


def _lagged_change(values: np.ndarray, lag: int) -> np.ndarray:
    """The change `lag` rows ago, NaN where there is none."""
    change = np.full_like(values, np.nan)
    change[lag + 1 :] = (values[1:] - values[:-1])[: len(values) - 1 - lag]
    return change


def _broadcast(column: np.ndarray, like: np.ndarray) -> np.ndarray:
    return np.broadcast_to(column, like.shape)


def _direct_ridge_forecasts(values: np.ndarray, features: np.ndarray, reach: int, horizon: int) -> np.ndarray:
    """Shape (regions, horizon): the last row and the regressed change from it, one ridge regression a horizon.

    A region that is too young for lags stays where it is.
    """
    usable = np.isfinite(features).all(axis=-1)
    features = np.where(usable[..., None], features, 0.0)
    width, now = features.shape[-1], values[-1]
    forecasts = np.repeat(now[:, None], horizon, axis=1)
    for ahead in range(1, reach + 1):
        rows = usable[:-ahead] & np.isfinite(values[ahead:])
        known, change = features[:-ahead][rows], (values[ahead:] - values[:-ahead])[rows]
        slopes = np.linalg.solve(known.T @ known + RIDGE_PENALTY * np.eye(width), known.T @ change)
        forecasts[:, ahead - 1 :] = (now + features[-1] @ slopes)[:, None]
    return forecasts


def last_typical_shock(table: np.ndarray) -> np.ndarray:
    """Each region's typical shock at the mean of its last two known rows; shape (regions,)."""
    known = np.isfinite(table)
    recent = known & (np.cumsum(known[::-1], axis=0)[::-1] <= 2)
    return typical_shock(np.where(recent, table, 0.0).sum(axis=0) / np.maximum(recent.sum(axis=0), 1))


def alone_filter() -> CausalFilter[AloneState]:
    """The filter of `smooth_each_alone`, one for all tables that follow each other."""
    return CausalFilter(_begin_alone, _step_alone)


def smooth_each_alone(
    table: np.ndarray, horizon: int, filtered: CausalFilter[AloneState] | None = None
) -> dict[str, np.ndarray]:
    """Forecasts by exponential smoothing of each region by itself, with a damped trend or none: shape (regions, horizon) each."""
    level, trend = (filtered or alone_filter()).end(table)
    damping = np.cumsum(ALONE_DAMPING ** np.arange(1, horizon + 1))
    return {str(place): level[place][:, None] + trend[place][:, None] * damping for place in range(len(level))}


def _begin_alone(first: np.ndarray) -> AloneState:
    level = np.repeat(fourth_root(first)[None], len(_ALONE_GAINS), axis=0)
    return level, np.zeros_like(level)


def _step_alone(state: AloneState, _: np.ndarray, now: np.ndarray) -> AloneState:
    (level, trend), row = state, fourth_root(now)
    level_gain, trend_gain = _ALONE_GAINS[:, :1], _ALONE_GAINS[:, 1:]
    expected = level + ALONE_DAMPING * trend
    error = np.where(np.isfinite(row), row - expected, 0.0)
    level = np.where(np.isfinite(expected), expected + level_gain * error, row)
    return level, np.where(np.isfinite(expected), ALONE_DAMPING * trend + trend_gain * level_gain * error, 0.0)
