"""Features of a pooled model's table: what trees see of each region and block.

Figures are roots of counts, standardised by region, in arrays of blocks × regions with NaN where there is nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from forecasting.models._pooled_experts import fourth_root

#: Counts that are added before the root is taken, so that 0 and 1 are not far apart.
OFFSET = 0.5
#: Blocks ahead that are learned together. Near ones have rows of their own, so none depends on how far one looks.
STEPS = (range(1, 6), range(6, 9))
#: Blocks ahead that are learned at all; further ones continue as the experts do.
MOST_AHEAD = STEPS[-1][-1]
#: Standard deviation of a region's fourth root over its mean, where there are few blocks to tell.
USUAL_VARIATION = 0.35
#: Blocks that `USUAL_VARIATION` counts as.
USUAL_VARIATION_WEIGHT = 26.0
#: Blocks in which the highest figure is looked for where a year means nothing; else it is that since the quietest time.
PEAK_BLOCKS = 26
#: Earlier years whose change over the same blocks is averaged.
YEARS = 4


@dataclass(frozen=True)
class Standardised:
    """Roots of counts, less their region's centre, over its spread.

    Attributes:
        values: shape (blocks, regions).
        centre, spread: shape (regions,), of the roots.
        together: shape (blocks,), the same of the sum of all regions, which large ones make more of than small ones.
    """

    values: np.ndarray
    centre: np.ndarray
    spread: np.ndarray
    together: np.ndarray

    @staticmethod
    def of(table: np.ndarray) -> Standardised:
        values, centre, spread = _standardised(table)
        return Standardised(values, centre, spread, _standardised(_sum_of_regions(table))[0][:, 0])


def _standardised(table: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """`Standardised.values`, `centre` and `spread` of a table of counts."""
    root = fourth_root(table + OFFSET)
    known = np.isfinite(root)
    count = known.sum(axis=0)
    centre = np.where(known, root, 0.0).sum(axis=0) / np.maximum(count, 1)
    squares = np.where(known, (root - centre) ** 2, 0.0).sum(axis=0)
    usual = USUAL_VARIATION_WEIGHT * (USUAL_VARIATION * centre) ** 2
    spread = np.sqrt((squares + usual) / (count + USUAL_VARIATION_WEIGHT)) + 1e-9
    return (root - centre) / spread, centre, spread


def _sum_of_regions(table: np.ndarray) -> np.ndarray:
    """Shape (blocks, 1): counts of all regions together; where some are missing, by the usual share of the others."""
    known = np.isfinite(table)
    count = known.sum(axis=0)
    usual = np.where(known, table, 0.0).sum(axis=0) / np.maximum(count, 1)
    there = (known * usual).sum(axis=1)
    total = np.where(known, table, 0.0).sum(axis=1)
    return np.where(
        there > 0, total * usual.sum() / np.where(there > 0, there, 1.0), np.where(known.any(axis=1), 0.0, np.nan)
    )[:, None]


@dataclass(frozen=True)
class Calendar:
    """Where in the year the blocks of a table lie.

    Attributes:
        year: blocks in a year, None where a year means nothing.
        passed: shape (blocks,), the share of its year that has passed at each block.
        quietest: the share of a year at which the figures are lowest; what is counted from it does not jump in a season.
    """

    year: int | None = None
    passed: np.ndarray | None = None
    quietest: float = 0.0

    @staticmethod
    def of(year: int | None, passed: np.ndarray | None, table: np.ndarray) -> Calendar:
        """That of `table`, whose quietest time is the lowest mean of the sum of all regions, by block of the year."""
        if year is None or passed is None:
            return Calendar()
        total = _sum_of_regions(table)[:, 0]
        known = np.isfinite(total)
        place = np.minimum((passed * year).astype(int), year - 1)
        level = np.bincount(place[known], total[known], year)
        count = np.bincount(place[known], minlength=year)
        means = np.where(count > 0, level / np.maximum(count, 1), np.inf)
        return Calendar(year, passed, float(np.argmin(means)) / year)

    def features(self, rows: np.ndarray) -> list[np.ndarray]:
        """A wave as sine and cosine, and the share of a year since its quietest time; zeros without a year."""
        if self.year is None or self.passed is None:
            return [np.zeros(len(rows))] * 3
        passed = self.passed[rows]
        return [np.sin(2 * np.pi * passed), np.cos(2 * np.pi * passed), (passed - self.quietest) % 1.0]

    def since_quietest(self, rows: np.ndarray) -> np.ndarray:
        """Whole blocks since the quietest time of the year, shape (rows,); `PEAK_BLOCKS` less one without a year."""
        if self.year is None or self.passed is None:
            return np.full(len(rows), PEAK_BLOCKS - 1)
        return ((self.passed[rows] - self.quietest) % 1.0 * self.year).astype(int)


@dataclass(frozen=True)
class Features:
    """What a regression sees of some rows of a table.

    Attributes:
        own: shape (rows, regions, features), of the region's own figures.
        shared: the same of all regions' and of the region's distance from them.
        season: the same of the time of the year.
        by_horizon: shape (rows, regions, horizons), the mean change over the same blocks in earlier years; NaN without.
    """

    own: np.ndarray
    shared: np.ndarray
    season: np.ndarray
    by_horizon: np.ndarray

    def put(self, place: int, other: Features) -> None:
        """Replace one row by the only one of `other`, but for the time of the year, which is the same."""
        for name in ("own", "shared", "by_horizon"):
            getattr(self, name)[place] = getattr(other, name)[0]

    def of(self, rows: np.ndarray, regions: np.ndarray) -> Features:
        """Those of single cells, shape (cells, features)."""
        return Features(*(getattr(self, name)[rows, regions] for name in ("own", "shared", "season", "by_horizon")))

    def rows(self, places: np.ndarray) -> Features:
        """Those of some rows."""
        return Features(*(getattr(self, name)[places] for name in ("own", "shared", "season", "by_horizon")))

    def inputs(self, ahead: np.ndarray, with_season: bool) -> np.ndarray:
        """The inputs for cells that are asked `ahead`, shape (cells,): with the season and without the others, or the other way round."""
        further = self.season if with_season else self.shared
        change = np.take_along_axis(self.by_horizon, ahead[:, None] - 1, axis=1)
        return np.concatenate([self.own, further, change, ahead[:, None].astype(float)], axis=1)


def _filters() -> list[np.ndarray]:
    """Slopes over 3 and 5 blocks, slope and curvature over 4 and 6, and the smoothed value over 6; weights, newest last."""

    def fitted(width: int, degree: int) -> np.ndarray:
        return np.linalg.pinv(np.vander(np.arange(-width + 1, 1.0), degree + 1, increasing=True))

    return [fitted(3, 1)[1], fitted(5, 1)[1], *fitted(4, 2)[1:], *fitted(6, 2)[1:], fitted(6, 2)[0]]


_FILTERS = _filters()


def features_of(roots: Standardised, rows: np.ndarray, calendar: Calendar) -> Features:
    """The features of these rows of a table."""
    values, together = roots.values, roots.together[:, None]

    def back(table: np.ndarray, lag: int) -> np.ndarray:
        places = rows - lag
        return np.where((places >= 0)[:, None], table[np.maximum(places, 0)], np.nan)

    def filtered(table: np.ndarray, weights: np.ndarray) -> np.ndarray:
        return sum(weight * back(table, lag) for lag, weight in enumerate(weights[::-1]))

    now = back(values, 0)
    own = [now, *(now - back(values, lag) for lag in (1, 2, 4)), back(values, 1) - back(values, 2)]
    own += [filtered(values, weights) for weights in _FILTERS[:-1]]
    own += [filtered(values, _FILTERS[-1]) - now]
    since, highest = calendar.since_quietest(rows)[:, None], now
    for lag in range(1, int(since.max(initial=0)) + 1):
        highest = np.fmax(highest, np.where(lag <= since, back(values, lag), np.nan))
    own += [now - highest]
    shared = [back(together, 0), *(filtered(together, _FILTERS[place]) for place in (0, 4, 5))]
    shared = [np.broadcast_to(one, now.shape) for one in shared]
    shared += [now - back(together, 0)]
    season = [np.broadcast_to(one[:, None], now.shape) for one in calendar.features(rows)]
    earlier = _change_in_earlier_years(values, rows, calendar.year)
    return Features(np.stack(own, axis=-1), np.stack(shared, axis=-1), np.stack(season, axis=-1), earlier)


def _change_in_earlier_years(values: np.ndarray, rows: np.ndarray, year: int | None) -> np.ndarray:
    """Shape (rows, regions, MOST_AHEAD): the mean smoothed change over the same blocks in earlier years."""
    shape = (len(rows), values.shape[1], MOST_AHEAD)
    if year is None or len(values) <= year:
        return np.full(shape, np.nan)
    padded = np.vstack([np.full((1, values.shape[1]), np.nan), values, np.full((1, values.shape[1]), np.nan)])
    smooth = _mean_of_known(np.stack([padded[:-2], padded[1:-1], padded[2:]]), axis=0)
    changes = []
    for ahead in range(1, MOST_AHEAD + 1):
        found = []
        for years in range(1, YEARS + 1):
            begin = rows - years * year
            usable = (begin >= 0) & (begin + ahead < rows)
            change = smooth[np.maximum(np.minimum(begin + ahead, len(values) - 1), 0)] - smooth[np.maximum(begin, 0)]
            found.append(np.where(usable[:, None], change, np.nan))
        changes.append(_mean_of_known(np.stack(found), axis=0))
    return np.stack(changes, axis=-1)


def _mean_of_known(values: np.ndarray, axis: int) -> np.ndarray:
    known = np.isfinite(values)
    count = known.sum(axis=axis)
    total = np.where(known, values, 0.0).sum(axis=axis)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)
