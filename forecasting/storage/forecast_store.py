"""Store: finished forecasts that outlive a process, in SQLite or PostgreSQL, with a small memory in front.

It never stands in the way of the app: without a usable `Database` it goes on in memory, and writes what it has when there is
one again; a payload that cannot be decoded counts as missing and is deleted.
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
from forecasting.storage.codec import decode, encode
from forecasting.storage.database import Database

log = logging.getLogger(__name__)

#: The oldest forecasts beyond these are pruned; that is looked at every so many writes.
MAX_ROWS = 50_000
MAX_BYTES = 500_000_000
PRUNE_EVERY = 100
#: Bytes of decoded forecasts kept in memory.
MEMORY = 24_000_000
#: Bytes of forecasts that wait for a database which is left out, and seconds between two tries to write them.
MOST_WAITING = 64_000_000
AGAIN = 2.0
#: Keys asked for in one query.
AT_ONCE = 500

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


class Stored(NamedTuple):
    """A forecast and the seconds that it took to fit."""

    forecast: Forecast
    seconds: float


class Store:
    """Forecasts by the key of their request. Every method may be called from any thread.

    Args:
        url: an SQLAlchemy address, ``sqlite:///file`` or ``postgresql+psycopg://…``; `settings.db_url()` by default;
            ``sqlite://`` keeps everything in memory.
    """

    def __init__(self, url: str | None = None) -> None:
        self._database = Database(url, _tables)
        self._lock = threading.Lock()
        self._memory: OrderedDict[str, Stored] = OrderedDict()
        self._memory_bytes = 0
        self._writes = 0
        self._waiting: OrderedDict[str, dict[str, Any]] = OrderedDict()
        self._closed = False
        self._hurry = threading.Event()
        self._writer: threading.Thread | None = None

    @property
    def notes(self) -> tuple[str, ...]:
        """Sentences for a person: what was set aside, whether the database is left out, and what it still has to take."""
        left_out = self._database.notes
        return left_out if left_out or not self._waiting else ("Some results are only now being stored.",)

    @property
    def shared(self) -> str:
        """The address of the database, if several servers can share it; else empty."""
        return self._database.shared

    def get(self, key: str) -> Forecast | None:
        """The forecast of `key`, if it is there. Its arrays are read-only."""
        return self.get_many([key]).get(key)

    def get_many(self, keys: Iterable[str]) -> dict[str, Forecast]:
        """Those that are there, by key."""
        return {key: found.forecast for key, found in self.stored(keys).items()}

    def stored(self, keys: Iterable[str]) -> dict[str, Stored]:
        """Like `get_many`, with the seconds that each took to fit."""
        keys = list(dict.fromkeys(keys))
        found = self._recall(keys)
        missing = [key for key in keys if key not in found]
        for start in range(0, len(missing), AT_ONCE):
            found |= self._load(missing[start : start + AT_ONCE])
        return found

    def known(self, keys: Collection[str]) -> set[str]:
        """Those of many that are there, without looking at what they are."""
        wanted, found = list(keys), set(self._recall(list(keys)))

        def look(connection: sa.Connection) -> None:
            for start in range(0, len(wanted), AT_ONCE):
                part = sa.select(_forecasts.c.key).where(_forecasts.c.key.in_(wanted[start : start + AT_ONCE]))
                found.update(connection.scalars(part))

        self._database.use("read", look)
        return found

    def recall(self, keys: Sequence[str]) -> None:
        """Have those of many that are there in memory, with one query: asked for one by one they take long."""
        if len(keys) > 1:
            self.stored(keys)

    def latest(self, lineage: str, origin: pd.Timestamp) -> Forecast | None:
        """The newest forecast of a `Request.lineage`, of any horizon, that is not from after `origin`.

        Looked for in the database alone, for others write there too. None without one.
        """
        if not lineage:
            return None
        query = (
            sa.select(_forecasts.c.payload)
            .where(_forecasts.c.lineage == lineage, _forecasts.c.origin <= origin.isoformat())
            .order_by(_forecasts.c.origin.desc(), _forecasts.c.horizon)
            .limit(1)
        )
        payload = self._database.use("read", lambda connection: connection.execute(query).scalar())
        try:
            return decode(payload) if payload else None
        except ValueError:  # whoever asks for it by its key deletes it
            return None

    def put(self, key: str, forecast: Forecast, seconds: float, lineage: str = "") -> Forecast:
        """Keeps `forecast`, unless there is one of this key already; `latest` finds it by its `lineage`, if it has one.

        Gives the forecast as it is kept in memory: who goes on with that one needs no memory of his own.
        """
        payload = encode(forecast)
        row = {
            "key": key,
            "lineage": lineage,
            "model": forecast.model,
            "origin": forecast.origin.isoformat(),
            "horizon": forecast.horizon,
            "created": datetime.now(UTC),
            "seconds": seconds,
            "payload": payload,
        }
        kept = self._remember(key, Stored(decode(payload), seconds))
        if not self._write(row):
            self._write_later(row)
        elif self._waiting:
            self._hurry.set()
        if self._pruning_is_due():
            self._database.use("write", _prune)
        return kept.forecast

    def trouble(self) -> str:
        """Why the database cannot be read, in a sentence; empty where it can, or where all is kept in memory."""
        return self._database.trouble()

    def close(self) -> None:
        """Lets go of the database, after a last try to write what waits for it; what is in memory can still be had."""
        self._closed = True
        self._hurry.set()
        if writer := self._writer:
            writer.join()
        self._database.close()

    def _write(self, row: dict[str, Any]) -> bool:
        """Whether it is in the database, or there is none to write to."""
        try:
            done = self._database.use("write", lambda connection: connection.execute(_forecasts.insert(), row))
        except sa.exc.IntegrityError:  # somebody else was first
            return True
        return done is not None or not self._database.there

    def _write_later(self, row: dict[str, Any]) -> None:
        """The database is left out at present: a thread writes the row when it is back."""
        with self._lock:
            self._waiting[row["key"]] = row
            while sum(len(one["payload"]) for one in self._waiting.values()) > MOST_WAITING:
                log.error("A forecast is not stored: too many wait for the database")
                self._waiting.popitem(last=False)
            if self._writer is None:
                self._writer = threading.Thread(target=self._catch_up, name="store", daemon=True)
                self._writer.start()

    def _catch_up(self) -> None:
        while True:
            self._hurry.wait(AGAIN)
            self._hurry.clear()
            over = self._closed
            with self._lock:
                waiting = list(self._waiting.values())
            for row in waiting:
                if not self._write(row):
                    break
                with self._lock:
                    self._waiting.pop(row["key"], None)
            with self._lock:
                if over or not self._waiting:
                    self._writer = None
                    return

    def _recall(self, keys: list[str]) -> dict[str, Stored]:
        with self._lock:
            found = {key: self._memory[key] for key in keys if key in self._memory}
            for key in found:
                self._memory.move_to_end(key)
            return found

    def _remember(self, key: str, stored: Stored) -> Stored:
        """What is in memory under this key from now on."""
        with self._lock:
            if key in self._memory:
                return self._memory[key]
            self._memory[key] = stored
            self._memory_bytes += _bytes(stored)
            while self._memory_bytes > MEMORY and len(self._memory) > 1:
                self._memory_bytes -= _bytes(self._memory.popitem(last=False)[1])
            return stored

    def _load(self, keys: list[str]) -> dict[str, Stored]:
        columns = (_forecasts.c.key, _forecasts.c.seconds, _forecasts.c.payload)
        query = sa.select(*columns).where(_forecasts.c.key.in_(keys))
        found, unreadable = {}, []
        for key, seconds, payload in (
            self._database.use("read", lambda connection: connection.execute(query).all()) or []
        ):
            try:
                found[key] = self._remember(key, Stored(decode(payload), seconds))
            except ValueError as error:
                log.warning("The stored forecast %s cannot be read and is deleted: %s", key, error)
                unreadable.append(key)
        if unreadable:
            gone = _forecasts.delete().where(_forecasts.c.key.in_(unreadable))
            self._database.use("write", lambda connection: connection.execute(gone))
        return found

    def _pruning_is_due(self) -> bool:
        with self._lock:
            self._writes += 1
            return self._writes % PRUNE_EVERY == 1


def _bytes(stored: Stored) -> int:
    forecast = stored.forecast
    return forecast.values.nbytes + forecast.totals.nbytes + forecast.means.nbytes


def _prune(connection: sa.Connection) -> None:
    """Deletes the oldest forecasts beyond `MAX_ROWS` and `MAX_BYTES`."""
    newest_first = (_forecasts.c.created.desc(), _forecasts.c.key)
    ranked = sa.select(
        _forecasts.c.key,
        sa.func.row_number().over(order_by=newest_first).label("place"),
        sa.func.sum(sa.func.length(_forecasts.c.payload)).over(order_by=newest_first).label("size"),
    ).subquery()
    beyond = sa.select(ranked.c.key).where(sa.or_(ranked.c.place > MAX_ROWS, ranked.c.size > MAX_BYTES))
    connection.execute(_forecasts.delete().where(_forecasts.c.key.in_(beyond)))
