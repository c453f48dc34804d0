"""How long stored forecasts take through the API, 100 requests a second while both workers fit: p95 in milliseconds.

The real server (`serve`) on the loopback interface, asked at fixed times, whether earlier answers have come or not, over
connections that are kept open: a request that has to wait for others counts from when it was due. Every one is for a forecast
that is in the store, of one of the bundled countries by one of three models, 28 days ahead (644 rows), and is read to its end.
Idle and busy stretches take turns; while busy, searches by Auto-ARIMA and SARIMA keep the workers fitting all the time.

- `p95` while fits run has the 20 ms that it may take as its reference, `idle` likewise without fits.
- `over_idle` is the busy p95 beside the idle one of the same run.
- `workers_busy`: how much of the busy stretches each worker was really fitting, of the whole.
- `bare`: the p95 of /healthz at the same rate in the same busy stretches, beside that of a forecast: what is the machine's.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import numpy as np
import psutil

from benchmarks._figure import BenchmarkError, Figure, figure
from benchmarks._server import (
    HOST,
    ROOT,
    Server,
    free_port,
    processor_seconds,
    server_environment,
    settled,
    stop_server,
)

LIMIT = 20.0
RATE = 100
STRETCH = 6.0
ROUNDS = 3
CONNECTIONS = 32
REGIONS = ("United States", "United Kingdom", "Italy", "France", "Germany", "Spain")
MODELS = ("ets", "sarima", "ensemble")
HORIZON = 28
#: Other horizons are other fits: enough of them keep both workers busy to the end of a stretch.
SEARCHED = ("auto_arima", "sarima")


def run() -> Iterator[Figure]:
    with tempfile.TemporaryDirectory() as folder, served(Path(folder)) as server:
        server.wait()
        questions = [question(region, model, HORIZON) for region in REGIONS for model in MODELS]
        warm(server, questions)
        settled(server)
        asyncio.run(stretch(server, questions, 1.0))
        idle: list[float] = []
        busy: list[float] = []
        bare: list[float] = []
        fitting: list[float] = []
        horizons = itertools.count(40)
        for _ in range(ROUNDS):
            idle += asyncio.run(stretch(server, questions))
            jobs = search(server, horizons)
            before, start = processor_seconds(server.workers()), time.perf_counter()
            busy += asyncio.run(stretch(server, questions))
            bare += asyncio.run(stretch(server, [health()]))
            used = processor_seconds(server.workers()) - before
            fitting.append(used / (time.perf_counter() - start) / len(server.workers()))
            for job in jobs:
                httpx.delete(f"{server.url}{job}", trust_env=False, timeout=30)
            settled(server)
        yield figure("api/p95", p95(busy), "ms", LIMIT)
        yield figure("api/idle", p95(idle), "ms", LIMIT)
        yield figure("api/over_idle", p95(busy), "ms", p95(idle))
        yield figure("api/bare", p95(bare), "ms", p95(busy))
        yield figure("api/median", float(np.median(busy)), "ms", float(np.median(idle)))
        yield figure("api/workers_busy", float(np.mean(fitting)), "fraction", 1.0)


@contextmanager
def served(home: Path) -> Iterator[Server]:
    """`python -m forecasting serve`, offline, with `home` for its files."""
    port, log = free_port(), home / "server.log"
    command = [sys.executable, "-m", "forecasting", "serve", "--host", HOST, "--port", str(port)]
    environment = server_environment(home) | {"FORECAST_API_RATE": "1000000/minute"}
    with log.open("wb") as output:
        started = time.perf_counter()
        process = psutil.Popen(command, cwd=ROOT, env=environment, stdout=output, stderr=output, start_new_session=True)
    try:
        yield Server(process, port, started, log)
    finally:
        stop_server(process)


def question(region: str, model: str, horizon: int) -> bytes:
    """A request for a forecast as it goes over the wire, as clients send it that can unpack answers."""
    asked = {"source": "bundled", "statistic": "new_cases", "region": region, "model": model, "horizon": horizon}
    content = json.dumps(asked).encode()
    head = (
        f"POST /api/v1/forecast HTTP/1.1\r\nHost: {HOST}\r\nContent-Type: application/json\r\n"
        f"Accept-Encoding: gzip\r\nContent-Length: {len(content)}\r\n\r\n"
    )
    return head.encode() + content


def health() -> bytes:
    return f"GET /healthz HTTP/1.1\r\nHost: {HOST}\r\n\r\n".encode()


def warm(server: Server, questions: list[bytes]) -> None:
    """Has every forecast stored."""
    end = time.perf_counter() + 300
    with httpx.Client(base_url=server.url, trust_env=False, timeout=60) as client:
        for wire in questions:
            asked = json.loads(wire.partition(b"\r\n\r\n")[2])
            while client.post("/api/v1/forecast", json={**asked, "wait": 10}).status_code != 200:
                if time.perf_counter() > end:
                    raise BenchmarkError("The forecasts that were to be asked for were not ready in time.")


def search(server: Server, horizons: Iterator[int]) -> list[str]:
    """Fits that keep the workers busy; where their jobs are."""
    jobs = []
    for horizon in itertools.islice(horizons, 4):
        for region in REGIONS:
            asked = {"source": "bundled", "region": region, "models": SEARCHED, "horizon": horizon}
            answer = httpx.post(f"{server.url}/api/v1/forecast", json=asked, trust_env=False, timeout=60)
            if answer.status_code == 202:
                jobs.append(answer.json()["location"])
    return jobs


async def stretch(server: Server, questions: list[bytes], seconds: float = STRETCH) -> list[float]:
    """Milliseconds of each request, from when it was due until its answer was read."""
    free: asyncio.Queue[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = asyncio.Queue()
    for _ in range(CONNECTIONS):
        free.put_nowait(await asyncio.open_connection(HOST, server.port))
    took: list[float] = []

    async def ask(wire: bytes, due: float) -> None:
        reader, writer = await free.get()
        writer.write(wire)
        head = await reader.readuntil(b"\r\n\r\n")
        if not head.startswith(b"HTTP/1.1 200"):
            raise BenchmarkError(f"A request was answered with {head[9:12].decode()}.")
        length = next(line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
        await reader.readexactly(int(length.split(b":")[1]))
        took.append(1000 * (time.perf_counter() - due))
        free.put_nowait((reader, writer))

    start = time.perf_counter()
    async with asyncio.TaskGroup() as group:
        for number in range(int(RATE * seconds)):
            due = start + number / RATE
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            group.create_task(ask(questions[number % len(questions)], due))
    while not free.empty():
        free.get_nowait()[1].close()
    return took


def p95(times: list[float]) -> float:
    return float(np.quantile(times, 0.95))
