"""Health checks for load balancers: /healthz (the process runs) and /readyz (store and workers can be used)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from fastapi import Request
from fastapi.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from forecasting.api.problem_details import InvalidField, Problem
from forecasting.api.request_log import RequestLogMiddleware
from forecasting.services.service import Service

#: Seconds in which the store must answer.
STORE_TIMEOUT = 6.0
_STARTING = "The server is still starting."

Handler = Callable[[Request], Awaitable[Response]]


class DeferredApp:
    """ASGI: an application that is set once the server has started; until then it answers 503."""

    def __init__(self) -> None:
        self._app: ASGIApp | None = None

    def set_app(self, app: ASGIApp) -> None:
        """Pass requests on to `app` from now on."""
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or answer 503 (ASGI)."""
        app = self._app or Problem(503, _STARTING, headers={"Retry-After": "5"}).response()
        await app(scope, receive, send)


class HealthChecks:
    """The two routes; `service` is set once it has started."""

    def __init__(self) -> None:
        self.service: Service | None = None

    def routes(self) -> list[BaseRoute]:
        """Return both routes, for the root of the server."""
        return [_route("/healthz", self._healthz), _route("/readyz", self._readyz)]

    async def _healthz(self, request: Request) -> Response:
        return JSONResponse({"status": "ok"})

    async def _readyz(self, request: Request) -> Response:
        missing = await self._missing()
        if missing:
            sentence = " ".join(one.error for one in missing)
            return Problem(503, sentence, missing, {"Retry-After": "10"}).response()
        return JSONResponse({"status": "ready"})

    async def _missing(self) -> list[InvalidField]:
        """List what it needs and does not have."""
        if self.service is None:
            return [InvalidField("service", _STARTING)]
        missing = []
        try:
            trouble = await asyncio.wait_for(asyncio.to_thread(self.service.store.trouble), STORE_TIMEOUT)
        except TimeoutError:
            trouble = f"It did not answer in {STORE_TIMEOUT:g} seconds."
        if trouble:
            missing.append(InvalidField("store", f"The store cannot be used: {trouble}"))
        if not self.service.queue.can_fit:
            missing.append(
                InvalidField("workers", self.service.queue.trouble or "No worker that fits models is ready yet.")
            )
        return missing


def _route(path: str, handler: Handler) -> Route:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        answer = await handler(request) if scope["method"] in ("GET", "HEAD") else _not_allowed()
        await answer(scope, receive, send)

    return Route(path, endpoint=RequestLogMiddleware(app, template=path))


def _not_allowed() -> Response:
    return Problem(405, "Only GET is answered here.", headers={"Allow": "GET, HEAD"}).response()
