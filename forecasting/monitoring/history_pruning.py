"""Pruning of the history: counts are merged into hours after two days, and everything is deleted after ninety."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from forecasting.monitoring.histogram import merge, pack_merged
from forecasting.monitoring.history_tables import ANSWERS, FITS, PICKS
from forecasting.monitoring.request_counters import interval_start

HOUR = timedelta(hours=1)
#: How long counts are kept in intervals of minutes.
FINE = timedelta(days=2)
#: How long rows are kept at all; a model pick, since it was last confirmed.
KEPT = timedelta(days=90)
#: Fits that are kept at most, the newest.
MOST_FITS = 200_000


def prune(connection: sa.Connection, now: datetime) -> None:
    """Merge old counts by the hour, and delete rows that are too old or too many."""
    _merge_hours(connection, interval_start(now - FINE, HOUR))
    for table, column in ((ANSWERS, ANSWERS.c.begins), (FITS, FITS.c.ended)):
        connection.execute(table.delete().where(column < now - KEPT))
    connection.execute(PICKS.delete().where(PICKS.c.last_confirmed < now - KEPT))
    newest = sa.select(sa.func.max(FITS.c.id) - MOST_FITS).scalar_subquery()
    connection.execute(FITS.delete().where(FITS.c.id <= newest))


def _merge_hours(connection: sa.Connection, before: datetime) -> None:
    """Replace intervals of minutes by hours. Of several servers that do this at once, each takes only the rows that it deletes."""
    fine = ANSWERS.c.seconds < HOUR.total_seconds()
    gone = connection.execute(ANSWERS.delete().where(fine, ANSWERS.c.begins < before).returning(ANSWERS)).all()
    hours: dict[tuple[Any, ...], list[Any]] = {}
    for row in gone:
        hours.setdefault(
            (interval_start(_aware(row.begins, before), HOUR), row.server, row.kind, row.route), []
        ).append(row)
    if hours:
        connection.execute(ANSWERS.insert(), [_hour(name, rows) for name, rows in hours.items()])


def _hour(name: tuple[Any, ...], rows: Iterable[Any]) -> dict[str, Any]:
    rows = list(rows)
    counts = {count: sum(getattr(row, count) for row in rows) for count in ("good", "refused", "failed")}
    histogram = pack_merged(merge(row.histogram for row in rows))
    named = dict(zip(("begins", "server", "kind", "route"), name, strict=True))
    return named | counts | {"seconds": int(HOUR.total_seconds()), "histogram": histogram}


def _aware(moment: datetime, like: datetime) -> datetime:
    return moment.replace(tzinfo=like.tzinfo) if moment.tzinfo is None else moment
