"""Who may open a page: from which addresses and names, how many at a time, and no other site in a visitor's name."""

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

from forecasting.api.rate_limit import neighbours

log = logging.getLogger(__name__)

#: What a WebSocket is closed with that was never accepted: the client gets status 403.
REFUSED = 1008


class Visitors:
    """ASGI: `app` for those who may have it.

    An open page is a WebSocket here, a session and a thread. One that another site's page asks for is refused before
    Streamlit sees it: Streamlit would ask the internet for this machine's address, and everybody would wait meanwhile.

    Args:
        most: pages that one address may have open. This machine's own are not counted: a proxy that does not say whom it
            speaks for stands for everybody.
        hosts: the names that this server is called by; any where there are none. A page on a name of somebody else's
            that leads here would be of the same origin to a browser (DNS rebinding).
        origins: of other sites whose pages may open WebSockets here, asked for anew each time.
    """

    def __init__(
        self, app: ASGIApp, most: int, hosts: Sequence[str] = (), origins: Callable[[], Iterable[str]] = tuple
    ) -> None:
        self._app = app
        self._most = most
        self._hosts = frozenset(hosts)
        self._origins = origins
        self._open: Counter[str] = Counter()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See the class."""
        if scope["type"] == "websocket":
            await self._page(scope, receive, send)
        elif scope["type"] == "http" and not self._named(Headers(scope=scope)):
            await PlainTextResponse("This server is not called that.\n", 400)(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    async def _page(self, scope: Scope, receive: Receive, send: Send) -> None:
        who = _who(scope)
        if why := self._why_not(Headers(scope=scope), who):
            log.warning("A page was refused: %s.", why)
            await receive()
            await send({"type": "websocket.close", "code": REFUSED})
            return
        self._open[who] += 1
        try:
            await self._app(scope, receive, send)
        finally:
            self._open[who] -= 1
            if not self._open[who]:
                del self._open[who]

    def _why_not(self, headers: Headers, who: str) -> str:
        """In a word, why a WebSocket is refused; empty where it is not."""
        if not self._named(headers):
            return "it asked for another name than this server's"
        origin = headers.get("origin")
        if origin is not None and not self._own(origin, headers) and origin not in self._origins():
            return "another site's page asked for it"
        if who and self._open[who] >= self._most:
            return f"one address has {self._most} open"
        return ""

    def _named(self, headers: Headers) -> bool:
        return not self._hosts or _name(headers.get("host", "")) in self._hosts

    @staticmethod
    def _own(origin: str, headers: Headers) -> bool:
        with suppress(ValueError):
            return urlsplit(origin).netloc == headers.get("host")
        return False


def _name(host: str) -> str:
    """The name in a Host header, without the port."""
    with suppress(ValueError):
        return urlsplit(f"//{host}").hostname or ""
    return ""


def _who(scope: Scope) -> str:
    """Whom an address is counted as; empty for this machine."""
    address = (scope.get("client") or ("",))[0]
    with suppress(ValueError):
        if ip_address(address).is_loopback:
            return ""
    return neighbours(address) if address else ""
