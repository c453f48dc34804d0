"""SARIMA: the average of a few parsimonious orders, chosen by backtests from moments that resembled this one."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from forecasting.data.forecast import Forecast
from forecasting.data.series import Series
from forecasting.models import _naive_fallback
from forecasting.models._sarima_fit import SarimaFit, SarimaOrder, fit_sarima
from forecasting.models._stored_parameters import (
    DAMAGED_DATA_ERRORS,
    EarlierFit,
    check_finite,
    checked_integer,
    restore_fit,
    stored_parameters,
)
from forecasting.models.base import Progress, ProgressCallback, ignore_progress
from forecasting.models.linear import LinearModel, LinearState
from forecasting.models.naive import Naive
from forecasting.models.predictive import NormalOutput, from_normal_many
from forecasting.models.transforms import Transform
from forecasting.support.caching import lazy

#: Figures that a fit needs: fewer say nothing of how one follows from the last.
SHORTEST = 20
#: Figures, the last ones, that are fitted: a fit takes as long as its series, and old waves differ from new ones.
WINDOW = 365
#: Periods of the longest season that is fitted: a longer one is slow, and weekly counts span too few years to learn it.
LONGEST_SEASON = 24
#: Seasons ahead that forecasts are judged over.
SEASONS_AHEAD = 4
#: Periods ahead that they are judged over where there is no season.
PERIODS_AHEAD = 4
#: Origins that forecasts are judged from at most, the first of them after a third of the figures. They lie all over the
#: past, for those of the last weeks mislead: before a wave turns, what carries its rise on has just done well.
ORIGINS = 36
#: Moments are alike when the level and its change over three seasons differ by less than about so many of their standard
#: deviations: the width of a Gaussian kernel. Much more or less of it makes little difference.
SIMILARITY_WIDTH = 0.8
#: Candidates that are averaged, plainly: which order errs least is partly luck (Bates & Granger 1969 on why averages of
#: forecasts do well).
AVERAGED_SEASONAL = 3
#: The same without a season: more of them, for there are fewer figures to tell them apart by.
AVERAGED_PLAIN = 5

#: With a season: (p,d,q)(P,D,Q). The airline model first, for the first draft is its forecast.
SEASONAL_ORDERS = (
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
PLAIN_ORDERS = ((0, 1, 1), (1, 1, 0), (1, 1, 1), (2, 1, 0), (1, 1, 2), (0, 2, 2), (1, 0, 0), (2, 0, 0))


@dataclass(frozen=True)
class OrderBacktest:
    """A backtest of candidate orders: forecasts from origins in the last two thirds of the figures.

    Each forecast uses nothing that came after its origin, but the parameters are fitted once, to everything: there are
    few of them, and every wave that they were fitted to helps.

    Attributes:
        values: shape (n,), on the model's scale.
        season: periods in a season, or 1.
        horizon: how many steps ahead are judged.
        low: no figure is below it on that scale.
    """

    values: np.ndarray
    season: int
    horizon: int
    low: float = 0.0

    @lazy
    def origins(self) -> list[int]:
        """How many values each forecast may use: whole seasons before now, so that all begin on the same weekday."""
        n, season = len(self.values), self.season
        first = max(n // 3, 2 * season + 3)
        last = max(n - self.horizon, first)
        step = season * max(1, (last - first) // (season * ORIGINS))
        return [origin for origin in range(n, first - 1, -step) if origin <= last][::-1] or [last]

    @lazy
    def similarity(self) -> np.ndarray:
        """Weights of the origins by how much their level and its change resemble the present: shape (origins,), sum 1."""
        moments = np.array([*self.origins, len(self.values)])
        sums = np.concatenate([[0.0], np.cumsum(self.values)])
        level, before = (
            (sums[at] - sums[at - self.season]) / self.season
            for at in (moments, np.maximum(moments - 3 * self.season, self.season))
        )
        far = np.zeros(len(self.origins))
        for trait in (level, level - before):
            far += ((trait[:-1] - trait[-1]) / (SIMILARITY_WIDTH * (np.std(trait) or 1.0))) ** 2
        weights = np.exp(-far / 2) + 1e-9
        return weights / weights.sum()

    def error(self, means: np.ndarray) -> float:
        """The mean absolute error of forecasts of shape (origins, horizon), origins weighted by similarity."""
        errors = [
            float(np.abs(self.values[origin : origin + self.horizon] - mean[: len(self.values) - origin]).mean())
            for origin, mean in zip(self.origins, means, strict=True)
        ]
        return float(self.similarity @ errors)

    @lazy
    def naive_error(self) -> float:
        """The error of repeating the last season."""
        return self.error(np.array([np.resize(self.values[o - self.season : o], self.horizon) for o in self.origins]))

    def evaluate(self, order: SarimaOrder, horizon: int) -> Candidate:
        """Fit `order`, forecast from every origin, and from the last value on.

        Raises:
            ValueError, LinAlgError: it cannot be fitted here.
        """
        found = fit_sarima(order, self.values)
        origins = [*self.origins, len(self.values)]
        means, errors = found.rolling(self.values, origins, max(horizon, self.horizon))
        error = self.error(np.maximum(means[:-1, : self.horizon], self.low))
        return Candidate(error, found, LinearForecast(means[-1, :horizon], errors, found.psi(horizon)))


@dataclass(frozen=True, eq=False)
class LinearForecast:
    """A forecast on the model's scale: its mean, past errors one step ahead, and its response to a unit shock."""

    mean: np.ndarray
    errors: np.ndarray
    psi: np.ndarray


