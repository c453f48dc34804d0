"""Forecast a batch of series: prepare them, fit with a progress bar, and describe each failure in a sentence."""

from __future__ import annotations

import logging
import os
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from forecasting.cli.model_options import FitPlan, warn_of_lonely_regions
from forecasting.cli.output import first_few, print_notes
from forecasting.cli.stop_signals import interruptible_once
from forecasting.data.columns import STATISTIC
from forecasting.data.forecast import Forecast, stack_forecasts
from forecasting.data.panel import Panel, Statistic
from forecasting.data.series import Series
from forecasting.jobs import Job, JobQueue
from forecasting.jobs.request import MAX_HORIZON, Request
from forecasting.jobs.workers.backends import choose_backend
from forecasting.preparation.prepare import prepare
from forecasting.services.data_notes import forecast_notes, lost_region_notes, series_notes, unused_holiday_notes
from forecasting.services.service import Service
from forecasting.storage.forecast_store import ForecastStore
from forecasting.support.errors import DataError, JobError, RequestError

log = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class BatchSeries:
    """One series of a batch, or a sentence that says why there is none; `extra_steps` are forecast beyond the horizon."""

    statistic: Statistic
    region: str
    series: Series | None
    why_not: str = ""
    extra_steps: int = 0

    @property
    def name(self) -> str:
        """Name of the series in messages."""
        return f"{self.region} ({self.statistic.name})"


def prepare_batch(
    panel: Panel,
    statistics: Sequence[Statistic],
    regions: Sequence[str] | None,
    covariates: Sequence[str] = (),
    holidays: str = "",
) -> Iterator[BatchSeries]:
    """Prepare the series of each statistic and region, of all regions by default. Raises `RequestError`."""
    for statistic in statistics:
        try:
            panel.check_published(statistic.name)
        except RequestError as error:
            if len(statistics) == 1:
                raise
            yield BatchSeries(statistic, "all regions", None, str(error))
            continue
        chosen = [known_region(panel, region, statistic) for region in dict.fromkeys(regions or ())]
        for region in chosen or panel.regions(statistic.name):
            try:
                series = prepare(panel, region, statistic.name).with_covariates(covariates).with_holidays(holidays)
            except (DataError, RequestError) as error:
                yield BatchSeries(statistic, region, None, str(error))
            except Exception:  # the other regions are forecast all the same
                log.exception("Preparing %s went wrong", region)
                why = "it could not be prepared, which is a fault of the program; the log says more."
                yield BatchSeries(statistic, region, None, why)
            else:
                yield BatchSeries(statistic, region, series)


def known_region(panel: Panel, region: str, statistic: Statistic, known: Collection[str] | None = None) -> str:
    """Return `region` if the panel has it. Raises `RequestError` with some of those that it has.

    `known` are the regions to choose from; those of the newest vintage by default.
    """
    newest = panel.regions(statistic.name)
    if region in (newest if known is None else known):
        return region
    lost = ", which only earlier vintages had" if region in panel.lost_regions(statistic.name) else ""
    raise RequestError(
        f"'{panel.source}' has no region '{region}' for {statistic.name}{lost}; it has {first_few(newest)}."
    )


def forecast_batch(
    batch: Sequence[BatchSeries], plan: FitPlan
) -> tuple[list[tuple[BatchSeries, list[Forecast]]], list[str]]:
    """Forecast each series by each model; returns the forecasts by series, and a sentence for each failure.

    After an interruption the finished forecasts are returned, and a sentence that says so.
    """
    failures = unprepared(batch)
    requests = {
        (one, name): request_for(one.series, name, plan.horizon, one.extra_steps)
        for one in batch
        if one.series is not None
        for name in plan.names
    }
    done = run_requests(list(requests.values()), plan.workers)
    forecasts: dict[BatchSeries, list[Forecast]] = {one: [] for one in batch}
    failures += interruption(requests.values(), done)
    for (one, name), request in requests.items():
        if (job := done.get(request.key)) is None:
            continue
        if job.forecast is not None:
            forecasts[one].append(job.forecast)
        else:
            failures.append(f"{one.name}, {name}: {job.error or job.state}")
    warn_of_lonely_regions([(request, one.name) for (one, _), request in requests.items()], plan.covariates)
    print_notes(forecast_notes([(one.region, forecast) for one, made in forecasts.items() for forecast in made]))
    return list(forecasts.items()), failures


