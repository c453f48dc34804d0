"""`forecast`: every region of a source, a file or a table of a database."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from forecasting.cli.app import (
    DONE,
    SOME_FAILED,
    Covariates,
    Holidays,
    Horizon,
    ModelNames,
    Regions,
    StatisticName,
    Workers,
    app,
    parse_date,
    split_names,
    write_table,
)
from forecasting.cli.batch import cases_of, chosen_statistics, forecast_cases, forecasts_table
from forecasting.cli.covariates import holiday_country, known_covariates
from forecasting.cli.hub import forecasts as hub_forecasts
from forecasting.cli.inputs import AnySource, Cumulative, DatabaseName, InputFile, MappingText, TableName, panel_of
from forecasting.models import model


class Format(StrEnum):
    """How forecasts are written."""

    tidy = "tidy"
    hubverse = "hubverse"


@app.command("forecast")
def forecast(
    horizon: Horizon,
    model_names: ModelNames,
    source_name: AnySource = None,
    input_file: InputFile = None,
    mapping: MappingText = None,
    sql: DatabaseName = None,
    table: TableName = None,
    statistic: StatisticName = None,
    region: Regions = None,
    as_of: Annotated[str | None, typer.Option(help="YYYY-MM-DD: only what was known then.")] = None,
    covariates: Covariates = None,
    holidays: Holidays = None,
    cumulative: Cumulative = False,
    output: Annotated[
        Path | None, typer.Option(help="Where to write (.csv, .parquet or .xlsx); stdout by default.")
    ] = None,
    form: Annotated[Format, typer.Option("--format", help="The tidy table, or the forecast hubs' format.")] = (
        Format.tidy
    ),
    workers: Workers = None,
) -> None:
    """Forecast every region of a source, a file or a table of a database."""
    names = split_names(model_names, "models")
    for name in names:
        model(name)
    panel = panel_of(source_name, input_file, sql, table, cumulative, mapping)
    panel = panel.as_of(parse_date(as_of, "--as-of") if as_of else None)
    further, country = known_covariates(panel, covariates, names), holiday_country(holidays, names)
    wanted = chosen_statistics(panel, statistic, everything=source_name is None)
    if form is Format.hubverse:
        written, failures = hub_forecasts(panel, wanted, region, names, further, horizon, workers)
    else:
        cases = list(cases_of(panel, wanted, region, further, country))
        found, failures = forecast_cases(cases, names, further, horizon, workers)
        written = forecasts_table(found)
    write_table(written, output)
    for failure in failures:
        typer.echo(failure, err=True)
    raise typer.Exit(SOME_FAILED if failures else DONE)
