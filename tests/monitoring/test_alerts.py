"""Alerts: told once when they begin and once when they are over, whoever looks and whatever the receiver does."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pandas as pd
import pytest

from forecasting.monitoring import alerts as module
from forecasting.monitoring import webhook
from forecasting.monitoring.alerts import Alerts, AlertSubject
from forecasting.monitoring.drift.detect import Drift
from forecasting.support.errors import RequestError
from forecasting.support.settings import alert_webhook

ITALY = AlertSubject("bundled", "Italy", "new_cases")
SPAIN = AlertSubject("bundled", "Spain", "new_cases")
LEVEL = Drift("level", pd.Timestamp("2021-03-04"), 6.0, 4.0, "Italy, new cases: twice as many.")


class Receiver:
    """A webhook on loopback that answers with `statuses`, the last one again and again; `wait` waits for posts."""

    def __init__(self) -> None:
        self.statuses = [200]
        self.bodies: list[dict[str, object]] = []
        self._came = threading.Condition()
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                with receiver._came:
                    status = receiver.statuses.pop(0) if len(receiver.statuses) > 1 else receiver.statuses[0]
                    receiver.bodies.append({**body, "status": status, "path": self.path})
                    receiver._came.notify_all()
                self.send_response(status)
                if status == 302:
                    self.send_header("Location", "/elsewhere")
                self.send_header("Content-Length", "0")
                self.end_headers()

            do_GET = do_POST  # noqa: N815 - a redirect would be followed by one

            def log_message(self, *arguments: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()
        self.address = f"http://127.0.0.1:{self._server.server_port}/secret-path"

    def texts(self) -> list[object]:
        return [body["text"] for body in self.bodies]

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    one = Receiver()
    yield one
    one.close()


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'alerts.sqlite'}"


@pytest.fixture
def told(caplog: pytest.LogCaptureFixture) -> list[dict[str, str]]:
    caplog.set_level(logging.DEBUG)
    return _Lines(caplog)


class _Lines(list):
    """What the log says of alerts, as it stands when it is looked at."""

    def __init__(self, caplog: pytest.LogCaptureFixture) -> None:
        super().__init__()
        self._caplog = caplog

    def states(self) -> list[tuple[str, str]]:
        rows = [json.loads(one.getMessage()) for one in self._caplog.records if one.name == "forecasting.alerts"]
        return [(row["state"], row["kind"]) for row in rows]

    def text(self) -> str:
        return "\n".join(f"{one.name} {one.getMessage()}" for one in self._caplog.records)


def posted(one: Alerts) -> None:
    """Waits until nothing is being posted."""
    thread = one._thread
    if thread is not None:
        thread.join(30)


def test_an_alert_is_told_once_while_it_lasts_and_once_when_it_is_over(url: str, told: _Lines):
    one = Alerts(url, "")
    assert one.update({ITALY: [LEVEL]}) == (1, 0)
    assert one.update({ITALY: [LEVEL]}) == (0, 0)
    assert one.update({ITALY: []}) == (0, 1)
    assert one.update({ITALY: []}) == (0, 0)
    assert told.states() == [("open", "level"), ("over", "level")]
    assert one.update({ITALY: [LEVEL]}) == (1, 0)
    assert told.states()[-1] == ("open", "level")
    one.close()


def test_what_was_not_looked_at_stays_as_it_is(url: str, told: _Lines):
    one = Alerts(url, "")
    one.update({ITALY: [LEVEL], SPAIN: [LEVEL]}, {"source jhu": "No answer.", "fits": "Many failed."})
    assert one.update({SPAIN: []}, {"fits": ""}) == (0, 2)
    assert set(zip(one.open()["region"], one.open()["kind"], strict=True)) == {("Italy", "level"), ("", "source jhu")}
    assert one.update({}) == (0, 0)
    one.close()


def test_kinds_and_models_of_one_series_are_alerts_of_their_own(url: str, told: _Lines):
    one = Alerts(url, "")
    errors = [Drift("error", LEVEL.since, 9.0, 4.0, f"{name} errs.", name) for name in ("ets", "theta")]
    assert one.update({ITALY: [LEVEL, *errors]}) == (3, 0)
    assert one.update({ITALY: errors[:1]}) == (0, 2)
    one.close()


def test_the_sentence_is_kept_up_to_date_and_the_beginning_is_not_changed(url: str):
    one = Alerts(url, "")
    one.update({ITALY: [LEVEL]})
    opened = one.open()["opened"][0]
    one.update({ITALY: [Drift("level", LEVEL.since, 7.0, 4.0, "Thrice as many.")]})
    shown = one.open()
    assert shown["sentence"].tolist() == ["Thrice as many."]
    assert shown["opened"][0] == opened <= shown["seen"][0]
    assert shown["since"][0] == pd.Timestamp("2021-03-04", tz="UTC")
    one.close()


def test_a_server_that_starts_again_tells_nothing_twice(url: str, told: _Lines):
    for _ in range(2):
        one = Alerts(url, "")
        one.update({ITALY: [LEVEL]})
        one.close()
    assert told.states() == [("open", "level")]


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_of_several_servers_that_look_at_once_one_tells(
    kind: str, url: str, receiver: Receiver, told: _Lines, request: pytest.FixtureRequest
):
    address = url if kind == "sqlite" else request.getfixturevalue("postgres_url")
    several = [Alerts(address, receiver.address) for _ in range(4)]
    for drifts in ([LEVEL], []):
        together = threading.Barrier(len(several))

        def look(one: Alerts, drifts: list[Drift] = drifts, together: threading.Barrier = together) -> None:
            together.wait(30)
            one.update({ITALY: drifts})

        threads = [threading.Thread(target=look, args=(one,)) for one in several]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        for one in several:
            posted(one)
    assert told.states() == [("open", "level"), ("over", "level")]
    assert receiver.texts() == [LEVEL.sentence, f"Over: {LEVEL.sentence}"]
    for one in several:
        one.close()


def test_a_webhook_gets_a_text_and_the_fields(url: str, receiver: Receiver):
    one = Alerts(url, receiver.address)
    spain = Drift("weekday", LEVEL.since, 20.0, 9.0, "Spain <!channel> & co: no weekends.")
    one.update({ITALY: [LEVEL], SPAIN: [spain]})
    one.close()
    (body,) = receiver.bodies
    assert body["text"] == f"{LEVEL.sentence}\nSpain &lt;!channel&gt; &amp; co: no weekends."
    first = body["alerts"][0]
    assert first == {
        "state": "open",
        "kind": "level",
        "source": "bundled",
        "region": "Italy",
        "statistic": "new_cases",
        "model": "",
        "since": "2021-03-04T00:00:00+00:00",
        "opened": first["opened"],
        "sentence": LEVEL.sentence,
    }


@pytest.mark.parametrize("status", [500, 429, 404, 302])
def test_what_could_not_be_posted_is_posted_after_the_next_look(
    url: str, receiver: Receiver, told: _Lines, status: int
):
    receiver.statuses = [status, 200]
    one = Alerts(url, receiver.address)
    assert one.update({ITALY: [LEVEL]}) == (1, 0)
    posted(one)
    assert [body["status"] for body in receiver.bodies] == [status]  # and a redirect was not followed
    one.update({ITALY: [LEVEL]})
    posted(one)
    one.update({ITALY: [LEVEL]})
    one.close()
    assert [body["status"] for body in receiver.bodies] == [status, 200]
    assert told.states() == [("open", "level")]
    assert f"could not be posted (it answered {status})" in told.text()


def test_what_came_and_went_while_nobody_answered_is_told_once(url: str, receiver: Receiver):
    receiver.statuses = [503, 200]
    one = Alerts(url, receiver.address)
    one.update({ITALY: [LEVEL]})
    posted(one)
    one.update({ITALY: []})
    posted(one)
    one.update({ITALY: []})
    one.close()
    assert receiver.texts() == [LEVEL.sentence, f"Over: {LEVEL.sentence}"]


def test_a_receiver_that_hangs_holds_up_no_look(url: str, monkeypatch: pytest.MonkeyPatch, told: _Lines):
    answer, asked = threading.Event(), threading.Event()

    def hang(address: str, several: object) -> str:
        asked.set()
        answer.wait(30)
        return "no answer within 10 s"

    monkeypatch.setattr(module, "post_alerts", hang)
    one = Alerts(url, "https://example.org/hook")
    one.update({ITALY: [LEVEL]})
    assert asked.wait(30)
    assert one.update({ITALY: []}) == (0, 1)  # while the first is still being posted
    answer.set()
    one.close()


def test_nobody_there_is_said_without_the_address(url: str, receiver: Receiver, told: _Lines):
    receiver.close()
    one = Alerts(url, receiver.address)
    one.update({ITALY: [LEVEL]})
    one.close()
    assert "could not be posted (no connection)" in told.text()
    assert "secret-path" not in told.text()
    assert "127.0.0.1" not in told.text()


def test_the_address_is_in_no_log_even_where_everything_is_logged(url: str, receiver: Receiver, told: _Lines):
    one = Alerts(url, receiver.address)
    one.update({ITALY: [LEVEL]})
    one.close()
    assert receiver.texts() == [LEVEL.sentence]
    assert "secret-path" not in told.text()
    assert "127.0.0.1" not in told.text()
    assert not logging.getLogger("httpx").filters


def test_a_stalled_receiver_is_given_up(monkeypatch: pytest.MonkeyPatch):
    import socket

    monkeypatch.setattr(webhook, "TIMEOUT", 0.05)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        told = webhook.AlertMessage("open", "level", "", "", "", "", "", "", "x")
        assert webhook.post_alerts(f"http://127.0.0.1:{silent.getsockname()[1]}", [told]) == "no answer within 0.05 s"


def test_without_a_database_they_are_kept_in_the_process(told: _Lines):
    one = Alerts("sqlite://", "")
    assert one.update({ITALY: [LEVEL]}) == (1, 0)
    assert one.update({ITALY: [LEVEL]}) == (0, 0)
    assert one.open()["region"].tolist() == ["Italy"]
    assert one.update({ITALY: []}) == (0, 1)
    assert one.open().empty
    one.close()


@pytest.mark.parametrize(
    "address", ["https://hooks.example.org/a/b", "http://127.0.0.1:9/x", "http://localhost/x", "http://[::1]:1/x", ""]
)
def test_https_and_loopback_may_be_posted_to(monkeypatch: pytest.MonkeyPatch, address: str):
    monkeypatch.setenv("FORECAST_ALERT_WEBHOOK", address)
    assert alert_webhook() == address


@pytest.mark.parametrize(
    ("address", "complaint"),
    [
        ("http://hooks.example.org/secret", "not encrypted"),
        ("http://localhost.example.org/secret", "not encrypted"),
        ("ftp://secret.example.org", "no address"),
        ("secret", "no address"),
        ("https://[secret", "no address"),
    ],
)
def test_an_address_that_may_not_be_used_is_refused_without_telling_it(
    monkeypatch: pytest.MonkeyPatch, address: str, complaint: str
):
    monkeypatch.setenv("FORECAST_ALERT_WEBHOOK", address)
    with pytest.raises(RequestError, match=complaint) as raised:
        alert_webhook()
    assert "secret" not in str(raised.value)
    if complaint == "not encrypted":
        monkeypatch.setenv("FORECAST_ALERT_WEBHOOK_PLAIN", "1")
        assert alert_webhook() == address
