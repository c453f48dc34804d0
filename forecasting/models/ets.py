"""ETS: exponential smoothing as a state space model with additive errors."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from forecasting.data.forecast import Forecast
from forecasting.data.series import Series
from forecasting.models import _naive_fallback
from forecasting.models._stored_parameters import (
    DAMAGED_DATA_ERRORS,
    check_finite,
    checked_array,
    checked_integer,
    checked_number,
    restore_fit,
    stored_parameters,
)
from forecasting.models.base import Model, Progress, ProgressCallback, ignore_progress
from forecasting.models.predictive import from_normal
from forecasting.models.transforms import Transform

#: Figures that a fit needs: the first level and trend are taken from them (statsmodels' heuristic, after Hyndman &
#: Athanasopoulos).
SHORTEST = 10


@dataclass(frozen=True)
class ETSForm:
    """The form of an ETS model: with a damped trend or none, with a season of so many periods or none (1)."""

    damped: bool
    season: int

    @property
    def label(self) -> str:
        """Hyndman's shorthand, e.g. ``ETS(A,Ad,A)``."""
        return f"ETS(A,{'Ad' if self.damped else 'N'},{'A' if self.season > 1 else 'N'})"


@dataclass(frozen=True)
class InitialStates:
    """The components before the first figure; `seasons`: those of the season before it, oldest first."""

    level: float
    trend: float
    seasons: np.ndarray


@dataclass(frozen=True)
class ETSFit:
    """A fitted ETS: smoothing parameters, and the components after the last figure (`seasons`: oldest first)."""

    form: ETSForm
    alpha: float
    beta: float
    gamma: float
    phi: float
    level: float
    trend: float
    seasons: np.ndarray
    errors: np.ndarray
    aicc: float
    start: InitialStates

    def mean(self, horizon: int) -> np.ndarray:
        """Shape (horizon,): point forecasts."""
        damping = np.cumsum(self.phi ** np.arange(1, horizon + 1))
        return self.level + self.trend * damping + np.resize(self.seasons, horizon)

    def psi(self, horizon: int) -> np.ndarray:
        """The response to a unit shock, shape (horizon,): Hyndman, Koehler, Ord & Snyder (2008), table 6.1."""
        lag = np.arange(1, horizon)
        season = self.gamma * (lag % self.form.season == 0)
        return np.concatenate([[1.0], self.alpha + self.beta * np.cumsum(self.phi**lag) + season])

    def filtered(self, values: np.ndarray) -> ETSFit:
        """Filter `values` of shape (n,) with the same parameters and start: new components and errors."""
        level, trend, seasons = self.start.level, self.start.trend, self.start.seasons.tolist()
        errors = []
        for t, value in enumerate(values.tolist()):
            place = t % self.form.season
            expected = level + self.phi * trend
            error = value - expected - seasons[place]
            errors.append(error)
            level, trend = expected + self.alpha * error, self.phi * trend + self.beta * error
            seasons[place] += self.gamma * error
        coming = np.roll(seasons, -(len(values) % self.form.season))
        return replace(self, level=level, trend=trend, seasons=coming, errors=np.array(errors))

    def to_json(self) -> dict[str, Any]:
        """The parameters and the start as JSON, the inverse of `from_json`."""
        smoothing = {name: getattr(self, name) for name in ("alpha", "beta", "gamma", "phi")}
        first = {"level": self.start.level, "trend": self.start.trend, "seasons": self.start.seasons.tolist()}
        return {"damped": self.form.damped, "season": self.form.season, "smoothing": smoothing, "first": first}

    @staticmethod
    def from_json(data: dict[str, Any], longest: int, values: np.ndarray) -> ETSFit:
        """Restore the fit that gave `data` and filter `values`; no season of more than `longest` periods.

        Raises one of `DAMAGED_DATA_ERRORS`.
        """
        form = ETSForm(bool(data["damped"]), checked_integer(data["season"], 1, longest))
        alpha, beta, gamma, phi = (
            checked_number(data["smoothing"][name], 0, 1) for name in ("alpha", "beta", "gamma", "phi")
        )
        first = data["first"]
        start = InitialStates(
            checked_number(first["level"]), checked_number(first["trend"]), checked_array(first["seasons"], form.season)
        )
        return ETSFit(form, alpha, beta, gamma, phi, 0.0, 0.0, np.zeros(0), np.zeros(0), np.nan, start).filtered(values)


