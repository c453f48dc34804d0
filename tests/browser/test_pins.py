"""Pins in the browser's own storage, from Explore to the Desk and back."""

import pytest
from explore_page import link

pytestmark = pytest.mark.browser

VIEW = link(region="Vermont", statistic="new_admissions", models="naive", horizon="3")


def test_what_is_pinned_stays_over_visits_and_leads_back_until_it_is_unpinned(server, visitors):
    page = visitors.open(server.url, VIEW)
    page.expect_title("Vermont: new hospital admissions")
    page.tab.get_by_role("button", name="Pin", exact=True).click()
    page.tab.get_by_role("button", name="Unpin", exact=True).wait_for()
    page.goto("desk")  # a new visit of the same browser
    page.expect_title("Vermont: new hospital admissions")
    page.tab.get_by_text("The forecast before was").wait_for()
    page.tab.get_by_role("button", name="Explore", exact=True).click()
    page.expect_drawn("naive")
    assert (page.link["region"], page.link["models"], page.link["horizon"]) == ("Vermont", "naive", "3")
    page.goto("desk")
    page.tab.get_by_role("button", name="Unpin", exact=True).click()
    page.tab.get_by_text("Nothing is pinned yet").wait_for()
    page.tab.wait_for_function("() => localStorage.getItem('forecast-explorer pins') === '[]'")
