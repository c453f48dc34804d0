"""The browser's back and forward lead through the views as they were."""

import re

import pytest
from explore_page import link
from playwright.sync_api import expect

pytestmark = pytest.mark.browser


@pytest.fixture
def explore(visitors, server):
    page = visitors.open(server.url, link(region="Italy", models="ets"))
    page.expect_title("Italy: new cases")
    expect(page.tab).to_have_url(re.compile("region=Italy.*horizon="))
    page.tab.wait_for_function("window.forecastFrame")
    return page


def go(page, name):
    """To another page, by its name above."""
    page.tab.get_by_role("link", name=name, exact=True).click()


def expect_means(page, shown="true"):
    """Wait until the chart shows means over a week, or none."""
    expect(page.tab.get_by_role("button", name="7-day average", exact=True)).to_have_attribute("aria-pressed", shown)


def expect_said(page, said):
    """Wait until the address says something, which is when the page's run has ended."""
    expect(page.tab).to_have_url(re.compile(said))


def test_each_step_back_is_one_view_and_forward_leads_to_the_last_one(explore):
    page = explore
    page.tab.get_by_role("button", name="Theta", exact=True).click()
    expect_said(page, r"models=ets%2Ctheta\b")
    both = page.tab.url
    page.choose("Region", "Germany")
    expect_said(page, "region=Germany")
    expect_means(page)
    page.tab.get_by_role("button", name="Daily", exact=True).click()
    expect_said(page, "smooth=0")
    last = page.tab.url

    page.tab.go_back()
    expect_means(page)
    page.expect_title("Germany: new cases")
    page.tab.go_back()
    page.expect_title("Italy: new cases")
    page.expect_state("theta", "done")
    assert page.tab.url == both
    page.tab.go_back()
    expect(page.rows).to_have_count(1)
    expect_said(page, r"models=ets(&|$)")

    for _ in range(3):
        page.tab.go_forward()
    page.expect_title("Germany: new cases")
    expect_means(page, "false")
    page.expect_drawn("theta")
    assert page.tab.url == last


def test_between_pages_one_step_is_enough_and_what_was_gone_back_to_holds_on_the_next_page(explore):
    page = explore
    page.choose("Region", "Spain")
    expect_said(page, "region=Spain")
    go(page, "Compare")
    page.expect_title("Compare: Spain, new cases")
    expect_said(page, "compare.*origins=4")
    page.tab.get_by_role("radio", name="8", exact=True).click()
    expect_said(page, "origins=8")

    page.tab.go_back()
    expect(page.tab.get_by_role("radio", name="4", exact=True)).to_be_checked()
    page.tab.go_back()
    page.expect_title("Spain: new cases")
    page.tab.go_back()
    page.expect_title("Italy: new cases")
    go(page, "Compare")
    page.expect_title("Compare: Italy, new cases")
    expect_said(page, "compare.*region=Italy|region=Italy.*compare")


#: What Streamlit writes into the address on the way to Compare: most often; where the browser is busy; from a button of a page's
#: own; and where the page knows some of its choices only later.
WAYS = (
    ("/compare", "/compare?region=Italy"),
    ("/?region=Italy&compare=models", "/compare?region=Italy&compare=models"),
    ("/", "/compare", "/compare?region=Italy"),
    ("/compare", "/compare?region=Italy", "/compare?region=Italy&date=2021-04-18"),
)


def test_whatever_comes_of_one_click_is_one_step_and_what_comes_of_none_is_no_step(explore):
    tab = explore.tab
    write = """addresses => {
        const before = history.length;
        for (const address of addresses) history.pushState({}, "", address);
        return history.length - before;
    }"""
    for addresses in WAYS:
        tab.keyboard.press("Shift")
        assert tab.evaluate(write, addresses) == 1, addresses
        assert tab.evaluate(write, ["/?region=Italy&models=ets"]) == 0
