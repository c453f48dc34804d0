"""The command `backtest`: forecasts from earlier dates, from the data as known then, and their scores."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Annotated

import pandas as pd
import typer

from forecasting.cli.exit_codes import exit_with_failures
from forecasting.cli.forecast_batch import interruption, known_region, run_requests
from forecasting.cli.input_options import InputOptions
from forecasting.cli.model_options import FitPlan, ModelOptions, warn_of_unused_covariates
from forecasting.cli.option_groups import with_option_groups
from forecasting.cli.options import Baseline, ScoresFile, parse_date
from forecasting.cli.output import write_table
from forecasting.cli.score import leaderboard
from forecasting.data.columns import FORECASTS, STATISTIC
from forecasting.data.panel import Panel
from forecasting.evaluation.backtest import Cutoff, rolling_origins, series_at_cutoffs, truth_table
from forecasting.evaluation.forecast_tables import score_forecasts, summarise_scores
from forecasting.support.errors import DataError, RequestError


@with_option_groups
def backtest(
    data: InputOptions,
    models: ModelOptions,
    origins: Annotated[int, typer.Option(min=1, max=1000, help="How many of the last origins.")] = 4,
    at: Annotated[list[str] | None, typer.Option(help="YYYY-MM-DD instead; may be given several times.")] = None,
    step: Annotated[int, typer.Option(min=1, help="Periods between two origins.")] = 1,
    baseline: Baseline = None,
    output: Annotated[Path | None, typer.Option(help="Where to write the forecasts (.csv, .parquet or .xlsx).")] = None,
    scores_file: ScoresFile = None,
) -> None:
    """Forecast again from earlier dates, with the data as it stood then, and print the leaderboard."""
    if baseline not in (None, *models.names()):
        raise RequestError(f"The baseline '{baseline}' is not among --models; add it there.")
    panel = data.read_panel()
    plan, dates = models.plan(panel), list(dict.fromkeys(parse_date(text, "--at") for text in at or []))
    tables, scores, failures = [], [], list[str]()
    statistics = data.chosen_statistics(panel)
    for statistic in statistics:
        regions = [known_region(panel, name, statistic) for name in data.regions or panel.regions(statistic.name)]
        last_origins = partial(
            rolling_origins, panel, statistic=statistic.name, horizon=plan.horizon, count=origins, step=step
        )
        cutoffs, problems = _cutoffs(panel, regions, statistic.name, (lambda _: dates) if dates else last_origins)
        table, unfitted = _forecast_cutoffs(cutoffs, plan)
        failures += problems + unfitted
        if not table.empty:
            truth = truth_table(panel, dict.fromkeys(cutoff.region for cutoff in cutoffs), statistic.name)
            scored = score_forecasts(table, truth)
            for rows in (table, scored) if len(statistics) > 1 else ():
                rows.insert(1, STATISTIC, statistic.name)
            tables.append(table)
            scores.append(scored)
    if not tables:
        raise DataError(failures[0] if failures else "There is nothing to look back on.")
    all_scores = pd.concat(scores, ignore_index=True)
    if output is not None:
        write_table(pd.concat(tables, ignore_index=True), output)
    if scores_file is not None:
        write_table(all_scores, scores_file)
    if all_scores.empty:
        typer.echo("None of what was forecast has come yet, so there is nothing to score.", err=True)
    else:
        typer.echo(leaderboard(summarise_scores(all_scores, baseline)))
    exit_with_failures(failures)


def _cutoffs(
    panel: Panel, regions: Sequence[str], statistic: str, origin_dates: Callable[[str], Sequence[pd.Timestamp]]
) -> tuple[list[Cutoff], list[str]]:
    """Cut each region's series at its `origin_dates`; returns a sentence for each that has too little data."""
    wanted: dict[pd.Timestamp, list[str]] = {}
    cutoffs, problems = [], []
    for region in regions:
        try:
            for date in origin_dates(region):
                wanted.setdefault(date, []).append(region)
        except (DataError, RequestError) as error:
            problems.append(f"{region} ({statistic}): {error}")
    for date, regions_then in wanted.items():
        for cutoff in series_at_cutoffs(panel, regions_then, statistic, [date]):
            if isinstance(cutoff, Cutoff):
                cutoffs.append(cutoff)
            else:
                problems.append(str(cutoff))
    order = {region: place for place, region in enumerate(regions)}
    return sorted(cutoffs, key=lambda cutoff: (order[cutoff.region], cutoff.at)), problems


def _forecast_cutoffs(cutoffs: Sequence[Cutoff], plan: FitPlan) -> tuple[pd.DataFrame, list[str]]:
    """Forecast from each cutoff by each model; returns the forecasts table, and a sentence for each that failed."""
    cutoffs = [
        replace(cutoff, series=cutoff.series.with_covariates(plan.covariates).with_holidays(plan.holidays))
        for cutoff in cutoffs
    ]
    requests = [(cutoff, cutoff.request(name, plan.horizon)) for cutoff in cutoffs for name in plan.names]
    done = run_requests([request for _, request in requests], plan.workers)
    tables, failures = [], interruption([request for _, request in requests], done)
    for cutoff, request in requests:
        if (job := done.get(request.key)) is None:
            continue
        if job.forecast is not None:
            tables.append(cutoff.table(job.forecast))
        else:
            failures.append(f"{cutoff.region} at {cutoff.origin:%Y-%m-%d}, {request.model}: {job.error or job.state}")
    warn_of_unused_covariates([(request, cutoff.region) for cutoff, request in requests], plan.covariates, done)
    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(columns=list(FORECASTS)), failures
