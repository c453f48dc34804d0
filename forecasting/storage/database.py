"""Database: transactions on the program's tables in SQLite or PostgreSQL, which go on without it while it fails.

A database that cannot be used never stops the app: it is left out for a while, with a note. `migrations` bring tables of an
older program up to date; a damaged SQLite file, or tables that no version of this program has made, are kept under another
name, never deleted.
"""

from __future__ import annotations

import logging
import os
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal, TypeVar

import sqlalchemy as sa

from forecasting.storage import migrations
from forecasting.support import settings

log = logging.getLogger(__name__)

#: Seconds for which a database that failed is not tried again.
RETRY_SECONDS = 30.0
#: Seconds for which a transaction that has written counts as proof that writing works.
WRITTEN_SECONDS = 5.0
#: Seconds to wait for another process that is writing, or for a server to answer.
TIMEOUT_SECONDS = 5
#: The number of the PostgreSQL lock under which tables are made; any, as long as all servers have the same.
ADVISORY_LOCK = 20210107

T = TypeVar("T")
#: The kinds of transactions: reading may fail while writing works, and the other way round.
Access = Literal["read", "write"]


class NewerProgramError(sa.exc.SQLAlchemyError):
    """The error raised where a newer program's tables lack a column that this one needs."""


class Database:
    """A database used from any thread; its transactions raise nothing but `IntegrityError`.

    Args:
        url: an SQLAlchemy address; `settings.db_url()` by default; ``sqlite://`` means that there is none.
        tables: those that the caller uses, which are among those that `migrations` make.
    """

    def __init__(self, url: str | None, tables: sa.MetaData) -> None:
        self._tables = tables
        self._lock = threading.RLock()
        self._notes: list[str] = []
        self._problems: dict[Access, str] = {}
        self._resume: dict[Access, float] = {"read": 0.0, "write": 0.0}
        self._prepared = False
        self._written = -WRITTEN_SECONDS
        self._engine: sa.Engine | None = None
        try:
            self._engine = _engine(url or settings.db_url())
        except (OSError, ImportError, sa.exc.SQLAlchemyError) as error:
            self._suspend(error, "read")
        self.run_transaction("read", lambda connection: None)

    @property
    def notes(self) -> tuple[str, ...]:
        """Sentences for a person: what was kept under another name, and whether the database is left out at present."""
        return (*self._notes, *dict.fromkeys(self._problems.values()))

    @property
    def is_configured(self) -> bool:
        """Whether there is a database at all, usable at present or not."""
        return self._engine is not None

    @property
    def is_left_out(self) -> bool:
        """Whether it cannot be used at present, though there is to be one: what is kept in memory now is gone with the process."""
        return bool(self._problems)

    @property
    def shared_url(self) -> str:
        """The database's URL, if it is a server that several processes on several machines can use; else empty."""
        engine = self._engine
        if engine is None or engine.dialect.name != "postgresql":
            return ""
        return engine.url.render_as_string(hide_password=False)

    def run_transaction(self, kind: Access, work: Callable[[sa.Connection], T]) -> T | None:
        """Run `work` in a transaction; returns its result, or None if the database is left out. `work` may be called twice."""
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
                    self._suspend(error, kind)
            else:
                self._problems.pop(kind, None)
                if kind == "write":
                    self._written = time.monotonic()
                return result
        return None

    def trouble(self) -> str:
        """Why it cannot be read or written, in a sentence; empty where it can, or where there is none.

        A full disk and a database that is read-only show in a transaction that has written, and nowhere else.
        """
        self.run_transaction("read", lambda connection: connection.execute(sa.select(1)))
        if "read" not in self._problems and time.monotonic() >= self._written + WRITTEN_SECONDS:
            self.run_transaction("write", _write_nothing_new)
        return next(iter(self._problems.values()), "")

    def close(self) -> None:
        """Close all connections for good."""
        with self._lock:
            engine, self._engine = self._engine, None
        if engine:
            engine.dispose()

    def _prepare(self, engine: sa.Engine) -> None:
        """Make sure that the tables are there and as this program has them."""
        with self._lock:
            if self._prepared:
                return
            with engine.connect() as connection:
                if connection.dialect.name == "sqlite":
                    connection.exec_driver_sql("PRAGMA journal_mode=WAL")
                if migrations.revision(connection) != migrations.HEAD:
                    self._migrate(connection)
            self._prepared = True

    def _migrate(self, connection: sa.Connection) -> None:
        """Bring the tables up to date, one process at a time; tables that no step has made get another name first."""
        connection.rollback()
        if connection.dialect.name == "sqlite":
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        elif connection.dialect.name == "postgresql":
            connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({ADVISORY_LOCK})")
        present = migrations.revision(connection)
        if present == "unknown":
            self._rename_unknown_tables(connection)
            present = None
        if present is not None and migrations.is_newer(present):
            self._check_columns(connection)
        elif present != migrations.HEAD:
            migrations.upgrade(connection, present)
        connection.commit()

    def _check_columns(self, connection: sa.Connection) -> None:
        """Raise `NewerProgramError` unless a newer program's tables have all the columns that are used here."""
        inspector = sa.inspect(connection)
        for table in self._tables.sorted_tables:
            present = inspector.get_columns(table.name) if inspector.has_table(table.name) else []
            if not {column.name for column in table.columns} <= {column["name"] for column in present}:
                raise NewerProgramError(f"{table.name} is of a newer program")

    def _rename_unknown_tables(self, connection: sa.Connection) -> None:
        suffix = f"set_aside_{datetime.now(UTC):%Y%m%d_%H%M%S_%f}"
        inspector = sa.inspect(connection)
        known = {*migrations.TABLE_NAMES, *migrations.BEFORE, migrations.TABLE}
        for name in sorted(known & set(inspector.get_table_names())):
            for index in inspector.get_indexes(name):  # they would keep their names, which the new tables need
                connection.exec_driver_sql(f"DROP INDEX {index['name']}")
            connection.exec_driver_sql(f"ALTER TABLE {name} RENAME TO {name}_{suffix}")
        self._note(f"What was stored is not as this program makes it; it is kept in tables named …_{suffix}.")

    def _set_file_aside(self, engine: sa.Engine) -> None:
        """Rename a damaged SQLite file, unless another process or thread has done that by now."""
        path = Path(str(engine.url.database))
        aside = f"{path}.set-aside-{datetime.now(UTC):%Y%m%d-%H%M%S-%f}"
        try:
            with self._lock, _file_lock(path):
                engine.dispose()
                if _is_intact(path):
                    return
                for suffix in ("", "-wal", "-shm"):
                    with suppress(FileNotFoundError):
                        Path(f"{path}{suffix}").rename(f"{aside}{suffix}")
                self._note(f"The file of what was stored is damaged; it is kept as {Path(aside).name}.")
        except OSError as error:
            log.warning("The damaged database could not be set aside: %s", error)

    def _note(self, sentence: str) -> None:
        log.warning(sentence)
        self._notes.append(sentence)

    def _suspend(self, error: Exception, kind: Access) -> None:
        log.warning("The database is left out for %g seconds (%s): %s", RETRY_SECONDS, kind, error)
        self._resume[kind] = time.monotonic() + RETRY_SECONDS
        self._problems[kind] = f"Results are kept in memory only at present: {_reason(error)}."


