"""Forecast more series than memory should hold: each is prepared, fitted, written and forgotten, in their order."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from forecasting.cli.forecast_batch import BatchSeries, batch_table, fits, print_panel_notes, request_for
from forecasting.cli.model_options import FitPlan
from forecasting.cli.output import print_notes
from forecasting.cli.stop_signals import held_back
from forecasting.cli.table_writer import TableWriter
from forecasting.data.forecast import Forecast
from forecasting.data.panel import Panel, Statistic
from forecasting.jobs import Job
from forecasting.jobs.request import Request
from forecasting.models import BlendedModel, PooledModel, model
from forecasting.preparation.note_summary import summarise_notes
from forecasting.services.data_notes import model_notes

#: Series whose forecasts are written together.
WRITTEN_AT_ONCE = 1000
#: From so many series on the forecasts are written as they come.
STREAMED_FROM = 2000


def streamed(
    panel: Panel, statistics: Sequence[Statistic], regions: Sequence[str] | None, plan: FitPlan, output: Path | None
) -> bool:
    """Whether the forecasts are to be written as they come: those of many regions of one statistic, by models that fit each alone.

    A workbook is made in memory, and pooled models hold all regions at once anyway.
    """
    if (
        regions
        or len(statistics) > 1
        or plan.covariates
        or plan.holidays
        or len(panel.regions(statistics[0].name)) < STREAMED_FROM
    ):
        return False
    alone = not any(isinstance(one, PooledModel | BlendedModel) for one in map(model, plan.names))
    return alone and (output is None or output.suffix.lower() != ".xlsx")


@dataclass(eq=False)
class _Series:
    """A series on its way: what it is waited for, by key, and what has come."""

    one: BatchSeries
    waited_for: dict[str, str]
    jobs: dict[str, Job] = field(default_factory=dict)

    @property
    def is_complete(self) -> bool:
        return len(self.jobs) == len(self.waited_for)

    @property
    def forecasts(self) -> list[Forecast]:
        """Those that there are, in the order of the models."""
        jobs = [self.jobs[key] for key in self.waited_for if key in self.jobs]
        return [job.forecast for job in jobs if job.forecast]


class ForecastStream:
    """The forecasts of one statistic's regions as they come, for a command that cannot hold all of them.

    Attributes:
        failures: a sentence for each series, or series and model, without a forecast.
    """

    def __init__(self, panel: Panel, statistic: Statistic, plan: FitPlan) -> None:
        self._panel, self._statistic, self._plan = panel, statistic, plan
        self._count = len(panel.regions(statistic.name))
        self._pending: deque[_Series] = deque()
        self._waiting: dict[str, list[_Series]] = {}
        self._series_notes: dict[str, tuple[str, ...]] = {}
        self._model_notes: list[tuple[str, str, tuple[str, ...]]] = []
        self._ended = 0  # series and models that are done, or cannot be
        self.failures: list[str] = []

    def write(self, batch: Iterable[BatchSeries], writer: TableWriter) -> None:
        """Forecast `batch` and write it, a thousand series at a time; after an interruption what is finished by then."""
        ready = list[tuple[BatchSeries, list[Forecast]]]()
        with fits(self._requests(batch), self._count * len(self._plan.names), self._plan.workers) as ended:
            for request, job in ended:
                self._note(request, job)
                ready += self._complete()
                if len(ready) >= WRITTEN_AT_ONCE:
                    with held_back():
                        writer.write(batch_table(ready))
                        ready = []
        writer.write(batch_table([*ready, *self._left()]))
        self._finish()

    def _requests(self, batch: Iterable[BatchSeries]) -> Iterator[Request]:
        for one in batch:
            wanted = {}
            if one.series is None:
                self._ended += len(self._plan.names)
                self.failures.append(f"{one.name}: {one.why_not}")
            else:
                self._series_notes[one.region] = one.series.notes
                requests = [request_for(one.series, name, self._plan.horizon) for name in self._plan.names]
                wanted = {request.key: request for request in requests}
            series = _Series(one, {key: request.model for key, request in wanted.items()})
            self._pending.append(series)
            for key, request in wanted.items():
                self._waiting.setdefault(key, []).append(series)
                yield request

    def _note(self, request: Request, job: Job) -> None:
        for series in self._waiting.pop(request.key, []):
            self._ended += 1
            series.jobs[request.key] = job
            if job.forecast is None:
                self.failures.append(f"{series.one.name}, {request.model}: {job.error or job.state}")
            else:
                self._model_notes.append((series.one.region, request.model, job.forecast.notes))

    def _complete(self) -> Iterator[tuple[BatchSeries, list[Forecast]]]:
        """The first series as far as all their jobs have ended."""
        while self._pending and self._pending[0].is_complete:
            series = self._pending.popleft()
            yield series.one, series.forecasts

    def _left(self) -> list[tuple[BatchSeries, list[Forecast]]]:
        """What there is of the series that are not complete."""
        return [(series.one, series.forecasts) for series in self._pending]

    def _finish(self) -> None:
        total = self._count * len(self._plan.names)
        print_panel_notes(self._panel, [self._statistic.name], summarise_notes(self._series_notes))
        print_notes(model_notes(self._model_notes))
        if missing := total - self._ended:
            left = f"Interrupted with {missing:,} of {total:,} to go; the same command goes on from there."
            self.failures.append(left)
