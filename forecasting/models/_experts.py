"""What `pooled` is made of: simple forecasters of a whole table of regions at once. `_weighed` weighs them.

Everything here is on the fourth root of counts per block (a period, or a week of days), in arrays of blocks × regions with
NaN where there is nothing. `unit` is the size of a typical shock, so errors of large and small regions can be compared.

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

from collections.abc import Sequence

import numpy as np
import pandas as pd

#: Counting noise (times the mean count) and reporting noise, as variances over that of a level's own change a block.
COUNTING = (4.0, 20.0, 60.0)
REPORTING = (0.02, 0.5, 2.0)
#: The share of the regions' common trend that is carried on, how fast it follows, and what is left of it a block later.
CARRIED = 0.5
FOLLOWS = 0.5
FADES = 0.85
#: How much of the trend is that of earlier years, where there are any; and the share of a year that it is smoothed over.
SEASONAL = 0.5
SMOOTHED = 0.1
#: An autoregression takes part from half a year of blocks on; its penalty and its lags; and it always reaches so far.
LEAST_BLOCKS = 26
PENALTY = 100.0
LAGS = 3
REACH = 4
#: Smoothing each region by itself: gains of level and trend, what is left of it.
ALONE_LEVEL = (0.5, 0.8, 1.0)
ALONE_TREND = (0.0, 0.3)
ALONE_FADES = 0.8
#: A covariate is believed no further than so many standard deviations from its region's mean.
FAR = 3.0
WITH_COVARIATES = "autoregression with covariates"
#: A shock without noise of counting, as a share of the level.
TYPICAL = 0.25


def root(counts: np.ndarray) -> np.ndarray:
    """The fourth root."""
    return np.sqrt(np.sqrt(np.maximum(counts, 0.0)))


def unit(counts: np.ndarray) -> np.ndarray:
    """The size of a typical shock to `counts` on the fourth root: a share of the level, and the noise of counting."""
    level = np.maximum(counts, 1.0)
    return root(level + np.sqrt((TYPICAL * level) ** 2 + level)) - root(level)


def experts(
    table: np.ndarray, horizon: int, year: int | None, covariates: Sequence[np.ndarray]
) -> dict[str, np.ndarray]:
    """What each expert says of the blocks after a table's last row: name -> shape (regions, horizon).

    NaN of regions that have not begun; and from autoregressions, which need it, where the last row is not known.
    """
    levels, trend, common = _filtered(table)
    ahead = np.arange(1, horizon + 1)
    shock = last_unit(table)[:, None]
    fading = CARRIED * trend * FADES**ahead
    said = {f"shared trend {place}": level[:, None] + shock * np.cumsum(fading) for place, level in enumerate(levels)}
    seasonal = _same_time(common, horizon, year)
    if seasonal is not None:
        path = np.cumsum(np.where(np.isnan(seasonal), fading, (1 - SEASONAL) * fading + SEASONAL * seasonal))
        for place in range(0, len(levels), len(REPORTING) + 1):
            said[f"season {place}"] = levels[place][:, None] + shock * path
    if len(table) >= LEAST_BLOCKS:
        said |= _autoregressions(root(table), horizon, year, [one[: len(table)] for one in covariates])
    return said


def _filtered(table: np.ndarray) -> tuple[np.ndarray, float, np.ndarray]:
    """Levels after the last row, shape (gains, regions), the common trend in units, and the common change of each row."""
    counting = np.repeat(COUNTING, len(REPORTING))[:, None]
    reporting = np.tile(REPORTING, len(COUNTING))[:, None]
    values = root(table)
    levels = np.repeat(values[:1], len(counting), axis=0)
    size = np.maximum(table[0], 1.0)
    trend, common = 0.0, np.zeros(len(table))
    for row in range(1, len(table)):
        now, before = table[row], table[row - 1]
        known, both = np.isfinite(now), np.isfinite(now) & np.isfinite(before)
        middle = np.where(both, (now + before) / 2, size)
        shock = unit(np.nan_to_num(middle))
        size = np.where(known, np.where(np.isfinite(size), 0.7 * size + 0.3 * np.maximum(now, 1.0), now), size)
        if both.any():
            change = np.clip((values[row] - values[row - 1])[both] / shock[both], -3.0, 3.0)
            common[row] = np.average(change, weights=np.sqrt(middle[both]) + 1e-9)
        expected = levels + CARRIED * FADES * trend * shock
        ratio = 1.0 / (counting / np.maximum(np.nan_to_num(size, nan=1.0), 1.0) + reporting)
        gain = (-ratio + np.sqrt(ratio**2 + 4 * ratio)) / 2
        moved = np.where(np.isfinite(expected), expected + gain * (values[row] - expected), values[row])
        levels = np.where(known, moved, expected)
        trend = (1 - FOLLOWS) * trend + FOLLOWS * common[row] if both.any() else FADES * trend
    return levels, trend, common


def _same_time(common: np.ndarray, horizon: int, year: int | None) -> np.ndarray | None:
    """The common change of each coming block in earlier years, drawn towards none where there are few; None without any."""
    if year is None:
        return None
    width = 2 * int(SMOOTHED * year / 2) + 1
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
    """By changes alone, with the level, and with the time of the year or covariates too; shape (regions, horizon).

    Of regions whose last covariates are not known, the one with covariates says NaN; of too many such regions, nothing.
    """
    known = np.isfinite(values)
    count = np.maximum(known.sum(axis=0), 1)
    middle = np.nan_to_num(values).sum(axis=0) / count
    scale = np.sqrt(np.where(known, (values - middle) ** 2, 0.0).sum(axis=0) / count) + 0.05
    standard = (values - middle) / scale
    together = np.nan_to_num(standard).sum(axis=1) / np.maximum(known.sum(axis=1), 1)
    columns = [_lagged(standard, lag) for lag in range(LAGS)]
    columns += [_everywhere(_lagged(together[:, None], lag), standard) for lag in range(LAGS - 1)]
    level = [_everywhere(together[:, None], standard), standard, np.ones_like(standard)]
    sets = {"autoregression of changes": columns, "autoregression": columns + level}
    if year is not None and len(values) >= year + LEAST_BLOCKS // 2:
        angle = 2 * np.pi * np.arange(len(values))[:, None] / year
        waves = [_everywhere(wave(angle), standard) for wave in (np.sin, np.cos)]
        sets["autoregression with seasons"] = columns + level + waves
    further = [feature for one in covariates for feature in _last_value_and_change(one)]
    told = np.isfinite([feature[-1] for feature in further]).all(axis=0) & known[-1]
    if further and 2 * told.sum() >= known[-1].sum():
        sets[WITH_COVARIATES] = columns + level + further
    reach = min(horizon, max(REACH, len(values) // 6))
    said = {
        name: middle[:, None] + scale[:, None] * _direct(standard, np.stack(chosen, -1), reach, horizon)
        for name, chosen in sets.items()
    }
    if WITH_COVARIATES in said:
        said[WITH_COVARIATES][~told] = np.nan
    return said


def _last_value_and_change(covariate: np.ndarray) -> list[np.ndarray]:
    """Standardised by region: a covariate, and its change from the value known before, if any; NaN where it is not known."""
    known = np.isfinite(covariate)
    count = np.maximum(known.sum(axis=0), 1)
    middle = np.where(known, covariate, 0.0).sum(axis=0) / count
    scale = np.sqrt(np.where(known, (covariate - middle) ** 2, 0.0).sum(axis=0) / count)
    moves = scale > 1e-9 * np.abs(middle)
    standard = np.clip((covariate - middle) / np.where(moves, scale, np.inf), -FAR, FAR)
    before = pd.DataFrame(standard).ffill().shift().to_numpy()
    return [standard, standard - np.where(np.isfinite(before), before, standard)]


def _lagged(values: np.ndarray, lag: int) -> np.ndarray:
    """The change `lag` rows ago, NaN where there is none."""
    change = np.full_like(values, np.nan)
    change[lag + 1 :] = (values[1:] - values[:-1])[: len(values) - 1 - lag]
    return change


def _everywhere(column: np.ndarray, like: np.ndarray) -> np.ndarray:
    return np.broadcast_to(column, like.shape)


def _direct(values: np.ndarray, features: np.ndarray, reach: int, horizon: int) -> np.ndarray:
    """Shape (regions, horizon): the last row and the regressed change from it, one ridge regression a horizon.

    A region that is too young for lags stays where it is.
    """
    usable = np.isfinite(features).all(axis=-1)
    features = np.where(usable[..., None], features, 0.0)
    width, now = features.shape[-1], values[-1]
    said = np.repeat(now[:, None], horizon, axis=1)
    for ahead in range(1, reach + 1):
        rows = usable[:-ahead] & np.isfinite(values[ahead:])
        known, change = features[:-ahead][rows], (values[ahead:] - values[:-ahead])[rows]
        slopes = np.linalg.solve(known.T @ known + PENALTY * np.eye(width), known.T @ change)
        said[:, ahead - 1 :] = (now + features[-1] @ slopes)[:, None]
    return said


def last_unit(table: np.ndarray) -> np.ndarray:
    """Each region's typical shock, by the mean of its last two rows that are known."""
    known = np.isfinite(table)
    recent = known & (np.cumsum(known[::-1], axis=0)[::-1] <= 2)
    return unit(np.where(recent, table, 0.0).sum(axis=0) / np.maximum(recent.sum(axis=0), 1))


def alone(table: np.ndarray, horizon: int) -> dict[str, np.ndarray]:
    """Exponential smoothing of each region by itself, with a damped trend or none: shape (regions, horizon) each."""
    gains = np.array([(level, trend) for level in ALONE_LEVEL for trend in ALONE_TREND])
    values = root(table)
    level = np.repeat(values[:1], len(gains), axis=0)
    trend = np.zeros_like(level)
    for row in values[1:]:
        expected = level + ALONE_FADES * trend
        error = np.where(np.isfinite(row), row - expected, 0.0)
        level = np.where(np.isfinite(expected), expected + gains[:, :1] * error, row)
        trend = np.where(np.isfinite(expected), ALONE_FADES * trend + gains[:, 1:] * gains[:, :1] * error, 0.0)
    damping = np.cumsum(ALONE_FADES ** np.arange(1, horizon + 1))
    return {str(place): level[place][:, None] + trend[place][:, None] * damping for place in range(len(gains))}
