"""The command `forecast`: forecasts of the regions of a source, a file or a table of a database."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from forecasting.cli.exit_codes import exit_with_failures
from forecasting.cli.forecast_batch import batch_table, forecast_batch, prepare_batch, print_data_notes
from forecasting.cli.forecast_stream import ForecastStream, streamed
from forecasting.cli.hub_forecasts import hub_table
from forecasting.cli.input_options import InputOptions
from forecasting.cli.model_options import ModelOptions
from forecasting.cli.option_groups import with_option_groups
from forecasting.cli.options import parse_date
from forecasting.cli.output import print_notes, write_table
from forecasting.cli.output_files import check_output_files, check_sheet_rows
from forecasting.cli.table_writer import table_writer
from forecasting.data.forecast import QUANTILES
from forecasting.export.hub_format import with_weeks_by_last_day


class OutputFormat(StrEnum):
    """The format of a forecasts table."""

    tidy = "tidy"
    hubverse = "hubverse"


@with_option_groups
def forecast(
    data: InputOptions,
    models: ModelOptions,
    as_of: Annotated[str | None, typer.Option(help="YYYY-MM-DD: only what was known then.")] = None,
    output: Annotated[
        Path | None, typer.Option(help="Where to write (.csv, .parquet or .xlsx); stdout by default.")
    ] = None,
    output_format: Annotated[
        OutputFormat, typer.Option("--format", help="The tidy table, or the forecast hubs' format.")
    ] = OutputFormat.tidy,
    weeks_begin: Annotated[
        bool,
        typer.Option(
            "--weeks-begin", help="Weeks are dated by their first days; for hubs, which date them by the last."
        ),
    ] = False,
) -> None:
    """Forecast every region of a source, a file or a table of a database."""
    models.names()  # an unknown model is an error before the data are read
    check_output_files({"--output": output}, {"--input": data.file})
    date, panel = parse_date(as_of, "--as-of") if as_of else None, data.read_panel()
    if output_format is OutputFormat.hubverse and (weeks_begin or data.names_first_days()):
        panel = with_weeks_by_last_day(panel)
    panel = panel.as_of(date)
    plan, statistics = models.plan(panel), data.chosen_statistics(panel)
    if output_format is OutputFormat.hubverse:
        table, failures = hub_table(panel, statistics, data.regions, plan)
    elif streamed(panel, statistics, data.regions, plan, output):
        with table_writer(output, panel) as writer:
            stream = ForecastStream(panel, statistics[0], plan)
            stream.write(prepare_batch(panel, statistics, None), writer)
        _say_weeks_begin(weeks_begin)
        exit_with_failures(stream.failures)
        return
    else:
        batch = list(prepare_batch(panel, statistics, data.regions, plan.covariates, plan.holidays))
        print_data_notes(panel, batch, plan.holidays)
        _say_weeks_begin(weeks_begin)
        check_sheet_rows("--output", output, len(batch) * len(plan.names) * plan.horizon * len(QUANTILES))
        results, failures = forecast_batch(batch, plan)
        table = batch_table(results)
    write_table(table, output)
    exit_with_failures(failures)


def _say_weeks_begin(given: bool) -> None:
    if given:
        print_notes(["--weeks-begin changes nothing but the dates of --format hubverse."])
