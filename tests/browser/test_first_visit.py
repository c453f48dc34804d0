"""The very first visit after a start is a deep link: it comes with frame, navigation and sign-in as any other."""

from contextlib import contextmanager

import pytest
from app_server import AppServer
from explore_page import ExplorePage, link
from playwright.sync_api import expect
from provider import Provider, write_secrets
from sweeps import only_whole

from tests.replicas.fleet import PATIENCE, Replica, free_ports

pytestmark = pytest.mark.browser

#: Every page by its address (Explore also by the name of its file, as Streamlit's old way knows it), and its heading when it
#: is opened with `LINK`. Each is the first one of some server in every run: Compare of `serve`, Methods of one with
#: sign-in and Regions of that in `test_sign_in.py`, Explore by both addresses of those in `test_ends.py`, the others here.
PAGES = {
    "": "Spain: new cases",
    "explore": "Spain: new cases",
    "regions": "Regions: new cases",
    "compare": "Compare: Spain, new cases",
    "time_machine": "Time machine: Spain, new cases",
    "desk": "Desk",
    "your_data": "Your data",
    "monitor": "Monitor",
    "methods": "Methods",
}
LINK = {"region": "Spain", "models": "naive", "horizon": "9"}
#: Pages that have no sidebar, and an address without the sidebar's choices.
ALONE = ("desk", "your_data", "monitor", "methods")
NAMES = ("Explore", "Regions", "Compare", "Time machine", "Desk", "Your data", "Monitor", "Methods")
PERSON = {"sub": "1", "name": "Ada", "email": "ada@example.org", "email_verified": True}
#: Notes in the tab everything that has stood on the page, however short.
WITNESS = """
window.seen = new Set();
new MutationObserver(() => {
    for (const line of (document.body?.innerText ?? "").split("\\n")) window.seen.add(line.trim());
}).observe(document, { childList: true, subtree: true, characterData: true });
"""


def expect_nothing_before_sign_in(tab):
    """A tab that is asked to sign in, and has `WITNESS`, has shown nothing of any page."""
    tab.get_by_role("button", name="Sign in").wait_for()
    seen = set(tab.evaluate("[...window.seen]"))
    assert "These pages are for those who sign in." in seen
    assert not seen & {*NAMES, *PAGES.values(), "streamlit app", "Data"}


@contextmanager
def served(home, **environment):
    """``python -m forecasting serve``, which nobody has visited."""
    (port,) = free_ports(1)
    if provider := environment.pop("provider", None):
        write_secrets(home / "person", provider, port)
        environment["HOME"] = str(home / "person")
    server = Replica(home / "home", port, **environment)
    server.start()
    try:
        server.await_ready()
        yield server
    finally:
        server.end()
    assert "Traceback" not in server.log.read_text()


@pytest.fixture
def provider():
    provider = Provider()
    provider.person = PERSON
    yield provider
    provider.close()


def expect_page(visit, name, **other):
    """The page of that name is there, with its navigation, nothing of Streamlit's own, and `LINK` with `other` choices."""
    visit.expect_title(PAGES[name])
    for title in NAMES:
        expect(visit.tab.get_by_role("link", name=title, exact=True)).to_have_count(1)
    expect(visit.tab.get_by_test_id("stSidebarNav")).to_have_count(0)
    expect(visit.tab.get_by_role("dialog")).to_have_count(0)
    if name not in ALONE:
        assert (LINK | other).items() <= visit.link.items()


@pytest.mark.parametrize("name", only_whole(PAGES, "", "explore", "regions", "compare", "methods", "desk"))
def test_every_page_comes_with_its_frame_as_the_first_of_a_server(visitors, tmp_path, name):
    with AppServer(tmp_path, workers=1) as server:
        visit = visitors.open(server.url, name + link(**LINK))
        expect_page(visit, name)
        visitors.dismiss(visit)
        assert not server.tracebacks(), server.log.read_text()


def test_a_page_of_serve_comes_with_its_frame_as_the_first_one(visitors, tmp_path):
    with served(tmp_path) as server:
        visit = visitors.open(server.url, "compare" + link(**LINK))
        expect_page(visit, "compare")
        visitors.dismiss(visit)


@pytest.fixture
def tab(chromium):
    """A tab that notes what has stood on its page."""
    context = chromium.new_context()
    context.set_default_timeout(1000 * PATIENCE)
    context.add_init_script(WITNESS)
    yield context.new_page()
    context.close()


@pytest.mark.parametrize("name", only_whole(("", "regions", "methods"), "", "regions"))
def test_nothing_of_a_page_is_seen_before_sign_in_and_then_the_link_is_followed(tab, provider, tmp_path, name):
    with served(tmp_path, provider=provider) as server:
        visit = ExplorePage(tab, server.url)
        visit.goto(name + link(**LINK))
        expect_nothing_before_sign_in(tab)
        tab.get_by_role("button", name="Sign in").click()
        expect_page(visit, name)
