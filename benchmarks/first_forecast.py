"""How soon a visitor sees a forecast, beside the least that a Streamlit page with a chart can do.

Real servers and a real Chromium, both warm (each has served a visit before); app and bare page take turns and medians
are given. All browser times are taken inside the page.

- `page_load`: a visitor who was never here opens the page, until a forecast is drawn; the reference is the bare page,
  until its chart is drawn.
- `new_region`: Enter is pressed on a region that nobody has asked for, until its first forecast is drawn; the
  reference is the same key in the bare page, until its chart has changed.
- `sarima_and_prophet`: the same key, until both final forecasts of the daily series are drawn; the reference is the 5
  seconds that this may take. `sarima_and_prophet_and_bare_load` has the bare page's load as its reference.
- `stored_forecast`: the server's time for a view whose three forecasts are in the store, by a server that was started
  since: from the rerun request to the last message of the script's run, in a new session over a WebSocket without a
  browser. The reference is the same for the bare page; `stored_forecast_limit` has 0.3 seconds as its reference.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from statistics import median

from playwright.sync_api import Browser

from benchmarks._browser import BARE_DRAWN, FORECAST_DRAWN, bare_shows, choose, chromium, forecast_of, load, visitor
from benchmarks._figure import Figure, figure
from benchmarks._page_visit import PageVisit
from benchmarks._server import APP, BARE, Server, serving, settled

LOADS = 7
FIRST, *OTHERS = ("United States", "United Kingdom", "Italy", "France", "Germany", "Spain")
#: Another horizon is another forecast, so every region can be asked for once more.
HORIZONS = (28, 27)
MODELS_LIMIT = 5.0
STORED_LIMIT = 0.3


def run() -> Iterator[Figure]:
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        with ExitStack() as stack:
            bare = stack.enter_context(serving(BARE, home)).wait()
            app = stack.enter_context(serving(APP, home)).wait()
            browser = stack.enter_context(chromium())
            yield from in_the_browser(app, bare, browser)
        with serving(BARE, home) as bare, serving(APP, home) as app:
            yield from stored(app.wait(), bare.wait())


def in_the_browser(app: Server, bare: Server, browser: Browser) -> Iterator[Figure]:
    loads = [
        (first_view(browser, app, FORECAST_DRAWN), first_view(browser, bare, BARE_DRAWN)) for _ in range(LOADS + 1)
    ]
    ours, theirs = (median(times) for times in zip(*loads[1:], strict=True))
    yield figure("first_forecast/page_load", ours, "s", theirs)
    clicks = [click for horizon in HORIZONS for click in regions(app, bare, browser, horizon)]
    first, both, reference = (median(times) for times in zip(*clicks, strict=True))
    yield figure("first_forecast/new_region", first, "s", reference)
    yield figure("first_forecast/sarima_and_prophet", both, "s", MODELS_LIMIT)
    yield figure("first_forecast/sarima_and_prophet_and_bare_load", both, "s", theirs)


def first_view(browser: Browser, server: Server, condition: str) -> float:
    settled(server)
    with visitor(browser) as page:
        return load(page, server.url, condition)


def regions(app: Server, bare: Server, browser: Browser, horizon: int) -> Iterator[tuple[float, float, float]]:
    """For each region: seconds to its first forecast, to its final ones, and to the bare page's other chart."""
    with visitor(browser) as ours, visitor(browser) as theirs:
        load(ours, f"{app.url}/?horizon={horizon}&region={FIRST}", forecast_of(FIRST, "sarima", "prophet"))
        load(theirs, bare.url, BARE_DRAWN)
        for region in OTHERS:
            settled(app)
            first, both = choose(ours, region, forecast_of(region), forecast_of(region, "sarima", "prophet"))
            settled(app)
            (reference,) = choose(theirs, region, bare_shows(region))
            yield first, both, reference


def stored(app: Server, bare: Server) -> Iterator[Figure]:
    with PageVisit(app, region=FIRST) as ours, PageVisit(bare) as theirs:
        ours.rerun(), theirs.rerun()
    settled(app)
    pairs = [(visit(app, region=region), visit(bare)) for region in OTHERS]
    ours, theirs = (median(times) for times in zip(*pairs, strict=True))
    yield figure("first_forecast/stored_forecast", ours, "s", theirs)
    yield figure("first_forecast/stored_forecast_limit", ours, "s", STORED_LIMIT)


def visit(server: Server, **state: str) -> float:
    time.sleep(0.5)
    with PageVisit(server, **state) as session:
        return session.rerun()
