"""Monitor in a real browser."""

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.browser


@pytest.mark.parametrize(("width", "scheme"), [(390, "dark"), (1280, "light")])
def test_monitor_draws_its_charts_and_fits_any_screen(visitors, server, width, scheme):
    page = visitors.open(server.url, "methods", width=width, color_scheme=scheme)
    page.expect_title("Methods")
    page.expect_ended()
    page.goto("monitor?span=week")
    page.expect_title("Monitor")
    expect(page.tab.get_by_test_id("stMetric")).to_have_count(4)
    expect(page.tab.locator(".fan-chart[data-drawn]")).to_have_count(2)
    expect(page.tab.get_by_test_id("stException")).to_have_count(0)
    assert page.width() <= width
    assert page.link == {"span": "week"}


def test_monitor_goes_on_refreshing_itself_without_moving_what_is_read(visitors, server):
    page = visitors.open(server.url, "methods")
    page.expect_title("Methods")
    page.expect_ended()
    page.goto("monitor")
    chart = page.tab.locator(".fan-chart[data-drawn='failed']")
    chart.wait_for()
    chart.evaluate("element => { element.dataset.mine = 'kept'; element.scrollIntoView(); }")
    place = chart.bounding_box()["y"]
    other = visitors.open(server.url, "methods")
    other.expect_title("Methods")
    other.expect_ended()
    seen = page.tab.get_by_test_id("stMetricDelta").nth(2)
    before = seen.inner_text()
    expect(seen).not_to_have_text(before)  # another page was visited, which is counted at the next look
    page.tab.locator(".fan-chart[data-mine='kept']").wait_for()
    assert chart.bounding_box()["y"] == place
