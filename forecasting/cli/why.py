"""The command `why`: what moved a forecast since an earlier date, in sentences or as JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any

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
from forecasting.cli.input_options import InputOptions
from forecasting.cli.option_groups import with_option_groups
from forecasting.cli.options import AsJson, Workers, parse_date
from forecasting.data.panel import Panel
from forecasting.evaluation.forecast_change import ChangeTask, ForecastChange, change_task
from forecasting.jobs import Job
from forecasting.jobs.request import Request, check_horizon
from forecasting.models import model
from forecasting.support.errors import DataError, RequestError
from forecasting.views.answer import stretch_steps
from forecasting.views.change_sentences import change_sentences


@with_option_groups
def why(
    data: InputOptions,
    model_name: Annotated[str, typer.Option("--model", help="A name that `models` lists.")] = "ensemble",
    since: Annotated[
        str | None,
        typer.Option(
            help="YYYY-MM-DD: only what was known then; a period before the last figure by default, a week of days."
        ),
    ] = None,
    horizon: Annotated[
        int | None, typer.Option("--horizon", help="Steps ahead that are forecast; as many as pages show by default.")
    ] = None,
    as_json: AsJson = False,
    workers: Workers = None,
) -> None:
    """Say why the forecast of the next period moved: what new figures, revised ones and other weights changed of it.

    The parts add up to the difference. What new figures change includes what the model learned from them.
    """
    model(model_name)
    if horizon is not None:
        check_horizon(horizon)
    before = parse_date(since, "--since") if since else None
    panel = data.read_panel()
    batch = list(prepare_batch(panel, data.chosen_statistics(panel), data.regions))
    print_data_notes(panel, batch)
    failures = unprepared(batch)
    tasks = dict(_tasks(panel, batch, before, horizon, failures))
    requests = {one: task.requests(model_name, _horizon(one, horizon)) for one, task in tasks.items()}
    wanted = [one for asked in requests.values() for request in asked for one in (request, *request.members)]
    done = run_requests(list({request.key: request for request in wanted}.values()), workers)
    failures += interruption([request for asked in requests.values() for request in asked], done)
    changes = list(_changes(panel, tasks, requests, done, failures))
    several = len({one.statistic.name for one in batch}) > 1
    if as_json:
        typer.echo(json.dumps([_to_json(one, change) for one, change in changes], indent=2, ensure_ascii=False))
    else:
        for one, change in changes:
            assert one.series is not None
            first, *causes = change_sentences(one.series, change)
            typer.echo("\n  ".join([f"{one.name if several else one.region}: {first}", *causes]))
    exit_with_failures(failures)


def _horizon(one: BatchSeries, horizon: int | None) -> int:
    assert one.series is not None
    return horizon or one.series.frequency.default_horizon


def _tasks(
    panel: Panel, batch: Sequence[BatchSeries], since: Any, horizon: int | None, failures: list[str]
) -> Iterator[tuple[BatchSeries, ChangeTask]]:
    """What has to be forecast of each series; a sentence in `failures` where there is nothing to compare."""
    for one in batch:
        if one.series is None:
            continue
        steps = min(stretch_steps(one.series), _horizon(one, horizon))
        try:
            yield one, change_task(panel, one.series, one.statistic.name, steps, since)
        except (DataError, RequestError) as error:
            failures.append(f"{one.name}: {error}")


def _changes(
    panel: Panel,
    tasks: Mapping[BatchSeries, ChangeTask],
    requests: Mapping[BatchSeries, tuple[Request, ...]],
    done: Mapping[str, Job],
    failures: list[str],
) -> Iterator[tuple[BatchSeries, ForecastChange]]:
    """The changes whose forecasts are there; a sentence in `failures` for each that failed."""
    for one, task in tasks.items():
        jobs = [done[request.key] for request in requests[one] if request.key in done]
        made = [job.forecast for job in jobs if job.forecast is not None]
        failed = [job for job in jobs if job.forecast is None]
        failures += list(dict.fromkeys(f"{one.name}, {job.model}: {job.error or job.state}" for job in failed))
        if len(made) < len(requests[one]):
            continue
        known = [done[member.key] for member in requests[one][-1].members if member.key in done]
        members = {job.model: job.forecast for job in known if job.forecast is not None}
        earlier, unrevised, now = made
        yield one, task.change(earlier, unrevised, now, members, panel.has_vintages())


def _to_json(one: BatchSeries, change: ForecastChange) -> dict[str, Any]:
    assert one.series is not None
    return change.to_json(one.statistic.name) | {"sentences": change_sentences(one.series, change)}
