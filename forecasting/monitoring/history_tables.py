"""Database tables of the history: requests by route, fits, and the models that were picked.

Times are in UTC. Nothing here is of anybody's data, keys or addresses: a route is a template, and a region is named only
where it is of a source that every visitor may choose.
"""

from __future__ import annotations

import sqlalchemy as sa

METADATA = sa.MetaData()

#: One row an interval of `seconds` from `begins`, server and route; several of the same are to be added up.
ANSWERS = sa.Table(
    "history_answers",
    METADATA,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("begins", sa.DateTime(timezone=True), nullable=False),
    sa.Column("seconds", sa.Integer, nullable=False),
    sa.Column("server", sa.String(32), nullable=False),
    sa.Column("kind", sa.String(8), nullable=False),
    sa.Column("route", sa.String(200), nullable=False),
    sa.Column("good", sa.Integer, nullable=False),
    sa.Column("refused", sa.Integer, nullable=False),
    sa.Column("failed", sa.Integer, nullable=False),
    sa.Column("histogram", sa.LargeBinary, nullable=False),
    sa.Index("history_answers_by_time", "begins"),
)
#: One row a fit that was begun on a server and has ended; `regions` of a fit of many, which has no `region`.
FITS = sa.Table(
    "history_fits",
    METADATA,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("ended", sa.DateTime(timezone=True), nullable=False),
    sa.Column("server", sa.String(32), nullable=False),
    sa.Column("model", sa.String(64), nullable=False),
    sa.Column("source", sa.String(100), nullable=False),
    sa.Column("statistic", sa.String(100), nullable=False),
    sa.Column("region", sa.String(200), nullable=False),
    sa.Column("regions", sa.Integer, nullable=False),
    sa.Column("outcome", sa.String(16), nullable=False),
    sa.Column("seconds", sa.Double, nullable=False),
    sa.Index("history_fits_by_time", "ended"),
)
#: One row a time for which a model was the best of a series.
PICKS = sa.Table(
    "history_picks",
    METADATA,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("source", sa.String(100), nullable=False),
    sa.Column("statistic", sa.String(100), nullable=False),
    sa.Column("region", sa.String(200), nullable=False),
    sa.Column("model", sa.String(64), nullable=False),
    sa.Column("before", sa.String(64), nullable=False),
    sa.Column("relative_wis", sa.Double, nullable=True),
    sa.Column("runner_up", sa.String(64), nullable=False),
    sa.Column("origins", sa.Integer, nullable=False),
    sa.Column("first_picked", sa.DateTime(timezone=True), nullable=False),
    sa.Column("last_confirmed", sa.DateTime(timezone=True), nullable=False),
    sa.Index("history_picks_by_series", "source", "statistic", "region"),
)
