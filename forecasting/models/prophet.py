"""Prophet: a piecewise linear trend with Fourier seasons, fitted by Stan."""

from __future__ import annotations

import contextlib
import logging
import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from forecasting.data.forecast import Forecast
from forecasting.data.holidays import ORDINARY, days_since_holiday
from forecasting.data.series import Series
from forecasting.models import _naive_fallback
from forecasting.models.base import Model, ProgressCallback, ignore_progress
from forecasting.models.predictive import from_paths

#: Figures that a fit needs: with fewer a line with changes of slope is not worth a compiled optimiser.
SHORTEST = 10
#: Futures that are sampled.
SAMPLES = 1000
#: Days, the last ones, that are fitted of daily series and of shorter steps; of others all. This and the next were chosen on
#: daily cases of European countries, which Prophet's own settings follow too slowly, for forecasts of the near future.
DAILY_WINDOW = 90
SHORT_STEP_WINDOW = 28
#: Days ahead beyond which the past that is fitted grows with the horizon, and changes of slope are expected to be smaller:
#: a line that was bent last week says nothing of next year. Of daily series and of shorter steps.
DAILY_NEAR = 28
SHORT_STEP_NEAR = 7
#: Periods from one possible change of slope to the next.
CHANGEPOINT_EVERY = 7
#: The share of the past, from its beginning, in which the slope may change.
CHANGEPOINT_RANGE = 1.0
#: The prior scale of changes of slope.
CHANGEPOINT_PRIOR_SCALE = 0.5
#: Prophet's own prior scale, which that of long horizons comes down to.
OWN_PRIOR_SCALE = 0.05
#: Prophet's own share of the past in which the slope may change, which forecasts of twice the near horizon and more use.
OWN_RANGE = 0.8
#: Possible changes of slope at most: more only cost time.
MAX_CHANGEPOINTS = 60
#: The prior scale of holiday effects: small, for 90 days hold few holidays (`python -m benchmarks holidays`).
HOLIDAYS_PRIOR_SCALE = 0.05
#: Steps of Stan's optimiser at most: its own limit is far higher, and figures without any noise reach it slowly.
MAX_OPTIMISER_STEPS = 300


class Prophet(Model):
    """A trend of straight pieces plus weekly and yearly waves, with the future's changes of slope like the past's."""

    name = "prophet"
    label = "Prophet"
    summary = (
        "Draws the past as straight pieces of trend (on a root scale) plus smooth weekly and yearly waves, and lets "
        "the slope change in the future as often and as much as it has. Of daily counts it sees the last 90 days, and more "
        "where it is to look further ahead. It "
        "copes with level shifts and with yearly waves in a long weekly or monthly history. On epidemics it goes "
        "straight on past every peak. With a country's holidays, it expects of the next ones what the last ones did. "
        "Its own bands are far too narrow (`python -m benchmarks calibrate` measures how far) and are widened here."
    )
    reference = "Taylor & Letham, Forecasting at Scale, The American Statistician 72(1) (2018)"
    version = 3
    order = 40
    uses_holidays = True

    def warm_up(self) -> None:
        """Import Prophet and CmdStan."""
        import cmdstanpy  # noqa: F401
        import prophet  # noqa: F401

    def forecast(self, series: Series, horizon: int, report: ProgressCallback = ignore_progress) -> Forecast:
        """Fit the recent past on a root scale and take quantiles of sampled futures."""
        if len(series) < SHORTEST:
            return _naive_fallback.series_too_short(self, series, horizon, SHORTEST)
        recent = series.tail(fitted_periods(series, horizon))
        if np.ptp(recent.values) == 0:
            return _naive_fallback.constant_series(self, recent, horizon)
        scale = self.scale(series)
        values = scale.forward(recent.values)
        unit = float(np.abs(values).mean())
        try:
            paths = sample_futures(recent, values / unit, horizon)
        except (RuntimeError, ValueError):
            return _naive_fallback.fit_failed(self, series, horizon)
        paths = paths.T * unit
        _, notes = _naive_fallback.cap_runaway_trend(series, scale, np.median(paths, axis=0))
        paths = np.clip(paths, *_naive_fallback.runaway_limits(series, scale))
        near = times_further(series, horizon) < 2  # what the bands were calibrated for
        return from_paths(self, series, scale, paths, f"Prophet {scale.label}", notes, calibrated=near)


