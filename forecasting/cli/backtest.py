"""The command `backtest`: forecasts from earlier dates, from the data as known then, and their scores."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Annotated

import numpy as np
import pandas as pd
import typer

from forecasting.cli.exit_codes import exit_with_failures
from forecasting.cli.forecast_batch import interruption, known_region, run_requests
from forecasting.cli.input_options import InputOptions
from forecasting.cli.model_options import FitPlan, ModelOptions, warn_of_lonely_regions
from forecasting.cli.option_groups import with_option_groups
from forecasting.cli.options import Baseline, ScoresFile, parse_date
from forecasting.cli.output import first_few, print_notes, write_table
from forecasting.cli.output_files import check_output_files, check_sheet_rows
from forecasting.cli.score import leaderboard
from forecasting.cli.stop_signals import go_on
from forecasting.data.columns import MODEL, REGION, STATISTIC
from forecasting.data.forecast import QUANTILES, Forecast
from forecasting.data.panel import Panel, Statistic
from forecasting.data.series import Series
from forecasting.evaluation.backtest import (
    Cutoff,
    one_cutoff_per_origin,
    rolling_origins,
    series_at_cutoffs,
    stack_cutoffs,
    truth_tables,
)
from forecasting.evaluation.forecast_tables import SCORES, score_forecasts, summarise_scores
from forecasting.preparation.note_summary import note_kind, summarise_notes
from forecasting.services.data_notes import forecast_notes, unused_holiday_notes
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
    check_output_files({"--output": output, "--scores": scores_file}, {"--input": data.file})
    panel = data.read_panel()
    plan, dates = models.plan(panel), list(dict.fromkeys(parse_date(text, "--at") for text in at or []))
    statistics = data.chosen_statistics(panel)
    cuts, failures, repeated = list[tuple[str, Cutoff]](), list[str](), list[Cutoff]()
    for statistic in statistics:
        last_origins = partial(
            rolling_origins, panel, statistic=statistic.name, horizon=plan.horizon, count=origins, step=step
        )
        regions = _regions(panel, data.regions, statistic)
        cutoffs, problems = _cutoffs(panel, regions, statistic.name, (lambda _: dates) if dates else last_origins)
        kept, left_out = one_cutoff_per_origin(cutoffs)
        cuts += [(statistic.name, cutoff) for cutoff in kept]
        repeated += left_out
        failures += problems
    if not cuts:
        raise DataError(_nothing_to_cut(failures))
    if repeated:
        print_notes([_repeated_sentence(repeated, len(repeated) + len(cuts))])
    check_sheet_rows("--output", output, len(cuts) * len(plan.names) * plan.horizon * len(QUANTILES))
    forecasts, unfitted = _forecast_cutoffs(panel, cuts, plan, several=len(statistics) > 1)
    failures += unfitted
    if output is not None:
        write_table(forecasts, output)
    go_on()
    scores, unscored = _scores(panel, forecasts, statistics)
    failures += unscored
    if scores_file is not None:
        write_table(scores, scores_file)
    if scores.empty:
        failures.append("None of what was forecast has come yet, so there is nothing to score.")
    else:
        typer.echo(leaderboard(summarise_scores(scores, _baseline_there(baseline, scores, failures))))
    exit_with_failures(failures)


def _regions(panel: Panel, chosen: Sequence[str] | None, statistic: Statistic) -> list[str]:
    """List the regions to forecast, each once: the chosen ones, or all that any vintage has. Raises `RequestError`."""
    known = panel.regions_of_all_vintages(statistic.name)
    return list(dict.fromkeys(known_region(panel, name, statistic, known) for name in chosen or known))


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


def _repeated_sentence(repeated: Sequence[Cutoff], count: int) -> str:
    """Say which cuts were left out because an earlier cut of the region has the same origin."""
    named = first_few([f"{cutoff.region} at {cutoff.at:%Y-%m-%d}" for cutoff in repeated])
    verb = "ends" if len(repeated) == 1 else "end"
    return (
        f"{len(repeated):,} of {count:,} cuts {verb} on the same last date of data as an earlier cut of the region "
        f"({named}); each region and origin is forecast once."
    )


def _nothing_to_cut(failures: Sequence[str]) -> str:
    """Say why there is no origin at all, in one line."""
    if not failures:
        return "There is nothing to look back on."
    return failures[0] + (f" (And {len(failures) - 1:,} more like this.)" if len(failures) > 1 else "")


def _forecast_cutoffs(
    panel: Panel, cuts: Sequence[tuple[str, Cutoff]], plan: FitPlan, several: bool
) -> tuple[pd.DataFrame, list[str]]:
    """Forecast from each cutoff by each model; returns the forecasts table, and a sentence for each that failed.

    Each cutoff comes with the name of its statistic, which is a column of the table if there are `several`.
    """
    cuts = [
        (name, replace(cutoff, series=cutoff.series.with_covariates(plan.covariates).with_holidays(plan.holidays)))
        for name, cutoff in cuts
    ]
    requests = [(name, cutoff, cutoff.request(model, plan.horizon)) for name, cutoff in cuts for model in plan.names]
    _print_data_notes(panel, cuts, several, plan.holidays)
    done = run_requests([request for *_, request in requests], plan.workers)
    tabled, names = list[tuple[Cutoff, Forecast]](), list[str]()
    made = list[tuple[str, Forecast]]()
    failures = interruption([request for *_, request in requests], done)
    for statistic, cutoff, request in requests:
        if (job := done.get(request.key)) is None:
            continue
        if job.forecast is not None:
            tabled.append((cutoff, job.forecast))
            names += [statistic] * (job.forecast.horizon - cutoff.gap)
            made.append((f"{_label(cutoff, statistic, several)} at {cutoff.origin:%Y-%m-%d}", job.forecast))
        else:
            failures.append(f"{cutoff.region} at {cutoff.origin:%Y-%m-%d}, {request.model}: {job.error or job.state}")
    warn_of_lonely_regions([(request, cutoff.region) for _, cutoff, request in requests], plan.covariates)
    print_notes(forecast_notes(made))
    table = stack_cutoffs(tabled)
    if several:
        table.insert(1, STATISTIC, np.repeat(np.array(names, dtype=object), len(QUANTILES)))
    return table, failures


def _print_data_notes(panel: Panel, cuts: Sequence[tuple[str, Cutoff]], several: bool, holidays: str) -> None:
    """Print what is known of the panel and was done to the figures of the cuts, once a kind, to stderr."""
    series, notes = dict[str, Series](), dict[str, dict[str, str]]()
    for name, cutoff in cuts:
        label = _label(cutoff, name, several)
        series[label] = cutoff.series
        known = notes.setdefault(label, {})
        known |= {note_kind(note): note for note in cutoff.series.notes}  # those of an earlier cut say less
    print_notes([*panel.notes, *summarise_notes({label: tuple(known.values()) for label, known in notes.items()})])
    print_notes(unused_holiday_notes(series, holidays))


def _label(cutoff: Cutoff, statistic: str, several: bool) -> str:
    """Name a cutoff's series in notes: its region, with the statistic if there are several."""
    return f"{cutoff.region} ({statistic})" if several else cutoff.region


