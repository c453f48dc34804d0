"""Reading and writing rows of the history's tables."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from forecasting.monitoring.history_tables import ANSWERS, FITS, PICKS
from forecasting.monitoring.request_counters import RouteCounts
from forecasting.monitoring.summaries import FitRecord


@dataclass(frozen=True)
class ModelPick:
    """The best model of a series, judged by a backtest.

    Attributes:
        source, statistic, region: the series.
        model: the best one.
        relative_wis: its weighted interval score over that of repeating the last season.
        runner_up: the second best; empty without one.
        origins: how many origins were judged.
    """

    source: str
    statistic: str
    region: str
    model: str
    relative_wis: float
    runner_up: str = ""
    origins: int = 0


def write_counts_and_fits(
    connection: sa.Connection, server: str, counts: Sequence[RouteCounts], fits: Sequence[FitRecord]
) -> bool:
    """Write counts and fits. Intervals that go on are replaced each time, so that writing twice does no harm."""
    for begins in {one.begins for one in counts}:
        connection.execute(ANSWERS.delete().where(ANSWERS.c.server == server, ANSWERS.c.begins == begins))
    if counts:
        connection.execute(ANSWERS.insert(), [asdict(one) for one in counts])
    if fits:
        connection.execute(FITS.insert(), [asdict(fit) for fit in fits])
    return True


def write_picks(connection: sa.Connection, picks: Sequence[ModelPick], moment: datetime) -> bool:
    """Confirm the last row of each series, or add one where another model is the best now."""
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
    """SQL conditions for times from `since` to before `until`."""
    return [column >= since, *([column < until] if until else [])]


def select_counts(since: datetime, until: datetime | None, kind: str) -> sa.Select[Any]:
    """Query for the counts of a time, of one kind if that is given; `counts_of_row` reads its rows."""
    columns = [ANSWERS.c[name] for name in RouteCounts.__dataclass_fields__]
    query = sa.select(*columns).where(*within(ANSWERS.c.begins, since, until))
    return query.where(ANSWERS.c.kind == kind) if kind else query


def counts_of_row(row: Any) -> RouteCounts:
    """Read a row of `select_counts`."""
    begins, seconds, server, kind, route, good, refused, failed, histogram = row
    return RouteCounts(utc(begins), seconds, server, kind, route, good, refused, failed, histogram)


def utc(moment: datetime) -> datetime:
    """Return a time of the database with its zone; SQLite gives times without it, which is UTC."""
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
