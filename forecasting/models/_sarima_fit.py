"""SARIMA fits: exact maximum likelihood, and forecasts from any number of origins with the same parameters.

The differences are taken here and undone here, so what is left is a stationary ARMA (Box & Jenkins, Time Series Analysis,
ch. 5 and 9), whose likelihood is that of `_arma_likelihood`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from forecasting.models._arma_likelihood import (
    PARTIAL_LIMIT,
    expected_shocks,
    from_partial_autocorrelations,
    impulse_response,
    innovations,
    is_stationary,
    lag_polynomial,
)
from forecasting.models._stored_parameters import checked_array, checked_integer, checked_number
from forecasting.support.caching import lazy

#: The optimiser stops when a step promises to lower the sum of squares by less than this share: the likelihood is flat at
#: its top, and what is left moves no forecast.
SUM_OF_SQUARES_TOLERANCE = 1e-6
#: The optimiser stops when a step moves the parameters by less than this share.
STEP_TOLERANCE = 1e-4
#: Evaluations of the likelihood after which the optimiser stops.
MAX_EVALUATIONS = 300
#: The first step is no longer than this share of the start: longer ones end where the search cannot come back from.
FIRST_STEP = 0.3
#: The partial autocorrelation that the search starts from for the autoregression.
START_AR = 0.3
#: The same for the moving average: a level that is learned slowly.
START_MA = 0.45
#: The same for the seasonal autoregression.
START_SEASONAL_AR = 0.3
#: The same for the seasonal moving average: a season that is kept.
START_SEASONAL_MA = 0.7
#: The same for the autoregression when no difference is taken, or a seasonal moving average stands beside it.
START_LASTING = 0.9
#: The largest order that is read from stored parameters.
MAX_ORDER = 3
#: The longest season, in periods, that is read from stored parameters.
MAX_SEASON = 24


@dataclass(frozen=True)
class SarimaOrder:
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
        """The lag polynomials of the differenced series and of the shocks, lag 0 first."""
        ar, ma, seasonal_ar, seasonal_ma = self.split(params)
        left = np.convolve(lag_polynomial(-ar, 1), lag_polynomial(-seasonal_ar, self.season))
        return left, np.convolve(lag_polynomial(ma, 1), lag_polynomial(seasonal_ma, self.season))


class SarimaFit:
    """A SARIMA with its parameters, ready to forecast any series on the same scale.

    Attributes:
        order: its orders.
        params: AR, MA, seasonal AR and seasonal MA coefficients in statsmodels' order and sign.
        mean: the level it returns to, 0 where differences are taken.
    """

    def __init__(self, order: SarimaOrder, params: np.ndarray, mean: float) -> None:
        self.order, self.params, self.mean = order, params, mean

    def rolling(self, values: np.ndarray, origins: Sequence[int], horizon: int) -> tuple[np.ndarray, np.ndarray]:
        """Forecast from several origins, and return the past shocks as well.

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
        factor, errors = innovations(left, right, differenced[:, None], order.reach)
        shocks = expected_shocks(factor, errors[:, 0], np.asarray(origins) - order.lost, horizon)
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
        return impulse_response(np.convolve(left, self.order.difference), right, horizon)

    def state(self, values: np.ndarray, horizon: int) -> dict[str, Any]:
        """All that forecasts after `values` of shape (n,) come from, as JSON values.

        Returns:
            mean: the level that it returns to. left, right: coefficients of the lag polynomials of the figures, differences included,
            and of the shocks, lag 0 first. last: the last ``len(left) - 1`` figures, oldest first, less the mean. ahead: what
            past shocks still add to the first steps ahead.
        """
        order = self.order
        left, right = order.polynomials(self.params)
        differenced = np.convolve(values, order.difference, mode="valid") - self.mean
        factor, errors = innovations(left, right, differenced[:, None], order.reach)
        ahead = expected_shocks(factor, errors[:, 0], np.array([len(values) - order.lost]), horizon)[: order.reach, 0]
        left = np.convolve(left, order.difference)
        last = values[len(values) - len(left) + 1 :] - self.mean
        return {
            "mean": float(self.mean),
            "left": left.tolist(),
            "right": right.tolist(),
            "last": last.tolist(),
            "ahead": ahead.tolist(),
        }

    def to_json(self) -> dict[str, Any]:
        """Orders, coefficients and level as JSON, the inverse of `from_json`."""
        order = self.order
        orders = [order.p, order.d, order.q, order.P, order.D, order.Q, order.season]
        return {"order": orders, "params": self.params.tolist(), "mean": float(self.mean)}

    @staticmethod
    def from_json(data: dict[str, Any]) -> SarimaFit:
        """Restore a fit from the JSON of `to_json`; raises `LookupError`, `TypeError` or `ValueError` for anything else."""
        p, d, q, P, D, Q = (checked_integer(order, 0, MAX_ORDER) for order in data["order"][:6])  # noqa: N806 - as in `SarimaOrder`
        order = SarimaOrder(p, d, q, P, D, Q, checked_integer(data["order"][6], 1, MAX_SEASON))
        params = checked_array(data["params"], order.free)
        ar, ma, seasonal_ar, seasonal_ma = order.split(params)
        if not all(is_stationary(part) for part in (ar, -ma, seasonal_ar, -seasonal_ma)):
            raise ValueError("these coefficients are not stationary and invertible")
        return SarimaFit(order, params, checked_number(data["mean"]))


