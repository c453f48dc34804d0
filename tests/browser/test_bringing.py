"""A visitor's own table in a real browser: given, mapped, explored, and its link opened by somebody else."""

import pandas as pd
import pytest
from explore_page import link
from playwright.sync_api import expect
from test_looks import CONTRAST, PHONE, contrast, style

pytestmark = pytest.mark.browser


def table():
    """Two years of weeks in two places; the columns are called as nobody could guess."""
    weeks = pd.date_range("2021-01-02", periods=104, freq="W-SAT")
    rows = [
        {"date": week, "region": region, "value": 100 + i % 10 + 5 * place, "beds": 40 + i % 7}
        for place, region in enumerate(("Here", "There"))
        for i, week in enumerate(weeks)
    ]
    return pd.DataFrame(rows).to_csv(index=False, date_format="%Y-%m-%d").encode()


def give(page, content=None, name="mine.csv"):
    """Drop a file on the page."""
    uploader = page.tab.get_by_test_id("stFileUploader").locator("input[type=file]")
    uploader.set_input_files({"name": name, "mimeType": "text/csv", "buffer": content or table()})
    page.tab.get_by_role("button", name="Remove this table").wait_for()


def explore(page):
    page.tab.get_by_role("button", name="See the forecast").click()
    page.expect_drawn("ets")


@pytest.fixture
def open_page(visitors, server):
    """``open_page()`` is a new visitor on Your data, with quick models chosen."""

    def open_page(**context):
        page = visitors.open(server.url, link(models="ets,naive", statistic="new_admissions"), **context)
        page.expect_drawn("ets")
        visit(page)
        return page

    return open_page


def visit(page):
    """Go to Your data by the navigation, as a reader does."""
    page.tab.get_by_role("link", name="Your data").click()
    page.tab.get_by_role("heading", name="Your data", exact=True).wait_for()


def test_a_file_is_understood_explored_and_its_link_tells_others_what_they_need(open_page, visitors, server):
    page = open_page()
    give(page)
    page.tab.get_by_role("heading", name="Two regions, weekly counts, 104 weeks, to 24 December 2022").wait_for()
    explore(page)
    page.expect_title("Here: counts")
    page.choose("Region", "There")
    page.expect_title("There: counts")
    assert page.link["source"].startswith("yours-")
    other = visitors.open(server.url, link(**page.link))
    expect(other.tab.get_by_test_id("stAlert")).to_contain_text("This link shows a file of its sender's")
    other.expect_title("United States: new hospital admissions")
    visit(other)
    give(other)
    other.tab.get_by_role("button", name="See the forecast").click()
    other.expect_title("There: counts")
    other.expect_drawn("ets")


def kept(page):
    """How many tables the tab keeps."""
    return page.tab.evaluate(
        "() => Object.keys(sessionStorage).filter((key) => key.startsWith('forecast table')).length"
    )


def test_a_reload_keeps_the_table_the_region_and_the_page_until_the_table_is_removed(open_page):
    page = open_page()
    give(page)
    explore(page)
    page.choose("Region", "There")
    page.expect_title("There: counts")
    page.tab.reload()
    page.expect_title("There: counts")
    page.tab.get_by_role("link", name="Regions", exact=True).click()
    page.tab.get_by_role("heading", name="Regions: counts").wait_for()
    assert page.link["region"] == "There"  # also after one run only
    page.tab.reload()
    page.tab.get_by_role("heading", name="Regions: counts").wait_for()
    visit(page)
    assert kept(page) == 1
    page.tab.get_by_role("button", name="Remove this table").click()
    page.tab.get_by_role("button", name="Try a sample").wait_for()
    page.tab.wait_for_function(
        "() => !Object.keys(sessionStorage).some((key) => key.startsWith('forecast table'))", timeout=10_000
    )


def test_another_column_may_be_the_counts(open_page):
    page = open_page(height=1800)  # scrolling closes a list
    give(page)
    page.tab.get_by_text("Change how it is read").click()
    page.tab.get_by_test_id("stDataFrame").first.wait_for()
    page.tab.get_by_role("combobox", name="Figures").click()
    page.tab.get_by_role("option", name="beds").click()
    page.tab.get_by_role("button", name="See the forecast").wait_for()
    explore(page)
    expect(page.answer).to_contain_text("45 the week before.")


def test_all_of_it_can_be_done_with_the_keyboard(open_page):
    page = open_page()
    page.tab.get_by_role("heading", name="Your data", exact=True).click()
    reach(page, "Try a sample")
    page.tab.keyboard.press("Enter")
    reach(page, "See the forecast")
    page.tab.keyboard.press("Enter")
    page.expect_drawn("ets")


def reach(page, name):
    """Press Tab until the button of that name has the focus."""
    page.tab.get_by_role("button", name=name).wait_for()
    for _ in range(60):
        page.tab.keyboard.press("Tab")
        if name in page.tab.evaluate("() => document.activeElement.closest('button')?.innerText ?? ''"):
            return
    raise AssertionError(f"no number of tabs leads to {name}")


@pytest.mark.sweep
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [PHONE, 1280])
def test_the_page_fits_and_can_be_read(visitors, server, width, scheme):
    page = visitors.open(server.url, "your_data", width=width, height=844, color_scheme=scheme)
    give(page)
    page.tab.get_by_text("Change how it is read").click()
    page.tab.get_by_test_id("stDataFrame").first.wait_for()
    assert page.width() <= width
    background = style(page.tab.locator(".stApp"), "backgroundColor")
    for place in ("stMarkdownContainer", "stCaptionContainer", "stHeading"):
        assert contrast(style(page.tab.get_by_test_id(place), "color"), background) >= CONTRAST
