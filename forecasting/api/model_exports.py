"""Export of a model over HTTP: the forecast that a file is made of is asked for as any other, and the file is made when it is there."""

from __future__ import annotations

import json
from dataclasses import dataclass

from forecasting.api.build_requests import RequestBuilder, blame_field
from forecasting.api.problem_details import Problem
from forecasting.api.request_models import parse_request
from forecasting.data.series import Series
from forecasting.export.model_files import ModelFile, Origin, check_served, export_model
from forecasting.jobs import Job
from forecasting.jobs.request import Request
from forecasting.services.service import Service
from forecasting.support.errors import JobError


@dataclass(frozen=True)
class ExportQuestion:
    """An export that is asked for: a forecast's fields as the query has them, and the format."""

    model: str
    format: str
    source: str
    region: str
    horizon: int
    statistic: str | None = None


@dataclass(frozen=True)
class PendingExport:
    """An export whose forecast may still be on its way."""

    series: Series
    format: str
    origin: Origin
    key: str


class ModelExports:
    """Makes files of models from the forecasts of a service; nothing here waits for a fit."""

    def __init__(self, service: Service, builder: RequestBuilder) -> None:
        self._service, self._builder = service, builder

    def begin(self, question: ExportQuestion) -> PendingExport:
        """Ask for the forecast. Raises `Problem` 422 for what does not exist or is not exported, 503 as `RequestBuilder` does."""
        fields = {name: value for name, value in vars(question).items() if name != "format" and value is not None}
        request = parse_request(json.dumps(fields).encode())
        with blame_field("format"):
            check_served(question.model, question.format)
        panel, found = self._builder.one_series(request)
        if found.series is None:
            raise Problem(422, found.why_not)
        job = self._service.queue.submit(Request(found.series, question.model, question.horizon))
        return PendingExport(found.series, question.format, Origin.of(panel, found.statistic, found.region), job.key)

    def finish(self, pending: PendingExport) -> ModelFile | Job:
        """The file, or the job of the forecast where that is not done. Raises `JobError` with its sentence where it failed."""
        job = self._service.queue.job(pending.key)
        if job is None:
            raise JobError("The forecast was given up; ask again.")
        if job.forecast is not None:
            return export_model(pending.series, job.forecast, pending.format, pending.origin)
        if not job.finished:
            return job
        raise JobError(job.error or f"The forecast was {job.state}.")
