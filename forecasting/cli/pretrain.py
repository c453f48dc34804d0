"""The command `pretrain`: store the forecasts of every region and model of a source."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

import typer

from forecasting.cli.exit_codes import exit_with_failures
from forecasting.cli.forecast_batch import (
    BatchSeries,
    interruption,
    prepare_batch,
    print_data_notes,
    run_requests,
    unprepared,
)
from forecasting.cli.options import ModelNames, SourceNames, Workers, split_names
from forecasting.cli.output import print_notes
from forecasting.cli.stop_signals import go_on, stop_requested
from forecasting.jobs.request import Request
from forecasting.models import model, models
from forecasting.services.data_notes import forecast_notes
from forecasting.sources import source
from forecasting.storage.forecast_store import ForecastStore
from forecasting.support import settings


def pretrain(
    source_names: SourceNames,
    model_names: ModelNames = None,
    horizon: Annotated[int | None, typer.Option(help="Steps ahead; what pages show first by default.")] = None,
    workers: Workers = None,
    dask: Annotated[
        str | None, typer.Option(help="The scheduler of a Dask cluster that fits, as tcp://host:8786.")
    ] = None,
) -> None:
    """Fill the store for every region and model of a source; what is there already is not made again."""
    address = settings.dask() if dask is None else settings.dask(dask, "--dask")
    chosen = split_names(model_names, "models") if model_names is not None else list(models())
    names = [name for name in chosen if not model(name).instant]  # instant forecasts are never stored
    failures: list[str] = []
    left = list(dict.fromkeys(source_names))
    while left and not stop_requested():
        go_on()
        failures += _pretrain_source(left.pop(0), names, horizon, workers, address)
    if left:
        failures.append(f"Not begun: {', '.join(left)}.")
    exit_with_failures(failures)


def _pretrain_source(
    source_name: str, names: list[str], horizon: int | None, workers: int | None, dask: str
) -> list[str]:
    """Store the forecasts of one source, print their number, and return a sentence for each region or forecast that failed."""
    panel = source(source_name).panel()
    known = panel.as_of(None)
    batch = list(prepare_batch(known, panel.statistics, None))
    failures = unprepared(batch)
    wanted = {request.key: (one, request) for one, request in _requests(batch, names, horizon)}
    print_data_notes(known, batch)
    stored = _stored_keys(wanted)
    done = run_requests([request for _, request in wanted.values()], workers, dask)
    failures += interruption([request for _, request in wanted.values()], done)
    for key, job in done.items():
        if job.forecast is None:
            one, request = wanted[key]
            failures.append(f"{one.name}, {request.model}: {job.error or job.state}")
    print_notes(forecast_notes([(wanted[key][0].region, job.forecast) for key, job in done.items() if job.forecast]))
    regions = len({one.region for one in batch})
    made = sum(job.forecast is not None for job in done.values()) - len(stored)
    typer.echo(f"{source_name}: {regions:,} regions; {made:,} forecasts made, {len(stored):,} there already.")
    return failures


def _requests(batch: list[BatchSeries], names: list[str], horizon: int | None) -> Iterator[tuple[BatchSeries, Request]]:
    """Yield all requests, the slowest models first, so that at the end no worker is idle while another has a long fit."""
    for name in sorted(names, key=lambda name: -model(name).time_limit):
        for one in batch:
            if one.series is not None:
                usual = one.series.frequency.default_horizon
                yield one, Request(one.series, name, usual if horizon is None else horizon)


def _stored_keys(wanted: dict[str, tuple[BatchSeries, Request]]) -> set[str]:
    """Return the keys of stored forecasts; an ensemble counts as stored if all its members are that need a fit."""
    members = {
        key: [one for one in request.members if not model(one.model).instant] for key, (_, request) in wanted.items()
    }
    fits = {key: [one.key for one in found] or [key] for key, found in members.items()}
    store = ForecastStore()
    try:
        known = store.known_keys({fit for keys in fits.values() for fit in keys})
    finally:
        store.close()
    return {key for key, keys in fits.items() if known.issuperset(keys)}
