"""ForecastStore: finished forecasts by key, in SQLite or PostgreSQL, with a small cache in memory in front.

It never stops the app: while its `Database` fails it keeps forecasts in memory, and writes them when the database is back; a
payload that cannot be decoded counts as missing and is deleted.
"""

from __future__ import annotations

import logging
import threading
from collections import OrderedDict
from collections.abc import Collection, Iterable, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

import pandas as pd
import sqlalchemy as sa

from forecasting.data.forecast import Forecast
from forecasting.storage.codec import Encoded, decode_forecast, encode_forecast
from forecasting.storage.database import Database

log = logging.getLogger(__name__)

#: Forecasts in the database, at most: the oldest beyond are pruned.
MAX_ROWS = 50_000
#: Bytes of encoded forecasts in the database, at most.
MAX_BYTES = 500_000_000
#: Writes between two prunings.
PRUNE_EVERY = 1_000
#: Bytes of decoded forecasts that are kept in memory, at most.
MEMORY_BYTES = 24_000_000
#: Bytes of encoded forecasts that wait for a database that is left out, at most.
MAX_WAITING_BYTES = 64_000_000
#: Seconds between two attempts to write them.
RETRY_SECONDS = 2.0
#: Keys in one query, at most.
KEYS_PER_QUERY = 500

_tables = sa.MetaData()
_forecasts = sa.Table(
    "forecasts",
    _tables,
    sa.Column("key", sa.String(64), primary_key=True),
    sa.Column("lineage", sa.String(64), nullable=False, server_default=""),
    sa.Column("model", sa.String(64), nullable=False),
    sa.Column("origin", sa.String(40), nullable=False),
    sa.Column("horizon", sa.Integer, nullable=False),
    sa.Column("created", sa.DateTime(timezone=True), nullable=False),
    sa.Column("seconds", sa.Double, nullable=False),
    sa.Column("payload", sa.LargeBinary, nullable=False),
    sa.Index("forecasts_by_lineage", "lineage", "origin"),
)


class StoredForecast(NamedTuple):
    """A stored forecast and the seconds that it took to fit."""

    forecast: Forecast
    seconds: float


