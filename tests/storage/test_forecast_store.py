import os
import sqlite3
import subprocess
import sys
import time
from contextlib import closing, suppress
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from full_disk import full_disk
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from forecasting.data.forecast import Forecast
from forecasting.data.frequency import frequency_of_alias
from forecasting.storage import database as database_module
from forecasting.storage import forecast_store as store_module
from forecasting.storage.codec import decode_forecast, encode_forecast
from forecasting.storage.forecast_store import ForecastStore

TABLES = ("values", "totals", "means")


def forecast(number=1, horizon=4, alias="D"):
    values = np.random.default_rng(number).gamma(2, 100, (3, horizon, 23))
    origin = pd.Timestamp("2021-03-04")
    return Forecast("sarima", "SARIMA (0,1,1) — on √", origin, frequency_of_alias(alias), *values, notes=("Einzig",))


def dated(origin, number=1, horizon=4):
    return replace(forecast(number, horizon), origin=pd.Timestamp(origin), fitted={"number": number})


def same(left, right):
    tables = all(getattr(left, name).tobytes() == getattr(right, name).tobytes() for name in TABLES)
    return tables and all(
        getattr(left, name) == getattr(right, name) for name in ("model", "method", "origin", "frequency", "notes")
    )


@pytest.fixture
def path(tmp_path):
    return tmp_path / "home" / "forecasts.sqlite"


@pytest.fixture
def open_store(path):
    stores = []

    def start(url=f"sqlite:///{path}"):
        stores.append(ForecastStore(url))
        return stores[-1]

    yield start
    for store in stores:
        store.close()


def wait_until(condition, patience=60):
    """Looks again and again; `patience` only decides how long a failing test takes."""
    end = time.monotonic() + patience
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


def rows(path, query="select key from forecasts order by key"):
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(query).fetchall()


def change(path, *statements):
    with closing(sqlite3.connect(path)) as connection, connection:
        for statement in statements:
            connection.execute(*statement)


@given(
    arrays.arrays("<f8", (3, 2, 23), elements=st.floats(width=64, allow_nan=False, allow_infinity=False)),
    st.lists(st.text()),
)
def test_a_payload_is_exact_to_the_last_digit(values, notes):
    given = Forecast("m", "é", pd.Timestamp("2021-01-03 05:00"), frequency_of_alias("h"), *values, notes=tuple(notes))
    assert same(decode_forecast(encode_forecast(given)), given)


@given(st.binary(max_size=200))
def test_bytes_that_are_no_payload_are_a_value_error(noise):
    with pytest.raises(ValueError, match="not a forecast"):
        decode_forecast(noise)


@given(st.data())
def test_a_payload_that_was_cut_or_changed_is_never_another_forecast(data):
    payload = bytearray(encode_forecast(forecast()))
    place = data.draw(st.integers(0, len(payload) - 1))
    if data.draw(st.booleans()):
        del payload[place:]
    else:
        payload[place] ^= data.draw(st.integers(1, 255))
    with suppress(ValueError):
        assert same(decode_forecast(bytes(payload)), forecast())  # a few bits of zlib's frame carry nothing


def test_what_was_put_is_there_for_the_next_process(open_store):
    first = open_store()
    assert first.get("a") is None
    first.put("a", forecast(), 1.25)
    again = open_store()
    assert same(again.get("a"), forecast())
    assert again.get_stored(["a"])["a"].seconds == 1.25
    assert (first.notes, again.notes) == ((), ())


def test_what_is_put_is_kept_in_memory_once(open_store):
    store = open_store()
    kept = store.put("a", forecast(), 1)
    assert same(kept, forecast())
    assert store.get("a") is kept
    assert store.put("a", forecast(), 1) is kept


def test_many_are_got_at_once_whether_in_memory_or_not(open_store, monkeypatch):
    monkeypatch.setattr(store_module, "MEMORY_BYTES", 10_000)
    store = open_store()
    keys = [f"{number:04}" for number in range(1200)]
    for number, key in enumerate(keys):
        store.put(key, forecast(number), 0.1)
    found = store.get_many([*keys, "nobody"])
    assert set(found) == set(keys)
    assert all(same(found[key], forecast(number)) for number, key in enumerate(keys))


