"""Migration: the history of the service: answers, fits, picks, runs of the nightly update, and alerts."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Create the five tables and their indexes."""
    op.create_table(
        "history_answers",
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
    )
    op.create_index("history_answers_by_time", "history_answers", ["begins"])
    op.create_table(
        "history_fits",
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
    )
    op.create_index("history_fits_by_time", "history_fits", ["ended"])
    op.create_table(
        "history_picks",
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
    )
    op.create_index("history_picks_by_series", "history_picks", ["source", "statistic", "region"])
    op.create_table(
        "upkeep_runs",
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
    op.create_table(
        "alerts",
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
        sa.Column("posted", sa.String(8), nullable=False),
        sa.Column("claimed", sa.DateTime(timezone=True)),
    )
    still_open = sa.text("closed IS NULL")
    op.create_index("alerts_open", "alerts", ["key"], unique=True, sqlite_where=still_open, postgresql_where=still_open)
