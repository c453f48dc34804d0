"""Runs of the upkeep: when each source was last looked after, of which figures, and what came of it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta

import pandas as pd
import sqlalchemy as sa

from forecasting.storage.database import Database

#: How long runs are kept.
KEPT = timedelta(days=400)
#: A run has gone well if at most one in so many forecasts failed.
FEW = 20

tables = sa.MetaData()
_runs = sa.Table(
    "upkeep_runs",
    tables,
    sa.Column("source", sa.String(64), primary_key=True),
    sa.Column("began", sa.DateTime(timezone=True), primary_key=True),
    sa.Column("ended", sa.DateTime(timezone=True), nullable=False),
    sa.Column("digest", sa.String(64), nullable=False),
    sa.Column("regions", sa.Integer, nullable=False),
    sa.Column("there", sa.Integer, nullable=False),
    sa.Column("failed", sa.Integer, nullable=False),
    sa.Column("picked", sa.Integer, nullable=False),
    sa.Column("drifting", sa.Integer, nullable=False),
    sa.Column("said", sa.String(400), nullable=False),
)


@dataclass(frozen=True)
class Run:
    """One run.

    Attributes:
        source: whose figures.
        began, ended: when, in UTC.
        digest: of the figures and the models; the same again needs no other run.
        regions: how many series there were.
        there: of how many forecasts it was seen that they are in the store.
        failed: how many could not be made.
        picked: for how many series a best model was found.
        drifting: for how many something has drifted.
        said: what was wrong, for a person; empty where nothing was.
    """

    source: str
    began: datetime
    ended: datetime
    digest: str
    regions: int = 0
    there: int = 0
    failed: int = 0
    picked: int = 0
    drifting: int = 0
    said: str = ""


class Runs:
    """The runs of every server on the same database. Every method may be called from any thread.

    Args:
        url: as of `Store`.
    """

    def __init__(self, url: str | None = None) -> None:
        self._database = Database(url, tables)

    def put(self, run: Run) -> None:
        """Keeps it, and forgets the oldest."""

        def write(connection: sa.Connection) -> None:
            connection.execute(_runs.insert(), {**asdict(run), "said": run.said[:400]})
            connection.execute(_runs.delete().where(_runs.c.began < datetime.now(UTC) - KEPT))

        self._database.use("write", write)

    def last(self, source: str) -> Run | None:
        """The last run of a source, by whichever server."""
        query = sa.select(_runs).where(_runs.c.source == source).order_by(_runs.c.began.desc()).limit(1)
        row = self._database.use("read", lambda connection: connection.execute(query).mappings().one_or_none())
        return Run(**{**row, "began": _utc(row["began"]), "ended": _utc(row["ended"])}) if row else None

    def last_good(self) -> dict[str, datetime]:
        """By source, when a run last ended well: it had the figures, and few forecasts failed."""
        few = _runs.c.failed * FEW <= _runs.c.there + _runs.c.failed
        query = sa.select(_runs.c.source, sa.func.max(_runs.c.ended)).where(_runs.c.digest != "", few)
        query = query.group_by(_runs.c.source)
        rows = self._database.use("read", lambda connection: connection.execute(query).all()) or []
        return {source: _utc(ended) for source, ended in rows}

    def table(self) -> pd.DataFrame:
        """Every source's last run: the columns are the attributes of `Run`; empty without any."""
        newest = (
            sa.select(_runs.c.source, sa.func.max(_runs.c.began).label("began")).group_by(_runs.c.source).subquery()
        )
        same = sa.and_(_runs.c.source == newest.c.source, _runs.c.began == newest.c.began)
        query = sa.select(_runs).join(newest, same).order_by(_runs.c.source)
        rows = self._database.use("read", lambda connection: connection.execute(query).mappings().all()) or []
        return pd.DataFrame([dict(row) for row in rows], columns=[column.name for column in _runs.columns])

    def close(self) -> None:
        """Lets go of the database."""
        self._database.close()


def _utc(when: datetime) -> datetime:
    """SQLite keeps no zone."""
    return when if when.tzinfo else when.replace(tzinfo=UTC)
