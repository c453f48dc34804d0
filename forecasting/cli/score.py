"""The command `score`: scores of a forecasts table against the truth, and the leaderboard."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import pandas as pd
import typer

from forecasting.cli.options import AsJson, Baseline, ScoresFile
from forecasting.cli.output import first_few, write_table
from forecasting.cli.output_files import check_output_files
from forecasting.data.columns import DATE, MODEL, REGION, STATISTIC
from forecasting.evaluation.forecast_tables import score_forecasts, summarise_scores
from forecasting.support.errors import DataError, RequestError
from forecasting.tables.forecast_file import read_forecasts, read_truth


def score(
    forecasts_file: Annotated[Path, typer.Option("--forecasts", help="A forecasts table, ours or a hub's.")],
    truth_file: Annotated[Path, typer.Option("--truth", help="What came: region, date and value.")],
    baseline: Baseline = None,
    statistic: Annotated[str | None, typer.Option(help="Of several in a file, the one to score.")] = None,
    scores_file: ScoresFile = None,
    as_json: AsJson = False,
) -> None:
    """Score forecasts against what came, and print the leaderboard."""
    check_output_files({"--scores": scores_file}, {"--forecasts": forecasts_file, "--truth": truth_file})
    truth = read_truth(truth_file)
    forecasts = read_forecasts(forecasts_file, regions=truth[REGION].unique())
    notes = (*forecasts.attrs["notes"], *_clock_notes(forecasts_file, forecasts, truth_file, truth))
    forecasts, truth = _one_statistic(forecasts, truth, statistic)
    scores = score_forecasts(forecasts, truth)
    if scores.empty:
        raise DataError(_nothing_in_common(forecasts_file, forecasts, truth_file, truth))
    if missing := scores.attrs["without_truth"]:
        notes = (*notes, f"{missing} forecasts have no figure in {truth_file.name} yet; they were left out.")
    summary = summarise_scores(scores, baseline)
    if scores_file is not None:
        write_table(scores, scores_file)
    for note in notes:
        typer.echo(note, err=True)
    typer.echo(
        json.dumps(json.loads(summary.to_json(orient="records", double_precision=15)), indent=2)
        if as_json
        else leaderboard(summary)
    )


def _clock_notes(forecasts_file: Path, forecasts: pd.DataFrame, truth_file: Path, truth: pd.DataFrame) -> list[str]:
    """What is taken for granted of the clocks of two files; raises `DataError` where nothing can be.

    A table of forecasts that this program wrote has no offsets: it is in UTC where the figures had some.
    """
    if forecasts.attrs["offsets"] and not truth.attrs["offsets"] and _has_times(truth):
        raise DataError(
            f"{truth_file.name}: its times have no UTC offsets, and those of {forecasts_file.name} have some, so that nobody can "
            "tell which hours are the same; give the truth with offsets."
        )
    if truth.attrs["offsets"] and not forecasts.attrs["offsets"]:
        return [
            f"The times of {truth_file.name} have UTC offsets and are in UTC; those of {forecasts_file.name} have none and are "
            "taken to be in UTC, too."
        ]
    return []


def _has_times(table: pd.DataFrame) -> bool:
    days = pd.to_datetime(table[DATE])
    return bool((days != days.dt.normalize()).any())


def leaderboard(summary: pd.DataFrame) -> str:
    """Format a summary as lines of text with aligned columns; three decimals, a dash for NaN."""
    columns = []
    for name in summary:
        cells = [name, *(_cell(value) for value in summary[name])]
        width = max(map(len, cells))
        columns.append([f"{cell:<{width}}" if name in (MODEL, STATISTIC) else f"{cell:>{width}}" for cell in cells])
    return "\n".join("  ".join(row).rstrip() for row in zip(*columns, strict=True))


def _cell(value: object) -> str:
    if not isinstance(value, float):
        return str(value)
    return f"{value:.3f}" if value == value else "–"


def _one_statistic(
    forecasts: pd.DataFrame, truth: pd.DataFrame, statistic: str | None
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return both tables so that equal statistics meet: by name if one has several, else the one with the other."""
    if statistic is not None:
        forecasts, truth = _only(forecasts, statistic, "forecasts"), _only(truth, statistic, "truth")
    known = list(truth[STATISTIC].unique())
    if STATISTIC not in forecasts and len(known) > 1:
        typer.echo(f"The truth has {first_few(known)}; {known[0]} is taken, --statistic takes another.", err=True)
        truth = truth[truth[STATISTIC] == known[0]]
    by_name = STATISTIC in forecasts and max(forecasts[STATISTIC].nunique(), len(known)) > 1
    return forecasts, truth if by_name else truth.drop(columns=STATISTIC)


def _only(table: pd.DataFrame, statistic: str, what: str) -> pd.DataFrame:
    """Return the rows of a statistic; a table with one statistic is returned as it is."""
    known = list(table[STATISTIC].unique()) if STATISTIC in table else []
    if len(known) < 2:
        return table
    if statistic not in known:
        raise RequestError(f"The {what} have no statistic '{statistic}'; they have {first_few(known)}.")
    return table[table[STATISTIC] == statistic]


def _nothing_in_common(forecasts_file: Path, forecasts: pd.DataFrame, truth_file: Path, truth: pd.DataFrame) -> str:
    several = STATISTIC in forecasts and STATISTIC in truth
    cure = "the same statistic (--statistic names one)" if several else "the same regions and dates"
    return (
        f"{forecasts_file.name}: none of its forecasts ({_about(forecasts)}) has a figure in {truth_file.name} "
        f"({_about(truth)}); give the truth of {cure}."
    )


def _about(table: pd.DataFrame) -> str:
    """Describe a table: its statistics if it has several, its regions and its dates."""
    days = pd.to_datetime(table[DATE])
    names = [first_few(list(table[STATISTIC].unique()))] if STATISTIC in table else []
    return "; ".join(
        [*names, first_few(list(table[REGION].unique())), f"{days.min():%Y-%m-%d} to {days.max():%Y-%m-%d}"]
    )
