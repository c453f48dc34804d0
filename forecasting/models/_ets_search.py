"""The least squares fit of an ETS form to many series at once: Levenberg & Marquardt's method within bounds, a row a series.

Each series takes the steps that it would take alone, to the last digit: nothing that is summed is summed over series.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise, product

import numpy as np

from forecasting.models._ets_passes import PassState, Row, Smoothing, run_pass, sum_squares
from forecasting.support.caching import lazy

#: Series from which on arrays are faster than numbers.
ARRAYS_FROM = 16
#: Figures of all series that are passed through together, at most: their derivatives are in memory.
FIGURES_TOGETHER = 400_000
#: Passes after the first, at most.
MOST_PASSES = 40
#: A fit has ended when the sum of squares would fall by no larger share.
SMALLEST_GAIN = 1e-8
#: How much larger the diagonal is made at first, and at least.
FIRST_DAMPING, LEAST_DAMPING = 1e-3, 1e-9
#: Bounds of alpha, beta / alpha and gamma / (1 - alpha), which are traditional, and of phi: a trend that fades.
BOUNDS = {"alpha": (1e-4, 1 - 1e-4), "beta": (1e-4, 1 - 1e-4), "gamma": (1e-4, 1 - 1e-4), "phi": (0.8, 0.98)}
#: Where the search may begin, in the same terms: a sum of squares can have several valleys.
TRIED = {"alpha": (0.1, 0.5), "beta": (0.01, 0.2), "gamma": (0.02, 0.3), "phi": (0.85, 0.98)}


@dataclass(frozen=True)
class Starts:
    """The components before the first figure: `levels` and `trends` of shape (series,), `seasons` (season, series)."""

    levels: np.ndarray
    trends: np.ndarray
    seasons: np.ndarray

    def of(self, places: np.ndarray) -> Starts:
        """Those of some series."""
        return Starts(self.levels[places], self.trends[places], self.seasons[:, places])


@dataclass(frozen=True)
class Figures:
    """Series of shape (n,) each, the longest first, for `damped` trends or none; `starts` are in the same order.

    Of `more` they are those in `places`, so that their table can be cut out of that of all.
    """

    series: Sequence[np.ndarray]
    starts: Starts
    damped: bool
    more: Figures | None = None
    places: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.series)

    @property
    def names(self) -> list[str]:
        """The parameters, in the order of a `Row`."""
        seasonal = ["gamma"] if len(self.starts.seasons) > 1 else []
        return ["alpha", "beta", *seasonal, "phi"] if self.damped else ["alpha", *seasonal]

    def of(self, places: np.ndarray) -> Figures:
        """Some of the series, in an order that is rising."""
        return Figures([self.series[place] for place in places], self.starts.of(places), self.damped, self, places)

    @lazy
    def padded(self) -> np.ndarray:
        """The figures, shape (longest, series), and 0 after the last of each."""
        if self.more is not None and self.places is not None:
            return self.more.padded[: len(self.series[0])].take(self.places, axis=1)
        lengths = np.array([len(values) for values in self.series])
        padded = np.zeros((lengths[0], len(lengths)))
        for first, last in _runs(lengths):
            padded[: lengths[first], first:last] = np.array(self.series[first:last]).T
        return padded

    def smoothing(self, searched: np.ndarray) -> Smoothing:
        """The parameters from `searched`, shape (parameters, series): those within `BOUNDS`."""
        known = dict(zip(self.names, searched, strict=True))
        alpha, none = known["alpha"], np.zeros(len(self))
        beta = alpha * known["beta"] if self.damped else none
        gamma = (1.0 - alpha) * known["gamma"] if "gamma" in known else none
        return Smoothing(alpha, beta, gamma, known.get("phi", none + 1.0))


@dataclass(frozen=True)
class Found:
    """The best parameters of each series, shape (parameters, series), and the sum of its squared errors; NaN where there is none."""

    searched: np.ndarray
    squares: np.ndarray


def search(figures: Figures) -> Found:
    """The parameters of least squares of each series."""
    low, high = np.array([BOUNDS[name] for name in figures.names]).T[..., None]
    now = _begin(figures)
    squares, slope, curve = _squares(figures, now)
    damping, going = np.full(len(figures), FIRST_DAMPING), np.flatnonzero(np.isfinite(squares))
    for _ in range(MOST_PASSES):
        step = _step(now[:, going], slope[going], curve[going], damping[going], low, high)
        promised = _promised(step, slope[going], curve[going])
        ended = (promised >= 0) & (promised <= SMALLEST_GAIN * squares[going])
        going, step, promised = going[~ended], step[:, ~ended], promised[~ended]
        if not len(going):
            break
        found = _squares(figures.of(going), now[:, going] + step)
        gain = squares[going] - found[0]
        better = (gain > 0) & (promised > 0)
        at = going[better]
        now[:, at] += step[:, better]
        squares[at], slope[at], curve[at] = (part[better] for part in found)
        damping[going] = np.maximum(damping[going] * np.where(better, 0.1, 10.0), LEAST_DAMPING)
        going = going[~(better & (gain <= SMALLEST_GAIN * squares[going]))]
    return Found(now, np.where(np.isfinite(squares), squares, np.nan))


def _begin(figures: Figures) -> np.ndarray:
    """Of the parameters in `TRIED`, those of the least sum of squares, shape (parameters, series)."""
    tried = np.array(list(product(*(TRIED[name] for name in figures.names)))).T
    every = np.repeat(np.arange(len(figures)), tried.shape[1])
    squares = np.nan_to_num(sums_of_squares(figures.of(every), np.tile(tried, len(figures))), nan=np.inf)
    return tried[:, np.argmin(squares.reshape(len(figures), -1), axis=1)]


def _promised(step: np.ndarray, slope: np.ndarray, curve: np.ndarray) -> np.ndarray:
    """By how much the sum of squares of each series falls with its step, if the errors are as straight as they look."""
    straight = (slope * step.T).sum(axis=1)
    bent = (step.T[:, None, :] @ curve @ step.T[:, :, None])[:, 0, 0]
    return -2 * straight - bent


def _step(
    now: np.ndarray, slope: np.ndarray, curve: np.ndarray, damping: np.ndarray, low: np.ndarray, high: np.ndarray
) -> np.ndarray:
    """The step of each series within the bounds, shape (parameters, series).

    A parameter that would pass a bound goes as far as that, or stays there, and the others make the best of it. `slope` is half the
    gradient, shape (series, parameters), and `curve` half the Hessian of Gauss & Newton.
    """
    lowest, highest = (low - now).T, (high - now).T
    held = ((lowest >= 0) & (slope >= 0)) | ((highest <= 0) & (slope <= 0))
    step, rows = np.zeros_like(slope), np.arange(len(slope))
    for _ in range(len(now)):
        step[rows] = _solved(curve[rows], slope[rows], damping[rows], held[rows], step[rows])
        beyond = ~held & ((step < lowest) | (step > highest))
        if not beyond.any():
            break
        held |= beyond
        step = np.clip(step, lowest, highest)
        rows = np.flatnonzero(beyond.any(axis=1))
    return np.clip(step, lowest, highest).T


def _solved(
    curve: np.ndarray, slope: np.ndarray, damping: np.ndarray, held: np.ndarray, step: np.ndarray
) -> np.ndarray:
    """The step to the least sum of squares that the curve tells of, as far as damping lets it, where some parameters are held."""
    known = np.where(held, step, 0.0)
    right = np.where(held, known, -slope - (curve @ known[..., None])[..., 0])
    matrix = np.where(held[:, :, None] | held[:, None, :], 0.0, curve)
    diagonal = np.arange(slope.shape[1])
    raised = curve[:, diagonal, diagonal] * (1 + damping[:, None]) + np.finfo(float).tiny
    matrix[:, diagonal, diagonal] = np.where(held, 1.0, raised)
    with np.errstate(all="ignore"):
        found = np.linalg.solve(matrix, right[..., None])[..., 0]
    return np.where(np.isfinite(found), found, known)


def _squares(figures: Figures, searched: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Sums of squared errors, shape (series,), half their gradients by what is searched, and half their Hessians."""
    by = figures.smoothing(searched)
    products = _products(figures, by)
    change = _change(figures, searched, by)
    with np.errstate(all="ignore"):
        products = change @ products @ change.transpose(0, 2, 1)
    squares = products[:, 0, 0].copy()
    squares[~np.isfinite(products).all(axis=(1, 2))] = np.inf
    return squares, products[:, 0, 1:], products[:, 1:, 1:]