def _scores(panel: Panel, forecasts: pd.DataFrame, statistics: Sequence[Statistic]) -> tuple[pd.DataFrame, list[str]]:
    """Score what has come; returns the scores, and a sentence for each region whose truth is not known."""
    tables, failures = [], list[str]()
    for statistic in statistics:
        made = forecasts[forecasts[STATISTIC] == statistic.name] if STATISTIC in forecasts else forecasts
        truth, unknown = truth_tables(panel, list(dict.fromkeys(made[REGION])), statistic.name)
        failures += [f"{sentence} Its forecasts are not scored." for sentence in unknown]
        if made.empty or truth.empty:
            continue
        try:
            scored = score_forecasts(made.drop(columns=STATISTIC, errors="ignore"), truth)
        except DataError as error:
            failures.append(f"{statistic.name} could not be scored: {error}")
            continue
        if STATISTIC in forecasts:
            scored.insert(1, STATISTIC, statistic.name)
        tables.append(scored)
    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(columns=list(SCORES)), failures


def _baseline_there(baseline: str | None, scores: pd.DataFrame, failures: list[str]) -> str | None:
    """Return the baseline if any of its forecasts is scored; else add a sentence to `failures` and return None."""
    if baseline is None or baseline in set(scores[MODEL]):
        return baseline
    failures.append(f"No forecast of the baseline {baseline} could be scored, so there is nothing to compare with.")
    return None
