"""Headers of every answer that is not the API's: the pages, their files, downloads and metrics.

What the API answers has stricter ones of its own (`watching`), which stay as they are.
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

from forecasting.api.request_log import where
from forecasting.support import settings

log = logging.getLogger(__name__)

#: Nothing is guessed from content, nothing told to other sites or loaded by them, and no page asks for these devices.
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}
#: Where downloads wait. They are saved; whoever has a browser show one instead gets a document that can do nothing.
DOWNLOADS = "/media/"
HARMLESS = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; sandbox"
_SCRIPT = re.compile(r"<script(?![^>]*\ssrc=)[^>]*>(.*?)</script>", re.DOTALL)


def policy(page: str, ancestors: str) -> str:
    """The Content-Security-Policy of the app's `page`, which sites named by `ancestors` may frame.

    Components are modules that the app makes blobs of; styles are set as it goes. Scripts that stand in the page are
    named by their hashes: nothing else that stands in a page runs.
    """
    hashes = [base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() for script in _SCRIPT.findall(page)]
    parts = {
        "default-src": "'self'",
        "script-src": " ".join(["'self'", "blob:", *(f"'sha256-{one}'" for one in hashes)]),
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


def of_pages(page: Path) -> dict[str, str]:
    """All headers for the app whose page is in this file. Raises `RequestError` for `FORECAST_FRAME_ANCESTORS`."""
    ancestors = settings.frame_ancestors()
    older = {"'self'": "SAMEORIGIN", "'none'": "DENY"}.get(ancestors)
    framing = {"X-Frame-Options": older} if older else {}  # it cannot name sites, and browsers put the policy first
    return HEADERS | framing | {"Content-Security-Policy": policy(page.read_text(encoding="utf-8"), ancestors)}


class Guarded:
    """ASGI: `app` with these `headers` where an answer has none of its own, and without tracebacks in the log.

    The message of an error may quote what was asked or sent; the log has its kind and lines alone.
    """

    def __init__(self, app: ASGIApp, headers: Mapping[str, str]) -> None:
        self._app = app
        self._headers = dict(headers)
        self._downloads = self._headers | {"Content-Security-Policy": HARMLESS}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See the class."""
        if scope["type"] == "websocket":
            await self._page(scope, receive, send)
        elif scope["type"] == "http":
            await self._answer(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    async def _page(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await self._app(scope, receive, send)
        except Exception as error:  # Streamlit lets clients' nonsense through; uvicorn closes what was left open
            log.warning("A page's connection has ended: %s", type(error).__name__)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
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
            log.error("A request to the pages went wrong: %s", where(error))
            if not started:
                await PlainTextResponse("The server has a fault; its log has more.\n", 500)(scope, receive, sending)
