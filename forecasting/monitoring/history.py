"""History: how the service has done, kept in the database beside the forecasts, so that it outlives a process and is
shared by servers.

What happens is noted in memory, which takes microseconds, and written by a thread once a minute. Without a usable database
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
from forecasting.jobs.board import Ended
from forecasting.jobs.request import PoolRequest
from forecasting.monitoring import rows, summaries, tables
from forecasting.monitoring.pruning import prune
from forecasting.monitoring.request_counters import Answers, Tally
from forecasting.monitoring.rows import Pick
from forecasting.monitoring.summaries import By, Fit
from forecasting.monitoring.tables import FITS, PICKS
from forecasting.storage.database import Database
from forecasting.support import settings

if TYPE_CHECKING:  # the command line needs no server
    from forecasting.monitoring.answered import Answered

log = logging.getLogger(__name__)

#: Seconds between two writes, and writes between two looks at what has grown old.
EVERY = 60.0
PRUNE_EVERY = 60
#: Fits that are kept in memory until they are written.
FITS_KEPT = 10_000
#: Routes that are asked by machines all day long, and would drown everything else.
PROBES = frozenset({"/healthz", "/readyz", "/metrics"})
#: After everything.
FOR_EVER = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True)
class PageRun:
    """One run of a page's script.

    Attributes:
        page: its title.
        ms: from its first line to its last; what its fragments do later is not in it.
        failed: whether it broke off with an error that nobody had foreseen.
    """

    page: str
    ms: float
    failed: bool = False


def chosen_by_name(panel: Panel) -> bool:
    """Whether a panel is called as a source is: enough where nobody else's figures are fitted in the same process."""
    return panel.source in sources.sources()


def _now() -> datetime:
    return datetime.now(UTC)


