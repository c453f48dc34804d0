"""Where `forecast` and `backtest` take their figures from: a source, a file or a named database."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from forecasting.errors import RequestError
from forecasting.panel import Panel
from forecasting.sources import source
from forecasting.sources.file import read_panel
from forecasting.sources.sql import SqlSource, database

AnySource = Annotated[str | None, typer.Option("--source", help="A name that `sources` lists.")]
InputFile = Annotated[Path | None, typer.Option("--input", help="A CSV, Parquet or XLSX file instead.")]
DatabaseName = Annotated[str | None, typer.Option("--sql", help="A database instead: NAME of FORECAST_SQL_<NAME>.")]
TableName = Annotated[str | None, typer.Option("--table", help="Its table or view; as configured by default.")]
Cumulative = Annotated[bool, typer.Option("--cumulative", help="The file or table holds running totals.")]


def panel_of(
    source_name: str | None, input_file: Path | None, sql: str | None, table: str | None, cumulative: bool
) -> Panel:
    """The figures of the one of the three that was given. Raises `RequestError` unless it is exactly one."""
    if sum(given is not None for given in (source_name, input_file, sql)) != 1:
        raise RequestError("Give either --source NAME, --input FILE or --sql NAME.")
    if table is not None and sql is None:
        raise RequestError("--table is a table of a database; give --sql NAME with it.")
    if input_file is not None:
        return read_panel(input_file, cumulative=cumulative)
    if sql is not None:
        return SqlSource(database(sql), table).read(cumulative)
    if cumulative:
        raise RequestError("--cumulative is about a file; a source knows which of its statistics are running totals.")
    return source(source_name or "").panel()
