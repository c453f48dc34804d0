"""Migration: questions asked of the API, and which server fits what. A program before Alembic may have made both tables."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Create the tables, and drop those that held versions before Alembic."""
    op.create_table(
        "api_questions",
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column("created", sa.DateTime(timezone=True), nullable=False),
        sa.Column("cancelled", sa.Boolean, nullable=False),
        sa.Column("question", sa.LargeBinary, nullable=False),
        if_not_exists=True,
    )
    op.create_table(
        "fit_claims",
        sa.Column("key", sa.String(64), primary_key=True),
        sa.Column("owner", sa.String(32), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False),
        if_not_exists=True,
    )
    for name in ("forecasts_meta", "api_questions_meta", "fit_claims_meta"):
        op.drop_table(name, if_exists=True)
