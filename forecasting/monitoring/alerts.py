"""Alerts: each drift, trouble or event that somebody asked for is logged and posted once when it begins and once when it is over.

Open alerts are rows of a database that servers share: the server that manages to insert a row, or to close it, writes the
log. A thread posts them to a webhook and mails them, and again after the next update where that failed; so an alert may be
told twice if a server dies in between, and is never lost.
"""

from __future__ import annotations

import hashlib
import json
import logging
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import pandas as pd
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.pool import StaticPool

from forecasting.monitoring.alert_mail import mail_alerts
from forecasting.monitoring.webhook import AlertMessage, post_alerts
from forecasting.storage.database import Access, Database
from forecasting.support import settings

log = logging.getLogger(__name__)
#: Logger with one JSON object a line for each alert that begins or is over.
alert_logger = logging.getLogger("forecasting.alerts")

#: How long closed alerts are kept.
KEPT = timedelta(days=400)
#: How long after its end an alert may still be posted.
STALE = timedelta(days=2)
#: How long a server has to post the alerts that it has claimed.
CLAIM = timedelta(seconds=60)
#: Alerts that are posted at a time.
BATCH = 50
#: How the kinds of alerts begin that people asked for, before the number of the rule (`event_alerts`).
EVENT_PREFIX = "event "

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
    sa.Column("mailed", sa.String(8), nullable=False, server_default=""),
)
_open = _alerts.c.closed.is_(None)
sa.Index("alerts_open", _alerts.c.key, unique=True, sqlite_where=_open, postgresql_where=_open)

if TYPE_CHECKING:  # pages read alerts, and need none of what finds them
    from forecasting.monitoring.drift.detect import Drift

T = TypeVar("T")
#: A row of the table of alerts, by column.
AlertRow = dict[str, Any]


class AlertSubject(NamedTuple):
    """The series that an alert is about; all empty where it is about something else."""

    source: str
    region: str
    statistic: str


class _Channel(NamedTuple):
    """A way in which alerts are told: the column that notes what was, and how it is done, which says why not if it is not."""

    column: str
    send: Callable[[Sequence[AlertMessage]], str]


class AlertChanges(NamedTuple):
    """How many alerts an update has opened and closed, other servers' not counted."""

    opened: int
    over: int


@dataclass(frozen=True)
class EventNews:
    """What a check of an event that somebody asked for has found.

    Attributes:
        subject: the series.
        model: whose forecast says it.
        since: the last date of data that it used.
        sentence: what is to be told; empty where the event is not likely enough.
    """

    subject: AlertSubject
    model: str
    since: pd.Timestamp
    sentence: str


