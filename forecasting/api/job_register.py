"""Register: which question a job's id stands for, kept where every replica finds it.

A job of the API may be many forecasts, and a stored forecast knows neither its region nor a running total. So the question
itself is kept, for some days: a replica that has not heard of a job asks it again, and finds what is fitted elsewhere, or
what a server before it had left undone.
"""

from __future__ import annotations

import hashlib
import json
import threading
import zlib
from collections import OrderedDict
from contextlib import suppress
from dataclasses import astuple, dataclass
from datetime import UTC, datetime, timedelta

import sqlalchemy as sa

from forecasting.api.request_models import ForecastRequest
from forecasting.storage.database import Database
from forecasting.support.caching import lazy

#: Questions kept in memory, without the figures that were posted with them.
REMEMBERED = 500
#: How long, and how many bytes of, questions are kept in the database; that is looked at every so many writes.
KEPT = timedelta(days=2)
MAX_BYTES = 200_000_000
PRUNE_EVERY = 50

_tables = sa.MetaData()
_questions = sa.Table(
    "api_questions",
    _tables,
    sa.Column("id", sa.String(64), primary_key=True),
    sa.Column("created", sa.DateTime(timezone=True), nullable=False),
    sa.Column("cancelled", sa.Boolean, nullable=False),
    sa.Column("question", sa.LargeBinary, nullable=False),
)


@dataclass(frozen=True)
class Part:
    """One forecast that is asked for, or the `error` that says why there is none to ask for.

    Attributes:
        region, statistic, model: whose, of what and by which.
        key: of its request, under which the queue knows it.
        before: the running total at the origin, where running totals are asked for.
    """

    region: str
    statistic: str
    model: str = ""
    key: str = ""
    before: float | None = None
    error: str = ""


@dataclass(frozen=True)
class Asked:
    """What one question asks for.

    Attributes:
        parts: in the order of the answer.
        levels: the quantiles.
        several: whether rows name their statistic.
        notes: sentences for whoever asks.
    """

    parts: tuple[Part, ...]
    levels: tuple[float, ...]
    several: bool
    notes: tuple[str, ...] = ()

    @lazy
    def id(self) -> str:
        """A digest of all that, so the same question about the same figures has the same id; nobody can guess one."""
        said = json.dumps([[astuple(part) for part in self.parts], self.levels, self.several])
        return hashlib.sha256(said.encode()).hexdigest()[:40]


class Register:
    """Questions by id, from any thread. Without a usable database this process alone knows them.

    Args:
        url: as of `Store`.
    """

    def __init__(self, url: str | None = None) -> None:
        self._database = Database(url, _tables)
        self._memory: OrderedDict[str, Asked] = OrderedDict()
        self._lock = threading.Lock()
        self._writes = 0

    def put(self, asked: Asked, question: ForecastRequest) -> None:
        """Keeps a question that has just been asked."""
        said = question.model_dump_json(exclude={"wait", "retry"}, exclude_defaults=True)
        row = {
            "id": asked.id,
            "created": datetime.now(UTC),
            "cancelled": False,
            "question": zlib.compress(said.encode(), 1),
        }
        if self.remember(asked):
            self._cancelled(asked.id, False)
            return
        with suppress(sa.exc.IntegrityError):  # somebody else was first
            self._database.use("write", lambda connection: connection.execute(_questions.insert(), row))
        with self._lock:
            self._writes += 1
            due = self._writes % PRUNE_EVERY == 1
        if due:
            self._database.use("write", _prune)

    def remember(self, asked: Asked) -> bool:
        """Keeps it in memory; whether it was there already."""
        with self._lock:
            known = asked.id in self._memory
            self._memory[asked.id] = asked
            self._memory.move_to_end(asked.id)
            while len(self._memory) > REMEMBERED:
                self._memory.popitem(last=False)
        return known

    def asked(self, identity: str) -> Asked | None:
        """What is asked under this id, as far as this process knows."""
        with self._lock:
            return self._memory.get(identity)

    def question(self, identity: str) -> tuple[ForecastRequest, bool] | None:
        """The question as it was asked, here or at another replica, and whether its job was cancelled."""
        query = sa.select(_questions.c.question, _questions.c.cancelled).where(_questions.c.id == identity)
        found = self._database.use("read", lambda connection: connection.execute(query).one_or_none())
        if found is None:
            return None
        return ForecastRequest.model_validate_json(zlib.decompress(found.question)), found.cancelled

    def cancel(self, identity: str) -> None:
        """Its job is wanted no more: nobody asks again by himself."""
        self._cancelled(identity, True)

    def close(self) -> None:
        """Lets go of the database."""
        self._database.close()

    def _cancelled(self, identity: str, value: bool) -> None:
        other = sa.and_(_questions.c.id == identity, _questions.c.cancelled != value)
        change = _questions.update().where(other).values(cancelled=value)
        self._database.use("write", lambda connection: connection.execute(change))


def _prune(connection: sa.Connection) -> None:
    """Deletes what is older than `KEPT`, and the oldest beyond `MAX_BYTES`."""
    connection.execute(_questions.delete().where(_questions.c.created < datetime.now(UTC) - KEPT))
    newest_first = (_questions.c.created.desc(), _questions.c.id)
    size = sa.func.sum(sa.func.length(_questions.c.question)).over(order_by=newest_first).label("size")
    ranked = sa.select(_questions.c.id, size).subquery()
    beyond = sa.select(ranked.c.id).where(ranked.c.size > MAX_BYTES)
    connection.execute(_questions.delete().where(_questions.c.id.in_(beyond)))
