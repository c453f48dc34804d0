"""Store: finished forecasts that outlive a process, in SQLite or PostgreSQL, with a small memory in front.

It never stands in the way of the app: a database that cannot be used is left out for a while, with a note; a damaged
file or tables of another version are set aside under another name; what cannot be decoded counts as missing.
"""

from __future__ import annotations

import json
import logging
import sqlite3
import struct
import threading
import time
import zlib
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple, TypeVar

import numpy as np
import pandas as pd
import sqlalchemy as sa

from forecasting import settings
from forecasting.errors import DataError
from forecasting.frequency import of_alias
from forecasting.series import QUANTILES, Forecast

log = logging.getLogger(__name__)

#: Raised whenever the tables or the payload change; tables of another version are set aside.
VERSION = "1"
#: The oldest forecasts beyond these are pruned, looked at every so many writes.
MAX_ROWS, MAX_BYTES, PRUNE_EVERY = 50_000, 500_000_000, 100
#: Bytes of decoded forecasts kept in memory.
MEMORY = 32_000_000
#: Seconds for which a database that failed is not asked again.
PAUSE = 30.0
#: Seconds to wait for another process that is writing, or for a server to answer.
PATIENCE = 5
#: No payload is larger than this when unpacked.
MAX_PAYLOAD = 10_000_000

_tables = sa.MetaData()
_forecasts = sa.Table(
    "forecasts",
    _tables,
    sa.Column("key", sa.String(64), primary_key=True),
    sa.Column("model", sa.String(64), nullable=False),
    sa.Column("origin", sa.String(40), nullable=False),
    sa.Column("horizon", sa.Integer, nullable=False),
    sa.Column("created", sa.DateTime(timezone=True), nullable=False),
    sa.Column("seconds", sa.Double, nullable=False),
    sa.Column("payload", sa.LargeBinary, nullable=False),
)
_meta = sa.Table(
    "forecasts_meta", _tables, sa.Column("name", sa.String(32), primary_key=True), sa.Column("value", sa.String(64))
)

T = TypeVar("T")


class Stored(NamedTuple):
    """A forecast and the seconds that it took to fit."""

    forecast: Forecast
    seconds: float