def _change(figures: Figures, searched: np.ndarray, by: Smoothing) -> np.ndarray:
    """What makes of a `Row` the error and its derivatives by what is searched; shape (series, row, row)."""
    names = figures.names
    place = {name: 1 + names.index(name) for name in names}
    change = np.zeros((len(figures), len(names) + 1, len(names) + 1))
    change[:, 0, 0] = 1.0
    alpha = place["alpha"]
    change[:, alpha, alpha] = -1.0
    if "beta" in place:
        beta = place["beta"]
        change[:, alpha, beta] = -by.phi * searched[beta - 1]
        change[:, beta, beta] = -by.phi * by.alpha
        change[:, place["phi"], place["phi"]] = -1.0
    if "gamma" in place:
        gamma = place["gamma"]
        change[:, alpha, gamma] = searched[gamma - 1]
        change[:, gamma, gamma] = by.alpha - 1.0
    return change


def _products(figures: Figures, by: Smoothing) -> np.ndarray:
    """The sums of products of what stands in the rows of a pass; shape (series, row, row)."""
    with np.errstate(all="ignore"):
        return np.concatenate([rows @ rows.transpose(0, 2, 1) for rows, _ in passes(figures, by)])


def passes(figures: Figures, by: Smoothing) -> Iterator[tuple[np.ndarray, PassState]]:
    """A pass through each series; of those of a length together the rows, shape (series, row, n), and where they ended, in arrays."""
    if len(figures) < ARRAYS_FROM:
        for place, values in enumerate(figures.series):
            state, own = _at_start(figures.starts, place), Smoothing(*_numbers(by, place))
            rows = list[Row]()
            run_pass(values.tolist(), state, own, figures.damped, rows)
            yield np.ascontiguousarray(np.array(rows).T)[None], _in_arrays(state)
        return
    lengths = np.array([len(values) for values in figures.series])
    table, ends = _pass_together(figures, by, lengths)
    for (first, last), end in zip(_runs(lengths), reversed(ends), strict=True):
        own_rows = np.ascontiguousarray(table[: lengths[first], :, first:last].transpose(2, 1, 0))
        yield own_rows, end.of(slice(first, last))


