"""Points that come in on a Redis stream, from a real server: stored once or more, never lost, and the same on every way."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from conditions import PATIENCE, until
from redis_server import PASSWORD, RedisServer, running

from forecasting import sources
from forecasting.cli.main import main
from forecasting.services.service import Service
from forecasting.sources.shared import stream_brokers, stream_consumer
from forecasting.sources.stream import StreamSource
from forecasting.support import settings
from forecasting.support.errors import ForecastingError, RequestError, SourceError

pytest.importorskip("redis")

DAYS = pd.date_range("2024-01-01", periods=60).strftime("%Y-%m-%d").tolist()


@pytest.fixture(scope="module")
def redis(tmp_path_factory) -> Iterator[RedisServer]:
    with running(tmp_path_factory.mktemp("redis")) as server:
        yield server


@pytest.fixture(autouse=True)
def _own_home(tmp_path, monkeypatch):
    """A store of its own, and an offline machine: what is on loopback may be used."""
    monkeypatch.setenv("FORECAST_HOME", str(tmp_path))
    monkeypatch.setenv("FORECAST_OFFLINE", "1")
    monkeypatch.delenv("FORECAST_DB_URL", raising=False)
    monkeypatch.setattr(stream_brokers, "TAKE_OVER_AFTER", 0.2)
    monkeypatch.setattr(stream_brokers, "LOOK_EVERY", 0.1)
    monkeypatch.setattr("forecasting.sources.stream.LOOK_EVERY", 0.0)
    monkeypatch.setattr("forecasting.sources.stream.KEPT_LEAST", 0.0)
    monkeypatch.setattr("forecasting.sources.stream.KEPT_FACTOR", 0.0)


@pytest.fixture
def stream(redis, request, monkeypatch) -> str:
    """The name of a stream in Redis that nobody else has, which the source `stream-cases` reads."""
    name = f"s{abs(hash(request.node.nodeid))}"
    monkeypatch.setenv("FORECAST_STREAM_CASES", redis.address(name))
    return name


@pytest.fixture
def opened() -> Iterator[Callable[[], StreamSource]]:
    """Opens sources as another process would, and ends what they began."""
    made = []

    def open_source() -> StreamSource:
        made.append(StreamSource(settings.streams()["cases"]))
        return made[-1]

    yield open_source
    for one in made:
        one.close()


@pytest.fixture(autouse=True)
def _leaves_nothing_running() -> Iterator[None]:
    yield
    sources.close_streams()
    assert not [thread.name for thread in threading.enumerate() if thread.name.startswith("stream ")]


def point(day: str, value: float | None, region: str = "Italy", **more: object) -> dict[str, bytes]:
    return {"data": json.dumps({"region": region, "date": day, "value": value, **more}).encode()}


def send(redis: RedisServer, stream: str, *entries: dict) -> None:
    with redis.client() as client:
        pipe = client.pipeline(transaction=False)
        for entry in entries:
            pipe.xadd(stream, entry)
        pipe.execute()


def figures(source: StreamSource, region: str = "Italy") -> dict[str, float]:
    counts = source.panel().counts(region)
    return dict(zip(counts.index.strftime("%Y-%m-%d"), counts.tolist(), strict=True))


def unconfirmed(redis: RedisServer, stream: str) -> int:
    """How many entries were read and not confirmed; -1 before anything was read."""
    with redis.client() as client:
        if not client.exists(stream) or not client.xinfo_groups(stream):
            return -1
        return client.xpending(stream, "forecast-explorer")["pending"]


def test_points_of_entries_and_of_json_are_the_figures_of_a_source(redis, stream, capsys):
    send(redis, stream, *(point(day, i) for i, day in enumerate(DAYS[:30])))
    send(redis, stream, *({"region": "Spain", "date": day, "value": str(2 * i)} for i, day in enumerate(DAYS)))
    assert main(["fetch", "--source", "stream-cases"]) == 0
    assert "90 points of 'cases (stream)' are stored" in capsys.readouterr().out
    panel = sources.source("stream-cases").panel()
    assert panel.regions() == ["Italy", "Spain"]
    assert figures(sources.source("stream-cases")) == {day: float(i) for i, day in enumerate(DAYS[:30])}
    assert panel.frequency_of(None, "Spain").name == "daily"
    assert (
        main(["forecast", "--source", "stream-cases", "--models", "naive", "--horizon", "2", "--region", "Spain"]) == 0
    )
    assert "Spain,naive,2024-02-29,1,2024-03-01" in capsys.readouterr().out


def test_fetch_waits_for_what_is_there_at_that_moment(redis, stream, opened):
    source = opened()
    with pytest.raises(SourceError):
        source.fetch()
    for count in (20, 40, 60):
        send(redis, stream, *(point(day, i) for i, day in enumerate(DAYS[:count])))
        assert source.fetch().startswith(f"{count} points of 'cases (stream)' are stored, the last just now.")


def test_new_points_come_by_themselves_and_the_panel_stays_the_same_until_then(redis, stream, opened):
    send(redis, stream, *(point(day, i) for i, day in enumerate(DAYS)), *(point(day, 1, "Spain") for day in DAYS))
    source = opened()
    first = source.panel()
    assert source.panel().table is first.table
    assert not source.has_moved(first)
    send(redis, stream, point("2024-03-01", 60))
    until(lambda: source.has_moved(first, "Italy", "value"))
    assert not source.has_moved(first, "Spain", "value")
    assert figures(source)["2024-03-01"] == 60
    assert not source.has_moved(source.panel(), "Italy", "value")


def test_points_are_confirmed_only_when_they_are_stored(redis, stream, opened, monkeypatch):
    source, refused = opened(), threading.Event()
    append = stream_consumer.StreamLog.append

    def refuse(log, *args, **kwargs):
        refused.set()
        return False

    monkeypatch.setattr(stream_consumer.StreamLog, "append", refuse)
    send(redis, stream, *(point(day, i) for i, day in enumerate(DAYS)))
    source.start()
    assert refused.wait(PATIENCE)
    assert unconfirmed(redis, stream) == len(DAYS)
    with pytest.raises(SourceError, match="cannot be stored, so they wait at the broker"):
        source.panel()
    monkeypatch.setattr(stream_consumer.StreamLog, "append", append)
    until(lambda: source.version())
    until(lambda: unconfirmed(redis, stream) == 0)
    assert len(figures(source)) == len(DAYS)


def test_what_a_process_that_was_killed_had_read_is_taken_over(redis, stream, opened):
    """It reads everything, and is killed before it stores anything."""
    send(redis, stream, *(point(day, i) for i, day in enumerate(DAYS)))
    code = (
        "import os, time; from forecasting.sources.shared import stream_consumer\n"
        "stream_consumer.StreamLog.append = lambda *_: os._exit(9)\n"
        "from forecasting import sources; sources.source('stream-cases').start(); time.sleep(60)"
    )
    killed = subprocess.run([sys.executable, "-c", code], env=os.environ.copy(), timeout=PATIENCE, check=False)
    assert killed.returncode == 9
    assert unconfirmed(redis, stream) == len(DAYS)
    source = opened()
    until(lambda: source.version())
    assert len(figures(source)) == len(DAYS)
    until(lambda: unconfirmed(redis, stream) == 0)


def test_what_was_stored_and_not_confirmed_comes_twice_and_counts_once(redis, stream, opened, monkeypatch):
    send(redis, stream, *(point(day, i) for i, day in enumerate(DAYS)))
    confirm = stream_brokers.RedisBroker.confirm
    failures = [stream_brokers.BrokerError("does not answer.")] * 2

    def fail_twice(broker):
        if failures:
            raise failures.pop()
        confirm(broker)

    monkeypatch.setattr(stream_brokers.RedisBroker, "confirm", fail_twice)
    source = opened()
    until(source.version)
    until(lambda: not failures)
    until(lambda: unconfirmed(redis, stream) == 0)
    assert figures(source) == {day: float(i) for i, day in enumerate(DAYS)}
    assert source.fetch().startswith("60 points")


def test_a_restart_goes_on_where_it_was(redis, stream, opened):
    send(redis, stream, *(point(day, i) for i, day in enumerate(DAYS[:40])))
    before = opened()
    assert len(figures(before)) == 40
    before.close()
    send(redis, stream, *(point(day, i) for i, day in enumerate(DAYS) if i >= 40))
    after = opened()
    until(lambda: len(figures(after)) == len(DAYS))


def test_two_servers_share_a_stream_and_both_show_all_of_it(redis, stream, opened):
    one, other = opened(), opened()
    one.start()
    other.start()
    for day in DAYS:
        send(redis, stream, point(day, 1))
    for source in (one, other):
        until(source.version)
        until(lambda source=source: len(figures(source)) == len(DAYS))


def test_corrections_and_late_points_are_kept_as_vintages(redis, stream, opened, monkeypatch):
    monkeypatch.setenv("FORECAST_STREAM_CASES_MAPPING", '{"as_of":"published"}')
    send(redis, stream, *(point(day, i, published="2024-03-01") for i, day in enumerate(DAYS)))
    send(redis, stream, point(DAYS[-1], 70, published="2024-03-03"))
    send(redis, stream, point(DAYS[-1], 65, published="2024-03-02"))  # an earlier correction, late
    source = opened()
    until(source.version)
    panel = until(lambda: (made := source.panel()).has_vintages() and len(made.vintages()) == 3 and made)
    assert [f"{day:%d}" for day in panel.vintages()] == ["01", "02", "03"]
    assert panel.counts("Italy").iloc[-1] == 70
    known = {day: panel.as_of(pd.Timestamp(day)).counts("Italy").iloc[-1] for day in ("2024-03-02", "2024-03-03")}
    assert known == {"2024-03-02": 59, "2024-03-03": 65}


def test_a_figure_that_is_corrected_is_replaced_and_one_that_is_withdrawn_is_missing(redis, stream, opened):
    send(redis, stream, *(point(day, i) for i, day in enumerate(DAYS)))
    source = opened()
    source.panel()
    send(redis, stream, point(DAYS[3], 33), point(DAYS[4], None))
    until(lambda: figures(source)[DAYS[3]] == 33)
    until(lambda: np.isnan(figures(source)[DAYS[4]]))
    assert len(figures(source)) == len(DAYS)


def test_poison_is_set_aside_with_a_sentence_and_stops_nothing(redis, stream, opened):
    poison = [
        {"data": b"\xff\x00{"},
        {"data": b'{"date": "2024-01-02"}'},
        point("yesterday", 3),
        point(DAYS[0], "many"),
    ]
    poison += [{"data": b"[1, 2]"}, point("03/04/2024", 1), {"data": b"x" * 1_100_000}, point(DAYS[0], 1, " ")]
    send(redis, stream, *poison, *(point(day, i) for i, day in enumerate(DAYS)))
    source = opened()
    until(source.version)
    panel = source.panel()
    assert figures(source) == {day: float(i) for i, day in enumerate(DAYS)}
    (note,) = [note for note in panel.notes if "set aside" in note]
    assert note.startswith("8 messages are set aside, which could not be read; the last: Message ")
    assert "has no name in 'region' but ''." in note
    assert unconfirmed(redis, stream) == 0


def test_a_schema_that_changes_half_way_loses_nothing(redis, stream, opened, monkeypatch):
    send(redis, stream, *(point(day, i) for i, day in enumerate(DAYS[:40])))
    after = [{"data": json.dumps({"place": "Italy", "day": day, "n": i})} for i, day in enumerate(DAYS) if i >= 40]
    send(redis, stream, *after)
    source = opened()
    until(source.version)
    assert len(figures(source)) == 40
    assert "20 messages are set aside" in source.fetch()
    assert "has no field 'date'; it has 'place', 'day', 'n'." in source.fetch()
    source.close()
    monkeypatch.setenv("FORECAST_STREAM_CASES_MAPPING", '{"region":"place","date":"day","value":"n"}')
    mended = opened()
    until(lambda: len(figures(mended)) == len(DAYS))
    assert "set aside" not in mended.fetch()


def test_a_stream_without_messages_is_one_sentence_until_the_first_come(redis, stream, opened):
    source = opened()
    with pytest.raises(SourceError, match=r"^No message has come on 'cases \(stream\)' yet; the figures appear"):
        source.panel()
    with pytest.raises(SourceError, match="No message has come"):
        source.fetch()
    assert not source.version()
    send(redis, stream, *(point(day, i) for i, day in enumerate(DAYS)))
    until(source.version)
    assert len(figures(source)) == len(DAYS)


def test_a_broker_that_is_away_is_a_state_and_its_points_stay(tmp_path, monkeypatch, opened):
    monkeypatch.setattr(stream_consumer, "RETRY_MOST", 0.2)
    with running(tmp_path) as server:
        monkeypatch.setenv("FORECAST_STREAM_CASES", server.address("away"))
        send(server, "away", *(point(day, i) for i, day in enumerate(DAYS[:50])))
        source = opened()
        before = source.panel()
        assert len(figures(source)) == 50
        server.stop()
        assert source.state_told(before) == ""
        until(lambda: source.state() == "Redis does not answer.")
        assert source.state_told(before) == "", "a page that was drawn meanwhile has to be told"
        assert "Redis does not answer. These are the points that are stored." in source.panel().notes
        assert source.state_told(source.panel()) == source.state()
        assert len(figures(source)) == 50
        fresh = opened()
        assert len(figures(fresh)) == 50
        server.start()
        send(server, "away", *(point(day, i) for i, day in enumerate(DAYS) if i >= 50))
        until(lambda: len(figures(source)) == len(DAYS))
        until(lambda: not any("answer" in note for note in source.panel().notes))
        source.close()
        fresh.close()


def test_no_sentence_and_no_line_of_the_log_tells_the_address(redis, stream, opened, monkeypatch, caplog):
    monkeypatch.setenv("FORECAST_STREAM_CASES", redis.address(stream, "wrong-password"))
    source = opened()
    with pytest.raises(SourceError, match=r"Redis does not let us in; check user and password\.$") as error:
        source.panel()
    said = f"{error.value} {caplog.text} {source.summary} {settings.streams()!r}"
    for secret in ("wrong-password", PASSWORD, str(redis.port), "127.0.0.1"):
        assert secret not in said


@pytest.mark.parametrize(
    ("variable", "value", "sentence"),
    [
        ("", "cases", "FORECAST_STREAM_CASES is not an address; write it as redis://host:6379/stream"),
        ("", "redis://127.0.0.1", "is not an address"),
        ("", "redis://example.org/x", "'cases' is on the network, and this installation is set to work without it."),
        ("_FORMAT", "xml", "FORECAST_STREAM_CASES_FORMAT is 'xml'; give json, csv, avro."),
        ("_MAPPING", "{", "FORECAST_STREAM_CASES_MAPPING: The mapping is not one JSON object"),
        ("_MAPPING", '{"wide":["a"]}', "has 'wide', which streams do not use"),
    ],
)
@pytest.mark.usefixtures("stream")
def test_a_setting_that_is_wrong_is_one_sentence(monkeypatch, opened, variable, value, sentence):
    monkeypatch.setenv(f"FORECAST_STREAM_CASES{variable}", value)
    with pytest.raises(RequestError) as error:
        opened().panel()
    assert sentence in str(error.value)


def test_a_package_that_is_missing_is_one_sentence(stream, opened, monkeypatch):
    monkeypatch.setitem(sys.modules, "redis", None)
    with pytest.raises(RequestError, match=r"needs the package .redis.: pip install -r requirements-stream\.txt\.$"):
        opened().panel()


def test_small_batches_are_merged_and_hold_the_same_points(redis, stream, opened, monkeypatch):
    monkeypatch.setattr("forecasting.storage.stream_log.MERGED_FROM", 5)
    monkeypatch.setattr("forecasting.storage.stream_log.LEFT_ALONE", 1)
    monkeypatch.setattr(stream_consumer, "LINGER", 0.0)
    monkeypatch.setattr(stream_consumer, "MOST_AT_ONCE", 4)
    source = opened()
    source.start()
    send(redis, stream, *(point(day, i) for i, day in enumerate(DAYS)), point(DAYS[0], 100))
    until(lambda: unconfirmed(redis, stream) == 0 and source.version() and figures(source)[DAYS[0]] == 100)
    source.close()

    def batches() -> int:
        with closing(sqlite3.connect(settings.home() / "forecasts.sqlite")) as database:
            return database.execute("select count(*) from stream_batches").fetchone()[0]

    before = batches()
    assert source._stored.compact() > 0
    assert batches() < before
    assert figures(opened()) == {DAYS[0]: 100.0} | {day: float(i) for i, day in enumerate(DAYS) if i}
    assert len(figures(source)) == len(DAYS)


def test_a_stored_fit_is_extended_by_a_new_point_and_the_full_fit_follows(redis, stream, service: Service, opened):
    from forecasting.jobs.request import Request

    past = 100 + 10 * np.sin(np.arange(60)) + np.arange(60)
    send(redis, stream, *(point(day, float(v)) for day, v in zip(DAYS, past, strict=True)))
    source = opened()
    until(source.version)

    def request() -> Request:
        panel = source.panel()
        return Request(service.series(panel, "Italy", "value"), "ets", 7)

    service.wait(service.submit([request()]).values())
    moved = source.panel()
    send(redis, stream, point("2024-03-01", 160))
    until(lambda: source.has_moved(moved))
    job = service.submit([request()])["ets"]
    assert job.draft is not None
    assert str(job.draft.origin.date()) == "2024-03-01"
    (done,) = service.wait([job])
    assert done.forecast is not None
    assert done.forecast.origin == job.draft.origin


def test_memory_is_bounded_by_the_setting_and_the_store_keeps_all(redis, stream, opened, monkeypatch):
    monkeypatch.setenv("FORECAST_MAX_ROWS", "50")
    send(redis, stream, *(point(day, i) for i, day in enumerate(DAYS)))
    source = opened()
    until(source.version)
    kept = figures(source)
    assert len(kept) == 45
    assert max(kept) == DAYS[-1]
    assert any("are in the store only; raise FORECAST_MAX_ROWS" in note for note in source.panel().notes)
    assert source.fetch().startswith("60 points")


def test_errors_are_those_of_the_library(stream):
    assert issubclass(SourceError, ForecastingError)
    assert Path(settings.home()).is_dir()