class Alerts:
    """The alerts of an installation. Every method may be called from any thread, and raises nothing.

    Args:
        url: the SQLAlchemy address of the database; `settings.db_url()` by default. Without a usable one they are kept in this process.
        webhook: the address that they are posted to; `settings.alert_webhook()` by default, which raises `RequestError` for
            one that may not be used; none are posted if it is empty.
        mail: how they are mailed; `settings.alert_mail()` by default, which raises `RequestError` too; None where they are
            posted to a given `webhook`, or to none.
    """

    def __init__(
        self, url: str | None = None, webhook: str | None = None, mail: settings.AlertMail | None = None
    ) -> None:
        mail = settings.alert_mail() if webhook is None and mail is None else mail
        webhook = settings.alert_webhook() if webhook is None else webhook
        self._channels = list[_Channel]()
        if webhook:
            self._channels.append(_Channel("posted", lambda alerts: post_alerts(webhook, alerts)))
        if mail:
            self._channels.append(_Channel("mailed", lambda alerts: mail_alerts(mail, alerts)))
        self._database = Database(url, _tables)
        self._fallback = sa.create_engine("sqlite://", poolclass=StaticPool, connect_args={"check_same_thread": False})
        _tables.create_all(self._fallback)
        self._lock = threading.RLock()
        self._thread: threading.Thread | None = None
        self._wanted = False

    def update(
        self,
        drifts: Mapping[tuple[str, str, str], Sequence[Drift]],
        troubles: Mapping[str, str] | None = None,
        events: Mapping[str, EventNews] | None = None,
    ) -> AlertChanges:
        """Open alerts for new drifts, troubles and events, close those that are over, and return at once; posting goes on.

        Args:
            drifts: the drifts of each series that was tested, by source, region and statistic; alerts of other series
                stay as they are.
            troubles: of everything else that was checked, by name: a sentence, or an empty one where all is well.
            events: of the events that were checked, by the names of their rules.
        """
        now = datetime.now(UTC)
        rows = [
            _drift_row(AlertSubject(*subject), drift, now) for subject, several in drifts.items() for drift in several
        ]
        rows += [_trouble_row(name, sentence, now) for name, sentence in (troubles or {}).items() if sentence]
        rows += [_event_row(name, news, now) for name, news in (events or {}).items() if news.sentence]
        tested = {AlertSubject(*subject) for subject in drifts}
        current, named = {row["key"]: row for row in rows}, {*(troubles or ()), *(events or ())}
        opened, over = self._use("write", lambda connection: _change(connection, current, tested, named, now))
        for state, several in (("open", opened), ("over", over)):
            for row in several:
                alert_logger.warning(
                    "%s", json.dumps({"time": _iso(now), **asdict(_message(row, state))}, ensure_ascii=False)
                )
        if self._channels:
            self._post_soon()
        return AlertChanges(len(opened), len(over))

    def forget(self, name: str) -> None:
        """Close the alert of a rule that was removed, without telling anybody."""
        done = _alerts.update().where(_alerts.c.kind == name, _open)
        told = {"closed": datetime.now(UTC), "posted": "over", "mailed": "over"}
        self._use("write", lambda connection: connection.execute(done.values(**told)).rowcount)

    def open(self) -> pd.DataFrame:
        """Return the open alerts, the newest first: ``kind, source, region, statistic, model, sentence, since, opened, seen``.

        Times are in UTC; a trouble that is not of a series has its name as ``kind``, and an empty source, region and statistic.
        """
        columns = [_alerts.c[name] for name in _SHOWN]
        chosen = sa.select(*columns).where(_open).order_by(_alerts.c.opened.desc(), _alerts.c.id)
        rows = self._use("read", lambda connection: [row._asdict() for row in connection.execute(chosen)])
        table = pd.DataFrame(rows, columns=list(_SHOWN))
        return table.assign(**{name: pd.to_datetime(table[name], utc=True) for name in ("since", "opened", "seen")})

    def close(self, patience: float = 15.0) -> None:
        """Wait up to `patience` seconds for alerts that are being posted, and close the database."""
        with self._lock:
            thread = self._thread
        if thread is not None:
            thread.join(patience)
        self._database.close()

    def _use(self, kind: Access, work: Callable[[sa.Connection], T]) -> T:
        """Do `work`, which must not return None, on the database, or on an in-memory one where that cannot be used."""
        found = self._database.run_transaction(kind, work)
        if found is not None:
            return found
        with self._lock, self._fallback.begin() as connection:
            return work(connection)

    def _post_soon(self) -> None:
        with self._lock:
            self._wanted = True
            if self._thread is None:
                self._thread = threading.Thread(target=self._post_all, name="alerts", daemon=True)
                self._thread.start()

    def _post_all(self) -> None:
        """Post everything that is due, until there was no update since."""
        while True:
            with self._lock:
                if not self._wanted:
                    self._thread = None
                    return
                self._wanted = False
            try:
                self._post_batches()
            except Exception:  # the next update tries again; the text of the error might contain the address
                log.error(
                    "Alerts could not be posted because of a fault of the program; they will be after the next update."
                )

    def _post_batches(self) -> None:
        for channel in self._channels:
            self._post_on(channel)

    def _post_on(self, channel: _Channel) -> None:
        while batch := self._use("write", lambda connection: _claim(connection, channel.column, datetime.now(UTC))):
            trouble = channel.send([_message(row, "open" if row["closed"] is None else "over") for row in batch])
            settle = partial(_settle, column=channel.column, batch=batch, done=not trouble)
            self._use("write", settle)
            if trouble:
                log.warning("Alerts could not be %s (%s); they will be after the next update.", channel.column, trouble)
                return


_SHOWN = ("kind", "source", "region", "statistic", "model", "sentence", "since", "opened", "seen")


def log_to_stderr() -> None:
    """Write the lines of `alert_logger` to stderr as they are, whatever else is logged; more than once does no harm."""
    if not alert_logger.handlers:
        handler = logging.StreamHandler(sys.stderr)
        handler.setFormatter(logging.Formatter("%(message)s"))
        alert_logger.addHandler(handler)
        alert_logger.propagate = False


