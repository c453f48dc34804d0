"""The Explore page as a visitor sees it and uses it."""

from datetime import datetime
from urllib.parse import parse_qs, urlencode, urlsplit


class ExplorePage:
    """One visitor's tab."""

    def __init__(self, tab, url):
        self.tab = tab
        self.url = url
        self.chart = tab.locator(".fan-chart[data-drawn]")
        self.rows = tab.locator(".row[data-model]")
        self.answer = tab.get_by_role("heading", level=1)

    def goto(self, page=""):
        """Open a whole address of the app, or what follows the server's: a page, or one of `link`'s."""
        self.tab.goto(page if page.startswith(self.url) else f"{self.url}/{page}")

    @property
    def link(self):
        """What the address says, by name."""
        return {name: value[0] for name, value in parse_qs(urlsplit(self.tab.url).query).items()}

    def expect_drawn(self, *traces):
        """Wait until the chart shows these traces."""
        for trace in traces:  # `wait_for`, as `expect` describes the whole page each time that it has to look again
            self.tab.locator(f".fan-chart[data-drawn~='{trace}']").wait_for()

    def expect_title(self, title):
        """Wait for the heading."""
        self.tab.get_by_role("heading", name=title, exact=True).wait_for()

    def expect_ended(self):
        """Wait until the page's run has ended: one that is left before is not counted as a visit."""
        self.tab.locator(".stApp[data-test-script-state='notRunning']").wait_for()

    def row(self, model, state=None):
        """The live row of a model, in a state if that is given."""
        return self.tab.locator(f".row[data-model='{model}']" + (f"[data-state='{state}']" if state else ""))

    def expect_state(self, model, *states):
        """Wait until a model's row is in one of these states."""
        either = ", ".join(f".row[data-model='{model}'][data-state='{state}']" for state in states)
        self.tab.locator(either).wait_for()

    def press(self, what, model):
        """A row's button."""
        self.row(model).get_by_role("button", name=what).click()

    def press_slowly(self, what, model):
        """As people do, who hold a button down for a moment: meanwhile its row gets new data."""
        self.row(model).get_by_role("button", name=what).hover()
        self.tab.mouse.down()
        mark = self.row(model).locator(".mark").element_handle()
        self.tab.wait_for_function("mark => !mark.isConnected", arg=mark)
        self.tab.mouse.up()

    def choose(self, label, option):
        """An option of a select box in the sidebar, found by typing, as a long list shows only some."""
        self.tab.get_by_test_id("stSidebar").get_by_role("combobox", name=label).fill(option)
        self.tab.get_by_role("option", name=option).first.click()

    def pan(self):
        """Drag the chart to the right, into the past."""
        first, plot = self.range()[0], self.chart.locator(".nsewdrag").bounding_box()
        across, middle = plot["x"] + 0.3 * plot["width"], plot["y"] + 0.5 * plot["height"]
        self.tab.mouse.move(across, middle)
        self.tab.mouse.down()
        self.tab.mouse.move(across + 0.3 * plot["width"], middle, steps=5)
        self.tab.mouse.up()
        self.wait_for_chart("element.layout.xaxis.range[0] < first", first)

    def hover(self, date):
        """Move the pointer onto a date of the chart; gives the box that tells of it, when it is there."""
        plot = self.chart.locator(".nsewdrag").bounding_box()
        across = self.chart.evaluate("(element, date) => element._fullLayout.xaxis.d2p(date)", date)
        for offset in (-8, 0):
            self.tab.mouse.move(plot["x"] + min(across + offset, plot["width"] - 1), plot["y"] + 0.5 * plot["height"])
        box, day = self.tab.locator(".chart-readout"), datetime.fromisoformat(date)
        box.filter(has_text=f" {day.day} {day:%b %Y}").wait_for()
        return box

    def wait_for_chart(self, condition, first=None):
        """Wait until a condition holds of the chart's `element`, and of the value `first`, in JavaScript."""
        self.tab.wait_for_function(
            f"first => {{ const element = document.querySelector('.fan-chart'); return element?.layout && {condition}; }}",
            arg=first,
        )

    def range(self):
        """The dates that the chart's x axis shows."""
        return self.chart.evaluate("element => element.layout.xaxis.range.map(String)")

    def traces(self):
        """What is drawn, by uid: whether it is visible, its x and y and line."""
        return self.chart.evaluate(
            "element => Object.fromEntries(element.data.map(t => [t.uid, {visible: t.visible ?? true, y: t.y, x: t.x}]))"
        )

    def width(self):
        """The widest that anything of the page is, in pixels."""
        return self.tab.evaluate(
            "() => Math.max(document.documentElement.scrollWidth,"
            " ...[...document.querySelectorAll('[data-testid=stMain], .stMainBlockContainer')].map(e => e.scrollWidth))"
        )


def link(**choices):
    """The address of a view, of the bundled figures of new cases unless told otherwise."""
    usual = {} if "source" in choices else {"statistic": "new_cases"}
    return f"?{urlencode(usual | choices)}"
