"""How the pages look in every light and on every screen, and what can be taken away from them."""

import io
import re
import struct
from functools import cache

import numpy as np
import pandas as pd
import pytest
from explore_page import link
from playwright.sync_api import expect

from forecasting.data.columns import FORECASTS
from forecasting.data.forecast import QUANTILES

pytestmark = pytest.mark.browser

PHONE = 390
#: WCAG 2.2, success criterion 1.4.3: text against its background.
CONTRAST = 4.5


def channels(colour, under=None):
    """``"rgb(14, 20, 32)"`` or ``"color(srgb 0.1 0.2 0.3 / 0.8)"`` -> its red, green and blue, 0 to 1; where it lets something through, over the colour `under`."""
    numbers = [float(number) for number in re.findall(r"[\d.]+", colour)]
    own = [number / (1 if colour.startswith("color(") else 255) for number in numbers[:3]]
    alpha = numbers[3] if len(numbers) > 3 and under else 1
    return [alpha * c + (1 - alpha) * below for c, below in zip(own, channels(under) if under else own, strict=True)]


def luminance(colour, under=None):
    """Relative luminance (WCAG 2.2)."""
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels(colour, under)]
    return sum(weight * c for weight, c in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def contrast(one, other):
    """That of a text's colour and its background's, 1 to 21 (WCAG 2.2)."""
    light, dark = sorted((luminance(one, other), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def style(locator, name):
    """A computed style of the first element found."""
    return locator.first.evaluate("(element, name) => getComputedStyle(element)[name]", name)


def download(page, click):
    """The name and the bytes of the file that a click brings."""
    with page.tab.expect_download() as coming:
        click()
    return coming.value.suggested_filename, coming.value.path().read_bytes()


def finished_view(visitors, url, **context):
    """A finished view of a small series, which a new visitor has opened."""
    page = visitors.open(url, link(statistic="new_admissions", region="Vermont", models="ets,theta"), **context)
    for model in ("ets", "theta"):
        page.expect_state(model, "done")
    page.expect_drawn("ets", "theta")
    return page


@pytest.fixture
def explore(visitors, server):
    """``explore()`` is that view of a visitor of the test's own."""
    return lambda **context: finished_view(visitors, server.url, **context)


@pytest.fixture(scope="module")
def _desk(module_visitors, server_url):
    return finished_view(module_visitors, server_url, color_scheme="light")


@pytest.fixture
def desk(_desk, server):
    """That view on a large screen, for tests that leave its choices as they are."""
    yield _desk
    _desk.tab.keyboard.press("Escape")
    _desk.tab.set_viewport_size({"width": 1280, "height": 900})
    _desk.tab.emulate_media(color_scheme="light")
    _desk.tab.mouse.move(0, 0)


@pytest.fixture(scope="module")
def _pocket(module_visitors, server_url):
    return cache(
        lambda scheme: finished_view(module_visitors, server_url, width=PHONE, height=844, color_scheme=scheme)
    )


@pytest.fixture
def pocket(_pocket, server):
    """``pocket("dark")`` is that view on a small screen, opened in the dark, for tests that only look at it."""
    return _pocket


def test_the_chart_is_as_wide_as_there_is_room_when_the_sidebar_is_folded_away(desk):
    page = desk
    page.tab.get_by_test_id("stSidebar").hover()
    page.tab.get_by_test_id("stSidebarCollapseButton").get_by_role("button").click()
    fills = """() => {
        const chart = document.querySelector(".fan-chart"), drawn = chart.querySelector(".main-svg");
        return chart.clientWidth > 1000 && Math.abs(drawn.clientWidth - chart.clientWidth) < 2;
    }"""
    page.tab.wait_for_function(fills)
    page.tab.get_by_test_id("stExpandSidebarButton").click()
    page.tab.wait_for_function(fills.replace("> 1000", "< 900"))
    expect(page.tab.get_by_test_id("stSidebar")).to_be_in_viewport()


def wait_at_widths(page, widths, condition):
    """Wait for a condition, a function in JavaScript, at the width that the page has, and at each further one."""
    page.tab.wait_for_function(condition)
    for width in widths[1:]:
        page.tab.set_viewport_size({"width": width, "height": page.tab.viewport_size["height"]})
        page.tab.wait_for_function(f"() => window.innerWidth === {width} && ({condition})()")


@pytest.mark.parametrize("widths", [[PHONE], [1280, 1024, 900]])
def test_neither_the_answer_nor_a_row_is_cut_off_beside_the_sidebar(pocket, desk, widths):
    page = pocket("light") if widths == [PHONE] else desk
    fit = """() => {
        const texts = [...document.querySelectorAll("[data-testid=stMain] h1, [data-testid=stMain] [data-testid=stMarkdownContainer]")];
        const cut = texts.filter((text) => text.scrollWidth > text.clientWidth + 1 && text.clientWidth);
        return texts.some((text) => text.matches("h1")) && !cut.length;
    }"""
    wait_at_widths(page, widths, fit)


def test_no_line_ends_between_a_number_and_its_unit_or_within_a_date(pocket):
    texts = """() => {
        const main = document.createTreeWalker(document.querySelector("[data-testid=stMain]"), NodeFilter.SHOW_TEXT), found = [];
        while (main.nextNode()) if (!main.currentNode.parentElement.closest("svg, code, style, script")) found.push(main.currentNode.data);
        return found.join("|");
    }"""
    said = pocket("light").tab.evaluate(texts)
    assert "80\u00a0% range" in said
    assert "28\u00a0Mar\u00a02026" in said
    assert not re.search(r"\d (%|×|weeks|Mar)|Mar \d{4}", said)


@pytest.mark.parametrize("widths", [[PHONE], [1280, 900]])
def test_no_choice_is_cut_off_beside_the_sidebar(visitors, server, widths):
    page = visitors.open(server.url, f"regions{link(region='Italy', models='ets', model='ets')}", width=widths[0])
    last = page.tab.get_by_role("radio", name="Unclear")
    last.wait_for()
    fit = """() => {
        const groups = [...document.querySelectorAll("[data-testid=stMain] [data-testid=stButtonGroup] > *")];
        return groups.length && groups.every((group) => group.scrollWidth <= group.clientWidth + 1);
    }"""
    wait_at_widths(page, widths, fit)


#: Whether no label of the x axis touches another, and no button on the chart's edge lies over a text.
NOTHING_TOUCHES = """() => {
    const boxes = (found) => [...document.querySelectorAll(found)].map((one) => one.getBoundingClientRect()).filter((box) => box.width);
    const touch = (a, b) => a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom;
    const ticks = boxes(".fan-chart .xtick text"), buttons = boxes(".chart-strip button, .fan-chart .modebar-btn");
    const unit = document.createRange();
    unit.selectNodeContents(document.querySelector(".chart-unit"));
    const texts = [...ticks, ...boxes(".fan-chart .ytick text, .fan-chart .annotation-text"), unit.getBoundingClientRect()];
    return ticks.length > 2 && ticks.every((one, i) => !ticks.slice(i + 1).some((other) => touch(one, other)))
        && buttons.length > 6 && !buttons.some((button) => texts.some((text) => touch(button, text)));
}"""


@pytest.mark.parametrize("widths", [[PHONE], [1280, 1024, 900]])
def test_neither_labels_nor_buttons_of_the_chart_lie_upon_each_other(pocket, desk, widths):
    wait_at_widths(pocket("light") if widths == [PHONE] else desk, widths, NOTHING_TOUCHES)


@pytest.mark.parametrize("width", [1280, PHONE])
def test_what_is_said_of_a_date_to_come_is_of_that_date_and_never_over_what_is_forecast(pocket, desk, width):
    page = pocket("light") if width == PHONE else desk
    first, *_, last = page.traces()["ets"]["x"][1:]
    for date in (first, last):
        box = page.hover(date)
        said = box.inner_text()
        assert "Reported" not in said
        assert {"ETS", "Theta"} <= set(said.splitlines())
        told, plot = box.bounding_box(), page.chart.locator(".nsewdrag").bounding_box()
        zone = page.chart.evaluate("element => element._fullLayout.xaxis.d2p(element.layout.meta.origin)")
        beside, above = told["x"] + told["width"] <= plot["x"] + zone, told["y"] + told["height"] <= plot["y"] + 1
        assert above if width == PHONE else beside
    past = page.traces()["history"]["x"][-2]
    assert "Reported" in page.hover(past).inner_text()
    page.tab.mouse.move(0, 0)


def test_a_choice_on_the_chart_s_edge_is_in_the_address_unless_it_is_the_usual_one(desk):
    page, dates = desk, desk.range()
    before = page.link
    page.tab.get_by_role("button", name="Log", exact=True).click()
    page.wait_for_chart("element.layout.yaxis.type === 'log'")
    page.tab.get_by_role("button", name="Per 100k", exact=True).click()
    page.tab.get_by_role("heading", level=1, name="per 100,000 people").wait_for()
    expect(page.tab.locator(".chart-unit")).to_contain_text("per 100,000 people")
    assert page.link == before | {"scale": "log", "per": "100k"}
    page.tab.get_by_role("button", name="Share").click()
    expect(page.tab.get_by_test_id("stCode").first).to_contain_text("scale=log&per=100k")
    page.tab.keyboard.press("Escape")
    assert page.range() == dates
    for usual in ("Linear", "Counts"):
        page.tab.get_by_role("button", name=usual, exact=True).click()
        expect(page.tab.get_by_role("button", name=usual, exact=True)).to_have_attribute("aria-pressed", "true")
    page.wait_for_chart("element.layout.yaxis.type !== 'log'")
    assert page.link == before


def swipe(page, start, end):
    """A finger goes from one point to another."""
    touch = page.tab.context.new_cdp_session(page.tab)
    send = lambda kind, *points: touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [*points]})  # noqa: E731
    places = [{"x": x, "y": y} for x, y in np.linspace(start, end, 15)]
    send("touchStart", places[0])
    for place in places[1:]:
        send("touchMove", place)
    send("touchEnd")


@pytest.fixture
def phone(explore):
    """That view with its chart in the middle of a screen that is touched; none that still rolls from another touch."""
    page = explore(width=PHONE, height=800, has_touch=True, is_mobile=True)
    page.chart.evaluate("chart => chart.scrollIntoView({ block: 'center' })")
    return page


def test_a_finger_that_goes_up_on_the_chart_scrolls_the_page(phone):
    dates, scrolled = phone.range(), "() => document.querySelector('[data-testid=stMain]').scrollTop"
    before = phone.tab.evaluate(scrolled)
    swipe(phone, (195, 400), (195, 250))
    phone.tab.wait_for_function(f"before => ({scrolled})() > before + 50", arg=before)
    assert phone.range() == dates


def test_a_finger_that_goes_sideways_moves_the_chart(phone):
    first = phone.range()[0]
    swipe(phone, (120, 400), (260, 400))
    phone.wait_for_chart("String(element.layout.xaxis.range[0]) < first", first)


def expect_name(page):
    """The app's name can be read at the top of a page."""
    page.tab.wait_for_function("""() => {
        const logo = document.querySelector("[data-testid=stHeaderLogo]");
        return logo && logo.naturalWidth / logo.naturalHeight > 4 && logo.getBoundingClientRect().width > 100;
    }""")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_can_be_read_in_light_and_in_dark(pocket, desk, scheme):
    page = pocket(scheme) if scheme == "dark" else desk
    background = style(page.tab.locator(".stApp"), "backgroundColor")
    assert (luminance(background) < 0.1) == (scheme == "dark")
    texts = {
        "axis labels": style(page.chart.locator(".xtick text"), "fill"),
        "legend": style(page.tab.locator(".chart-legend button"), "color"),
        "rows": style(page.row("ets").locator(".name"), "color"),
        "heading": style(page.tab.get_by_role("heading", name="Vermont"), "color"),
        "answer": style(page.answer, "color"),
    }
    assert {name: colour for name, colour in texts.items() if contrast(colour, background) < CONTRAST} == {}


def test_the_chart_follows_when_the_reader_turns_the_lights_off(desk):
    dark = ("fill", "rgb(243, 245, 248)")
    expect(desk.chart.locator(".xtick text").first).not_to_have_css(*dark)
    desk.tab.emulate_media(color_scheme="dark")
    expect(desk.chart.locator(".xtick text").first).to_have_css(*dark)
    desk.tab.emulate_media(color_scheme="light")
    expect(desk.chart.locator(".xtick text").first).not_to_have_css(*dark)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_explore_fits_a_phone(pocket, scheme):
    page = pocket(scheme)
    page.answer.wait_for()
    assert page.width() <= PHONE
    assert page.chart.bounding_box()["width"] <= PHONE


def expect_methods(page, width):
    """Methods is there to its end, and no wider than the screen."""
    page.tab.get_by_role("heading", name="Methods", exact=True).wait_for()
    page.tab.get_by_role("heading", name="Where the figures come from").wait_for()
    assert page.width() <= width
    expect(page.tab.get_by_test_id("stException")).to_have_count(0)


@pytest.mark.parametrize("width", [1280, PHONE])
def test_methods_fits_any_screen_and_has_the_app_s_name(visitors, server, width):
    page = visitors.open(server.url, "methods", width=width)
    expect_methods(page, width)
    expect_name(page)


def test_choices_survive_a_look_at_methods_which_fits(explore):
    page = explore()
    page.tab.get_by_role("link", name="Methods").click()
    expect_methods(page, 1280)
    page.tab.get_by_role("link", name="Explore").click()
    page.expect_title("Vermont: new hospital admissions")
    page.expect_drawn("ets", "theta")
    assert page.link["region"] == "Vermont"
    assert page.link["models"] == "ets,theta"


def test_a_shared_link_opens_the_same_view_elsewhere(explore, visitors):
    page = explore()
    page.choose("Region", "Puerto Rico")
    page.expect_title("Puerto Rico: new hospital admissions")
    page.tab.get_by_role("button", name="Share").click()
    address = page.tab.get_by_test_id("stCode").first.inner_text().strip()
    assert address.startswith(page.url)
    for model in ("ets", "theta"):
        page.expect_state(model, "done")
    page.expect_drawn("ets", "theta")
    other = visitors.open(page.url, address)
    other.expect_title("Puerto Rico: new hospital admissions")
    for model in ("ets", "theta"):
        other.expect_state(model, "done")
    other.expect_drawn("ets", "theta")
    assert other.link == page.link
    assert other.traces() == page.traces()
    assert other.range() == page.range()


def test_forecasts_can_be_taken_away_as_tables(desk):
    page = desk
    page.tab.get_by_role("button", name="Downloads").click()
    name, csv = download(page, page.tab.get_by_role("button", name="Forecasts, CSV").click)
    assert name == "vermont_new_admissions.csv"
    table = pd.read_csv(io.BytesIO(csv), parse_dates=["origin", "date"])
    assert tuple(table.columns) == FORECASTS
    assert len(table) == 2 * 4 * len(QUANTILES)
    assert set(table["model"]) == {"ets", "theta"}
    assert set(table["region"]) == {"Vermont"}
    name, parquet = download(page, page.tab.get_by_role("button", name="Parquet").click)
    assert name == "vermont_new_admissions.parquet"
    same = pd.read_parquet(io.BytesIO(parquet))
    pd.testing.assert_frame_equal(same, table, check_dtype=False, rtol=1e-12)


def test_the_chart_can_be_taken_away_as_a_page_and_as_an_image(desk):
    page = desk
    page.tab.get_by_role("button", name="Downloads").click()
    name, html = download(page, page.tab.get_by_role("button", name="Chart, HTML").click)
    assert name == "vermont_new_admissions.html"
    assert b"Plotly.newPlot" in html
    assert b"Vermont: new hospital admissions" in html
    assert b'src="http' not in html, "the page must work without a network"
    page.tab.keyboard.press("Escape")
    name, png = download(page, lambda: image(page, "PNG"))
    assert name == "Vermont New hospital admissions.png"
    assert png.startswith(b"\x89PNG")
    assert struct.unpack(">II", png[16:24]) == (1200, 675)
    _, square = download(page, lambda: image(page, "square PNG"))
    assert struct.unpack(">II", square[16:24]) == (1080, 1080)
    name, svg = download(page, lambda: image(page, "SVG"))
    assert name == "Vermont New hospital admissions.svg"
    assert svg.startswith(b"<svg")
    assert b"legendtext" in svg
    for words in (
        b"Vermont: new hospital admissions",
        b"in the week to",
        b"80 % range",
        b"to 21 Mar 2026",
        b"Licence: ",
    ):
        assert words in svg, "a picture stands by itself"


def image(page, kind):
    """One of the buttons at the chart's top right, which appear when the pointer is there."""
    page.chart.hover()
    page.chart.locator(f"[data-title='Download as {kind}']").click()


def test_figures_that_cannot_be_had_are_one_sentence_and_the_way_back_works(explore):
    page = explore()
    page.choose("Data", "Johns Hopkins")
    expect(page.tab.get_by_test_id("stAlert")).to_contain_text("choose the bundled figures")
    expect(page.tab.get_by_test_id("stException")).to_have_count(0)
    page.choose("Data", "Bundled")
    page.chart.wait_for()


@pytest.mark.parametrize("width", [PHONE, 1280])
def test_compare_draws_every_model_on_the_same_axes_and_fits(visitors, server, width):
    page = visitors.open(server.url, "compare?region=Italy&models=ets,theta", width=width)
    page.tab.get_by_text("of 4 dates").wait_for()
    charts = page.tab.locator(".fan-chart[data-drawn]")
    expect(charts).to_have_count(4)  # two models, seasonal naive, and the error by horizon
    tops = charts.evaluate_all("elements => elements.slice(0, 3).map(element => element.layout.yaxis.range[1])")
    assert len(set(tops)) == 1
    assert page.width() <= width
    scores = page.tab.locator("[data-testid=stElementContainer]:has([data-testid=stDataFrame])").first
    goes_on = scores.evaluate("element => getComputedStyle(element, '::after').content")
    assert ("more columns" in goes_on) == (width == PHONE), "whether the table is cut off"


def test_on_a_phone_what_is_chosen_in_the_menu_is_seen_at_once(visitors, server):
    page = visitors.open(server.url, link(statistic="new_admissions", region="Ohio", models="theta"), width=390)
    menu = page.tab.get_by_role("button", name="Menu and choices")
    menu.click()
    page.tab.get_by_role("combobox", name="Region").fill("Vermont")
    option = page.tab.get_by_role("option", name="Vermont")
    option.wait_for()
    sidebar = page.tab.get_by_test_id("stSidebarContent")
    sidebar.evaluate("element => element.dispatchEvent(new Event('scroll'))")  # as it opens, or a phone's keyboard does
    option.click()
    page.expect_title("Vermont: new hospital admissions")
    expect(page.tab.get_by_role("combobox", name="Region")).not_to_be_in_viewport()
    menu.click()
    page.tab.get_by_role("link", name="Methods").click()
    page.expect_title("Methods")
    expect(sidebar).not_to_be_in_viewport()
    menu.click()
    expect(sidebar).to_be_in_viewport()
    page.tab.reload()
    page.expect_title("Methods")
    expect(sidebar).not_to_be_in_viewport()
