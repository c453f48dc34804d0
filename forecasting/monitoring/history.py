"""History of the service: requests, page runs, fits and model picks, in the database that servers share.

Events are recorded in memory, which takes microseconds, and written by a thread once a minute. Without a usable database
the last day is kept in memory.
"""

from __future__ import annotations

import atexit
import logging
import threading
import uuid
from collections import deque
from collections.abc import Callable
from dataclasses import astuple, dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pandas as pd
import sqlalchemy as sa

from forecasting import sources
from forecasting.data.panel import Panel
from forecasting.jobs.board import FinishedFit
from forecasting.jobs.request import BatchRequest, PoolRequest, Request
from forecasting.monitoring import history_rows, history_tables
from forecasting.monitoring.history_pruning import prune
from forecasting.monitoring.history_rows import ModelPick
from forecasting.monitoring.history_tables import FITS, PICKS
from forecasting.monitoring.request_counters import RequestCounters, RouteCounts
from forecasting.monitoring.summaries import FitRecord
from forecasting.storage.database import Database
from forecasting.support import settings

if TYPE_CHECKING:  # the command line needs no server
    from forecasting.monitoring.request_record import RequestRecord

log = logging.getLogger(__name__)

#: Seconds between two writes to the database.
EVERY = 60.0
#: Writes between two prunings.
PRUNE_EVERY = 60
#: Fits that are kept in memory until they are written.
FITS_KEPT = 10_000
#: Routes that machines request all day long; they would drown everything else, and are not recorded.
PROBES = frozenset({"/healthz", "/readyz", "/metrics"})
#: Later than any event.
FOR_EVER = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True)
class PageRun:
    """One run of a page's script.

    Attributes:
        page: its title.
        ms: from its first line to its last; what its fragments do later is not in it.
        failed: whether it ended with an unexpected error.
    """

    page: str
    ms: float
    failed: bool = False


def has_source_name(panel: Panel) -> bool:
    """Whether a panel has the name of a source: enough where nobody else's figures are fitted in the same process."""
    return panel.source in sources.sources()


def _now() -> datetime:
    return datetime.now(UTC)


