"""One pass of ETS through figures: its errors one step ahead, and how each of them answers to each smoothing parameter.

Written once for numbers and for arrays: a state or parameter is a float of one series, or an array of as many as are passed through
together. Only sums and products are taken, so a series has the same numbers to the last digit either way.

The derivatives need one more recursion, not one a parameter. With S = 1 + B + … + B^(m-1) and the lag operator B the errors e solve

    T e = (1 - phi B)(1 - B^m) y,   T = (1 - phi B)(1 - B^m) + alpha B (1 - phi B) S + phi beta B S + gamma B^m (1 - phi B),

so that de/dalpha = -B (1 - phi B) S e/T, de/dbeta = -phi B S e/T, de/dgamma = -B^m (1 - phi B) e/T and, with the trends b,
de/dphi = -S (B b)/T. Below, `ripple` is (1 - phi B) e/T, `summed` is S times that, and `carried` is S e/T; those of the trends are
called `trend_…`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Protocol

#: A float, or an array of shape (series,).
Number = Any
#: Of one period: the error, then minus its derivative by each parameter, that by beta over phi.
Row = tuple[Number, ...]


class Rows(Protocol):
    """Where the rows of a pass go, one a period: a list, or an array of many series."""

    def append(self, row: Row, /) -> None:
        """Add the next row."""


@dataclass
class PassState:
    """Where a pass stands: the components and the recursions of the derivatives, all of which begin with 0.

    `seasons` and `ripples` are of the last season, that of period t in place t % m; one of each without a season.
    """

    level: Number
    trend: Number
    seasons: list[Number]
    summed: Number
    carried: Number
    ripples: list[Number]
    trend_summed: Number
    trend_carried: Number
    trend_ripples: list[Number]
    period: int = 0

    @staticmethod
    def at_start(level: Number, trend: Number, seasons: list[Number]) -> PassState:
        """Before the first figure."""
        nothing = 0.0 * level
        none = [nothing] * len(seasons)
        return PassState(level, trend, seasons, nothing, nothing, none, nothing, nothing, list(none))

    def of(self, places: slice | int) -> PassState:
        """Of arrays: the same for some series, or one."""
        return PassState(
            self.level[places],
            self.trend[places],
            [number[places] for number in self.seasons],
            self.summed[places],
            self.carried[places],
            [number[places] for number in self.ripples],
            self.trend_summed[places],
            self.trend_carried[places],
            [number[places] for number in self.trend_ripples],
            self.period,
        )


@dataclass(frozen=True)
class Smoothing:
    """The smoothing parameters: those of a form that has no trend, or no season, are 0, and its phi is 1."""

    alpha: Number
    beta: Number
    gamma: Number
    phi: Number

    def of(self, places: slice) -> Smoothing:
        """Of arrays: the same for some series."""
        return Smoothing(self.alpha[places], self.beta[places], self.gamma[places], self.phi[places])


def run_pass(values: Any, state: PassState, by: Smoothing, damped: bool, rows: Rows) -> None:
    """Pass through `values`, a list or an array of one number a period, and leave `state` after the last; adds a row a period to `rows`."""
    if len(state.seasons) > 1:
        (_damped_seasonal if damped else _seasonal)(values, state, by, rows)
    else:
        (_damped if damped else _level)(values, state, by, rows)
    state.period += len(values)


def _level(values: Iterable[Number], state: PassState, by: Smoothing, rows: Rows) -> None:
    """Rows of error and alpha."""
    level, ripple, alpha, kept = state.level, state.ripples[0], by.alpha, 1.0 - by.alpha
    for value in values:
        error = value - level
        rows.append((error, ripple))
        level = level + alpha * error
        ripple = error + kept * ripple
    state.level, state.ripples = level, [ripple]


def _damped(values: Iterable[Number], state: PassState, by: Smoothing, rows: Rows) -> None:
    """Rows of error, alpha, beta and phi."""
    level, trend, ripple, carried = state.level, state.trend, state.ripples[0], state.carried
    trend_ripple, trend_carried = state.trend_ripples[0], state.trend_carried
    alpha, beta, phi, kept, passed_on = by.alpha, by.beta, by.phi, 1.0 - by.alpha, by.phi * by.beta
    for value in values:
        damped = phi * trend
        expected = level + damped
        error = value - expected
        trend_ripple = trend + kept * trend_ripple - passed_on * trend_carried
        trend_carried = phi * trend_carried + trend_ripple
        rows.append((error, ripple, carried, trend_carried))
        level, trend = expected + alpha * error, damped + beta * error
        ripple = error + kept * ripple - passed_on * carried
        carried = phi * carried + ripple
    state.level, state.trend, state.ripples, state.carried = level, trend, [ripple], carried
    state.trend_ripples, state.trend_carried = [trend_ripple], trend_carried


def _seasonal(values: Iterable[Number], state: PassState, by: Smoothing, rows: Rows) -> None:
    """Rows of error, alpha and gamma."""
    level, summed, seasons, ripples = state.level, state.summed, state.seasons, state.ripples
    alpha, gamma, kept, season = by.alpha, by.gamma, 1.0 - by.gamma, len(state.seasons)
    for period, value in enumerate(values, state.period):
        place = period % season
        error, before = value - level - seasons[place], ripples[place]
        rows.append((error, summed, before))
        level = level + alpha * error
        seasons[place] = seasons[place] + gamma * error
        ripples[place] = error + kept * before - alpha * summed
        summed = summed + (ripples[place] - before)
    state.level, state.summed = level, summed


def _damped_seasonal(values: Iterable[Number], state: PassState, by: Smoothing, rows: Rows) -> None:
    """Rows of error, alpha, beta, gamma and phi."""
    level, trend, seasons, summed, carried = state.level, state.trend, state.seasons, state.summed, state.carried
    trend_summed, trend_carried, ripples, trend_ripples = (
        state.trend_summed,
        state.trend_carried,
        state.ripples,
        state.trend_ripples,
    )
    alpha, beta, gamma, phi, kept, passed_on = by.alpha, by.beta, by.gamma, by.phi, 1.0 - by.gamma, by.phi * by.beta
    season = len(seasons)
    for period, value in enumerate(values, state.period):
        place = period % season
        damped, before, trend_before = phi * trend, ripples[place], trend_ripples[place]
        expected = level + damped
        error = value - expected - seasons[place]
        trend_ripples[place] = trend + kept * trend_before - alpha * trend_summed - passed_on * trend_carried
        trend_summed = trend_summed + (trend_ripples[place] - trend_before)
        trend_carried = phi * trend_carried + trend_summed
        rows.append((error, summed, carried, before, trend_carried))
        level, trend = expected + alpha * error, damped + beta * error
        seasons[place] = seasons[place] + gamma * error
        ripples[place] = error + kept * before - alpha * summed - passed_on * carried
        summed = summed + (ripples[place] - before)
        carried = phi * carried + summed
    state.level, state.trend, state.summed, state.carried = level, trend, summed, carried
    state.trend_summed, state.trend_carried = trend_summed, trend_carried


def sum_squares(values: Iterable[Number], state: PassState, by: Smoothing, squares: Number) -> Number:
    """`squares` and those of the errors of a pass through `values`, of any form; leaves the components after the last in `state`."""
    level, trend, seasons = state.level, state.trend, state.seasons
    alpha, beta, gamma, phi, season, period = by.alpha, by.beta, by.gamma, by.phi, len(seasons), state.period
    for period, value in enumerate(values, state.period):
        damped, place = phi * trend, period % season
        expected = level + damped
        error = value - expected - seasons[place]
        squares = squares + error * error
        level, trend = expected + alpha * error, damped + beta * error
        seasons[place] = seasons[place] + gamma * error
    state.level, state.trend, state.period = level, trend, period + 1
    return squares
