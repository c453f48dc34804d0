"""ETS: exponential smoothing as a state space model with additive errors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from forecasting.data.forecast import Forecast
from forecasting.data.series import Series
from forecasting.models import _naive_fallback
from forecasting.models._ets_fit import SHORTEST, ETSFit, ETSForm, FormReport, best_fits
from forecasting.models._stored_parameters import (
    DAMAGED_DATA_ERRORS,
    EarlierFit,
    check_finite,
    checked_number,
    restore_fit,
    stored_parameters,
)
from forecasting.models.base import Progress, ProgressCallback, ignore_progress
from forecasting.models.linear import LinearModel, LinearState
from forecasting.models.naive import Naive
from forecasting.models.predictive import NormalOutput, from_normal_many
from forecasting.models.transforms import Transform
from forecasting.support.errors import ForecastingError


@dataclass(frozen=True)
class _Ready:
    """A series to fit: its `values` on a model's scale, in units of their mean size (which suit the search's tolerances)."""

    series: Series
    scale: Transform
    values: np.ndarray
    unit: float
    season: int


class ETS(LinearModel):
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
    version = 5
    order = 20
    batched = True

    def forecast(self, series: Series, horizon: int, report: ProgressCallback = ignore_progress) -> Forecast:
        """Fit every form that the series can carry and forecast with that of least AICc."""
        if stand_in := self._naive(series, horizon):
            return stand_in

        def tried(form: ETSForm, done: int, of: int) -> None:
            report(Progress(form.label, done, of))  # no draft: the forecast itself is milliseconds away

        return self._fitted([self._ready(series)], horizon, tried)[0]

    def forecast_many(self, series: Sequence[Series], horizon: int) -> list[Forecast | ForecastingError]:
        """Fit each form to all series that can carry it at once."""
        found: dict[int, Forecast | ForecastingError] = {}
        groups: dict[int, dict[int, _Ready]] = {}
        for place, one in enumerate(series):
            try:
                stand_in = self._naive(one, horizon)
            except ForecastingError as error:
                found[place] = error
                continue
            if stand_in:
                found[place] = stand_in
            else:
                ready = self._ready(one)
                groups.setdefault(ready.season, {})[place] = ready
        for group in groups.values():
            found |= zip(group, self._fitted(list(group.values()), horizon), strict=True)
        return [found[place] for place in range(len(series))]

    def _fitted(self, group: Sequence[_Ready], horizon: int, report: FormReport | None = None) -> list[Forecast]:
        """The forecasts of series of one season."""
        fits = best_fits([ready.values for ready in group], group[0].season, report)
        drawn = [
            self._output(ready.series, ready.scale, fit, ready.unit, horizon)
            for ready, fit in zip(group, fits, strict=True)
            if fit
        ]
        made, found = iter(from_normal_many(drawn)), list[Forecast]()
        for ready, fit in zip(group, fits, strict=True):
            if fit is None:
                found.append(_naive_fallback.fit_failed(self, ready.series, horizon))
            else:
                fitted = stored_parameters(self, ready.series, unit=ready.unit, **fit.to_json())
                found.append(replace(next(made), fitted=fitted))
        return found

    def _naive(self, series: Series, horizon: int) -> Forecast | None:
        """What stands in for a series that there is nothing to fit to; None for others."""
        if len(series) < SHORTEST:
            return _naive_fallback.series_too_short(self, series, horizon, SHORTEST)
        if np.ptp(series.values) == 0:
            return _naive_fallback.constant_series(self, series, horizon)
        return None

    def _ready(self, series: Series) -> _Ready:
        scale = self.scale(series)
        values = scale.forward(series.values)
        unit = float(np.abs(values).mean())
        return _Ready(series, scale, values / unit, unit, _naive_fallback.learnable_season(series))

    def extend(self, series: Series, horizon: int, fitted: dict[str, Any]) -> Forecast | None:
        """Filter the stored fit through `series` from its start."""
        try:
            earlier = restore_fit(self, series, fitted)
            found, unit = self._restored(earlier, horizon)
        except DAMAGED_DATA_ERRORS:
            return None
        (made,) = from_normal_many([self._output(series, self.scale(series), found, unit, horizon)])
        return replace(made, fitted=earlier.with_error_growth(found.errors))

    def linear_state(self, series: Series, horizon: int, fitted: dict[str, Any]) -> LinearState:
        """The smoothing parameters, and level, trend and season after the last figure."""
        if not fitted:
            return Naive().linear_state(series, horizon, fitted)
        earlier = restore_fit(self, series, fitted)
        found, unit = self._restored(earlier, horizon)
        state = {
            "form": found.form.label,
            "season": found.form.season,
            **{name: getattr(found, name) for name in ("alpha", "beta", "gamma", "phi")},
            "level": found.level * unit,
            "trend": found.trend * unit,
            "seasons": (found.seasons * unit).tolist(),
        }
        return LinearState("ets", state, self._output(series, self.scale(series), found, unit, horizon))

    def _restored(self, earlier: EarlierFit, horizon: int) -> tuple[ETSFit, float]:
        """The stored fit, filtered through its series, and the unit of its components. Raises one of `DAMAGED_DATA_ERRORS`."""
        series, unit = earlier.series, checked_number(earlier.fitted["unit"], 1e-12)
        values = self.scale(series).forward(series.values) / unit
        found = ETSFit.from_json(earlier.fitted, series.frequency.season, values)
        check_finite(found.mean(horizon), found.errors)
        return found, unit

    def _output(self, series: Series, scale: Transform, found: ETSFit, unit: float, horizon: int) -> NormalOutput:
        mean, notes = _naive_fallback.cap_runaway_trend(series, scale, found.mean(horizon) * unit)
        method, psi = f"{found.form.label} {scale.label}", found.psi(horizon + len(series.doubt))
        return NormalOutput(self, series, scale, mean, found.errors * unit, psi, method, notes)
