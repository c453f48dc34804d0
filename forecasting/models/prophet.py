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
from forecasting.data.holidays import ORDINARY, days_since
from forecasting.data.series import Series
from forecasting.models import _fallback
from forecasting.models.base import Model, Report, ignore
from forecasting.models.predictive import from_paths

#: Figures below which a line with changes of slope is not worth a compiled optimiser.
SHORTEST = 10
#: Possible futures drawn.
SAMPLES = 1000
#: Chosen on daily cases of European countries, which Prophet's own settings follow too slowly: changes of slope only in
#: the first 80 % of the past, with a prior scale of 0.05.
WINDOWS = {"daily": 90, "hourly": 28 * 24}
CHANGEPOINT_EVERY = 7
CHANGEPOINT_RANGE = 1.0
CHANGEPOINT_PRIOR_SCALE = 0.5
#: More places for a change of slope than this only cost time.
MOST_CHANGEPOINTS = 60
#: Little is believed of what holidays did, for 90 days hold few of them (`python -m benchmarks holidays`).
HOLIDAYS_PRIOR_SCALE = 0.05
#: Stan's own limit is far higher; figures without any noise reach it, and then take very long.
MOST_STEPS = 300


class Prophet(Model):
    """A trend of straight pieces plus weekly and yearly waves, with the future's changes of slope like the past's."""

    name = "prophet"
    label = "Prophet"
    summary = (
        "Draws the past as straight pieces of trend (on a root scale) plus smooth weekly and yearly waves, and lets "
        "the slope change in the future as often and as much as it has. Of daily counts it sees the last 90 days. It "
        "copes with level shifts and with yearly waves in a long weekly or monthly history. On epidemics it goes "
        "straight on past every peak. With a country's holidays, it expects of the next ones what the last ones did. "
        "Its own bands are far too narrow (`python -m benchmarks calibrate` measures how far) and are widened here."
    )
    reference = "Taylor & Letham, Forecasting at Scale, The American Statistician 72(1) (2018)"
    version = 2
    order = 40
    uses_holidays = True

    def warm_up(self) -> None:
        """See `Model.warm_up`."""
        import cmdstanpy  # noqa: F401
        import prophet  # noqa: F401

    def forecast(self, series: Series, horizon: int, report: Report = ignore) -> Forecast:
        """See `Model.forecast`."""
        if len(series) < SHORTEST:
            return _fallback.too_short(self, series, horizon, SHORTEST)
        recent = series.tail(WINDOWS.get(series.frequency.name, len(series)))
        if np.ptp(recent.values) == 0:
            return _fallback.constant(self, recent, horizon)
        scale = self.scale(series)
        values = scale.forward(recent.values)
        unit = float(np.abs(values).mean())
        try:
            paths = sample(recent, values / unit, horizon)
        except (RuntimeError, ValueError):
            return _fallback.failed(self, series, horizon)
        paths = paths.T * unit
        _, notes = _fallback.capped(series, scale, np.median(paths, axis=0))
        paths = np.minimum(paths, _fallback.ceiling(series, scale))
        return from_paths(self, series, scale, paths, f"Prophet {scale.label}", notes)


def sample(series: Series, values: np.ndarray, horizon: int) -> np.ndarray:
    """Shape (horizon, SAMPLES): futures of `values`, which stand at the dates of `series`."""
    with _quiet():
        import prophet

        model = prophet.Prophet(
            n_changepoints=min(max(len(series) // CHANGEPOINT_EVERY, 1), MOST_CHANGEPOINTS),
            changepoint_range=CHANGEPOINT_RANGE,
            changepoint_prior_scale=CHANGEPOINT_PRIOR_SCALE,
            uncertainty_samples=SAMPLES,
            **seasonalities(series),
            **holidays(series, horizon),
        )
        with _seeded():
            model.fit(pd.DataFrame({"ds": series.dates, "y": values}), seed=0, iter=MOST_STEPS)
            future = pd.DataFrame({"ds": series.frequency.after(series.origin, horizon)})
            paths = model.predictive_samples(future)["yhat"]
        if model.stan_backend is not None:
            model.stan_backend.cleanup()  # Stan's own files, which would pile up for as long as the worker lives
        return paths


def seasonalities(series: Series) -> dict[str, Any]:
    """Which waves `series` is long enough to show: two of each at least."""
    days = (series.dates[-1] - series.dates[0]).days
    hourly = series.frequency.name == "hourly"
    return {
        "yearly_seasonality": days >= 2 * 365,
        "weekly_seasonality": days >= 13 and (hourly or series.frequency.name == "daily"),
        "daily_seasonality": hourly and series.season > 1,
    }


def holidays(series: Series, horizon: int) -> dict[str, Any]:
    """Holidays, and the days after them, of the past and the future; nothing where there was none to learn from.

    All are called alike, so that what one holiday did is expected of the next one, in shares of the trend.
    """
    if not series.holidays or series.frequency.name != "daily":
        return {}
    days = series.dates.append(series.frequency.after(series.origin, horizon))
    ago = days_since(series.holidays, days)
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
