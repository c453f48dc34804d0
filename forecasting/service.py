"""The one door for pages, API and command line: what is asked -> a stored forecast or a live job."""

from __future__ import annotations

import itertools
import threading
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd

from forecasting import prepare, sources
from forecasting.backtest import Cut, cut, rolling
from forecasting.columns import FORECASTS
from forecasting.errors import DataError, JobError
from forecasting.evaluation import score_forecasts
from forecasting.jobs import Job, JobQueue, QueueFull
from forecasting.panel import Panel
from forecasting.request import Request
from forecasting.scoring import Score, score
from forecasting.series import Forecast, Series
from forecasting.store import Store

#: Prepared series kept in memory; each is a few kilobytes.
SERIES_KEPT = 256
#: Rows of earlier states of panels kept in memory, about 50 bytes each.
ROWS_KEPT = 1_000_000
#: Fits in the queue at once when many are asked for: enough to keep every worker busy.
IN_FLIGHT = 64


@dataclass(frozen=True)
class LookBack:
    """How good the models were at the last origins.

    Attributes:
        scores: of the models of which some origin is done, best first; seasonal naive among them.
        jobs: every model's jobs, an origin each.
        origins: the dates that were forecast from, oldest first.
        horizon: periods ahead.
        why_not: a sentence when there is no looking back (too little history).
        begun: False while nothing has been asked for yet.
        cuts: the region as it stood at each origin.
        forecasts: what is done, by model and place of the origin.
    """

    scores: tuple[Score, ...] = ()
    jobs: tuple[Job, ...] = ()
    origins: tuple[pd.Timestamp, ...] = ()
    horizon: int = 0
    why_not: str | None = None
    begun: bool = True
    cuts: tuple[Cut, ...] = ()
    forecasts: dict[tuple[str, int], Forecast] = field(default_factory=dict)

    @property
    def waiting(self) -> bool:
        """Whether some model is still being judged."""
        return not self.begun or any(not job.finished for job in self.jobs)

    def of(self, model: str) -> Score | None:
        """One model's score, when it is there."""
        return next((score for score in self.scores if score.model == model), None)


