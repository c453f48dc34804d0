"""Why a forecast moved, over HTTP: its fits are asked for as any other, and it is told when they are there."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date
from typing import Any

import pandas as pd
from pydantic import BaseModel, Field

from forecasting.api.build_requests import RequestBuilder
from forecasting.api.problem_details import InvalidField, Problem
from forecasting.api.request_models import parse_request
from forecasting.api.series_query import ForecastQuery
from forecasting.data.panel import Panel
from forecasting.data.series import Series
from forecasting.jobs import Job
from forecasting.services.data_notes import series_notes
from forecasting.services.service import Service
from forecasting.views.answer import stretch_steps
from forecasting.views.change_sentences import change_sentences


class ChangeQuery(ForecastQuery):
    """What the query of a request asks for: one forecast, and since when."""

    since: date | None = Field(
        default=None, description="Only what was known then; a period before the last figure, a week of days."
    )


class ChangeAnswer(BaseModel):
    """What was expected and is, and what each cause added: their sum is `now` less `before`."""

    region: str
    statistic: str
    model: str
    since: str = Field(description="The last date with a figure when it was forecast earlier.")
    first: str
    last: str
    before: float
    now: float
    new: float = Field(description="What new figures added, with what the model learned from them.")
    revised: float | None = Field(description="What revisions of earlier figures added; null where none are known.")
    model_change: float = Field(description="What other weights of a blend added.")
    came: float = Field(description="The new figures, their sum or mean.")
    expected: float = Field(description="What the earlier forecast had expected of those.")
    sentences: list[str]
    notes: list[str] = []


@dataclass(frozen=True)
class PendingChange:
    """A change whose forecasts may still be on their way."""

    panel: Panel
    series: Series
    statistic: str
    model: str
    horizon: int
    since: pd.Timestamp | None


class ChangeQueries:
    """Tells why forecasts of a service moved; nothing here waits for a fit."""

    def __init__(self, service: Service, builder: RequestBuilder) -> None:
        self._service, self._builder = service, builder

    def begin(self, query: ChangeQuery) -> PendingChange:
        """Find what is asked for. Raises `Problem` 422 for what does not exist, 503 as `RequestBuilder` does."""
        fields: dict[str, Any] = {name: getattr(query, name) for name in ("source", "region", "statistic", "model")}
        given = {name: value for name, value in fields.items() if value is not None} | {"horizon": query.horizon or 1}
        panel, found = self._builder.one_series(parse_request(json.dumps(given).encode()))
        if found.series is None:
            raise Problem(422, found.why_not, [InvalidField("region", found.why_not)])
        horizon = query.horizon or found.series.frequency.default_horizon
        since = pd.Timestamp(query.since) if query.since else None
        return PendingChange(panel, found.series, found.statistic.name, query.model, horizon, since)

    def finish(self, pending: PendingChange) -> dict[str, Any] | Job:
        """The change as JSON values, or a job that is not done. Raises `Problem` 422 where there is nothing to tell, 503 where the queue is full."""
        series, steps = pending.series, stretch_steps(pending.series)
        asked = (pending.panel, series, pending.statistic, pending.model, pending.horizon, steps)
        found = self._service.forecast_changes.change(*asked, since=pending.since)
        if found.why_not:
            raise Problem(422, found.why_not, [InvalidField("since", found.why_not)])
        if found.full:
            raise Problem(503, found.full, headers={"Retry-After": "1"})
        if found.change is None:
            return next(job for job in found.jobs if not job.finished)
        return found.change.to_json(pending.statistic) | {
            "sentences": change_sentences(series, found.change),
            "notes": list(series_notes({series.region: series})),
        }
