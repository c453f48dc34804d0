"""One SARIMA on one scale: fitted once, then forecast from any number of origins with a single filter pass.

The differences are taken here and undone here, so the state space that statsmodels filters is that of the ARMA part
alone: half the size, stationary, and without a diffuse start (Box & Jenkins, Time Series Analysis, ch. 5 and 9).
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

#: Steps of the optimiser: the likelihood is flat at its top, and what is left after these moves no forecast.
STEPS = 50


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

    @cached_property
    def difference(self) -> np.ndarray:
        """Coefficients of (1 - B)^d (1 - B^season)^D, lag 0 first; shape (lost + 1,)."""
        polynomial = np.ones(1)
        seasonal = np.zeros(self.season + 1)
        seasonal[0], seasonal[-1] = 1.0, -1.0
        for factor in [np.array([1.0, -1.0])] * self.d + [seasonal] * self.D:
            polynomial = np.convolve(polynomial, factor)
        return polynomial


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
        """
        model = _state_space(self.order, values, self.mean)
        with quiet():
            filtered = model.filter(self.params, cov_type="none")
        states = filtered.filter_results.predicted_state[:, [origin - self.order.lost for origin in origins]]
        design, transition = model.ssm["design"], model.ssm["transition"]
        steps = []
        for _ in range(horizon):
            steps.append((design @ states)[0] + self.mean)
            states = transition @ states
        means = self._integrate(values, origins, np.array(steps))
        found = filtered.filter_results
        errors, spread = found.forecasts_error[0], np.sqrt(found.forecasts_error_cov[0, 0])
        return means, np.divide(errors * spread[-1], spread, out=np.abs(errors), where=spread > 0)

    def psi(self, horizon: int) -> np.ndarray:
        """The response to a unit shock 0, 1, 2 … periods later, differences undone; shape (horizon,)."""
        left, right = self._polynomials()
        psi = np.zeros(horizon)
        for h in range(horizon):
            lags = min(h, len(left) - 1)
            psi[h] = (right[h] if h < len(right) else 0.0) - left[1 : lags + 1] @ psi[h - lags : h][::-1]
        return psi

    def _polynomials(self) -> tuple[np.ndarray, np.ndarray]:
        """Everything that acts on the series (differences included) and on the shocks, lag 0 first."""
        order = self.order
        ar, ma, seasonal_ar, seasonal_ma = np.split(self.params, np.cumsum([order.p, order.q, order.P]))
        left = np.convolve(_lags(-ar, 1), _lags(-seasonal_ar, order.season))
        return np.convolve(left, order.difference), np.convolve(_lags(ma, 1), _lags(seasonal_ma, order.season))

    def _integrate(self, values: np.ndarray, origins: Sequence[int], steps: np.ndarray) -> np.ndarray:
        """Undo the differences: `steps` has shape (horizon, origins), the answer (origins, horizon)."""
        lost, weights = self.order.lost, -self.order.difference[:0:-1]
        path = np.zeros((lost + len(steps), len(origins)))
        for column, origin in enumerate(origins):
            path[:lost, column] = values[origin - lost : origin]
        for h, step in enumerate(steps):
            path[lost + h] = weights @ path[h : lost + h] + step
        return path[lost:].T


def fit(order: Order, values: np.ndarray, start: np.ndarray | None = None) -> Fit:
    """The maximum likelihood fit of `order` to `values`, from the parameters `start` on if they are given.

    Raises:
        ValueError: the values do not vary once differenced, or the likelihood cannot be computed.
    """
    mean = float(values.mean()) if order.centred else 0.0
    model = _state_space(order, values, mean)
    if not np.std(model.endog) > 1e-9 * max(1.0, float(np.abs(values).max())):
        raise ValueError("nothing varies once differenced")
    if not model.k_params:
        return Fit(order, np.zeros(0), mean)
    with quiet():
        found = model.fit(start, disp=0, maxiter=STEPS, method="lbfgs", cov_type="none", return_params=True)
    if not np.all(np.isfinite(found)):
        raise ValueError("no parameters were found")
    return Fit(order, np.asarray(found), mean)


def _lags(coefficients: np.ndarray, step: int) -> np.ndarray:
    """1 and then `coefficients` at every `step`-th lag."""
    polynomial = np.zeros(len(coefficients) * step + 1)
    polynomial[0], polynomial[step::step] = 1.0, coefficients
    return polynomial


@contextmanager
def quiet() -> Iterator[None]:
    """Without statsmodels' remarks on its own search.

    It warns when its first guess is not stationary or not invertible (it then starts from zeros) and when the search
    stops at `STEPS`. Neither says anything of the forecast: candidates are judged by their errors on later figures.
    """
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        for message in ("Non-stationary starting", "Non-invertible starting", "Maximum Likelihood optimization failed"):
            warnings.filterwarnings("ignore", message=message)
        warnings.filterwarnings("ignore", message="Too few observations to estimate starting parameters")
        yield


def _state_space(order: Order, values: np.ndarray, mean: float) -> Any:
    from statsmodels.tsa.statespace.sarimax import SARIMAX

    differenced = np.convolve(values, order.difference, mode="valid") - mean
    seasonal = (order.P, 0, order.Q, order.season) if order.season > 1 else (0, 0, 0, 0)
    with quiet():
        return SARIMAX(differenced, order=(order.p, 0, order.q), seasonal_order=seasonal, concentrate_scale=True)
