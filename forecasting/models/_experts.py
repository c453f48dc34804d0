"""What `pooled` is made of: simple forecasters of a whole table of regions, each weighed by how it did so far.

Everything here is on the fourth root of counts per block (a period, or a week of days), in arrays of blocks × regions with
NaN where there is nothing; a *table* is such an array as it was published at one time, and the *newest* one of several is
what the others are judged by. `unit` is the size of a typical shock, so errors of large and small regions can be compared.

- *Shared trend*: each region's level is a running average; what the regions did together carries it on, and fades. How
  much a new count moves the level is a Kalman gain: little where counting noise is large, as between small numbers or late
  reports. Nine gains between them cover smooth and noisy data.
- *Shared trend with a season*: half of the trend is what the regions did together at this time in earlier years.
- *Autoregression*: the change from now to h blocks ahead, regressed on the last changes of the region and of all, with or
  without the level and the time of the year; ridge regression over all regions at once, standardised by region. Where
  there are covariates, one more of them regresses on those, too.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

#: Errors are compared over so many of the last origins, and so many blocks ahead.
ORIGINS, JUDGED = 60, 4
#: How fast experts that err more lose weight, in units a block; and how fast old errors are forgotten, a block.
RATE, FORGET_WEIGHTS, FORGET_SPREAD = 0.5, 0.97, 0.98
#: Counting noise (times the mean count) and reporting noise, as variances over that of a level's own change a block.
COUNTING, REPORTING = (4.0, 20.0, 60.0), (0.02, 0.5, 2.0)
#: The share of the regions' common trend that is carried on, how fast it follows, and what is left of it a block later.
CARRIED, FOLLOWS, FADES = 0.5, 0.5, 0.85
#: How much of the trend is that of earlier years, where there are any; and the share of a year that it is smoothed over.
SEASONAL, SMOOTHED = 0.5, 0.1
#: An autoregression takes part from half a year of blocks on; its penalty and its lags.
LEAST_BLOCKS, PENALTY, LAGS = 26, 100.0, 3
#: The last so many rows are corrected by what such rows became, when so many rows have followed; as if so many had become
#: what they were; of regions with so many counts, of which there are so many.
REVISED, SETTLED, PRIOR_REVISIONS, LEAST_REVISED, LEAST_REGIONS = 2, 3, 8.0, 5.0, 5
#: Trust follows errors at this share of the rate, for two kinds of forecasts are worth mixing.
MIXING = 0.25
#: Smoothing each region by itself, which the experts are compared with: gains of level and trend, what is left of it.
ALONE_LEVEL, ALONE_TREND, ALONE_FADES = (0.5, 0.8, 1.0), (0.0, 0.3), 0.8
#: What is believed of a shock before any error is known: as much as this many errors of a typical one.
PRIOR, PRIOR_REGION = 60.0, 20.0
#: Errors beyond so many units are no more than that.
OUTLIER = 6.0
#: A covariate is believed no further than so many standard deviations from its region's mean.
FAR = 3.0
WITH_COVARIATES = "autoregression with covariates"
#: A shock without noise of counting, as a share of the level.
TYPICAL = 0.25


@dataclass(frozen=True)
class Learned:
    """What the experts say of the blocks after each region's last one.

    Attributes:
        mean, spread: shape (regions, horizon): mean and standard deviation of the fourth root of the counts.
        weights: of each expert, by its name; they sum to one.
        trust: what share of a forecast this earned against smoothing each region by itself, by the same rule; a half
            before anything is known.
        origins: how many earlier tables they were judged by.
    """

    mean: np.ndarray
    spread: np.ndarray
    weights: dict[str, float]
    trust: float
    origins: int


def root(counts: np.ndarray) -> np.ndarray:
    """The fourth root."""
    return np.sqrt(np.sqrt(np.maximum(counts, 0.0)))


def unit(counts: np.ndarray) -> np.ndarray:
    """The size of a typical shock to `counts` on the fourth root: a share of the level, and the noise of counting."""
    level = np.maximum(counts, 1.0)
    return root(level + np.sqrt((TYPICAL * level) ** 2 + level)) - root(level)


def learn(
    newest: np.ndarray,
    earlier: Sequence[np.ndarray],
    horizon: int,
    year: int | None,
    covariates: Sequence[np.ndarray] = (),
) -> Learned:
    """Mean and spread of the next `horizon` blocks of every region.

    Args:
        newest: shape (blocks, regions), counts; NaN before a region begins and after it ends, nowhere else.
        earlier: the same table as published earlier, oldest first, each with fewer or as many rows. For the time before
            the first of them the newest one is cut.
        year: blocks in a year, or None where seasons of a year mean nothing.
        covariates: what else is known, each of the shape of `newest`; NaN where it is not. At an earlier origin only the
            rows up to it are used.
    """
    cuts, published = _earlier(newest, earlier)
    *published, last = _corrected([*published, newest])
    tables = [*cuts, *published]
    reach = max(horizon, JUDGED)  # whoever looks one block ahead has the same weights
    said = [_experts(table, reach, year, covariates) for table in [*tables, last]]
    names = list(said[-1])
    said = [{name: mean for name, mean in one.items() if name in names} for one in said]
    target, units = root(newest), [_last_unit(table) for table in [*tables, last]]
    weights = _weights(names, said[:-1], tables, units, target)
    means = [_mixed(one, weights) for one in said]
    trust = _trust(means[:-1], tables, units, target)
    spread = units[-1][:, None] * _spread(means[:-1], tables, units, target, reach)
    mean = np.maximum(_from_own_end(newest, means[-1]), 0.0)
    return Learned(mean[:, :horizon], spread[:, :horizon], weights, trust, len(tables))


def _earlier(newest: np.ndarray, earlier: Sequence[np.ndarray]) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """The last `ORIGINS` tables that end before the newest one does, one a length, shortest first: cut ones, published ones."""
    published = {len(table): table for table in earlier if 2 <= len(table) < len(newest)}
    first = min(published, default=len(newest))
    cuts = [newest[:rows] for rows in range(2, first)]
    known = [published[rows] for rows in sorted(published)][-ORIGINS:]
    return cuts[max(len(cuts) + len(known) - ORIGINS, 0) :], known


def _corrected(tables: Sequence[np.ndarray]) -> list[np.ndarray]:
    """Published tables, shortest first, whose last rows are what such rows became later, as far as that was known by then.

    One correction for all regions, in units: the median one of what earlier tables' last rows had become when they were
    settled, drawn towards none while there are few.
    """
    return [_with_last_rows_corrected(table, tables[:place]) for place, table in enumerate(tables)]


def _with_last_rows_corrected(table: np.ndarray, before: Sequence[np.ndarray]) -> np.ndarray:
    values, changed = root(table), False
    for age in range(min(REVISED, len(table))):
        revised = [
            _revision(one, table, len(one) - 1 - age) for one in before if age < len(one) <= len(table) - SETTLED
        ]
        known = [one for one in revised if np.isfinite(one)][-ORIGINS:]
        usual = float(np.median(known)) * len(known) / (len(known) + PRIOR_REVISIONS) if known else 0.0
        if usual:
            values[-1 - age] += usual * unit(np.nan_to_num(table[-1 - age]))
            changed = True
    return np.where(np.isfinite(table), np.maximum(values, 0.0) ** 4, np.nan) if changed else table


def _revision(then: np.ndarray, now: np.ndarray, row: int) -> float:
    """What a row became, in units: the median over regions that are large enough; NaN where there are too few."""
    both = np.minimum(then[row], now[row]) >= LEAST_REVISED
    if both.sum() < LEAST_REGIONS:
        return np.nan
    before, after = then[row][both], now[row][both]
    return float(np.median((root(after) - root(before)) / unit((before + after) / 2)))


def _experts(
    table: np.ndarray, horizon: int, year: int | None, covariates: Sequence[np.ndarray]
) -> dict[str, np.ndarray]:
    """What each expert says of the blocks after a table's last row: name -> shape (regions, horizon).

    NaN of regions that have not begun; and from autoregressions, which need it, where the last row is not known.
    """
    levels, trend, common = _filtered(table)
    ahead = np.arange(1, horizon + 1)
    shock = _last_unit(table)[:, None]
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
    reach = min(horizon, max(JUDGED, len(values) // 6))
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


def _last_unit(table: np.ndarray) -> np.ndarray:
    """Each region's typical shock, by the mean of its last two rows that are known."""
    known = np.isfinite(table)
    recent = known & (np.cumsum(known[::-1], axis=0)[::-1] <= 2)
    return unit(np.where(recent, table, 0.0).sum(axis=0) / np.maximum(recent.sum(axis=0), 1))