class History:
    """What is remembered of the service. Safe to use from many threads; no method but `close` and `flush` waits long.

    Args:
        url: an SQLAlchemy address; `settings.db_url()` by default; ``sqlite://`` keeps a day in memory.
        offered: whether a panel is one that every visitor may choose, so that its regions may be named.
        every: seconds between two writes; None writes only when `flush` is called.
        now: the clock.
    """

    def __init__(
        self,
        url: str | None = None,
        offered: Callable[[Panel], bool] = chosen_by_name,
        every: float | None = EVERY,
        now: Callable[[], datetime] = _now,
    ) -> None:
        self._database = Database(url or settings.db_url(), tables.TABLES)
        self._offered, self._now = offered, now
        self.server = uuid.uuid4().hex[:12]
        self._tally = Tally(self.server)
        self._fits: deque[Fit] = deque(maxlen=FITS_KEPT)
        self._noting, self._writing = threading.Lock(), threading.Lock()
        self._writes = 0
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(every,), name="history", daemon=True)
        if every is not None:
            self._thread.start()
            atexit.register(self.close)

    @property
    def notes(self) -> tuple[str, ...]:
        """What a person should know of the database: what was set aside, and whether it is left out at present."""
        return self._database.notes

    # What happens.

    def answered(self, answered: Answered) -> None:
        """An `Observer` of `watching`: the API has answered."""
        if answered.route not in PROBES:
            self._tally.add(self._now(), "api", answered.route, answered.status, answered.ms)

    def ran(self, run: PageRun) -> None:
        """A page's script has run."""
        self._tally.add(self._now(), "page", run.page, 500 if run.failed else 200, run.ms)

    def ended(self, ended: Ended) -> None:
        """A fit has ended; `JobQueue.observe` takes this. Nothing of the request is kept but names that everybody may see."""
        fit = self._fit(ended)
        with self._noting:
            self._fits.append(fit)

    def pick(self, *picks: Pick) -> bool:
        """The best models as they are found now; whether they could be kept.

        A series has a row for as long as its model stays the best: it is confirmed, and has the newest figures.
        """
        moment = self._now()
        return bool(self._database.use("write", lambda connection: rows.pick(connection, picks, moment)))

    def flush(self) -> None:
        """Write what has not been written yet."""
        with self._writing:
            answers, fits = self._tally.answers(), self._fits_here()
            if not answers and not fits:
                return
            done = self._database.use("write", lambda connection: rows.write(connection, self.server, answers, fits))
            self._tally.forget(answers if done else [], self._now())
            gone = set(map(id, fits if done else []))
            with self._noting:
                self._fits = deque((fit for fit in self._fits if id(fit) not in gone), FITS_KEPT)

    def close(self) -> None:
        """Write the rest and let go of the database. More than once does no harm."""
        atexit.unregister(self.close)
        self._over.set()
        if self._thread.is_alive():
            self._thread.join(timeout=10)
        self.flush()
        self._database.close()

    # What there is to know.

    def latency(self, since: datetime, until: datetime | None = None, by: By = "route", kind: str = "") -> pd.DataFrame:
        """See `summaries.latency`; of a `kind` (``api`` or ``page``) only, if that is given."""
        return summaries.latency(self.answers(since, until, kind), by)

    def failures(self, since: datetime, until: datetime | None = None) -> pd.DataFrame:
        """See `summaries.failures`."""
        return summaries.failures(self.answers(since, until), self.fits(since, until))

    def slowest(self, count: int, since: datetime, until: datetime | None = None) -> pd.DataFrame:
        """See `summaries.slowest`."""
        return summaries.slowest(self.fits(since, until), count)

    def fits_by_model(self, since: datetime, until: datetime | None = None) -> pd.DataFrame:
        """See `summaries.fits_by_model`."""
        return summaries.fits_by_model(self.fits(since, until))

    def answers(self, since: datetime, until: datetime | None = None, kind: str = "") -> list[Answers]:
        """All that was answered in that time, of one kind if that is given."""
        query = rows.select_answers(since, until, kind)
        with self._writing:  # else what is just being written would be missing, or there twice
            here = {one.name: one for one in self._tally.answers()}
            found = self._database.use("read", lambda connection: connection.execute(query).all()) or []
        stored = [rows.answers_of(row) for row in found]
        mine = [one for one in here.values() if since <= one.begins < (until or FOR_EVER) and kind in ("", one.kind)]
        return [one for one in stored if one.server != self.server or one.name not in here] + mine

    def fits(self, since: datetime, until: datetime | None = None) -> pd.DataFrame:
        """Every fit that ended in that time, the first one first: its columns are the attributes of `Fit`."""
        names = list(Fit.__dataclass_fields__)
        columns = [FITS.c[name] for name in names]
        query = sa.select(*columns).where(*rows.within(FITS.c.ended, since, until)).order_by(FITS.c.id)
        with self._writing:
            here = [astuple(fit) for fit in self._fits_here() if since <= fit.ended < (until or FOR_EVER)]
            found = self._database.use("read", lambda connection: connection.execute(query).all()) or []
        table = pd.DataFrame([*map(tuple, found), *here], columns=names)
        return table.assign(ended=pd.to_datetime(table["ended"], utc=True))

    def picks(self, source: str | None = None, region: str | None = None) -> pd.DataFrame:
        """Which model was best of which series from when to when, the newest first.

        Columns ``source``, ``statistic``, ``region``, ``model``, ``before`` (the model until then; empty for the first),
        ``relative_wis``, ``runner_up``, ``origins``, ``first_picked`` and ``last_confirmed``.
        """
        columns = [column for column in PICKS.c if column.name != "id"]
        query = sa.select(*columns).order_by(PICKS.c.first_picked.desc(), PICKS.c.id.desc())
        if source is not None:
            query = query.where(PICKS.c.source == source)
        if region is not None:
            query = query.where(PICKS.c.region == region)
        found = self._database.use("read", lambda connection: connection.execute(query).all()) or []
        table = pd.DataFrame([tuple(row) for row in found], columns=[column.name for column in columns])
        times = ["first_picked", "last_confirmed"]
        return table.assign(**{name: pd.to_datetime(table[name], utc=True) for name in times})

    def _fits_here(self) -> list[Fit]:
        """What is not written yet."""
        with self._noting:
            return list(self._fits)

    def _fit(self, ended: Ended) -> Fit:
        request = ended.request
        fit = Fit(self._now(), self.server, request.model, ended.outcome, ended.seconds, regions=ended.regions)
        pool = request.pool if isinstance(request, PoolRequest) else request.series.pool
        if pool is None or not self._offered(pool.panel):
            return fit
        region = "" if isinstance(request, PoolRequest) else request.series.region
        return replace(fit, source=pool.panel.source[:100], statistic=pool.statistic[:100], region=region[:200])

    def _run(self, every: float) -> None:
        while not self._over.wait(every):
            try:
                self.flush()
                if self._writes % PRUNE_EVERY == 0:
                    self._database.use("write", lambda connection: prune(connection, self._now()))
                self._writes += 1
            except Exception:  # a fault here must not end the history for good
                log.exception("Writing the history went wrong")
