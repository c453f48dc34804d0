"""Route handlers of the API. None blocks the event loop, or waits for a fit for longer than the request says."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Annotated, TypeVar

from fastapi import Query, Request, Response
from fastapi.responses import JSONResponse

from forecasting import sources
from forecasting.api.alert_handlers import AlertHandlers
from forecasting.api.build_requests import RequestBuilder, blame_field
from forecasting.api.change_queries import ChangeQueries, ChangeQuery
from forecasting.api.event_queries import EventQueries, EventQuery
from forecasting.api.forecast_json import JobResult, cancelled_job_json, job_result
from forecasting.api.job_register import JobRegister, JobSpec
from forecasting.api.like_queries import LikeQuery, like_answer
from forecasting.api.model_exports import ExportQuestion, ModelExports
from forecasting.api.problem_details import UNREACHABLE, InvalidField, Problem
from forecasting.api.request_body import read_json_body
from forecasting.api.request_models import MAX_WAIT, parse_request
from forecasting.api.response_cache import ResponseCache, gzip_if_large, is_gzipped
from forecasting.jobs import Job
from forecasting.jobs.request import MAX_HORIZON
from forecasting.models import models
from forecasting.services.service import Service

T = TypeVar("T")

#: Path under which the API is mounted.
PREFIX = "/api"
#: Requests that are processed at once; others wait without a thread.
THREADS = 16
#: Bytes from which on a request is large: reading its table slows down all other requests and pages.
LARGE = 300_000
#: Large requests that are processed at once.
LARGE_THREADS = 1
#: Seconds between the first two polls of a job that a request waits for; the interval doubles.
FIRST_POLL = 0.05
#: Seconds between two polls at most.
LONGEST_POLL = 0.5
_ID = re.compile(r"[0-9a-f]{40}")
_NOT_KEPT = (
    "Jobs cannot be stored at present, so none is accepted; the fit goes on for a while: ask again for its forecast."
)
_NOT_CANCELLED = "The job was ended here, but that cannot be stored at present, so it may begin again; ask again."


class RouteHandlers:
    """Handlers on one service; bodies have at most `max_bytes`, and jobs are kept in the database at `url`."""

    def __init__(self, service: Service, max_bytes: int, url: str | None = None) -> None:
        self._service = service
        self._max_bytes = max_bytes
        self._builder = RequestBuilder(service)
        self.alerts = AlertHandlers(self._builder, url)
        self._exports = ModelExports(service, self._builder)
        self._events = EventQueries(service, self._builder)
        self._changes = ChangeQueries(service, self._builder)
        self._register = JobRegister(url)
        self._responses = ResponseCache()
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="api")
        self._large = ThreadPoolExecutor(LARGE_THREADS, thread_name_prefix="api large")

    async def forecast(self, request: Request) -> Response:
        """Answers with the forecasts table, or with a job whose `location` has it later.

        Of a source without a `region`, and of a table with several, all regions are forecast as one job. Figures are
        repaired as the pages repair them; where it is not clear how a table is meant, the answer is the question (422).
        """
        content, gzip = await read_json_body(request, self._max_bytes), _accepts_gzip(request)
        threads = self._large if len(content) > LARGE else self._threads
        result, wait, kept, response = await self._run(lambda: self._submit(content, gzip), threads)
        end, pause, spec = time.monotonic() + wait, FIRST_POLL, result.spec
        while response is None and (left := end - time.monotonic()) > 0:
            await asyncio.sleep(min(pause, left))
            pause = min(2 * pause, LONGEST_POLL)
            result, response = await self._run(lambda: self._poll(spec, gzip))
        if response is not None:
            return response
        if not kept:
            raise Problem(503, _NOT_KEPT, headers={"Retry-After": str(UNREACHABLE)})
        location = f"{request.scope.get('root_path') or PREFIX}/v1/jobs/{spec.id}"
        link = {"id": spec.id, "state": result.state, "location": location}
        return JSONResponse(link, 202, {"Location": location, "Retry-After": "1"})

    async def job(self, id: str, request: Request) -> Response:
        """Its state and progress, its forecasts when it is done, and a sentence when it failed."""
        location, gzip = request.url.path, _accepts_gzip(request)
        return await self._run(lambda: _json_response(gzip_if_large(_job_json(id, self._find(id), location), gzip)))

    async def cancel(self, id: str, request: Request) -> Response:
        """What is finished stays; a job that is done stays done."""
        location, gzip = request.url.path, _accepts_gzip(request)
        return await self._run(lambda: _json_response(gzip_if_large(_job_json(id, self._cancel(id), location), gzip)))

    async def sources(self) -> Response:
        """By name, as requests call them."""
        return await self._run(lambda: JSONResponse({"sources": [_source(one) for one in sources.sources().values()]}))

    async def models(self) -> Response:
        """By name, as requests call them."""
        fields = ("name", "label", "reference", "instant", "uses_covariates", "uses_holidays")
        return JSONResponse({"models": [{name: getattr(one, name) for name in fields} for one in models().values()]})

    async def regions(
        self,
        request: Request,
        source: Annotated[str, Query(max_length=200, examples=["bundled"])],
        statistic: Annotated[str | None, Query(max_length=200)] = None,
    ) -> Response:
        """With what is counted there."""
        gzip = _accepts_gzip(request)
        return await self._run(lambda: _json_response(gzip_if_large(self._regions(source, statistic), gzip)))

    async def export(
        self,
        model: str,
        request: Request,
        source: Annotated[str, Query(max_length=200, examples=["bundled"])],
        region: Annotated[str, Query(max_length=200, examples=["Italy"])],
        horizon: Annotated[int, Query(ge=1, le=MAX_HORIZON, examples=[28])],
        format: Annotated[str, Query(max_length=20, examples=["json"])],
        statistic: Annotated[str | None, Query(max_length=200)] = None,
        wait: Annotated[float, Query(ge=0, le=MAX_WAIT)] = MAX_WAIT,
    ) -> Response:
        """The file, with its signature inside. A model that is still fitted after `wait` seconds is a 202: ask again."""
        question = ExportQuestion(model, format, source, region, horizon, statistic)
        pending = await self._run(lambda: self._exports.begin(question))
        found = await self._awaited(request, wait, lambda: self._exports.finish(pending), self._large)
        if isinstance(found, Response):
            return found
        headers = {"Content-Disposition": f'attachment; filename="{found.name.encode("ascii", "ignore").decode()}"'}
        return Response(found.content, headers=headers, media_type=found.media_type)

    async def events(self, request: Request, query: Annotated[EventQuery, Query()]) -> Response:
        """Without a question the peak, a rise and the total. A forecast that is not ready after `wait` seconds is a 202: ask again."""
        pending = await self._run(lambda: self._events.begin(query))
        found = await self._awaited(request, query.wait, lambda: self._events.finish(pending))
        return found if isinstance(found, Response) else JSONResponse(found)

    async def changes(self, request: Request, query: Annotated[ChangeQuery, Query()]) -> Response:
        """New figures, revisions and weights, each with its part. What is not ready after `wait` seconds is a 202: ask again."""
        pending = await self._run(lambda: self._changes.begin(query))
        found = await self._awaited(request, query.wait, lambda: self._changes.finish(pending))
        return found if isinstance(found, Response) else JSONResponse(found)

    async def like(self, request: Request, query: Annotated[LikeQuery, Query()]) -> Response:
        """Nothing is fitted: the nearest episodes of the source, up to its last figure or as it was known on a date."""
        return JSONResponse(await self._run(lambda: like_answer(self._builder, query)))

    async def _awaited(
        self, request: Request, wait: float, finish: Callable[[], T | Job], threads: ThreadPoolExecutor | None = None
    ) -> T | Response:
        """What `finish` gives once it is no job any more; after `wait` seconds a 202 that says where to ask again."""
        end, pause = time.monotonic() + wait, FIRST_POLL
        while isinstance(found := await self._run(finish, threads), Job):
            if (left := end - time.monotonic()) <= 0:
                location = f"{request.url.path}?{request.url.query}"
                again = {"Location": location, "Retry-After": "1"}
                return JSONResponse({"state": found.state, "location": location}, 202, again)
            await asyncio.sleep(min(pause, left))
            pause = min(2 * pause, LONGEST_POLL)
        return found

    def _submit(self, content: bytes, gzip: bool) -> tuple[JobResult, float, bool, Response | None]:
        """Submit a request; returns its job, how long to wait for it, whether it is kept, and the response if there is one."""
        request = parse_request(content)
        result = job_result(self._builder.submit(request), self._service.queue)
        kept = not result.open or self._register.add(result.spec, request)
        return result, request.wait, kept, self._response(result, gzip)

    def _poll(self, spec: JobSpec, gzip: bool) -> tuple[JobResult, Response | None]:
        result = job_result(spec, self._service.queue)
        return result, self._response(result, gzip)

    def _response(self, result: JobResult, gzip: bool) -> Response | None:
        """Return the response of a finished job, None of another. Raises `Problem` 422 if it has no forecast at all."""
        if result.open:
            return None
        if result.done:
            return _json_response(self._responses.forecasts(result, gzip))
        errors = [InvalidField(one["model"] or "region", one["error"] or "") for one in result.failures]
        raise Problem(422, " ".join(dict.fromkeys(one.error for one in errors)), errors)

    def _find(self, identity: str) -> JobResult | None:
        """Return the state of a job; None if it was cancelled elsewhere. Raises `Problem` 404 or 410.

        The request of a job that this process does not know (any more) is submitted again.
        """
        spec = self._register.job(identity)
        result = job_result(spec, self._service.queue) if spec else None
        return result if result and result.known else self._resubmit(identity)

    def _cancel(self, identity: str) -> JobResult | None:
        """Cancel the unfinished fits of a job, wherever they run, and mark it so that no server begins it again.

        Raises `Problem` as `_find` does, and 503 where the mark cannot be stored.
        """
        result = self._find(identity)
        for job in result.open if result else ():
            self._service.cancel(job.key)
        if not self._register.cancel(identity):
            raise Problem(503, _NOT_CANCELLED, headers={"Retry-After": str(UNREACHABLE)})
        return job_result(result.spec, self._service.queue) if result else None

    def _resubmit(self, identity: str) -> JobResult | None:
        """Submit the stored request of a job again; None if it was cancelled since. Raises `Problem` 404 or 410."""
        stored = self._register.stored_request(identity) if _ID.fullmatch(identity) else None
        if stored is None:
            raise _no_such_job()
        request, cancelled = stored
        if cancelled:
            return None
        spec = self._builder.submit(request)
        if spec.id != identity:
            raise Problem(410, "The figures have changed since this job was asked for; ask again.")
        self._register.remember(spec)
        return job_result(spec, self._service.queue)

    def _regions(self, source: str, statistic: str | None) -> bytes:
        panel = self._builder.source_panel(source)
        with blame_field("statistic"):
            wanted = [panel.statistic(statistic)] if statistic else list(panel.statistics)
        having: dict[str, list[str]] = {}
        for one in wanted:
            for region in panel.regions(one.name):
                having.setdefault(region, []).append(one.name)
        listed = [{"name": region, "statistics": names} for region, names in having.items()]
        return bytes(JSONResponse({"regions": listed}).body)

    async def _run(self, work: Callable[[], T], threads: ThreadPoolExecutor | None = None) -> T:
        return await asyncio.get_running_loop().run_in_executor(threads or self._threads, work)


def _no_such_job() -> Problem:
    return Problem(404, "There is no such job (any more); ask for the forecast again.")


def _job_json(identity: str, result: JobResult | None, location: str) -> bytes:
    return result.job_json(location) if result else cancelled_job_json(identity, location)


def _source(one: sources.Source) -> dict[str, object]:
    named = [statistic.name for statistic in one.statistics()]
    return {"name": one.name, "label": one.label, "live": one.live, "licence": one.licence, "statistics": named}


def _accepts_gzip(request: Request) -> bool:
    return "gzip" in request.headers.get("accept-encoding", "").lower()


def _json_response(content: bytes) -> Response:
    """Return a JSON response. It is compressed before, in a thread, as middleware would do that on the event loop."""
    headers = {"Vary": "Accept-Encoding"} | ({"Content-Encoding": "gzip"} if is_gzipped(content) else {})
    return Response(content, headers=headers, media_type="application/json")
