"""Options of several commands, and the parsing of their values."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Annotated

import pandas as pd
import typer

from forecasting.support.errors import RequestError

AsJson = Annotated[bool, typer.Option("--json", help="As JSON, with all that is known.")]
SourceName = Annotated[str, typer.Option("--source", help="A name that `sources` lists.")]
SourceNames = Annotated[list[str], typer.Option("--source", help="A name that `sources` lists; several times.")]
ModelNames = Annotated[str | None, typer.Option("--models", help="Joined by commas; all by default.")]
Baseline = Annotated[str | None, typer.Option(help="The model that the others are compared with.")]
ScoresFile = Annotated[Path | None, typer.Option("--scores", help="Where to write each forecast's scores.")]
Workers = Annotated[int | None, typer.Option(min=1, max=64, help="Processes that fit.")]


def split_names(joined: str, option: str) -> list[str]:
    """Split the names of a comma-separated option, each once. Raises `RequestError` if there is none."""
    names = list(dict.fromkeys(name.strip() for name in joined.split(",") if name.strip()))
    if not names:
        raise RequestError(f"--{option} is empty; give names joined by commas.")
    return names


def parse_date(text: str, option: str) -> pd.Timestamp:
    """Parse the date of an option, YYYY-MM-DD. Raises `RequestError` for anything else."""
    try:
        return pd.Timestamp(date.fromisoformat(text))
    except ValueError:
        raise RequestError(f"{option} is '{text}'; give a date as YYYY-MM-DD.") from None
