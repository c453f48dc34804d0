"""Prophet: a piecewise linear trend with Fourier seasons, fitted by Stan."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from forecasting.models import _fallback
from forecasting.models.base import Model, Progress, Report, ignore
from forecasting.models.predictive import from_paths
from forecasting.series import Forecast, Series

#: Figures below which a line with changes of slope is not worth a compiled optimiser.
SHORTEST = 10
#: Possible futures drawn.
SAMPLES = 1000
#: Periods between the places where the trend may change slope.
CHANGEPOINT_EVERY = 7
#: How far into the history such places reach, and how readily the slope changes there (Prophet's own: 0.8, 0.05).
CHANGEPOINT_RANGE = 0.95
CHANGEPOINT_PRIOR_SCALE = 0.5
#: Figures looked at.
WINDOW = 365


class Prophet(Model):
    """A trend of straight pieces plus weekly and yearly waves, with the future's changes of slope like the past's."""

    name = "prophet"
    label = "Prophet"
    summary = (
        "Draws the past as straight pieces of trend (on a root scale) plus smooth weekly and yearly waves, and lets "
        "the slope change in the future as often and as much as it has."
    )
    reference = "Taylor & Letham, Forecasting at Scale, The American Statistician 72(1) (2018)"
    order = 40

    def warm_up(self) -> None:
        """See `Model.warm_up`."""
        import cmdstanpy  # noqa: F401
        import prophet  # noqa: F401

    def forecast(self, series: Series, horizon: int, report: Report = ignore) -> Forecast:
        """See `Model.forecast`."""
        if len(series) < SHORTEST:
            return _fallback.too_short(self, series, horizon, SHORTEST)
        recent = series.tail(WINDOW)
        if np.ptp(recent.values) == 0:
            return _fallback.constant(self, series, horizon)
        scale = self.scale(series)
        values = scale.forward(recent.values)
        unit = float(np.abs(values).mean())
        try:
            paths = sample(recent, values / unit, horizon)
        except (RuntimeError, ValueError):
            return _fallback.failed(self, series, horizon)
        paths, notes = _fallback.capped(series, scale, paths.T * unit)
        return from_paths(self, series, scale.inverse(paths), f"Prophet {scale.label}", notes)


def sample(series: Series, values: np.ndarray, horizon: int) -> np.ndarray:
    """Shape (horizon, SAMPLES): futures of `values`, which stand at the dates of `series`."""
    with _quiet():
        import prophet

        model = prophet.Prophet(
            n_changepoints=max(min(len(series) // CHANGEPOINT_EVERY, 60), 1),
            changepoint_range=CHANGEPOINT_RANGE,
            changepoint_prior_scale=CHANGEPOINT_PRIOR_SCALE,
            uncertainty_samples=SAMPLES,
            **seasonalities(series),
        )
        with _seeded():
            model.fit(pd.DataFrame({"ds": series.dates, "y": values}), seed=0)
            future = pd.DataFrame({"ds": series.frequency.after(series.origin, horizon)})
            return model.predictive_samples(future)["yhat"]


def seasonalities(series: Series) -> dict[str, bool]:
    """Which waves `series` is long enough to show: two of each at least."""
    days = (series.dates[-1] - series.dates[0]).days
    hourly = series.frequency.name == "hourly"
    return {
        "yearly_seasonality": days >= 2 * 365,
        "weekly_seasonality": days >= 13 and (hourly or series.frequency.name == "daily"),
        "daily_seasonality": hourly and series.season > 1,
    }


@contextlib.contextmanager
def _seeded() -> Iterator[None]:
    """The same draws every time: Prophet draws from numpy's global generator, which is put back afterwards."""
    state = np.random.get_state()
    np.random.seed(0)
    try:
        yield
    finally:
        np.random.set_state(state)


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """No word from Prophet and CmdStan, which log every fit and a missing plotly."""
    loggers = [logging.getLogger(name) for name in ("prophet", "prophet.plot", "cmdstanpy")]
    before = [logger.disabled for logger in loggers]
    for logger in loggers:
        logger.disabled = True
    try:
        yield
    finally:
        for logger, disabled in zip(loggers, before, strict=True):
            logger.disabled = disabled