class Store:
    """Forecasts by the key of their request. Every method may be called from any thread and raises nothing.

    Args:
        url: an SQLAlchemy address, ``sqlite:///file`` or ``postgresql+psycopg://…``; `settings.db_url()` by default;
            ``sqlite://`` keeps everything in memory.
    """

    def __init__(self, url: str | None = None) -> None:
        self._lock = threading.RLock()
        self._memory: OrderedDict[str, Stored] = OrderedDict()
        self._memory_bytes = 0
        self._set_aside: list[str] = []
        self._trouble: dict[str, str] = {}
        self._resume = {"read": 0.0, "write": 0.0}
        self._prepared = False
        self._writes = 0
        self._engine: sa.Engine | None = None
        try:
            self._engine = _engine(url or settings.db_url())
        except (OSError, ImportError, sa.exc.SQLAlchemyError) as error:
            self._leave_out(error, "read")
        self._use("read", lambda connection: None)

    @property
    def notes(self) -> tuple[str, ...]:
        """What a person should know: what was set aside, and whether the database is left out at present."""
        return (*self._set_aside, *dict.fromkeys(self._trouble.values()))

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
        for start in range(0, len(missing), 500):
            found |= self._load(missing[start : start + 500])
        return found

    def put(self, key: str, forecast: Forecast, seconds: float) -> None:
        """Keeps `forecast`, unless there is one of this key already."""
        payload = encode(forecast)
        with self._lock:
            if key not in self._memory:
                self._remember(key, Stored(decode(payload), seconds))
            self._writes += 1
            due = self._writes % PRUNE_EVERY == 1
        row = {
            "key": key,
            "model": forecast.model,
            "origin": forecast.origin.isoformat(),
            "horizon": forecast.horizon,
            "created": datetime.now(UTC),
            "seconds": seconds,
            "payload": payload,
        }
        with suppress(sa.exc.IntegrityError):  # another process was first
            self._use("write", lambda connection: connection.execute(_forecasts.insert(), row))
        if due:
            self._use("write", _prune)

    def close(self) -> None:
        """Lets go of the database; what is in memory can still be had."""
        with self._lock:
            engine, self._engine = self._engine, None
        if engine:
            engine.dispose()

    def _recall(self, keys: list[str]) -> dict[str, Stored]:
        with self._lock:
            found = {key: self._memory[key] for key in keys if key in self._memory}
            for key in found:
                self._memory.move_to_end(key)
            return found

    def _remember(self, key: str, stored: Stored) -> None:
        with self._lock:
            if key in self._memory:
                return
            self._memory[key] = stored
            self._memory_bytes += _bytes(stored)
            while self._memory_bytes > MEMORY and len(self._memory) > 1:
                self._memory_bytes -= _bytes(self._memory.popitem(last=False)[1])

    def _load(self, keys: list[str]) -> dict[str, Stored]:
        columns = (_forecasts.c.key, _forecasts.c.seconds, _forecasts.c.payload)
        query = sa.select(*columns).where(_forecasts.c.key.in_(keys))
        found, unreadable = {}, []
        for key, seconds, payload in self._use("read", lambda connection: connection.execute(query).all()) or []:
            try:
                found[key] = Stored(decode(payload), seconds)
                self._remember(key, found[key])
            except ValueError as error:
                log.warning("The stored forecast %s cannot be read and is deleted: %s", key, error)
                unreadable.append(key)
        if unreadable:
            gone = _forecasts.delete().where(_forecasts.c.key.in_(unreadable))
            self._use("write", lambda connection: connection.execute(gone))
        return found

    def _use(self, kind: str, work: Callable[[sa.Connection], T]) -> T | None:
        """The result of `work` in a transaction, or None if the database is out of use. Tries twice."""
        for attempt in (1, 2):
            engine = self._engine
            if engine is None or time.monotonic() < self._resume[kind]:
                return None
            try:
                self._prepare(engine)
                with engine.begin() as connection:
                    result = work(connection)
            except sa.exc.IntegrityError:
                raise
            except (OSError, sa.exc.SQLAlchemyError) as error:
                self._prepared = False
                if _is_damage(error):
                    self._set_file_aside(engine)
                if attempt == 2:
                    self._leave_out(error, kind)
            else:
                self._trouble.pop(kind, None)
                return result
        return None

    def _prepare(self, engine: sa.Engine) -> None:
        """Makes sure that the tables are there and of this version."""
        with self._lock:
            if self._prepared:
                return
            with engine.connect() as connection:
                if connection.dialect.name == "sqlite":
                    connection.exec_driver_sql("PRAGMA journal_mode=WAL")
                if _version(connection) != VERSION:
                    self._create(connection)
            self._prepared = True

    def _create(self, connection: sa.Connection) -> None:
        """Makes the tables, one process at a time; those of another version get another name first."""
        connection.rollback()
        if connection.dialect.name == "sqlite":
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        elif connection.dialect.name == "postgresql":
            connection.exec_driver_sql("SELECT pg_advisory_xact_lock(20210107)")
        version = _version(connection)
        if version == VERSION:
            return
        if version is not None:
            suffix = f"set_aside_{datetime.now(UTC):%Y%m%d_%H%M%S_%f}"
            for name in {"forecasts", "forecasts_meta"} & set(sa.inspect(connection).get_table_names()):
                connection.exec_driver_sql(f"ALTER TABLE {name} RENAME TO {name}_{suffix}")
            self._set_aside.append(
                f"The stored forecasts were of another version of this program; they are kept as forecasts_{suffix}."
            )
        _tables.create_all(connection)
        connection.execute(_meta.insert(), {"name": "version", "value": VERSION})
        connection.commit()

    def _set_file_aside(self, engine: sa.Engine) -> None:
        """A damaged SQLite file gets another name, unless another process or thread has done that by now."""
        path = Path(engine.url.database)
        aside = f"{path}.set-aside-{datetime.now(UTC):%Y%m%d-%H%M%S-%f}"
        try:
            with self._lock, _alone(path):
                engine.dispose()
                if _is_sound(path):
                    return
                for suffix in ("", "-wal", "-shm"):
                    with suppress(FileNotFoundError):
                        Path(f"{path}{suffix}").rename(f"{aside}{suffix}")
                self._set_aside.append(f"The file of stored forecasts was damaged; it is kept as {Path(aside).name}.")
        except OSError as error:
            log.warning("A damaged store could not be set aside: %s", error)

    def _leave_out(self, error: Exception, kind: str) -> None:
        log.warning("The store is left out for %g seconds (%s): %s", PAUSE, kind, error)
        self._resume[kind] = time.monotonic() + PAUSE
        reason = getattr(error, "orig", None) or getattr(error, "strerror", None) or type(error).__name__
        if self._engine is not None and self._engine.dialect.name != "sqlite":
            reason = (
                "the database does not answer as it should; the log says more"  # the error may name hosts and users
            )
        self._trouble[kind] = f"Finished forecasts are kept in memory only, until the app ends ({reason})."