class ForecastStore:
    """A store of forecasts by the key of their request. Every method may be called from any thread.

    Args:
        url: an SQLAlchemy address, ``sqlite:///file`` or ``postgresql+psycopg://…``; `settings.db_url()` by default;
            ``sqlite://`` keeps everything in memory.
    """

    def __init__(self, url: str | None = None) -> None:
        self._database = Database(url, _tables)
        self._lock = threading.Lock()
        self._memory: OrderedDict[str, StoredForecast] = OrderedDict()
        self._memory_bytes = 0
        self._writes = 0
        self._waiting: OrderedDict[str, dict[str, Any]] = OrderedDict()
        self._closed = False
        self._wake_writer = threading.Event()
        self._writer: threading.Thread | None = None

    @property
    def notes(self) -> tuple[str, ...]:
        """Sentences for a person: the notes of the database, or that some forecasts are still to be written."""
        notes = self._database.notes
        return notes if notes or not self._waiting else ("Some results are only now being stored.",)

    @property
    def shared_url(self) -> str:
        """The URL of the database, if several servers can share it; else empty."""
        return self._database.shared_url

    def get(self, key: str) -> Forecast | None:
        """The forecast of `key`, if it is stored. Its arrays are read-only."""
        return self.get_many([key]).get(key)

    def get_many(self, keys: Iterable[str]) -> dict[str, Forecast]:
        """The stored forecasts of `keys`, by key."""
        return {key: found.forecast for key, found in self.get_stored(keys).items()}

    def get_stored(self, keys: Iterable[str]) -> dict[str, StoredForecast]:
        """The stored forecasts of `keys`, by key, with the seconds that each took to fit."""
        keys = list(dict.fromkeys(keys))
        found = self._cached(keys)
        missing = [key for key in keys if key not in found]
        for start in range(0, len(missing), KEYS_PER_QUERY):
            found |= self._load(missing[start : start + KEYS_PER_QUERY])
        return found

    def known_keys(self, keys: Collection[str]) -> set[str]:
        """The keys among `keys` that are stored, without decoding the forecasts."""
        wanted, found = list(keys), set(self._cached(list(keys)))

        def look(connection: sa.Connection) -> None:
            for start in range(0, len(wanted), KEYS_PER_QUERY):
                part = sa.select(_forecasts.c.key).where(_forecasts.c.key.in_(wanted[start : start + KEYS_PER_QUERY]))
                found.update(connection.scalars(part))

        self._database.run_transaction("read", look)
        return found

    def preload(self, keys: Sequence[str]) -> None:
        """Load the stored forecasts of `keys` into memory with one query; one by one they take long."""
        if len(keys) > 1:
            self.get_stored(keys)

    def latest(self, lineage: str, origin: pd.Timestamp) -> Forecast | None:
        """The newest forecast of a `Request.lineage`, of any horizon, whose origin is not after `origin`; None without one.

        Looked up in the database alone, for other servers write there too.
        """
        if not lineage:
            return None
        query = (
            sa.select(_forecasts.c.payload)
            .where(_forecasts.c.lineage == lineage, _forecasts.c.origin <= origin.isoformat())
            .order_by(_forecasts.c.origin.desc(), _forecasts.c.horizon)
            .limit(1)
        )
        payload = self._database.run_transaction("read", lambda connection: connection.execute(query).scalar())
        try:
            return decode_forecast(payload) if payload else None
        except ValueError:  # `get` deletes it
            return None

    def put(self, key: str, forecast: Forecast, seconds: float, lineage: str = "") -> Forecast:
        """Store `forecast`, unless there is one of this key already; `latest` finds it by its `lineage`, if it has one.

        Returns the forecast as it is kept in memory, so that callers that go on with it share its memory.
        """
        return self.put_encoded([Encoded(key, encode_forecast(forecast), seconds, lineage)])[key]

    def put_encoded(self, encoded: Sequence[Encoded]) -> dict[str, Forecast]:
        """Store forecasts as `put` does, in one transaction; returns them by their keys. Raises `ValueError` for one that is none."""
        forecasts = [decode_forecast(one.payload) for one in encoded]
        rows = [_row(one, forecast) for one, forecast in zip(encoded, forecasts, strict=True)]
        cached = {
            one.key: self._cache(one.key, StoredForecast(forecast, one.seconds)).forecast
            for one, forecast in zip(encoded, forecasts, strict=True)
        }
        if self._write(rows):
            if self._waiting:
                self._wake_writer.set()
        else:
            for row in rows:
                self._write_later(row)
        if self._pruning_is_due(len(rows)):
            self._database.run_transaction("write", _prune)
        return cached

    def trouble(self) -> str:
        """Why the database cannot be read or written, in a sentence; empty where it can, or where all is kept in memory."""
        return self._database.trouble()

    def close(self) -> None:
        """Close the database, after a last attempt to write what waits for it; forecasts in memory stay available."""
        self._closed = True
        self._wake_writer.set()
        if writer := self._writer:
            writer.join()
        self._database.close()

    def _write(self, rows: list[dict[str, Any]]) -> bool:
        """Write rows; True if they are in the database now, or there is none to write to."""
        try:
            done = self._database.run_transaction(
                "write", lambda connection: connection.execute(_forecasts.insert(), rows)
            )
        except sa.exc.IntegrityError:  # another server was first
            one_by_one = [self._write([row]) for row in rows] if len(rows) > 1 else [True]
            return all(one_by_one)
        return done is not None or not self._database.is_configured

    def _write_later(self, row: dict[str, Any]) -> None:
        """Have a thread write the row when the database is back."""
        with self._lock:
            self._waiting[row["key"]] = row
            while sum(len(waiting["payload"]) for waiting in self._waiting.values()) > MAX_WAITING_BYTES:
                log.error("A forecast is not stored: too many wait for the database")
                self._waiting.popitem(last=False)
            if self._writer is None:
                self._writer = threading.Thread(target=self._write_waiting, name="store", daemon=True)
                self._writer.start()

    def _write_waiting(self) -> None:
        while True:
            self._wake_writer.wait(RETRY_SECONDS)
            self._wake_writer.clear()
            is_last = self._closed
            with self._lock:
                waiting = list(self._waiting.values())
            for row in waiting:
                if not self._write([row]):
                    break
                with self._lock:
                    self._waiting.pop(row["key"], None)
            with self._lock:
                if is_last or not self._waiting:
                    self._writer = None
                    return

    def _cached(self, keys: list[str]) -> dict[str, StoredForecast]:
        with self._lock:
            found = {key: self._memory[key] for key in keys if key in self._memory}
            for key in found:
                self._memory.move_to_end(key)
            return found

    def _cache(self, key: str, stored: StoredForecast) -> StoredForecast:
        """Keep a forecast in memory; returns the one that is kept under this key, which may be an earlier one."""
        with self._lock:
            if key in self._memory:
                return self._memory[key]
            self._memory[key] = stored
            self._memory_bytes += _bytes(stored)
            while self._memory_bytes > MEMORY_BYTES and len(self._memory) > 1:
                self._memory_bytes -= _bytes(self._memory.popitem(last=False)[1])
            return stored

    def _load(self, keys: list[str]) -> dict[str, StoredForecast]:
        columns = (_forecasts.c.key, _forecasts.c.seconds, _forecasts.c.payload)
        query = sa.select(*columns).where(_forecasts.c.key.in_(keys))
        found, unreadable = {}, []
        for key, seconds, payload in (
            self._database.run_transaction("read", lambda connection: connection.execute(query).all()) or []
        ):
            try:
                found[key] = self._cache(key, StoredForecast(decode_forecast(payload), seconds))
            except ValueError as error:
                log.warning("The stored forecast %s cannot be read and is deleted: %s", key, error)
                unreadable.append(key)
        if unreadable:
            gone = _forecasts.delete().where(_forecasts.c.key.in_(unreadable))
            self._database.run_transaction("write", lambda connection: connection.execute(gone))
        return found

    def _pruning_is_due(self, count: int) -> bool:
        with self._lock:
            before, self._writes = self._writes, self._writes + count
            return (before - 1) // PRUNE_EVERY < (self._writes - 1) // PRUNE_EVERY