def test_the_first_writer_wins(open_store, path):
    first, second = open_store(), open_store()
    first.put("a", forecast(1), 1)
    second.put("a", forecast(2), 2)
    assert same(open_store().get("a"), forecast(1))
    assert rows(path) == [("a",)]


def test_the_latest_of_a_lineage_is_the_newest_that_is_not_from_after_the_date_asked_for(open_store):
    store = open_store()
    for number, origin in enumerate(["2021-03-04", "2021-03-12", "2021-03-11", "2021-03-20"]):
        store.put(f"a{number}", dated(origin, number), 1, "mine")
    store.put("other", dated("2021-03-13", 9), 1, "yours")
    store.put("none", dated("2021-03-13", 9), 1)
    for reader in (store, open_store()):
        found = {day: reader.latest("mine", pd.Timestamp(f"2021-03-{day:02}")) for day in (3, 4, 11, 12, 19, 20, 30)}
        assert {day: one and one.fitted["number"] for day, one in found.items()} == {
            3: None, 4: 0, 11: 2, 12: 1, 19: 1, 20: 3, 30: 3,
        }  # fmt: skip
        assert same(found[12], dated("2021-03-12", 1))
        assert reader.latest("", pd.Timestamp("2021-04-01")) is None
        assert reader.latest("nobody", pd.Timestamp("2021-04-01")) is None


def test_the_latest_that_another_process_has_put_is_found_whatever_is_in_memory(open_store):
    mine, other = open_store(), open_store()
    mine.put("a", dated("2021-03-04", 1), 1, "ours")
    other.put("b", dated("2021-03-05", 2), 1, "ours")
    assert mine.latest("ours", pd.Timestamp("2021-03-06")).fitted == {"number": 2}


def test_a_latest_that_cannot_be_read_is_none_and_without_a_database_there_is_none(open_store, path):
    open_store().put("a", dated("2021-03-04"), 1, "mine")
    change(path, ("update forecasts set payload = ?", (b"rubbish",)))
    assert open_store().latest("mine", pd.Timestamp("2021-03-06")) is None
    store = open_store("sqlite://")
    store.put("a", dated("2021-03-04"), 1, "mine")
    assert store.latest("mine", pd.Timestamp("2021-03-06")) is None


def test_what_is_got_cannot_be_changed_by_accident(open_store):
    store = open_store()
    store.put("a", forecast(), 1)
    with pytest.raises(ValueError, match="read-only"):
        store.get("a").values[0, 0] = 1


def test_a_payload_that_cannot_be_read_counts_as_missing_and_is_deleted(open_store, path):
    open_store().put("a", forecast(), 1)
    change(path, ("update forecasts set payload = ?", (b"rubbish",)))
    store = open_store()
    assert store.get("a") is None
    assert rows(path) == []
    store.put("a", forecast(), 1)
    assert same(open_store().get("a"), forecast())


def test_the_oldest_are_pruned(open_store, path, monkeypatch):
    monkeypatch.setattr(store_module, "MAX_ROWS", 3)
    monkeypatch.setattr(store_module, "PRUNE_EVERY", 2)
    store = open_store()
    for number in range(7):
        store.put(str(number), forecast(number), 1)
    assert rows(path) == [("4",), ("5",), ("6",)]


def test_pruning_looks_at_the_size_too(open_store, path, monkeypatch):
    monkeypatch.setattr(store_module, "MAX_BYTES", 2 * len(encode_forecast(forecast())) + 1000)
    monkeypatch.setattr(store_module, "PRUNE_EVERY", 2)
    store = open_store()
    for number in range(5):
        store.put(str(number), forecast(number), 1)
    assert rows(path) == [("3",), ("4",)]


def test_a_corrupted_file_is_set_aside_with_a_note(open_store, path):
    path.parent.mkdir()
    path.write_bytes(b"not a database at all " * 1000)
    store = open_store()
    assert len(store.notes) == 1
    assert "damaged; it is kept as forecasts.sqlite.set-aside-" in store.notes[0]
    store.put("a", forecast(), 1)
    assert same(open_store().get("a"), forecast())
    (aside,) = path.parent.glob("*.set-aside-*")
    assert aside.read_bytes().startswith(b"not a database at all")


