"""The command `upkeep`: run the nightly update of sources once, now."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from forecasting.cli.exit_codes import DONE, SOME_FAILED
from forecasting.cli.options import ModelNames, SourceNames, Workers, split_names
from forecasting.cli.stop_signals import interruptible_once
from forecasting.jobs import JobQueue
from forecasting.models import model
from forecasting.services.service import Service
from forecasting.sources import source
from forecasting.storage.forecast_store import ForecastStore
from forecasting.support import settings

if TYPE_CHECKING:
    from forecasting.monitoring.update_runs import UpdateRun


def upkeep(
    source_names: SourceNames,
    model_names: ModelNames = None,
    workers: Workers = None,
) -> None:
    """Newest figures, every region's forecasts, the best model of each, and what has drifted; for cron."""
    from forecasting.monitoring.alerts import Alerts, log_to_stderr
    from forecasting.monitoring.event_alerts import EventAlerts
    from forecasting.monitoring.history import History
    from forecasting.monitoring.update_runs import UpdateRuns
    from forecasting.operations.nightly_update import NightlyUpdate

    names = split_names(model_names, "models") if model_names is not None else list(settings.pretrain_models())
    for name in (*map(source, source_names), *map(model, names)):
        assert name  # both raise for an unknown name
    store = ForecastStore()
    service = Service(store, JobQueue(store, workers=workers))
    runs, history, alerts = UpdateRuns(), History(offered=service.offers), Alerts()
    events = EventAlerts()
    service.queue.observe(history.record_fit)
    log_to_stderr()
    done: list[UpdateRun] = []
    left = list(dict.fromkeys(source_names))
    try:
        with interruptible_once():
            while left:
                done.append(NightlyUpdate(service, runs, history, alerts, names, events).run(left[0], again=True))
                left.pop(0)
    except KeyboardInterrupt:
        if not done:
            raise
    finally:
        service.close()
        for opened in (runs, history, alerts, events):
            opened.close()
    for run in done:
        typer.echo(_summary(run))
        if run.said:
            typer.echo(f"{run.source}: {run.said}", err=True)
    if left:
        typer.echo(f"Interrupted; not updated: {', '.join(left)}.", err=True)
    raise typer.Exit(SOME_FAILED if left or any(run.failed for run in done) else DONE)


def _summary(run: UpdateRun) -> str:
    """Summarise a run in one line."""
    return (
        f"{run.source}: {run.regions:,} series, {run.there:,} forecasts there, {run.failed:,} failed; "
        f"{run.picked:,} models picked, {run.drifting:,} series drift."
    )
