"""The command `events`: questions about the future, answered in plain sentences, as JSON or as a table."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated

import typer

from forecasting.cli.event_options import LevelOptions, usual_questions
from forecasting.cli.exit_codes import exit_with_failures
from forecasting.cli.forecast_batch import BatchSeries, forecast_batch, prepare_batch, print_data_notes
from forecasting.cli.input_options import InputOptions
from forecasting.cli.model_options import FitPlan
from forecasting.cli.option_groups import with_option_groups
from forecasting.cli.options import AsJson, Workers, parse_date
from forecasting.cli.output import write_table
from forecasting.cli.output_files import check_output_files
from forecasting.data.forecast import Forecast
from forecasting.evaluation.event_table import AnsweredEvent, event_table
from forecasting.evaluation.events import EventKind, EventQuestion, answer_questions
from forecasting.jobs.request import check_horizon
from forecasting.models import model
from forecasting.support.errors import RequestError


@with_option_groups
def events(
    data: InputOptions,
    levels: LevelOptions,
    reach: Annotated[
        float | None, typer.Option("--reach", help="When this level is first met.", metavar="LEVEL")
    ] = None,
    total: Annotated[bool, typer.Option("--total", help="The total of the whole forecast.")] = False,
    total_from: Annotated[
        str | None, typer.Option("--total-from", help="YYYY-MM-DD: the total from this date on, past figures included.")
    ] = None,
    total_to: Annotated[str | None, typer.Option("--total-to", help="YYYY-MM-DD: the total up to this date.")] = None,
    model_name: Annotated[str, typer.Option("--model", help="A name that `models` lists.")] = "ensemble",
    horizon: Annotated[
        int | None, typer.Option("--horizon", help="Steps ahead that are forecast; as many as pages show by default.")
    ] = None,
    as_of: Annotated[str | None, typer.Option(help="YYYY-MM-DD: only what was known then.")] = None,
    output: Annotated[
        Path | None, typer.Option(help="Where to write a table (.csv, .parquet or .xlsx) instead of sentences.")
    ] = None,
    as_json: AsJson = False,
    workers: Workers = None,
) -> None:
    """Answer questions about the future: above a level within weeks, the peak, a rise, when a level is met, totals.

    Without a question: whether the peak is past, a rise by more than 25 %, and the total.
    """
    model(model_name)
    check_output_files({"--output": output}, {"--input": data.file})
    if horizon is not None:
        check_horizon(horizon)
    first, last = (
        parse_date(text, option) if text else None
        for text, option in ((total_from, "--total-from"), (total_to, "--total-to"))
    )
    questions = levels.questions()
    if reach is not None:
        questions.append(EventQuestion(EventKind.reach, reach, levels.within))
    if total or first is not None or last is not None:
        questions.append(EventQuestion(EventKind.total, first=first, last=last))
    questions = questions or usual_questions(levels.within)
    panel = data.read_panel().as_of(parse_date(as_of, "--as-of") if as_of else None)
    batch = list(prepare_batch(panel, data.chosen_statistics(panel), data.regions))
    print_data_notes(panel, batch)
    made, failures = forecast_batch(batch, FitPlan((model_name,), _horizon(batch, questions, horizon), workers=workers))
    answered = list(_answered(made, questions, failures))
    several = len({one.statistic.name for one in batch}) > 1
    if as_json:
        typer.echo(json.dumps([one.to_json(several) for one in answered], indent=2, ensure_ascii=False))
    elif output is not None:
        write_table(event_table(answered, several), output)
    else:
        for one in answered:
            name = f"{one.region} ({one.statistic})" if several else one.region
            typer.echo(f"{name}: {one.sentence}")
    exit_with_failures(failures)


def _horizon(batch: Sequence[BatchSeries], questions: Sequence[EventQuestion], horizon: int | None) -> int:
    """The steps that are forecast: those asked for, else as many as pages show, or the questions need."""
    if horizon is not None:
        return horizon
    usual = [one.series.frequency.default_horizon for one in batch if one.series is not None]
    return max([*usual, *(one.within or 1 for one in questions)], default=1)


def _answered(
    made: Sequence[tuple[BatchSeries, list[Forecast]]], questions: Sequence[EventQuestion], failures: list[str]
) -> Iterator[AnsweredEvent]:
    """The answers of each forecast; what cannot be answered is a sentence in `failures`."""
    for one, forecasts in made:
        for forecast in forecasts:
            assert one.series is not None
            for question in questions:
                try:
                    (answer,) = answer_questions(one.series, forecast, [question])
                except RequestError as error:
                    failures.append(f"{one.name}, {question.kind}: {error}")
                else:
                    yield AnsweredEvent(one.region, one.statistic.name, forecast.model, one.series, answer)
