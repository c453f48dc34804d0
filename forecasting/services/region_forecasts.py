"""Forecasts of a few regions side by side: asked for without waiting, and drawn from the first answer until they are there."""

from __future__ import annotations

import time
from dataclasses import dataclass

from forecasting import sources
from forecasting.data.forecast import Forecast
from forecasting.data.panel import Panel
from forecasting.data.series import Series
from forecasting.data.training_options import ALL_HISTORY, TrainingOptions
from forecasting.jobs import Job, QueueFull, State
from forecasting.jobs.request import Request
from forecasting.services.service import Service
from forecasting.support.errors import ForecastingError


@dataclass(frozen=True)
class RegionForecast:
    """One region's figures and what is expected of them now.

    Attributes:
        series: all the figures there are.
        forecast: the chosen model's; until it is there its draft, or another model's first answer.
        final: whether it is the chosen model's, and no draft.
        key: of the job; empty where the queue would not take it.
        cancelled: whether somebody has ended the job.
        error: why there will be no forecast of the chosen model, in a sentence.
    """

    region: str
    series: Series
    forecast: Forecast
    final: bool = True
    key: str = ""
    cancelled: bool = False
    error: str = ""

    @property
    def waiting(self) -> bool:
        """Whether a better forecast is on its way."""
        return not (self.final or self.cancelled or self.error)


@dataclass(frozen=True)
class RegionForecasts:
    """What there is of several regions so far.

    Attributes:
        ready: those that can be drawn, in the order in which they were asked for.
        failed: by region, why there is nothing to draw, in a sentence.
        to_prepare: how many regions' figures are still to be prepared.
        full: the queue's sentence, when it would take no more.
    """

    ready: tuple[RegionForecast, ...] = ()
    failed: tuple[tuple[str, str], ...] = ()
    to_prepare: int = 0
    full: str = ""

    @property
    def waiting(self) -> bool:
        """Whether there will be something new without anybody's doing."""
        return bool(self.to_prepare or self.full) or any(one.waiting for one in self.ready)


@dataclass(frozen=True)
class RegionsQuestion:
    """Statistic, model, horizon and training options that are asked of each of some regions of a panel."""

    panel: Panel
    statistic: str
    regions: tuple[str, ...]
    model: str
    horizon: int
    training: TrainingOptions = ALL_HISTORY


def request_regions(
    service: Service, question: RegionsQuestion, patience: float | None = None, retry: bool = False
) -> RegionForecasts:
    """Ask for every region's forecast without waiting for a fit; the same question again gives the same jobs.

    Args:
        patience: seconds after which no further region's figures are prepared: the next look goes on. None prepares all.
        retry: begin again what failed or was cancelled.
    """
    until = time.monotonic() + patience if patience is not None else float("inf")
    ready, failed, full = list[RegionForecast](), list[tuple[str, str]](), ""
    for place, region in enumerate(question.regions):
        if ready and time.monotonic() > until:
            return RegionForecasts(tuple(ready), tuple(failed), len(question.regions) - place, full)
        try:
            series = service.series(question.panel, region, question.statistic)
            request = Request(question.training.of(series), question.model, question.horizon)
        except ForecastingError as error:
            failed.append((region, str(error)))
            continue
        job = None
        try:
            job = _submit(service, question, request, retry)
        except QueueFull as error:
            full = str(error)
        answer = _answer(service, request, series, region, job)
        if answer is None:
            failed.append((region, (job and job.error) or "There are too few figures for a forecast."))
        else:
            ready.append(answer)
    return RegionForecasts(tuple(ready), tuple(failed), 0, full)


def _submit(service: Service, question: RegionsQuestion, request: Request, retry: bool) -> Job:
    """The job of one region; of a source whose figures come by themselves one full fit follows the other."""
    source = sources.sources().get(question.panel.source)
    if source is None or not source.streams:
        return service.submit([request], retry=retry)[request.model]
    name = (question.panel.source, question.statistic, request.series.region, question.training)
    return service.stream_fits.submit(name, [request], retry)[request.model]


def _answer(service: Service, request: Request, series: Series, region: str, job: Job | None) -> RegionForecast | None:
    """What can be drawn of one region now; None where no model can say anything."""
    if job is not None and job.forecast is not None:
        return RegionForecast(region, series, job.forecast, key=job.key)
    forecast = (job.draft if job else None) or service.first_answer(request.series, request.horizon)
    if forecast is None:
        return None
    if job is None:
        return RegionForecast(region, series, forecast, final=False)
    cancelled = job.state is State.cancelled
    error = (job.error or f"{job.model} was {job.state}.") if job.finished and not cancelled else ""
    return RegionForecast(region, series, forecast, False, job.key, cancelled, error)
