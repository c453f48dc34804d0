"""``python -m forecasting serve`` as a hostile client meets it: a process of its own, its log, and bare sockets to it.

And processes that stand still, for all who start servers.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import httpx
import psutil

ROOT = Path(__file__).resolve().parents[1]
#: Seconds in which a busy machine starts the server, ends it, or answers.
PATIENCE = 120


@contextmanager
def standing_still(processes: Iterable[psutil.Process]) -> Iterator[None]:
    """They do nothing meanwhile; those that have not ended go on afterwards, whatever happens."""
    stopped = list(processes)
    try:
        for process in stopped:
            with suppress(psutil.NoSuchProcess):
                process.suspend()
        yield
    finally:
        for process in stopped:
            with suppress(psutil.NoSuchProcess):
                process.resume()


@dataclass(frozen=True)
class Served:
    """A server that is ready, and where it writes its log."""

    port: int
    log: Path
    process: psutil.Popen

    @property
    def url(self) -> str:
        """Where its pages are."""
        return f"http://127.0.0.1:{self.port}"

    def connect(self, source: str = "127.0.0.1") -> socket.socket:
        """A bare connection from an address of this machine."""
        return socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE, source_address=(source, 0))

    def said(self, request: bytes) -> bytes:
        """All that is answered to some bytes until the server closes the connection."""
        with self.connect() as connection:
            connection.sendall(request)
            return read(connection)

    def get(self, path: str, method: str = "GET", **headers: str) -> bytes:
        """All that is answered to a request whose path is sent as it stands."""
        lines = [f"{method} {path} HTTP/1.1", "Host: " + headers.pop("host", f"127.0.0.1:{self.port}")]
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()] + ["Connection: close"]
        return self.said("\r\n".join([*lines, "", ""]).encode("latin-1"))

    def opened(self, **headers: str) -> int:
        """The status of asking for a page's WebSocket; 101 if it is open."""
        more = {"Upgrade": "websocket", "Sec_WebSocket_Version": "13", "Sec_WebSocket_Key": "dGhlIHNhbXBsZSBub25jZQ=="}
        with self.page(**more, **headers) as connection:
            return int(connection.recv(12).split()[1])

    def page(self, **headers: str) -> socket.socket:
        """A connection that has asked for a page's WebSocket."""
        given = {"Host": f"127.0.0.1:{self.port}", "Connection": "Upgrade"} | headers
        lines = [f"{name.replace('_', '-')}: {value}" for name, value in given.items()]
        connection = self.connect()
        connection.sendall("\r\n".join(["GET /_stcore/stream?token=hunter2 HTTP/1.1", *lines, "", ""]).encode())
        return connection


def read(connection: socket.socket) -> bytes:
    """All that comes until the other side closes, or breaks off."""
    parts = []
    while True:
        try:
            part = connection.recv(65_536)
        except ConnectionResetError:
            break
        if not part:
            break
        parts.append(part)
    return b"".join(parts)


@contextmanager
def served(home: Path, environment: Mapping[str, str] | None = None) -> Iterator[Served]:
    """The server with its files in `home` and no network; nothing of it is left afterwards."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    log = home / "server.log"
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("FORECAST_")}
    given = {
        "FORECAST_HOME": str(home / "home"),
        "FORECAST_OFFLINE": "1",
        "FORECAST_WORKERS": "1",
        "FORECAST_WARM_UP": "0",
        "FORECAST_MODELS": "ets",
        **(environment or {}),
    }
    with log.open("wb") as output:
        command = [sys.executable, "-m", "forecasting", "serve", "--port", str(port)]
        process = psutil.Popen(command, cwd=ROOT, env=inherited | given, stdout=output, stderr=subprocess.STDOUT)
    server = Served(port, log, process)
    try:
        _await(server)
        yield server
    finally:
        tree = [process, *process.children(recursive=True)] if process.is_running() else []
        for one in tree:
            one.kill()
        process.wait(PATIENCE)


def _await(server: Served) -> None:
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        assert server.process.poll() is None, server.log.read_text()
        try:
            httpx.get(f"{server.url}/healthz", trust_env=False, timeout=10)
            return
        except httpx.TransportError:
            time.sleep(0.1)
    raise AssertionError(server.log.read_text())