def _weights(
    names: Sequence[str],
    said: Sequence[dict[str, np.ndarray]],
    tables: Sequence[np.ndarray],
    units: Sequence[np.ndarray],
    target: np.ndarray,
) -> dict[str, float]:
    """Of each expert, falling exponentially with its past errors; where it was silent, with the mean of the others'.

    They are compared on what all speak of: regions that some know nothing of would be easier, or harder.
    """
    loss = dict.fromkeys(names, 0.0)
    for one, table, shock in zip(said, tables, units, strict=False):
        came = target[len(table) : len(table) + JUDGED]
        wrong = {name: np.abs(came.T - mean[:, : len(came)]) / shock[:, None] for name, mean in one.items()}
        known = {name: np.isfinite(errors) for name, errors in wrong.items() if np.isfinite(errors).any()}
        common = np.logical_and.reduce(list(known.values())) if known else np.array(False)
        if not common.any():
            continue
        faded = RATE * FORGET_WEIGHTS ** (len(target) - len(table))
        errors = {name: float(np.minimum(wrong[name][common], OUTLIER).mean()) for name in known}
        usual = float(np.mean(list(errors.values())))
        for name in names:
            loss[name] += faded * len(came) * errors.get(name, usual)
    least = min(loss.values())
    weights = {name: float(np.exp(least - value)) for name, value in loss.items()}
    total = sum(weights.values())
    return {name: weight / total for name, weight in weights.items()}


