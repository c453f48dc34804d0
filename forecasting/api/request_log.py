"""Request log: middleware that gives every request to the API an id, a log line, security headers and no traceback."""

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
from forecasting.monitoring.request_record import Observer, RequestRecord

log = logging.getLogger(__name__)
#: Logger with one JSON object a request; never data, keys, addresses or query strings.
request_logger = logging.getLogger("forecasting.requests")

#: Header with the id of a request.
REQUEST_ID = "X-Request-ID"
#: Methods that are recorded by name; an arbitrary one would be a time series of the metrics forever.
METHODS = frozenset(("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT"))
_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
#: Status of a request whose client has disconnected before the response, as nginx writes it.
CLIENT_CLOSED = 499
#: Security headers of every response of the API.
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}


def log_request(request: RequestRecord) -> None:
    """Write the log line of a request; an `Observer`."""
    request_logger.info("%s", json.dumps(asdict(request)))


#: Called with every answered request; metrics and history add themselves.
OBSERVERS: list[Observer] = [log_request]


def log_to_stderr() -> None:
    """Write the lines of `request_logger` to stderr as they are, whatever else is logged; more than once does no harm."""
    if not request_logger.handlers:
        handler = logging.StreamHandler(sys.stderr)
        handler.setFormatter(logging.Formatter("%(message)s"))
        request_logger.addHandler(handler)
        request_logger.setLevel(logging.INFO)
        request_logger.propagate = False


def silence_uvicorn() -> None:
    """Disable those log lines of uvicorn that contain addresses and query strings, and tracebacks of what clients send."""
    logging.getLogger("uvicorn.access").disabled = True
    logging.getLogger("uvicorn.error").addFilter(_without_addresses)


def _without_addresses(record: logging.LogRecord) -> bool:
    text = str(record.msg)
    if text.startswith("Invalid UTF-8"):  # in a WebSocket's text, which anybody can send; it ends the connection
        record.exc_info = None
    return record.levelno > logging.INFO or not ("WebSocket" in text or text.startswith("connection "))


class RequestLogMiddleware:
    """ASGI middleware for request ids, log lines and headers.

    Args:
        prefix: of the path templates of the routes of `app`.
        template: the path template of an `app` with one route.
    """

    def __init__(self, app: ASGIApp, prefix: str = "", template: str = "") -> None:
        self._app = app
        self._prefix = prefix
        self._template = template

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request (ASGI)."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        received, start, status = datetime.now(UTC), time.perf_counter(), 0
        given = Headers(scope=scope).get(REQUEST_ID, "")
        identity = given if _ID.fullmatch(given) else uuid.uuid4().hex
        scope.setdefault("state", {})
        mount = scope.get("route")  # of the app that this one is mounted in

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
            status = CLIENT_CLOSED
        except Exception as error:
            log.error("Request %s failed: %s", identity, traceback_without_message(error))
            if status == 0:
                await server_fault(identity).response()(scope, receive, sending)
            status = 500
        finally:
            ms = round(1000 * (time.perf_counter() - start), 3)
            record = RequestRecord(
                received.isoformat(timespec="milliseconds"),
                identity,
                scope["method"] if scope["method"] in METHODS else "-",
                self._template or self._route(scope, mount),
                status or CLIENT_CLOSED,
                ms,
                scope["state"].get("key", ""),
            )
            for observe in OBSERVERS:
                observe(record)

    def _route(self, scope: Scope, mount: object) -> str:
        route = scope.get("route")
        path = "" if route is mount else getattr(route, "path_format", "")
        return self._prefix + path if path else "-"


def server_fault(identity: str) -> Problem:
    """Return the problem that a client gets for an unexpected error."""
    return Problem(500, f"The server has a fault; its log has more under {identity}.")


def traceback_without_message(error: BaseException) -> str:
    """Return the type and traceback of an error without its message, which may quote data."""
    frames = "".join(traceback.format_tb(error.__traceback__))
    return f"{type(error).__module__}.{type(error).__name__}\n{frames}"
