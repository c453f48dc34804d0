"""Questions about the future over HTTP: the forecast that answers them is asked for as any other, and they are answered when it is there."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import pandas as pd
from pydantic import Field

from forecasting.api.build_requests import RequestBuilder
from forecasting.api.problem_details import InvalidField, Problem
from forecasting.api.request_models import parse_request
from forecasting.api.series_query import ForecastQuery
from forecasting.data.series import Series
from forecasting.evaluation.event_table import AnsweredEvent
from forecasting.evaluation.events import USUAL_RISE, EventKind, EventQuestion, answer_questions
from forecasting.jobs import Job
from forecasting.jobs.request import MAX_HORIZON, Request
from forecasting.services.data_notes import forecast_notes, series_notes
from forecasting.services.service import Service
from forecasting.support.errors import JobError, RequestError


class EventQuery(ForecastQuery):
    """What the query of a request asks for: one forecast, and questions about it."""

    as_of: date | None = Field(default=None, description="Only what was known then.")
    within: int | None = Field(
        default=None, ge=1, le=MAX_HORIZON, description="Periods ahead, counted from 1; the whole forecast."
    )
    above: float | None = Field(default=None, description="A figure above this level in any period.")
    below: float | None = Field(default=None, description="A figure below this level in any period.")
    rise: float | None = Field(default=None, description="A rise by more than so many percent at the end.")
    peak: bool = Field(default=False, description="The peak is past; else its date and size.")
    reach: float | None = Field(default=None, description="When this level is first met.")
    total: bool = Field(default=False, description="The total of the whole forecast.")
    total_from: date | None = Field(default=None, description="The total from this date on, past figures included.")
    total_to: date | None = Field(default=None, description="The total up to this date.")

    def questions(self) -> list[EventQuestion]:
        """What is asked; the peak, a rise and the total where nothing is. Raises `RequestError` for what is no question."""
        levels = {kind: getattr(self, kind.value) for kind in (EventKind.above, EventKind.below, EventKind.rise)}
        asked = [EventQuestion(kind, level, self.within) for kind, level in levels.items() if level is not None]
        if self.peak:
            asked.append(EventQuestion(EventKind.peak, None, self.within))
        if self.reach is not None:
            asked.append(EventQuestion(EventKind.reach, self.reach, self.within))
        if self.total or self.total_from or self.total_to:
            first, last = (pd.Timestamp(one) if one else None for one in (self.total_from, self.total_to))
            asked.append(EventQuestion(EventKind.total, first=first, last=last))
        return asked or [
            EventQuestion(EventKind.peak, None, self.within),
            EventQuestion(EventKind.rise, USUAL_RISE, self.within),
            EventQuestion(EventKind.total),
        ]


@dataclass(frozen=True)
class PendingEvents:
    """Questions whose forecast may still be on its way."""

    region: str
    statistic: str
    series: Series
    questions: Sequence[EventQuestion]
    key: str


class EventQueries:
    """Answers questions from the forecasts of a service; nothing here waits for a fit."""

    def __init__(self, service: Service, builder: RequestBuilder) -> None:
        self._service, self._builder = service, builder

    def begin(self, query: EventQuery) -> PendingEvents:
        """Ask for the forecast. Raises `Problem` 422 for what does not exist, 503 as `RequestBuilder` does."""
        try:
            questions = query.questions()
        except RequestError as error:
            raise Problem.of(error) from None
        fields: dict[str, Any] = {name: getattr(query, name) for name in ("source", "region", "statistic", "model")}
        fields |= {"as_of": query.as_of.isoformat() if query.as_of else None, "horizon": query.horizon or 1}
        given = {name: value for name, value in fields.items() if value is not None}
        _, found = self._builder.one_series(parse_request(json.dumps(given).encode()))
        if found.series is None:
            raise Problem(422, found.why_not, [InvalidField("region", found.why_not)])
        usual = found.series.frequency.default_horizon
        horizon = query.horizon or max([usual, *(one.within or 1 for one in questions)])
        job = self._service.queue.submit(Request(found.series, query.model, horizon))
        return PendingEvents(found.region, found.statistic.name, found.series, questions, job.key)

    def finish(self, pending: PendingEvents) -> dict[str, Any] | Job:
        """The answers as JSON values, or the job of the forecast where that is not done. Raises `JobError` where it failed."""
        job = self._service.queue.job(pending.key)
        if job is None:
            raise JobError("The forecast was given up; ask again.")
        if job.forecast is None:
            if not job.finished:
                return job
            raise JobError(job.error or f"The forecast was {job.state}.")
        series, statistic = pending.series, pending.statistic
        answers = answer_questions(series, job.forecast, pending.questions)
        answered = [
            AnsweredEvent(pending.region, statistic, job.forecast.model, series, one).to_json(several=True)
            for one in answers
        ]
        notes = [*series_notes({pending.region: series}), *forecast_notes([(pending.region, job.forecast)])]
        return {"events": answered, "notes": list(dict.fromkeys(notes))}
