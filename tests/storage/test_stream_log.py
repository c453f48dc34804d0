"""The log of a stream's points, in SQLite and in PostgreSQL: several writers, readers that follow, merging, a database that fails."""

from __future__ import annotations

import threading
import uuid

import pyarrow as pa
import pytest
import sqlalchemy as sa

from forecasting.storage import stream_log
from forecasting.storage.stream_log import POINTS, REJECTS, StreamLog


@pytest.fixture(params=["sqlite", "postgresql"])
def opened(request, tmp_path):
    """Opens logs of one stream in one database."""
    url, name = f"sqlite:///{tmp_path / 'forecasts.sqlite'}", f"s{uuid.uuid4().hex[:20]}"
    if request.param == "postgresql":
        address = sa.make_url(request.getfixturevalue("postgres_url"))
        server = sa.create_engine(address, isolation_level="AUTOCOMMIT")
        with server.connect() as connection:
            connection.exec_driver_sql(f"create database {name}")
        url = address.set(database=name).render_as_string(hide_password=False)
    logs = []

    def open_log(stream: str = name) -> StreamLog:
        logs.append(StreamLog(stream, url))
        return logs[-1]

    yield open_log
    for log in logs:
        log.close()
    if request.param == "postgresql":
        with server.connect() as connection:
            connection.exec_driver_sql(f"drop database {name} with (force)")
        server.dispose()


def points(*values: float) -> pa.Table:
    names = pa.array(["A"] * len(values)).dictionary_encode()
    days = pa.array(range(len(values)), pa.int64())
    return pa.Table.from_arrays([names, names, days, days, pa.array(values)], schema=POINTS)


def rejects(*contents: bytes) -> pa.Table:
    return pa.table(
        [["m"] * len(contents), [0] * len(contents), ["is no JSON."] * len(contents), contents], schema=REJECTS
    )


def values(log: StreamLog, after: int = 0) -> list[float]:
    found = []
    while batches := log.read(after):
        after = batches[-1].number
        found += [value for one in batches for value in one.points.column("value").to_pylist()]
    return found


def test_what_is_appended_is_read_in_its_order_and_from_where_a_reader_is(opened):
    log, reader = opened(), opened()
    assert (log.newest(), reader.read(0), log.last_stored()) == (0, [], None)
    assert log.append(points(1.0, 2.0), position="7-0")
    seen = reader.newest()
    assert log.append(points(3.0))
    assert opened("another").append(points(9.0))
    assert values(reader) == [1.0, 2.0, 3.0]
    assert values(reader, seen) == [3.0]
    assert log.last_stored().tzinfo is not None


def test_a_reader_that_follows_several_writers_misses_nothing(opened):
    """A batch becomes visible only after those with smaller numbers."""
    logs, reader = [opened() for _ in range(3)], opened()
    threads = [
        threading.Thread(target=lambda log=log, first=first: [log.append(points(float(first + i))) for i in range(20)])
        for first, log in zip((0, 100, 200), logs, strict=True)
    ]
    for thread in threads:
        thread.start()
    found, after = [], 0
    while any(thread.is_alive() for thread in threads) or reader.newest() > after:
        for number, batch in reader.read(after):
            after, found = number, found + batch.column("value").to_pylist()
    assert sorted(found) == [float(first + i) for first in (0, 100, 200) for i in range(20)]


def test_merged_batches_hold_the_same_and_a_reader_in_the_middle_misses_nothing(opened, monkeypatch):
    monkeypatch.setattr(stream_log, "MERGED_FROM", 5)
    monkeypatch.setattr(stream_log, "LEFT_ALONE", 2)
    log = opened()
    for value in range(10):
        log.append(points(float(value)))
    middle = log.read(0)[3].number
    newest = log.newest()
    assert log.compact() == 7
    assert len(log.read(0)) == 3
    assert values(log) == [float(value) for value in range(10)]
    assert set(values(log, middle)) >= {4.0, 5.0, 6.0, 7.0, 8.0, 9.0}
    assert log.newest() == newest
    assert log.compact() == 0


def test_messages_set_aside_are_read_again_by_another_reader_only(opened):
    log = opened()
    log.append(None, rejects(b"x", b"y"), "first")
    log.append(points(1.0), rejects(b"z"), "first")
    assert log.count_rejects()[::2] == (3, "is no JSON.")
    assert log.other_rejects("first") is None
    found = log.other_rejects("second")
    assert found.messages.column("content").to_pylist() == [b"x", b"y"]
    assert log.replace_rejects(found.number, points(5.0), rejects(b"y"), "second")
    assert log.replace_rejects(found.number, points(5.0), None, "second")  # another server was first
    assert log.count_rejects().messages == 2
    assert values(log) == [1.0, 5.0]
    assert log.other_rejects("second").messages.column("content").to_pylist() == [b"z"]


def test_without_a_database_nothing_is_stored_and_a_sentence_says_so():
    log = StreamLog("s", "sqlite://")
    assert not log.append(points(1.0))
    assert log.newest() is None
    assert log.trouble == "there is no database to store them in"


def test_a_database_that_fails_stores_nothing_and_raises_nothing(tmp_path):
    (tmp_path / "file").write_text("")
    log = StreamLog("s", f"sqlite:///{tmp_path / 'file' / 'x.sqlite'}")
    assert not log.append(points(1.0))
    assert log.read(0) == []
    assert log.trouble
