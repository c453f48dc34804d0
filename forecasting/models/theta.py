"""Theta: simple exponential smoothing with half the trend as drift, on seasonally adjusted figures."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from forecasting.data.forecast import Forecast
from forecasting.data.series import Series
from forecasting.models import _naive_fallback
from forecasting.models.base import ProgressCallback, ignore_progress
from forecasting.models.linear import LinearModel, LinearState
from forecasting.models.naive import Naive
from forecasting.models.predictive import NormalOutput, from_normal_many
from forecasting.models.transforms import Transform
from forecasting.support.errors import ForecastingError

#: Figures that a fit needs for a trend to mean anything.
SHORTEST = 10
#: Seasons, the last ones, that the seasonal effects are taken from.
RECENT_SEASONS = 8
#: Seasons, the last ones, that the bands are learned from.
ERROR_SEASONS = 2 * RECENT_SEASONS
#: The 95 % point of the normal distribution: a two-sided test at 90 %, as in Assimakopoulos & Nikolopoulos.
SIGNIFICANT_Z = 1.645


class Theta(LinearModel):
    """Seasonal adjustment, exponential smoothing, half the long-run slope, season added back."""

    name = "theta"
    label = "Theta"
    summary = (
        "Takes the season out as the last eight seasons show it, smooths what remains, and adds half of the long-run "
        "slope as a drift. It won the M3 competition and takes milliseconds. It is good where the level wanders "
        "without a strong trend; it is late at the start of a wave, because its drift is that of the whole history, "
        "and its weekdays are fixed, so a change in how days are reported takes weeks to reach it."
    )
    reference = (
        "Assimakopoulos & Nikolopoulos, International Journal of Forecasting 16 (2000); as simple exponential "
        "smoothing with drift: Hyndman & Billah, International Journal of Forecasting 19 (2003)"
    )
    version = 4
    order = 30
    instant = True

    def forecast(self, series: Series, horizon: int, report: ProgressCallback = ignore_progress) -> Forecast:
        """Adjust for the season, smooth, add half the slope, and add the season back."""
        if len(series) < SHORTEST:
            return _naive_fallback.series_too_short(self, series, horizon, SHORTEST)
        if np.ptp(series.values) == 0:
            return _naive_fallback.constant_series(self, series, horizon)
        adjusted = _adjust(series, self.scale(series))
        return from_normal_many([self._output(series, horizon, adjusted, fit_smoothing(adjusted.values))])[0]

    def forecast_many(self, series: Sequence[Series], horizon: int) -> list[Forecast | ForecastingError]:
        """Smooth all series at once; each has the same numbers as alone."""
        found = dict[int, Forecast | ForecastingError]()
        adjusted = {
            place: _adjust(one, self.scale(one))
            for place, one in enumerate(series)
            if len(one) >= SHORTEST and np.ptp(one.values) > 0
        }
        smoothed = fit_smoothings([one.values for one in adjusted.values()])
        outputs = [
            self._output(series[place], horizon, one, smoothing)
            for (place, one), smoothing in zip(adjusted.items(), smoothed, strict=True)
        ]
        found |= zip(adjusted, from_normal_many(outputs), strict=True)
        others = [place for place in range(len(series)) if place not in found]
        found |= zip(others, super().forecast_many([series[place] for place in others], horizon), strict=True)
        return [found[place] for place in range(len(series))]

    def linear_state(self, series: Series, horizon: int, fitted: dict[str, Any]) -> LinearState:
        """The smoothing parameter, the level, the slope and the season's effects, on the model's scale."""
        if len(series) < SHORTEST or np.ptp(series.values) == 0:
            return Naive().linear_state(series, horizon, fitted)
        adjusted = _adjust(series, self.scale(series))
        smoothed, unit = fit_smoothing(adjusted.values), adjusted.unit
        state = {
            "alpha": smoothed.alpha,
            "level": smoothed.level * unit,
            "slope": least_squares_slope(adjusted.values) * unit,
            "figures": len(adjusted.values),
            "seasons": (adjusted.effects * unit).tolist(),
        }
        return LinearState("theta", state, self._output(series, horizon, adjusted, smoothed))

    def _output(self, series: Series, horizon: int, adjusted: Adjusted, smoothed: Smoothing) -> NormalOutput:
        unit, effects, count = adjusted.unit, adjusted.effects, len(adjusted.values)
        slope = least_squares_slope(adjusted.values)
        mean = smoothed.level + half_slope_drift(smoothed.alpha, slope, count, horizon) + np.resize(effects, horizon)
        errors = theta_errors(smoothed, slope)
        if len(effects) > 1:  # before that the season was another
            errors = errors[-ERROR_SEASONS * len(effects) :]
        scale = self.scale(series)
        mean, notes = _naive_fallback.cap_runaway_trend(series, scale, mean * unit)
        psi = np.concatenate([[1.0], np.full(horizon - 1 + len(series.doubt), smoothed.alpha)])
        method = f"Theta {'with a season of ' + series.frequency.steps(len(effects)) + ' ' if len(effects) > 1 else ''}"
        return NormalOutput(self, series, scale, mean, errors * unit, psi, method + scale.label, notes)


@dataclass(frozen=True)
class Adjusted:
    """Figures on a model's scale without their season: `values` in units of their mean size, and the season's `effects`."""

    values: np.ndarray
    effects: np.ndarray
    unit: float


def _adjust(series: Series, scale: Transform) -> Adjusted:
    values = scale.forward(series.values)
    unit = float(np.abs(values).mean())
    effects = seasonal_effects(values / unit, _naive_fallback.learnable_season(series))
    return Adjusted(values / unit - np.resize(effects[::-1], len(values))[::-1], effects, unit)


@dataclass(frozen=True)
class Smoothing:
    """Simple exponential smoothing: its parameter, the level after the last figure, and its one-step errors."""

    alpha: float
    level: float
    errors: np.ndarray


def fit_smoothing(values: np.ndarray) -> Smoothing:
    """Least squares fit of simple exponential smoothing that starts from the first figure."""
    low, high = 0.0001, 1.0
    for _ in range(4):  # each round narrows the search for alpha by a factor of 20
        alphas = np.linspace(low, high, 41)
        squares = np.sum(_errors(values, alphas) ** 2, axis=0)
        at = int(np.argmin(squares))
        low, high = alphas[max(at - 1, 0)], alphas[min(at + 1, 40)]
    errors = _errors(values, alphas[at : at + 1])[:, 0]
    alpha = float(alphas[at])
    return Smoothing(alpha, float(values[-1] - (1 - alpha) * errors[-1]), errors)


def fit_smoothings(series: Sequence[np.ndarray]) -> list[Smoothing]:
    """`fit_smoothing` of many series at once, to the last digit: each step of the search and of the smoothing for all of them."""
    order = sorted(range(len(series)), key=lambda place: -len(series[place]))
    longest_first = [series[place] for place in order]
    low, high = np.full(len(order), 0.0001), np.full(len(order), 1.0)
    rows = np.arange(len(order))
    for _ in range(4):
        alphas = np.linspace(low, high, 41, axis=1)
        squares = np.zeros_like(alphas)
        for _t, error in _steps(longest_first, alphas):
            squares[: len(error)] += error**2
        at = np.argmin(squares, axis=1)
        low, high = alphas[rows, np.maximum(at - 1, 0)], alphas[rows, np.minimum(at + 1, 40)]
    best = alphas[rows, at]
    errors = np.zeros((len(order), max(map(len, longest_first), default=0)))
    for t, error in _steps(longest_first, best[:, None]):
        errors[: len(error), t] = error[:, 0]
    found = dict[int, Smoothing]()
    for place, values, alpha, own in zip(order, longest_first, best.tolist(), errors, strict=True):
        own = own[1 : len(values)]
        found[place] = Smoothing(alpha, float(values[-1] - (1 - alpha) * own[-1]), own)
    return [found[place] for place in range(len(series))]


def _steps(longest_first: Sequence[np.ndarray], alphas: np.ndarray) -> Iterator[tuple[int, np.ndarray]]:
    """Smooth by `alphas` of shape (series, tried); yields each period but the first with the errors of the series that reach it."""
    lengths = np.array([len(values) for values in longest_first], dtype=int)
    padded = np.zeros((lengths.max(initial=0), len(lengths)))
    for column, values in enumerate(longest_first):
        padded[: len(values), column] = values
    level = np.zeros_like(alphas) + padded[0][:, None] if len(padded) else alphas
    for t in range(1, len(padded)):
        reaching = int(np.searchsorted(-lengths, -t))
        error = padded[t, :reaching, None] - level[:reaching]
        level[:reaching] += alphas[:reaching] * error
        yield t, error


def _errors(values: np.ndarray, alphas: np.ndarray) -> np.ndarray:
    """One-step errors from the second figure on; shape (n - 1, len(alphas))."""
    errors = np.empty((len(values) - 1, len(alphas)))
    level = np.full(len(alphas), values[0])
    for t, value in enumerate(values[1:]):
        errors[t] = value - level
        level = level + alphas * errors[t]
    return errors


def theta_errors(smoothed: Smoothing, slope: float) -> np.ndarray:
    """The errors one step ahead of the smoothing with half the `slope` added, oldest first."""
    seen = np.arange(1, len(smoothed.errors) + 1)
    return smoothed.errors - slope / 2 * (1 - (1 - smoothed.alpha) ** seen) / smoothed.alpha


def half_slope_drift(alpha: float, slope: float, count: int, horizon: int) -> np.ndarray:
    """What half the `slope` adds 1 … horizon steps after `count` figures (Hyndman & Billah 2003, equation 8)."""
    return slope / 2 * (np.arange(horizon) + (1 - (1 - alpha) ** count) / alpha)


def least_squares_slope(values: np.ndarray) -> float:
    """The slope of the least squares line."""
    time = np.arange(len(values)) - (len(values) - 1) / 2
    return float(time @ values / (time @ time))


def is_seasonal(values: np.ndarray, season: int) -> bool:
    """Whether the autocorrelation one season back is beyond chance, given those at shorter lags."""
    deviations = values - values.mean()
    lags = np.array([deviations[lag:] @ deviations[:-lag] for lag in range(1, season + 1)]) / (deviations @ deviations)
    return bool(abs(lags[-1]) > SIGNIFICANT_Z * np.sqrt((1 + 2 * np.sum(lags[:-1] ** 2)) / len(values)))


def seasonal_effects(values: np.ndarray, season: int) -> np.ndarray:
    """Additive seasonal effects of the next season's periods: shape (season,), or (1,) and 0 without a season.

    Only the last `RECENT_SEASONS` count, for weekday patterns change.
    """
    if season == 1 or not is_seasonal(values, season):
        return np.zeros(1)
    recent = values[-RECENT_SEASONS * season :]
    weights = np.ones(season) if season % 2 else np.concatenate([[0.5], np.ones(season - 1), [0.5]])
    level = np.convolve(recent, weights / season, mode="valid")
    first = len(weights) // 2
    deviations = recent[first : first + len(level)] - level
    ahead = (np.arange(len(recent)) - len(recent)) % season  # 0: what comes next
    place = ahead[first : first + len(level)]
    effects = np.array([deviations[place == k].mean() for k in range(season)])
    return effects - effects.mean()
