"""What each address does. Nothing here blocks the event loop, or waits for a fit for longer than it was asked to."""

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
from forecasting.api.build_requests import Asking, blaming
from forecasting.api.forecast_json import Answer, answer_of, given_up
from forecasting.api.job_register import Asked, Register
from forecasting.api.problem_details import Problem, Wrong
from forecasting.api.request_body import body_of
from forecasting.api.request_models import parsed
from forecasting.api.response_cache import Written, is_packed, packed
from forecasting.models import models
from forecasting.services.service import Service

T = TypeVar("T")

PREFIX = "/api"
#: Requests that are worked on at once; the others wait for their turn without a thread.
THREADS = 16
#: Of requests with more bytes so many: reading a large table leaves others little time, pages too.
LARGE = 300_000
LARGE_THREADS = 1
#: Seconds between two looks at a job that a request waits for: at first, and at most.
LOOK = 0.05
LONGEST_LOOK = 0.5
_ID = re.compile(r"[0-9a-f]{40}")


class Operations:
    """On one service; a request has `most` bytes at most, and what was asked is kept in the database at `url`."""

    def __init__(self, service: Service, most: int, url: str | None = None) -> None:
        self._service = service
        self._most = most
        self._asking = Asking(service)
        self._register = Register(url)
        self._written = Written()
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="api")
        self._large = ThreadPoolExecutor(LARGE_THREADS, thread_name_prefix="api large")

    async def forecast(self, request: Request) -> Response:
        """Answers with the forecasts table, or with a job whose `location` has it later.

        Of a source without a `region`, and of a table with several, all regions are forecast as one job. Figures are
        repaired as the pages repair them; where it is not clear how a table is meant, the answer is the question (422).
        """
        content, packs = await body_of(request, self._most), _packs(request)
        threads = self._large if len(content) > LARGE else self._threads
        answer, wait, response = await self._run(lambda: self._begin(content, packs), threads)
        end, pause, asked = time.monotonic() + wait, LOOK, answer.asked
        while response is None and (left := end - time.monotonic()) > 0:
            await asyncio.sleep(min(pause, left))
            pause = min(2 * pause, LONGEST_LOOK)
            answer, response = await self._run(lambda: self._look(asked, packs))
        if response is not None:
            return response
        location = f"{request.scope.get('root_path') or PREFIX}/v1/jobs/{asked.id}"
        said = {"id": asked.id, "state": answer.state, "location": location}
        return JSONResponse(said, 202, {"Location": location, "Retry-After": "1"})

    async def job(self, id: str, request: Request) -> Response:
        """Its state and progress, its forecasts when it is done, and a sentence when it failed."""
        location, packs = request.url.path, _packs(request)
        return await self._run(lambda: _answered(packed(_job(id, self._known(id), location), packs)))

    async def cancel(self, id: str, request: Request) -> Response:
        """What is finished stays; a job that is done stays done."""
        location, packs = request.url.path, _packs(request)
        return await self._run(lambda: _answered(packed(_job(id, self._cancelled(id), location), packs)))

    async def sources(self) -> Response:
        """By name, as requests call them."""
        return await self._run(lambda: JSONResponse({"sources": [_source(one) for one in sources.sources().values()]}))

    async def models(self) -> Response:
        """By name, as requests call them."""
        said = ("name", "label", "reference", "instant", "uses_covariates", "uses_holidays")
        return JSONResponse({"models": [{name: getattr(one, name) for name in said} for one in models().values()]})

    async def regions(
        self,
        request: Request,
        source: Annotated[str, Query(max_length=200, examples=["bundled"])],
        statistic: Annotated[str | None, Query(max_length=200)] = None,
    ) -> Response:
        """With what is counted there."""
        packs = _packs(request)
        return await self._run(lambda: _answered(packed(self._regions(source, statistic), packs)))

    def _begin(self, content: bytes, packs: bool) -> tuple[Answer, float, Response | None]:
        """Asks; the answer so far, the seconds that may be waited for it, and the response if there is one already."""
        question = parsed(content)
        answer = answer_of(self._asking.ask(question), self._service.queue)
        if answer.open:
            self._register.put(answer.asked, question)
        return answer, question.wait, self._finished(answer, packs)

    def _look(self, asked: Asked, packs: bool) -> tuple[Answer, Response | None]:
        answer = answer_of(asked, self._service.queue)
        return answer, self._finished(answer, packs)

    def _finished(self, answer: Answer, packs: bool) -> Response | None:
        """The answer when nothing more will come. Raises `Problem` 422 when nothing has."""
        if answer.open:
            return None
        if answer.done:
            return _answered(self._written.forecasts(answer, packs))
        wrong = [Wrong(one["model"] or "region", one["error"] or "") for one in answer.failures]
        raise Problem(422, " ".join(dict.fromkeys(one.error for one in wrong)), wrong)

    def _known(self, identity: str) -> Answer | None:
        """What has become of a job; None of one that was cancelled elsewhere. Raises `Problem` 404 or 410.

        One that this process does not know, or not any more, is asked for again as it was first.
        """
        asked = self._register.asked(identity)
        answer = answer_of(asked, self._service.queue) if asked else None
        return answer if answer and answer.known else self._asked_again(identity)

    def _cancelled(self, identity: str) -> Answer | None:
        """Ends what is not finished of a job, wherever it is fitted, and has no server begin it anew.

        One that this process does not know is asked for here first, which says what is to be ended. Raises `Problem` as
        `_known` does.
        """
        answer = self._known(identity)
        for job in answer.open if answer else ():
            self._service.cancel(job.key)
        self._register.cancel(identity)
        return answer_of(answer.asked, self._service.queue) if answer else None

    def _asked_again(self, identity: str) -> Answer | None:
        """As it was asked at first; None if it was cancelled since. Raises `Problem` 404 or 410."""
        found = self._register.question(identity) if _ID.fullmatch(identity) else None
        if found is None:
            raise _no_such_job()
        question, cancelled = found
        if cancelled:
            return None
        asked = self._asking.ask(question)
        if asked.id != identity:
            raise Problem(410, "The figures have changed since this job was asked for; ask again.")
        self._register.remember(asked)
        return answer_of(asked, self._service.queue)

    def _regions(self, source: str, statistic: str | None) -> bytes:
        panel = self._asking.figures(source)
        with blaming("statistic"):
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


def _job(identity: str, answer: Answer | None, location: str) -> bytes:
    return answer.job(location) if answer else given_up(identity, location)


def _source(one: sources.Source) -> dict[str, object]:
    named = [statistic.name for statistic in one.statistics()]
    return {"name": one.name, "label": one.label, "live": one.live, "licence": one.licence, "statistics": named}


def _packs(request: Request) -> bool:
    return "gzip" in request.headers.get("accept-encoding", "").lower()


def _answered(content: bytes) -> Response:
    """JSON, which was packed before, in a thread, rather than on the event loop by those who come after."""
    headers = {"Vary": "Accept-Encoding"} | ({"Content-Encoding": "gzip"} if is_packed(content) else {})
    return Response(content, headers=headers, media_type="application/json")
