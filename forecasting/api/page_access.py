"""Page access: limits pages per address, and refuses foreign host names and WebSockets of other sites."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from ipaddress import ip_address
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from forecasting.api.rate_limit import client_network

log = logging.getLogger(__name__)

#: Close code of a WebSocket that is refused; the client gets status 403.
REFUSED = 1008


class PageAccessMiddleware:
    """ASGI middleware that refuses pages.

    An open page is a WebSocket, a session and a thread. One that another site's page asks for is refused before Streamlit
    sees it, which would ask the internet for this machine's address and make everybody wait meanwhile.

    Args:
        max_pages: pages that one address may have open. Loopback is not counted: a proxy that does not forward the
            client's address stands for everybody.
        hosts: names of this server; empty allows any. A foreign name that resolves to this server would be of the same
            origin to a browser (DNS rebinding).
        origins: returns the other sites whose pages may open WebSockets here.
    """

    def __init__(
        self, app: ASGIApp, max_pages: int, hosts: Sequence[str] = (), origins: Callable[[], Iterable[str]] = tuple
    ) -> None:
        self._app = app
        self._max_pages = max_pages
        self._hosts = frozenset(hosts)
        self._origins = origins
        self._open: Counter[str] = Counter()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse or pass on one connection (ASGI)."""
        if scope["type"] == "websocket":
            await self._open_page(scope, receive, send)
        elif scope["type"] == "http" and not self._has_known_host(Headers(scope=scope)):
            await PlainTextResponse("This server is not called that.\n", 400)(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    async def _open_page(self, scope: Scope, receive: Receive, send: Send) -> None:
        client = _client(scope)
        if why := self._why_not(Headers(scope=scope), client):
            log.warning("A page was refused: %s.", why)
            await receive()
            await send({"type": "websocket.close", "code": REFUSED})
            return
        self._open[client] += 1
        try:
            await self._app(scope, receive, send)
        finally:
            self._open[client] -= 1
            if not self._open[client]:
                del self._open[client]

    def _why_not(self, headers: Headers, client: str) -> str:
        """Say why a WebSocket is refused; empty if it is not."""
        if not self._has_known_host(headers):
            return "it asked for another name than this server's"
        origin = headers.get("origin")
        if origin is not None and not self._same_origin(origin, headers) and origin not in self._origins():
            return "another site's page asked for it"
        if client and self._open[client] >= self._max_pages:
            return f"one address has {self._max_pages} open"
        return ""

    def _has_known_host(self, headers: Headers) -> bool:
        return not self._hosts or _host_name(headers.get("host", "")) in self._hosts

    @staticmethod
    def _same_origin(origin: str, headers: Headers) -> bool:
        with suppress(ValueError):
            return urlsplit(origin).netloc == headers.get("host")
        return False


def _host_name(host: str) -> str:
    """Return the name in a Host header, without the port."""
    with suppress(ValueError):
        return urlsplit(f"//{host}").hostname or ""
    return ""


def _client(scope: Scope) -> str:
    """Return the address that a connection is counted for; empty for this machine."""
    address = (scope.get("client") or ("",))[0]
    with suppress(ValueError):
        if ip_address(address).is_loopback:
            return ""
    return client_network(address) if address else ""
