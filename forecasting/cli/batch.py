"""Forecast many series at once: cases, a progress bar, and a sentence for each one that failed."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from forecasting.cli.app import (
    first_few,
)
from forecasting.cli.covariates import warn_of_unused_columns
from forecasting.data.columns import STATISTIC
from forecasting.data.forecast import Forecast, tables
from forecasting.data.panel import Panel, Statistic
from forecasting.data.series import Series
from forecasting.jobs import Job, JobQueue
from forecasting.jobs.request import MAX_HORIZON, Request
from forecasting.jobs.workers.start import crew_of
from forecasting.preparation.prepare import prepare
from forecasting.services.service import Service
from forecasting.storage.forecast_store import Store
from forecasting.support.errors import DataError, JobError, RequestError


@dataclass(frozen=True, eq=False)
class Case:
    """One region's series to forecast, or the sentence that says why there is none; `more` steps than are asked for."""

    statistic: Statistic
    region: str
    series: Series | None
    why_not: str = ""
    more: int = 0

    @property
    def name(self) -> str:
        """How messages call it."""
        return f"{self.region} ({self.statistic.name})"


def cases_of(
    panel: Panel,
    wanted: Sequence[Statistic],
    regions: Sequence[str] | None,
    covariates: Sequence[str],
    holidays: str = "",
) -> Iterator[Case]:
    """A case for each statistic and region, with its prepared series or why there is none."""
    for statistic in wanted:
        chosen = [known_region(panel, region, statistic) for region in regions or ()]
        for region in chosen or panel.regions(statistic.name):
            try:
                series = prepare(panel, region, statistic.name).with_covariates(covariates)
                yield Case(statistic, region, series.with_holidays(holidays))
            except DataError as error:
                yield Case(statistic, region, None, str(error))


def known_region(panel: Panel, region: str, statistic: Statistic) -> str:
    """`region`, if the panel has it. Raises `RequestError` with some of those that it has."""
    known = panel.regions(statistic.name)
    if region not in known:
        raise RequestError(
            f"'{panel.source}' has no region '{region}' for {statistic.name}; it has {first_few(known)}."
        )
    return region


def forecast_cases(
    cases: Sequence[Case], names: Sequence[str], covariates: Sequence[str], horizon: int, workers: int | None
) -> tuple[list[tuple[Case, list[Forecast]]], list[str]]:
    """Every case's forecasts in the order of `names`, and a sentence for each that failed.

    After an interruption those that were finished, and a sentence that says so.
    """
    failures = [f"{case.name}: {case.why_not}" for case in cases if case.series is None]
    wanted = {
        (case, name): _request(case.series, name, horizon, case.more)
        for case in cases
        if case.series is not None
        for name in names
    }
    done = run_requests(list(wanted.values()), workers)
    found: dict[Case, list[Forecast]] = {case: [] for case in cases}
    failures += interruption(wanted.values(), done)
    for (case, name), request in wanted.items():
        if (job := done.get(request.key)) is None:
            continue
        if job.forecast is not None:
            found[case].append(job.forecast)
        else:
            failures.append(f"{case.name}, {name}: {job.error or job.state}")
    asked = [(request, case.name) for (case, _), request in wanted.items()]
    warn_of_unused_columns(asked, covariates, done)
    return list(found.items()), failures


def _request(series: Series, name: str, horizon: int, more: int) -> Request:
    """For `more` steps than those asked for, which are checked alone."""
    request = Request(series, name, horizon)
    return replace(request, horizon=min(horizon + more, MAX_HORIZON)) if more else request


def run_requests(requests: Sequence[Request], workers: int | None, dask: str = "") -> dict[str, Job]:
    """Fit everything, with a bar on a terminal. Ctrl-C ends it with what is finished by then.

    Raises `RequestError` and `JobError` where the Dask cluster that is to fit cannot be used, or not any more.
    """
    crew = crew_of(workers, dask=dask)
    crew.check()
    store = Store()
    service = Service(store, JobQueue(store, crew=crew, people=False))
    console = Console(stderr=True)
    times = (TimeElapsedColumn(), TextColumn("left:"), TimeRemainingColumn())
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), *times)
    done: dict[str, Job] = {}
    try:
        with Progress(*columns, console=console, disable=not console.is_terminal) as bar:
            task = bar.add_task("forecasting", total=len(requests))
            for request, job in service.run(requests):
                if job.forecast is None and service.queue.trouble:
                    raise JobError(f"{service.queue.trouble} What was finished is in the store.")
                done[request.key] = job
                bar.advance(task)
    except KeyboardInterrupt:
        if not done:
            raise
    finally:
        service.close()
    return done


def interruption(requests: Collection[Request], done: Mapping[str, Job]) -> list[str]:
    """The sentence of a run that was ended before all was done."""
    missing = sum(request.key not in done for request in requests)
    left = f"Interrupted with {missing:,} of {len(requests):,} to go; the same command goes on from there."
    return [left] if missing else []


def forecasts_table(found: Sequence[tuple[Case, list[Forecast]]]) -> pd.DataFrame:
    """The forecasts table; a ``statistic`` column where there are several."""
    rows = [(case, case.series, forecast) for case, forecasts in found for forecast in forecasts if case.series]
    table = tables([(case.region, one, series.total if series.cumulative else None) for case, series, one in rows])
    if len({case.statistic.name for case, _ in found}) > 1:
        names = np.array([case.statistic.name for case, _, _ in rows], dtype=object)
        table.insert(1, STATISTIC, np.repeat(names, [one.values.size for _, _, one in rows]))
    return table


def chosen_statistics(panel: Panel, name: str | None, everything: bool) -> list[Statistic]:
    """The one that was named; else all of a file's or a database's, or a source's first."""
    if name is not None:
        return [panel.statistic(name)]
    return list(panel.statistics) if everything else [panel.statistic()]
