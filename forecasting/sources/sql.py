"""SQL databases as sources: a table, a view or a configured query of anything SQLAlchemy opens, read-only, in batches.

The address is in the environment (`FORECAST_SQL_<NAME>`) and nowhere else: no page takes one and no message tells one.
"""

from __future__ import annotations

import re
import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from urllib.parse import quote

import pyarrow as pa
import sqlalchemy as sa
from sqlalchemy.sql.elements import quoted_name

from forecasting.sources.shared.batches import batch_from_rows, collect_batches, useful_columns
from forecasting.sources.shared.configured_source import ConfiguredSource
from forecasting.support import settings
from forecasting.support.errors import RequestError, SourceError
from forecasting.support.settings import NamedDatabase
from forecasting.tables.cells.blank_cells import quote_cell, quote_cells
from forecasting.tables.cells.limits import error_text
from forecasting.tables.cells.raw_table import RawTable

#: Rows that a database hands over at a time.
BATCH_ROWS = 20_000
#: Seconds to wait for a server to answer.
CONNECT_TIMEOUT = 5
#: Seconds for a query and all its rows.
QUERY_TIMEOUT = 120
#: Hosts that need no network.
_LOCAL_HOSTS = (None, "", "localhost", "127.0.0.1", "::1")
#: SQLSTATE of PostgreSQL and names of SQLite's errors: the statement would write.
_READ_ONLY_CODES = ("25006", "SQLITE_READONLY")
#: The same: it was stopped because it took too long.
_TIMEOUT_CODES = ("57014", "SQLITE_INTERRUPT")


def named_database(name: str) -> NamedDatabase:
    """The database called `name`, in whatever case. Raises `RequestError` if the configuration has none."""
    known = settings.databases()
    if name.lower() not in known:
        choice = f"there are {', '.join(known)}" if known else "set its address as FORECAST_SQL_<NAME>"
        raise RequestError(f"There is no database {quote_cell(name)}; {choice}.")
    return known[name.lower()]


class SqlSource(ConfiguredSource):
    """A database's `table` or view; without one the configured query, else the configured table, else its only one."""

    def __init__(self, setting: NamedDatabase, table: str | None = None) -> None:
        super().__init__(f"sql-{setting.name}", f"{setting.name} (database)", setting.variable)
        self._setting = setting
        self._table = table or setting.table
        self._query = "" if table else setting.query

    def read_cells(self) -> tuple[RawTable, tuple[str, ...]]:
        """The rows of the table or query as they are now, and the columns that were of no use.

        Raises `RequestError` when there is no such table, `SourceError` otherwise.
        """
        with _reading(self._setting, "query" if self._query else "table") as connection:
            if self._query:
                return collect_batches(self.name, _rows_of_query(connection, self._setting, self._query)), ()
            table = _find_table(connection, self._setting, self._table)
            columns = _columns(connection, table)
            chosen = useful_columns(columns)
            left = tuple(column for column in columns if column not in chosen)
            return collect_batches(self.name, _rows_of_table(connection, table, chosen)), left


@dataclass(frozen=True)
class _Table:
    """A table or view that the database itself has named."""

    name: str
    schema: str | None = None


@contextmanager
def _reading(setting: NamedDatabase, what: str) -> Iterator[sa.Connection]:
    """A connection that cannot write and gives up in time; what goes wrong becomes one sentence without the address."""
    engine = _engine(setting)
    try:
        try:
            connection = engine.connect()
        except (sa.exc.SQLAlchemyError, OSError, ValueError, TypeError):  # drivers have their own
            raise SourceError(
                f"The database '{setting.name}' does not let us in; "
                f"check that it runs, and the address, user and password in {setting.variable}."
            ) from None
        with connection:  # which rolls back
            if connection.dialect.name == "postgresql":
                connection = connection.execution_options(postgresql_readonly=True)
                connection.exec_driver_sql(f"SET LOCAL statement_timeout = {QUERY_TIMEOUT * 1000}")
            yield connection
    except sa.exc.SQLAlchemyError as error:
        raise SourceError(f"The {what} of the database '{setting.name}' {_failure_reason(error, engine.url)}") from None
    finally:
        engine.dispose()


def _engine(setting: NamedDatabase) -> sa.Engine:
    """Connects to nothing yet."""
    try:
        url = sa.make_url(setting.url)
        if url.get_backend_name() == "sqlite":
            return _sqlite(url)
        if settings.offline() and url.host not in _LOCAL_HOSTS:
            raise SourceError(f"'{setting.name}' is on the network, and this installation is set to work without it.")
        patient = {"connect_timeout": CONNECT_TIMEOUT} if url.get_driver_name() in ("psycopg", "psycopg2") else {}
        return sa.create_engine(url, poolclass=sa.NullPool, hide_parameters=True, connect_args=patient)
    except ImportError as error:
        raise SourceError(
            f"The database '{setting.name}' needs the package '{error.name}'; install it, or choose another driver."
        ) from None
    except (sa.exc.SQLAlchemyError, ValueError):
        raise SourceError(
            f"{setting.variable} is not an address; write it as dialect+driver://user:password@host/database."
        ) from None


