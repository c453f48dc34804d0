"""Accessibility of every page: axe-core's rules, one heading above all, and what the keyboard reaches, light and dark, on both screens."""

from pathlib import Path

import pytest
from explore_page import link
from playwright.sync_api import expect

axe_playwright_python = pytest.importorskip("axe_playwright_python")
pytestmark = pytest.mark.browser

#: axe-core, https://github.com/dequelabs/axe-core.
AXE = (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text()
#: A small view, in which every model is quickly there.
VIEW = link(region="Vermont", statistic="new_admissions", models="ets,theta", model="theta")
#: Every page by its address, and something that is there when it is drawn.
PAGES = {
    VIEW: "text=How far to trust it",
    f"regions{VIEW}": ".regions[data-busy=false]",
    f"compare{VIEW}": "text=What if …",
    f"compare{VIEW}&compare=together&regions=Vermont;Texas": "text=The numbers",
    f"time_machine{VIEW}": "text=From this date",
    "desk": "text=Nothing is pinned yet",
    "your_data": "h1:has-text('Your data')",
    "monitor": "text=Which model is picked",
    "methods": "text=Where the figures come from",
    "nowhere": "text=There is no page",
}
#: Width in pixels and colours in which axe looks at each page with all of its rules, ...
WIDE, LIGHT = 1280, "light"
#: ... and those in which it looks once more, as colours differ in the dark and places on a phone: at these pages, which have
#: everything that the others have, or at all with `--whole`.
NARROW, DARK = 390, "dark"
TWICE = {VIEW, f"compare{VIEW}"}
IS_DARK = "() => getComputedStyle(document.querySelector('.stApp')).backgroundColor === 'rgb(14, 20, 32)'"
#: What Streamlit's own markup breaks and nothing of ours can mend, with the reason why it may stay: rule, selector.
LEFT = [
    # The area that takes a dropped file has no part for the keyboard, and says so twice; the button within it does the same.
    ("presentation-role-conflict", "[data-testid=stFileUploaderDropzone]"),
]
#: The frame names what Streamlit leaves without a name, a moment after it is there.
ARE_NAMED = "() => [...document.querySelectorAll('[data-testid=data-grid-canvas]')].every((one) => one.ariaLabel)"
#: What axe finds, as text: rule, element, and what is wrong with it.
FIND = """async ([left, rules]) => {
    const found = await axe.run(document, { resultTypes: ["violations"], ...(rules && { runOnly: rules }) });
    const node = (target) => target.flat().reduce((root, one) => root.querySelector(one).shadowRoot ?? root.querySelector(one), document);
    const stays = (rule, element) => left.some(([of, selector]) => of === rule && element.matches?.(selector));
    return found.violations.flatMap((rule) => rule.nodes
        .filter((one) => !stays(rule.id, node(one.target)))
        .map((one) => `${rule.id}: ${one.html.slice(0, 160)}: ${one.failureSummary}`));
}"""
#: Everything that the keyboard reaches and nothing names, and the number of headings of the first level.
STOPS = """() => {
    axe.setup(document);
    try {
        const all = (root) => [...root.querySelectorAll("*")].flatMap((one) => [one, ...(one.shadowRoot ? all(one.shadowRoot) : [])]);
        const stops = all(document).filter((one) => one.tabIndex >= 0 && one.checkVisibility({ visibilityProperty: true }));
        const nameless = stops.filter((one) => !axe.commons.text.accessibleText(one).trim());
        return [nameless.map((one) => one.outerHTML.slice(0, 200)), document.querySelectorAll("h1").length];
    } finally {
        axe.teardown();
    }
}"""


def test_axe_finds_nothing_on_any_page_and_the_keyboard_reaches_nothing_nameless(visitors, server, request):
    twice = PAGES if request.config.getoption("--whole") else TWICE
    page, found = visitors.open(server.url, "methods"), {}
    for address, there in PAGES.items():
        page.goto(address)
        page.tab.locator(there).first.wait_for()
        page.expect_ended()
        page.tab.wait_for_function("() => window.forecastFrame")
        page.tab.wait_for_function(ARE_NAMED)
        page.tab.evaluate(AXE)
        found[address, WIDE, LIGHT] = page.tab.evaluate(FIND, [LEFT, None])
        nameless, headings = page.tab.evaluate(STOPS)
        found[address, "nameless"], found[address, "headings"] = nameless, [headings] if headings != 1 else []
        if address in twice:
            page.tab.set_viewport_size({"width": NARROW, "height": 844})
            page.tab.emulate_media(color_scheme=DARK)
            page.tab.wait_for_function(IS_DARK)
            found[address, NARROW, DARK] = page.tab.evaluate(FIND, [LEFT, None])
            page.tab.set_viewport_size({"width": WIDE, "height": 900})
            page.tab.emulate_media(color_scheme=LIGHT)
    page.goto("your_data")
    page.tab.get_by_role("button", name="Try a sample").click()
    page.tab.get_by_text("What will be forecast").wait_for()
    page.expect_ended()
    page.tab.evaluate(AXE)
    page.tab.emulate_media(color_scheme=DARK)
    page.tab.wait_for_function(IS_DARK)
    found["a table of one's own"] = page.tab.evaluate(FIND, [LEFT, None])
    assert [f"{where}: {one}" for where, what in found.items() for one in what] == []


def test_the_menu_shows_where_the_keyboard_is_and_says_what_it_is_on_a_phone(visitors, server):
    page = visitors.open(server.url, "methods")
    page.tab.wait_for_function("() => window.forecastFrame")
    page.tab.get_by_role("link", name="Explore").focus()
    page.tab.keyboard.press("Tab")
    link = page.tab.get_by_role("link", name="Regions")
    expect(link).to_be_focused()
    expect(link).to_have_css("outline-style", "solid")
    page.tab.set_viewport_size({"width": NARROW, "height": 844})
    menu = page.tab.get_by_role("button", name="Menu and choices")
    assert menu.evaluate("element => getComputedStyle(element, '::after').content") == '"Menu"'
    menu.click()
    page.tab.get_by_role("link", name="Regions").wait_for()
