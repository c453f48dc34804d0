"""Regions in a real browser: it fills by itself, sorts by a click, leads to Explore, and can be used without a mouse."""

import pytest
from explore_page import link
from playwright.sync_api import expect
from shared_page import page_fixtures
from test_looks import CONTRAST, PHONE, contrast, luminance, style

pytestmark = pytest.mark.browser

STATES = f"regions{link(statistic='new_admissions', model='theta')}"


def opened(visitors, url, **context):
    """The page of the states, all of them forecast, which a new visitor has opened."""
    page = visitors.open(url, STATES, **context)
    expect(page.tab.locator(".line[data-state='ready']")).to_have_count(53)
    page.tab.locator(".regions[data-busy='false']").wait_for()
    return page


regions, _desk, desk = page_fixtures(opened)


def first(page):
    return page.tab.locator(".line .name a").first


def test_a_click_on_a_heading_sorts_and_a_second_turns_it_round(desk):
    page = desk
    page.tab.get_by_role("button", name="Last week").click()
    expect(first(page)).to_have_text("United States")
    expect(page.tab.get_by_role("columnheader", name="Last week")).to_have_attribute("aria-sort", "descending")
    page.tab.get_by_role("button", name="Region", exact=True).click()
    expect(first(page)).to_have_text("Alabama")
    page.tab.get_by_role("button", name="Region", exact=True).click()
    expect(first(page)).to_have_text("Wyoming")
    page.tab.wait_for_url("**sort=-name**")
    page.tab.reload()
    expect(first(page)).to_have_text("Wyoming")


def test_searching_shows_what_is_found_and_dims_the_rest_of_the_map(desk):
    page = desk
    page.tab.get_by_role("textbox", name="Search").fill("dakota")
    expect(page.tab.locator(".line")).to_have_count(2)
    expect(page.tab.locator(".tile.dimmed")).to_have_count(51)
    page.tab.get_by_role("textbox", name="Search").fill("")
    expect(page.tab.locator(".line")).to_have_count(53)
    expect(page.tab.locator(".tile.dimmed")).to_have_count(0)


def test_a_row_leads_to_explore_in_the_same_session_and_a_new_tab_finds_it_too(regions):
    page = regions()
    row = page.tab.locator(".line[data-region='Texas'] .name a")
    with page.tab.context.expect_page() as opened:
        row.click(modifiers=["Control"])
    opened.value.get_by_role("heading", name="Texas: new hospital admissions").wait_for()
    row.click()
    page.expect_title("Texas: new hospital admissions")
    page.expect_drawn("theta")
    assert page.link["region"] == "Texas"
    assert "theta" in page.link["models"].split(",")
    page.tab.get_by_role("link", name="Regions").click()
    expect(page.tab.locator(".line.chosen")).to_have_attribute("data-region", "Texas")


def test_the_map_is_walked_with_arrow_keys_and_enter_explores(regions):
    page = regions()
    page.tab.locator(".tile[data-region='Colorado']").focus()
    for key in ("ArrowUp", "ArrowRight", "ArrowDown"):
        page.tab.keyboard.press(key)
    expect(page.tab.locator(".tile:focus")).to_have_attribute("data-region", "Nebraska")
    expect(page.tab.locator(".card .title a")).to_have_text("Nebraska")
    page.tab.keyboard.press("Enter")
    page.expect_title("Nebraska: new hospital admissions")


def test_a_finger_chooses_a_tile_and_sees_its_figures_before_it_goes_anywhere(regions):
    page = regions(width=PHONE, height=844, has_touch=True, is_mobile=True)
    page.tab.locator(".tile[data-region='Texas']").tap()
    expect(page.tab.locator(".card .title a")).to_have_text("Texas")
    expect(page.tab.locator(".tile.chosen")).to_have_attribute("data-region", "Texas")
    page.tab.wait_for_url("**region=Texas**")  # it is the region of every page
    expect(page.tab.locator(".tile[aria-current]")).to_have_attribute("data-region", "Texas")
    assert page.width() <= PHONE
    page.tab.locator(".card .title a").tap()
    page.expect_title("Texas: new hospital admissions")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_tiles_and_rows_can_be_read_in_light_and_in_dark(regions, scheme):
    page = regions(color_scheme=scheme)
    background = style(page.tab.locator(".stApp"), "backgroundColor")
    assert (luminance(background) < 0.1) == (scheme == "dark")
    small = style(page.tab.locator(".line .name"), "color")
    assert contrast(small, background) >= CONTRAST
    page.tab.evaluate(
        "() => { for (const e of document.querySelectorAll('*')) { const map = e.shadowRoot?.querySelector('.tiles');"
        " if (map) [...map.children].slice(0, 7).forEach((tile, i) => { tile.className = `tile level${i - 3}`; }); } }"
    )
    for level in range(-3, 4):
        tile = page.tab.locator(f".tile.level{level}")
        assert contrast(style(tile, "color"), style(tile, "backgroundColor")) >= CONTRAST, level
    page.tab.emulate_media(color_scheme="dark" if scheme == "light" else "light")
    expect(page.tab.locator(".regions.dark")).to_have_count(int(scheme == "light"))