def _sqlite(url: sa.URL) -> sa.Engine:
    path = (url.database or "").removeprefix("file:")

    def opened() -> sqlite3.Connection:
        connection = sqlite3.connect(f"file:{quote(path)}?mode=ro", uri=True, timeout=CONNECT_TIMEOUT)
        connection.execute("PRAGMA query_only = ON")
        until = time.monotonic() + QUERY_TIMEOUT
        connection.set_progress_handler(lambda: time.monotonic() > until, 100_000)
        return connection

    return sa.create_engine("sqlite://", creator=opened, poolclass=sa.NullPool, hide_parameters=True)


def _find_table(connection: sa.Connection, setting: NamedDatabase, table: str) -> _Table:
    """The table or view of that name (``schema.table`` where it is not in the usual one), as the database spells it."""
    inspector = sa.inspect(connection)
    present = _tables(inspector, None)
    if not table and len(present) == 1:
        return _Table(present[0])
    if table in present:
        return _Table(table)
    schema, dot, name = table.partition(".")
    if dot and schema in inspector.get_schema_names() and name in _tables(inspector, schema):
        return _Table(name, schema)
    names = quote_cells(present, most=6)
    if table:
        raise RequestError(
            f"The database '{setting.name}' has no table or view {quote_cell(table)}; it has {names or 'none'}."
        )
    raise RequestError(
        f"The database '{setting.name}' has several tables ({names}); name one in {setting.variable}_TABLE or with --table."
        if present
        else f"The database '{setting.name}' has no table; name another in {setting.variable}."
    )


def _tables(inspector: sa.Inspector, schema: str | None) -> list[str]:
    names = [*inspector.get_table_names(schema), *inspector.get_view_names(schema)]
    with suppress(NotImplementedError):
        names += inspector.get_materialized_view_names(schema)
    return names


def _columns(connection: sa.Connection, place: _Table) -> dict[str, bool]:
    """The columns, and whether each holds numbers. SQLite may not know, and then they may be numbers."""
    numeric = (sa.types.Numeric, sa.types.Integer, sa.types.NullType)  # Float is a Numeric
    return {
        str(column["name"]): isinstance(column["type"], numeric)
        for column in sa.inspect(connection).get_columns(place.name, place.schema)
    }


def _rows_of_table(connection: sa.Connection, place: _Table, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
    """Names come from the inspector and are quoted; without types, so that values come as the driver has them."""
    name = quoted_name(place.name, quote=True)
    schema = quoted_name(place.schema, quote=True) if place.schema else None
    table = sa.table(name, *(sa.column(quoted_name(column, quote=True)) for column in columns), schema=schema)
    wanted = sa.select(table).limit(settings.max_rows() + 1)
    return _stream_batches(connection.execution_options(yield_per=BATCH_ROWS).execute(wanted))


def _rows_of_query(connection: sa.Connection, setting: NamedDatabase, query: str) -> Iterator[pa.RecordBatch]:
    """As it stands in the configuration: one SELECT."""
    query = query.strip().removesuffix(";")
    if ";" in query or not re.match(r"(select|with)\b", query, re.IGNORECASE):
        raise SourceError(f"{setting.variable}_QUERY must be one SELECT, without a semicolon in it.")
    streaming = connection.execution_options(yield_per=BATCH_ROWS, no_parameters=True)
    return _stream_batches(streaming.exec_driver_sql(query))


def _stream_batches(result: sa.CursorResult) -> Iterator[pa.RecordBatch]:
    columns = list(result.keys())
    twice = next((column for i, column in enumerate(columns) if column in columns[:i]), None)
    if twice is not None:
        raise SourceError(f"The query gives the column {quote_cell(twice)} twice; rename one of them with AS.")
    until = time.monotonic() + QUERY_TIMEOUT
    for rows in result.partitions(BATCH_ROWS):
        if time.monotonic() > until:
            raise SourceError(f"Reading took longer than {QUERY_TIMEOUT} seconds; choose fewer rows.")
        yield batch_from_rows(columns, rows)


def _failure_reason(error: sa.exc.SQLAlchemyError, url: sa.URL) -> str:
    """The end of a sentence that begins with what was asked."""
    cause = getattr(error, "orig", None) or error
    code = str(
        getattr(cause, "sqlstate", None) or getattr(cause, "pgcode", None) or getattr(cause, "sqlite_errorname", "")
    )
    if code.startswith(_READ_ONLY_CODES):
        return "would write, and only reading is allowed; keep to a SELECT of what is there."
    if code.startswith(_TIMEOUT_CODES):
        return f"took longer than {QUERY_TIMEOUT} seconds; choose fewer rows, or a view that summarises them."
    message = error_text(Exception(str(cause).split("\n")[0]))
    private = (url.password, url.username, url.host)
    if any(secret and str(secret).lower() in message.lower() for secret in private):
        return "cannot be read; try it in the database itself."
    return f"cannot be read ({message.rstrip('.')}); mend that in the database or in the configuration."
