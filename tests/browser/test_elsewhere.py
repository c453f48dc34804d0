"""What is shown outside of the app: on paper, as a report in a file, and inside another page."""

import re

import pytest
from explore_page import link
from playwright.sync_api import expect
from test_looks import PHONE, download, finished_view

pytestmark = pytest.mark.browser

#: Pixels of A4 between margins of 15 mm.
PAPER = 680


@pytest.fixture(scope="module")
def _desk(module_visitors, server_url):
    return finished_view(module_visitors, server_url)


@pytest.fixture
def desk(_desk, server):
    """A finished view on a large screen."""
    yield _desk
    _desk.tab.keyboard.press("Escape")
    _desk.tab.emulate_media(media="screen", color_scheme="light")


def printed(tab, paper="A4"):
    """How many pages a tab has on paper; the browser tells the page before and after."""
    return len(re.findall(rb"/Type /Page\b", tab.pdf(format=paper)))


def test_a_page_of_the_app_is_printed_whole_without_anything_to_press(desk):
    tab = desk.tab
    tab.emulate_media(media="print", color_scheme="dark")
    tab.wait_for_function("() => getComputedStyle(document.querySelector('.stApp')).colorScheme === 'dark'")
    for hidden in ("stHeader", "stSidebar", "stPopover", "stDownloadButton"):
        expect(tab.get_by_test_id(hidden).locator("visible=true")).to_have_count(0)
    tab.evaluate("dispatchEvent(new Event('beforeprint'))")
    expect(desk.answer).to_have_css("color", "rgb(31, 39, 51)")
    assert desk.chart.evaluate("element => element.querySelector('.main-svg').clientWidth") <= PAPER
    page, window = tab.evaluate("() => [document.documentElement.scrollHeight, innerHeight]")
    assert page > window, "the page is in one piece, however long it is"
    tab.evaluate("dispatchEvent(new Event('afterprint'))")
    assert printed(tab, "A5") >= 2


def test_a_report_is_alive_without_a_network_and_prints_itself(desk, chromium, tmp_path):
    desk.tab.get_by_role("button", name="Downloads").click()
    _, report = download(desk, desk.tab.get_by_role("button", name="Report, HTML").click)
    (tmp_path / "report.html").write_bytes(report)
    context = chromium.new_context(offline=True, viewport={"width": PHONE, "height": 844})
    tab = context.new_page()
    tab.goto((tmp_path / "report.html").as_uri())
    chart = tab.locator(".js-plotly-plot")
    chart.locator(".main-svg").first.wait_for()
    assert tab.evaluate("document.documentElement.scrollWidth") <= PHONE
    chart.locator(".nsewdrag").hover()
    expect(chart.locator(".hoverlayer .legend")).to_be_visible()
    tab.evaluate("window.print = () => { window.asked = true; }")
    tab.get_by_role("button", name="Print or save as PDF").click()
    assert tab.evaluate("window.asked")
    tab.emulate_media(media="print")
    tab.evaluate("dispatchEvent(new Event('beforeprint'))")
    expect(tab.get_by_role("button")).to_have_count(0)
    assert chart.evaluate("element => element.querySelector('.main-svg').clientWidth") == PAPER
    assert 2 <= printed(tab) <= 4
    context.close()


@pytest.mark.parametrize("width", [600, PHONE])
def test_an_embedded_chart_fills_its_frame_and_shows_nothing_else(visitors, server, width):
    choices = link(statistic="new_admissions", region="Vermont", models="ets")
    page = visitors.open(server.url, f"{choices}&embed=true&embed_options=dark_theme", width=width, height=450)
    page.expect_drawn("ets")
    tab = page.tab
    expect(tab.locator(".stApp")).to_have_css("color-scheme", "dark")
    for hidden in ("stHeader", "stSidebar", "stDataFrame", "stExpander", "stPopover"):
        expect(tab.get_by_test_id(hidden).locator("visible=true")).to_have_count(0)
    expect(tab.get_by_role("link", name="Open in Forecast Explorer")).to_be_in_viewport(ratio=1)
    assert page.chart.bounding_box()["height"] > 200
    assert (
        tab.evaluate("() => { const m = document.querySelector('.stMain'); return m.scrollHeight - m.clientHeight; }")
        <= 0
    )
    assert page.width() <= width
