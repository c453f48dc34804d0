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
#: Only so many of the last figures are fitted: a fit takes as long as its series, and old waves differ from new ones.
WINDOW = 365
#: A longer season is left out: its state space is slow, and weekly counts span too few years to learn one.
LONGEST_SEASON = 24
#: Held out: the last 6 seasons (or periods without one: 12), but no more than a quarter of all.
SEASONS_HELD_OUT, PERIODS_HELD_OUT = 6, 12
#: Forecasts judged reach 2 seasons ahead (or 4 periods), from about so many origins.
SEASONS_AHEAD, PERIODS_AHEAD, ORIGINS = 2, 4, 12
#: So many of the best are averaged, plainly: which order errs least is partly luck (measured: 2 to 4 % less error
#: than the best alone, on 32 European countries; Bates & Granger 1969 on why averages of forecasts do well).
TEAM = 3

#: With a season: (p,d,q)(P,D,Q). The airline model first, for the first draft is its forecast.
SEASONAL = (
    (0, 1, 1, 0, 1, 1),
    (1, 1, 1, 0, 1, 1),
    (0, 1, 2, 0, 1, 1),
    (2, 1, 0, 0, 1, 1),
    (1, 0, 1, 0, 1, 1),
    (2, 0, 0, 0, 1, 1),
    (0, 1, 1, 1, 0, 1),
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

    def judge(self, order: Order, horizon: int) -> Judged:
        """Fit `order` to what is known, forecast from every origin, and from the last value on.

        Raises:
            ValueError, LinAlgError: it cannot be fitted here.
        """
        found = fit(order, self.values[: self.known])
        origins = [*self.origins, len(self.values)]
        means, errors = found.rolling(self.values, origins, max(horizon, self.horizon))
        error = self.error(np.maximum(means[:-1, : self.horizon], 0.0))
        return Judged(error, found, Outlook(means[-1, :horizon], errors, found.psi(horizon)))

    def refit(self, judged: Judged) -> Outlook:
        """What a candidate forecasts when its parameters are fitted to everything. Raises as `judge` does."""
        found = fit(judged.fit.order, self.values, judged.fit.params)
        means, errors = found.rolling(self.values, [len(self.values)], len(judged.outlook.mean))
        return Outlook(means[0], errors, found.psi(len(judged.outlook.mean)))


@dataclass(frozen=True, eq=False)
class Outlook:
    """A forecast on the model's scale: its mean, past errors one step ahead, and its response to a unit shock."""

    mean: np.ndarray
    errors: np.ndarray
    psi: np.ndarray


@dataclass(frozen=True, eq=False)
class Judged:
    """A candidate: its error out of sample, its fit to what was known, and its forecast."""

    error: float
    fit: Fit
    outlook: Outlook


class SARIMA(Model):
    """Box & Jenkins' seasonal ARIMA, its orders chosen out of sample from a short list."""

    name = "sarima"
    label = "SARIMA"
    summary = (
        "Each figure follows from the last few, from the same weekday before, and from the surprises there were. Eight "
        "short formulas of this kind, from one that carries the present trend on to one that returns to the usual "
        "level, forecast the last six weeks from data before them; the average of the three that erred least is the "
        "forecast. Good for a few weeks of daily counts with a weekly pattern. It cannot see a turning point coming, "
        "and weekly counts are taken to have no season."
    )
    reference = (
        "Box & Jenkins, Time Series Analysis: Forecasting and Control (1970); candidates in the manner of Hyndman & "
        "Khandakar, Journal of Statistical Software 27(3), 2008, but chosen by error out of sample; statsmodels' SARIMAX"
    )
    version = 2
    order = 10

    def warm_up(self) -> None:
        """See `Model.warm_up`."""
        from statsmodels.tsa.statespace import sarimax  # noqa: F401

    def forecast(self, series: Series, horizon: int, report: Report = ignore) -> Forecast:
        """See `Model.forecast`."""
        if len(series) < SHORTEST:
            return _fallback.too_short(self, series, horizon, SHORTEST)
        recent = series.tail(WINDOW)
        if not np.ptp(recent.values):
            return _fallback.constant(self, recent, horizon)
        scale = self.scale(series)
        trial = _trial(recent, scale, horizon)
        orders = candidates(trial)
        team = self._search(recent, scale, trial, orders, horizon, report)
        if not team:
            return _fallback.failed(self, series, horizon)
        outlooks = [_final(recent, scale, trial, judged) for judged in team]
        return self._draw(recent, scale, team, outlooks, len(orders))

    def _search(
        self, series: Series, scale: Transform, trial: Trial, orders: list[Order], horizon: int, report: Report
    ) -> list[Judged]:
        """The candidates that erred least, the best first, with a `Progress` for each one tried."""
        team: list[Judged] = []
        naive = trial.naive_error or 1.0
        for done, order in enumerate(orders, 1):
            score = draft = None
            try:
                judged = trial.judge(order, horizon)
            except (ValueError, np.linalg.LinAlgError):
                pass  # the others remain; when all fail the forecast is naive's
            else:
                score = judged.error / naive
                if not _runs_away(series, scale, judged.outlook.mean):
                    before, team = team, sorted([*team, judged], key=lambda j: j.error)[:TEAM]
                    if team != before:
                        draft = self._draw(series, scale, team, [member.outlook for member in team], done)
            best = team[0].error / naive if team else None
            report(Progress(f"{self.label} {order}", done, len(orders), score, best, draft))
        return team

    def _draw(
        self, series: Series, scale: Transform, team: list[Judged], outlooks: list[Outlook], tried: int
    ) -> Forecast:
        """The plain average of `outlooks`; the members are surprised by the same shocks, so those average too."""
        mean = np.mean([outlook.mean for outlook in outlooks], axis=0)
        psi = np.mean([outlook.psi for outlook in outlooks], axis=0)
        known = min(len(outlook.errors) for outlook in outlooks)
        errors = np.mean([outlook.errors[-known:] for outlook in outlooks], axis=0)
        names = [str(member.fit.order) for member in team]
        listed = names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
        method = f"{self.label} {listed} {scale.label}, best of {tried}"
        return from_normal(self, series, scale, mean, errors, psi, method)


def candidates(trial: Trial) -> list[Order]:
    """The orders to try, the likeliest first."""
    if trial.season > 1:
        return [Order(*order, season=trial.season) for order in SEASONAL]
    return [Order(*order) for order in PLAIN]


def _trial(series: Series, scale: Transform, horizon: int) -> Trial:
    """With a season where four are there: three to fit, one to be judged by."""
    seasonal = 1 < series.season <= LONGEST_SEASON and len(series) >= 4 * series.season
    season = series.season if seasonal else 1
    ahead = SEASONS_AHEAD * season if seasonal else PERIODS_AHEAD
    return Trial(scale.forward(series.values), season, min(horizon, ahead))


def _final(series: Series, scale: Transform, trial: Trial, judged: Judged) -> Outlook:
    """A member's forecast with parameters fitted to everything, or its draft where those are no good."""
    try:
        outlook = trial.refit(judged)
    except (ValueError, np.linalg.LinAlgError):
        return judged.outlook
    return judged.outlook if _runs_away(series, scale, outlook.mean) else outlook


def _runs_away(series: Series, scale: Transform, mean: np.ndarray) -> bool:
    """Whether the median leaves all that has been seen: a straight line on a root scale is a cubic in counts."""
    return not np.all(np.isfinite(mean)) or mean.max() > _fallback.ceiling(series, scale)
