"""A crowd of simulated visitors: response times, failed page loads, and the resources a server holds afterwards.

The app and a bare page with one chart are served side by side. First so many visitors are on the app, then as many on the bare
page, who click as often; all the while the app's workers fit, so that what is compared differs in the page alone.
"""

from __future__ import annotations

import asyncio
import itertools
import random
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

import httpx
import numpy as np
import psutil
from websockets.exceptions import WebSocketException

from benchmarks._server import Server, settled
from benchmarks.soak.websocket_visitor import Answer, visit

REGIONS = ("United States", "United Kingdom", "Italy", "France", "Germany", "Spain")
#: Fits that wait, at least, while the workers are kept busy.
WAITING = 12
#: Seconds between two looks at the number of waiting fits.
LOOK = 2.0
#: Visits that are open at the same time.
AT_ONCE = 6
#: Visits between two measurements of memory.
LOOK_EVERY = 50
#: Seconds in which a server must release what its visitors needed.
BACK = 30.0
#: Files of the sessions that Streamlit remembers, should their visitors come back: 128 sessions, an event loop each.
REMEMBERED = 3 * 128


@dataclass(frozen=True)
class ServerResources:
    """Threads, open files and memory of a server's process.

    Attributes:
        memory: unique set size, in MB.
    """

    threads: int
    files: int
    memory: float


def resources(process: psutil.Process) -> ServerResources:
    return ServerResources(process.num_threads(), process.num_fds(), process.memory_full_info().uss / 1e6)


def compare(app: Server, bare: Server, number: int, seconds: float, every: float) -> tuple[list[Answer], list[Answer]]:
    """The answers of a crowd on the app, then of an equal one on the bare page."""
    asyncio.run(warm(app, bare))
    with workers_busy(app):
        ours = asyncio.run(crowd(app.port, number, seconds, every, seed=1))
        theirs = asyncio.run(crowd(bare.port, number, seconds, every, seed=1))
    return ours, theirs


async def crowd(port: int, number: int, seconds: float, every: float, seed: int) -> list[Answer]:
    """`number` visitors who come within one `every`, each changing something every so many seconds, until all is over."""
    answers: list[Answer] = []

    async def come(place: int) -> None:
        dice = random.Random(seed * 10_000 + place)
        end = start + seconds
        await asyncio.sleep(every * place / number)
        try:
            async with visit(port) as visitor:
                while time.perf_counter() + every < end:
                    await asyncio.sleep(every * dice.uniform(0.7, 1.3))
                    await visitor.change(dice)
        except (OSError, WebSocketException, TimeoutError) as error:
            answers.append(Answer("open", None, None, (f"The page could not be opened: {error}",)))
            return
        answers.extend(visitor.answers)

    start = time.perf_counter()
    await asyncio.gather(*(come(place) for place in range(number)))
    return answers


def problems(answers: Iterable[Answer]) -> list[str]:
    """A sentence for each answer that was not good."""
    return [f"{answer.action}: {' '.join(answer.wrong)}" for answer in answers if not answer.good]


def settle(app: Server) -> None:
    """Every page has been drawn, and what those that visit choose from most has been fitted, as after the first hour."""
    asyncio.run(warm(app))
    asyncio.run(crowd(app.port, AT_ONCE, 20.0, 2.0, seed=3))
    settled(app)


async def warm(*servers: Server) -> None:
    """Visit every page of each server once, so that it is imported."""
    for server in servers:
        async with visit(server.port) as visitor:
            for page in list(visitor.pages):
                await visitor.go(page)


@contextmanager
def workers_busy(app: Server) -> Iterator[None]:
    """Keep the workers of a server busy with fits for the block."""
    over = threading.Event()

    def feed() -> None:
        asked = ((region, horizon) for horizon in itertools.count(61) for region in REGIONS)
        with httpx.Client(base_url=app.url, trust_env=False, timeout=60) as client:
            while not over.wait(LOOK):
                with suppress(httpx.HTTPError):
                    said = client.get("/metrics").text
                    waiting = next(line for line in said.splitlines() if line.startswith("forecast_waiting "))
                    while float(waiting.split()[1]) < WAITING and not over.is_set():
                        region, horizon = next(asked)
                        question = {"source": "bundled", "region": region, "horizon": horizon}
                        client.post("/api/v1/forecast", json=question | {"models": ["auto_arima", "sarima", "prophet"]})
                        waiting = f"waiting {float(waiting.split()[1]) + 3}"

    thread = threading.Thread(target=feed, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def seconds(answers: list[Answer], quantile: float = 0.95) -> float:
    """A quantile of the seconds from a click to the first chart; to the end where a page has none. What never came: infinite."""
    took = [_seconds(answer) for answer in answers if answer.action != "open"]
    return float(np.quantile(took, quantile, method="higher")) if took else float("nan")


def _seconds(answer: Answer) -> float:
    if answer.seconds is None:
        return float("inf")
    return answer.seconds if answer.chart is None else answer.chart


def visits(server: Server, number: int, seed: int = 1, clicks: int = 3) -> tuple[list[Answer], list[float]]:
    """So many visits one after the other, a few at once: each opens the app, changes a few things and leaves.

    Gives the answers, and the memory of the server's process after each `LOOK_EVERY`, in MB.
    """
    assert server.process
    answers: list[Answer] = []
    memory: list[float] = []

    async def come(place: int, seats: asyncio.Semaphore) -> None:
        dice = random.Random(seed * 100_000 + place)
        async with seats, visit(server.port) as visitor:
            for _ in range(clicks):
                await visitor.change(dice)
            answers.extend(visitor.answers)

    async def all_come() -> None:
        seats = asyncio.Semaphore(AT_ONCE)
        for start in range(0, number, LOOK_EVERY):
            await asyncio.gather(*(come(place, seats) for place in range(start, min(start + LOOK_EVERY, number))))
            memory.append(resources(server.process).memory)

    asyncio.run(all_come())
    return answers, memory


def memory_slope(memory: list[float]) -> float:
    """The growth of memory in MB per 1,000 visits, over the last half of them."""
    last = memory[len(memory) // 2 :]
    return float(np.polyfit(np.arange(len(last)) * LOOK_EVERY / 1000, last, 1)[0]) if len(last) > 1 else float("nan")


def resources_after(server: Server, before: ServerResources, patience: float = BACK) -> ServerResources:
    """Wait until the server holds no more than before; returns what it holds then, or after `patience` seconds."""
    return _until(lambda: resources(server.process), lambda now: _no_more(now, before), patience)


def connected_sessions(server: Server) -> float:
    """The number of connected sessions, as Streamlit's metrics count them."""
    for line in httpx.get(f"{server.url}/_stcore/metrics", trust_env=False, timeout=30).text.splitlines():
        if line.startswith("active_sessions"):
            return float(line.split()[-1])
    return float("nan")


def _no_more(now: ServerResources, before: ServerResources) -> bool:
    return now.threads <= before.threads and now.files <= before.files + REMEMBERED


def _until(
    look: Callable[[], ServerResources], good: Callable[[ServerResources], bool], patience: float
) -> ServerResources:
    end = time.monotonic() + patience
    while not good(now := look()) and time.monotonic() < end:
        time.sleep(0.5)
    return now
