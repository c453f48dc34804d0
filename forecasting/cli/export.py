"""The command `export`: one model, fitted to one region, as a file that runs without this program."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from forecasting.cli.forecast_batch import BatchSeries, known_region, print_data_notes, run_requests
from forecasting.cli.input_options import InputOptions
from forecasting.cli.option_groups import with_option_groups
from forecasting.cli.options import Workers, parse_date
from forecasting.cli.output import first_few, print_notes, unwritable
from forecasting.cli.output_files import check_output_files
from forecasting.data.panel import Panel, Statistic
from forecasting.export.model_files import FORMATS, Origin, check_export, export_model
from forecasting.jobs.request import Request, check_horizon
from forecasting.preparation.prepare import prepare
from forecasting.support.atomic_file import write_atomically
from forecasting.support.errors import JobError, RequestError

ExportFormat = StrEnum("ExportFormat", {name: name for name in FORMATS})  # type: ignore[misc]


@with_option_groups
def export(
    data: InputOptions,
    model_name: Annotated[str, typer.Option("--model", help="A name that `models` lists.")],
    output: Annotated[Path, typer.Option("--output", help="Where to write.")],
    format_name: Annotated[
        ExportFormat, typer.Option("--format", help="JSON of parameters and state, ONNX, or a program of torch.")
    ],
    horizon: Annotated[
        int | None, typer.Option("--horizon", help="Steps ahead; as many as pages show by default.")
    ] = None,
    as_of: Annotated[str | None, typer.Option(help="YYYY-MM-DD: only what was known then.")] = None,
    workers: Workers = None,
) -> None:
    """Write a model, fitted to one region, as a file that gives the same quantiles without this program."""
    check_export(model_name, format_name)
    check_output_files({"--output": output}, {"--input": data.file}, (FORMATS[format_name],))
    if horizon is not None:
        check_horizon(horizon)
    date = parse_date(as_of, "--as-of") if as_of else None
    panel = data.read_panel().as_of(date)
    statistic = _statistic(data, panel)
    region = _region(data, panel, statistic)
    series = prepare(panel, region, statistic.name)
    print_data_notes(panel, [BatchSeries(statistic, region, series)])
    request = Request(series, model_name, horizon or series.frequency.default_horizon)
    job = run_requests([request], workers).get(request.key)
    if job is None or job.forecast is None:
        raise JobError(f"{region}, {model_name}: {(job and (job.error or job.state)) or 'interrupted'}")
    print_notes(job.forecast.notes)
    made = export_model(series, job.forecast, format_name, Origin.of(panel, statistic, region))
    try:
        write_atomically(output, made.content)
    except OSError as error:
        raise unwritable(output, error) from None


def _statistic(data: InputOptions, panel: Panel) -> Statistic:
    """The one statistic to export for. Raises `RequestError` where a file has several and none is named."""
    found = data.chosen_statistics(panel)
    if len(found) > 1:
        raise RequestError(
            f"A model is exported for one statistic; name it with --statistic: {first_few([one.name for one in found])}."
        )
    panel.check_published(found[0].name)
    return found[0]


def _region(data: InputOptions, panel: Panel, statistic: Statistic) -> str:
    """The one region to export for. Raises `RequestError` where there are several and not one is named."""
    named = list(dict.fromkeys(data.regions or ()))
    known = panel.regions(statistic.name)
    if not named and len(known) == 1:
        return known[0]
    if len(named) != 1:
        raise RequestError(f"A model is exported for one region; name it with --region: {first_few(known)}.")
    return known_region(panel, named[0], statistic)
