"""Security headers of every response that is not the API's: pages, their files, downloads and metrics.

Responses of the API have stricter ones of their own (`request_log`), which are not replaced.
"""

from __future__ import annotations

import base64
import hashlib
import logging
import re
from collections.abc import Mapping
from pathlib import Path

from starlette.datastructures import MutableHeaders
from starlette.requests import ClientDisconnect
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from forecasting.api.request_log import traceback_without_message
from forecasting.support import settings

log = logging.getLogger(__name__)

#: Headers of every response: no content sniffing, no referrer or resources for other sites, no use of devices.
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}
#: Path of downloads, which browsers save rather than show.
DOWNLOADS = "/media/"
#: Content-Security-Policy of downloads: one that is shown nevertheless can run nothing.
DOWNLOAD_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; sandbox"
_SCRIPT = re.compile(r"<script(?![^>]*\ssrc=)[^>]*>(.*?)</script>", re.DOTALL)


def content_security_policy(page: str, ancestors: str) -> str:
    """Return the Content-Security-Policy of the app's `page`, which sites named by `ancestors` may frame.

    Components are loaded as blobs, and styles are set inline. Inline scripts are allowed by their hashes, and no others.
    """
    hashes = [base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() for script in _SCRIPT.findall(page)]
    parts = {
        "default-src": "'self'",
        "script-src": " ".join(["'self'", "blob:", *(f"'sha256-{digest}'" for digest in hashes)]),
        "style-src": "'self' 'unsafe-inline'",
        "img-src": "'self' data: blob:",
        "font-src": "'self' data:",
        "worker-src": "'self' blob:",
        "object-src": "'none'",
        "frame-src": "'none'",
        "base-uri": "'none'",
        "form-action": "'self'",
        "frame-ancestors": ancestors,
    }
    return "; ".join(f"{name} {value}" for name, value in parts.items())


def page_headers(page: Path) -> dict[str, str]:
    """Return all headers of the app whose HTML page is in a file. Raises `RequestError` for `FORECAST_FRAME_ANCESTORS`."""
    ancestors = settings.frame_ancestors()
    older = {"'self'": "SAMEORIGIN", "'none'": "DENY"}.get(ancestors)
    framing = {"X-Frame-Options": older} if older else {}  # it cannot name sites, and browsers put the policy first
    return (
        HEADERS
        | framing
        | {"Content-Security-Policy": content_security_policy(page.read_text(encoding="utf-8"), ancestors)}
    )


class SecurityHeadersMiddleware:
    """ASGI middleware that adds `headers` which a response has not, and logs errors without their messages.

    The message of an error may quote what a client has sent.
    """

    def __init__(self, app: ASGIApp, headers: Mapping[str, str]) -> None:
        self._app = app
        self._headers = dict(headers)
        self._downloads = self._headers | {"Content-Security-Policy": DOWNLOAD_POLICY}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request or WebSocket (ASGI)."""
        if scope["type"] == "websocket":
            await self._websocket(scope, receive, send)
        elif scope["type"] == "http":
            await self._http(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    async def _websocket(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await self._app(scope, receive, send)
        except Exception as error:  # Streamlit lets clients' nonsense through; uvicorn closes what was left open
            log.warning("The connection of a page has ended: %s", type(error).__name__)

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = self._downloads if scope["path"].startswith(DOWNLOADS) else self._headers
        started = False

        async def sending(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                given = MutableHeaders(scope=message)
                for name, value in headers.items():
                    given.setdefault(name, value)
            await send(message)

        try:
            await self._app(scope, receive, sending)
        except ClientDisconnect:
            return
        except Exception as error:
            log.error("A request to the pages failed: %s", traceback_without_message(error))
            if not started:
                await PlainTextResponse("The server has a fault; its log has more.\n", 500)(scope, receive, sending)