def print_data_notes(panel: Panel, batch: Sequence[BatchSeries], holidays: str = "") -> None:
    """Print to stderr what is known of a panel and was done to the figures of a batch, once a kind, before they are fitted."""
    statistics = list(dict.fromkeys(one.statistic.name for one in batch))
    series = {one.region if len(statistics) == 1 else one.name: one.series for one in batch if one.series is not None}
    print_panel_notes(panel, statistics, [*series_notes(series), *unused_holiday_notes(series, holidays)])


def print_panel_notes(panel: Panel, statistics: Iterable[str], notes: Iterable[str]) -> None:
    """Print to stderr what is known of a panel, and `notes` on its series."""
    print_notes([*panel.notes, *lost_region_notes(panel, statistics), *notes])


def unprepared(batch: Sequence[BatchSeries]) -> list[str]:
    """List the series of a batch that could not be prepared, a sentence each."""
    return [f"{one.name}: {one.why_not}" for one in batch if one.series is None]


def request_for(series: Series, name: str, horizon: int, extra_steps: int = 0) -> Request:
    """Return the request for a horizon, which is checked alone, and extra steps as far as the largest horizon allows."""
    request = Request(series, name, horizon)
    return replace(request, horizon=min(horizon + extra_steps, MAX_HORIZON)) if extra_steps else request


def run_requests(requests: Sequence[Request], workers: int | None, dask: str = "") -> dict[str, Job]:
    """Run all requests as `fits` does. Returns the finished jobs by the key of their request."""
    done: dict[str, Job] = {}
    with fits(requests, len(requests), workers, dask) as ended:
        for request, job in ended:
            done[request.key] = job
    return done


@contextmanager
def fits(
    requests: Iterable[Request], count: int, workers: int | None, dask: str = ""
) -> Iterator[Iterator[tuple[Request, Job]]]:
    """Run requests, which are `count`, with a progress bar on a terminal: inside are they, as they end, with their jobs.

    A stop signal ends it with what is finished by then. Further signals are only noted then, until `stop_signals.go_on`, so that the
    caller can write that. Raises `RequestError` or `JobError` if the Dask cluster cannot be used; if it cannot any more, that is
    printed.
    """
    os.environ.setdefault("FORECAST_WARM_UP", "0")  # the workers of one command need no other model than its own
    backend = choose_backend(workers, dask=dask)
    backend.check()
    store = ForecastStore()
    service = Service(store, JobQueue(store, backend=backend, interactive=False))
    console, some = Console(stderr=True), list[bool]()
    times = (TimeElapsedColumn(), TextColumn("left:"), TimeRemainingColumn())
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), *times)

    def ended(bar: Progress) -> Iterator[tuple[Request, Job]]:
        task = bar.add_task("forecasting", total=count)
        for request, job in service.run(requests):
            if job.forecast is None and service.queue.trouble:
                trouble = f"{service.queue.trouble} What was finished is in the store."
                if not some:
                    raise JobError(trouble)
                print_notes([trouble])
                return
            some[:] = [True]
            bar.advance(task)
            yield request, job

    try:
        with interruptible_once(), Progress(*columns, console=console, disable=not console.is_terminal) as bar:
            yield ended(bar)
    except KeyboardInterrupt:
        if not some:
            raise
    finally:
        service.close()


def interruption(requests: Collection[Request], done: Mapping[str, Job]) -> list[str]:
    """Return the sentence for a run that was interrupted, in a list that is empty if it was not."""
    missing = sum(request.key not in done for request in requests)
    left = f"Interrupted with {missing:,} of {len(requests):,} to go; the same command goes on from there."
    return [left] if missing else []


def batch_table(results: Sequence[tuple[BatchSeries, list[Forecast]]]) -> pd.DataFrame:
    """Build the forecasts table of a batch, with a ``statistic`` column if there are several."""
    rows = [(one, one.series, forecast) for one, forecasts in results for forecast in forecasts if one.series]
    table = stack_forecasts(
        [(one.region, forecast, series.total if series.cumulative else None) for one, series, forecast in rows]
    )
    if len({one.statistic.name for one, _ in results}) > 1:
        names = np.array([one.statistic.name for one, _, _ in rows], dtype=object)
        table.insert(1, STATISTIC, np.repeat(names, [forecast.values.size for _, _, forecast in rows]))
    return table