def _drift_row(subject: AlertSubject, drift: Drift, now: datetime) -> AlertRow:
    since = drift.since.to_pydatetime().replace(tzinfo=UTC)
    return _row(drift.kind, subject, drift.model, drift.sentence, since, now)


def _trouble_row(name: str, sentence: str, now: datetime) -> AlertRow:
    return _row(name, AlertSubject("", "", ""), "", sentence, now, now)


def _event_row(name: str, news: EventNews, now: datetime) -> AlertRow:
    since = news.since.to_pydatetime().replace(tzinfo=UTC)
    return _row(name, news.subject, news.model, news.sentence, since, now)


def _row(kind: str, subject: AlertSubject, model: str, sentence: str, since: datetime, now: datetime) -> AlertRow:
    key = hashlib.sha256("\x1f".join((kind, *subject, model)).encode()).hexdigest()
    times = {"since": since, "opened": now, "seen": now}
    return {
        "key": key,
        "kind": kind[:200],
        **subject._asdict(),
        "model": model,
        "sentence": sentence,
        **times,
        "posted": "",
        "mailed": "",
    }


def _change(
    connection: sa.Connection,
    current: Mapping[str, AlertRow],
    tested: set[AlertSubject],
    named: set[str],
    now: datetime,
) -> tuple[list[AlertRow], list[AlertRow]]:
    """Update the rows; returns those that are opened and closed. The first statement writes, so that two servers come one after the other."""
    connection.execute(_alerts.delete().where(_alerts.c.closed < now - KEPT))
    insert = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    before = {row.key: row._asdict() for row in connection.execute(sa.select(_alerts).where(_open))}
    opened = []
    for key, row in current.items():
        same_key = _alerts.c.key == key
        if key in before:
            connection.execute(_alerts.update().where(same_key, _open).values(seen=now, sentence=row["sentence"]))
        elif (
            connection.scalar(insert(_alerts).values(**row).on_conflict_do_nothing().returning(_alerts.c.id))
            is not None
        ):
            opened.append(row)
    over = []
    for key, row in before.items():
        subject = AlertSubject(row["source"], row["region"], row["statistic"])
        by_name = subject == ("", "", "") or row["kind"].startswith(EVENT_PREFIX)
        seen = row["kind"] in named if by_name else subject in tested
        ended = _alerts.update().where(_alerts.c.id == row["id"], _open).values(closed=now, claimed=None)
        if seen and key not in current and connection.execute(ended).rowcount == 1:
            over.append(row)
    return opened, over


def _claim(connection: sa.Connection, column: str, now: datetime) -> list[AlertRow]:
    """Claim some alerts whose beginning or end has not been told, by a `column`, so that no other server tells them for a while."""
    free = sa.or_(_alerts.c.claimed.is_(None), _alerts.c.claimed < now - CLAIM)
    begun = sa.and_(_open, _alerts.c[column] == "")
    ended = sa.and_(_alerts.c.closed > now - STALE, _alerts.c[column] != "over")
    chosen = sa.select(_alerts).where(free, sa.or_(begun, ended)).order_by(_alerts.c.id).limit(BATCH)
    claimed_rows = []
    for row in connection.execute(chosen).all():
        claimed = _alerts.update().where(
            _alerts.c.id == row.id, free, _alerts.c.closed.is_not_distinct_from(row.closed)
        )
        if connection.execute(claimed.values(claimed=now)).rowcount == 1:
            claimed_rows.append(row._asdict())
    return claimed_rows


def _settle(connection: sa.Connection, column: str, batch: Sequence[AlertRow], done: bool) -> bool:
    """Mark alerts as told in a `column` if `done`, and release the claim on them."""
    for row in batch:
        noted = {"claimed": None} | ({column: "open" if row["closed"] is None else "over"} if done else {})
        connection.execute(_alerts.update().where(_alerts.c.id == row["id"]).values(**noted))
    return True


def _message(row: AlertRow, state: str) -> AlertMessage:
    times = {name: _iso(row[name]) for name in ("since", "opened")}
    return AlertMessage(
        state=state, **{name: row[name] for name in _SHOWN if name not in ("since", "opened", "seen")}, **times
    )


def _iso(time: datetime) -> str:
    """ISO 8601 in UTC, which is the zone of times from SQLite that have none."""
    return (time if time.tzinfo else time.replace(tzinfo=UTC)).astimezone(UTC).isoformat(timespec="seconds")