class ETS(Model):
    """Level, damped trend and season, each smoothed; the form that forecast this series best is kept."""

    name = "ets"
    label = "ETS"
    summary = (
        "Exponential smoothing: the level, a fading trend and the season are each a running average that trusts recent "
        "figures most. Of four combinations the one that explains the past best for its size (AICc) is "
        "used. Fast, sturdy and hard to beat a few weeks ahead. It knows no turning points: at a peak it goes on "
        "rising for a while, and its trend always fades, so a long climb is underestimated."
    )
    reference = "Hyndman, Koehler, Ord & Snyder, Forecasting with Exponential Smoothing (2008); statsmodels' ETSModel"
    version = 4
    order = 20

    def warm_up(self) -> None:
        """Import statsmodels' exponential smoothing."""
        from statsmodels.tsa.exponential_smoothing import ets  # noqa: F401

    def forecast(self, series: Series, horizon: int, report: ProgressCallback = ignore_progress) -> Forecast:
        """Fit every form that the series can carry and forecast with that of least AICc."""
        if len(series) < SHORTEST:
            return _naive_fallback.series_too_short(self, series, horizon, SHORTEST)
        if np.ptp(series.values) == 0:
            return _naive_fallback.constant_series(self, series, horizon)
        scale = self.scale(series)
        values = scale.forward(series.values)
        unit = float(np.abs(values).mean())  # figures around 1 suit the optimiser's tolerances
        best = best_fit(values / unit, _naive_fallback.learnable_season(series), report)
        if best is None:
            return _naive_fallback.fit_failed(self, series, horizon)
        fitted = stored_parameters(self, series, unit=unit, **best.to_json())
        return replace(self._draw(series, scale, best, unit, horizon), fitted=fitted)

    def extend(self, series: Series, horizon: int, fitted: dict[str, Any]) -> Forecast | None:
        """Filter the stored fit through `series` from its start."""
        try:
            earlier = restore_fit(self, series, fitted)
            scale, unit = self.scale(series), checked_number(fitted["unit"], 1e-12)
            found = ETSFit.from_json(fitted, series.frequency.season, scale.forward(earlier.series.values) / unit)
            check_finite(found.mean(horizon), found.errors)
        except DAMAGED_DATA_ERRORS:
            return None
        return replace(self._draw(series, scale, found, unit, horizon), fitted=earlier.with_error_growth(found.errors))

    def _draw(self, series: Series, scale: Transform, found: ETSFit, unit: float, horizon: int) -> Forecast:
        mean, notes = _naive_fallback.cap_runaway_trend(series, scale, found.mean(horizon) * unit)
        method, psi = f"{found.form.label} {scale.label}", found.psi(horizon + len(series.doubt))
        return from_normal(self, series, scale, mean, found.errors * unit, psi, method, notes)


def best_fit(values: np.ndarray, season: int, report: ProgressCallback = ignore_progress) -> ETSFit | None:
    """The fit of least AICc, or None where no form can be fitted.

    By AICc, which needs one fit a form; errors at earlier dates would need one a form and date.
    """
    forms = candidate_forms(len(values), season)
    best = None
    for done, form in enumerate(forms, 1):
        found = fit_form(values, form)
        if found is not None and (best is None or found.aicc < best.aicc):
            best = found
        report(Progress(form.label, done, len(forms)))  # no draft: the forecast itself is milliseconds away
    return best


def candidate_forms(count: int, season: int) -> list[ETSForm]:
    """The ETS forms that `count` figures are enough for."""
    smoothed = count - 2 * (season // 2)  # figures with a centred moving average, which the first states need
    seasons = (1, season) if season > 1 and smoothed >= SHORTEST else (1,)
    return [ETSForm(damped, periods) for periods in seasons for damped in (False, True)]


def fit_form(values: np.ndarray, form: ETSForm) -> ETSFit | None:
    """The maximum likelihood fit of `form` to figures of shape (n,), or None where it fails."""
    from statsmodels.tsa.exponential_smoothing.ets import ETSModel

    seasonal = form.season > 1
    model = ETSModel(
        values,
        error="add",
        trend="add" if form.damped else None,
        damped_trend=form.damped,
        seasonal="add" if seasonal else None,
        seasonal_periods=form.season if seasonal else None,
        initialization_method="heuristic",
    )
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")  # ConvergenceWarning: a poor fit loses on AICc, a failed one is None
        try:
            params = model.fit(disp=False, return_params=True)  # the results object is slow to make, and not needed
            fitted, states = model.smooth(params, return_raw=True)
            aicc = _aicc(float(model.loglike(params)), len(params) + 1, len(values))
        except (ValueError, np.linalg.LinAlgError):
            return None
    if not np.isfinite([aicc, *params]).all():
        return None
    found = dict(zip(model.param_names, params, strict=True))
    return ETSFit(
        form,
        float(found["smoothing_level"]),
        float(found.get("smoothing_trend", 0.0)),
        float(found.get("smoothing_seasonal", 0.0)),
        float(found.get("damping_trend", 1.0)),
        float(states[-1, 0]),
        float(states[-1, 1]) if form.damped else 0.0,
        np.asarray(states[-form.season :, -1]) if seasonal else np.zeros(1),
        values - np.asarray(fitted),
        aicc,
        InitialStates(
            float(model.initial_level),
            float(model.initial_trend),
            np.array(model.initial_seasonal, dtype=float) if seasonal else np.zeros(1),
        ),
    )


def _aicc(log_likelihood: float, parameters: int, count: int) -> float:
    """The corrected Akaike criterion of Hurvich & Tsai (1989); the variance of the errors is one of the parameters."""
    return -2 * log_likelihood + 2 * parameters * count / (count - parameters - 1)
