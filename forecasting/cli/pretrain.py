"""What `pretrain` does: every region and model of a source forecast before anybody asks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Annotated

import typer

from forecasting.cli.app import DONE, SOME_FAILED, Workers, app, split_names
from forecasting.cli.batch import Case, cases_of, interruption, run_requests
from forecasting.jobs.request import Request
from forecasting.models import model, models
from forecasting.sources import source
from forecasting.storage.forecast_store import Store
from forecasting.support import settings


@app.command("pretrain")
def pretrain(
    source_names: Annotated[list[str], typer.Option("--source", help="A name that `sources` lists; several times.")],
    model_names: Annotated[str | None, typer.Option("--models", help="Joined by commas; all by default.")] = None,
    horizon: Annotated[int | None, typer.Option(help="Steps ahead; what pages show first by default.")] = None,
    workers: Workers = None,
    dask: Annotated[
        str | None, typer.Option(help="The scheduler of a Dask cluster that fits, as tcp://host:8786.")
    ] = None,
) -> None:
    """Fill the store for every region and model of a source; what is there already is not made again."""
    address = settings.dask() if dask is None else settings.dask(dask, "--dask")
    chosen = split_names(model_names, "models") if model_names is not None else list(models())
    names = [name for name in chosen if not model(name).instant]  # the others are never stored
    failures: list[str] = []
    for source_name in dict.fromkeys(source_names):
        failures += _fill(source_name, names, horizon, workers, address)
    for failure in failures:
        typer.echo(failure, err=True)
    raise typer.Exit(SOME_FAILED if failures else DONE)


def _fill(source_name: str, names: list[str], horizon: int | None, workers: int | None, dask: str) -> list[str]:
    """One source; says on stdout what came of it, and gives a sentence for each region or forecast that failed."""
    panel = source(source_name).panel()
    cases = list(cases_of(panel.as_of(None), panel.statistics, None, [], ""))
    failures = [f"{case.name}: {case.why_not}" for case in cases if case.series is None]
    wanted = {request.key: (case, request) for case, request in _requests(cases, names, horizon)}
    there = _there(wanted)
    done = run_requests([request for _, request in wanted.values()], workers, dask)
    failures += interruption([request for _, request in wanted.values()], done)
    came = Counter(job.forecast is not None for job in done.values())
    for key, job in done.items():
        if job.forecast is None:
            case, request = wanted[key]
            failures.append(f"{case.name}, {request.model}: {job.error or job.state}")
    regions = len({case.region for case in cases})
    made = came[True] - len(there)
    typer.echo(f"{source_name}: {regions:,} regions; {made:,} forecasts made, {len(there):,} there already.")
    return failures


def _requests(cases: list[Case], names: list[str], horizon: int | None) -> Iterator[tuple[Case, Request]]:
    """What may take longest comes first: at the end no worker is idle while another has a long fit to do."""
    for name in sorted(names, key=lambda name: -model(name).time_limit):
        for case in cases:
            if case.series is not None:
                usual = case.series.frequency.default_horizon
                yield case, Request(case.series, name, usual if horizon is None else horizon)


def _there(wanted: dict[str, tuple[Case, Request]]) -> set[str]:
    """The keys of what the store has; of a blend, when it has all its members."""
    fits = {key: [member.key for member in request.members] or [key] for key, (_, request) in wanted.items()}
    store = Store()
    try:
        known = store.known({fit for keys in fits.values() for fit in keys})
    finally:
        store.close()
    return {key for key, keys in fits.items() if known.issuperset(keys)}