@dataclass(frozen=True, eq=False)
class Candidate:
    """A candidate: its error from earlier origins, its fit, and its forecast."""

    error: float
    fit: SarimaFit
    outlook: LinearForecast


class SARIMA(LinearModel):
    """Box & Jenkins' seasonal ARIMA, its orders chosen from a short list by earlier forecasts."""

    name = "sarima"
    label = "SARIMA"
    summary = (
        "Each figure follows from the last few, from the same weekday before, and from the surprises there were. Eight "
        "short formulas of this kind, from one that carries the present trend on to one that returns to the usual "
        "level, forecast from earlier dates; the average of the three (of weekly counts: five) that erred least when the "
        "figures stood and moved as they do now is the forecast. Good for a few weeks of daily counts with a weekly pattern. It cannot see a "
        "turning point coming, and weekly counts are taken to have no season."
    )
    reference = (
        "Box & Jenkins, Time Series Analysis: Forecasting and Control (1970); candidates in the manner of Hyndman & "
        "Khandakar, Journal of Statistical Software 27(3), 2008, but chosen by earlier forecasts; likelihood as in Ansley, Biometrika 66, 1979"
    )
    version = 5
    order = 10

    def warm_up(self) -> None:
        """Import scipy's optimiser and linear algebra."""
        import scipy.linalg
        import scipy.optimize  # noqa: F401

    def forecast(self, series: Series, horizon: int, report: ProgressCallback = ignore_progress) -> Forecast:
        """Fit every candidate order, backtest it, and average the best ones."""
        if len(series) < SHORTEST:
            return _naive_fallback.series_too_short(self, series, horizon, SHORTEST)
        recent = series.tail(WINDOW)
        if not np.ptp(recent.values):
            return _naive_fallback.constant_series(self, recent, horizon)
        scale = self.scale(series)
        trial = _backtest_for(recent, scale, horizon)
        orders = candidate_orders(trial)
        team = self._search(recent, scale, trial, orders, horizon, report)
        if not team:
            return _naive_fallback.fit_failed(self, series, horizon)
        fitted = stored_parameters(self, recent, team=[member.fit.to_json() for member in team], tried=len(orders))
        return replace(self._draw(recent, scale, team, len(orders)), fitted=fitted)

    def extend(self, series: Series, horizon: int, fitted: dict[str, Any]) -> Forecast | None:
        """Filter the stored orders through `series` and average their forecasts."""
        try:
            earlier = restore_fit(self, series, fitted)
            recent, scale = earlier.series, self.scale(series)
            team, tried = self._restored(earlier, horizon)
            outlook = average_forecast(team)
        except DAMAGED_DATA_ERRORS:
            return None
        if any(_runs_away(recent, scale, member.outlook.mean) for member in team):
            return None
        return replace(self._draw(recent, scale, team, tried), fitted=earlier.with_error_growth(outlook.errors))

    def linear_state(self, series: Series, horizon: int, fitted: dict[str, Any]) -> LinearState:
        """The averaged orders, each with its lag polynomials, the last figures, and what past shocks still add."""
        if not fitted:
            recent = series.tail(WINDOW)
            constant = len(series) >= SHORTEST and not np.ptp(recent.values)
            return Naive().linear_state(recent if constant else series, horizon, fitted)
        earlier = restore_fit(self, series, fitted)
        recent, scale = earlier.series, self.scale(series)
        team, tried = self._restored(earlier, horizon)
        values = scale.forward(recent.values)
        members = [{"order": str(one.fit.order), **one.fit.state(values, horizon)} for one in team]
        return LinearState("sarima", {"members": members}, self._output(recent, scale, team, tried))

    def _restored(self, earlier: EarlierFit, horizon: int) -> tuple[list[Candidate], int]:
        """The stored orders, filtered through their series, and how many were tried. Raises one of `DAMAGED_DATA_ERRORS`."""
        series, tried = earlier.series, checked_integer(earlier.fitted["tried"], 1, 100)
        members = earlier.fitted["team"]
        checked_integer(len(members), 1, max(AVERAGED_SEASONAL, AVERAGED_PLAIN))
        values = self.scale(series).forward(series.values)
        team = [continue_fit(SarimaFit.from_json(member), values, horizon) for member in members]
        outlook = average_forecast(team)
        check_finite(outlook.mean, outlook.errors)
        return team, tried

    def _search(
        self,
        series: Series,
        scale: Transform,
        trial: OrderBacktest,
        orders: list[SarimaOrder],
        horizon: int,
        report: ProgressCallback,
    ) -> list[Candidate]:
        """The candidates that erred least, the best first; reports a `Progress` for each one tried."""
        team: list[Candidate] = []
        size = AVERAGED_SEASONAL if trial.season > 1 else AVERAGED_PLAIN
        naive = trial.naive_error or 1.0
        for done, order in enumerate(orders, 1):
            score = draft = None
            try:
                judged = trial.evaluate(order, horizon)
            except (ValueError, np.linalg.LinAlgError):
                pass  # the others remain; when all fail the forecast is naive's
            else:
                score = judged.error / naive
                if not _runs_away(series, scale, judged.outlook.mean):
                    before, team = team, sorted([*team, judged], key=lambda j: j.error)[:size]
                    if team != before:
                        draft = self._draw(series, scale, team, done)
            best = team[0].error / naive if team else None
            report(Progress(f"{self.label} {order}", done, len(orders), score, best, draft))
        return team

    def _draw(self, series: Series, scale: Transform, team: list[Candidate], tried: int) -> Forecast:
        return from_normal_many([self._output(series, scale, team, tried)])[0]

    def _output(self, series: Series, scale: Transform, team: list[Candidate], tried: int) -> NormalOutput:
        outlook = average_forecast(team)
        names = [str(member.fit.order) for member in team]
        listed = names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
        method = f"{self.label} {listed} {scale.label}, best of {tried}"
        return NormalOutput(self, series, scale, outlook.mean, outlook.errors, outlook.psi, method)


