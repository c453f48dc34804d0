"""A real Chromium on the real server. Whatever a visitor's console complains of fails the test."""

import asyncio
import re
from contextlib import ExitStack
from pathlib import Path

import pytest
from app_server import AppServer
from browsers import launched
from explore_page import ExplorePage
from playwright.sync_api import Error

#: Seconds for anything that a busy machine may take its time over, fits included.
PATIENCE = 60


class FolderBrowser:
    """One browser and its tabs for the tests of this folder; it is gone before others have event loops of their own."""

    def __init__(self):
        self._open = ExitStack()
        self._browser = self._tabs = None

    @property
    def browser(self):
        if self._browser is None:
            self._browser = self._open.enter_context(launched(PATIENCE))
            self._tabs = Tabs(self._browser)
        return self._browser

    @property
    def tabs(self):
        """Tabs that visitors have one after the other."""
        assert self.browser
        return self._tabs

    def close(self):
        self._open.close()
        self._browser = self._tabs = None
        with pytest.raises(RuntimeError, match="no running event loop"):
            asyncio.get_running_loop()


HERE, FOLDER_BROWSER = Path(__file__).parent, FolderBrowser()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item, nextitem):
    """Close the browser after the last test of this folder, however that ended."""
    try:
        return (yield)
    finally:
        if nextitem is None or nextitem.path.parent != HERE:
            FOLDER_BROWSER.close()


@pytest.fixture(scope="module")
def chromium():
    """The browser."""
    return FOLDER_BROWSER.browser


@pytest.fixture(scope="session")
def _server(tmp_path_factory):
    with AppServer(tmp_path_factory.mktemp("home")) as server:
        yield server


@pytest.fixture
def server(_server):
    """One server for all modules; its home is new."""
    before = len(_server.tracebacks())
    yield _server
    assert not _server.tracebacks()[before:], _server.log.read_text()


@pytest.fixture(scope="module")
def server_url(_server):
    """The address of that server."""
    return _server.url


class Tabs:
    """Tabs of visitors who have left, for those who come next.

    Most of what a page costs is that a new tab reads its scripts; one that has read them before keeps what it made of them,
    and nothing else that a page could ask for.
    """

    def __init__(self, browser):
        self._browser = browser
        self._left = []

    def take(self, width, height, reduced_motion, color_scheme="light", **context):
        """A tab of a context of its own; whoever asks for more than size, motion and colours has a new one."""
        media = {"reduced_motion": reduced_motion, "color_scheme": color_scheme}
        if self._left and not context:
            tab = self._left.pop()
            tab.set_viewport_size({"width": width, "height": height})
            tab.emulate_media(**media)
            return tab
        made = self._browser.new_context(viewport={"width": width, "height": height}, **media, **context)
        made.set_default_timeout(1000 * PATIENCE)
        return made.new_page()

    def leave(self, tab):
        """Forget who was there, as far as a page could know: what it has stored, and which pages were before it."""
        for other in tab.context.pages:
            if other != tab:
                other.close()
        try:
            tab.evaluate("() => { localStorage.clear(); sessionStorage.clear(); }")
        except Error:  # it has crashed, or is on its way to another page
            tab.context.close()
            return
        tab.context.clear_cookies()
        tab.mouse.move(0, 0)
        tab.goto("about:blank")
        session = tab.context.new_cdp_session(tab)
        session.send("Page.resetNavigationHistory")
        session.detach()
        self._left.append(tab)


class Visitors:
    """Opens pages as separate people, and remembers what their browsers complained of."""

    def __init__(self, tabs):
        self._tabs = tabs
        self._here = {}
        self.complaints = []

    def open(self, url, page="", width=1280, height=900, reduced_motion="reduce", **context):
        """A new visitor at `url`, at `page` of it; other arguments are playwright's for a browser context.

        Nothing moves for its own sake unless that is asked for: every frame of a spinner is drawn by the processor.
        """
        tab = self._tabs.take(width, height, reduced_motion, **context)
        self._here[tab] = self._listen(tab.context, url), not {*context} - {"color_scheme"}
        explore = ExplorePage(tab, url)
        explore.goto(page)
        return explore

    def dismiss(self, page):
        """A visitor leaves; whatever the browser still complains of does not count."""
        self._ignore(page.tab)
        page.tab.context.close()

    def close(self):
        """All leave."""
        for tab in [*self._here]:
            if self._ignore(tab) and not tab.is_closed():
                self._tabs.leave(tab)
            else:
                tab.context.close()

    def _ignore(self, tab):
        """Listen to it no longer; gives whether another visitor could have the tab."""
        listeners, plain = self._here.pop(tab)
        for event, listener in listeners.items():
            tab.context.remove_listener(event, listener)
        return plain

    def _listen(self, context, url):
        """Note complaints of a context; gives who listens, by the name of what is listened to."""
        say = self.complaints.append
        listeners = {
            "console": lambda message: _error(message) and say(f"console: {message.text}"),
            "weberror": lambda error: say(f"script: {error.error}"),
            "requestfailed": lambda request: _aborted(request) or say(f"failed: {request.url} {request.failure}"),
            "response": lambda answer: _refused(answer) and say(f"{answer.status}: {answer.url}"),
            "request": lambda request: _strange(request.url, url) and say(f"elsewhere: {request.url}"),
        }
        for event, listener in listeners.items():
            context.on(event, listener)
        return listeners


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
        r"/(explore|methods|monitor|regions|compare|time_machine|desk|your_data|nowhere)/_stcore/(health|host-config)$",
        address,
    )


def _strange(address, url):
    return not address.startswith((url, "data:", "blob:", "about:"))


@pytest.fixture(scope="module")
def tabs():
    """Tabs that visitors have one after the other."""
    return FOLDER_BROWSER.tabs


@pytest.fixture
def visitors(tabs):
    """Visitors of a test, none of whose browsers may complain."""
    visitors = Visitors(tabs)
    yield visitors
    visitors.close()
    assert not visitors.complaints


@pytest.fixture(scope="module")
def module_visitors(tabs):
    """Visitors who stay for all tests of a module, each of which leaves their pages as they were."""
    visitors = Visitors(tabs)
    yield visitors
    visitors.close()
    assert not visitors.complaints
