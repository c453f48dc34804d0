"""Alerts: whatever is wrong is told once when it begins and once when it is over, by whichever server sees it first.

Open alerts are rows of a database that servers share: who manages to insert a row, or to close it, writes the log. A
webhook is told by a thread of its own, and again after the next look where that failed; so it may be told twice when a
server dies in between, and never not at all.
"""

from __future__ import annotations

import hashlib
import json
import logging
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import pandas as pd
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.pool import StaticPool

from forecasting.monitoring.webhook import Told, post
from forecasting.storage.database import Database, Kind
from forecasting.support import settings

log = logging.getLogger(__name__)
#: One JSON object a line for each alert that begins or is over.
lines = logging.getLogger("forecasting.alerts")

#: Rows of alerts that are over are kept for so long; what has not been posted so long after its end never will be.
KEPT = timedelta(days=400)
STALE = timedelta(days=2)
#: Who posts some alerts has so long to do it, and takes so many at a time.
CLAIM = timedelta(seconds=60)
BATCH = 50

_tables = sa.MetaData()
_alerts = sa.Table(
    "alerts",
    _tables,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("key", sa.String(64), nullable=False),
    sa.Column("kind", sa.String(200), nullable=False),
    sa.Column("source", sa.Text, nullable=False),
    sa.Column("region", sa.Text, nullable=False),
    sa.Column("statistic", sa.Text, nullable=False),
    sa.Column("model", sa.Text, nullable=False),
    sa.Column("sentence", sa.Text, nullable=False),
    sa.Column("since", sa.DateTime(timezone=True), nullable=False),
    sa.Column("opened", sa.DateTime(timezone=True), nullable=False),
    sa.Column("seen", sa.DateTime(timezone=True), nullable=False),
    sa.Column("closed", sa.DateTime(timezone=True)),
    sa.Column("posted", sa.String(8), nullable=False, default=""),
    sa.Column("claimed", sa.DateTime(timezone=True)),
)
_open = _alerts.c.closed.is_(None)
sa.Index("alerts_open", _alerts.c.key, unique=True, sqlite_where=_open, postgresql_where=_open)

if TYPE_CHECKING:  # pages read alerts, and need none of what finds them
    from forecasting.monitoring.drift.detect import Drift

T = TypeVar("T")
Row = dict[str, Any]


class Topic(NamedTuple):
    """One series."""

    source: str
    region: str
    statistic: str


class Changed(NamedTuple):
    """How many alerts a look has opened and ended, of those that no other server has told."""

    opened: int
    over: int


class Alerts:
    """The alerts of an installation. Every method may be called from any thread, and raises nothing.

    Args:
        url: of the database; `settings.db_url()` by default. Without a usable one they are kept in this process.
        webhook: where they are posted to; `settings.alert_webhook()` by default, which raises `RequestError` for one
            that may not be used; empty posts none.
    """

    def __init__(self, url: str | None = None, webhook: str | None = None) -> None:
        self._webhook = settings.alert_webhook() if webhook is None else webhook
        self._database = Database(url, _tables)
        self._own = sa.create_engine("sqlite://", poolclass=StaticPool, connect_args={"check_same_thread": False})
        _tables.create_all(self._own)
        self._lock = threading.RLock()
        self._thread: threading.Thread | None = None
        self._wanted = False

    def look(
        self, drifts: Mapping[tuple[str, str, str], Sequence[Drift]], troubles: Mapping[str, str] | None = None
    ) -> Changed:
        """Opens an alert for whatever was not there at the last look, ends what is no more, and returns at once.

        Args:
            drifts: what drifts in each series that was looked at, by source, region and statistic; what is not named
                here was not looked at, and its alerts stay as they are.
            troubles: of everything else that was looked at, by name: a sentence, or nothing where all is well.
        """
        now = datetime.now(UTC)
        rows = [_of_drift(Topic(*topic), drift, now) for topic, several in drifts.items() for drift in several]
        rows += [_of_trouble(name, sentence, now) for name, sentence in (troubles or {}).items() if sentence]
        looked = {Topic(*topic) for topic in drifts}
        current = {row["key"]: row for row in rows}
        opened, over = self._use(
            "write", lambda connection: _change(connection, current, looked, set(troubles or ()), now)
        )
        for state, several in (("open", opened), ("over", over)):
            for row in several:
                lines.warning("%s", json.dumps({"time": _iso(now), **asdict(_told(row, state))}, ensure_ascii=False))
        if self._webhook:
            self._post_soon()
        return Changed(len(opened), len(over))

    def open(self) -> pd.DataFrame:
        """What is wrong now, the newest first: ``kind, source, region, statistic, model, sentence, since, opened, seen``.

        Times are in UTC; what is no series has a name for its kind and neither source, region nor statistic.
        """
        columns = [_alerts.c[name] for name in _SHOWN]
        chosen = sa.select(*columns).where(_open).order_by(_alerts.c.opened.desc(), _alerts.c.id)
        rows = self._use("read", lambda connection: [row._asdict() for row in connection.execute(chosen)])
        table = pd.DataFrame(rows, columns=list(_SHOWN))
        return table.assign(**{name: pd.to_datetime(table[name], utc=True) for name in ("since", "opened", "seen")})

    def close(self, patience: float = 15.0) -> None:
        """Waits so many seconds for what is being posted, and lets go of the database."""
        with self._lock:
            thread = self._thread
        if thread is not None:
            thread.join(patience)
        self._database.close()

    def _use(self, kind: Kind, work: Callable[[sa.Connection], T]) -> T:
        """`work`, which gives something, on the database, or on this process' own where that cannot be used."""
        found = self._database.use(kind, work)
        if found is not None:
            return found
        with self._lock, self._own.begin() as connection:
            return work(connection)

    def _post_soon(self) -> None:
        with self._lock:
            self._wanted = True
            if self._thread is None:
                self._thread = threading.Thread(target=self._post_all, name="alerts", daemon=True)
                self._thread.start()

    def _post_all(self) -> None:
        """Posts all that is to be posted until nobody has looked since."""
        while True:
            with self._lock:
                if not self._wanted:
                    self._thread = None
                    return
                self._wanted = False
            try:
                self._post_batches()
            except Exception:  # whatever it is, the next look tries again; its text might hold the address
                log.error("Alerts could not be posted (a fault of the program); they will be after the next look.")

    def _post_batches(self) -> None:
        while batch := self._use("write", lambda connection: _claim(connection, datetime.now(UTC))):
            trouble = post(self._webhook, [_told(row, "open" if row["closed"] is None else "over") for row in batch])
            settle = partial(_settle, batch=batch, done=not trouble)
            self._use("write", settle)
            if trouble:
                log.warning("Alerts could not be posted (%s); they will be after the next look.", trouble)
                return


