"""The HTML page that every browser gets first: its outline while Streamlit's scripts load, its title, and addresses with slashes.

Only for `server.py`, which has the answers of Streamlit in its hands; `streamlit run streamlit_app.py` sends the page as it is.
"""

from __future__ import annotations

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import RedirectResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ui.shell.navigation import APP

#: How Streamlit's page is told from others: where its scripts put all that is seen.
ROOT = b'<div id="root"></div>'
#: The title that it comes with.
TITLE = b"<title>Streamlit</title>"
#: What is not true of it any more once it is changed.
STALE = ("etag", "last-modified", "content-length")
#: Bars where menu, sidebar, answer and chart will be, as long as there is nothing else.
OUTLINE = b"""<style>
#root:empty { --bar: #1f273312; --page: #fff; --side: #f4f6f9; position: fixed; inset: 0; background:
  linear-gradient(var(--bar) 0 0) 20px 14px / 180px 28px, linear-gradient(var(--bar) 0 0) 355px 66px / 220px 20px,
  linear-gradient(var(--bar) 0 0) 355px 110px / min(520px, 60vw) 34px, linear-gradient(var(--bar) 0 0) 355px 200px / calc(100vw - 430px) 470px,
  linear-gradient(var(--side) 0 0) 0 0 / 282px 100%, var(--page); background-repeat: no-repeat; }
@media (max-width: 768px) { #root:empty { background: linear-gradient(var(--bar) 0 0) 15px 14px / 180px 28px,
  linear-gradient(var(--bar) 0 0) 15px 66px / 60vw 20px, linear-gradient(var(--bar) 0 0) 15px 152px / calc(100vw - 30px) 60px,
  linear-gradient(var(--bar) 0 0) 15px 322px / calc(100vw - 30px) 470px, var(--page); background-repeat: no-repeat; } }
@media (prefers-color-scheme: dark) { #root:empty { --bar: #f3f5f812; --page: #0e1420; --side: #18202e; } }
</style></head>"""


class IndexPageMiddleware:
    """ASGI middleware that gives Streamlit's page an outline and the app's title.

    A browser at an address with a slash in it would look for the page's scripts beside that address, in vain, and stay
    blank; it is led to one without, where the page says that there is none.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request (ASGI)."""
        if (
            scope["type"] != "http"
            or scope["method"] != "GET"
            or "text/html" not in Headers(scope=scope).get("accept", "")
        ):
            await self._app(scope, receive, send)
            return
        await self._app(_without(scope, b"accept-encoding"), receive, _Rewriting(scope, receive, send))


class _Rewriting:
    """Keeps back an HTML answer until it is complete, and sends another in its place where it is Streamlit's page."""

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._scope, self._receive, self._send = scope, receive, send
        self._start: Message | None = None
        self._body = b""

    async def __call__(self, message: Message) -> None:
        """Take one message of the answer."""
        if message["type"] == "http.response.start" and "text/html" in Headers(raw=message["headers"]).get(
            "content-type", ""
        ):
            self._start = message
        elif self._start is None or message["type"] != "http.response.body":
            await self._send(message)
        else:
            self._body += message.get("body", b"")
            if not message.get("more_body"):
                await self._finish(self._start)

    async def _finish(self, start: Message) -> None:
        path = self._scope["path"].strip("/")
        if ROOT in self._body and "/" in path:
            address = f"{self._scope.get('root_path', '')}/{path.replace('/', '-')}"
            await RedirectResponse(address)(self._scope, self._receive, self._send)
            return
        if ROOT in self._body:
            self._body = self._body.replace(TITLE, f"<title>{APP}</title>".encode()).replace(b"</head>", OUTLINE)
            headers = MutableHeaders(scope=start)
            for name in STALE:
                del headers[name]
            headers["content-length"] = str(len(self._body))
        await self._send(start)
        await self._send({"type": "http.response.body", "body": self._body})


def _without(scope: Scope, header: bytes) -> Scope:
    return {**scope, "headers": [(name, value) for name, value in scope["headers"] if name != header]}