def _pass_together(figures: Figures, by: Smoothing, lengths: np.ndarray) -> tuple[np.ndarray, list[PassState]]:
    """Pass through all series at once: rows of shape (longest, row, series), and the states where those of a length end, shortest first."""
    padded, state = figures.padded, _all_at_start(figures.starts)
    table, ends = np.zeros((lengths[0], len(figures.names) + 1, len(lengths))), list[PassState]()
    for first, last in reversed(_runs(lengths)):
        at, to, state = state.period, int(lengths[first]), state.of(slice(last))
        run_pass(padded[at:to, :last], state, by.of(slice(last)), figures.damped, _TableRows(table[at:to, :, :last]))
        ends.append(state.of(slice(last)))
    return table, ends


def sums_of_squares(figures: Figures, searched: np.ndarray) -> np.ndarray:
    """The sum of squared errors of each series, shape (series,), with parameters of shape (parameters, series)."""
    by = figures.smoothing(searched)
    if len(figures) < ARRAYS_FROM:
        return np.array([_squares_alone(figures, by, place) for place in range(len(figures))])
    lengths = np.array([len(values) for values in figures.series])
    padded, state, found = figures.padded, _all_at_start(figures.starts), np.zeros(len(lengths))
    with np.errstate(all="ignore"):
        for first, last in reversed(_runs(lengths)):
            at, to, state = state.period, int(lengths[first]), state.of(slice(last))
            found[:last] = sum_squares(padded[at:to, :last], state, by.of(slice(last)), found[:last])
    return found


def _squares_alone(figures: Figures, by: Smoothing, place: int) -> float:
    own = Smoothing(*_numbers(by, place))
    return float(sum_squares(figures.series[place].tolist(), _at_start(figures.starts, place), own, 0.0))


class _TableRows:
    """Rows of many series, written one after the other into a table of shape (n, row, series)."""

    def __init__(self, table: np.ndarray) -> None:
        self._left = iter(table)

    def append(self, row: Row, /) -> None:
        """Write the next row."""
        for place, number in zip(next(self._left), row, strict=True):
            place[:] = number


def _all_at_start(starts: Starts) -> PassState:
    """Before the first figure of all series, in arrays."""
    return PassState.at_start(starts.levels, starts.trends, list(starts.seasons))


def _at_start(starts: Starts, place: int) -> PassState:
    """Before the first figure of one of the series, in numbers."""
    level, trend = float(starts.levels[place]), float(starts.trends[place])
    return PassState.at_start(level, trend, starts.seasons[:, place].tolist())


def _in_arrays(state: PassState) -> PassState:
    """The components of one series as those of many; of the derivatives nothing."""
    level, trend, seasons = np.array([state.level]), np.array([state.trend]), [np.array([one]) for one in state.seasons]
    return PassState.at_start(level, trend, seasons)


def _numbers(by: Smoothing, place: int) -> list[float]:
    return [float(number[place]) for number in (by.alpha, by.beta, by.gamma, by.phi)]


def _runs(lengths: np.ndarray) -> list[tuple[int, int]]:
    """Where each run of equal lengths begins and ends."""
    edges = np.flatnonzero(np.diff(lengths)) + 1
    bounds = [0, *edges.tolist(), len(lengths)]
    return list(pairwise(bounds))
