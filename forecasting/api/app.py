"""The application: what is where, how it is described, and what its errors become."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Depends, FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from forecasting.api import swagger_ui
from forecasting.api.access_control import Doorway, scheme
from forecasting.api.examples import REQUESTS
from forecasting.api.problem_details import Problem, Wrong
from forecasting.api.request_log import Watched
from forecasting.api.request_models import ForecastRequest
from forecasting.api.response_models import Forecasts, JobAnswer, JobLink, ModelList, RegionList, SourceList
from forecasting.api.routes import PREFIX, Operations
from forecasting.api.swagger_ui import problems
from forecasting.services.service import Service
from forecasting.support.errors import ForecastingError

_ABOUT = (
    "Forecasts of counts by region with honest uncertainty. What is stored or instant is answered at once (200); else the "
    "answer is a job to follow (202), which is the same for everybody who asks the same."
)
_BODY = {
    "required": True,
    "content": {"application/json": {"schema": ForecastRequest.model_json_schema(), "examples": REQUESTS}},
}
_JOB = {202: {"model": JobLink, "description": "A job to follow."}}


def make(service: Service, url: str | None = None) -> FastAPI:
    """The API on `service`, to be mounted at /api; `url` is where its store is, `settings.db_url()` by default.

    Raises `RequestError` for a configuration that makes no sense.
    """
    app = FastAPI(
        title="Forecast Explorer",
        version="1",
        description=_ABOUT,
        openapi_url=None,
        redirect_slashes=False,
    )
    doorway = Doorway()
    app.include_router(_routes(Operations(service, doorway.most, url), doorway))
    swagger_ui.add(app)
    app.add_middleware(Watched, prefix=PREFIX)
    app.add_exception_handler(ForecastingError, _refused)
    app.add_exception_handler(RequestValidationError, _misread)
    app.add_exception_handler(HTTPException, _unknown)
    return app


def _routes(does: Operations, doorway: Doorway) -> APIRouter:
    """Every operation, with what its description says."""

    async def enter(request: Request) -> None:
        doorway.enter(request)

    router = APIRouter(prefix="/v1", dependencies=[Depends(scheme), Depends(enter)])
    always = problems(401, 429)

    def add(path: str, what: Any, summary: str, reply: Any, also: Any = None, **more: Any) -> None:
        replies = always | (also or {})
        router.add_api_route(path, what, summary=summary, response_model=reply, responses=replies, **more)

    asked = {"methods": ["POST"], "openapi_extra": {"requestBody": _BODY}}
    may = _JOB | problems(408, 413, 415, 422, 503)
    add("/forecast", does.forecast, "Forecast a region of a source, or figures of one's own", Forecasts, may, **asked)
    gone = problems(404, 410, 503)
    add("/jobs/{id}", does.job, "How far a job is", JobAnswer, gone)
    add("/jobs/{id}", does.cancel, "End a job, for all who asked for it", JobAnswer, gone, methods=["DELETE"])
    add("/sources", does.sources, "Where figures can come from", SourceList)
    add("/models", does.models, "The models", ModelList)
    add("/regions", does.regions, "The regions of a source", RegionList, problems(422, 503))
    return router


async def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, ForecastingError)
    return Problem.of(error).response()


async def _misread(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    names = dict.fromkeys(str(one["loc"][-1]) for one in error.errors())
    return Problem.fields([Wrong(name, f"'{name}' is missing or too long.") for name in names]).response()


async def _unknown(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    what = "There is nothing at this address" if error.status_code == 404 else error.detail
    return Problem(error.status_code, f"{what}; /api/docs lists what there is.", headers=error.headers).response()
