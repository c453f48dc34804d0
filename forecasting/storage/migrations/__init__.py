"""How the database's tables came to be: one file a step in `versions`, run by Alembic whenever a database is behind.

A step adds and never takes away what the program before it needs: during an update old and new servers share a database.
"""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa

#: The newest step, known without importing Alembic: most starts find a database that is there already.
HEAD = "0004"
#: Where the database says how far it is.
TABLE = "forecast_explorer_version"
#: The tables of all steps.
TABLES = frozenset(
    {
        "forecasts",
        "api_questions",
        "fit_claims",
        "history_answers",
        "history_fits",
        "history_picks",
        "upkeep_runs",
        "alerts",
    }
)
#: Where programs before Alembic kept a version of their tables, and which step their forecasts are at.
BEFORE = ("forecasts_meta", "api_questions_meta", "fit_claims_meta")
_ADOPTED = {"1": "0001", "2": "0002"}


def revision(connection: sa.Connection) -> str | None:
    """How far the database is: a step's name, ``unknown`` where tables are not as any step makes them, None if there are none."""
    present = set(sa.inspect(connection).get_table_names())
    if TABLE in present:
        at = connection.scalar(sa.text(f"SELECT version_num FROM {TABLE}"))
        whole = bool(at) and (at != HEAD or present >= TABLES)
        return str(at) if whole else "unknown"
    if not present & {*TABLES, *BEFORE}:
        return None
    return _before_alembic(connection, present) or "unknown"


def is_newer(at: str) -> bool:
    """Whether a newer program has been here."""
    return at.isdigit() and at > HEAD


def upgrade(connection: sa.Connection, at: str | None) -> None:
    """Takes the database from `at` to the newest step, in the transaction that the caller has begun."""
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
