"""The command `backtest`: what would have been forecast at earlier dates, from what was known then, and its scores."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import pandas as pd
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
from forecasting.cli.batch import chosen_statistics, interruption, known_region, run_requests
from forecasting.cli.covariates import holiday_country, known_covariates, warn_of_unused_columns
from forecasting.cli.inputs import AnySource, Cumulative, DatabaseName, InputFile, MappingText, TableName, panel_of
from forecasting.cli.score import leaderboard
from forecasting.data.columns import FORECASTS, STATISTIC
from forecasting.data.panel import Panel, Statistic
from forecasting.evaluation.backtest import Cut, cuts, rolling, truth
from forecasting.evaluation.forecast_tables import score_forecasts, summarise
from forecasting.models import model
from forecasting.support.errors import DataError, RequestError


@app.command("backtest")
def backtest(
    horizon: Horizon,
    model_names: ModelNames,
    source_name: AnySource = None,
    input_file: InputFile = None,
    mapping: MappingText = None,
    sql: DatabaseName = None,
    table: TableName = None,
    statistic: StatisticName = None,
    region: Regions = None,
    origins: Annotated[int, typer.Option(min=1, max=1000, help="How many of the last origins.")] = 4,
    at: Annotated[list[str] | None, typer.Option(help="YYYY-MM-DD instead; may be given several times.")] = None,
    step: Annotated[int, typer.Option(min=1, help="Periods between two origins.")] = 1,
    baseline: Annotated[str | None, typer.Option(help="The model that the others are compared with.")] = None,
    covariates: Covariates = None,
    holidays: Holidays = None,
    cumulative: Cumulative = False,
    output: Annotated[Path | None, typer.Option(help="Where to write the forecasts (.csv, .parquet or .xlsx).")] = None,
    scores_file: Annotated[Path | None, typer.Option("--scores", help="Where to write each forecast's scores.")] = None,
    workers: Workers = None,
) -> None:
    """Forecast again from earlier dates, with the data as it stood then, and print the leaderboard."""
    names = split_names(model_names, "models")
    for name in names:
        model(name)
    if baseline is not None and baseline not in names:
        raise RequestError(f"The baseline '{baseline}' is not among --models; add it there.")
    panel = panel_of(source_name, input_file, sql, table, cumulative, mapping)
    further, country = known_covariates(panel, covariates, names), holiday_country(holidays, names)
    dates = [parse_date(text, "--at") for text in at or []]
    tables, scores, failures = [], [], []
    wanted = chosen_statistics(panel, statistic, everything=source_name is None)
    for one in wanted:
        regions = [known_region(panel, name, one) for name in region or panel.regions(one.name)]
        found, problems = _cuts(panel, regions, one, dates, horizon, origins, step)
        found = [replace(then, series=then.series.with_covariates(further).with_holidays(country)) for then in found]
        forecasts, unfitted = _forecasts(found, names, further, horizon, workers)
        failures += problems + unfitted
        if not forecasts.empty:
            judged = score_forecasts(forecasts, truth(panel, dict.fromkeys(c.region for c in found), one.name))
            for rows in (forecasts, judged) if len(wanted) > 1 else ():
                rows.insert(1, STATISTIC, one.name)
            tables.append(forecasts)
            scores.append(judged)
    _finish(tables, scores, failures, baseline, output, scores_file)


def _finish(
    tables: list[pd.DataFrame],
    scores: list[pd.DataFrame],
    failures: list[str],
    baseline: str | None,
    output: Path | None,
    scores_file: Path | None,
) -> None:
    """Write what was asked for, print the leaderboard and end with the exit code that says how it went."""
    if not tables:
        raise DataError(failures[0] if failures else "There is nothing to look back on.")
    judged = pd.concat(scores, ignore_index=True)
    if output is not None:
        write_table(pd.concat(tables, ignore_index=True), output)
    if scores_file is not None:
        write_table(judged, scores_file)
    if judged.empty:
        typer.echo("None of what was forecast has come yet, so there is nothing to score.", err=True)
    else:
        typer.echo(leaderboard(summarise(judged, baseline)))
    for failure in failures:
        typer.echo(failure, err=True)
    raise typer.Exit(SOME_FAILED if failures else DONE)


def _cuts(
    panel: Panel,
    regions: Sequence[str],
    statistic: Statistic,
    dates: Sequence[pd.Timestamp],
    horizon: int,
    origins: int,
    step: int,
) -> tuple[list[Cut], list[str]]:
    """Every region as it stood at its dates, and a sentence for each that had nothing to learn from."""
    wanted: dict[pd.Timestamp, list[str]] = {at: list(regions) for at in dates}
    problems, found = [], []
    for region in () if dates else regions:
        try:
            for at in rolling(panel, region, statistic.name, horizon, origins, step):
                wanted.setdefault(at, []).append(region)
        except (DataError, RequestError) as error:
            problems.append(f"{region} ({statistic.name}): {error}")
    for at, those in wanted.items():
        for known in cuts(panel, those, statistic.name, [at]):
            if isinstance(known, Cut):
                found.append(known)
            else:
                problems.append(str(known))
    places = {region: place for place, region in enumerate(regions)}
    return sorted(found, key=lambda then: (places[then.region], then.at)), problems


def _forecasts(
    found: Sequence[Cut], names: Sequence[str], covariates: Sequence[str], horizon: int, workers: int | None
) -> tuple[pd.DataFrame, list[str]]:
    """The forecasts table of every cut and model, and a sentence for each that failed."""
    requests = [(then, then.request(name, horizon)) for then in found for name in names]
    done = run_requests([request for _, request in requests], workers)
    tables, failures = [], interruption([request for _, request in requests], done)
    for then, request in requests:
        if (job := done.get(request.key)) is None:
            continue
        if job.forecast is not None:
            tables.append(then.table(job.forecast))
        else:
            failures.append(f"{then.region} at {then.origin:%Y-%m-%d}, {request.model}: {job.error or job.state}")
    warn_of_unused_columns([(request, then.region) for then, request in requests], covariates, done)
    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(columns=list(FORECASTS)), failures
