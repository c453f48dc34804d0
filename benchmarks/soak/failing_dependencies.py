"""Dependencies of the server that can fail on demand: PostgreSQL, a data publisher, the clock."""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import sqlalchemy as sa

from benchmarks._figure import BenchmarkError
from benchmarks._server import HOST, ROOT

#: The CSV that Johns Hopkins publishes, with two countries.
WORLD = "Province/State,Country/Region,Lat,Long,{dates}\n,Austria,47.5,14.5,{counts}\n,France,46.2,2.2,{counts}\n"
#: The files that the source reads.
JHU = (
    "time_series_covid19_confirmed_global.csv",
    "time_series_covid19_deaths_global.csv",
)
#: Seconds after which the program has read the file of the clock again; to read it at every look would make it slow.
READ_AGAIN = 1.5
#: Where Debian keeps the library that lies to a program about the time.
FAKETIME = "*/faketime/libfaketime.so.1"


class Postgres:
    """A PostgreSQL that can be gone for a while; `url` is its owner's address."""

    def __init__(self, url: sa.URL, programs: Path) -> None:
        self.url = url.render_as_string(hide_password=False)
        self._pg_ctl = str(programs / "pg_ctl")
        engine = sa.create_engine(url)
        with engine.connect() as connection:
            self._data = str(connection.exec_driver_sql("SHOW data_directory").scalar())
        engine.dispose()
        self._options = f"-c listen_addresses={HOST} -p {url.port} -k '' -c fsync=off"

    @contextmanager
    def gone(self) -> Iterator[None]:
        """Stop the server at once, as in a crash, and start it again after the block."""
        self._run("-m", "immediate", "stop")
        try:
            yield
        finally:
            self._run("-w", "-o", self._options, "-l", f"{self._data}/server.log", "start")

    def _run(self, *arguments: str) -> None:
        command = [self._pg_ctl, "-D", self._data, *arguments]
        user = "postgres" if os.geteuid() == 0 else None
        done = subprocess.run(
            command,
            check=False,
            user=user,
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=60,
        )
        if done.returncode:
            raise BenchmarkError(f"PostgreSQL could not be told to {arguments[-1]}.")


@contextmanager
def postgres() -> Iterator[Postgres]:
    """A PostgreSQL server of the benchmark's own, started as in the tests."""
    sys.path.insert(0, str(ROOT / "tests"))
    try:
        postgres_server = importlib.import_module("postgres_server")
    finally:
        sys.path.remove(str(ROOT / "tests"))
    programs = postgres_server.programs()
    with postgres_server.running() as url:
        assert programs  # or it would not run
        yield Postgres(url, programs)


class Publisher:
    """A loopback HTTP server that publishes counts of two countries in Johns Hopkins' format, and can be down."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir()
        self._server: ThreadingHTTPServer | None = None
        self._port = 0

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self._port}/"

    def publish(self, days: int) -> None:
        """Write the files with counts of so many days."""
        dates = [datetime(2020, 1, 22) + timedelta(days=day) for day in range(days)]
        table = WORLD.format(
            dates=",".join(f"{date.month}/{date.day}/{date:%y}" for date in dates),
            counts=",".join(str(day * (day + 7)) for day in range(days)),
        )
        for name in JHU:
            (self._folder / name).write_text(table)

    def up(self) -> None:
        """Start answering, always on the same port."""
        handler = partial(_Quiet, directory=str(self._folder))
        self._server = ThreadingHTTPServer((HOST, self._port), handler)
        self._port = self._server.server_port
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def down(self) -> None:
        """Refuse connections."""
        if self._server:
            self._server.shutdown()
            self._server.server_close()
            self._server = None


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        """Log nothing."""


@contextmanager
def publisher(folder: Path) -> Iterator[Publisher]:
    """A publisher that is up for the block."""
    one = Publisher(folder)
    one.up()
    try:
        yield one
    finally:
        one.down()


def make_copies_older(home: Path, by: timedelta) -> None:
    """Move the recorded time of all downloaded copies back, as if the time had passed."""
    for path in (home / "sources").glob("*.json"):
        record = json.loads(path.read_text())
        record["confirmed"] = (datetime.fromisoformat(record["confirmed"]) - by).isoformat()
        path.write_text(json.dumps(record))


def faketime_libraries() -> list[Path]:
    """The paths of libfaketime; empty if it is not installed."""
    return [*Path("/usr/lib").glob(FAKETIME), *Path("/usr/local/lib").glob(FAKETIME)]


class Clock:
    """The wall clock of a program that is started with `environment`; the monotonic one is left alone.

    Raises `BenchmarkError` where libfaketime is not installed.
    """

    def __init__(self, folder: Path) -> None:
        found = faketime_libraries()
        if not found:
            raise BenchmarkError("libfaketime is not installed (apt-get install faketime), so no clock can jump.")
        self._file = folder / "clock"
        self._file.write_text("+0")
        self.environment = {
            "LD_PRELOAD": str(found[0]),
            "FAKETIME_TIMESTAMP_FILE": str(self._file),
            "FAKETIME_CACHE_DURATION": "1",
            "DONT_FAKE_MONOTONIC": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        }

    def jump(self, to: timedelta) -> None:
        """Set the difference from the real clock, from now on."""
        new = self._file.with_suffix(".new")
        new.write_text(f"{to.total_seconds():+.0f}")
        new.replace(self._file)
        time.sleep(READ_AGAIN)