def _write_nothing_new(connection: sa.Connection) -> None:
    """Write the step that the tables are at once more: the smallest change that reaches the disk."""
    connection.exec_driver_sql(f"UPDATE {migrations.TABLE} SET version_num = version_num")


def _engine(url: str) -> sa.Engine | None:
    """The engine of an URL, which connects later. None for a database in memory: callers keep their own."""
    try:
        address = sa.make_url(url)
    except (ValueError, sa.exc.ArgumentError):  # its message may quote a part of the URL
        raise sa.exc.ArgumentError(
            "the address of the database is none; write it as dialect://user:password@host/name"
        ) from None
    if address.get_backend_name() != "sqlite":
        patient = {"connect_timeout": TIMEOUT_SECONDS}
        return sa.create_engine(address, pool_pre_ping=True, hide_parameters=True, connect_args=patient)
    if address.database in (None, "", ":memory:"):
        return None
    Path(address.database).parent.mkdir(parents=True, exist_ok=True)
    with suppress(OSError):  # private, for posted figures are in there; SQLite gives its side files the same mode
        os.close(os.open(address.database, os.O_CREAT | os.O_EXCL, 0o600))
    return sa.create_engine(address, hide_parameters=True, connect_args={"timeout": TIMEOUT_SECONDS})


def _reason(error: Exception) -> str:
    """The reason of an error in a few words for a person, without a server's message, which may name hosts and users."""
    cause = getattr(error, "orig", error)
    if isinstance(cause, sqlite3.Error | ImportError):
        return str(cause)
    if isinstance(cause, NewerProgramError):
        return "a newer version of this program has changed it; update this one"
    if isinstance(cause, OSError):
        return cause.strerror or "the disk cannot be used"
    return "the database does not answer as it should; the log says more"


def _is_damage(error: Exception) -> bool:
    """Whether SQLite says that its file is not, or no longer, a database."""
    code = getattr(getattr(error, "orig", error), "sqlite_errorcode", None) or 0
    return code & 0xFF in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


def _is_intact(path: Path) -> bool:
    try:
        with closing(sqlite3.connect(path, timeout=TIMEOUT_SECONDS)) as connection:
            return connection.execute("PRAGMA integrity_check(1)").fetchone() == ("ok",)
    except sqlite3.DatabaseError as error:
        return not _is_damage(error)


@contextmanager
def _file_lock(path: Path) -> Iterator[None]:
    """Let one process at a time into the block, where the system has file locks."""
    try:
        import fcntl
    except ImportError:  # Windows
        yield
        return
    with open(f"{path}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
