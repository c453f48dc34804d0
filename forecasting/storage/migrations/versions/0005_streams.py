"""Migration: points that came in on streams, and messages of them that could not be read."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Create the two tables and their indexes."""
    op.create_table(
        "stream_batches",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("stream", sa.String(64), nullable=False),
        sa.Column("stored", sa.DateTime(timezone=True), nullable=False),
        sa.Column("points", sa.Integer, nullable=False),
        sa.Column("position", sa.String(200), nullable=False),
        sa.Column("payload", sa.LargeBinary, nullable=False),
    )
    op.create_index("stream_batches_by_stream", "stream_batches", ["stream", "id"])
    op.create_table(
        "stream_rejects",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("stream", sa.String(64), nullable=False),
        sa.Column("stored", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reader", sa.String(64), nullable=False),
        sa.Column("messages", sa.Integer, nullable=False),
        sa.Column("bytes", sa.Integer, nullable=False),
        sa.Column("reason", sa.String(400), nullable=False),
        sa.Column("payload", sa.LargeBinary, nullable=False),
    )
    op.create_index("stream_rejects_by_stream", "stream_rejects", ["stream", "id"])