def _trust(
    means: Sequence[np.ndarray], tables: Sequence[np.ndarray], units: Sequence[np.ndarray], target: np.ndarray
) -> float:
    """The weight of `means` beside that of what smoothing each region by itself would have said."""
    if not means:
        return 0.5
    alone = [_alone(table, JUDGED) for table in tables]
    weights = _weights(list(alone[-1]), alone, tables, units, target)
    pairs = [
        {"together": mean[:, :JUDGED], "alone": _mixed(one, weights)[:, : mean.shape[1]]}
        for mean, one in zip(means, alone, strict=True)
    ]
    weight = _weights(["together", "alone"], pairs, tables, units, target)["together"]
    together, apart = weight**MIXING, (1 - weight) ** MIXING
    return float(together / (together + apart))


def _alone(table: np.ndarray, horizon: int) -> dict[str, np.ndarray]:
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


def _mixed(said: dict[str, np.ndarray], weights: dict[str, float]) -> np.ndarray:
    """The weighted mean of those experts that say something; NaN where none does."""
    total, weight = np.zeros(1), np.zeros(1)
    for name, mean in said.items():
        known = np.isfinite(mean)
        total = total + weights[name] * np.where(known, mean, 0.0)
        weight = weight + weights[name] * known
    return np.divide(total, weight, out=np.full_like(total, np.nan), where=weight > 0)


def _spread(
    means: Sequence[np.ndarray],
    tables: Sequence[np.ndarray],
    units: Sequence[np.ndarray],
    target: np.ndarray,
    horizon: int,
) -> np.ndarray:
    """Shape (regions, horizon): the standard deviation of errors in units: by horizon, and by region.

    A region's own share is that of the first blocks alone, or next week's band would depend on how far one looks.
    """
    squares, weights = np.zeros(horizon), np.zeros(horizon)
    errors = []
    for mean, table, shock in zip(means, tables, units, strict=False):
        came = target[len(table) : len(table) + horizon]
        wrong = np.minimum(((came.T - mean[:, : len(came)]) / shock[:, None]) ** 2, OUTLIER**2)
        faded = FORGET_SPREAD ** (len(target) - len(table))
        squares[: len(came)] += faded * np.nansum(wrong, axis=0)
        weights[: len(came)] += faded * np.isfinite(wrong).sum(axis=0)
        errors.append(wrong[:, :JUDGED])
    spread, before = np.zeros(horizon), 1.0
    for ahead in range(horizon):
        prior = before * np.sqrt((ahead + 1) / max(ahead, 1))
        before = spread[ahead] = np.sqrt((squares[ahead] + PRIOR * prior**2) / (weights[ahead] + PRIOR))
    regions = target.shape[1]
    relative, count = np.zeros(regions), np.zeros(regions)
    for wrong in errors:
        ratio = np.minimum(wrong / spread[: wrong.shape[1]] ** 2, 25.0)
        relative += np.nansum(ratio, axis=1)
        count += np.isfinite(ratio).sum(axis=1)
    return spread * np.sqrt((relative + PRIOR_REGION) / (count + PRIOR_REGION))[:, None]


def _from_own_end(newest: np.ndarray, mean: np.ndarray) -> np.ndarray:
    """`mean`, for regions that end before the table does from their own end on: their level, carried on."""
    known = np.isfinite(newest)
    missing = np.where(known.any(axis=0), np.argmax(known[::-1], axis=0), 0)
    mean = mean.copy()
    for region in np.flatnonzero(missing):
        before = np.repeat(mean[region, :1], missing[region])
        mean[region] = np.concatenate([before, mean[region]])[: mean.shape[1]]
    return mean
