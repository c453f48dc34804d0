"""10,000 messages a second for a minute from a Redis stream while pages are open: how many are lost, and how far behind pages are.

The real server (`streamlit run`), which takes the messages in a thread of its own, a real Redis, a sender and a Chromium are processes
of one machine, and share its cores. A message is one more minute of one of 500 regions; two pages show Explore of one region each, with
ETS. Needs redis-server and Chromium.

- `lost`: messages that are not in the store afterwards, read by a process of its own; the limit is one.
- `rate`: messages a second that were sent, of those wanted. It is less where other programs leave the machine's cores no time.
- `stored/behind`: the longest time from when a message was sent until it was stored, as looked at ten times a second.
- `page/behind/median`, `page/behind/p95`: how long ago the last figure in a page's chart was sent, looked at four times a second.
- `server/processor`: seconds of processor time of the server without its workers for each 10,000 messages, pages included; of two
  cores' 2 s. `all/processor`: of server, workers, browser, Redis and sender together.
- `memory`: the server, without its workers and the browser, at most.
- `unconfirmed`: messages that Redis still keeps as unconfirmed; the limit is one.
- `extend`: milliseconds for a draft of the series with one point more, from an ETS fit of 1,200 minutes, beside that fit.

`--rate` and `--seconds` choose another rate and duration.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
import psutil
from playwright.sync_api import Page

from benchmarks._browser import FAN, chromium, visitor
from benchmarks._figure import BenchmarkError, Figure, figure
from benchmarks._server import APP, ROOT, START_LIMIT, Server, free_port, processor_seconds, server_environment, serving
from benchmarks._stream_sender import START
from forecasting.data.frequency import frequency_of_alias
from forecasting.data.series import Series
from forecasting.models import model

RATE, SECONDS, REGIONS = 10_000, 60.0, 500
#: Minutes of every region that are there before, so that there is something to fit.
BEFORE = 120
#: Seconds that all must be stored in after the last one was sent.
DRAIN = 60.0
SHOWN = ("R7", "R8")
#: The date of the last figure in a chart.
LAST_MINUTE = f"""(() => {{
  const history = {FAN}?.data.find(({{uid}}) => uid === 'history' || uid === 'reported');
  return history ? String(history.x[history.x.length - 1]) : '';
}})()"""


def run(options: list[str]) -> Iterator[Figure]:
    parser = argparse.ArgumentParser(prog="python -m benchmarks stream")
    parser.add_argument("--rate", type=int, default=RATE)
    parser.add_argument("--seconds", type=float, default=SECONDS)
    given = parser.parse_args(options)
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        with redis(home) as port:
            yield from measured(home, port, given.rate, given.seconds)
    yield extension()


@dataclass
class Looks:
    """What was seen while messages came, on `time.perf_counter`'s clock: how many were sent and stored, and the pages' last minutes."""

    sent: list[tuple[float, int]] = field(default_factory=list)
    stored: list[tuple[float, int]] = field(default_factory=list)
    pages: list[tuple[float, int]] = field(default_factory=list)
    memory: int = 0

    def behind(self, seen: list[tuple[float, int]], first: int, last: int) -> list[float]:
        """How long ago the messages of these numbers had been sent when they were seen."""
        times, counts = (np.array(column, dtype=float) for column in zip(*self.sent, strict=True))
        return [at - float(np.interp(number, counts, times)) for at, number in seen if first < number < last]


def measured(home: Path, port: int, rate: int, seconds: float) -> Iterator[Figure]:
    before, looks = BEFORE * REGIONS, Looks()
    send(port, 50_000, before / 50_000, 0).wait()
    environment = {"FORECAST_STREAM_MINUTES": f"redis://127.0.0.1:{port}/0/minutes"}
    with serving(APP, home, environment) as server, chromium() as browser:
        server.wait()
        with visitor(browser) as one, visitor(browser) as other:
            for page, region in zip((one, other), SHOWN, strict=True):
                page.goto(f"{server.url}/?source=stream-minutes&region={region}&models=ets&horizon=30")
                page.wait_for_function(f"{FAN}")
            until(lambda: stored(home) >= before)
            alone = [psutil.Process(server.process.pid)]
            everything = [psutil.Process(), *psutil.Process().children(recursive=True)]
            spent = processor_seconds(alone), processor_seconds(everything)
            sender = send(port, rate, seconds, before)
            sender.began()
            look_on(server, home, port, (one, other), looks, sender)
            count, took = sender.result()
            with suppress(BenchmarkError):  # `lost` says it
                until(lambda: stored(home) >= before + count, DRAIN)
            used = processor_seconds(alone) - spent[0], processor_seconds(everything) - spent[1]
    lost = before + count - points_in_store(home)
    of_store = looks.behind(looks.stored, before, before + count)
    of_pages = looks.behind(looks.pages, before, before + count)
    yield figure("stream/lost", lost, "messages", 1)
    yield figure("stream/rate", count / took, "messages/s", rate)
    yield figure("stream/stored/behind", max(of_store), "s", 2)
    yield figure("stream/page/behind/median", float(np.median(of_pages)), "s", 2)
    yield figure("stream/page/behind/p95", float(np.quantile(of_pages, 0.95)), "s", 2)
    yield figure("stream/server/processor", used[0] / count * 10_000, "s", 2)
    yield figure("stream/all/processor", (used[1] + sender.processor) / count * 10_000, "s", 2)
    yield figure("stream/memory", looks.memory / 1e6, "MB", 1000)
    yield figure("stream/unconfirmed", unconfirmed(port), "messages", 1)


def look_on(server: Server, home: Path, port: int, pages: tuple[Page, ...], looks: Looks, sender: Sender) -> None:
    """Look at Redis, the store, the pages and the server's memory until all has been sent."""
    import redis

    process, done = psutil.Process(server.process.pid), threading.Event()

    def look_at_store() -> None:
        with redis.Redis(port=port) as client:
            while not done.wait(0.1):
                looks.sent.append((time.perf_counter(), int(client.xinfo_stream("minutes")["entries-added"])))
                looks.stored.append((time.perf_counter(), stored(home)))
                looks.memory = max(looks.memory, process.memory_info().rss)

    thread = threading.Thread(target=look_at_store)
    thread.start()
    try:
        while sender.is_sending:
            for page in pages:
                if text := page.evaluate(LAST_MINUTE):
                    minute = int((pd.Timestamp(text) - pd.Timestamp(START, unit="s")).total_seconds() // 60)
                    looks.pages.append((time.perf_counter(), (minute + 1) * REGIONS))
            time.sleep(0.25)
    finally:
        done.set()
        thread.join()


class Sender:
    """A process that sends messages."""

    def __init__(self, command: list[str]) -> None:
        self._process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
        self.processor = 0.0

    def began(self) -> None:
        """Wait until it sends."""
        assert self._process.stdout is not None
        self._process.stdout.readline()

    @property
    def is_sending(self) -> bool:
        return self._process.poll() is None

    def result(self) -> tuple[int, float]:
        """How many it has sent, and the seconds that took."""
        count, took, processor = self._process.communicate()[0].split()
        self.processor = float(processor)
        return int(count), float(took)

    def wait(self) -> None:
        self.began()
        self.result()


def send(port: int, rate: int, seconds: float, first: int) -> Sender:
    numbers = map(str, (port, "minutes", rate, seconds, REGIONS, first))
    return Sender([sys.executable, "-m", "benchmarks._stream_sender", *numbers])


def until(condition: object, limit: float = START_LIMIT) -> None:
    """Wait until something is true. Raises `BenchmarkError` where it is not in time."""
    end = time.perf_counter() + limit
    while not condition():  # type: ignore[operator]
        if time.perf_counter() > end:
            raise BenchmarkError("What the benchmark waits for did not come to pass.")
        time.sleep(0.05)


def stored(home: Path) -> int:
    """Points that are stored, each delivery counted."""
    with closing(sqlite3.connect(f"file:{home / 'forecasts.sqlite'}?mode=ro", uri=True, timeout=5)) as database:
        return int(database.execute("select coalesce(sum(points), 0) from stream_batches").fetchone()[0])


def points_in_store(home: Path) -> int:
    """Different points that are stored, as a new process finds them."""
    code = (
        "from forecasting.sources.shared.stream_points import StreamPoints\n"
        "from forecasting.storage.stream_log import StreamLog\n"
        "log, points, after = StreamLog('minutes'), StreamPoints(10**8), 0\n"
        "while batches := log.read(after):\n"
        "    for after, batch in batches: points.add(batch)\n"
        "print(len(points))"
    )
    environment = server_environment(home)
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True, text=True)
    return int(done.stdout)