def sample_futures(series: Series, values: np.ndarray, horizon: int) -> np.ndarray:
    """Sample futures of `values`, which stand at the dates of `series`; shape (horizon, SAMPLES)."""
    further = times_further(series, horizon)
    with _quiet():
        import prophet

        model = prophet.Prophet(
            n_changepoints=min(max(len(series) // CHANGEPOINT_EVERY, 1), MAX_CHANGEPOINTS),
            changepoint_range=CHANGEPOINT_RANGE if further <= 2 else OWN_RANGE,
            changepoint_prior_scale=max(CHANGEPOINT_PRIOR_SCALE / further, OWN_PRIOR_SCALE),
            uncertainty_samples=SAMPLES,
            **seasonality_arguments(series),
            **holiday_arguments(series, horizon),
        )
        with _seeded():
            model.fit(pd.DataFrame({"ds": series.dates, "y": values}), seed=0, iter=MAX_OPTIMISER_STEPS)
            future = pd.DataFrame({"ds": series.frequency.after(series.origin, horizon)})
            paths = model.predictive_samples(future)["yhat"]
        if model.stan_backend is not None:
            model.stan_backend.cleanup()  # Stan's own files, which would pile up for as long as the worker lives
        return paths


def times_further(series: Series, horizon: int) -> float:
    """How many times further than the near future a forecast looks; 1 for shorter ones, and where all of the past is fitted."""
    frequency = series.frequency
    if frequency.cycle == 1:
        return 1.0
    return max(horizon * frequency.days / (SHORT_STEP_NEAR if frequency.minutes else DAILY_NEAR), 1.0)


def fitted_periods(series: Series, horizon: int) -> int:
    """How many of the last periods are fitted for such a horizon."""
    frequency = series.frequency
    if frequency.cycle == 1:
        return len(series)
    window = round((SHORT_STEP_WINDOW if frequency.minutes else DAILY_WINDOW) / frequency.days)
    return int(window * times_further(series, horizon))


def seasonality_arguments(series: Series) -> dict[str, Any]:
    """Prophet's arguments for the seasons that `series` is long enough to show: two cycles of each at least."""
    days = (series.dates[-1] - series.dates[0]).days
    frequency = series.frequency
    return {
        "yearly_seasonality": days >= 2 * 365,
        "weekly_seasonality": days >= 13 and frequency.cycle > 1,
        "daily_seasonality": frequency.minutes > 0 and series.season > 1,
    }


def holiday_arguments(series: Series, horizon: int) -> dict[str, Any]:
    """Prophet's arguments for holidays, and the days after them, past and future; empty where there was none to learn from.

    All have one name, so that what one holiday did is expected of the next one, in shares of the trend.
    """
    if not series.holidays or not series.frequency.uses_holidays:
        return {}
    days = series.dates.append(series.frequency.after(series.origin, horizon))
    ago = days_since_holiday(series.holidays, days)
    known = (ago != ORDINARY) & np.isin(ago, ago[: len(series)])
    if not known.any():
        return {}
    table = pd.DataFrame({"ds": days[known], "holiday": [f"{count} days after a holiday" for count in ago[known]]})
    return {
        "holidays": table,
        "holidays_mode": "multiplicative",
        "holidays_prior_scale": HOLIDAYS_PRIOR_SCALE,
    }


@contextlib.contextmanager
def _seeded() -> Iterator[None]:
    """Seed numpy's global generator, from which Prophet draws, and restore its state afterwards."""
    state = np.random.get_state()
    np.random.seed(0)
    try:
        yield
    finally:
        np.random.set_state(state)


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Silence the loggers of Prophet and CmdStan, which log every fit and a missing plotly."""
    # Its calls of pandas are deprecated (inplace=True), for its makers to mend: nothing that a user can act on.
    loggers = [logging.getLogger(name) for name in ("prophet", "prophet.models", "prophet.plot", "cmdstanpy")]
    before = [logger.disabled for logger in loggers]
    for logger in loggers:
        logger.disabled = True
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            yield
    finally:
        for logger, disabled in zip(loggers, before, strict=True):
            logger.disabled = disabled
