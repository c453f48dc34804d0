"""Migration: what people asked to be told of, and which alerts were sent by e-mail."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Create the table, and add the column."""
    op.create_table(
        "event_alerts",
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
    op.add_column("alerts", sa.Column("mailed", sa.String(8), nullable=False, server_default=""))