def test_a_file_that_is_damaged_in_use_is_set_aside_and_the_next_results_are_kept(open_store, path):
    open_store().put("a", forecast(), 1)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("pragma wal_checkpoint(truncate)")
    store = open_store()
    with path.open("r+b") as file:
        file.write(b"\0" * path.stat().st_size)
    assert store.get("a") is None
    assert "damaged" in store.notes[0]
    store.put("b", forecast(), 1)
    assert same(open_store().get("b"), forecast())


@pytest.mark.parametrize(
    "older",
    [
        [("delete from forecast_explorer_version",)],
        [("drop table forecast_explorer_version",)],
        [("drop table forecast_explorer_version",), ("create table forecasts_meta (version)",)],
        [("drop table api_questions",)],
    ],
)
def test_tables_that_no_program_of_ours_has_made_are_set_aside_with_a_note(open_store, path, older):
    open_store().put("a", forecast(), 1)
    change(path, *older)
    store = open_store()
    assert len(store.notes) == 1
    assert "not as this program makes it" in store.notes[0]
    assert store.get("a") is None
    store.put("b", forecast(), 1)
    assert same(open_store().get("b"), forecast())
    ((aside,),) = rows(path, "select name from sqlite_master where name like 'forecasts_set_aside_%'")
    assert rows(path, f"select key from {aside}") == [("a",)]


@pytest.mark.parametrize(
    "url", ["sqlite:////proc/nowhere/forecasts.sqlite", "sqlite:////proc/version", "no address", "nosuch://host/x"]
)
def test_without_a_usable_database_the_store_goes_on_in_memory_with_a_note(open_store, url):
    store = open_store(url)
    store.put("a", forecast(), 2.5)
    assert same(store.get("a"), forecast())
    assert store.get_stored(["a"])["a"].seconds == 2.5
    assert len(store.notes) == 1
    assert store.notes[0].startswith("Results are kept in memory only at present: ")


def test_a_home_that_cannot_be_written_falls_back_to_memory(monkeypatch):
    monkeypatch.setenv("FORECAST_HOME", "/proc/nowhere")
    monkeypatch.delenv("FORECAST_DB_URL", raising=False)
    store = ForecastStore()
    store.put("a", forecast(), 1)
    assert store.get("a") is not None
    assert len(store.notes) == 1


def test_a_note_names_no_password(open_store):
    store = open_store("postgresql+psycopg://somebody:secret@127.0.0.1:1/db")
    assert "secret" not in " ".join(store.notes)
    assert len(store.notes) == 1


WRITER = """
import sys
sys.path[:0] = [sys.argv[2], sys.argv[3]]
from forecasting.storage.forecast_store import ForecastStore
from test_forecast_store import forecast
sys.stdin.readline()
store = ForecastStore(sys.argv[1])
for number in range(*map(int, sys.argv[4:])):
    store.put(f"{number:03}", forecast(number), 1)
assert store.notes == (), store.notes
"""


def run(script, path, *arguments):
    here = Path(__file__).resolve()
    command = [sys.executable, "-c", script, f"sqlite:///{path}", here.parents[2], here.parent, *map(str, arguments)]
    shared = {**os.environ, "PYTHONPATH": str(here.parents[1])}
    return subprocess.Popen(command, stdin=subprocess.PIPE, text=True, env=shared)


def test_a_full_disk_is_a_note_and_the_store_goes_on_in_memory(open_store):
    store = open_store()
    store.put("before", forecast(0), 1)
    with full_disk():
        for number in range(40):
            store.put(str(number), forecast(number, 40), 1)
        assert all(same(store.get(str(number)), forecast(number, 40)) for number in range(40))
        assert len(store.notes) == 1
    assert same(open_store().get("before"), forecast(0))


def test_a_store_that_cannot_write_says_so_until_it_can(open_store, monkeypatch):
    monkeypatch.setattr(database_module, "RETRY_SECONDS", 0.0)
    monkeypatch.setattr(database_module, "WRITTEN_SECONDS", 0.0)
    store = open_store()
    assert store.trouble() == ""
    with full_disk():
        assert store.trouble().startswith("Results are kept in memory only at present: ")
        assert store.trouble() != ""
    assert store.trouble() == ""


