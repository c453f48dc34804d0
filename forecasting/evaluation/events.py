"""Events: questions about the future (above 500 within three weeks, the peak is past …) answered from sampled futures.

The same code tells from the one future that came whether an event happened, so a said probability and its outcome are never
of two definitions. Figures of days and shorter steps are compared as means over their last cycle (a week of days) where a
single one says little: for peaks and rises.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np
import pandas as pd

from forecasting.data.forecast import QUANTILES, Forecast
from forecasting.data.formatting import format_date
from forecasting.data.joint_futures import joint_futures
from forecasting.data.series import Series
from forecasting.support.errors import RequestError

#: Days of past figures, at least, whose highest one a peak is looked for among, and of steps shorter than a day.
PEAK_DAYS, PEAK_DAYS_OF_SHORT_STEPS = 182, 7
#: Periods of past figures that a peak is looked for among, at least.
FEWEST_PEAK_PERIODS = 4
#: Percent of a rise where none is given.
USUAL_RISE = 25.0


class EventKind(StrEnum):
    """What is asked for.

    ``above`` and ``below`` a level in some period, a ``rise`` by more than so many percent at the end, whether the ``peak`` is
    past, when a level is first met (``reach``), and the ``total`` between two dates.
    """

    above = "above"
    below = "below"
    rise = "rise"
    peak = "peak"
    reach = "reach"
    total = "total"


#: Kinds that are asked for with a level.
WITH_LEVEL = (EventKind.above, EventKind.below, EventKind.rise, EventKind.reach)


@dataclass(frozen=True)
class EventQuestion:
    """One question about the future of a series.

    Attributes:
        kind: what is asked for.
        level: the figure to be above, below or to be met; of a ``rise`` percent.
        within: periods ahead, counted from 1; all that are forecast where None.
        first, last: of a ``total`` the dates that it is between; all that are forecast where None.
    """

    kind: EventKind
    level: float | None = None
    within: int | None = None
    first: pd.Timestamp | None = None
    last: pd.Timestamp | None = None

    def __post_init__(self) -> None:
        """Raises `RequestError` for what is no question."""
        if self.kind in WITH_LEVEL:
            what = "percentage" if self.kind is EventKind.rise else "level"
            if self.level is None or not math.isfinite(self.level):
                raise RequestError(f"The {what} to be asked for is {self.level}; give a number.")
            if self.kind is EventKind.rise and self.level <= -100:
                raise RequestError(f"Nothing changes by {self.level:g} %; give a percentage above -100.")
        if self.within is not None and self.within < 1:
            raise RequestError(f"'within' is {self.within}; give a number of periods from 1 on.")
        if self.first is not None and self.last is not None and self.last < self.first:
            raise RequestError(
                f"The total is to begin on {format_date(self.first)} and to end on {format_date(self.last)}, "
                "which is earlier; give the dates in their order."
            )


@dataclass(frozen=True)
class EventAnswer:
    """What a forecast says to a question.

    Attributes:
        question: with `within` filled in.
        probability: of the event; of ``reach`` that the level is met at all; None of a ``total``.
        dates: the periods that it is about; of a ``total`` from the first to the last that is added up.
        quantiles: shape (23,): of the size of the peak, or of the total; empty for others.
        chances: of the ``peak`` that it is on a date, of ``reach`` that the level is first met on it.
        past_peak: of the ``peak``: the date and size of the highest of the past figures.
        now: the figure that a rise is counted from, or the last one.
    """

    question: EventQuestion
    probability: float | None
    dates: pd.DatetimeIndex
    quantiles: np.ndarray = field(default_factory=lambda: np.empty(0))
    chances: tuple[tuple[pd.Timestamp, float], ...] = ()
    past_peak: tuple[pd.Timestamp, float] | None = None
    now: float = math.nan

    def date_quantile(self, level: float) -> pd.Timestamp | None:
        """The first date by which the event has come with a chance of `level`; None where that is beyond the dates."""
        reached = 0.0
        for date, chance in self.chances:
            reached += chance
            if reached >= level - 1e-9:
                return date
        return None


def answer_questions(series: Series, forecast: Forecast, questions: Sequence[EventQuestion]) -> list[EventAnswer]:
    """The answers of one forecast of `series` to several questions. Raises `RequestError` for what it cannot answer."""
    paths = joint_futures(forecast, series.kind)
    return [answer_question(series, forecast, question, paths) for question in questions]


def answer_question(
    series: Series, forecast: Forecast, question: EventQuestion, paths: np.ndarray | None = None
) -> EventAnswer:
    """The answer of a forecast of `series` to a question. Raises `RequestError` for what it cannot answer.

    `paths`, shape (futures, horizon), are those of `joint_futures`, sampled here where they are not given.
    """
    paths = joint_futures(forecast, series.kind) if paths is None else paths
    if question.kind is EventKind.total:
        return _total(series, forecast, question, paths)
    within = _checked_within(question, forecast.horizon, series)
    dates, paths = forecast.dates[:within], paths[:, :within]
    asked = EventQuestion(question.kind, question.level, within)
    if question.kind is EventKind.peak:
        return _peak(series, asked, dates, paths)
    chance, now = event_chance(asked, series, paths), _now(asked, series)
    chances = _first_dates(asked, series, dates, paths) if question.kind is EventKind.reach else ()
    return EventAnswer(asked, chance, dates, chances=chances, now=now)


def event_chance(question: EventQuestion, series: Series, paths: np.ndarray) -> float:
    """The share of `paths`, shape (futures, periods), in which the event happens; of the future that came 0 or 1.

    NaN where a figure that decides it is not known. Raises `RequestError` where it cannot be told of such figures at all.
    """
    paths = paths[:, : question.within]
    if question.within is not None and paths.shape[1] < question.within:
        return math.nan
    happened = _happened(question, series, paths)
    return float(happened.mean()) if np.isfinite(paths).all() else math.nan


def first_met(question: EventQuestion, series: Series, paths: np.ndarray) -> np.ndarray:
    """Shape (futures,): the period, counted from 1, in which a level is first met or passed; 0 where it never is."""
    ahead = _ahead(series, paths)
    assert question.level is not None
    level, now = question.level, _now(question, series)
    if question.kind is EventKind.above:
        met = ahead > level
    elif question.kind is EventKind.below:
        met = ahead < level
    else:
        met = ahead >= level if series.cumulative or now < level else ahead <= level
    return np.where(met.any(axis=1), met.argmax(axis=1) + 1, 0)


def smoothing(series: Series) -> int:
    """Periods over which figures are averaged for peaks and rises: a week of days, a day of hours, else 1."""
    return min(series.season if series.frequency.cycle > 1 else 1, len(series))


def _happened(question: EventQuestion, series: Series, paths: np.ndarray) -> np.ndarray:
    """Shape (futures,): in which of them the event happens."""
    if question.kind is EventKind.peak:
        past = _wave(series)
        return np.asarray(_smoothed(series, paths).max(axis=1) <= past.max())
    if question.kind is EventKind.rise:
        return np.asarray(_smoothed(series, paths)[:, -1] > _risen_level(question, series))
    return first_met(question, series, paths) > 0


def _risen_level(question: EventQuestion, series: Series) -> float:
    now = _now(question, series)
    if series.kind.low < 0 or not now > 0:
        why = "may be below zero" if series.kind.low < 0 else "are at zero"
        raise RequestError(f"These figures {why}, so there is no percentage; ask for a level to be above instead.")
    assert question.level is not None
    return now * (1 + question.level / 100)


def _now(question: EventQuestion, series: Series) -> float:
    """The figure to compare with: the last one, the running total where those are asked for, or of a rise a mean."""
    if question.kind in (EventKind.rise, EventKind.peak):
        return float(series.values[-smoothing(series) :].mean())
    return series.total if series.cumulative else float(series.values[-1])


def _ahead(series: Series, paths: np.ndarray) -> np.ndarray:
    """The figures ahead as they are asked about: running totals where the person asked for those."""
    return series.total + paths.cumsum(axis=1) if series.cumulative else paths


def _smoothed(series: Series, paths: np.ndarray) -> np.ndarray:
    """Means over the last `smoothing` periods along each path, reaching back into the figures; shape of `paths`."""
    steps = smoothing(series)
    if steps == 1:
        return paths
    past = np.broadcast_to(series.values[len(series) - steps + 1 :], (len(paths), steps - 1))
    sums = np.concatenate([np.zeros((len(paths), 1)), past, paths], axis=1).cumsum(axis=1)
    return np.asarray((sums[:, steps:] - sums[:, :-steps]) / steps)


def _wave(series: Series) -> np.ndarray:
    """The past figures, averaged, that a peak is looked for among: those of the last half year."""
    steps = smoothing(series)
    days = PEAK_DAYS_OF_SHORT_STEPS if series.frequency.minutes else PEAK_DAYS
    count = max(round(days / series.frequency.days), FEWEST_PEAK_PERIODS)
    values = series.values[-(count + steps - 1) :]
    return np.convolve(values, np.full(steps, 1 / steps), mode="valid") if steps > 1 else values


def _peak(series: Series, question: EventQuestion, dates: pd.DatetimeIndex, paths: np.ndarray) -> EventAnswer:
    past, ahead = _wave(series), _smoothed(series, paths)
    place = int(len(past) - 1 - past[::-1].argmax())
    when = series.dates[len(series) - len(past) + place]
    highest = ahead.max(axis=1)
    over = highest <= past[place]
    later = [((ahead.argmax(axis=1) == step) & ~over).mean() for step in range(len(dates))]
    size = np.maximum(highest, past[place])
    return EventAnswer(
        question,
        float(over.mean()),
        dates,
        np.quantile(size, QUANTILES, method="weibull"),
        ((when, float(over.mean())), *zip(dates, map(float, later), strict=True)),
        (when, float(past[place])),
        _now(question, series),
    )


def _first_dates(
    question: EventQuestion, series: Series, dates: pd.DatetimeIndex, paths: np.ndarray
) -> tuple[tuple[pd.Timestamp, float], ...]:
    met = np.bincount(first_met(question, series, paths), minlength=len(dates) + 1) / len(paths)
    return tuple(zip(dates, map(float, met[1:]), strict=True))


def _total(series: Series, forecast: Forecast, question: EventQuestion, paths: np.ndarray) -> EventAnswer:
    """Past figures between the dates and those ahead, added up along each path; of figures that do not add up their mean."""
    first, last = question.first or forecast.dates[0], question.last or forecast.dates[-1]
    if last > forecast.dates[-1]:
        raise RequestError(
            f"The total is to end on {format_date(last)}, and the forecast ends on {format_date(forecast.dates[-1])}; "
            "choose an earlier date or a longer horizon."
        )
    if first < series.dates[0]:
        raise RequestError(f"There are no figures before {format_date(series.dates[0])}; choose a later first date.")
    behind = series.values[np.asarray(series.dates >= first) & np.asarray(series.dates <= last)]
    wanted = np.asarray(forecast.dates >= first) & np.asarray(forecast.dates <= last)
    if not wanted.any():
        raise RequestError(f"No figure from {format_date(first)} to {format_date(last)} is yet to come.")
    steps = int(wanted.sum())
    if wanted[:steps].all():  # exactly what the model says of such sums
        ahead = forecast.totals[steps - 1]
    else:
        ahead = np.quantile(paths[:, wanted].sum(axis=1), QUANTILES, method="weibull")
    over = 1 if series.kind.adds_up else len(behind) + steps
    dates = series.dates[len(series) - len(behind) :] if len(behind) else forecast.dates[:0]
    asked = EventQuestion(question.kind, first=first, last=last)
    return EventAnswer(
        asked, None, dates.append(forecast.dates[wanted]), (behind.sum() + ahead) / over, now=_now(asked, series)
    )


def _checked_within(question: EventQuestion, horizon: int, series: Series) -> int:
    if question.within is not None and question.within > horizon:
        ahead = series.frequency.steps(horizon)
        raise RequestError(
            f"'within' is {question.within}, and the forecast is for {ahead}; ask for fewer or forecast more."
        )
    return question.within or horizon
