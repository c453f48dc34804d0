"""Where [auth] is configured nobody sees a page before a provider has said who he is, and only some then."""

import pytest
from explore_page import ExplorePage, link
from playwright.sync_api import expect
from provider import Provider, write_secrets
from test_first_visit import LINK, WITNESS, expect_nothing_before_sign_in, expect_page

from tests.replicas.fleet import PATIENCE, Replica, free_ports
from ui.shell.sign_in import may_enter

pytestmark = pytest.mark.browser

PERSON = {"sub": "1", "name": "Ada [x](http://x)", "email": "Ada@Example.org", "email_verified": True}


@pytest.fixture(scope="module")
def provider():
    provider = Provider()
    yield provider
    provider.close()


@pytest.fixture(scope="module")
def guarded(provider, chromium, tmp_path_factory):
    """``serve`` with a provider; those of example.org may enter. Its first visitor follows a link, as in `test_first_visit`."""
    (port,) = free_ports(1)
    home = tmp_path_factory.mktemp("person")
    write_secrets(home, provider, port)
    server = Replica(tmp_path_factory.mktemp("guarded") / "home", port, HOME=str(home))
    server.start()
    try:
        server.await_ready()
        provider.person = PERSON
        sees_nothing_before_sign_in(server, chromium)
        yield server
    finally:
        server.end()
    assert "Traceback" not in server.log.read_text()


def sees_nothing_before_sign_in(server, chromium):
    """Whoever comes to Regions as the first of a server sees nothing of it before sign-in, and then what the link says."""
    context = chromium.new_context()
    context.set_default_timeout(1000 * PATIENCE)
    context.add_init_script(WITNESS)
    first = ExplorePage(context.new_page(), server.url)
    first.goto("regions" + link(**LINK))
    expect_nothing_before_sign_in(first.tab)
    first.tab.get_by_role("button", name="Sign in").click()
    expect_page(first, "regions")
    context.close()


@pytest.fixture
def tab(tabs):
    """A tab of somebody who has not signed in."""
    one = tabs.take(1280, 720, "reduce")
    yield one
    tabs.leave(one)


@pytest.mark.parametrize("page", ["", "methods", "?region=Spain"])
def test_who_has_not_signed_in_sees_no_page(guarded, tab, page):
    tab.goto(f"{guarded.url}/{page}")
    tab.get_by_role("button", name="Sign in").wait_for()
    expect(tab.get_by_test_id("stSidebar")).to_have_count(0)
    expect(tab.get_by_role("link", name="Methods")).to_have_count(0)
    assert tab.get_by_text("Spain").count() == 0


def test_who_signs_in_sees_the_pages_and_his_name_and_can_sign_out(guarded, provider, tab):
    provider.person = PERSON
    tab.goto(guarded.url)
    tab.get_by_role("button", name="Sign in").click()
    tab.get_by_role("heading", name="United States: new hospital admissions", exact=True).wait_for()
    tab.get_by_role("button", name="Ada [x](http").click()
    tab.get_by_role("button", name="Sign out").click()
    tab.get_by_role("button", name="Sign in").wait_for()


@pytest.mark.parametrize(
    ("page", "title"),
    [
        pytest.param("regions?region=Spain", "Regions: new cases", marks=pytest.mark.whole),  # as the first visitor
        ("?region=Spain&horizon=9", "Spain: new cases"),
    ],
)
def test_who_opened_a_link_and_signs_in_sees_what_it_shows(guarded, provider, tab, page, title):
    provider.person = PERSON
    tab.goto(f"{guarded.url}/{page}")
    tab.get_by_role("button", name="Sign in").click()
    tab.get_by_role("heading", name=title, exact=True).wait_for()
    assert "region=Spain" in tab.url
    tab.goto(guarded.url)  # it was followed once
    tab.get_by_role("heading", name="United States: new hospital admissions", exact=True).wait_for()


def test_a_link_is_not_followed_by_who_came_another_way(guarded, provider, tab):
    provider.person = PERSON
    tab.goto(f"{guarded.url}/methods")
    tab.get_by_role("button", name="Sign in").wait_for()
    other = tab.context.new_page()
    other.goto(guarded.url)
    other.get_by_role("button", name="Sign in").click()
    other.get_by_role("heading", name="United States: new hospital admissions", exact=True).wait_for()
    tab.goto(f"{guarded.url}/?region=Italy")
    tab.get_by_role("heading", name="Italy: new cases", exact=True).wait_for()
    tab.wait_for_function(
        "() => !sessionStorage.length"
    )  # the address of before is forgotten, a moment after the heading
    tab.goto(guarded.url)
    tab.get_by_role("heading", name="United States: new hospital admissions", exact=True).wait_for()


def test_who_is_not_among_those_allowed_is_told_so(guarded, provider, tab):
    provider.person = PERSON | {"email": "eve@example.com"}
    tab.goto(guarded.url)
    tab.get_by_role("button", name="Sign in").click()
    tab.get_by_text("may not enter here").wait_for()
    expect(tab.get_by_test_id("stSidebar")).to_have_count(0)


def test_the_api_is_not_behind_it(guarded):
    assert guarded.get("/api/v1/models").status_code == 200


@pytest.mark.parametrize(
    ("email", "verified", "allowed", "enters"),
    [
        ("ada@example.org", True, (), True),
        ("Ada@Example.org", True, ("example.org",), True),
        ("ada@example.org", True, ("@example.org",), True),
        ("ada@example.org", True, ("ada@example.org",), True),
        ("ada@example.org", False, ("example.org",), False),
        ("eve@example.org", True, ("ada@example.org",), False),
        ("eve@sub.example.org", True, ("example.org",), False),
        ("eve@evil.com@example.com", True, ("evil.com",), False),
        ("example.org", True, ("example.org",), False),
        ("", True, ("example.org",), False),
    ],
)
def test_an_address_or_its_domain_must_be_among_those_allowed(email, verified, allowed, enters):
    assert may_enter(email, verified, allowed) is enters
