"""The Typer application, its exit codes, the options that commands share, and how results are written."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Annotated, Any

import pandas as pd
import typer

from forecasting.export import file_formats
from forecasting.support.errors import RequestError

app = typer.Typer(
    help="Forecasts of counts by region, with honest uncertainty.",
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
DONE = 0
SOME_FAILED = 1
BAD_INPUT = 2


AsJson = Annotated[bool, typer.Option("--json", help="As JSON, with all that is known.")]
SourceName = Annotated[str, typer.Option("--source", help="A name that `sources` lists.")]
Horizon = Annotated[int, typer.Option(help="Steps ahead, counted from 1.")]
ModelNames = Annotated[str, typer.Option("--models", help="Names that `models` lists, joined by commas.")]
StatisticName = Annotated[str | None, typer.Option(help="What to forecast; the source's first by default.")]
Regions = Annotated[list[str] | None, typer.Option(help="Only this region; may be given several times.")]
Covariates = Annotated[
    str | None, typer.Option(help="Further columns to learn from, joined by commas; known only for the past.")
]
Holidays = Annotated[
    str | None, typer.Option(help="A country's public holidays, as DE, or US-CA for a part; for counts of days.")
]
Workers = Annotated[int | None, typer.Option(min=1, max=64, help="Processes that fit.")]


def first_few(names: Sequence[str]) -> str:
    """The first six names joined by commas, and how many more there are."""
    return ", ".join(names[:6]) + (f" and {len(names) - 6} more" if len(names) > 6 else "")


def split_names(joined: str, option: str) -> list[str]:
    """The names in a comma-separated option, each once. Raises `RequestError` where there is none."""
    names = list(dict.fromkeys(name.strip() for name in joined.split(",") if name.strip()))
    if not names:
        raise RequestError(f"--{option} is empty; give names joined by commas.")
    return names


def parse_date(text: str, option: str) -> pd.Timestamp:
    """The date that an option gives as YYYY-MM-DD. Raises `RequestError` for anything else."""
    try:
        return pd.Timestamp(date.fromisoformat(text))
    except ValueError:
        raise RequestError(f"{option} is '{text}'; give a date as YYYY-MM-DD.") from None


def write_table(table: pd.DataFrame, output: Path | None) -> None:
    """Write a table to a file of the kind that its suffix names, or as CSV to stdout. Raises `RequestError`."""
    if output is None:
        sys.stdout.write(file_formats.to_csv(table).decode())
        return
    kinds = {".csv": file_formats.to_csv, ".parquet": file_formats.to_parquet, ".xlsx": _workbook}
    if output.suffix.lower() not in kinds:
        raise RequestError(f"--output is '{output}'; its name must end in .csv, .parquet or .xlsx.")
    try:
        output.write_bytes(kinds[output.suffix.lower()](table))
    except OSError as error:
        raise RequestError(f"'{output}' cannot be written: {error.strerror}.") from None


def _workbook(table: pd.DataFrame) -> bytes:
    return file_formats.to_xlsx({"table": table})


def print_list(rows: Sequence[dict[str, Any]], as_json: bool) -> None:
    """Print the name of each row, one a line, or all of it as JSON."""
    typer.echo(json.dumps(rows, indent=2, ensure_ascii=False) if as_json else "\n".join(row["name"] for row in rows))
