"""How soon all 53 regions of the weekly admissions are on the screen, when their forecasts are in the store.

A real server and a real Chromium. The server is new each time but has served Explore before, so that it is warm and knows
nothing of the view; the visitor was never here. Browser times are taken inside the page, from the beginning of the
navigation until every region has its row with its fan, on the map and in the list.

- `stored`: the first visitor after the server's start; the reference is the 2 seconds that this may take.
- `stored_and_bare_load`: the same, beside a bare Streamlit page until its chart is drawn.
- `known`: the next visitor, who finds what the first one's visit left in memory; the reference is 2 seconds too.
- `bytes`: what the server sends for the whole page, beside 100 kB.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from statistics import median

from playwright.sync_api import Browser
from streamlit.proto.ClientState_pb2 import ClientState

from benchmarks._browser import BARE_DRAWN, FORECAST_DRAWN, chromium, load, visitor
from benchmarks._figure import Figure, figure
from benchmarks._page_visit import PageVisit
from benchmarks._server import APP, BARE, Server, serving, settled

STATE = {"statistic": "new_admissions", "model": "ets"}
REGIONS = 53
LIMIT = 2.0
KILOBYTES = 100.0
TURNS = 5
#: True in the page once every region has its row, with a fan, in the shadow of the component.
ROWS = "element.shadowRoot?.querySelectorAll(\".line[data-state='ready'] .fan\").length"
ALL_SHOWN = f"[...document.querySelectorAll('*')].some((element) => {ROWS} === {REGIONS})"


class RegionsVisit(PageVisit):
    """A session on the Regions page, without a browser."""

    def rerun(self) -> float:
        return self._run(ClientState(query_string=self._query, page_name="regions"))


def run() -> Iterator[Figure]:
    with tempfile.TemporaryDirectory() as folder, chromium() as browser:
        home = Path(folder)
        with serving(APP, home) as server:
            opened(browser, server.wait())  # everything is forecast now
        with serving(BARE, home) as bare:
            bare.wait()
            turns = [turn(browser, bare, home) for _ in range(TURNS)]
    stored, known, reference, sent = (median(values) for values in zip(*turns, strict=True))
    yield figure("regions/stored", stored, "s", LIMIT)
    yield figure("regions/stored_and_bare_load", stored, "s", reference)
    yield figure("regions/known", known, "s", LIMIT)
    yield figure("regions/bytes", sent, "kB", KILOBYTES)


def turn(browser: Browser, bare: Server, home: Path) -> tuple[float, float, float, float]:
    """Seconds until all is shown to a first and to a second visitor, those of the bare page, and kilobytes sent."""
    with serving(APP, home) as server:
        with visitor(browser) as page:
            load(page, server.wait().url, FORECAST_DRAWN)
        settled(server)
        stored, known = opened(browser, server), opened(browser, server)
        with visitor(browser) as page:
            reference = load(page, bare.url, BARE_DRAWN)
        with RegionsVisit(server, **STATE) as visit:
            visit.rerun()
            return stored, known, reference, visit.received / 1000


def opened(browser: Browser, server: Server) -> float:
    with visitor(browser) as page:
        query = "&".join(f"{name}={value}" for name, value in STATE.items())
        return load(page, f"{server.url}/regions?{query}", ALL_SHOWN)
