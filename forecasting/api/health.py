"""/healthz: the process lives. /readyz: it can do its work, or what is missing, for whoever sends visitors here."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from fastapi import Request
from fastapi.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from forecasting.api.problem_details import Problem, Wrong
from forecasting.api.request_log import Watched
from forecasting.services.service import Service

#: Seconds in which the store must answer.
PATIENCE = 6.0
_STARTING = "The server is still starting."

Handler = Callable[[Request], Awaitable[Response]]


class Late:
    """ASGI: an application that is there once the server has started; until then 503."""

    def __init__(self) -> None:
        self._app: ASGIApp | None = None

    def open(self, app: ASGIApp) -> None:
        """Now it is there."""
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See the class."""
        app = self._app or Problem(503, _STARTING, headers={"Retry-After": "5"}).response()
        await app(scope, receive, send)


class Health:
    """The two routes, of a service that is given when it has started."""

    def __init__(self) -> None:
        self.service: Service | None = None

    def routes(self) -> list[BaseRoute]:
        """To stand beside the API, at the root."""
        return [_route("/healthz", self._lives), _route("/readyz", self._ready)]

    async def _lives(self, request: Request) -> Response:
        return JSONResponse({"status": "ok"})

    async def _ready(self, request: Request) -> Response:
        missing = await self._missing()
        if missing:
            sentence = " ".join(one.error for one in missing)
            return Problem(503, sentence, missing, {"Retry-After": "10"}).response()
        return JSONResponse({"status": "ready"})

    async def _missing(self) -> list[Wrong]:
        """What it cannot do its work without."""
        if self.service is None:
            return [Wrong("service", _STARTING)]
        missing = []
        try:
            trouble = await asyncio.wait_for(asyncio.to_thread(self.service.store.trouble), PATIENCE)
        except TimeoutError:
            trouble = f"It did not answer in {PATIENCE:g} seconds."
        if trouble:
            missing.append(Wrong("store", f"The store cannot be read: {trouble}"))
        if not self.service.queue.able:
            missing.append(Wrong("workers", self.service.queue.trouble or "No worker that fits models is ready yet."))
        return missing


def _route(path: str, handler: Handler) -> Route:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        answer = await handler(request) if scope["method"] in ("GET", "HEAD") else _not_allowed()
        await answer(scope, receive, send)

    return Route(path, endpoint=Watched(app, template=path))


def _not_allowed() -> Response:
    return Problem(405, "Only GET is answered here.", headers={"Allow": "GET, HEAD"}).response()
