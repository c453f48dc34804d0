"""What visitors meet when there are many: how long answers take, whether pages load, and what is left when they have gone.

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
from benchmarks._visitors import Answer, visit

REGIONS = ("United States", "United Kingdom", "Italy", "France", "Germany", "Spain")
#: Fits that wait while the workers are kept busy, at least, and seconds between two looks whether they do: looking is work.
WAITING = 12
LOOK = 2.0
#: Visits at once, and after how many the memory is looked at.
AT_ONCE = 6
LOOK_EVERY = 50
#: Seconds in which what visitors needed must be given back.
BACK = 30.0
#: Files of the sessions that Streamlit remembers, should their visitors come back: 128 sessions, an event loop each.
REMEMBERED = 3 * 128


@dataclass(frozen=True)
class Held:
    """What a server's own process holds.

    Attributes:
        memory: that is its alone, in MB.
    """

    threads: int
    files: int
    memory: float


def held(process: psutil.Process) -> Held:
    return Held(process.num_threads(), process.num_fds(), process.memory_full_info().uss / 1e6)


def compared(app: Server, bare: Server, number: int, seconds: float, every: float) -> tuple[list[Answer], list[Answer]]:
    """The answers on the app, then on the bare page."""
    asyncio.run(warm(app, bare))
    with kept_busy(app):
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


def wrong(answers: Iterable[Answer]) -> list[str]:
    """What was not as it should be, a sentence an answer."""
    return [f"{answer.action}: {' '.join(answer.wrong)}" for answer in answers if not answer.good]


def settle(app: Server) -> None:
    """Every page has been drawn, and what those that visit choose from most has been fitted, as after the first hour."""
    asyncio.run(warm(app))
    asyncio.run(crowd(app.port, AT_ONCE, 20.0, 2.0, seed=3))
    settled(app)


async def warm(*servers: Server) -> None:
    """Has every page imported and drawn once."""
    for server in servers:
        async with visit(server.port) as visitor:
            for page in list(visitor.pages):
                await visitor.go(page)


@contextmanager
def kept_busy(app: Server) -> Iterator[None]:
    """The workers have always something to fit that nobody looks at."""
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
            memory.append(held(server.process).memory)

    asyncio.run(all_come())
    return answers, memory


def slope(memory: list[float]) -> float:
    """MB per 1,000 visits, over the last half of them."""
    last = memory[len(memory) // 2 :]
    return float(np.polyfit(np.arange(len(last)) * LOOK_EVERY / 1000, last, 1)[0]) if len(last) > 1 else float("nan")


def back(server: Server, before: Held, patience: float = BACK) -> Held:
    """What the server holds as soon as it is no more than before; after `patience` seconds, whatever it is."""
    return _until(lambda: held(server.process), lambda now: _no_more(now, before), patience)


def sessions(server: Server) -> float:
    """Sessions that are connected, by Streamlit's own count."""
    for line in httpx.get(f"{server.url}/_stcore/metrics", trust_env=False, timeout=30).text.splitlines():
        if line.startswith("active_sessions"):
            return float(line.split()[-1])
    return float("nan")


def _no_more(now: Held, before: Held) -> bool:
    return now.threads <= before.threads and now.files <= before.files + REMEMBERED


def _until(look: Callable[[], Held], good: Callable[[Held], bool], patience: float) -> Held:
    end = time.monotonic() + patience
    while not good(now := look()) and time.monotonic() < end:
        time.sleep(0.5)
    return now
