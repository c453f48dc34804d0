"""Job register: the API's jobs by id, with the request behind each in the database, for every replica.

A job of the API may be many forecasts, and a stored forecast knows neither its region nor a running total. So the request
is kept for some days: a replica that does not know a job submits its request again, and finds what is fitted elsewhere or
what a server before it has left unfinished.
"""

from __future__ import annotations

import hashlib
import json
import threading
import zlib
from collections import OrderedDict
from dataclasses import astuple, dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa

from forecasting.api.answers import Backtests, Subject
from forecasting.api.request_models import ForecastRequest
from forecasting.storage.database import Database
from forecasting.support.caching import lazy

#: Jobs kept in memory, without the data that were posted with them.
REMEMBERED = 500
#: How long requests are kept in the database.
KEPT = timedelta(days=2)
#: Bytes of all requests in the database; the oldest beyond are deleted.
MAX_BYTES = 200_000_000
#: Writes between two prunings.
PRUNE_EVERY = 50

_tables = sa.MetaData()
_requests = sa.Table(
    "api_questions",
    _tables,
    sa.Column("id", sa.String(64), primary_key=True),
    sa.Column("created", sa.DateTime(timezone=True), nullable=False),
    sa.Column("cancelled", sa.Boolean, nullable=False),
    sa.Column("question", sa.LargeBinary, nullable=False),
)


@dataclass(frozen=True)
class JobPart:
    """One forecast of a job, or the `error` that says why there is none.

    Attributes:
        region, statistic, model: what it forecasts, and by which model.
        key: of its request in the queue.
        before: the running total at the origin, where running totals are requested.
    """

    region: str
    statistic: str
    model: str = ""
    key: str = ""
    before: float | None = None
    error: str = ""


@dataclass(frozen=True)
class JobSpec:
    """A job of the API: all forecasts of one request.

    Attributes:
        parts: the forecasts, in the order of the response.
        levels: the quantiles.
        several: whether there are several statistics, so that rows name theirs.
        notes: sentences for the client.
        subjects: what the words on each part need, in the order of the parts; none where there are no words.
        backtests: the forecasts from earlier dates that are asked for, too.
    """

    parts: tuple[JobPart, ...]
    levels: tuple[float, ...]
    several: bool
    notes: tuple[str, ...] = ()
    subjects: tuple[Subject, ...] = ()
    backtests: Backtests | None = None

    @lazy
    def id(self) -> str:
        """Digest of the job: the same request for the same data has the same id, which cannot be guessed."""
        named = [[astuple(part) for part in self.parts], self.levels, self.several]
        text = json.dumps(named if self.backtests is None else [*named, list(self.backtests.keys.values())])
        return hashlib.sha256(text.encode()).hexdigest()[:40]


class JobRegister:
    """The jobs by id. Safe to use from many threads; without a usable database this process alone knows them.

    Args:
        url: an SQLAlchemy address, as for `ForecastStore`.
    """

    def __init__(self, url: str | None = None) -> None:
        self._database = Database(url, _tables)
        self._memory: OrderedDict[str, JobSpec] = OrderedDict()
        self._lock = threading.Lock()
        self._writes = 0

    def add(self, job: JobSpec, request: ForecastRequest) -> bool:
        """Store a job and its request; returns whether another process, or this one after a restart, will know it.

        Where there is to be no database, this process alone ever knows it, and that is enough.
        """
        text = request.model_dump_json(exclude={"wait", "retry"}, exclude_defaults=True)
        row = {
            "id": job.id,
            "created": datetime.now(UTC),
            "cancelled": False,
            "question": zlib.compress(text.encode(), 1),
        }
        self.remember(job)
        try:
            written = self._database.run_transaction("write", lambda connection: _write(connection, row))
        except sa.exc.IntegrityError:  # another replica was first
            return True
        if written and self._pruning_is_due():
            self._database.run_transaction("write", _prune)
        return written is not None or not self._database.is_left_out

    def remember(self, job: JobSpec) -> None:
        """Keep a job in memory."""
        with self._lock:
            self._memory[job.id] = job
            self._memory.move_to_end(job.id)
            while len(self._memory) > REMEMBERED:
                self._memory.popitem(last=False)

    def job(self, identity: str) -> JobSpec | None:
        """Return the job of an id, if this process knows it."""
        with self._lock:
            return self._memory.get(identity)

    def stored_request(self, identity: str) -> tuple[ForecastRequest, bool] | None:
        """Return the request of a job from the database, and whether the job was cancelled; None if it is unknown."""
        query = sa.select(_requests.c.question, _requests.c.cancelled).where(_requests.c.id == identity)
        row = self._database.run_transaction("read", lambda connection: connection.execute(query).one_or_none())
        if row is None:
            return None
        return ForecastRequest.model_validate_json(zlib.decompress(row.question)), row.cancelled

    def cancel(self, identity: str) -> bool:
        """Mark a job as cancelled, so that no replica submits its request again; returns whether that is stored."""
        chosen = sa.and_(_requests.c.id == identity, _requests.c.cancelled.is_(False))
        statement = _requests.update().where(chosen).values(cancelled=True)
        done = self._database.run_transaction("write", lambda connection: connection.execute(statement))
        return done is not None or not self._database.is_left_out

    def close(self) -> None:
        """Close the connections to the database."""
        self._database.close()

    def _pruning_is_due(self) -> bool:
        with self._lock:
            self._writes += 1
            return self._writes % PRUNE_EVERY == 1


def _write(connection: sa.Connection, row: dict[str, Any]) -> bool:
    """Have a request in the table, not cancelled; returns whether it is new there."""
    chosen = _requests.c.id == row["id"]
    cancelled = connection.scalar(sa.select(_requests.c.cancelled).where(chosen))
    if cancelled:
        connection.execute(_requests.update().where(chosen).values(cancelled=False))
    elif cancelled is None:
        connection.execute(_requests.insert(), row)
    return cancelled is None


def _prune(connection: sa.Connection) -> None:
    """Delete requests older than `KEPT`, and the oldest beyond `MAX_BYTES`."""
    connection.execute(_requests.delete().where(_requests.c.created < datetime.now(UTC) - KEPT))
    newest_first = (_requests.c.created.desc(), _requests.c.id)
    size = sa.func.sum(sa.func.length(_requests.c.question)).over(order_by=newest_first).label("size")
    ranked = sa.select(_requests.c.id, size).subquery()
    beyond = sa.select(ranked.c.id).where(ranked.c.size > MAX_BYTES)
    connection.execute(_requests.delete().where(_requests.c.id.in_(beyond)))
