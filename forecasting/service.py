"""The one door for pages, API and command line: what is asked -> a stored forecast or a live job."""

from __future__ import annotations

import itertools
import threading
from collections import OrderedDict
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import pandas as pd

from forecasting import prepare, sources
from forecasting.backtest import HoldOut, hold_out
from forecasting.errors import DataError, JobError
from forecasting.jobs import Job, JobQueue, QueueFull
from forecasting.panel import Panel
from forecasting.request import Request
from forecasting.scoring import Score
from forecasting.series import Forecast, Series
from forecasting.store import Store

#: Prepared series kept in memory; each is a few kilobytes.
SERIES_KEPT = 256
#: Fits in the queue at once when many are asked for: enough to keep every worker busy.
IN_FLIGHT = 64


@dataclass(frozen=True)
class LookBack:
    """How good the models were on the last four weeks.

    Attributes:
        scores: of the models that are done, best first.
        jobs: every model's job on the held-out series, by name.
        periods: how many periods were put aside.
        why_not: a sentence when there is no looking back (too little history).
    """

    scores: tuple[Score, ...]
    jobs: dict[str, Job]
    periods: int
    why_not: str | None = None

    @property
    def waiting(self) -> bool:
        """Whether some model is still being judged."""
        return any(not job.finished for job in self.jobs.values())

    def of(self, model: str) -> Score | None:
        """One model's score, when it is there."""
        return next((score for score in self.scores if score.model == model), None)


class Service:
    """Forecasts on request. One per process; safe to call from many threads; nothing here waits for a fit but `wait`."""

    def __init__(self, store: Store | None = None, queue: JobQueue | None = None) -> None:
        self.store = store or Store()
        self.queue = queue or JobQueue(self.store)
        self._series: OrderedDict[tuple[str, str, str], tuple[pd.DataFrame, Series]] = OrderedDict()
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

    def look_back(self, series: Series, models: list[str]) -> LookBack:
        """The last four weeks forecast from the data before them, in the background; seasonal naive beside the rest."""
        try:
            held: HoldOut = hold_out(series)
        except DataError as error:
            return LookBack((), {}, 0, str(error))
        try:
            jobs = self.ask(held.requests(models), background=True)
        except QueueFull as error:
            return LookBack((), {}, 0, str(error))
        done = {name: job.forecast for name, job in jobs.items() if job.forecast is not None}
        return LookBack(tuple(held.scores(done)) if "naive" in done else (), jobs, len(held.truth))

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


def _some_finished(jobs: list[Job]) -> bool:
    return any(job.finished for job in jobs)


def forecasts_table(region: str, series: Series, forecasts: Iterable[Forecast]) -> pd.DataFrame:
    """The forecasts table of one region; running totals where the person asked for those."""
    before = series.total if series.cumulative else None
    tables = [forecast.table(region, before) for forecast in forecasts]
    return pd.concat(tables, ignore_index=True)
