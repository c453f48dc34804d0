"""How soon after `streamlit run streamlit_app.py` the first visitor sees a chart, beside a bare page's server.

Real servers with a new, empty `FORECAST_HOME` each, and a real Chromium that is open already and was never there. The
clock starts with the command; the page is opened as soon as the server answers and the clock stops when a forecast is
drawn, or the bare page's chart. App and bare page take turns; medians are given, the first turn of each is left out.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median

from playwright.sync_api import Browser

from benchmarks._browser import BARE_DRAWN, FORECAST_DRAWN, chromium, load, visitor
from benchmarks._figure import Figure, figure
from benchmarks._server import APP, BARE, serving

ROUNDS = 5


def run() -> Iterator[Figure]:
    with chromium() as browser:
        turns = [(start(browser, APP, FORECAST_DRAWN), start(browser, BARE, BARE_DRAWN)) for _ in range(ROUNDS + 1)]
    ours, theirs = (median(times) for times in zip(*turns[1:], strict=True))
    yield figure("cold_start/first_chart", ours, "s", theirs)


def start(browser: Browser, script: Path, condition: str) -> float:
    """Seconds from the command to the first chart."""
    with tempfile.TemporaryDirectory() as home, serving(script, Path(home)) as server, visitor(browser) as page:
        server.wait()
        opened = time.perf_counter()
        return opened - server.started + load(page, server.url, condition)
