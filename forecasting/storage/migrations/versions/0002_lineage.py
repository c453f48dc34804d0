"""Forecasts are found by how their series begins. Those that are there already have no lineage, and are kept."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """See above."""
    op.add_column("forecasts", sa.Column("lineage", sa.String(64), nullable=False, server_default=""))
    op.create_index("forecasts_by_lineage", "forecasts", ["lineage", "origin"])