_SHOWN = ("kind", "source", "region", "statistic", "model", "sentence", "since", "opened", "seen")


def log_to_stderr() -> None:
    """Has the lines written as they are, whatever the server does with its own; more than once does no harm."""
    if not lines.handlers:
        handler = logging.StreamHandler(sys.stderr)
        handler.setFormatter(logging.Formatter("%(message)s"))
        lines.addHandler(handler)
        lines.propagate = False


def _of_drift(topic: Topic, drift: Drift, now: datetime) -> Row:
    since = drift.since.to_pydatetime().replace(tzinfo=UTC)
    return _row(drift.kind, topic, drift.model, drift.sentence, since, now)


def _of_trouble(name: str, sentence: str, now: datetime) -> Row:
    return _row(name, Topic("", "", ""), "", sentence, now, now)


def _row(kind: str, topic: Topic, model: str, sentence: str, since: datetime, now: datetime) -> Row:
    key = hashlib.sha256("\x1f".join((kind, *topic, model)).encode()).hexdigest()
    times = {"since": since, "opened": now, "seen": now}
    return {
        "key": key,
        "kind": kind[:200],
        **topic._asdict(),
        "model": model,
        "sentence": sentence,
        **times,
        "posted": "",
    }


def _change(
    connection: sa.Connection, current: Mapping[str, Row], looked: set[Topic], named: set[str], now: datetime
) -> tuple[list[Row], list[Row]]:
    """What this look has opened and ended. The first statement writes, so that two servers come one after the other."""
    connection.execute(_alerts.delete().where(_alerts.c.closed < now - KEPT))
    insert = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    before = {row.key: row._asdict() for row in connection.execute(sa.select(_alerts).where(_open))}
    opened = []
    for key, row in current.items():
        mine = _alerts.c.key == key
        if key in before:
            connection.execute(_alerts.update().where(mine, _open).values(seen=now, sentence=row["sentence"]))
        elif (
            connection.scalar(insert(_alerts).values(**row).on_conflict_do_nothing().returning(_alerts.c.id))
            is not None
        ):
            opened.append(row)
    over = []
    for key, row in before.items():
        topic = Topic(row["source"], row["region"], row["statistic"])
        seen = row["kind"] in named if topic == ("", "", "") else topic in looked
        ended = _alerts.update().where(_alerts.c.id == row["id"], _open).values(closed=now, claimed=None)
        if seen and key not in current and connection.execute(ended).rowcount == 1:
            over.append(row)
    return opened, over


def _claim(connection: sa.Connection, now: datetime) -> list[Row]:
    """Some alerts whose beginning or end has not been posted; nobody else posts them for a while."""
    free = sa.or_(_alerts.c.claimed.is_(None), _alerts.c.claimed < now - CLAIM)
    begun = sa.and_(_open, _alerts.c.posted == "")
    ended = sa.and_(_alerts.c.closed > now - STALE, _alerts.c.posted != "over")
    chosen = sa.select(_alerts).where(free, sa.or_(begun, ended)).order_by(_alerts.c.id).limit(BATCH)
    mine = []
    for row in connection.execute(chosen).all():
        claimed = _alerts.update().where(
            _alerts.c.id == row.id, free, _alerts.c.closed.is_not_distinct_from(row.closed)
        )
        if connection.execute(claimed.values(claimed=now)).rowcount == 1:
            mine.append(row._asdict())
    return mine


def _settle(connection: sa.Connection, batch: Sequence[Row], done: bool) -> bool:
    """Has what was posted noted, and what was not left to whoever looks next."""
    for row in batch:
        noted = {"claimed": None} | ({"posted": "open" if row["closed"] is None else "over"} if done else {})
        connection.execute(_alerts.update().where(_alerts.c.id == row["id"]).values(**noted))
    return True


def _told(row: Row, state: str) -> Told:
    times = {name: _iso(row[name]) for name in ("since", "opened")}
    return Told(state=state, **{name: row[name] for name in _SHOWN if name not in ("since", "opened", "seen")}, **times)


def _iso(time: datetime) -> str:
    """In UTC; SQLite forgets that it is."""
    return (time if time.tzinfo else time.replace(tzinfo=UTC)).astimezone(UTC).isoformat(timespec="seconds")
