"""Service: pages, API and command line ask it for forecasts, and get a stored one or a job in the background."""

from __future__ import annotations

import weakref
from collections.abc import Iterable, Iterator

import pandas as pd

from forecasting import sources
from forecasting.data.forecast import Forecast, stack_forecasts
from forecasting.data.panel import Panel
from forecasting.data.panel_cache import PerPanel
from forecasting.data.revisions import Revision, expected_revisions
from forecasting.data.series import Series
from forecasting.jobs import Job, JobQueue
from forecasting.jobs.request import Request
from forecasting.models.pretrained import SHORTEST
from forecasting.preparation import prepare
from forecasting.services.external_forecasts import ExternalForecasts
from forecasting.services.forecast_changes import ForecastChanges
from forecasting.services.run import Run
from forecasting.services.stream_fits import StreamFits
from forecasting.services.track_records import TrackRecords
from forecasting.storage.forecast_store import ForecastStore
from forecasting.support.caching import SingleFlight
from forecasting.support.errors import JobError

#: Prepared series of a panel kept in memory; each is small.
SERIES_KEPT = 256
#: Instant models whose forecast is drawn until one that was asked for is there: the first that can forecast the series.
FIRST_ANSWERS = ("pretrained", "naive")


class Service:
    """Forecasts on request. One per process; safe to call from many threads; nothing here waits for a fit but `wait`.

    Attributes:
        track_records: earlier dates forecast again, and how good that was.
        forecast_changes: why forecasts moved.
        external_forecasts: what others have forecast, for comparison.
        stream_fits: forecasts of series that grow all the time.
    """

    def __init__(self, store: ForecastStore | None = None, queue: JobQueue | None = None) -> None:
        self.store = store or ForecastStore()
        self.queue = queue or JobQueue(self.store)
        self._series: PerPanel[Series] = PerPanel(SERIES_KEPT)
        self._revisions: PerPanel[tuple[Revision, ...]] = PerPanel(SERIES_KEPT)
        self._loader = SingleFlight()
        self._offered: dict[str, weakref.ref[pd.DataFrame]] = {}
        self.track_records = TrackRecords(self.queue, self.series, self._loader)
        self.forecast_changes = ForecastChanges(self.queue, self.track_records)
        self.external_forecasts = ExternalForecasts(self._loader)
        self.stream_fits = StreamFits(self.queue, self.store)

    def panel(self, source: str, patience: float | None = None) -> Panel | None:
        """The figures of a source, from its local copy where that is fresh, else downloaded in the background.

        None when they are not here after `patience` seconds: ask again, the download goes on. Without `patience`, waits.
        Raises `SourceError`, `RequestError`.
        """
        known = sources.source(source)
        found = self._loader.result(source, known.panel, patience) if known.live else known.panel()
        if found is not None:
            self._offered[source] = weakref.ref(found.table)
        return found

    def offers(self, panel: Panel) -> bool:
        """Whether the panel is a source's own, which every visitor may see, and not an upload with the same name."""
        table = self._offered.get(panel.source)
        return table is not None and table() is panel.table

    def series(self, panel: Panel, region: str, statistic: str, window: int | None = None) -> Series:
        """One region's prepared series, its last `window` periods if given. Raises `DataError`, `RequestError`."""
        name = (panel.source, region, statistic)
        series = self._series.get(panel, name, lambda: prepare.prepare(panel, region, statistic))
        return series.tail(window) if window else series

    def revisions(self, panel: Panel, region: str, statistic: str) -> tuple[Revision, ...]:
        """What the last figures of a region usually become, where its source keeps what was published when.

        Less those that `series` has corrected already and says so.
        """
        name = (panel.source, region, statistic)
        found = self._revisions.get(panel, name, lambda: expected_revisions(panel, region, statistic))
        reported = self.series(panel, region, statistic).reported if found else None
        return found if reported is None else tuple(one for one in found if one.date not in reported.index)

    def submit(self, requests: Iterable[Request], background: bool = False, retry: bool = False) -> dict[str, Job]:
        """A job for each request, by model, without waiting: done at once where the forecast is stored or instant.

        Asking again for the same is asking for the same job. `retry` starts a failed or cancelled one anew. Raises
        `QueueFull` with how many wait.
        """
        jobs = {request.model: self.queue.submit(request, background=background, retry=retry) for request in requests}
        self.queue.watch([job.key for job in jobs.values()])
        return jobs

    def first_answer(self, series: Series, horizon: int) -> Forecast | None:
        """The forecast to draw until a model that was asked for has one: the pretrained network's, at once and without a fit.

        Seasonal naive's where the network cannot take part: without its package, and of a single figure. None where there is
        none of that either.
        """
        for name in FIRST_ANSWERS if len(series) >= SHORTEST else FIRST_ANSWERS[1:]:
            if (job := self.queue.submit(Request(series, name, horizon))).forecast is not None:
                return job.forecast
        return None

    def cancel(self, key: str) -> None:
        """End a job, whoever started it."""
        self.queue.cancel(key)

    def forecast(self, series: Series, model: str, horizon: int) -> Forecast:
        """Wait for one forecast. Raises `JobError` or `ModelError`'s sentence as `JobError` when there is none."""
        (job,) = self.wait(self.submit([Request(series, model, horizon)]).values())
        if job.forecast is None:
            raise JobError(job.error or f"{model} was {job.state}.")
        return job.forecast

    def wait(self, jobs: Iterable[Job]) -> list[Job]:
        """Wait until every job has ended."""
        return self.queue.wait([job.key for job in jobs])

    def run(self, requests: Iterable[Request]) -> Iterator[tuple[Request, Job]]:
        """Every request with its ended job, as they end; never more than `IN_FLIGHT` in the queue at once.

        Those of instant models are fitted many at once, and are nothing to wait for; a worker fits many at once of a model that gains
        from it.
        """
        yield from Run(self.queue, self.store).of(requests)

    def forget(self, panel: Panel) -> None:
        """Let the queue hold nothing of this panel; what was worked out of it goes with it. Stored forecasts stay."""
        self.queue.forget(panel)
        self.stream_fits.forget(panel.source)

    def close(self) -> None:
        """End the workers and close the store."""
        self._loader.close()
        self.queue.close()
        self.store.close()


def forecasts_table(region: str, series: Series, forecasts: Iterable[Forecast]) -> pd.DataFrame:
    """The forecasts table of one region; running totals where the person asked for those."""
    before = series.total if series.cumulative else None
    return stack_forecasts([(region, forecast, before) for forecast in forecasts])
