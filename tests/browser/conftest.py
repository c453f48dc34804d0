"""A real Chromium on the real server. Whatever a visitor's console complains of fails the test."""

import re

import pytest
from app_server import AppServer
from browsers import launched
from explore_page import ExplorePage

#: Seconds for anything that a busy machine may take its time over, fits included.
PATIENCE = 60


@pytest.fixture(scope="module")
def chromium():
    """The browser; gone when other modules have event loops of their own."""
    with launched(PATIENCE) as browser:
        yield browser


@pytest.fixture(scope="session")
def _server(tmp_path_factory):
    with AppServer(tmp_path_factory.mktemp("home")) as server:
        yield server


@pytest.fixture
def server(_server):
    """One server for all modules; its home is new."""
    yield _server
    assert not _server.tracebacks(), _server.log.read_text()


@pytest.fixture(scope="module")
def server_url(_server):
    """The address of that server."""
    return _server.url


class Visitors:
    """Opens pages as separate people, and remembers what their browsers complained of."""

    def __init__(self, browser):
        self._browser = browser
        self._contexts = []
        self.complaints = []

    def open(self, url, page="", width=1280, height=900, reduced_motion="reduce", **context):
        """A new visitor at `url`, at `page` of it; other arguments are playwright's for a browser context.

        Nothing moves for its own sake unless that is asked for: every frame of a spinner is drawn by the processor.
        """
        size = {"width": width, "height": height}
        made = self._browser.new_context(viewport=size, reduced_motion=reduced_motion, **context)
        made.set_default_timeout(1000 * PATIENCE)
        self._contexts.append(made)
        self._listen(made, url)
        explore = ExplorePage(made.new_page(), url)
        explore.goto(page)
        return explore

    def dismiss(self, page):
        """A visitor leaves; whatever the browser still complains of does not count."""
        self._contexts.remove(page.tab.context)
        page.tab.context.close()

    def close(self):
        """All leave."""
        for context in self._contexts:
            context.close()

    def _listen(self, context, url):
        def say(complaint):
            if context in self._contexts:
                self.complaints.append(complaint)

        context.on("console", lambda message: _error(message) and say(f"console: {message.text}"))
        context.on("weberror", lambda error: say(f"script: {error.error}"))
        context.on(
            "requestfailed", lambda request: _aborted(request) or say(f"failed: {request.url} {request.failure}")
        )
        context.on("response", lambda answer: _refused(answer) and say(f"{answer.status}: {answer.url}"))
        context.on("request", lambda request: _strange(request.url, url) and say(f"elsewhere: {request.url}"))


def _error(message):
    return message.type == "error" and not _guess(message.location["url"])


def _aborted(request):
    """A page that is left drops what it was loading; a download does too."""
    return "ERR_ABORTED" in (request.failure or "")


def _refused(answer):
    return answer.status >= 400 and not _guess(answer.url)


def _guess(address):
    """On a deep link (``/methods``) Streamlit first asks whether the server lives below that path."""
    return re.search(
        r"/(explore|methods|monitor|regions|compare|time_machine|your_data)/_stcore/(health|host-config)$", address
    )


def _strange(address, url):
    return not address.startswith((url, "data:", "blob:", "about:"))


@pytest.fixture
def visitors(chromium):
    visitors = Visitors(chromium)
    yield visitors
    visitors.close()
    assert not visitors.complaints


@pytest.fixture(scope="module")
def module_visitors(chromium):
    """Visitors who stay for all tests of a module, each of which leaves their pages as they were."""
    visitors = Visitors(chromium)
    yield visitors
    visitors.close()
    assert not visitors.complaints
