"""SARIMA: a few parsimonious orders, judged by how they would have forecast the last weeks."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from forecasting.models import _fallback
from forecasting.models._sarima_fit import Fit, Order, fit
from forecasting.models.base import Model, Progress, Report, ignore
from forecasting.models.predictive import from_normal
from forecasting.series import Forecast, Series
from forecasting.transforms import Transform

#: Fewer figures than this say nothing of how one follows from the last.
SHORTEST = 20
#: Only the last figures are fitted, so many of them: how counts behaved before that misleads more than it teaches.
WINDOW = 365
#: A longer season is left out: its state space is slow, and weekly counts span too few years to learn one.
LONGEST_SEASON = 24
#: Held out: the last 6 seasons (or periods without one: 12), but no more than a quarter of all.
SEASONS_HELD_OUT, PERIODS_HELD_OUT = 6, 12
#: Forecasts judged reach 2 seasons ahead (or 4 periods), from about so many origins.
SEASONS_AHEAD, PERIODS_AHEAD, ORIGINS = 2, 4, 12

#: With a season: (p,d,q)(P,D,Q). The airline model first, for the first draft is its forecast.
SEASONAL = (
    (0, 1, 1, 0, 1, 1),
    (2, 0, 0, 0, 1, 1),
    (1, 1, 2, 0, 1, 1),
    (2, 1, 0, 0, 1, 1),
    (1, 0, 1, 0, 1, 1),
    (0, 1, 1, 1, 0, 1),
    (1, 1, 2, 1, 0, 1),
    (1, 0, 1, 1, 0, 1),
)
#: Without one: (p,d,q).
PLAIN = ((0, 1, 1), (1, 1, 0), (1, 1, 1), (2, 1, 0), (1, 1, 2), (0, 2, 2), (1, 0, 0), (2, 0, 0))


@dataclass(frozen=True)
class Trial:
    """What candidates are judged by: forecasts of the last weeks from origins within them.

    Parameters are fitted once, on what came before all of them; only the filter moves on from origin to origin.

    Attributes:
        values: shape (n,), on the model's scale.
        season: periods in a season, or 1.
        horizon: how many steps ahead are judged.
    """

    values: np.ndarray
    season: int
    horizon: int

    @property
    def known(self) -> int:
        """How many values the parameters may be fitted to."""
        wanted = SEASONS_HELD_OUT * self.season if self.season > 1 else PERIODS_HELD_OUT
        return len(self.values) - min(wanted, len(self.values) // 4)

    @cached_property
    def origins(self) -> range:
        """How many values each forecast may use; the last is far enough from the end to be judged by."""
        last = len(self.values) - (self.horizon + 1) // 2
        return range(self.known, max(last, self.known) + 1, max(1, (last - self.known) // ORIGINS))

    def error(self, means: np.ndarray) -> float:
        """The mean absolute error of forecasts from each origin, of shape (origins, horizon), where something came."""
        errors = [
            np.abs(self.values[origin : origin + self.horizon] - mean[: len(self.values) - origin])
            for origin, mean in zip(self.origins, means, strict=True)
        ]
        return float(np.concatenate(errors).mean())

    @cached_property
    def naive_error(self) -> float:
        """The error of repeating the last season."""
        return self.error(np.array([np.resize(self.values[o - self.season : o], self.horizon) for o in self.origins]))

    def judge(self, order: Order, horizon: int) -> tuple[float, Fit, np.ndarray, float]:
        """The error of `order`, its fit, and the mean and shock of its forecast from the last value.

        Raises:
            ValueError, LinAlgError: it cannot be fitted here.
        """
        found = fit(order, self.values[: self.known])
        origins = [*self.origins, len(self.values)]
        means, sigma = found.rolling(self.values, origins, max(horizon, self.horizon))
        return self.error(np.maximum(means[:-1, : self.horizon], 0.0)), found, means[-1, :horizon], sigma


@dataclass(frozen=True)
class Best:
    """The best candidate so far."""

    error: float
    fit: Fit
    draft: Forecast


class SARIMA(Model):
    """Box & Jenkins' seasonal ARIMA, its orders chosen out of sample from a short list."""

    name = "sarima"
    label = "SARIMA"
    summary = (
        "Each figure follows from the last few, from the same weekday before, and from the surprises there were. Eight "
        "short formulas of this kind, from one that carries the present trend on to one that returns to the usual "
        "level, forecast the last six weeks from data before them; the one that erred least makes the forecast. Good "
        "for a few weeks of daily counts with a weekly pattern. It cannot see a turning point coming, its bands are "
        "too narrow at one, and weekly counts are taken to have no season."
    )
    reference = (
        "Box & Jenkins, Time Series Analysis: Forecasting and Control (1970); candidates in the manner of Hyndman & "
        "Khandakar, Journal of Statistical Software 27(3), 2008, but chosen by error out of sample; statsmodels' SARIMAX"
    )
    order = 10

    def warm_up(self) -> None:
        """See `Model.warm_up`."""
        from statsmodels.tsa.statespace import sarimax  # noqa: F401

    def forecast(self, series: Series, horizon: int, report: Report = ignore) -> Forecast:
        """See `Model.forecast`."""
        if len(series) < SHORTEST:
            return _fallback.too_short(self, series, horizon, SHORTEST)
        recent = series.tail(max(WINDOW, SHORTEST))
        scale = self.scale(series)
        trial = _trial(recent, scale, horizon)
        orders = candidates(trial)
        best = self._search(recent, scale, trial, orders, horizon, report)
        if best is None:
            return _fallback.failed(self, series, horizon)
        return self._final(recent, scale, trial, best, horizon, len(orders))

    def _search(
        self, series: Series, scale: Transform, trial: Trial, orders: list[Order], horizon: int, report: Report
    ) -> Best | None:
        """The candidate that erred least, with a `Progress` for each one tried."""
        best: Best | None = None
        naive = trial.naive_error
        for done, order in enumerate(orders, 1):
            draft = error = None
            try:
                error, found, mean, sigma = trial.judge(order, horizon)
            except (ValueError, np.linalg.LinAlgError):
                pass  # the others remain; when all fail the forecast is naive's
            else:
                if (best is None or error < best.error) and not _runs_away(series, scale.inverse(mean)):
                    draft = self._draw(series, scale, found, mean, sigma, len(orders))
                    best = Best(error, found, draft)
            relative = [e / naive if e is not None and naive > 0 else None for e in (error, best and best.error)]
            report(Progress(f"{self.label} {order}", done, len(orders), *relative, draft))
        return best

    def _final(
        self, series: Series, scale: Transform, trial: Trial, best: Best, horizon: int, tried: int
    ) -> Forecast:
        """The best candidate once more, its parameters fitted to everything."""
        try:
            found = fit(best.fit.order, trial.values, best.fit.params)
            means, sigma = found.rolling(trial.values, [len(trial.values)], horizon)
        except (ValueError, np.linalg.LinAlgError):
            return best.draft
        if _runs_away(series, scale.inverse(means[0])):
            return best.draft
        return self._draw(series, scale, found, means[0], sigma, tried)

    def _draw(
        self, series: Series, scale: Transform, found: Fit, mean: np.ndarray, sigma: float, tried: int
    ) -> Forecast:
        method = f"{self.label} {found.order} {scale.label}, best of {tried}"
        return from_normal(self, series, scale, mean, sigma, found.psi(len(mean)), method)


def candidates(trial: Trial) -> list[Order]:
    """The orders to try, the likeliest first: seasonal ones if three seasons are there to fit them to."""
    if trial.season > 1:
        return [Order(*order, season=trial.season) for order in SEASONAL]
    return [Order(*order) for order in PLAIN]


def _trial(series: Series, scale: Transform, horizon: int) -> Trial:
    values = scale.forward(series.values)
    seasonal = 1 < series.season <= LONGEST_SEASON and len(values) >= 4 * series.season
    season = series.season if seasonal else 1
    ahead = SEASONS_AHEAD * season if seasonal else PERIODS_AHEAD
    return Trial(values, season, min(horizon, ahead))


def _runs_away(series: Series, median: np.ndarray) -> bool:
    """Whether the median leaves all that has been seen: a straight line on a root scale is a parabola in counts."""
    return not np.all(np.isfinite(median)) or median.max() > _fallback.RUNAWAY * series.values.max()