class Service:
    """Forecasts on request. One per process; safe to call from many threads; nothing here waits for a fit but `wait`."""

    def __init__(self, store: Store | None = None, queue: JobQueue | None = None) -> None:
        self.store = store or Store()
        self.queue = queue or JobQueue(self.store)
        self._series: OrderedDict[tuple[str, str, str], tuple[pd.DataFrame, Series]] = OrderedDict()
        self._looked_back: OrderedDict[tuple[object, ...], tuple[pd.DataFrame, list[Cut]]] = OrderedDict()
        self._stood: OrderedDict[tuple[str, pd.Timestamp], tuple[pd.DataFrame, Panel]] = OrderedDict()
        self._loaders = ThreadPoolExecutor(max_workers=4, thread_name_prefix="source")
        self._loading: dict[str, Future[Panel]] = {}
        self._lock = threading.Lock()

    def panel(self, source: str, patience: float | None = None) -> Panel | None:
        """The figures of a source, from its local copy where that is fresh, else downloaded in the background.

        None when they are not here after `patience` seconds: ask again, the download goes on. Without `patience`, waits.
        Raises `SourceError`, `RequestError`.
        """
        known = sources.source(source)
        if not known.live:
            return known.panel()
        with self._lock:
            if source not in self._loading:
                self._loading[source] = self._loaders.submit(known.panel)
            loading = self._loading[source]
        try:
            return loading.result(patience)
        except TimeoutError:
            return None
        finally:
            if loading.done():
                with self._lock:
                    self._loading.pop(source, None)

    def series(self, panel: Panel, region: str, statistic: str, window: int | None = None) -> Series:
        """One region's prepared series, its last `window` periods if given. Raises `DataError`, `RequestError`."""
        name = (panel.source, region, statistic)
        with self._lock:
            table, series = self._series.get(name, (None, None))
        if series is None or table is not panel.table:
            series = prepare.prepare(panel, region, statistic)
            with self._lock:
                self._series[name] = panel.table, series
                while len(self._series) > SERIES_KEPT:
                    self._series.popitem(last=False)
        return series.tail(window) if window else series

    def ask(self, requests: Iterable[Request], background: bool = False, retry: bool = False) -> dict[str, Job]:
        """A job for each request, by model, without waiting: done at once where the forecast is stored or instant.

        Asking again for the same is asking for the same job. `retry` starts a failed or cancelled one anew. Raises
        `QueueFull` with how many wait.
        """
        jobs = {request.model: self.queue.submit(request, background=background, retry=retry) for request in requests}
        self.queue.watch([job.key for job in jobs.values()])
        return jobs

    def look_back(
        self,
        panel: Panel,
        region: str,
        statistic: str,
        models: Sequence[str],
        window: int | None = None,
        origins: int | None = None,
    ) -> LookBack:
        """The last origins forecast again from what was known then, in the background; seasonal naive beside the rest.

        Daily counts: origins a week apart (four unless told otherwise), 28 days ahead. Others: origins a period apart
        (eight), four periods ahead.
        """
        now = self.series(panel, region, statistic)
        usual, step, horizon = (4, 7, 28) if now.frequency.name == "daily" else (8, 1, 4)
        origins = origins or usual
        try:
            cuts = self._cuts(panel, region, statistic, horizon, origins, step)
            jobs = [
                self.queue.submit(_windowed(cut, window).request(name, horizon), background=True)
                for cut in cuts
                for name in dict.fromkeys(["naive", *models])
            ]
        except (DataError, QueueFull) as error:
            return LookBack(why_not=str(error))
        self.queue.watch([job.key for job in jobs])
        names = tuple(dict.fromkeys(["naive", *models]))
        done = {(job.model, i // len(names)): job.forecast for i, job in enumerate(jobs) if job.forecast is not None}
        scores = [found for name in names if (found := score_cuts(name, cuts, done, now, horizon))]
        dates = tuple(cut.origin for cut in cuts)
        best_first = tuple(sorted(scores, key=lambda s: s.error))
        return LookBack(best_first, tuple(jobs), dates, horizon, cuts=tuple(cuts), forecasts=done)

    def _cuts(self, panel: Panel, region: str, statistic: str, horizon: int, origins: int, step: int) -> list[Cut]:
        """The region at its last origins, oldest first; kept, for preparing a panel anew at each is work."""
        name = (panel.source, region, statistic, horizon, origins, step)
        with self._lock:
            table, cuts = self._looked_back.get(name, (None, []))
        if table is panel.table:
            return cuts
        dates = rolling(panel, region, statistic, horizon, origins, step)
        cuts = [cut(self._as_of(panel, date), region, statistic, date) for date in dates]
        with self._lock:
            self._looked_back[name] = panel.table, cuts
            while len(self._looked_back) > SERIES_KEPT:
                self._looked_back.popitem(last=False)
        return cuts

    def _as_of(self, panel: Panel, date: pd.Timestamp) -> Panel:
        """The panel as it stood then; the last few are kept, for every region asks for the same dates."""
        with self._lock:
            table, known = self._stood.get((panel.source, date), (None, panel))
        if table is panel.table:
            return known
        known = panel.as_of(date)
        with self._lock:
            self._stood[panel.source, date] = panel.table, known
            while sum(len(kept.table) for _, kept in self._stood.values()) > ROWS_KEPT and len(self._stood) > 1:
                self._stood.popitem(last=False)
        return known

    def cancel(self, key: str) -> None:
        """End a job, whoever started it."""
        self.queue.cancel(key)

    def forecast(self, series: Series, model: str, horizon: int) -> Forecast:
        """Wait for one forecast. Raises `JobError` or `ModelError`'s sentence as `JobError` when there is none."""
        (job,) = self.wait(self.ask([Request(series, model, horizon)]).values())
        if job.forecast is None:
            raise JobError(job.error or f"{model} was {job.state}.")
        return job.forecast

    def wait(self, jobs: Iterable[Job]) -> list[Job]:
        """Wait until every job has ended."""
        return self.queue.wait([job.key for job in jobs])

    def run(self, requests: Iterable[Request]) -> Iterator[tuple[Request, Job]]:
        """Every request with its ended job, as they end; never more than `IN_FLIGHT` in the queue at once."""
        coming = iter(requests)
        waiting: dict[str, list[Request]] = {}
        while True:
            for request in itertools.islice(coming, IN_FLIGHT - len(waiting)):
                self.queue.submit(request)
                waiting.setdefault(request.key, []).append(request)
            if not waiting:
                return
            for job in self.queue.wait(list(waiting), until=_some_finished):
                if job.finished:
                    yield from ((request, job) for request in waiting.pop(job.key))

    def close(self) -> None:
        """End the workers and close the store."""
        self._loaders.shutdown(wait=False, cancel_futures=True)
        self.queue.close()
        self.store.close()


def _windowed(cut: Cut, window: int | None) -> Cut:
    return replace(cut, series=cut.series.tail(window)) if window else cut


def score_cuts(
    model: str, cuts: Sequence[Cut], done: dict[tuple[str, int], Forecast], now: Series, horizon: int
) -> Score | None:
    """One model against what came, over the cuts where it and seasonal naive are done; None where there is none.

    Args:
        done: forecasts by model and place of the cut.
        now: the series as it is known now, which holds what came.
    """
    places = [i for i in range(len(cuts)) if (model, i) in done and ("naive", i) in done]
    if not places:
        return None
    came, said, repeated = [], [], []
    for i in places:
        first = int(now.dates.searchsorted(cuts[i].origin, side="right"))
        came.append(now.values[first : first + horizon])
        said.append(done[model, i].values[cuts[i].gap :][: len(came[-1])])
        repeated.append(done["naive", i].values[cuts[i].gap :][: len(came[-1])])
    return score(model, np.concatenate(said), np.concatenate(repeated), np.concatenate(came))


def look_back_tables(past: LookBack, now: Series) -> tuple[pd.DataFrame, pd.DataFrame]:
    """What is done of a look back, as a forecasts table and its scores, a row a cell; both empty while nothing is."""
    tables = [past.cuts[place].table(forecast) for (_, place), forecast in past.forecasts.items()]
    if not tables:
        return pd.DataFrame(columns=list(FORECASTS)), pd.DataFrame()
    forecasts = pd.concat(tables, ignore_index=True)
    came = pd.DataFrame({"region": past.cuts[0].region, "date": now.dates, "value": now.values})
    return forecasts, score_forecasts(forecasts, came)


def _some_finished(jobs: list[Job]) -> bool:
    return any(job.finished for job in jobs)


def forecasts_table(region: str, series: Series, forecasts: Iterable[Forecast]) -> pd.DataFrame:
    """The forecasts table of one region; running totals where the person asked for those."""
    before = series.total if series.cumulative else None
    tables = [forecast.table(region, before) for forecast in forecasts]
    return pd.concat(tables, ignore_index=True)
