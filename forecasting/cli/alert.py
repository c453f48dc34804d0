"""The commands `alert add`, `list`, `remove` and `check`: be told when an event has become likely."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any

import typer

from forecasting.cli.event_options import LevelOptions
from forecasting.cli.exit_codes import exit_with_failures
from forecasting.cli.option_groups import with_option_groups
from forecasting.cli.options import AsJson, SourceName, Workers
from forecasting.cli.stop_signals import stoppable
from forecasting.sources import default_statistic, source
from forecasting.support.errors import RequestError

if TYPE_CHECKING:
    from forecasting.monitoring.event_alerts import EventAlert

alert_app = typer.Typer(
    help="Be told when an event has become likely: rules that every update checks.",
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
#: Percent of a chance that is to be told of where none is given.
USUAL_CHANCE = 30.0


@with_option_groups
def add(
    source_name: SourceName,
    region: Annotated[str, typer.Option("--region", help="One that `regions` lists.")],
    levels: LevelOptions,
    chance: Annotated[
        float, typer.Option("--chance", help="Tell when it is likelier than so many percent.", metavar="PERCENT")
    ] = USUAL_CHANCE,
    statistic: Annotated[str | None, typer.Option(help="One that the source has; its first by default.")] = None,
    model_name: Annotated[str, typer.Option("--model", help="A name that `models` lists.")] = "ensemble",
) -> None:
    """Add a rule: tell when an event of a region has become likelier than a chance. The same rule is kept once."""
    from forecasting.models import model
    from forecasting.monitoring.event_alerts import EventAlerts, EventRule

    questions = levels.questions()
    if len(questions) != 1 or levels.within is None:
        raise RequestError("Give one of --above, --below, --rise and --peak, and --within a number of periods.")
    model(model_name)
    panel = source(source_name).panel()
    chosen = panel.statistic(statistic) if statistic else default_statistic(source_name, panel)
    if region not in panel.regions(chosen.name):
        raise RequestError(f"'{source_name}' has no region '{region}' for {chosen.name}; `regions` lists those it has.")
    kept = EventAlerts()
    try:
        rule = EventRule(source_name, region, chosen.name, model_name, questions[0], chance / 100)
        added = kept.add(rule)
    finally:
        kept.close()
    typer.echo(f"{added.id}: {added.rule.words}")


def list_alerts(as_json: AsJson = False) -> None:
    """List the rules, with what their last check found and what such alerts would have done at earlier dates."""
    from forecasting.monitoring.event_alerts import EventAlerts

    kept = EventAlerts()
    try:
        found = kept.all()
    finally:
        kept.close()
    _print(found, as_json)


def remove(number: Annotated[int, typer.Argument(help="The number that `alert list` prints.")]) -> None:
    """Remove a rule; its alert is closed without telling anybody."""
    from forecasting.monitoring.alerts import Alerts
    from forecasting.monitoring.event_alerts import EventAlerts

    kept, alerts = EventAlerts(), Alerts(webhook="")
    try:
        gone = kept.remove(number)
        alerts.forget(gone.name)
    finally:
        kept.close()
        alerts.close()
    typer.echo(f"Removed {gone.id}: {gone.rule.words}")


def check(as_json: AsJson = False, workers: Workers = None) -> None:
    """Check every rule now, tell what has become likely, and print what was found; for cron."""
    from forecasting.jobs import JobQueue
    from forecasting.monitoring.alerts import Alerts, log_to_stderr
    from forecasting.monitoring.event_alerts import EventAlerts
    from forecasting.operations.check_event_alerts import check_event_alerts
    from forecasting.services.service import Service
    from forecasting.storage.forecast_store import ForecastStore

    store = ForecastStore()
    service = Service(store, JobQueue(store, workers=workers))
    kept, alerts = EventAlerts(), Alerts()
    log_to_stderr()
    try:
        checked = check_event_alerts(service, kept, alerts)
    finally:
        service.close()
        kept.close()
        alerts.close()
    _print(checked, as_json)
    exit_with_failures([f"{one.id}: {one.trouble}" for one in checked if one.trouble])


def _print(alerts: list[EventAlert], as_json: bool) -> None:
    if as_json:
        rows: list[dict[str, Any]] = [one.to_json() for one in alerts]
        typer.echo(json.dumps(rows, indent=2, ensure_ascii=False))
        return
    for one in alerts:
        typer.echo(f"{one.id}: {one.rule.words}")
        for sentence in filter(None, (one.sentence, one.trouble, one.record_words)):
            typer.echo(f"   {sentence}")


#: The commands by name.
COMMANDS: dict[str, Callable[..., None]] = {"add": add, "list": list_alerts, "remove": remove, "check": check}
for name, command in COMMANDS.items():
    alert_app.command(name)(stoppable(command))
