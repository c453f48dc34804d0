"""Auto-ARIMA: Hyndman and Khandakar's stepwise search over seasonal ARIMA models, by pmdarima."""

from __future__ import annotations

import warnings
from dataclasses import replace
from typing import Any

import numpy as np

from forecasting.data.forecast import Forecast
from forecasting.data.series import Series
from forecasting.models import _naive_fallback
from forecasting.models._sarima_fit import SarimaFit, SarimaOrder
from forecasting.models._stored_parameters import (
    DAMAGED_DATA_ERRORS,
    check_finite,
    checked_number,
    restore_fit,
    stored_parameters,
)
from forecasting.models.base import Model, Progress, ProgressCallback, ignore_progress
from forecasting.models.predictive import from_normal

#: Figures below which the tests for differencing and the likelihood say nothing.
SHORTEST = 15
#: Figures, the last ones, that the search is fitted to: it is slow, and slower with more of them.
WINDOW = 180
#: Periods of the longest season that is searched: longer ones make a single fit too slow to wait for.
LONGEST_SEASON = 12
#: Seasons that the test for seasonal differencing needs; with fewer the season is differenced.
TESTABLE_SEASONS = 4
#: Seconds after which the search stops at the next candidate.
MAX_SEARCH_SECONDS = 60
#: Decimal places of the figures, which are around 1, that the search sees: what another unit does to the digits after them would
#: send it another way.
DECIMALS_SEEN = 9
#: Candidates after which the search stops.
MAX_SEARCH_STEPS = 40


class AutoARIMA(Model):
    """The seasonal ARIMA model of least AICc that a stepwise search meets."""

    name = "auto_arima"
    label = "Auto-ARIMA"
    summary = (
        "Decides by tests how often to difference, then walks from one seasonal ARIMA model to its neighbours as long "
        "as they explain the past better for their size (AICc). It sees the last 180 figures and seasons of up to 12 periods. "
        "Good where shocks fade or carry over in a steady way. It is the slowest model here, and what explains the past "
        "best is often not what comes next."
    )
    reference = "Hyndman & Khandakar, Journal of Statistical Software 27(3) (2008); pmdarima's auto_arima"
    version = 3
    order = 50
    time_limit = 120.0

    def warm_up(self) -> None:
        """Import pmdarima."""
        import pmdarima.arima  # noqa: F401

    def forecast(self, series: Series, horizon: int, report: ProgressCallback = ignore_progress) -> Forecast:
        """Search for the orders of least AICc and forecast with them."""
        if len(series) < SHORTEST:
            return _naive_fallback.series_too_short(self, series, horizon, SHORTEST)
        recent = series.tail(WINDOW)
        if np.ptp(recent.values) == 0:
            return _naive_fallback.constant_series(self, recent, horizon)
        scale = self.scale(series)
        values = scale.forward(recent.values)
        unit = float(np.abs(values).mean())
        season = _naive_fallback.learnable_season(recent)
        report(Progress("a stepwise search over ARIMA orders", 0, 1))
        arima = stepwise_search(np.round(values / unit, DECIMALS_SEEN), season if season <= LONGEST_SEASON else 1)
        if arima is None:
            return _naive_fallback.fit_failed(self, series, horizon)
        mean, errors, psi = forecast_moments(arima, horizon)
        mean, notes = _naive_fallback.cap_runaway_trend(series, scale, mean * unit)
        forecast = from_normal(
            self, series, scale, mean, errors * unit, psi, f"{arima_label(arima)} {scale.label}", notes
        )
        known = arima_parameters(arima)
        return replace(forecast, fitted=stored_parameters(self, recent, unit=unit, **known) if known else {})

    def extend(self, series: Series, horizon: int, fitted: dict[str, Any]) -> Forecast | None:
        """Filter the stored ARIMA, with its slope, through `series`."""
        try:
            earlier = restore_fit(self, series, fitted)
            scale, unit, arima = self.scale(series), checked_number(fitted["unit"], 1e-12), SarimaFit.from_json(fitted)
            slope = checked_number(fitted["slope"])
            values = scale.forward(earlier.series.values) / unit
            means, errors = arima.rolling(values - slope * np.arange(len(values)), [len(values)], horizon)
            mean = means[0] + slope * np.arange(len(values), len(values) + horizon)
            check_finite(mean, errors)
        except DAMAGED_DATA_ERRORS:
            return None
        mean, notes = _naive_fallback.cap_runaway_trend(series, scale, mean * unit)
        method, psi = f"ARIMA {arima.order} {scale.label}", arima.psi(horizon)
        forecast = from_normal(self, series, scale, mean, errors * unit, psi, method, notes)
        return replace(forecast, fitted=earlier.with_error_growth(errors))


def stepwise_search(values: np.ndarray, season: int) -> Any | None:
    """The `pmdarima.ARIMA` that the search ends at, or None where no candidate can be fitted."""
    from pmdarima.arima import StepwiseContext, auto_arima

    with (
        warnings.catch_warnings(),
        np.errstate(all="ignore"),
        StepwiseContext(max_dur=MAX_SEARCH_SECONDS, max_steps=MAX_SEARCH_STEPS),
    ):
        warnings.simplefilter("ignore")  # a candidate that does not converge or has roots near 1 loses, silently
        try:
            return auto_arima(
                values,
                m=season,
                seasonal=season > 1,
                D=None if len(values) >= TESTABLE_SEASONS * season else 1,
                start_p=1,
                start_q=1,
                start_P=0,
                start_Q=1,
                max_d=1,
                max_D=1,
                max_p=2,
                max_q=2,
                max_P=1,
                max_Q=1,
                information_criterion="aicc",
                maxiter=30,
                error_action="ignore",
                sarimax_kwargs={"concentrate_scale": True},
            )
        except (ValueError, np.linalg.LinAlgError):
            return None


def forecast_moments(arima: Any, horizon: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Point forecasts, past errors one step ahead, and the response to a unit shock (psi weights), differences undone."""
    result = arima.arima_res_
    psi = np.asarray(result.impulse_responses(horizon - 1)).ravel() if horizon > 1 else np.ones(1)
    burnt = result.loglikelihood_burn  # the first errors, from before anything was known
    errors = result.filter_results.standardized_forecasts_error[0, burnt:] * np.sqrt(result.scale)
    return np.asarray(result.forecast(horizon)), errors[np.isfinite(errors)], psi


def arima_parameters(arima: Any) -> dict[str, Any]:
    """Orders, coefficients, and the level or slope that an intercept means, as JSON; empty where it means a parabola."""
    (p, d, q), (P, D, Q, season) = arima.order, arima.seasonal_order  # noqa: N806 - as in `SarimaOrder`
    order = SarimaOrder(p, d, q, P, D, Q, max(season, 1))
    intercept, params = np.split(np.asarray(arima.params()), [int(arima.with_intercept)])
    left, _ = order.polynomials(params)
    level = float(intercept.sum() / left.sum())
    if level and order.d + order.D > 1:
        return {}
    slope = level / order.lost if order.lost else 0.0
    return {**SarimaFit(order, params, 0.0 if order.lost else level).to_json(), "slope": slope}


def arima_label(arima: Any) -> str:
    """A label for people, e.g. ``ARIMA (0,1,1)(0,1,1)[7]``."""
    order, seasonal = arima.order, arima.seasonal_order
    orders = f"({','.join(map(str, order))})"
    return (
        f"ARIMA {orders}" if seasonal[3] < 2 else f"ARIMA {orders}({','.join(map(str, seasonal[:3]))})[{seasonal[3]}]"
    )
