"""What a browser gets first from `server.py`."""

import asyncio

import httpx
import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.responses import FileResponse, HTMLResponse, PlainTextResponse
from starlette.routing import Route

from ui.shell.index_page import OUTLINE, IndexPageMiddleware
from ui.shell.streamlit_internals import INDEX_PAGE

BROWSER = {"Accept": "text/html,*/*", "Accept-Encoding": "gzip"}


@pytest.fixture
def get():
    """``get("/methods")`` is the answer that a browser gets."""

    def page(request):
        return FileResponse(INDEX_PAGE, headers={"X-Kept": "yes"})

    def other(request):
        return HTMLResponse("<html><head></head>The API</html>")

    def data(request):
        return PlainTextResponse("figures")

    routes = [Route("/api/docs", other), Route("/data", data), Route("/{rest:path}", page)]
    app = Starlette(routes=routes, middleware=[Middleware(IndexPageMiddleware)])

    async def ask(path):
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://here") as client:
            return await client.get(path, headers=BROWSER)

    return lambda path: asyncio.run(ask(path))


def test_streamlit_s_page_has_an_outline_and_the_app_s_title_until_its_scripts_are_there(get):
    answer = get("/methods")
    assert answer.status_code == 200
    assert "<title>Forecast Explorer</title>" in answer.text
    assert "Streamlit</title>" not in answer.text
    assert answer.content.count(OUTLINE) == 1
    assert answer.headers["X-Kept"] == "yes"
    assert "etag" not in answer.headers
    assert int(answer.headers["content-length"]) == len(answer.content)


def test_an_address_with_slashes_leads_to_one_without(get):
    answer = get("/no/where")
    assert (answer.status_code, answer.headers["location"]) == (307, "/no-where")


@pytest.mark.parametrize(("path", "text"), [("/api/docs", "<html><head></head>The API</html>"), ("/data", "figures")])
def test_other_answers_stay_as_they_are(get, path, text):
    assert get(path).text == text