def fit_sarima(order: SarimaOrder, values: np.ndarray) -> SarimaFit:
    """The maximum likelihood fit of `order` to `values`.

    Raises:
        ValueError: there are too few values, they do not vary once differenced, or no likelihood can be computed.
    """
    differenced = np.convolve(values, order.difference, mode="valid")
    if len(differenced) < order.reach + order.free + 3:
        raise ValueError("too few values")
    if not np.std(differenced) > 1e-9 * np.abs(values).max():
        raise ValueError("nothing varies once differenced")
    unit = float(np.abs(differenced).max())
    columns = np.stack([differenced / unit, np.ones(len(differenced))][: 1 + order.centred], axis=1)
    params, mean = _maximum_likelihood(order, columns)
    if not (np.all(np.isfinite(params)) and np.isfinite(mean)):
        raise ValueError("no parameters were found")
    return SarimaFit(order, params, mean * unit)


def _maximum_likelihood(order: SarimaOrder, columns: np.ndarray) -> tuple[np.ndarray, float]:
    """Parameters and level that maximise the likelihood of `columns`: the series, and ones if it has a level.

    With the size of a shock concentrated out, -2/n times the log likelihood is the log of the sum of squares of what
    `misfit` returns, so Levenberg and Marquardt's method applies.
    """
    from scipy.optimize import leastsq

    def weighed(free: np.ndarray) -> tuple[np.ndarray, float]:
        factor, errors = innovations(*order.polynomials(_constrained_parameters(order, free)), columns, order.reach)
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

    free = _starting_values(order)
    if order.free:
        with np.errstate(all="ignore"):
            found = leastsq(
                misfit,
                free,
                ftol=SUM_OF_SQUARES_TOLERANCE,
                xtol=STEP_TOLERANCE,
                maxfev=MAX_EVALUATIONS,
                factor=FIRST_STEP,
                full_output=True,
            )
        free = found[0]
    return _constrained_parameters(order, free), weighed(free)[1]


def _starting_values(order: SarimaOrder) -> np.ndarray:
    """Unconstrained parameters that the search starts from, on the scale of `_constrained_parameters`."""
    lasting, kept = (not order.d and order.q > 0) or order.centred, order.Q > 0
    partial = [START_LASTING if lasting else START_AR][: order.p] + [0.0] * (order.p - 1)
    partial += [START_MA][: order.q] + [0.0] * (order.q - 1)
    partial += [START_LASTING if kept else START_SEASONAL_AR][: order.P] + [0.0] * (order.P - 1)
    partial += [START_SEASONAL_MA][: order.Q] + [0.0] * (order.Q - 1)
    inside = np.array(partial) / PARTIAL_LIMIT
    return np.asarray(inside / np.sqrt(1 - inside**2))


def _constrained_parameters(order: SarimaOrder, free: np.ndarray) -> np.ndarray:
    """Stationary and invertible coefficients for any real numbers (Monahan, Biometrika 71, 1984)."""
    ar, ma, seasonal_ar, seasonal_ma = (from_partial_autocorrelations(part) for part in order.split(free))
    return np.concatenate([ar, -ma, seasonal_ar, -seasonal_ma])
