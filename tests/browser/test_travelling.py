"""The time machine as a visitor uses it."""

import re

import pytest
from explore_page import link
from playwright.sync_api import expect
from shared_page import page_fixtures

pytestmark = pytest.mark.browser

PHONE = 390
PLACE = {"region": "Puerto Rico", "statistic": "new_admissions", "models": "ets,theta"}


def opened(visitors, url, **context):
    """The finished page of a new visitor."""
    page = visitors.open(url, f"time_machine{link(**PLACE)}", **context)
    page.expect_title(f"Time machine: {PLACE['region']}, new hospital admissions")
    page.expect_drawn("history", "ets", "came")
    expect(page.tab.get_by_text("forecasts made")).to_have_count(0)
    return page


machine, _desk, desk = page_fixtures(opened)


def chosen(page):
    """The date that the slider shows."""
    return page.tab.get_by_test_id("stSliderThumbValue").last.inner_text()


def origin(page):
    """Where the large chart's forecasts begin, and where its y axis ends."""
    return page.chart.first.evaluate("element => [element.layout.shapes[0].x0, element.layout.yaxis.range[1]]")


def test_playing_steps_through_the_dates_on_an_axis_that_stays_and_pauses(machine):
    page = machine()
    while_stopped = page.link["date"]
    page.goto(f"time_machine{link(**PLACE, date='2024-12-14')}")
    page.expect_drawn("history", "ets", "came")
    first, top = origin(page)
    page.tab.get_by_role("button", name="Play").click()
    page.wait_for_chart("element.layout.shapes[0].x0 > first[0]", [first])
    second, same_top = origin(page)
    assert second > first
    assert same_top == top
    page.tab.get_by_role("button", name="Pause").click()
    expect(page.tab.get_by_role("button", name="Play")).to_have_count(1)
    expect(page.tab).to_have_url(re.compile(r"date=\d{4}-\d\d-\d\d"))
    assert page.link["date"] != while_stopped


def test_what_came_after_can_be_hidden_and_shown(desk):
    page = desk
    page.tab.get_by_text("Show actual figures").click()
    page.tab.locator(".fan-chart[data-drawn~='history']:not([data-drawn~='came'])").wait_for()
    page.tab.get_by_text("Show actual figures").click()
    page.expect_drawn("came")


@pytest.mark.sweep
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [PHONE, 1280])
def test_it_fits_every_screen_with_a_tile_for_every_date_and_horizon(machine, width, scheme):
    page = machine(width=width, color_scheme=scheme)
    page.tab.locator(".fan-chart[data-drawn^='row']").wait_for()
    tiles = page.tab.locator(".fan-chart .barlayer .point path")
    expect(tiles).to_have_count(4 * 26)
    assert tiles.first.bounding_box()["width"] > 5
    assert page.width() <= width
    expect(page.tab.get_by_test_id("stException")).to_have_count(0)


def test_every_chart_is_drawn_again_when_the_window_changes(desk):
    page = desk
    page.tab.set_viewport_size({"width": 1100, "height": 900})
    charts = page.tab.locator(".fan-chart")
    expect(charts).to_have_count(2)
    page.tab.wait_for_function("""() => [...document.querySelectorAll(".fan-chart")].every((chart) => {
        const drawn = chart.querySelector(".main-svg");
        return drawn && Math.abs(drawn.clientWidth - chart.clientWidth) < 2;
    })""")
    assert "could not be drawn" not in page.tab.inner_text("body")
    page.tab.set_viewport_size({"width": 1280, "height": 900})


def test_a_reader_s_wrong_file_is_one_sentence(desk):
    page = desk
    page.tab.get_by_text("Published forecasts beside ours").click()
    wrong = {"name": "wrong.csv", "mimeType": "text/csv", "buffer": b"a,b\n1,2\n"}
    page.tab.locator("input[type=file]").set_input_files(wrong)
    expect(page.tab.get_by_test_id("stAlert")).to_contain_text("wrong.csv: no column is called")
    page.chart.first.wait_for()
    page.tab.get_by_test_id("stFileChipDeleteBtn").click()
    expect(page.tab.get_by_test_id("stAlert")).to_have_count(0)
    page.tab.get_by_text("Published forecasts beside ours").click()
