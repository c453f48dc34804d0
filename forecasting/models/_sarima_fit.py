"""One SARIMA on one scale: fitted once by exact maximum likelihood, then forecast from any number of origins.

The differences are taken here and undone here, so what is left is a stationary ARMA (Box & Jenkins, Time Series Analysis,
ch. 5 and 9). Its likelihood needs no state space: once the autoregressive part is applied, figures further apart than the
longest lag are uncorrelated, so their covariance is a narrow band whose Cholesky factor gives every error one step ahead
(Ansley, Biometrika 66, 1979; Brockwell & Davis, Time Series: Theory and Methods, section 8.7). That is the same number
as statsmodels' SARIMAX gives, and comes sooner.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from forecasting.models._fitted import number, numbers, whole
from forecasting.support.caching import lazy

#: The optimiser stops when a step promises to lower the sum of squares, or to move, by less than these shares, and after
#: so many looks at the likelihood: it is flat at its top, and what is left moves no forecast.
PRECISION = 1e-6
STILL = 1e-4
LOOKS = 300
#: The first step is no longer than this share of the start: longer ones end where the search cannot come back from.
FIRST_STEP = 0.3
#: Partial autocorrelations stay inside: at 1 there is no stationary start, and nothing to invert.
INSIDE = 0.9995
#: Where the search starts, as partial autocorrelations: a level that is learned slowly, a season that is kept.
START_AR = 0.3
START_MA = 0.45
START_SEASONAL_AR = 0.3
START_SEASONAL_MA = 0.7
#: The same for the autoregression when no difference is taken, or a seasonal moving average stands beside it.
START_LASTING = 0.9
#: Of what was stored, no larger order is read, and no longer season.
LARGEST = 3
LONGEST_SEASON = 24


@dataclass(frozen=True)
class Order:
    """The orders of a SARIMA (p,d,q)(P,D,Q)[season]; `season` 1 means that there is no seasonal part."""

    p: int
    d: int
    q: int
    P: int = 0
    D: int = 0
    Q: int = 0
    season: int = 1

    def __str__(self) -> str:
        plain = f"({self.p},{self.d},{self.q})"
        return plain if self.season == 1 else f"{plain}({self.P},{self.D},{self.Q})[{self.season}]"

    @property
    def lost(self) -> int:
        """How many values the differences use up."""
        return self.d + self.season * self.D

    @property
    def centred(self) -> bool:
        """Whether the level is estimated: without any difference the series returns to its mean."""
        return not self.lost

    @property
    def reach(self) -> int:
        """The longest lag of the ARMA part."""
        return max(self.p + self.season * self.P, self.q + self.season * self.Q)

    @property
    def free(self) -> int:
        """How many coefficients are estimated, the level aside."""
        return self.p + self.q + self.P + self.Q

    @lazy
    def difference(self) -> np.ndarray:
        """Coefficients of (1 - B)^d (1 - B^season)^D, lag 0 first; shape (lost + 1,)."""
        polynomial = np.ones(1)
        seasonal = np.zeros(self.season + 1)
        seasonal[0], seasonal[-1] = 1.0, -1.0
        for factor in [np.array([1.0, -1.0])] * self.d + [seasonal] * self.D:
            polynomial = np.convolve(polynomial, factor)
        return polynomial

    def split(self, params: np.ndarray) -> list[np.ndarray]:
        """AR, MA, seasonal AR and seasonal MA coefficients."""
        return np.split(params, np.cumsum([self.p, self.q, self.P]))

    def polynomials(self, params: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """What acts on the differenced series and on the shocks, lag 0 first."""
        ar, ma, seasonal_ar, seasonal_ma = self.split(params)
        left = np.convolve(_lags(-ar, 1), _lags(-seasonal_ar, self.season))
        return left, np.convolve(_lags(ma, 1), _lags(seasonal_ma, self.season))


class Fit:
    """A SARIMA with its parameters, ready to forecast any series on the same scale.

    Attributes:
        order: its orders.
        params: AR, MA, seasonal AR and seasonal MA coefficients in statsmodels' order and sign.
        mean: the level it returns to, 0 where differences are taken.
    """

    def __init__(self, order: Order, params: np.ndarray, mean: float) -> None:
        self.order, self.params, self.mean = order, params, mean

    def rolling(self, values: np.ndarray, origins: Sequence[int], horizon: int) -> tuple[np.ndarray, np.ndarray]:
        """Forecasts from several origins, and the shocks there were.

        Args:
            values: shape (n,), on the scale of the fit.
            origins: how many of the first values each forecast may use; it depends on no later one.
            horizon: steps ahead.

        Returns:
            Means, shape (len(origins), horizon), and the errors one step ahead, oldest first; the first ones, where
            little was known, are scaled to the size of the others.

        Raises:
            ValueError: an origin has fewer values before it than the longest lag.
        """
        order = self.order
        if min(origins) < order.lost + order.reach:
            raise ValueError("an origin is too early")
        left, right = order.polynomials(self.params)
        differenced = np.convolve(values, order.difference, mode="valid") - self.mean
        factor, errors = _innovations(left, right, differenced[:, None], order.reach)
        shocks = _expected_shocks(factor, errors[:, 0], np.asarray(origins) - order.lost, horizon)
        left = np.convolve(left, order.difference)
        path = np.zeros((len(left) - 1 + horizon, len(origins)))
        for column, origin in enumerate(origins):
            path[: len(left) - 1, column] = values[origin - len(left) + 1 : origin] - self.mean
        for h, shock in enumerate(shocks):
            path[len(left) - 1 + h] = shock - left[:0:-1] @ path[h : len(left) - 1 + h]
        return path[len(left) - 1 :].T + self.mean, errors[:, 0]

    def psi(self, horizon: int) -> np.ndarray:
        """The response to a unit shock 0, 1, 2 … periods later, differences undone; shape (horizon,)."""
        left, right = self.order.polynomials(self.params)
        return _response(np.convolve(left, self.order.difference), right, horizon)

    def to_json(self) -> dict[str, Any]:
        """What `of` makes a fit of again."""
        order = self.order
        orders = [order.p, order.d, order.q, order.P, order.D, order.Q, order.season]
        return {"order": orders, "params": self.params.tolist(), "mean": float(self.mean)}

    @staticmethod
    def of(data: dict[str, Any]) -> Fit:
        """The inverse of `to_json`. Raises `LookupError`, `TypeError` or `ValueError` for anything else."""
        p, d, q, P, D, Q = (whole(order, 0, LARGEST) for order in data["order"][:6])  # noqa: N806 - as in `Order`
        order = Order(p, d, q, P, D, Q, whole(data["order"][6], 1, LONGEST_SEASON))
        params = numbers(data["params"], order.free)
        ar, ma, seasonal_ar, seasonal_ma = order.split(params)
        if not all(_is_stationary(part) for part in (ar, -ma, seasonal_ar, -seasonal_ma)):
            raise ValueError("these coefficients are not stationary and invertible")
        return Fit(order, params, number(data["mean"]))


def fit(order: Order, values: np.ndarray) -> Fit:
    """The maximum likelihood fit of `order` to `values`.

    Raises:
        ValueError: there are too few values, they do not vary once differenced, or no likelihood can be computed.
    """
    differenced = np.convolve(values, order.difference, mode="valid")
    if len(differenced) < order.reach + order.free + 3:
        raise ValueError("too few values")
    if not np.std(differenced) > 1e-9 * max(1.0, float(np.abs(values).max())):
        raise ValueError("nothing varies once differenced")
    unit = float(np.abs(differenced).max())
    columns = np.stack([differenced / unit, np.ones(len(differenced))][: 1 + order.centred], axis=1)
    params, mean = _most_likely(order, columns)
    if not (np.all(np.isfinite(params)) and np.isfinite(mean)):
        raise ValueError("no parameters were found")
    return Fit(order, params, mean * unit)


def _most_likely(order: Order, columns: np.ndarray) -> tuple[np.ndarray, float]:
    """Parameters and level that maximise the likelihood of `columns`: the series, and ones if it has a level.

    With the size of a shock concentrated out, -2/n times the log likelihood is the log of the sum of squares of what
    `misfit` returns, so Levenberg and Marquardt's method applies.
    """
    from scipy.optimize import leastsq

    def weighed(free: np.ndarray) -> tuple[np.ndarray, float]:
        factor, errors = _innovations(*order.polynomials(_params(order, free)), columns, order.reach)
        own, mean = errors[:, 0], 0.0
        if order.centred:
            mean = float(own @ errors[:, 1] / (errors[:, 1] @ errors[:, 1]))
            own = own - mean * errors[:, 1]
        return own * np.exp(np.log(factor[0, : len(own)]).mean()), mean

    def misfit(free: np.ndarray) -> np.ndarray:
        try:
            return weighed(free)[0]
        except (ValueError, np.linalg.LinAlgError):
            return np.full(len(columns), 1e3)

    free = _start(order)
    if order.free:
        with np.errstate(all="ignore"):
            found = leastsq(misfit, free, ftol=PRECISION, xtol=STILL, maxfev=LOOKS, factor=FIRST_STEP, full_output=True)
        free = found[0]
    return _params(order, free), weighed(free)[1]


def _start(order: Order) -> np.ndarray:
    """Where the search starts, on the scale of `_params`."""
    lasting, kept = (not order.d and order.q > 0) or order.centred, order.Q > 0
    partial = [START_LASTING if lasting else START_AR][: order.p] + [0.0] * (order.p - 1)
    partial += [START_MA][: order.q] + [0.0] * (order.q - 1)
    partial += [START_LASTING if kept else START_SEASONAL_AR][: order.P] + [0.0] * (order.P - 1)
    partial += [START_SEASONAL_MA][: order.Q] + [0.0] * (order.Q - 1)
    inside = np.array(partial) / INSIDE
    return np.asarray(inside / np.sqrt(1 - inside**2))


def _params(order: Order, free: np.ndarray) -> np.ndarray:
    """Stationary and invertible coefficients for any real numbers (Monahan, Biometrika 71, 1984)."""
    ar, ma, seasonal_ar, seasonal_ma = (_stationary(part) for part in order.split(free))
    return np.concatenate([ar, -ma, seasonal_ar, -seasonal_ma])


def _stationary(free: np.ndarray) -> np.ndarray:
    coefficients = np.zeros(0)
    for partial in INSIDE * free / np.sqrt(1 + free**2):
        coefficients = np.append(coefficients - partial * coefficients[::-1], partial)
    return coefficients


def _is_stationary(coefficients: np.ndarray) -> bool:
    """Whether all roots of 1 - c1 B - c2 B² - … lie outside the unit circle."""
    return bool(np.all(np.abs(np.roots(np.concatenate([[1.0], -coefficients]))) < 1.0))


def _innovations(left: np.ndarray, right: np.ndarray, columns: np.ndarray, reach: int) -> tuple[np.ndarray, np.ndarray]:
    """The banded Cholesky factor of the covariance, `reach` rows beyond the last value, and the errors one step ahead.

    Args:
        left, right: polynomials of the autoregression and of the moving average.
        columns: shape (n, k): series that obey them.
        reach: the longest lag of both.

    Returns:
        The factor, shape (reach + 1, n + reach): its j-th row holds what is j places below the diagonal. And the errors,
        shape (n, k), in units of the size of a shock.
    """
    from scipy.linalg.lapack import dpbtrf, dtbtrs

    n = len(columns)
    factor, failed = dpbtrf(_covariance(left, right, n + reach, reach), lower=1, overwrite_ab=1)
    if failed:
        raise ValueError("the covariance is not positive definite")
    filtered = columns.copy()
    for lag in np.flatnonzero(left[1:]) + 1:
        filtered[reach:] += left[lag] * columns[reach - lag : n - lag]
    errors, _ = dtbtrs(factor[:, :n], filtered, uplo="L")
    return factor, errors


def _covariance(left: np.ndarray, right: np.ndarray, size: int, reach: int) -> np.ndarray:
    """The covariance of `reach` values of an ARMA and then of its moving average part, as a band below the diagonal."""
    moving = np.zeros(reach + 1)
    moving[: len(right)] = np.correlate(right, right, mode="full")[len(right) - 1 :]
    band = np.repeat(moving[:, None], size, axis=1)
    if len(left) > 1:
        own = _autocovariance(left, right, reach)
        lags = np.arange(reach + 1)
        across = own[np.abs(np.subtract.outer(lags, np.arange(len(left))))] @ left
        across[len(right) :] = 0.0
        first = lags[:reach]
        band[:, :reach] = np.where(lags[:, None] + first < reach, own[:, None], across[:, None])
    return band


def _autocovariance(left: np.ndarray, right: np.ndarray, reach: int) -> np.ndarray:
    """That of an ARMA with unit shocks at lags 0 … reach, from the Yule-Walker equations."""
    response = _response(left, right, len(right))
    shared = np.zeros(reach + 1)
    for lag in range(len(right)):
        shared[lag] = right[lag:] @ response[: len(right) - lag]
    equations = np.zeros((reach + 1, reach + 1))
    rows = np.arange(reach + 1)
    for lag, coefficient in enumerate(left):
        if coefficient:
            equations[rows, np.abs(rows - lag)] += coefficient
    return np.linalg.solve(equations, shared)


def _response(left: np.ndarray, right: np.ndarray, horizon: int) -> np.ndarray:
    """Coefficients of right / left, lag 0 first; shape (horizon,)."""
    psi = np.zeros(horizon)
    psi[: len(right)] = right[:horizon]
    for h in range(1, horizon):
        lags = min(h, len(left) - 1)
        psi[h] -= left[1 : lags + 1] @ psi[h - lags : h][::-1]
    return psi


def _expected_shocks(factor: np.ndarray, errors: np.ndarray, known: np.ndarray, horizon: int) -> np.ndarray:
    """What past errors still add 1 … horizon steps after the first `known` values; shape (horizon, len(known))."""
    reach = len(factor) - 1
    expected = np.zeros((horizon, len(known)))
    for h in range(min(reach, horizon)):
        lags = np.arange(h + 1, reach + 1)[:, None]
        past = known + h - lags
        expected[h] = (factor[lags, past] * errors[past]).sum(axis=0)
    return expected


def _lags(coefficients: np.ndarray, step: int) -> np.ndarray:
    """1 and then `coefficients` at every `step`-th lag."""
    polynomial = np.zeros(len(coefficients) * step + 1)
    polynomial[0], polynomial[step::step] = 1.0, coefficients
    return polynomial
