"""What `upkeep` does: once, and now, what `serve` does for its sources by night."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from forecasting.cli.app import DONE, SOME_FAILED, Workers, app, split_names
from forecasting.jobs import JobQueue
from forecasting.models import model
from forecasting.services.service import Service
from forecasting.sources import source
from forecasting.storage.forecast_store import Store
from forecasting.support import settings

if TYPE_CHECKING:
    from forecasting.monitoring.runs import Run


@app.command("upkeep")
def upkeep(
    source_names: Annotated[list[str], typer.Option("--source", help="A name that `sources` lists; several times.")],
    model_names: Annotated[str | None, typer.Option("--models", help="Joined by commas; all by default.")] = None,
    workers: Workers = None,
) -> None:
    """Newest figures, every region's forecasts, the best model of each, and what has drifted; for cron."""
    from forecasting.monitoring.alerts import Alerts, log_to_stderr
    from forecasting.monitoring.history import History
    from forecasting.monitoring.runs import Runs
    from forecasting.operations.nightly_update import Upkeep

    names = split_names(model_names, "models") if model_names is not None else list(settings.pretrain_models())
    for name in (*map(source, source_names), *map(model, names)):
        assert name  # both raise for what there is not
    store = Store()
    service = Service(store, JobQueue(store, workers=workers))
    runs, history, alerts = Runs(), History(offered=service.offers), Alerts()
    service.queue.observe(history.ended)
    log_to_stderr()
    try:
        done = [
            Upkeep(service, runs, history, alerts, names).run(name, again=True) for name in dict.fromkeys(source_names)
        ]
    finally:
        service.close()
        for one in (runs, history, alerts):
            one.close()
    for run in done:
        typer.echo(said(run))
        if run.said:
            typer.echo(f"{run.source}: {run.said}", err=True)
    raise typer.Exit(SOME_FAILED if any(run.failed for run in done) else DONE)


def said(run: Run) -> str:
    """One line on a run."""
    return (
        f"{run.source}: {run.regions:,} series, {run.there:,} forecasts there, {run.failed:,} failed; "
        f"{run.picked:,} models picked, {run.drifting:,} series drift."
    )