def encode(forecast: Forecast) -> bytes:
    """A forecast as few bytes, exact to the last digit: the header's length, the header in JSON, three float64 tables."""
    header = {
        "model": forecast.model,
        "method": forecast.method,
        "origin": forecast.origin.isoformat(),
        "frequency": forecast.frequency.alias,
        "horizon": forecast.horizon,
        "notes": list(forecast.notes),
    }
    text = json.dumps(header).encode()
    tables = (forecast.values, forecast.totals, forecast.means)
    numbers = b"".join(np.ascontiguousarray(table, dtype="<f8").tobytes() for table in tables)
    return zlib.compress(struct.pack("<I", len(text)) + text + numbers)


def decode(payload: bytes) -> Forecast:
    """The inverse of `encode`, with read-only tables. Raises `ValueError` for anything else."""
    try:
        unpacking = zlib.decompressobj()
        content = unpacking.decompress(payload, MAX_PAYLOAD)
        (length,) = struct.unpack_from("<I", content)
        header = json.loads(content[4 : 4 + length])
        horizon = int(header["horizon"])
        expected = 4 + length + 3 * horizon * len(QUANTILES) * 8
        if not unpacking.eof or horizon < 1 or len(content) != expected:
            raise ValueError(f"{len(content)} bytes where {expected} are expected")
        numbers = np.frombuffer(content, dtype="<f8", offset=4 + length).reshape(3, horizon, len(QUANTILES))
        origin, frequency = pd.Timestamp(header["origin"]), of_alias(header["frequency"])
        return Forecast(header["model"], header["method"], origin, frequency, *numbers, notes=tuple(header["notes"]))
    except (zlib.error, struct.error, KeyError, TypeError, DataError) as error:
        raise ValueError(f"not a forecast: {error!r}") from error


def _bytes(stored: Stored) -> int:
    forecast = stored.forecast
    return forecast.values.nbytes + forecast.totals.nbytes + forecast.means.nbytes + 1000


def _engine(url: str) -> sa.Engine | None:
    """Connects to nothing yet. None for a database in memory: `Store` has a memory of its own."""
    address = sa.make_url(url)
    if address.get_backend_name() != "sqlite":
        return sa.create_engine(address, pool_pre_ping=True, connect_args={"connect_timeout": PATIENCE})
    if address.database in (None, "", ":memory:"):
        return None
    Path(address.database).parent.mkdir(parents=True, exist_ok=True)
    return sa.create_engine(address, connect_args={"timeout": PATIENCE})


def _version(connection: sa.Connection) -> str | None:
    """The version of the tables that are there; None if there are none."""
    inspector = sa.inspect(connection)
    present = {"forecasts", "forecasts_meta"} & set(inspector.get_table_names())
    if not present:
        return None
    if len(present) < 2 or {column["name"] for column in inspector.get_columns("forecasts_meta")} != {"name", "value"}:
        return "unknown"
    return connection.scalar(sa.select(_meta.c.value).where(_meta.c.name == "version")) or "unknown"


def _prune(connection: sa.Connection) -> None:
    """Deletes the oldest forecasts beyond `MAX_ROWS` and `MAX_BYTES`."""
    newest_first = (_forecasts.c.created.desc(), _forecasts.c.key)
    ranked = sa.select(
        _forecasts.c.key,
        sa.func.row_number().over(order_by=newest_first).label("rows"),
        sa.func.sum(sa.func.length(_forecasts.c.payload)).over(order_by=newest_first).label("bytes"),
    ).subquery()
    beyond = sa.select(ranked.c.key).where(sa.or_(ranked.c.rows > MAX_ROWS, ranked.c.bytes > MAX_BYTES))
    connection.execute(_forecasts.delete().where(_forecasts.c.key.in_(beyond)))


def _is_damage(error: Exception) -> bool:
    """Whether SQLite says that its file is not, or no longer, a database."""
    code = getattr(getattr(error, "orig", error), "sqlite_errorcode", None) or 0
    return code & 0xFF in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


def _is_sound(path: Path) -> bool:
    try:
        with closing(sqlite3.connect(path, timeout=PATIENCE)) as connection:
            return connection.execute("PRAGMA integrity_check(1)").fetchone() == ("ok",)
    except sqlite3.DatabaseError as error:
        return not _is_damage(error)


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """One process at a time, where the system has file locks."""
    try:
        import fcntl
    except ImportError:  # Windows
        yield
        return
    with open(f"{path}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
