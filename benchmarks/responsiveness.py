"""What four searches in the background cost a visitor who does something else: p95 of a page's rerun, busy over idle.

A visitor has Explore open with three forecasts that are done, and has the whole page run again five times a second: the
time from the request to the last message of the run, over the WebSocket that a browser would use but without a browser,
which in life works on another machine. Idle and busy stretches take turns; while busy, others search for the Auto-ARIMA
and SARIMA models of four other countries, at horizons that nobody has asked for, so that both workers fit all the time.

- `p95` has the p95 of the idle stretches as its reference, `median` likewise the medians.
- `p95_with_polling`: the same while four of their pages also ask twice a second how far the models are, as open pages
  do: what five visitors cost each other, not the fits alone.
- `workers_busy`: how much of the busy stretches each worker was really fitting, of the whole.
"""

from __future__ import annotations

import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import numpy as np

from benchmarks._figure import Figure, figure
from benchmarks._page_visit import PageVisit
from benchmarks._server import APP, Server, processor_seconds, serving, settled

HOME, *SEARCHED = ("United States", "United Kingdom", "Italy", "France", "Germany")
ROUNDS = 3
STRETCH = 8.0
EVERY = 0.2
#: Horizons asked for in a busy stretch, for each country: as many as keep both workers busy to its end.
ASKED = 4


def run() -> Iterator[Figure]:
    with tempfile.TemporaryDirectory() as folder, serving(APP, Path(folder)) as server:
        server.wait()
        with PageVisit(server, region=HOME) as visit:
            visit.rerun()
            settled(server)
            yield from measured(server, visit)


def measured(server: Server, visit: PageVisit) -> Iterator[Figure]:
    idle: list[float] = []
    busy: list[float] = []
    polled: list[float] = []
    fitting: list[float] = []
    for turn in range(ROUNDS):
        idle += stretch(visit)
        with searches(server, 30 + 2 * turn * ASKED, polling=False):
            before, start = processor_seconds(server.workers()), time.perf_counter()
            busy += stretch(visit)
            used = processor_seconds(server.workers()) - before
            fitting.append(used / (time.perf_counter() - start) / len(server.workers()))
        settled(server)
        with searches(server, 30 + (2 * turn + 1) * ASKED, polling=True):
            polled += stretch(visit)
        settled(server)
    idle_p95 = p95(idle)
    yield figure("responsiveness/p95", p95(busy), "s", idle_p95)
    yield figure("responsiveness/median", float(np.median(busy)), "s", float(np.median(idle)))
    yield figure("responsiveness/p95_with_polling", p95(polled), "s", idle_p95)
    yield figure("responsiveness/workers_busy", float(np.mean(fitting)), "fraction", 1.0)


def stretch(visit: PageVisit) -> list[float]:
    times, end = [], time.perf_counter() + STRETCH
    while time.perf_counter() < end:
        times.append(visit.rerun())
        time.sleep(max(0.0, EVERY - times[-1]))
    return times


def p95(times: list[float]) -> float:
    return float(np.quantile(times, 0.95))


@contextmanager
def searches(server: Server, first: int, polling: bool) -> Iterator[None]:
    """Visitors whose models are searched for; their pages are open and ask how far it is, or are left alone."""
    with ExitStack() as stack:
        for horizon in range(first, first + ASKED):
            for region in SEARCHED:
                state = {"region": region, "horizon": str(horizon), "models": "auto_arima,sarima"}
                other = stack.enter_context(PageVisit(server, **state))
                other.rerun()
                if polling and horizon == first:
                    stack.enter_context(polled(other))
        yield


@contextmanager
def polled(visit: PageVisit) -> Iterator[None]:
    """`visit` does what an open page does while its models train."""
    leave = threading.Event()

    def poll() -> None:
        while visit.fragment and not leave.wait(visit.interval):
            visit.poll()

    thread = threading.Thread(target=poll, daemon=True)
    thread.start()
    try:
        yield
    finally:
        leave.set()
        thread.join(timeout=10)
