"""How much memory the app needs: the server with its workers, after everything has been used once.

A real server and a visit by a real Chromium; then every model is asked for on the daily series of six countries, so
that each worker has run each model (of the largest it is made sure). Counted is the proportional set size (PSS): memory that processes share is divided
among them, so that their sum is what a machine must have. `whole` is the sum over the process tree and `peak` its
highest while models were fitted, looked at four times a second; then the app's own process and each worker apart. The
reference is the 1 GB that Streamlit's Community Cloud gives.
"""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil

from benchmarks._browser import FORECAST_DRAWN, chromium, load, visitor
from benchmarks._figure import BenchmarkError, Figure, figure
from benchmarks._page_visit import PageVisit
from benchmarks._server import APP, LOOK, Server, serving, settled
from forecasting.models import models

REGIONS = ("United States", "United Kingdom", "Italy", "France", "Germany", "Spain")
LIMIT = 1000.0
#: A library that only the last and largest model loads, by which a worker shows that it has run it.
LARGEST = "pmdarima"
#: How often six countries are asked for before it is given up that every worker has run every model.
ROUNDS = 4


def run() -> Iterator[Figure]:
    with tempfile.TemporaryDirectory() as folder, serving(APP, Path(folder)) as server:
        server.wait()
        with chromium() as browser, visitor(browser) as page:
            load(page, server.url, FORECAST_DRAWN)
        settled(server)
        yield figure("memory/whole_at_rest_before", tree(server), "MB", LIMIT)
        with watched(server) as peak:
            use_everything(server)
        yield figure("memory/whole", tree(server), "MB", LIMIT)
        yield figure("memory/peak", max(peak), "MB", LIMIT)
        yield figure("memory/app", megabytes(server.process), "MB", LIMIT)
        for number, worker in enumerate(server.workers(), start=1):
            yield figure(f"memory/worker_{number}", megabytes(worker), "MB", LIMIT)


def use_everything(server: Server) -> None:
    """Every model in every worker. Raises `BenchmarkError` if some worker has not had each."""
    for turn in range(ROUNDS):
        for model in [name for name in models() if name not in ("auto_arima", "deep")] + ["auto_arima"]:
            for region in REGIONS:
                with PageVisit(server, region=region, models=model, horizon=str(28 + turn)) as visit:
                    visit.rerun()
            settled(server)
        if all(has_loaded(worker, LARGEST) for worker in server.workers()):
            return
    raise BenchmarkError("One worker has taken all of the largest fits; nothing can be said of its memory.")


def has_loaded(process: psutil.Process, library: str) -> bool:
    return any(library in mapped.path for mapped in process.memory_maps())


def tree(server: Server) -> float:
    """The whole process tree's memory, in MB."""
    return megabytes(server.process, *server.process.children(recursive=True))


def megabytes(*processes: psutil.Process) -> float:
    total = 0
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            total += process.memory_full_info().pss
    return total / 1e6


@contextmanager
def watched(server: Server) -> Iterator[list[float]]:
    """A list that grows by the tree's memory until the block is left."""
    seen = [tree(server)]
    leave = threading.Event()

    def look() -> None:
        while not leave.wait(LOOK):
            seen.append(tree(server))

    thread = threading.Thread(target=look, daemon=True)
    thread.start()
    try:
        yield seen
    finally:
        leave.set()
        thread.join()