def _row(encoded: Encoded, forecast: Forecast) -> dict[str, Any]:
    return {
        "key": encoded.key,
        "lineage": encoded.lineage,
        "model": forecast.model,
        "origin": forecast.origin.isoformat(),
        "horizon": forecast.horizon,
        "created": datetime.now(UTC),
        "seconds": encoded.seconds,
        "payload": encoded.payload,
    }


def _bytes(stored: StoredForecast) -> int:
    forecast = stored.forecast
    return forecast.values.nbytes + forecast.totals.nbytes + forecast.means.nbytes


def _prune(connection: sa.Connection) -> None:
    """Delete the oldest forecasts beyond `MAX_ROWS` and `MAX_BYTES`."""
    newest_first = (_forecasts.c.created.desc(), _forecasts.c.key)
    ranked = sa.select(
        _forecasts.c.key,
        sa.func.row_number().over(order_by=newest_first).label("rank"),
        sa.func.sum(sa.func.length(_forecasts.c.payload)).over(order_by=newest_first).label("size"),
    ).subquery()
    beyond = sa.select(ranked.c.key).where(sa.or_(ranked.c.rank > MAX_ROWS, ranked.c.size > MAX_BYTES))
    connection.execute(_forecasts.delete().where(_forecasts.c.key.in_(beyond)))
