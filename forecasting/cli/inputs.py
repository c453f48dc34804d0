"""Where `forecast` and `backtest` take their figures from: a source, a file or a named database."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from forecasting.data.panel import Panel
from forecasting.sources import source
from forecasting.sources.sql import SqlSource, database
from forecasting.support.errors import DataError, RequestError
from forecasting.tables.mapping import MAX_LETTERS, Mapping, read_file
from forecasting.tables.panel_file import panel_of as panel_of_table
from forecasting.tables.panel_file import table_of

AnySource = Annotated[str | None, typer.Option("--source", help="A name that `sources` lists.")]
InputFile = Annotated[Path | None, typer.Option("--input", help="A CSV, Parquet or XLSX file instead.")]
DatabaseName = Annotated[str | None, typer.Option("--sql", help="A database instead: NAME of FORECAST_SQL_<NAME>.")]
TableName = Annotated[str | None, typer.Option("--table", help="Its table or view; as configured by default.")]
MappingText = Annotated[
    str | None,
    typer.Option(
        "--mapping", help="Which column of --input is what: a JSON file from the page Your data, or its text."
    ),
]
Cumulative = Annotated[bool, typer.Option("--cumulative", help="The file or table holds running totals.")]


def panel_of(
    source_name: str | None,
    input_file: Path | None,
    sql: str | None,
    table: str | None,
    cumulative: bool,
    mapping: str | None = None,
) -> Panel:
    """The figures of the one of the three that was given. Raises `RequestError` unless it is exactly one."""
    if sum(given is not None for given in (source_name, input_file, sql)) != 1:
        raise RequestError("Give either --source NAME, --input FILE or --sql NAME.")
    if table is not None and sql is None:
        raise RequestError("--table is a table of a database; give --sql NAME with it.")
    if mapping is not None and input_file is None:
        raise RequestError("--mapping is about the columns of a file; give --input FILE with it.")
    if input_file is not None:
        return _file(input_file, cumulative, mapping)
    if sql is not None:
        return SqlSource(database(sql), table).read(cumulative)
    if cumulative:
        raise RequestError("--cumulative is about a file; a source knows which of its statistics are running totals.")
    return source(source_name or "").panel()


def _file(path: Path, cumulative: bool, text: str | None) -> Panel:
    """The figures of a file; which lines of it are odd, and what was left out, is said on stderr."""
    if text is None:
        table = table_of(path)
        panel, said = panel_of_table(table, cumulative), table.notes
    else:
        mapping = _mapping(text)
        panel, report = read_file(path, replace(mapping, cumulative=mapping.cumulative or cumulative))
        said = report.sentences[1:] if len(report.problems) else ()
    for sentence in said:
        typer.echo(sentence, err=True)
    return panel


def _mapping(text: str) -> Mapping:
    """What `--mapping` says: JSON text, or else the name of a file of it."""
    if text.lstrip().startswith("{"):
        return Mapping.from_json(text)
    try:
        with Path(text).open("rb") as file:
            content = file.read(4 * MAX_LETTERS + 1)  # a letter may be four bytes
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "there is no such file"
        raise DataError(f"--mapping {text[:200]}: {reason.lower()}; give a file of JSON, or JSON itself.") from None
    return Mapping.from_json(content.decode("utf-8-sig", errors="replace"))
