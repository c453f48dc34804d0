"""Migration: forecasts get a lineage, by which one is found by the beginning of its series. Those stored before have none."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Add the column and its index."""
    op.add_column("forecasts", sa.Column("lineage", sa.String(64), nullable=False, server_default=""))
    op.create_index("forecasts_by_lineage", "forecasts", ["lineage", "origin"])
