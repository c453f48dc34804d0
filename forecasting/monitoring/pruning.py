"""What of the history has grown old: stretches of minutes become hours after two days, and everything goes after ninety."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from forecasting.monitoring.histogram import pack_whole, together
from forecasting.monitoring.request_counters import beginning
from forecasting.monitoring.tables import ANSWERS, FITS, PICKS

HOUR = timedelta(hours=1)
#: How long answers are kept by minutes, and everything at all; a pick, since it was last confirmed.
FINE = timedelta(days=2)
KEPT = timedelta(days=90)
#: The newest fits that are kept at most.
MOST_FITS = 200_000


def prune(connection: sa.Connection, now: datetime) -> None:
    """Puts old answers together by the hour, and deletes what nobody will ask for."""
    _coarser(connection, beginning(now - FINE, HOUR))
    for table, column in ((ANSWERS, ANSWERS.c.begins), (FITS, FITS.c.ended)):
        connection.execute(table.delete().where(column < now - KEPT))
    connection.execute(PICKS.delete().where(PICKS.c.last_confirmed < now - KEPT))
    newest = sa.select(sa.func.max(FITS.c.id) - MOST_FITS).scalar_subquery()
    connection.execute(FITS.delete().where(FITS.c.id <= newest))


def _coarser(connection: sa.Connection, before: datetime) -> None:
    """Hours instead of minutes. Of several servers that do this at once, each takes only the rows that it deletes."""
    fine = ANSWERS.c.seconds < HOUR.total_seconds()
    gone = connection.execute(ANSWERS.delete().where(fine, ANSWERS.c.begins < before).returning(ANSWERS)).all()
    hours: dict[tuple[Any, ...], list[Any]] = {}
    for row in gone:
        hours.setdefault((beginning(_aware(row.begins, before), HOUR), row.server, row.kind, row.route), []).append(row)
    if hours:
        connection.execute(ANSWERS.insert(), [_hour(name, rows) for name, rows in hours.items()])


def _hour(name: tuple[Any, ...], rows: Iterable[Any]) -> dict[str, Any]:
    rows = list(rows)
    counts = {count: sum(getattr(row, count) for row in rows) for count in ("good", "refused", "failed")}
    histogram = pack_whole(together(row.histogram for row in rows))
    named = dict(zip(("begins", "server", "kind", "route"), name, strict=True))
    return named | counts | {"seconds": int(HOUR.total_seconds()), "histogram": histogram}


def _aware(moment: datetime, like: datetime) -> datetime:
    return moment.replace(tzinfo=like.tzinfo) if moment.tzinfo is None else moment
