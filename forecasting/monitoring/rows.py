"""Rows of the history's tables, and what stands in them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from forecasting.monitoring.request_counters import Answers
from forecasting.monitoring.summaries import Fit
from forecasting.monitoring.tables import ANSWERS, FITS, PICKS


@dataclass(frozen=True)
class Pick:
    """The best model of a series, judged by its forecasts from earlier dates.

    Attributes:
        source, statistic, region: the series.
        model: the best one.
        relative_wis: its weighted interval score over that of repeating the last season.
        runner_up: the second best; empty without one.
        origins: how many earlier dates were judged.
    """

    source: str
    statistic: str
    region: str
    model: str
    relative_wis: float
    runner_up: str = ""
    origins: int = 0


def write(connection: sa.Connection, server: str, answers: Sequence[Answers], fits: Sequence[Fit]) -> bool:
    """Stretches that go on are written anew each time, so that writing twice does no harm."""
    for begins in {one.begins for one in answers}:
        connection.execute(ANSWERS.delete().where(ANSWERS.c.server == server, ANSWERS.c.begins == begins))
    if answers:
        connection.execute(ANSWERS.insert(), [asdict(one) for one in answers])
    if fits:
        connection.execute(FITS.insert(), [asdict(fit) for fit in fits])
    return True


def pick(connection: sa.Connection, picks: Sequence[Pick], moment: datetime) -> bool:
    """Confirms the last row of a series, or adds one where another model is the best now."""
    for best in picks:
        series = [PICKS.c[name] == getattr(best, name) for name in ("source", "statistic", "region")]
        query = sa.select(PICKS.c.id, PICKS.c.model).where(*series).order_by(PICKS.c.id.desc()).limit(1)
        last = connection.execute(query).first()
        row = asdict(best) | {"last_confirmed": moment}
        if last and last.model == best.model:
            connection.execute(PICKS.update().where(PICKS.c.id == last.id).values(**row))
        else:
            new = {"first_picked": moment, "before": last.model if last else ""}
            connection.execute(PICKS.insert(), row | new)
    return True


def within(column: sa.Column[Any], since: datetime, until: datetime | None) -> list[sa.ColumnElement[bool]]:
    """What a time from `since` to before `until` is in SQL."""
    return [column >= since, *([column < until] if until else [])]


def select_answers(since: datetime, until: datetime | None, kind: str) -> sa.Select[Any]:
    """The answers of a time, of one kind if that is given, for `answers_of`."""
    columns = [ANSWERS.c[name] for name in Answers.__dataclass_fields__]
    query = sa.select(*columns).where(*within(ANSWERS.c.begins, since, until))
    return query.where(ANSWERS.c.kind == kind) if kind else query


def answers_of(row: Any) -> Answers:
    """What stands in a row of `select_answers`."""
    begins, seconds, server, kind, route, good, refused, failed, histogram = row
    return Answers(utc(begins), seconds, server, kind, route, good, refused, failed, histogram)


def utc(moment: datetime) -> datetime:
    """SQLite gives times without their zone, which is UTC."""
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
