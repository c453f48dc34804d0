"""StreamLog: the points that came in on a stream, as an append-only log of batches in the database.

A batch is a row whose payload holds thousands of points (Arrow, compressed), so SQLite and PostgreSQL alike take any rate that a
broker has. Readers follow by the number of the last batch that they know. Nothing is looked up here: what a point replaces is decided
by whoever reads, so writing the same batch twice does no harm.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import NamedTuple

import pyarrow as pa
import sqlalchemy as sa

from forecasting.storage.database import Database

_tables = sa.MetaData()
_batches = sa.Table(
    "stream_batches",
    _tables,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("stream", sa.String(64), nullable=False),
    sa.Column("stored", sa.DateTime(timezone=True), nullable=False),
    sa.Column("points", sa.Integer, nullable=False),
    sa.Column("position", sa.String(200), nullable=False),
    sa.Column("payload", sa.LargeBinary, nullable=False),
    sa.Index("stream_batches_by_stream", "stream", "id"),
)
_rejects = sa.Table(
    "stream_rejects",
    _tables,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("stream", sa.String(64), nullable=False),
    sa.Column("stored", sa.DateTime(timezone=True), nullable=False),
    sa.Column("reader", sa.String(64), nullable=False),
    sa.Column("messages", sa.Integer, nullable=False),
    sa.Column("bytes", sa.Integer, nullable=False),
    sa.Column("reason", sa.String(400), nullable=False),
    sa.Column("payload", sa.LargeBinary, nullable=False),
    sa.Index("stream_rejects_by_stream", "stream", "id"),
)

#: Points of a batch: names, seconds and microseconds since 1970 (UTC), and the figure, NaN where it was withdrawn.
POINTS = pa.schema(
    [
        ("region", pa.dictionary(pa.int32(), pa.string())),
        ("statistic", pa.dictionary(pa.int32(), pa.string())),
        ("date", pa.int64()),
        ("as_of", pa.int64()),
        ("value", pa.float64()),
    ]
)
#: Messages that could not be read: where they stood, when they came (microseconds since 1970), why, and their bytes.
REJECTS = pa.schema(
    [("position", pa.string()), ("time", pa.int64()), ("reason", pa.string()), ("content", pa.binary())]
)
#: Batches with fewer points than this are merged with others.
SMALL_BATCH = 100_000
#: Batches that must have come before they are merged, and the newest ones that are left alone.
MERGED_FROM, LEFT_ALONE = 200, 20
#: Batches in one query, at most.
BATCHES_PER_QUERY = 100


class StoredBatch(NamedTuple):
    """A batch and its number in the log."""

    number: int
    points: pa.Table


class StoredRejects(NamedTuple):
    """Messages that were set aside together, and their number in the log."""

    number: int
    messages: pa.Table


class RejectCount(NamedTuple):
    """How many messages are set aside, their bytes as stored, and why the last one is."""

    messages: int
    bytes: int
    reason: str


class StreamLog:
    """The log of one stream. Every method may be called from any thread; none raises for a database that fails.

    Args:
        stream: its name, 64 letters at most.
        url: of the database; `settings.db_url()` by default.
    """

    def __init__(self, stream: str, url: str | None = None) -> None:
        self._stream = stream
        self._database = Database(url, _tables)

    @property
    def trouble(self) -> str:
        """Why nothing can be stored, as a person is told; empty while it can."""
        if not self._database.is_configured:
            return "there is no database to store them in"
        return "the database cannot be used at present" if self._database.notes else ""

    def append(
        self, points: pa.Table | None, rejects: pa.Table | None = None, reader: str = "", position: str = ""
    ) -> bool:
        """Store points and rejected messages in one transaction; False where that was not possible.

        Args:
            points: as `POINTS`; None for none.
            rejects: as `REJECTS`; None for none.
            reader: a digest of what could not read these.
            position: where the last message stood, for people.
        """

        def work(connection: sa.Connection) -> bool:
            self._in_order(connection)
            if points is not None and points.num_rows:
                row = self._row(points=points.num_rows, position=position[:200], payload=_encode(points, POINTS))
                connection.execute(_batches.insert(), row)
            if rejects is not None and rejects.num_rows:
                self._put_rejects(connection, rejects, reader)
            return True

        return bool(self._database.run_transaction("write", work))

    def newest(self) -> int | None:
        """The number of the newest batch, 0 without one; None where the database cannot be read."""
        query = sa.select(sa.func.coalesce(sa.func.max(_batches.c.id), 0)).where(_batches.c.stream == self._stream)
        return self._database.run_transaction("read", lambda connection: int(connection.execute(query).scalar_one()))

    def read(self, after: int) -> list[StoredBatch]:
        """The next batches after number `after`, oldest first; some of them where there are many. Empty when there is none."""
        query = (
            sa.select(_batches.c.id, _batches.c.payload)
            .where(_batches.c.stream == self._stream, _batches.c.id > after)
            .order_by(_batches.c.id)
            .limit(BATCHES_PER_QUERY)
        )
        rows = self._database.run_transaction("read", lambda connection: connection.execute(query).all()) or []
        return [StoredBatch(row.id, _decode(row.payload)) for row in rows]

    def last_stored(self) -> datetime | None:
        """When the newest batch was stored, in UTC; None without one."""
        query = (
            sa.select(_batches.c.stored)
            .where(_batches.c.stream == self._stream)
            .order_by(_batches.c.id.desc())
            .limit(1)
        )
        stored = self._database.run_transaction("read", lambda connection: connection.execute(query).scalar())
        return stored if stored is None or stored.tzinfo else stored.replace(tzinfo=UTC)

    def count_rejects(self) -> RejectCount:
        """How many messages are set aside."""
        mine = _rejects.c.stream == self._stream
        sums = sa.select(
            sa.func.coalesce(sa.func.sum(_rejects.c.messages), 0), sa.func.coalesce(sa.func.sum(_rejects.c.bytes), 0)
        ).where(mine)
        last = sa.select(_rejects.c.reason).where(mine).order_by(_rejects.c.id.desc()).limit(1)

        def work(connection: sa.Connection) -> RejectCount:
            messages, size = connection.execute(sums).one()
            return RejectCount(int(messages), int(size), str(connection.execute(last).scalar() or ""))

        return self._database.run_transaction("read", work) or RejectCount(0, 0, "")

    def other_rejects(self, reader: str, after: int = 0) -> StoredRejects | None:
        """The first messages after number `after` that were set aside by another `reader`; None without any."""
        query = (
            sa.select(_rejects.c.id, _rejects.c.payload)
            .where(_rejects.c.stream == self._stream, _rejects.c.reader != reader, _rejects.c.id > after)
            .order_by(_rejects.c.id)
            .limit(1)
        )
        row = self._database.run_transaction("read", lambda connection: connection.execute(query).first())
        return StoredRejects(row.id, _decode(row.payload)) if row else None

    def replace_rejects(self, number: int, points: pa.Table | None, left: pa.Table | None, reader: str) -> bool:
        """Store what is `left` of messages that were set aside, and the points of the others; False where that was not possible."""

        def work(connection: sa.Connection) -> bool:
            self._in_order(connection)
            gone = connection.execute(_rejects.delete().where(_rejects.c.id == number)).rowcount
            if not gone:  # another server was first
                return True
            if points is not None and points.num_rows:
                row = self._row(points=points.num_rows, position="read anew", payload=_encode(points, POINTS))
                connection.execute(_batches.insert(), row)
            if left is not None and left.num_rows:
                self._put_rejects(connection, left, reader)
            return True

        return bool(self._database.run_transaction("write", work))

    def compact(self) -> int:
        """Merge small batches; returns how many were merged into others.

        The merged one has the number of the last of them: who knows that number has all its points, and who does not reads it.
        """
        small = (
            sa.select(_batches.c.id)
            .where(_batches.c.stream == self._stream, _batches.c.points < SMALL_BATCH)
            .order_by(_batches.c.id)
        )

        def work(connection: sa.Connection) -> int:
            self._in_order(connection)
            numbers = list(connection.scalars(small))
            if len(numbers) < MERGED_FROM:
                return 0
            return self._merge(connection, numbers[:-LEFT_ALONE])

        return self._database.run_transaction("write", work) or 0

    def close(self) -> None:
        """Close the database."""
        self._database.close()

    def _merge(self, connection: sa.Connection, numbers: Sequence[int]) -> int:
        """Merge the first of these batches, as many as make a large one."""
        taken, tables, count = list[int](), list[pa.Table](), 0
        query = sa.select(_batches.c.id, _batches.c.payload).where(_batches.c.id.in_(numbers)).order_by(_batches.c.id)
        for row in connection.execute(query):
            taken.append(row.id)
            tables.append(_decode(row.payload))
            count += tables[-1].num_rows
            if count >= SMALL_BATCH:
                break
        merged = pa.concat_tables(tables).unify_dictionaries()
        last = _batches.c.id == taken[-1]
        connection.execute(_batches.update().where(last), {"points": count, "payload": _encode(merged, POINTS)})
        connection.execute(_batches.delete().where(_batches.c.id.in_(taken[:-1])))
        return len(taken) - 1

    def _in_order(self, connection: sa.Connection) -> None:
        """Let one server write to this stream at a time, so that batches become visible in the order of their numbers."""
        if connection.dialect.name == "postgresql":
            connection.execute(sa.select(sa.func.pg_advisory_xact_lock(sa.func.hashtext(f"stream {self._stream}"))))

    def _put_rejects(self, connection: sa.Connection, rejects: pa.Table, reader: str) -> None:
        payload = _encode(rejects, REJECTS)
        reason = str(rejects.column("reason")[-1])[:400]
        row = self._row(reader=reader, messages=rejects.num_rows, bytes=len(payload), reason=reason, payload=payload)
        connection.execute(_rejects.insert(), row)

    def _row(self, **values: object) -> dict[str, object]:
        return {"stream": self._stream, "stored": datetime.now(UTC), **values}


def _encode(table: pa.Table, schema: pa.Schema) -> bytes:
    sink = io.BytesIO()
    # One chunk a column: a stream cannot replace a dictionary in the middle of a batch.
    table = table.cast(schema).combine_chunks()
    with pa.ipc.new_stream(sink, schema, options=pa.ipc.IpcWriteOptions(compression="zstd")) as writer:
        writer.write_table(table)
    return sink.getvalue()


def _decode(payload: bytes) -> pa.Table:
    with pa.ipc.open_stream(payload) as reader:
        return reader.read_all()
