"""Weights of the pooled model's experts: by their past errors on the same regions, from the figures as published then.

A *table* is an array of blocks × regions as it was published at one time, with NaN where there is nothing; the *newest* one
of several is what the others are judged by. Means, spreads and errors are on the fourth root of the counts, as in
`_pooled_experts`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from forecasting.models._pooled_experts import (
    LEAST_HORIZON,
    WITH_COVARIATES,
    alone_filter,
    expert_forecasts,
    fourth_root,
    last_typical_shock,
    level_filter,
    smooth_each_alone,
)
from forecasting.models._pooled_features import Calendar
from forecasting.models._pooled_learned import learned_forecast, tables_that_help
from forecasting.models._pooled_revisions import corrected_tables
from forecasting.models._pooled_training import LearnedTable
from forecasting.models.predictive import error_quantiles

#: Origins, the last ones, that errors are compared over.
ORIGINS = 60
#: Blocks ahead that errors are compared over.
JUDGED_BLOCKS = LEAST_HORIZON
#: The learning rate: how fast an expert loses weight, per typical shock of error and block.
LEARNING_RATE = 0.5
#: The share of an old error that still counts for the weights a block later.
FORGET_WEIGHTS = 0.97
#: The same for the spread.
FORGET_SPREAD = 0.98
#: The share of the learning rate at which trust follows errors, for two kinds of forecasts are worth mixing.
TRUST_RATE = 0.25
#: With more than so many times the error of repeating the last year, the pooled forecast has earned no trust at all.
MOST_BESIDE_LAST_YEAR = 1.2
#: Origins, besides half a year of them, that must tell so.
LEAST_YEAR_ORIGINS = 6
#: The share of what is learned from all rows beside the experts, who count as one of five.
#: It does not know the covariates, so it shrinks by what those have earned.
LEARNED_SHARE = 0.8
#: Errors of typical size that the spread starts from.
PRIOR_ERRORS = 60.0
#: The same for a single region's share of it.
PRIOR_REGION_ERRORS = 20.0
#: Typical shocks that an error is clipped to.
OUTLIER = 6.0


@dataclass(frozen=True)
class PooledForecast:
    """The weighted experts' forecast of the blocks after each region's last one.

    Attributes:
        mean, spread: shape (regions, horizon): mean and standard deviation of the fourth root of the counts.
        weights: of each expert, by its name; they sum to one.
        trust: the weight that this has earned against smoothing each region by itself, by the same rule; a half
            before anything is known, and 0 where repeating the last year was clearly better.
        origins: how many earlier tables they were judged by.
        learned: the share of it that is learned from all rows.
        others: how many other tables these rows come from.
    """

    mean: np.ndarray
    spread: np.ndarray
    weights: dict[str, float]
    trust: float
    origins: int
    learned: float = 0.0
    others: int = 0


def forecast_table(
    newest: np.ndarray,
    earlier: Sequence[np.ndarray],
    horizon: int,
    year: int | None,
    covariates: Sequence[np.ndarray] = (),
    passed: np.ndarray | None = None,
    others: Sequence[LearnedTable] = (),
) -> PooledForecast:
    """Forecast mean and spread of the next `horizon` blocks of every region of a table.

    Args:
        newest: shape (blocks, regions), counts; NaN before a region begins and after it ends, nowhere else.
        earlier: the same table as published earlier, oldest first, each with fewer or as many rows. For the time before
            the first of them the newest one is cut.
        year: blocks in a year, or None where seasons of a year mean nothing.
        covariates: what else is known, each of the shape of `newest`; NaN where it is not. At an earlier origin only the
            rows up to it are used.
        passed: shape (blocks,), the share of its year that has passed at each block; as if a year began with the first
            one without it.
        others: tables of other statistics of the same regions, to learn from beside this one.
    """
    passed = np.arange(len(newest)) / (year or 1) % 1.0 if passed is None else passed
    cutoffs, own = _earlier_cutoffs(newest, earlier), corrected_table(newest, earlier, year, passed)
    published, last = own.published, own.newest
    tables = [*cutoffs, *published]
    reach = max(horizon, JUDGED_BLOCKS)  # whoever looks one block ahead has the same weights
    levels = level_filter()
    forecasts = [expert_forecasts(table, reach, year, covariates, levels) for table in [*tables, last]]
    names = list(forecasts[-1])
    forecasts = [{name: mean for name, mean in one.items() if name in names} for one in forecasts]
    target, units = fourth_root(newest), [last_typical_shock(table) for table in [*tables, last]]
    weights = _expert_weights(names, forecasts[:-1], tables, units, target)
    means = [_weighted_mean(one, weights) for one in forecasts]
    trust = _trust(means[:-1], tables, units, target)
    if _loses_to_last_year(means[:-1], tables, units, target, year):
        trust = 0.0
    spread = units[-1][:, None] * _spread(means[:-1], tables, units, target, reach)
    mean = np.maximum(_shift_to_own_end(newest, means[-1]), 0.0)
    learned_from = tables_that_help([own, *others])
    learned, share = learned_forecast(learned_from, error_quantiles(), horizon), 0.0
    if learned is not None:
        share = LEARNED_SHARE * (1 - weights.get(WITH_COVARIATES, 0.0))
        mean, spread = _with_learned(mean, spread, *learned, share)
    beside = len(learned_from) - 1 if share else 0
    return PooledForecast(mean[:, :horizon], spread[:, :horizon], weights, trust, len(tables), share, beside)


def corrected_table(
    newest: np.ndarray, earlier: Sequence[np.ndarray], year: int | None, passed: np.ndarray
) -> LearnedTable:
    """A table whose last rows, at each time, are corrected by what such rows became until then; arguments as above."""
    *published, last = corrected_tables([*_published_tables(newest, earlier), newest])
    return LearnedTable(last, published, Calendar.of(year, passed, last))


def _with_learned(
    mean: np.ndarray, spread: np.ndarray, learned_mean: np.ndarray, learned_spread: np.ndarray, share: float
) -> tuple[np.ndarray, np.ndarray]:
    """The average of the experts and what is learned; beyond its last block it goes on as the experts do.

    An average of quantiles, since both have errors of one shape. A region that nothing is learned for keeps the experts'.
    """
    reach = min(mean.shape[1], learned_mean.shape[1])
    near_mean, near_spread = mean[:, :reach], spread[:, :reach]
    known = np.isfinite(learned_mean[:, :reach]) & np.isfinite(learned_spread[:, :reach])
    both = near_mean + share * np.where(known, learned_mean[:, :reach] - near_mean, 0.0)
    wide = near_spread + share * np.where(known, learned_spread[:, :reach] - near_spread, 0.0)
    further = mean[:, reach:] + (both - near_mean)[:, -1:]
    last = near_spread[:, -1:]
    growth = np.divide(spread[:, reach:], last, out=np.ones_like(spread[:, reach:]), where=last > 0)
    return np.maximum(np.hstack([both, further]), 0.0), np.hstack([wide, wide[:, -1:] * growth])


def _published_tables(newest: np.ndarray, earlier: Sequence[np.ndarray]) -> list[np.ndarray]:
    """The last `ORIGINS` tables that end before the newest one, one a length, shortest first."""
    published = {len(table): table for table in earlier if 2 <= len(table) < len(newest)}
    return [published[rows] for rows in sorted(published)][-ORIGINS:]


def _earlier_cutoffs(newest: np.ndarray, earlier: Sequence[np.ndarray]) -> list[np.ndarray]:
    """The newest table, cut to each length before those of `_published_tables`; `ORIGINS` with those."""
    published = _published_tables(newest, earlier)
    first = min((len(table) for table in earlier if 2 <= len(table) < len(newest)), default=len(newest))
    cutoffs = [newest[:rows] for rows in range(2, first)]
    return cutoffs[max(len(cutoffs) + len(published) - ORIGINS, 0) :]


def _expert_weights(
    names: Sequence[str],
    forecasts: Sequence[dict[str, np.ndarray]],
    tables: Sequence[np.ndarray],
    units: Sequence[np.ndarray],
    target: np.ndarray,
) -> dict[str, float]:
    """Weights that fall exponentially with each expert's past errors; where it has no forecast, with the others' mean error.

    Errors are compared where all experts have a forecast: the other regions might be easier, or harder.
    """
    loss = dict.fromkeys(names, 0.0)
    for one, table, shock in zip(forecasts, tables, units, strict=False):
        came = target[len(table) : len(table) + JUDGED_BLOCKS]
        wrong = {name: np.abs(came.T - mean[:, : len(came)]) / shock[:, None] for name, mean in one.items()}
        known = {name: np.isfinite(errors) for name, errors in wrong.items() if np.isfinite(errors).any()}
        common = np.logical_and.reduce(list(known.values())) if known else np.array(False)
        if not common.any():
            continue
        faded = LEARNING_RATE * FORGET_WEIGHTS ** (len(target) - len(table))
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
    """The weight of `means` beside that of forecasts by smoothing each region by itself, 0 to 1."""
    if not means:
        return 0.5
    filtered = alone_filter()
    apart = [smooth_each_alone(table, JUDGED_BLOCKS, filtered) for table in tables]
    weights = _expert_weights(list(apart[-1]), apart, tables, units, target)
    pairs = [
        {"together": mean[:, :JUDGED_BLOCKS], "alone": _weighted_mean(one, weights)[:, : mean.shape[1]]}
        for mean, one in zip(means, apart, strict=True)
    ]
    weight = _expert_weights(["together", "alone"], pairs, tables, units, target)["together"]
    ours, theirs = weight**TRUST_RATE, (1 - weight) ** TRUST_RATE
    return float(ours / (ours + theirs))


def _weighted_mean(forecasts: dict[str, np.ndarray], weights: dict[str, float]) -> np.ndarray:
    """The weighted mean of those experts that have a forecast; NaN where none has."""
    total, weight = np.zeros(1), np.zeros(1)
    for name, mean in forecasts.items():
        known = np.isfinite(mean)
        total = total + weights[name] * np.where(known, mean, 0.0)
        weight = weight + weights[name] * known
    return np.divide(total, weight, out=np.full_like(total, np.nan), where=weight > 0)


def _loses_to_last_year(
    means: Sequence[np.ndarray],
    tables: Sequence[np.ndarray],
    units: Sequence[np.ndarray],
    target: np.ndarray,
    year: int | None,
) -> bool:
    """Whether `means` erred clearly more than repeating what came a year before did; False while too few origins tell."""
    ours, theirs, origins = 0.0, 0.0, 0
    for mean, table, shock in zip(means, tables, units, strict=False):
        came = target[len(table) : len(table) + min(JUDGED_BLOCKS, year or 0)].T
        if not year or len(table) < year or not came.size:
            continue
        repeated = fourth_root(table[len(table) - year :][: came.shape[1]]).T
        wrong = np.stack([came - mean[:, : came.shape[1]], came - repeated]) / shock[:, None]
        both = np.isfinite(wrong).all(axis=0)
        if both.any():
            errors = np.minimum(np.abs(wrong[:, both]), OUTLIER).mean(axis=1)
            ours, theirs, origins = ours + errors[0], theirs + errors[1], origins + 1
    enough = year is not None and origins >= max(year / 2, LEAST_YEAR_ORIGINS)
    return bool(enough and ours > MOST_BESIDE_LAST_YEAR * theirs)


def _spread(
    means: Sequence[np.ndarray],
    tables: Sequence[np.ndarray],
    units: Sequence[np.ndarray],
    target: np.ndarray,
    horizon: int,
) -> np.ndarray:
    """The standard deviation of errors in typical shocks, by region and horizon; shape (regions, horizon).

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
        errors.append(wrong[:, :JUDGED_BLOCKS])
    spread, before = np.zeros(horizon), 1.0
    for ahead in range(horizon):
        prior = before * np.sqrt((ahead + 1) / max(ahead, 1))
        before = spread[ahead] = np.sqrt((squares[ahead] + PRIOR_ERRORS * prior**2) / (weights[ahead] + PRIOR_ERRORS))
    regions = target.shape[1]
    relative, count = np.zeros(regions), np.zeros(regions)
    for wrong in errors:
        ratio = np.minimum(wrong / spread[: wrong.shape[1]] ** 2, 25.0)
        relative += np.nansum(ratio, axis=1)
        count += np.isfinite(ratio).sum(axis=1)
    return spread * np.sqrt((relative + PRIOR_REGION_ERRORS) / (count + PRIOR_REGION_ERRORS))[:, None]


def _shift_to_own_end(newest: np.ndarray, mean: np.ndarray) -> np.ndarray:
    """Shift `mean` of regions that end before the table does, so that it begins at their own end; their level is repeated."""
    known = np.isfinite(newest)
    missing = np.where(known.any(axis=0), np.argmax(known[::-1], axis=0), 0)
    mean = mean.copy()
    for region in np.flatnonzero(missing):
        before = np.repeat(mean[region, :1], missing[region])
        mean[region] = np.concatenate([before, mean[region]])[: mean.shape[1]]
    return mean