def test_a_store_that_has_just_written_is_not_tried_again(open_store, monkeypatch):
    store = open_store()
    store.put("a", forecast(), 1)
    with full_disk():
        assert store.trouble() == ""


def test_two_processes_that_write_at_once_lose_nothing(path):
    writers = [run(WRITER, path, 0, 100), run(WRITER, path, 50, 150)]
    for writer in writers:
        writer.stdin.write("\n")
        writer.stdin.flush()
    assert [writer.wait() for writer in writers] == [0, 0]
    assert rows(path) == [(f"{number:03}",) for number in range(150)]


def test_a_corrupted_file_found_by_two_processes_at_once_is_set_aside_once(path):
    path.parent.mkdir()
    path.write_bytes(b"not a database at all " * 1000)
    quiet = WRITER.replace("assert", "# assert")
    writers = [run(quiet, path, 0, 20), run(quiet, path, 20, 40)]
    for writer in writers:
        writer.stdin.write("\n")
        writer.stdin.flush()
    assert [writer.wait() for writer in writers] == [0, 0]
    assert rows(path) == [(f"{number:03}",) for number in range(40)]
    assert len(list(path.parent.glob("*.set-aside-*"))) == 1


def test_what_could_not_be_written_is_written_when_the_database_is_back(open_store, path, monkeypatch):
    monkeypatch.setattr(database_module, "TIMEOUT_SECONDS", 0.05)
    monkeypatch.setattr(database_module, "RETRY_SECONDS", 0.05)
    monkeypatch.setattr(store_module, "RETRY_SECONDS", 0.05)
    store = open_store()
    store.put("a", forecast(1), 1)
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("begin exclusive")
        store.put("b", forecast(2), 1)
        store.put("c", forecast(3), 1)
        assert store.notes[0].startswith("Results are kept in memory only at present")
        assert same(store.get("c"), forecast(3))
        other.execute("rollback")
    wait_until(lambda: rows(path) == [("a",), ("b",), ("c",)])
    assert same(open_store().get("c"), forecast(3))
    wait_until(lambda: store.notes == ())


def test_what_waits_is_written_as_soon_as_the_database_takes_something_again(open_store, path, monkeypatch):
    monkeypatch.setattr(database_module, "TIMEOUT_SECONDS", 0.05)
    monkeypatch.setattr(database_module, "RETRY_SECONDS", 0.0)
    monkeypatch.setattr(store_module, "RETRY_SECONDS", 1e6)
    store = open_store()
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("begin exclusive")
        store.put("a", forecast(1), 1)
        other.execute("rollback")
    assert store.notes
    store.put("b", forecast(2), 1)
    wait_until(lambda: rows(path) == [("a",), ("b",)])
    wait_until(lambda: not store.notes)


def test_closing_writes_what_waits(open_store, path, monkeypatch):
    monkeypatch.setattr(database_module, "TIMEOUT_SECONDS", 0.05)
    monkeypatch.setattr(database_module, "RETRY_SECONDS", 0.0)
    monkeypatch.setattr(store_module, "RETRY_SECONDS", 1e6)
    store = open_store()
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("begin exclusive")
        store.put("b", forecast(2), 1)
        other.execute("rollback")
    assert rows(path) == []
    store.close()
    assert rows(path) == [("b",)]


def test_no_more_waits_for_the_database_than_memory_allows(open_store, path, monkeypatch):
    monkeypatch.setattr(database_module, "TIMEOUT_SECONDS", 0.05)
    monkeypatch.setattr(database_module, "RETRY_SECONDS", 0.0)
    monkeypatch.setattr(store_module, "RETRY_SECONDS", 1e6)
    monkeypatch.setattr(store_module, "MAX_WAITING_BYTES", 2.5 * len(encode_forecast(forecast(0))))
    store = open_store()
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("begin exclusive")
        for number in range(4):
            store.put(str(number), forecast(number), 1)
        other.execute("rollback")
    store.close()
    assert rows(path) == [("2",), ("3",)]
