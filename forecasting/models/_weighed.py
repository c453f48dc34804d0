"""How `pooled` weighs its experts: by how each did so far on the same regions, from the figures as published then.

A *table* is an array of blocks × regions as it was published at one time, with NaN where there is nothing; the *newest* one
of several is what the others are judged by. Means, spreads and errors are on the fourth root of the counts, as in
`_experts`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from forecasting.models._experts import REACH, alone, experts, last_unit, root, unit

#: Errors are compared over so many of the last origins, and so many blocks ahead.
ORIGINS = 60
JUDGED = REACH
#: How fast experts that err more lose weight, in units a block; and how fast old errors are forgotten, a block.
RATE = 0.5
FORGET_WEIGHTS = 0.97
FORGET_SPREAD = 0.98
#: The last so many rows are corrected by what such rows became, when so many rows have followed; as if so many had become
#: what they were; of regions with so many counts, of which there are so many.
REVISED = 2
SETTLED = 3
PRIOR_REVISIONS = 8.0
LEAST_REVISED = 5.0
LEAST_REGIONS = 5
#: Trust follows errors at this share of the rate, for two kinds of forecasts are worth mixing.
MIXING = 0.25
#: What is believed of a shock before any error is known: as much as this many errors of a typical one.
PRIOR = 60.0
PRIOR_REGION = 20.0
#: Errors beyond so many units are no more than that.
OUTLIER = 6.0


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
    said = [experts(table, reach, year, covariates) for table in [*tables, last]]
    names = list(said[-1])
    said = [{name: mean for name, mean in one.items() if name in names} for one in said]
    target, units = root(newest), [last_unit(table) for table in [*tables, last]]
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
    apart = [alone(table, JUDGED) for table in tables]
    weights = _weights(list(apart[-1]), apart, tables, units, target)
    pairs = [
        {"together": mean[:, :JUDGED], "alone": _mixed(one, weights)[:, : mean.shape[1]]}
        for mean, one in zip(means, apart, strict=True)
    ]
    weight = _weights(["together", "alone"], pairs, tables, units, target)["together"]
    ours, theirs = weight**MIXING, (1 - weight) ** MIXING
    return float(ours / (ours + theirs))


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
