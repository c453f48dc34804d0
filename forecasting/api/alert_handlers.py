"""Route handlers of event alerts: rules by which one is told that an event has become likely."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from fastapi import Request, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from forecasting.api.build_requests import RequestBuilder, blame_field
from forecasting.api.problem_details import InvalidField, Problem
from forecasting.api.request_body import read_json_body
from forecasting.evaluation.events import EventKind, EventQuestion
from forecasting.jobs.request import MAX_HORIZON
from forecasting.models import model
from forecasting.monitoring.alerts import Alerts
from forecasting.monitoring.event_alerts import ALERT_KINDS, EventAlerts, EventRule
from forecasting.sources import default_statistic
from forecasting.support.errors import RequestError

T = TypeVar("T")

#: Bytes of a rule, at most.
MAX_BYTES = 20_000
#: What each field takes, for error messages and descriptions.
EXPECTED = {
    "source": "a name that /api/v1/sources lists",
    "region": "the name of a region, as /api/v1/regions lists them",
    "statistic": "the name of a statistic of the source",
    "model": "a name that /api/v1/models lists",
    "event": f"one of {', '.join(ALERT_KINDS)}",
    "level": "a number; of a rise percent, of a peak none",
    "within": f"a whole number from 1 to {MAX_HORIZON}",
    "chance": "a number between 0 and 1",
}


class AlertRequest(BaseModel):
    """What one is to be told of."""

    model_config = ConfigDict(extra="forbid", strict=True)

    source: str = Field(max_length=200, description=f"Where the figures come from: {EXPECTED['source']}.")
    region: str = Field(max_length=200, description=f"Which region: {EXPECTED['region']}.")
    statistic: str | None = Field(default=None, max_length=200, description="What is counted; a source's first one.")
    model: str = Field(default="ensemble", max_length=200, description=f"Whose forecast: {EXPECTED['model']}.")
    event: str = Field(description=f"What is to be told of: {EXPECTED['event']}.")
    level: float | None = Field(default=None, allow_inf_nan=False, description=f"The level: {EXPECTED['level']}.")
    within: int = Field(ge=1, le=MAX_HORIZON, description="Periods ahead, counted from 1.")
    chance: float = Field(default=0.3, gt=0, lt=1, description="It is told when the event is likelier than this.")


class AlertHandlers:
    """Handlers of the rules in the database at `url`."""

    def __init__(self, builder: RequestBuilder, url: str | None = None) -> None:
        self._builder, self._kept, self._alerts = builder, EventAlerts(url), Alerts(url, webhook="")
        self._threads = ThreadPoolExecutor(2, thread_name_prefix="api alerts")

    async def list(self) -> Response:
        """With what the last check found, and what such alerts would have done at earlier dates."""
        return await self._run(lambda: JSONResponse({"alerts": [one.to_json() for one in self._kept.all()]}))

    async def add(self, request: Request) -> Response:
        """It is checked at every update of its source, and at least every hour. The same rule is kept once."""
        content = await read_json_body(request, MAX_BYTES)
        return await self._run(lambda: JSONResponse(self._add(content), 201))

    async def remove(self, id: int) -> Response:
        """Its alert is closed without telling anybody."""
        return await self._run(lambda: JSONResponse(self._remove(id)))

    def _add(self, content: bytes) -> dict[str, Any]:
        try:
            asked = AlertRequest.model_validate_json(content)
        except ValidationError as error:
            raise Problem.of_fields([_invalid(one) for one in error.errors(include_url=False)]) from None
        with blame_field("event"):
            if asked.event not in ALERT_KINDS:
                raise RequestError(f"There is no event '{asked.event}'; give {EXPECTED['event']}.")
        with blame_field("level"):
            question = EventQuestion(EventKind(asked.event), asked.level, asked.within)
        with blame_field("model"):
            model(asked.model)
        panel = self._builder.source_panel(asked.source)
        with blame_field("statistic"):
            statistic = panel.statistic(asked.statistic) if asked.statistic else default_statistic(asked.source, panel)
        with blame_field("region"):
            if asked.region not in panel.regions(statistic.name):
                raise RequestError(f"'{asked.source}' has no region '{asked.region}' for {statistic.name}.")
        rule = EventRule(asked.source, asked.region, statistic.name, asked.model, question, asked.chance)
        return self._kept.add(rule).to_json()

    def _remove(self, number: int) -> dict[str, Any]:
        try:
            gone = self._kept.remove(number)
        except RequestError:
            raise Problem(404, f"There is no alert {number}; GET /api/v1/alerts lists what there is.") from None
        self._alerts.forget(gone.name)
        return gone.to_json()

    async def _run(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, work)


def _invalid(error: Any) -> InvalidField:
    name = ".".join(map(str, error["loc"]))
    if error["type"] == "json_invalid" or not error["loc"]:
        return InvalidField("", "The request is no JSON object.")
    if error["type"] == "extra_forbidden":
        return InvalidField(name, f"There is no field '{name}'; there are {', '.join(EXPECTED)}.")
    what = "is missing" if error["type"] == "missing" else "is not usable"
    return InvalidField(name, f"'{name}' {what}; give {EXPECTED.get(name, 'something else')}.")
