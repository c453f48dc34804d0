"""A publisher on loopback: it serves a folder, and fails in the ways that publishers do."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest


@dataclass
class Clock:
    """A clock that stands still until it is told otherwise."""

    time: datetime = datetime(2024, 5, 1, 12, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.time

    def pass_(self, **duration: float) -> None:
        self.time += timedelta(**duration)


@dataclass
class Publisher:
    """Serves `folder` at `url`; `failure` is what it does instead, `asked` the requests' paths and conditions.

    With `redirect` it answers whatever is asked by that address, but for what lies in the folder ``moved``.
    """

    folder: Path
    url: str = ""
    failure: str | None = None
    redirect: str | None = None
    asked: list[tuple[str, str | None]] = field(default_factory=list)
    release: threading.Event = field(default_factory=threading.Event)

    def write(self, name: str, text: str) -> None:
        (self.folder / name).write_text(text, encoding="utf-8")


class _Handler(BaseHTTPRequestHandler):
    publisher: Publisher

    def log_message(self, *_: object) -> None:
        """Stay quiet."""

    def do_GET(self) -> None:
        publisher = self.publisher
        publisher.asked.append((self.path, self.headers.get("If-None-Match")))
        if publisher.redirect is not None and not self.path.startswith("/moved/"):
            self.send_response(302)
            self.send_header("Location", publisher.redirect)
            self.end_headers()
            return
        file = publisher.folder / self.path.lstrip("/")
        file = file if file.exists() else publisher.folder / self.path.rsplit("/", 1)[-1]
        if publisher.failure == "missing" or not file.exists():
            self.send_error(404)
            return
        body = file.read_bytes()
        etag = f'"{sha256(body).hexdigest()}"'
        if publisher.failure == "silent":
            publisher.release.wait(10)
            return
        if self.headers.get("If-None-Match") == etag and publisher.failure is None:
            self.send_response(304)
            self.end_headers()
            return
        self.send_response(200)
        self.send_header("ETag", etag)
        self.send_header("Content-Length", "5000000000" if publisher.failure == "enormous" else str(len(body)))
        self.end_headers()
        half = len(body) // 2
        self.wfile.write(body if publisher.failure is None else body[:half])
        self.wfile.flush()
        if publisher.failure in ("stalling", "enormous"):
            publisher.release.wait(10)
        elif publisher.failure == "trickling":
            while not publisher.release.wait(0.02):
                try:
                    self.wfile.write(b"0")
                except OSError:
                    return


@pytest.fixture
def publisher(tmp_path: Path) -> Iterator[Publisher]:
    folder = tmp_path / "published"
    folder.mkdir()
    publisher = Publisher(folder)
    handler = type("Handler", (_Handler,), {"publisher": publisher})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    publisher.url = f"http://127.0.0.1:{server.server_port}/"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield publisher
    publisher.release.set()
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Every test has a home of its own, and may use the network, which is loopback only."""
    monkeypatch.setenv("FORECAST_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("FORECAST_OFFLINE", raising=False)
    return tmp_path / "home"
