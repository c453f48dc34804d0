"""The likelihood and the forecasts of a stationary ARMA, without a state space.

Once the autoregressive part is applied, figures further apart than the longest lag are uncorrelated, so their covariance
is a narrow band whose Cholesky factor gives every error one step ahead (Ansley, Biometrika 66, 1979; Brockwell & Davis,
Time Series: Theory and Methods, section 8.7). That is the same number as statsmodels' SARIMAX gives, and comes sooner.
"""

from __future__ import annotations

import numpy as np

#: The limit of partial autocorrelations: at 1 there is no stationary start, and nothing to invert.
PARTIAL_LIMIT = 0.9995


def from_partial_autocorrelations(free: np.ndarray) -> np.ndarray:
    """Coefficients of a stationary autoregression for any real numbers (Monahan, Biometrika 71, 1984)."""
    coefficients = np.zeros(0)
    for partial in PARTIAL_LIMIT * free / np.sqrt(1 + free**2):
        coefficients = np.append(coefficients - partial * coefficients[::-1], partial)
    return coefficients


def is_stationary(coefficients: np.ndarray) -> bool:
    """Whether all roots of 1 - c1 B - c2 B² - … lie outside the unit circle."""
    return bool(np.all(np.abs(np.roots(np.concatenate([[1.0], -coefficients]))) < 1.0))


def innovations(left: np.ndarray, right: np.ndarray, columns: np.ndarray, reach: int) -> tuple[np.ndarray, np.ndarray]:
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
    """The autocovariance of an ARMA with unit shocks at lags 0 … reach, from the Yule-Walker equations."""
    response = impulse_response(left, right, len(right))
    shared = np.zeros(reach + 1)
    for lag in range(len(right)):
        shared[lag] = right[lag:] @ response[: len(right) - lag]
    equations = np.zeros((reach + 1, reach + 1))
    rows = np.arange(reach + 1)
    for lag, coefficient in enumerate(left):
        if coefficient:
            equations[rows, np.abs(rows - lag)] += coefficient
    return np.linalg.solve(equations, shared)


def impulse_response(left: np.ndarray, right: np.ndarray, horizon: int) -> np.ndarray:
    """The response to a unit shock 0, 1, 2 … periods later: coefficients of right / left; shape (horizon,)."""
    psi = np.zeros(horizon)
    psi[: len(right)] = right[:horizon]
    for h in range(1, horizon):
        lags = min(h, len(left) - 1)
        psi[h] -= left[1 : lags + 1] @ psi[h - lags : h][::-1]
    return psi


def expected_shocks(factor: np.ndarray, errors: np.ndarray, known: np.ndarray, horizon: int) -> np.ndarray:
    """What past errors still add 1 … horizon steps after the first `known` values; shape (horizon, len(known))."""
    reach = len(factor) - 1
    expected = np.zeros((horizon, len(known)))
    for h in range(min(reach, horizon)):
        lags = np.arange(h + 1, reach + 1)[:, None]
        past = known + h - lags
        expected[h] = (factor[lags, past] * errors[past]).sum(axis=0)
    return expected


def lag_polynomial(coefficients: np.ndarray, step: int) -> np.ndarray:
    """A lag polynomial, lag 0 first: 1 and then `coefficients` at every `step`-th lag."""
    polynomial = np.zeros(len(coefficients) * step + 1)
    polynomial[0], polynomial[step::step] = 1.0, coefficients
    return polynomial
