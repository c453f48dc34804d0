"""Watched: what every answer of the API has in common, whatever gave it: an id, a line in the log, headers, no traceback."""

from __future__ import annotations

import json
import logging
import re
import sys
import time
import traceback
import uuid
from dataclasses import asdict
from datetime import UTC, datetime

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from forecasting.api.problem_details import Problem
from forecasting.monitoring.answered import Answered, Observer

log = logging.getLogger(__name__)
#: One JSON object a request; never figures, keys, addresses, or what stands behind a question mark.
lines = logging.getLogger("forecasting.requests")

REQUEST_ID = "X-Request-ID"
#: Others are not told apart: each would be a line of the metrics for ever.
METHODS = frozenset(("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT"))
_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
#: The status of a client who left before there was an answer, as proxies write it.
LEFT = 499
#: Nothing of an answer is run, framed, kept or told to others.
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}


def write(answered: Answered) -> None:
    """The `Observer` that writes the log."""
    lines.info("%s", json.dumps(asdict(answered)))


#: Who is told of every request: whoever wants to count them appends himself.
OBSERVERS: list[Observer] = [write]


def log_to_stderr() -> None:
    """Has the lines written as they are, whatever the server does with its own; more than once does no harm."""
    if not lines.handlers:
        handler = logging.StreamHandler(sys.stderr)
        handler.setFormatter(logging.Formatter("%(message)s"))
        lines.addHandler(handler)
        lines.setLevel(logging.INFO)
        lines.propagate = False


def hush() -> None:
    """Has uvicorn keep who asked for what to itself: it would write addresses, and what stands behind question marks."""
    logging.getLogger("uvicorn.access").disabled = True
    logging.getLogger("uvicorn.error").addFilter(_says_nobody)


def _says_nobody(record: logging.LogRecord) -> bool:
    said = str(record.msg)
    return record.levelno > logging.INFO or not ("WebSocket" in said or said.startswith("connection "))


class Watched:
    """ASGI: `app` with all that. `prefix` stands before the templates of its routes; `template` is for an app of one."""

    def __init__(self, app: ASGIApp, prefix: str = "", template: str = "") -> None:
        self._app = app
        self._prefix = prefix
        self._template = template

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See the class."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        came, start, status = datetime.now(UTC), time.perf_counter(), 0
        given = Headers(scope=scope).get(REQUEST_ID, "")
        identity = given if _ID.fullmatch(given) else uuid.uuid4().hex
        scope.setdefault("state", {})
        outside = scope.get("route")  # where this is mounted, which says nothing

        async def sending(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                headers[REQUEST_ID] = identity
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        try:
            await self._app(scope, receive, sending)
        except ClientDisconnect:
            status = LEFT
        except Exception as error:
            log.error("Request %s went wrong: %s", identity, where(error))
            if status == 0:
                await fault(identity).response()(scope, receive, sending)
            status = 500
        finally:
            ms = round(1000 * (time.perf_counter() - start), 3)
            answered = Answered(
                came.isoformat(timespec="milliseconds"),
                identity,
                scope["method"] if scope["method"] in METHODS else "-",
                self._template or self._route(scope, outside),
                status or LEFT,
                ms,
                scope["state"].get("key", ""),
            )
            for observe in OBSERVERS:
                observe(answered)

    def _route(self, scope: Scope, outside: object) -> str:
        route = scope.get("route")
        path = "" if route is outside else getattr(route, "path_format", "")
        return self._prefix + path if path else "-"


def fault(identity: str) -> Problem:
    """What a client is told of a fault of the program."""
    return Problem(500, f"The server has a fault; its log has more under {identity}.")


def where(error: BaseException) -> str:
    """The kind of an error and the lines that led to it, without its message, which may quote figures."""
    frames = "".join(traceback.format_tb(error.__traceback__))
    return f"{type(error).__module__}.{type(error).__name__}\n{frames}"