class History:
    """The recorded history of the service. Safe to use from many threads; no method but `close` and `flush` waits long.

    Args:
        url: an SQLAlchemy address; `settings.db_url()` by default; ``sqlite://`` keeps a day in memory.
        offered: whether every visitor may choose a panel, so that its regions may be named.
        every: seconds between two writes; None writes only when `flush` is called.
        now: the clock.
    """

    def __init__(
        self,
        url: str | None = None,
        offered: Callable[[Panel], bool] = has_source_name,
        every: float | None = EVERY,
        now: Callable[[], datetime] = _now,
    ) -> None:
        self._database = Database(url or settings.db_url(), history_tables.METADATA)
        self._offered, self._now = offered, now
        self.server = uuid.uuid4().hex[:12]
        self._counters = RequestCounters(self.server)
        self._fits: deque[FitRecord] = deque(maxlen=FITS_KEPT)
        self._noting, self._writing = threading.Lock(), threading.Lock()
        self._writes = 0
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(every,), name="history", daemon=True)
        if every is not None:
            self._thread.start()
            atexit.register(self.close)

    @property
    def notes(self) -> tuple[str, ...]:
        """Sentences on trouble with the database: what was set aside, and whether it is left out at present."""
        return self._database.notes

    def record_request(self, request: RequestRecord) -> None:
        """Record an answered request to the API; an `Observer` of `api.request_log`."""
        if request.route not in PROBES:
            self._counters.add(self._now(), "api", request.route, request.status, request.ms)

    def record_page_run(self, run: PageRun) -> None:
        """Record one run of a page's script."""
        self._counters.add(self._now(), "page", run.page, 500 if run.failed else 200, run.ms)

    def record_fit(self, ended: FinishedFit) -> None:
        """Record a fit that has ended, for `JobQueue.observe`. Only names that everybody may see are kept of it."""
        fit = self._fit_record(ended)
        with self._noting:
            self._fits.append(fit)

    def record_picks(self, *picks: ModelPick) -> bool:
        """Record the best models as they are found now; returns whether they could be stored.

        A series keeps its row as long as its model stays the best: the row is confirmed, and gets the newest scores.
        """
        moment = self._now()
        return bool(
            self._database.run_transaction(
                "write", lambda connection: history_rows.write_picks(connection, picks, moment)
            )
        )

    def flush(self) -> None:
        """Write everything that has not been written yet."""
        with self._writing:
            counts, fits = self._counters.counts(), self._unwritten_fits()
            if not counts and not fits:
                return
            done = self._database.run_transaction(
                "write", lambda connection: history_rows.write_counts_and_fits(connection, self.server, counts, fits)
            )
            self._counters.forget(counts if done else [], self._now())
            written = set(map(id, fits if done else []))
            with self._noting:
                self._fits = deque((fit for fit in self._fits if id(fit) not in written), FITS_KEPT)

    def close(self) -> None:
        """Write the rest and close the database. More than once does no harm."""
        atexit.unregister(self.close)
        self._over.set()
        if self._thread.is_alive():
            self._thread.join(timeout=10)
        self.flush()
        self._database.close()

    def route_counts(self, since: datetime, until: datetime | None = None, kind: str = "") -> list[RouteCounts]:
        """Return the counts of requests and page runs in a time, by interval and route; of one `kind` if that is given."""
        query = history_rows.select_counts(since, until, kind)
        with self._writing:  # else what is just being written would be missing, or counted twice
            own = {one.name: one for one in self._counters.counts()}
            rows = self._database.run_transaction("read", lambda connection: connection.execute(query).all()) or []
        stored = [history_rows.counts_of_row(row) for row in rows]
        unwritten = [
            one for one in own.values() if since <= one.begins < (until or FOR_EVER) and kind in ("", one.kind)
        ]
        return [one for one in stored if one.server != self.server or one.name not in own] + unwritten

    def fits(self, since: datetime, until: datetime | None = None) -> pd.DataFrame:
        """Return the fits that ended in a time, the first one first: the columns are the attributes of `FitRecord`."""
        names = list(FitRecord.__dataclass_fields__)
        columns = [FITS.c[name] for name in names]
        query = sa.select(*columns).where(*history_rows.within(FITS.c.ended, since, until)).order_by(FITS.c.id)
        with self._writing:
            unwritten = [astuple(fit) for fit in self._unwritten_fits() if since <= fit.ended < (until or FOR_EVER)]
            rows = self._database.run_transaction("read", lambda connection: connection.execute(query).all()) or []
        table = pd.DataFrame([*map(tuple, rows), *unwritten], columns=names)
        return table.assign(ended=pd.to_datetime(table["ended"], utc=True))

    def picks(self, source: str | None = None, region: str | None = None) -> pd.DataFrame:
        """Return which model was best for which series from when to when, the newest first.

        Columns ``source``, ``statistic``, ``region``, ``model``, ``before`` (the model until then; empty for the first),
        ``relative_wis``, ``runner_up``, ``origins``, ``first_picked`` and ``last_confirmed``.
        """
        columns = [column for column in PICKS.c if column.name != "id"]
        query = sa.select(*columns).order_by(PICKS.c.first_picked.desc(), PICKS.c.id.desc())
        if source is not None:
            query = query.where(PICKS.c.source == source)
        if region is not None:
            query = query.where(PICKS.c.region == region)
        rows = self._database.run_transaction("read", lambda connection: connection.execute(query).all()) or []
        table = pd.DataFrame([tuple(row) for row in rows], columns=[column.name for column in columns])
        times = ["first_picked", "last_confirmed"]
        return table.assign(**{name: pd.to_datetime(table[name], utc=True) for name in times})

    def _unwritten_fits(self) -> list[FitRecord]:
        with self._noting:
            return list(self._fits)

    def _fit_record(self, ended: FinishedFit) -> FitRecord:
        request = ended.request
        fit = FitRecord(self._now(), self.server, request.model, ended.outcome, ended.seconds, regions=ended.regions)
        of_one = request.requests[0] if isinstance(request, BatchRequest) else request
        pool = of_one.pool if isinstance(of_one, PoolRequest) else of_one.series.pool
        if pool is None or not self._offered(pool.panel):
            return fit
        region = request.series.region if isinstance(request, Request) else ""
        return replace(fit, source=pool.panel.source[:100], statistic=pool.statistic[:100], region=region[:200])

    def _run(self, every: float) -> None:
        while not self._over.wait(every):
            try:
                self.flush()
                if self._writes % PRUNE_EVERY == 0:
                    self._database.run_transaction("write", lambda connection: prune(connection, self._now()))
                self._writes += 1
            except Exception:  # a fault here must not end the history for good
                log.exception("Writing the history went wrong")
