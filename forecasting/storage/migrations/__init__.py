"""Migrations of the database's tables: one file a step in `versions`, run by Alembic when a database is behind.

A step adds and never takes away what the program before it needs: during an update old and new servers share a database.
"""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa

#: The newest step, known without importing Alembic: most starts find a database that is up to date.
HEAD = "0006"
#: The table that holds the step that the database is at.
TABLE = "forecast_explorer_version"
#: The tables of all steps.
TABLE_NAMES = frozenset(
    {
        "forecasts",
        "api_questions",
        "fit_claims",
        "history_answers",
        "history_fits",
        "history_picks",
        "upkeep_runs",
        "alerts",
        "stream_batches",
        "stream_rejects",
        "event_alerts",
    }
)
#: Tables in which programs before Alembic kept the versions of theirs.
BEFORE = ("forecasts_meta", "api_questions_meta", "fit_claims_meta")
#: The step that each of these versions of the table of forecasts is at.
_ADOPTED = {"1": "0001", "2": "0002"}


def revision(connection: sa.Connection) -> str | None:
    """The step that the database is at, ``unknown`` where its tables are not as any step makes them, None without tables."""
    present = set(sa.inspect(connection).get_table_names())
    if TABLE in present:
        at = connection.scalar(sa.text(f"SELECT version_num FROM {TABLE}"))
        whole = bool(at) and (at != HEAD or present >= TABLE_NAMES)
        return str(at) if whole else "unknown"
    if not present & {*TABLE_NAMES, *BEFORE}:
        return None
    return _before_alembic(connection, present) or "unknown"


def is_newer(at: str) -> bool:
    """Whether the step `at` is of a newer program than this one."""
    return at.isdigit() and at > HEAD


def upgrade(connection: sa.Connection, at: str | None) -> None:
    """Take the database from `at` to the newest step, in the transaction that the caller has begun."""
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    config.attributes["connection"] = connection
    if at is not None and TABLE not in sa.inspect(connection).get_table_names():
        command.stamp(config, at)
    command.upgrade(config, HEAD)


def _before_alembic(connection: sa.Connection, present: set[str]) -> str | None:
    """The step at which a program before Alembic left its tables."""
    if not {"forecasts", BEFORE[0]} <= present:
        return None
    columns = {column["name"] for column in sa.inspect(connection).get_columns(BEFORE[0])}
    if columns != {"name", "value"}:
        return None
    return _ADOPTED.get(str(connection.scalar(sa.text(f"SELECT value FROM {BEFORE[0]} WHERE name = 'version'"))))
