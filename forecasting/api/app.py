"""The FastAPI application: routes, their description for OpenAPI, and error handlers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fastapi import APIRouter, Depends, FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from forecasting.api import swagger_ui
from forecasting.api.access_control import AccessControl, key_scheme
from forecasting.api.alert_handlers import AlertHandlers, AlertRequest
from forecasting.api.change_queries import ChangeAnswer
from forecasting.api.event_models import AlertAnswer, AlertList, EventList
from forecasting.api.examples import REQUESTS
from forecasting.api.like_queries import LikeAnswer
from forecasting.api.problem_details import InvalidField, Problem
from forecasting.api.request_log import RequestLogMiddleware
from forecasting.api.request_models import ForecastRequest
from forecasting.api.response_models import ExportLink, Forecasts, JobAnswer, JobLink, ModelList, RegionList, SourceList
from forecasting.api.routes import PREFIX, RouteHandlers
from forecasting.api.swagger_ui import error_responses
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


def create_app(service: Service, url: str | None = None) -> FastAPI:
    """Create the API of a service, to be mounted at /api; `url` is its database, `settings.db_url()` by default.

    Raises `RequestError` for a configuration that makes no sense.
    """
    app = FastAPI(
        title="Forecast Explorer",
        version="1",
        description=_ABOUT,
        openapi_url=None,
        redirect_slashes=False,
    )
    access = AccessControl()
    app.include_router(_router(RouteHandlers(service, access.max_bytes, url), access))
    swagger_ui.add_docs(app)
    app.add_middleware(RequestLogMiddleware, prefix=PREFIX)
    app.add_exception_handler(ForecastingError, _library_error)
    app.add_exception_handler(RequestValidationError, _parameter_error)
    app.add_exception_handler(HTTPException, _http_error)
    return app


def _router(handlers: RouteHandlers, access: AccessControl) -> APIRouter:
    """Create the router with every route and its description."""

    async def check_access(request: Request) -> None:
        access.check(request)

    router = APIRouter(prefix="/v1", dependencies=[Depends(key_scheme), Depends(check_access)])
    always = error_responses(401, 429)

    def add(path: str, handler: Any, summary: str, model: Any, errors: Any = None, **options: Any) -> None:
        responses = always | (errors or {})
        router.add_api_route(path, handler, summary=summary, response_model=model, responses=responses, **options)

    post = {"methods": ["POST"], "openapi_extra": {"requestBody": _BODY}}
    errors = _JOB | error_responses(408, 413, 415, 422, 503)
    add(
        "/forecast",
        handlers.forecast,
        "Forecast a region of a source, or figures of one's own",
        Forecasts,
        errors,
        **post,
    )
    job_errors = error_responses(404, 410, 503)
    add("/jobs/{id}", handlers.job, "How far a job is", JobAnswer, job_errors)
    add("/jobs/{id}", handlers.cancel, "End a job, for all who asked for it", JobAnswer, job_errors, methods=["DELETE"])
    add("/sources", handlers.sources, "Where figures can come from", SourceList)
    add("/models", handlers.models, "The models", ModelList)
    add("/regions", handlers.regions, "The regions of a source", RegionList, error_responses(422, 503))
    export_errors = error_responses(422, 503) | {
        200: {"description": "The file.", "content": {"application/json": {}, "application/octet-stream": {}}},
        202: {"model": ExportLink, "description": "Still fitted: ask again."},
    }
    summary = "A model as a file that runs without this program"
    add("/models/{model}/export", handlers.export, summary, None, export_errors, response_class=Response)
    summary = "Questions about the future: levels, rises, the peak, totals"
    errors = error_responses(422, 503) | {202: {"model": ExportLink, "description": "Still fitted: ask again."}}
    add("/events", handlers.events, summary, EventList, errors)
    summary = "Why a forecast moved: new figures, revisions and weights"
    add("/changes", handlers.changes, summary, ChangeAnswer, errors)
    summary = "Like when? Past episodes that are like the last weeks, and what followed"
    add("/like", handlers.like, summary, LikeAnswer, error_responses(422, 503))
    _add_alerts(add, handlers.alerts)
    return router


def _add_alerts(add: Callable[..., None], handlers: AlertHandlers) -> None:
    """Add the routes of event alerts."""
    body = {"required": True, "content": {"application/json": {"schema": AlertRequest.model_json_schema()}}}
    post = {"methods": ["POST"], "openapi_extra": {"requestBody": body}, "status_code": 201}
    add("/alerts", handlers.list, "What is told when it has become likely", AlertList, error_responses(503))
    errors = error_responses(408, 413, 415, 422, 503)
    add("/alerts", handlers.add, "Be told when an event has become likely", AlertAnswer, errors, **post)
    errors = error_responses(404, 422, 503)
    add("/alerts/{id}", handlers.remove, "Be told of it no more", AlertAnswer, errors, methods=["DELETE"])


async def _library_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, ForecastingError)
    return Problem.of(error).response()


async def _parameter_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    found = {str(detail["loc"][-1]): detail for detail in error.errors()}
    return Problem.of_fields([InvalidField(name, _wrong(name, one)) for name, one in found.items()]).response()


def _wrong(name: str, detail: dict[str, Any]) -> str:
    """What is wrong with a parameter, in a sentence."""
    if detail["type"] == "missing":
        return f"'{name}' is missing."
    if detail["type"] == "extra_forbidden":
        return f"There is no parameter '{name}'; /api/docs lists what there is."
    if detail["type"] == "string_too_long":
        return f"'{name}' is too long."
    return f"'{name}' is '{str(detail['input'])[:40]}': {detail['msg'][:1].lower()}{detail['msg'][1:]}."


async def _http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    what = "There is nothing at this address" if error.status_code == 404 else error.detail
    return Problem(error.status_code, f"{what}; /api/docs lists what there is.", headers=error.headers).response()
