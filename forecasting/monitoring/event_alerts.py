"""Event alerts: what people asked to be told of ("P(admissions above 500 within 3 weeks) above 30 %"), as rows of the database.

A rule is kept here with what its last check found; whether it is being told, and has been posted, is a row of `alerts`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any, TypeVar

import sqlalchemy as sa

from forecasting.data.formatting import format_plain
from forecasting.data.frequency import frequency_of_alias
from forecasting.evaluation.event_record import EventRecord, record_sentence
from forecasting.evaluation.events import EventKind, EventQuestion
from forecasting.monitoring.alerts import EVENT_PREFIX
from forecasting.storage.database import Access, Database
from forecasting.support.errors import JobError, RequestError

T = TypeVar("T")

#: Kinds of events that one can be told of.
ALERT_KINDS = (EventKind.above, EventKind.below, EventKind.rise, EventKind.peak)
#: Rules that are kept, at most: anybody who sees the pages may add one.
MOST_RULES = 200
#: Letters of a source's, region's, statistic's or model's name, at most.
MOST_LETTERS = 200

_tables = sa.MetaData()
_rules = sa.Table(
    "event_alerts",
    _tables,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("key", sa.String(64), nullable=False, unique=True),
    sa.Column("created", sa.DateTime(timezone=True), nullable=False),
    sa.Column("source", sa.Text, nullable=False),
    sa.Column("region", sa.Text, nullable=False),
    sa.Column("statistic", sa.Text, nullable=False),
    sa.Column("model", sa.Text, nullable=False),
    sa.Column("kind", sa.String(16), nullable=False),
    sa.Column("level", sa.Double),
    sa.Column("within", sa.Integer, nullable=False),
    sa.Column("chance", sa.Double, nullable=False),
    sa.Column("checked", sa.DateTime(timezone=True)),
    sa.Column("probability", sa.Double),
    sa.Column("sentence", sa.Text, nullable=False),
    sa.Column("trouble", sa.Text, nullable=False),
    sa.Column("record", sa.Text, nullable=False),
)


@dataclass(frozen=True)
class EventRule:
    """What somebody asked to be told of: an event of a series that is likelier than `chance`, by a model.

    Raises `RequestError` for what nobody can be told of.
    """

    source: str
    region: str
    statistic: str
    model: str
    question: EventQuestion
    chance: float

    def __post_init__(self) -> None:
        if self.question.kind not in ALERT_KINDS:
            raise RequestError(f"Nobody can be told of '{self.question.kind}'; choose {', '.join(ALERT_KINDS)}.")
        if self.question.within is None:
            raise RequestError("Say within how many periods it is to happen.")
        if not 0 < self.chance < 1:
            raise RequestError(f"The chance is {100 * self.chance:g} %; give one between 0 and 100 %.")
        names = (self.source, self.region, self.statistic, self.model)
        if any(len(name) > MOST_LETTERS for name in names):
            raise RequestError(f"A name is longer than {MOST_LETTERS} letters.")

    @property
    def words(self) -> str:
        """The rule in a line: ``"California (bundled, new_admissions): above 500 within 3 periods, told above 30 %, by ensemble"``."""
        asked = self.question
        periods = f"{asked.within} period{'' if asked.within == 1 else 's'}"
        where = f"{self.region} ({self.source}, {self.statistic})"
        return f"{where}: {self.told(periods)}, by {self.model}"

    def told(self, periods: str) -> str:
        """What is told and when: ``"above 500 within 3 weeks, told above 30 %"``."""
        asked = self.question
        told = {
            EventKind.above: f"above {format_plain(asked.level)}" if asked.level is not None else "",
            EventKind.below: f"below {format_plain(asked.level)}" if asked.level is not None else "",
            EventKind.rise: f"a rise of more than {format_plain(asked.level)} %" if asked.level is not None else "",
            EventKind.peak: "the peak is past",
        }[asked.kind]
        return f"{told} within {periods}, told above {100 * self.chance:g} %"

    @property
    def key(self) -> str:
        """A digest by which the same rule is kept once."""
        question = (self.question.kind, self.question.level, self.question.within)
        what = json.dumps([self.source, self.region, self.statistic, self.model, *question, self.chance])
        return hashlib.sha256(what.encode()).hexdigest()


@dataclass(frozen=True)
class EventAlert:
    """A rule that is kept, with what its last check found.

    Attributes:
        id: its number.
        rule: what is asked for.
        created: when it was added, in UTC.
        checked: when it was looked at last; None until then.
        probability: of the event then; None where it could not be told.
        sentence: the same in words.
        trouble: why it could not be told, in a sentence; empty where it could.
        record: what such an alert would have done at earlier dates; None where that is not known.
    """

    id: int
    rule: EventRule
    created: datetime
    checked: datetime | None = None
    probability: float | None = None
    sentence: str = ""
    trouble: str = ""
    record: EventRecord | None = None

    @property
    def name(self) -> str:
        """What its row in the table of alerts is called."""
        return f"{EVENT_PREFIX}{self.id}"

    @property
    def words(self) -> str:
        """What is told and when, for a list that says of what: ``"Above 500 within 3 weeks, told above 30 %"``."""
        within = self.rule.question.within or 1
        if self.record and self.record.frequency:
            periods = frequency_of_alias(self.record.frequency).steps(within)
        else:
            periods = f"{within} period{'' if within == 1 else 's'}"
        words = self.rule.told(periods)
        return f"{words[:1].upper()}{words[1:]}"

    @property
    def record_words(self) -> str:
        """Its record in a sentence; empty without one."""
        return record_sentence(self.record) if self.record else ""

    def to_json(self) -> dict[str, Any]:
        """The alert as JSON values."""
        rule, asked = self.rule, self.rule.question
        return {
            "id": self.id,
            "source": rule.source,
            "region": rule.region,
            "statistic": rule.statistic,
            "model": rule.model,
            "event": asked.kind.value,
            "level": asked.level,
            "within": asked.within,
            "chance": rule.chance,
            "created": self.created.isoformat(timespec="seconds"),
            "checked": self.checked.isoformat(timespec="seconds") if self.checked else None,
            "probability": self.probability,
            "sentence": self.sentence,
            "trouble": self.trouble,
            "record": self.record.to_json() | {"sentence": self.record_words} if self.record else None,
        }


@dataclass(frozen=True)
class EventCheck:
    """What a check of a rule has found, as `EventAlert` has it."""

    probability: float | None = None
    sentence: str = ""
    trouble: str = ""
    record: EventRecord | None = None


class EventAlerts:
    """The rules of an installation; safe to use from any thread.

    Args:
        url: the SQLAlchemy address of the database; `settings.db_url()` by default.
    """

    def __init__(self, url: str | None = None) -> None:
        self._database = Database(url, _tables)

    def add(self, rule: EventRule) -> EventAlert:
        """Keep a rule; the same one is kept once. Raises `RequestError` for one too many, `JobError` without a database."""
        return self._use("write", lambda connection: _add(connection, rule))

    def all(self) -> list[EventAlert]:
        """Every rule, the oldest first. Raises `JobError` without a database."""
        rows = self._use("read", lambda connection: connection.execute(sa.select(_rules).order_by(_rules.c.id)).all())
        return [_alert(row._asdict()) for row in rows]

    def remove(self, number: int) -> EventAlert:
        """Forget a rule; returns what it was. Raises `RequestError` where there is none, `JobError` without a database."""
        found = self._use("write", lambda connection: (_remove(connection, number),))[0]
        if found is None:
            raise RequestError(f"There is no alert {number}; `alert list` says what there is.")
        return found

    def note(self, number: int, check: EventCheck) -> None:
        """Note what a check has found; a rule that was removed meanwhile is left alone."""
        record = json.dumps(check.record.to_json()) if check.record else ""
        found = {**asdict(check), "record": record, "checked": datetime.now(UTC)}
        update = _rules.update().where(_rules.c.id == number).values(**found)
        self._use("write", lambda connection: connection.execute(update).rowcount)

    def close(self) -> None:
        """Close the database."""
        self._database.close()

    def _use(self, kind: Access, work: Callable[[sa.Connection], T]) -> T:
        found = self._database.run_transaction(kind, work)
        if found is None:
            raise JobError("Alerts cannot be looked up or kept, because the database cannot be used at present.")
        return found


def _add(connection: sa.Connection, rule: EventRule) -> EventAlert:
    known = connection.execute(sa.select(_rules).where(_rules.c.key == rule.key)).one_or_none()
    if known is not None:
        return _alert(known._asdict())
    if (connection.scalar(sa.select(sa.func.count()).select_from(_rules)) or 0) >= MOST_RULES:
        raise RequestError(f"There are {MOST_RULES} alerts already; remove one first.")
    created = datetime.now(UTC)
    row = {
        "key": rule.key,
        "created": created,
        "source": rule.source,
        "region": rule.region,
        "statistic": rule.statistic,
        "model": rule.model,
        "kind": rule.question.kind.value,
        "level": rule.question.level,
        "within": rule.question.within,
        "chance": rule.chance,
        "sentence": "",
        "trouble": "",
        "record": "",
    }
    number = connection.scalar(_rules.insert().values(**row).returning(_rules.c.id))
    assert number is not None
    return EventAlert(number, rule, created)


def _remove(connection: sa.Connection, number: int) -> EventAlert | None:
    chosen = _rules.c.id == number
    row = connection.execute(sa.select(_rules).where(chosen)).one_or_none()
    connection.execute(_rules.delete().where(chosen))
    return None if row is None else _alert(row._asdict())


def _alert(row: dict[str, Any]) -> EventAlert:
    question = EventQuestion(EventKind(row["kind"]), row["level"], row["within"])
    rule = EventRule(row["source"], row["region"], row["statistic"], row["model"], question, row["chance"])
    record = EventRecord.from_json(json.loads(row["record"])) if row["record"] else None
    found = {name: row[name] for name in ("probability", "sentence", "trouble")}
    return EventAlert(
        row["id"], rule, _utc(row["created"]), row["checked"] and _utc(row["checked"]), record=record, **found
    )


def _utc(time: datetime) -> datetime:
    """Times from SQLite have no zone, and are in UTC."""
    return time if time.tzinfo else time.replace(tzinfo=UTC)
