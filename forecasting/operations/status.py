"""How the service is at this moment, in figures and words that everybody may read."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pandas as pd
import sqlalchemy as sa

from forecasting import sources
from forecasting.monitoring.history import History
from forecasting.monitoring.runs import Runs
from forecasting.monitoring.summaries import FAILED
from forecasting.services.service import Service
from forecasting.sources.shared.base import Source
from forecasting.sources.shared.configured_source import ConfiguredSource
from forecasting.sources.shared.download import FRESH, ago
from forecasting.support import process_memory, settings

#: From this age on a download is old: the program asks once a day for what somebody looks at.
OLD = timedelta(days=7)


@dataclass(frozen=True)
class Age:
    """How old a source's figures are.

    Attributes:
        label: the source.
        word: ``up to date``, ``due``, ``old`` …
        why: what that means, in a few words.
        upkeep: when it was last looked after, and how that went; empty where nobody has.
    """

    label: str
    word: str
    why: str
    upkeep: str = ""


@dataclass(frozen=True)
class Now:
    """What a glance shows.

    Attributes:
        ready, running, waiting: workers that can take a fit, fits that run, and fits that wait.
        failed, of: answers and fits that failed since midnight (UTC), and how many there were.
        memory: bytes of the whole process tree; None where there is no telling.
        database: where results are kept, in a word or two.
        trouble: what is wrong with it, in sentences; empty while nothing is.
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
    ages: tuple[Age, ...]


def now(service: Service, history: History, runs: Runs) -> Now:
    """How it is."""
    busy = service.queue.busy()
    failed, of = _today(history)
    notes = dict.fromkeys([*service.store.notes, *history.notes])
    upkeep = {row.source: _upkeep(row) for row in runs.table().itertuples()}
    known = sources.sources()
    ages = tuple(replace(_age(one), upkeep=upkeep.get(name, "")) for name, one in known.items())
    taken = process_memory.of_tree()
    return Now(busy.ready, busy.running, busy.waiting, failed, of, taken, _database(), " ".join(notes), ages)


def _today(history: History) -> tuple[int, int]:
    """How many answers and fits failed since midnight, and how many there were."""
    since = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    answers, fits = history.answers(since), history.fits(since)
    failed = sum(one.failed for one in answers)
    lost = fits["outcome"].isin(FAILED).sum()
    return int(failed + lost), sum(one.count for one in answers) + len(fits)


def _database() -> str:
    """Never its address."""
    try:
        address = sa.make_url(settings.db_url())
    except sa.exc.ArgumentError:
        return "None"
    kind = address.get_backend_name()
    if kind == "postgresql":
        return "PostgreSQL"
    return "SQLite" if kind == "sqlite" and address.database not in (None, "", ":memory:") else "None"


def _upkeep(run: Any) -> str:
    """``"3 hours ago: 2 of 500 forecasts failed"``."""
    ended = pd.Timestamp(run.ended)
    since = datetime.now(UTC) - (ended if ended.tzinfo else ended.tz_localize(UTC))
    when = ago(since).replace("now", "just now")
    if not run.digest:
        return f"{when}: its figures could not be had"
    return (
        f"{when}: {run.failed:,} of {run.there + run.failed:,} forecasts failed" if run.failed else f"{when}: all well"
    )


def _age(source: Source) -> Age:
    age = source.age()
    if isinstance(source, ConfiguredSource):
        return Age(source.label, "at hand", "read when somebody asks for it, and kept for some minutes")
    if not source.live:
        return Age(source.label, "at hand", "comes with the program")
    if age is None:
        return Age(source.label, "not here yet", "downloaded when somebody asks for it")
    when = f"its publisher was asked {ago(age).replace('now', 'just now')}"
    if age < FRESH:
        return Age(source.label, "up to date", when)
    return Age(source.label, "due" if age < OLD else "old", f"{when}; asked again at the next visit")
