"""What Explore says to questions about the future: levels to start with, sentences, and how an alert would have done."""

from __future__ import annotations

import math

from forecasting.data.forecast import Forecast
from forecasting.data.joint_futures import joint_futures
from forecasting.data.series import Series
from forecasting.evaluation.event_record import event_record, record_sentence
from forecasting.evaluation.event_words import event_sentence
from forecasting.evaluation.events import USUAL_RISE, EventKind, EventQuestion, answer_question
from forecasting.evaluation.track_record import TrackRecord
from forecasting.support.errors import RequestError

#: A level to start with is so many times the last figure, with so many significant digits.
TIMES, DIGITS = 1.25, 2


def suggested_level(series: Series) -> float:
    """A level that figures may well pass: a quarter above the present, or of running totals above what is usual until then."""
    last = series.total if series.cumulative else float(series.values[-1])
    spread = (
        abs(last) * (TIMES - 1)
        if not series.cumulative
        else float(series.values[-1]) * series.frequency.default_horizon
    )
    level = last + (spread or 1.0)
    digits = DIGITS if not series.cumulative else DIGITS + 2
    places = digits - 1 - math.floor(math.log10(abs(level))) if level else 0
    return float(round(level, min(places, series.decimals)))


def level_question(side: str, level: float, within: int) -> EventQuestion:
    """``above`` or ``below`` a level within so many periods. Raises `RequestError` for what is no question."""
    return EventQuestion(EventKind(side), level, within)


def question_sentences(series: Series, forecast: Forecast, asked: EventQuestion) -> list[str]:
    """The answer to the question first, then when the level is met, a rise, the peak, and the total of the same periods."""
    within = asked.within or forecast.horizon
    last = forecast.dates[within - 1]
    questions = [
        asked,
        *([EventQuestion(EventKind.reach, asked.level)] if _is_ahead(asked, series) else []),
        EventQuestion(EventKind.rise, USUAL_RISE, within),
        EventQuestion(EventKind.peak, None, within),
        EventQuestion(EventKind.total, first=forecast.dates[0], last=last),
    ]
    paths, found = joint_futures(forecast, series.kind), list[str]()
    for question in questions:
        try:
            answer = answer_question(series, forecast, question, paths)
            if question.kind is EventKind.reach and answer.date_quantile(0.5) is None:
                continue  # its chance is the one that stands above
            found.append(event_sentence(answer, series))
        except RequestError as error:  # figures at zero have no percentage
            if question is asked:
                found.append(str(error))
    return found


def _is_ahead(asked: EventQuestion, series: Series) -> bool:
    """Whether figures have yet to come to the level from the side that is asked for, so that when they do is a question."""
    last = series.total if series.cumulative else float(series.values[-1])
    level = asked.level or 0.0
    return last < level if asked.kind is EventKind.above else last > level


def alert_sentence(asked: EventQuestion, chance: float, past: TrackRecord, now: Series, model: str) -> str:
    """How an alert on the question would have done at the dates of a track record; says so where that is not known."""
    return record_sentence(event_record(asked, chance, past, now, model))
