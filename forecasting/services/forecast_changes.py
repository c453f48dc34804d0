"""Forecast changes: why a forecast moved since an earlier date, from fits that run in the background as any other."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from forecasting.data.panel import Panel
from forecasting.data.panel_cache import PerPanel
from forecasting.data.series import Series
from forecasting.data.training_options import ALL_HISTORY, TrainingOptions
from forecasting.evaluation.forecast_change import ForecastChange, change_task, without_revisions
from forecasting.jobs import Job, JobQueue, QueueFull
from forecasting.services.track_records import TrackRecords
from forecasting.support.errors import DataError, RequestError

#: Panels without revisions that a panel keeps, each as large as its own table.
UNREVISED_KEPT = 2


@dataclass(frozen=True)
class ChangeProgress:
    """A change of a forecast as far as its fits have come.

    Attributes:
        change: None while it is not known.
        jobs: the earlier forecast, that of unrevised figures and the present one, as far as the queue has taken them.
        why_not: a sentence where there is nothing to tell; empty otherwise.
        full: the queue's sentence, when it would not take all of it yet.
    """

    change: ForecastChange | None = None
    jobs: tuple[Job, ...] = ()
    why_not: str = ""
    full: str = ""

    @property
    def waiting(self) -> bool:
        """Whether it will be known without anybody's doing."""
        return self.change is None and not self.why_not


class ForecastChanges:
    """Why forecasts moved; part of a `Service`, whose queue and earlier dates it uses."""

    def __init__(self, queue: JobQueue, track_records: TrackRecords) -> None:
        self._queue, self._track_records = queue, track_records
        self._unrevised: PerPanel[Panel] = PerPanel(UNREVISED_KEPT)

    def change(
        self,
        panel: Panel,
        series: Series,
        statistic: str,
        model: str,
        horizon: int,
        steps: int,
        *,
        since: pd.Timestamp | None = None,
        training: TrainingOptions = ALL_HISTORY,
        retry: bool = False,
    ) -> ChangeProgress:
        """What moved the forecast of the next `steps` periods since a date, without waiting for a fit: ask again.

        Args:
            series: the region as it stands, with what models learn from chosen.
            horizon: the steps that the present forecast is asked for.
            since: only what was published before it counts; by default a week of days, or else a period, ago.
            training: what models learn from, as of each date.
        """
        try:
            task = change_task(
                panel, series, statistic, min(steps, horizon), since, training, self._track_records.at, self._alike
            )
            requests = task.requests(model, horizon)
        except (DataError, RequestError) as error:
            return ChangeProgress(why_not=str(error))
        jobs: list[Job] = []
        try:
            jobs = [self._queue.submit(request, retry=retry) for request in requests]
        except QueueFull as error:
            return ChangeProgress(full=str(error))
        self._queue.watch([job.key for job in jobs])
        failed = next((job for job in jobs if job.finished and job.forecast is None), None)
        if failed is not None:
            return ChangeProgress(None, tuple(jobs), failed.error or f"The forecast was {failed.state}.")
        earlier, unrevised, now = (job.forecast for job in jobs)
        if earlier is None or unrevised is None or now is None:
            return ChangeProgress(None, tuple(jobs))
        members = {job.model: job.forecast for job in self._queue.jobs(one.key for one in requests[-1].members)}
        known = {name: forecast for name, forecast in members.items() if forecast is not None}
        return ChangeProgress(task.change(earlier, unrevised, now, known, panel.has_vintages()), tuple(jobs))

    def _alike(self, panel: Panel, since: pd.Timestamp) -> Panel:
        return self._unrevised.get(panel, since, lambda: without_revisions(panel, since))