def average_forecast(team: list[Candidate]) -> LinearForecast:
    """The plain average of the team's forecasts; all are fitted to the same shocks, so those are averaged too."""
    outlooks = [member.outlook for member in team]
    known = min(len(outlook.errors) for outlook in outlooks)
    return LinearForecast(
        np.mean([outlook.mean for outlook in outlooks], axis=0),
        np.mean([outlook.errors[-known:] for outlook in outlooks], axis=0),
        np.mean([outlook.psi for outlook in outlooks], axis=0),
    )


def continue_fit(found: SarimaFit, values: np.ndarray, horizon: int) -> Candidate:
    """Forecast with the fit `found` after `values`, without a backtest. Raises `ValueError` where that is impossible."""
    means, errors = found.rolling(values, [len(values)], horizon)
    return Candidate(np.nan, found, LinearForecast(means[0], errors, found.psi(horizon)))


def candidate_orders(trial: OrderBacktest) -> list[SarimaOrder]:
    """The orders to try, the likeliest first."""
    if trial.season > 1:
        return [SarimaOrder(*order, season=trial.season) for order in SEASONAL_ORDERS]
    return [SarimaOrder(*order) for order in PLAIN_ORDERS]


def _backtest_for(series: Series, scale: Transform, horizon: int) -> OrderBacktest:
    """The backtest of `series`, with a season where four of them are known."""
    seasonal = 1 < series.season <= LONGEST_SEASON and len(series) >= 4 * series.season
    season = series.season if seasonal else 1
    ahead = SEASONS_AHEAD * season if seasonal else PERIODS_AHEAD
    return OrderBacktest(scale.forward(series.values), season, min(horizon, ahead), scale.low)


def _runs_away(series: Series, scale: Transform, mean: np.ndarray) -> bool:
    """Whether the median leaves all that has been seen: a straight line on a root scale is a cubic in counts."""
    low, high = _naive_fallback.runaway_limits(series, scale)
    return not np.all(np.isfinite(mean)) or mean.max() > high or mean.min() < low