def unconfirmed(port: int) -> int:
    import redis

    with redis.Redis(port=port) as client:
        return int(client.xpending("minutes", "forecast-explorer")["pending"])


def extension() -> Figure:
    """A draft of a series with one point more, beside the fit that it is extended from."""
    ets = model("ets")
    values = 100 + 10 * np.sin(np.arange(1201) * 2 * np.pi / 60) + np.random.default_rng(1).normal(0, 3, 1201)
    minutes = frequency_of_alias("1min")
    series = [Series(pd.Timestamp(START, unit="s"), minutes, values[:count]) for count in (1200, 1201)]
    ets.forecast(series[0], 30)
    start = time.perf_counter()
    fitted = ets.forecast(series[0], 30).fitted
    fit = time.perf_counter() - start
    took = []
    for _ in range(20):
        start = time.perf_counter()
        if ets.extend(series[1], 30, json.loads(json.dumps(fitted))) is None:
            raise BenchmarkError("ETS could not be extended.")
        took.append(time.perf_counter() - start)
    return figure("stream/extend", 1000 * float(np.median(took)), "ms", 1000 * fit)


@contextmanager
def redis(home: Path) -> Iterator[int]:
    """A Redis on loopback that ends with the block."""
    program, port = shutil.which("redis-server"), free_port()
    if program is None:
        raise BenchmarkError("redis-server is not installed (apt-get install redis-server).")
    command = [program, "--port", str(port), "--bind", "127.0.0.1", "--dir", str(home), "--save", ""]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        time.sleep(0.5)
        yield port
    finally:
        process.terminate()
        process.wait()
