"""Status of the service at this moment: workers, failures, memory, database and the age of each source."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pandas as pd
import sqlalchemy as sa

from forecasting import sources
from forecasting.monitoring.history import History
from forecasting.monitoring.summaries import FAILED
from forecasting.monitoring.update_runs import UpdateRuns
from forecasting.services.service import Service
from forecasting.sources.shared.base import Source
from forecasting.sources.shared.configured_source import ConfiguredSource
from forecasting.sources.shared.download import REFRESH_AFTER, format_age
from forecasting.support import process_memory, settings

#: Age from which on a download is old; sources that are used are updated once a day.
OLD = timedelta(days=7)


@dataclass(frozen=True)
class SourceAge:
    """The age of a source's figures.

    Attributes:
        label: of the source.
        word: ``up to date``, ``due``, ``old`` …
        why: the meaning of the word, in a few more.
        upkeep: when the last nightly update was, and how it went; empty without any.
    """

    label: str
    word: str
    why: str
    upkeep: str = ""


@dataclass(frozen=True)
class ServiceStatus:
    """The status of the service.

    Attributes:
        ready, running, waiting: workers that can take a fit, fits that run, and fits that wait.
        failed, of: requests, page runs and fits that failed since midnight (UTC), and the number of all.
        memory: bytes of the whole process tree; None if it cannot be measured.
        database: the kind of database that results are stored in.
        trouble: sentences on what is wrong with it; empty if nothing is.
        ages: of every source.
    """

    ready: int
    running: int
    waiting: int
    failed: int
    of: int
    memory: int | None
    database: str
    trouble: str
    ages: tuple[SourceAge, ...]


def service_status(service: Service, history: History, runs: UpdateRuns) -> ServiceStatus:
    """Return the status of the service now."""
    busy = service.queue.load()
    failed, of = _failures_today(history)
    notes = dict.fromkeys([*service.store.notes, *history.notes])
    upkeep = {row.source: _upkeep(row) for row in runs.table().itertuples()}
    known = sources.sources()
    ages = tuple(replace(_age(one), upkeep=upkeep.get(name, "")) for name, one in known.items())
    taken = process_memory.process_tree_bytes()
    return ServiceStatus(busy.ready, busy.running, busy.waiting, failed, of, taken, _database(), " ".join(notes), ages)


def _failures_today(history: History) -> tuple[int, int]:
    """Count requests, page runs and fits that failed since midnight (UTC), and all of them."""
    since = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    counts, fits = history.route_counts(since), history.fits(since)
    failed = sum(one.failed for one in counts)
    failed_fits = fits["outcome"].isin(FAILED).sum()
    return int(failed + failed_fits), sum(one.count for one in counts) + len(fits)


def _database() -> str:
    """Return the kind of the database, never its address."""
    try:
        address = sa.make_url(settings.db_url())
    except sa.exc.ArgumentError:
        return "None"
    kind = address.get_backend_name()
    if kind == "postgresql":
        return "PostgreSQL"
    return "SQLite" if kind == "sqlite" and address.database not in (None, "", ":memory:") else "None"


def _upkeep(run: Any) -> str:
    """Describe a run of the update, as ``"3 hours ago: 2 of 500 forecasts failed"``."""
    ended = pd.Timestamp(run.ended)
    since = datetime.now(UTC) - (ended if ended.tzinfo else ended.tz_localize(UTC))
    when = format_age(since).replace("now", "just now")
    if not run.digest:
        return f"{when}: its figures could not be had"
    return (
        f"{when}: {run.failed:,} of {run.there + run.failed:,} forecasts failed" if run.failed else f"{when}: all well"
    )


def _age(source: Source) -> SourceAge:
    age = source.age()
    if isinstance(source, ConfiguredSource):
        return SourceAge(source.label, "at hand", "read when somebody asks for it, and kept for some minutes")
    if source.streams:
        return SourceAge(source.label, "at hand", source.state() or "takes what comes")
    if not source.live:
        return SourceAge(source.label, "at hand", "comes with the program")
    if age is None:
        return SourceAge(source.label, "not here yet", "downloaded when somebody asks for it")
    when = f"its publisher was asked {format_age(age).replace('now', 'just now')}"
    if age < REFRESH_AFTER:
        return SourceAge(source.label, "up to date", when)
    return SourceAge(source.label, "due" if age < OLD else "old", f"{when}; asked again at the next visit")
