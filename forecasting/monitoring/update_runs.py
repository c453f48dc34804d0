"""Runs of the nightly update: when each source was last updated, from which figures, and with what result."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta

import pandas as pd
import sqlalchemy as sa

from forecasting.storage.database import Database

#: How long runs are kept.
KEPT = timedelta(days=400)
#: A run was successful if at most one in so many forecasts failed.
ONE_IN = 20

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
class UpdateRun:
    """One run of the nightly update of a source.

    Attributes:
        source: its name.
        began, ended: times in UTC.
        digest: of the figures and the models, by which unchanged ones are recognised; empty without figures.
        regions: number of series.
        there: number of forecasts that are in the store.
        failed: number of forecasts that failed.
        picked: number of series for which a best model was found.
        drifting: number of series with a drift.
        said: a sentence on what was wrong; empty if nothing was.
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


class UpdateRuns:
    """Runs of every server on the same database. Every method may be called from any thread.

    Args:
        url: an SQLAlchemy address, as for `ForecastStore`.
    """

    def __init__(self, url: str | None = None) -> None:
        self._database = Database(url, tables)

    def add(self, run: UpdateRun) -> None:
        """Store a run, and delete those older than `KEPT`."""

        def write(connection: sa.Connection) -> None:
            connection.execute(_runs.insert(), {**asdict(run), "said": run.said[:400]})
            connection.execute(_runs.delete().where(_runs.c.began < datetime.now(UTC) - KEPT))

        self._database.run_transaction("write", write)

    def last(self, source: str) -> UpdateRun | None:
        """Return the last run of a source on any server, or None."""
        query = sa.select(_runs).where(_runs.c.source == source).order_by(_runs.c.began.desc()).limit(1)
        row = self._database.run_transaction(
            "read", lambda connection: connection.execute(query).mappings().one_or_none()
        )
        return UpdateRun(**{**row, "began": _utc(row["began"]), "ended": _utc(row["ended"])}) if row else None

    def last_successes(self) -> dict[str, datetime]:
        """Return by source when its last successful run ended: one with figures, of which few forecasts failed."""
        few = _runs.c.failed * ONE_IN <= _runs.c.there + _runs.c.failed
        query = sa.select(_runs.c.source, sa.func.max(_runs.c.ended)).where(_runs.c.digest != "", few)
        query = query.group_by(_runs.c.source)
        rows = self._database.run_transaction("read", lambda connection: connection.execute(query).all()) or []
        return {source: _utc(ended) for source, ended in rows}

    def table(self) -> pd.DataFrame:
        """Return every source's last run, a row each: the columns are the attributes of `UpdateRun`."""
        newest = (
            sa.select(_runs.c.source, sa.func.max(_runs.c.began).label("began")).group_by(_runs.c.source).subquery()
        )
        same = sa.and_(_runs.c.source == newest.c.source, _runs.c.began == newest.c.began)
        query = sa.select(_runs).join(newest, same).order_by(_runs.c.source)
        rows = (
            self._database.run_transaction("read", lambda connection: connection.execute(query).mappings().all()) or []
        )
        return pd.DataFrame([dict(row) for row in rows], columns=[column.name for column in _runs.columns])

    def close(self) -> None:
        """Close the connections to the database."""
        self._database.close()


def _utc(when: datetime) -> datetime:
    """Return a time of the database with its zone, which SQLite does not keep."""
    return when if when.tzinfo else when.replace(tzinfo=UTC)
