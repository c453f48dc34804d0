"""A real Chromium that looks at a page, with the times taken inside the page: what a visitor's own clock would say."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from playwright.sync_api import Browser, Page, sync_playwright
from playwright.sync_api import Error as PlaywrightError

from benchmarks._figure import BenchmarkError
from forecasting.models import models

#: Milliseconds in which anything that is waited for must be on the screen.
LIMIT = 90_000
ARGUMENTS = ["--no-sandbox", "--disable-background-networking", "--disable-component-update", "--no-first-run"]

#: Expressions that are true in a page once a chart is drawn: the bare one, and the app's with a forecast in it.
BARE_DRAWN = "document.querySelector('.js-plotly-plot .scatterlayer .js-line')"
FAN = "document.querySelector('.fan-chart[data-drawn]')"
FORECAST_DRAWN = f"{FAN}?.data.some(({{uid}}) => {json.dumps(list(models()))}.includes(uid))"

#: Looks before every frame which of `conditions` have come true; answers with the milliseconds that each took since the
#: event `start`, or since the navigation began.
WATCH = """([start, conditions, limit]) => {
  const began = new Promise((resolve) => {
    if (!start) resolve(0);
    else document.addEventListener(start, () => resolve(performance.now()), {capture: true, once: true});
  });
  const tests = conditions.map((condition) => new Function(`return ${condition}`));
  const waited = [];
  window.answers = began.then((since) => new Promise((resolve) => {
    const look = () => {
      const now = performance.now() - since;
      while (waited.length < tests.length && tests[waited.length]()) waited.push(now);
      if (waited.length === tests.length || now > limit) resolve(waited); else requestAnimationFrame(look);
    };
    look();
  }));
}"""


def bare_shows(region: str) -> str:
    """True in the bare page once its chart is the one of `region`."""
    return f"document.querySelector('.js-plotly-plot .gtitle')?.textContent === {json.dumps(region)}"


def forecast_of(region: str, *done: str) -> str:
    """True in the app once the chart shows `region` with a forecast, and the final ones of the models `done`."""
    final = f"{json.dumps(done)}.every((model) => chart.data.some((t) => t.uid === model && t.line.dash === 'solid'))"
    here = f"chart.layout.uirevision.split('/').includes({json.dumps(region)})"
    return f"((chart) => chart && {here} && {FORECAST_DRAWN} && {final})({FAN})"


@contextmanager
def chromium() -> Iterator[Browser]:
    """The machine's own Chromium. Raises `BenchmarkError` where there is none."""
    path = shutil.which("chromium") or shutil.which("google-chrome") or shutil.which("chromium-browser")
    with sync_playwright() as playwright:
        try:
            browser = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        except PlaywrightError as error:
            raise BenchmarkError(f"Chromium could not be started: {error.message.splitlines()[0]}") from None
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def visitor(browser: Browser) -> Iterator[Page]:
    """A page of somebody who was never here: no cookie, nothing in the cache."""
    context = browser.new_context(viewport={"width": 1400, "height": 900}, locale="en-GB")
    context.set_default_timeout(LIMIT)
    try:
        yield context.new_page()
    finally:
        context.close()


def load(page: Page, url: str, condition: str) -> float:
    """Opens `url`; gives the seconds from the start of the navigation until `condition` is true."""
    page.goto(url, wait_until="commit")
    page.evaluate(WATCH, ["", [condition], LIMIT])
    return _answers(page, [condition])[0]


def choose(page: Page, region: str, *conditions: str) -> list[float]:
    """Chooses `region` in its select box; gives the seconds from that key until each condition is true, in this order."""
    field = page.get_by_role("combobox", name="Region").first
    field.click()
    field.fill(region)
    page.get_by_role("option", name=region, exact=True).first.wait_for()
    page.evaluate(WATCH, ["keydown", conditions, LIMIT])
    page.keyboard.press("Enter")
    return _answers(page, conditions)


def _answers(page: Page, conditions: Sequence[str]) -> list[float]:
    waited = page.evaluate("window.answers")
    if len(waited) < len(conditions):
        raise BenchmarkError(f"Not on the screen after {LIMIT / 1000:g} seconds: {conditions[len(waited)]}")
    return [milliseconds / 1000 for milliseconds in waited]
