"""Addresses for programs (the API, health, metrics): spelled otherwise they are 404 with a sentence, and no HTML page.

Streamlit answers every address that nobody else knows with its page, for a page's address may be one that only a script knows; a
program that asks for /API/v1/models would take that for an answer.
"""

from __future__ import annotations

from starlette.types import ASGIApp, Receive, Scope, Send

from forecasting.api.problem_details import Problem
from forecasting.api.request_log import RequestLogMiddleware

#: What such addresses begin with.
NAMES = ("api", "healthz", "readyz", "metrics")
#: The one of them that is a folder, and no address itself.
FOLDER = "/api"


class MachineAddressMiddleware:
    """ASGI middleware that answers 404 to other spellings of those addresses."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._refusing = RequestLogMiddleware(_refuse)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request (ASGI)."""
        misspelled = scope["type"] == "http" and is_misspelled(scope["path"])
        await (self._refusing if misspelled else self._app)(scope, receive, send)


def is_misspelled(path: str) -> bool:
    """Whether a path would be one of those addresses, were it not for capital letters or a missing rest."""
    first = path.lstrip("/").partition("/")[0]
    return first.lower() in NAMES and (first.lower() != first or path == FOLDER)


async def _refuse(scope: Scope, receive: Receive, send: Send) -> None:
    sentence = "There is nothing at this address, which is written in small letters; /api/docs lists what there is."
    await Problem(404, sentence).response()(scope, receive, send)
