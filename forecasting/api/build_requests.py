"""Build the queue requests of an API request: which series it asks for, and a fit for each of its models."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import pandas as pd

from forecasting.api.answers import Backtests, subjects
from forecasting.api.job_register import JobPart, JobSpec
from forecasting.api.posted_panel import read_posted_panel
from forecasting.api.problem_details import UNREACHABLE, InvalidField, Problem
from forecasting.api.request_models import ForecastRequest
from forecasting.data.panel import Panel, Statistic
from forecasting.data.panel_cache import PerPanel
from forecasting.data.series import Series
from forecasting.data.training_options import TrainingOptions
from forecasting.jobs.request import Request
from forecasting.models import Model, model, models
from forecasting.preparation.prepare import prepare
from forecasting.services.data_notes import lost_region_notes, series_notes, unused_holiday_notes
from forecasting.services.service import Service
from forecasting.sources import default_statistic
from forecasting.support.errors import DataError, RequestError

#: Forecasts that one request may ask for.
MAX_FORECASTS = 500
#: Steps of all forecasts of a request together, a response of about 10 MB.
MAX_STEPS = 4_000
#: Seconds that a request waits for the download of a source.
DOWNLOAD_TIMEOUT = 2.0
#: Panels as of a date that are kept in memory.
PANELS_KEPT = 8
#: Series as of a date that are kept in memory.
SERIES_KEPT = 256


@dataclass(frozen=True)
class RequestedSeries:
    """The series of one region and statistic that a request asks for, or a sentence that says why there is none."""

    region: str
    statistic: Statistic
    series: Series | None
    why_not: str = ""


class RequestBuilder:
    """Turn API requests into jobs of a service. Safe to call from many threads; nothing here waits for a fit."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._panels: PerPanel[Panel] = PerPanel(PANELS_KEPT)
        self._series: PerPanel[Series] = PerPanel(SERIES_KEPT)

    def submit(self, request: ForecastRequest) -> JobSpec:
        """Submit all forecasts of a request to the queue; returns the job, with the key of each.

        Raises `Problem` 422 for data that do not exist, 503 while a source is downloaded or the queue is full.
        """
        panel, notes = self._panel(request)
        covariates = self._covariates(panel, request)
        training = TrainingOptions(request.window, tuple(covariates), request.holidays or "")
        statistics = self._statistics(panel, request)
        wanted = self._regions(panel, request, statistics)
        self._check_size(len(wanted) * len(request.names), request.horizon)
        requested = [
            self._requested_series(panel, region, statistic, request, training) for region, statistic in wanted
        ]
        if len(requested) == 1 and requested[0].series is None:
            sentence = requested[0].why_not
            raise Problem(422, sentence, [InvalidField("data" if request.source is None else "region", sentence)])
        several = len({one.statistic.name for one in requested}) > 1
        parts = tuple(self._submit_all(requested, request))
        series = {
            f"{one.region} ({one.statistic.name})" if several else one.region: one.series
            for one in requested
            if one.series is not None
        }
        data_notes = [*lost_region_notes(panel, (one.name for one in statistics)), *series_notes(series)]
        unused = [
            *_unused_options(request, covariates, requested),
            *unused_holiday_notes(series, request.holidays or ""),
        ]
        said = tuple(dict.fromkeys([*notes, *data_notes, *unused]))
        fitted = [(one.statistic.label, one.series) for one in requested if one.series for _ in request.names]
        backtests = self._backtests(panel, requested, request, training) if request.track_record else None
        return JobSpec(parts, request.levels, several, said, subjects(fitted), backtests)

    def _backtests(
        self, panel: Panel, requested: Sequence[RequestedSeries], request: ForecastRequest, training: TrainingOptions
    ) -> Backtests:
        """Submit the forecasts from earlier dates, those that pages show for the same horizon. Raises `Problem` 422 for several series."""
        if len(requested) > 1:
            sentence = "A track record takes many forecasts: ask for that of one 'region' and 'statistic' at a time."
            raise Problem(422, sentence, [InvalidField("track_record", sentence)])
        region, statistic = requested[0].region, requested[0].statistic.name
        past = self._service.track_records.track_record(
            panel,
            region,
            statistic,
            request.names,
            training,
            horizon=request.horizon,
            retry=request.retry,
            watched=False,
        )
        return Backtests.of(past, self._service.series(panel, region, statistic))

    def one_series(self, request: ForecastRequest) -> tuple[Panel, RequestedSeries]:
        """The panel and the series of a request for one region and statistic. Raises `Problem` as `submit` does."""
        panel, _ = self._panel(request)
        ((region, statistic),) = self._regions(panel, request, self._statistics(panel, request))
        return panel, self._requested_series(panel, region, statistic, request, TrainingOptions())

    def source_panel(self, source: str) -> Panel:
        """Return the panel of a source. Raises `Problem` 422 for an unknown source, 503 while it is downloaded."""
        with blame_field("source"):
            panel = self._service.panel(source, DOWNLOAD_TIMEOUT)
        if panel is None:
            sentence = f"The figures of '{source}' are being downloaded; ask again in half a minute."
            raise Problem(503, sentence, headers={"Retry-After": str(UNREACHABLE)})
        return panel

    def _panel(self, request: ForecastRequest) -> tuple[Panel, tuple[str, ...]]:
        """Return the panel as it was known at the requested date, and its notes."""
        when = pd.Timestamp(request.as_of) if request.as_of else None
        if request.source is None:
            panel = read_posted_panel(request)
            with blame_field("as_of"):
                return panel.as_of(when), tuple(dict.fromkeys((*panel.notes, *panel.kind_sentences)))
        current = self.source_panel(request.source)
        if when is None:
            return current, current.notes
        with blame_field("as_of"):
            return self._panels.get(current, (request.source, when), lambda: current.as_of(when)), current.notes

    @staticmethod
    def _covariates(panel: Panel, request: ForecastRequest) -> list[str]:
        with blame_field("covariates"):
            return [panel.covariate(name) for name in dict.fromkeys(request.covariates)]

    @staticmethod
    def _statistics(panel: Panel, request: ForecastRequest) -> list[Statistic]:
        """Return the requested statistic; without one all of a posted table, or the first of a source."""
        if request.statistic is None and request.source is None:
            return list(panel.statistics)
        with blame_field("statistic"):
            by_default = request.source if request.statistic is None else None
            asked = default_statistic(by_default, panel) if by_default else panel.statistic(request.statistic)
        with blame_field("as_of"):
            panel.check_published(asked.name)
        return [asked]

    @staticmethod
    def _regions(
        panel: Panel, request: ForecastRequest, statistics: Sequence[Statistic]
    ) -> list[tuple[str, Statistic]]:
        if request.region is None:
            return [(region, statistic) for statistic in statistics for region in panel.regions(statistic.name)]
        wanted = []
        for statistic in statistics:
            known = panel.regions(statistic.name)
            if request.region not in known:
                few = ", ".join(known[:6]) + (f" and {len(known) - 6} more" if len(known) > 6 else "")
                sentence = f"'{panel.source}' has no region '{request.region}' for {statistic.name}; it has {few}."
                raise Problem(422, sentence, [InvalidField("region", sentence)])
            wanted.append((request.region, statistic))
        return wanted

    @staticmethod
    def _check_size(count: int, horizon: int) -> None:
        if count > MAX_FORECASTS or count * horizon > MAX_STEPS:
            raise Problem(
                422,
                f"That is {count:,} forecasts of {horizon} steps; one request takes {MAX_FORECASTS} and {MAX_STEPS:,} steps of all "
                "together: give a 'region', fewer models or a shorter horizon.",
            )

    def _requested_series(
        self, panel: Panel, region: str, statistic: Statistic, request: ForecastRequest, training: TrainingOptions
    ) -> RequestedSeries:
        try:
            if request.source is None:
                series = prepare(panel, region, statistic.name)
            elif request.as_of is None:
                series = self._service.series(panel, region, statistic.name)
            else:
                name = (request.source, request.as_of, region, statistic.name)
                series = self._series.get(panel, name, lambda: prepare(panel, region, statistic.name))
            return RequestedSeries(region, statistic, training.of(series))
        except (DataError, RequestError) as error:
            return RequestedSeries(region, statistic, None, str(error))

    def _submit_all(self, requested: Sequence[RequestedSeries], request: ForecastRequest) -> Iterator[JobPart]:
        """Submit each model of each series. Several at once run in the background, after what a person waits for."""
        fits = [
            (one, Request(one.series, name, request.horizon))
            for one in requested
            if one.series
            for name in request.names
        ]
        self._service.store.preload([fit.key for _, fit in fits])
        self._service.queue.fit_instant(fit for _, fit in fits)
        for one, fit in fits:
            job = self._service.queue.submit(fit, background=len(fits) > 1, retry=request.retry)
            before = one.series.total if one.series and one.series.cumulative else None
            yield JobPart(one.region, one.statistic.name, fit.model, job.key, before)
        for one in requested:
            if one.series is None:
                yield JobPart(one.region, one.statistic.name, error=one.why_not)


class blame_field:  # noqa: N801 - read as a function: with blame_field("region")
    """Context manager that turns errors of the library into a `Problem` of that field."""

    def __init__(self, field: str) -> None:
        self._field = field

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, RequestError | DataError):
            raise Problem.of(error, self._field) from None


def _unused_options(
    request: ForecastRequest, covariates: Sequence[str], requested: Sequence[RequestedSeries]
) -> Iterator[str]:
    """Write notes on models and regions that do not use what was given."""
    uses: list[tuple[str, object, Callable[[Model], bool]]] = [
        ("covariates", covariates, lambda one: one.uses_covariates),
        ("holidays", request.holidays, lambda one: one.uses_holidays),
    ]
    for what, given, using in uses:
        without = [name for name in request.names if given and not using(model(name))]
        if without:
            others = ", ".join(name for name, one in models().items() if using(one))
            yield f"Without {what}: {', '.join(without)}. With them: {others}."
    if covariates and any(model(name).uses_covariates for name in request.names):
        alone = [one.region for one in requested if one.series is not None and one.series.around is None]
        if alone:
            yield f"Without other regions to learn covariates from: {', '.join(alone[:6])}."
