"""Input options of `forecast` and `backtest`: which data they read, and reading them."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

import typer

from forecasting.data.kind import CHOICES, CHOICES_WITHOUT_TOTALS
from forecasting.data.panel import ZEROS_CHOICES, Panel, Statistic
from forecasting.sources import default_statistic, source
from forecasting.sources.sql import SqlSource, named_database
from forecasting.support.errors import DataError, RequestError
from forecasting.tables.cells.number_format import NumberFormat
from forecasting.tables.column_mapping import MAX_MAPPING_LETTERS, ColumnMapping
from forecasting.tables.column_questions import QuestionKind
from forecasting.tables.mapped_table import read_mapped_file
from forecasting.tables.panel_file import read_raw_table
from forecasting.tables.unmapped_table import OpenQuestionError, read_unmapped_table

#: How to answer each question on the command line; others by naming the columns.
_ANSWERS = {
    QuestionKind.CUMULATIVE: "--cumulative if they are, or --no-cumulative if each is the count of its own period",
    QuestionKind.DAY_FIRST: 'it with --mapping and "day_first": true or false',
    QuestionKind.WHICH: "--statistic with the name of one of them",
    QuestionKind.COUNTS: "--statistic with the name of that column",
    QuestionKind.COMBINE: 'it with --mapping and "combine": "sum" or "mean"',
    QuestionKind.NUMBER_FORMAT: "--number-format '1,234.5' or --number-format '1.234,5'",
    QuestionKind.SIX_DIGITS: 'it with --mapping and "six_digits": "months" or "weeks"',
    QuestionKind.TURNED: "it with a table that is turned, with a row a date",
}
_BY_MAPPING = """it with --mapping '{"date": "…", "value": "…"}', which names the columns"""

#: How a column of dates is called that are the first days of weeks.
FIRST_DAY_NAME = re.compile(
    r"week[ _-]?(begin|start|commenc)|(begin|start|first[ _-]?day)[a-z]*[ _-]?(of[ _-]?)?(the[ _-]?)?week"
)


@dataclass(frozen=True)
class InputOptions:
    """Options for the data that a command forecasts: a source, a file or a table of a database, and which series of it."""

    source: Annotated[str | None, typer.Option("--source", help="A name that `sources` lists.")] = None
    file: Annotated[Path | None, typer.Option("--input", help="A CSV, Parquet or XLSX file instead.")] = None
    mapping: Annotated[
        str | None,
        typer.Option(
            "--mapping", help="Which column of --input is what: a JSON file from the page Your data, or its text."
        ),
    ] = None
    kind: Annotated[
        str | None,
        typer.Option("--kind", help=f"What a figure is: {', '.join(CHOICES)}. Seen from the figures by default."),
    ] = None
    zeros_at_end: Annotated[
        str | None,
        typer.Option(
            "--zeros-at-end",
            help="What zeros at the end of counts are: true, or unreported (as by default where the level rules them out).",
        ),
    ] = None
    number_format: Annotated[
        str | None,
        typer.Option("--number-format", help="How --input writes numbers: 1,234.5 or 1.234,5 or 1 234,5 or 1'234.5."),
    ] = None
    cumulative: Annotated[
        bool | None,
        typer.Option("--cumulative/--no-cumulative", help="Whether the file or table holds running totals."),
    ] = None
    sql: Annotated[str | None, typer.Option("--sql", help="A database instead: NAME of FORECAST_SQL_<NAME>.")] = None
    table: Annotated[str | None, typer.Option("--table", help="Its table or view; as configured by default.")] = None
    statistic: Annotated[
        str | None,
        typer.Option("--statistic", help="What to forecast, also a column of --input; the first by default."),
    ] = None
    regions: Annotated[
        list[str] | None, typer.Option("--region", help="Only this region; may be given several times.")
    ] = None

    def read_panel(self) -> Panel:
        """Read the panel of the source, the file or the database. Raises `RequestError` unless it is exactly one."""
        if self.zeros_at_end not in (None, *ZEROS_CHOICES):
            raise RequestError(f"--zeros-at-end is {' or '.join(ZEROS_CHOICES)}, not '{self.zeros_at_end}'.")
        panel = self._read()
        panel = panel if self.zeros_at_end is None else panel.with_zeros_at_end(self.zeros_at_end)
        if self.kind is not None:
            return panel.with_kind(self.kind)
        kinds = [sentence for sentence in panel.kind_sentences if sentence not in panel.notes]
        return replace(panel, notes=(*panel.notes, *(f"{sentence} --kind says otherwise." for sentence in kinds)))

    def _read(self) -> Panel:
        if sum(given is not None for given in (self.source, self.file, self.sql)) != 1:
            raise RequestError("Give either --source NAME, --input FILE or --sql NAME.")
        if self.table is not None and self.sql is None:
            raise RequestError("--table is a table of a database; give --sql NAME with it.")
        if self.mapping is not None and self.file is None:
            raise RequestError("--mapping is about the columns of a file; give --input FILE with it.")
        if self.number_format is not None and self.file is None:
            raise RequestError("--number-format is about the cells of a file; give --input FILE with it.")
        if self.file is not None:
            # What does not add up has no running totals.
            cumulative = bool(self.cumulative) if self.kind in CHOICES_WITHOUT_TOTALS else self.cumulative
            return _read_file(self.file, cumulative, self.mapping, self.number_format, self.statistic)
        if self.sql is not None:
            return SqlSource(named_database(self.sql), self.table).read(bool(self.cumulative))
        if self.cumulative is not None:
            raise RequestError(
                "--cumulative is about a file; a source knows which of its statistics are running totals."
            )
        return source(self.source or "").panel()

    def names_first_days(self) -> bool:
        """Whether a column of the file is called the first day of a week, as ``week_beginning``."""
        if self.file is None:
            return False
        columns = read_raw_table(self.file).cells.columns
        return any(FIRST_DAY_NAME.search(str(column).lower()) for column in columns)

    def chosen_statistics(self, panel: Panel) -> list[Statistic]:
        """Return the named statistic; without a name all of a file or a database, or the first of a source."""
        if self.statistic is not None:
            return [panel.statistic(self.statistic)]
        return list(panel.statistics) if self.source is None else [default_statistic(self.source, panel)]


def _read_file(
    path: Path, cumulative: bool | None, text: str | None, number_format: str | None, statistic: str | None
) -> Panel:
    """Read a panel from a file, with notes on odd lines and on what was left out; a statistic may be one of its columns."""
    if text is None:
        raw = read_raw_table(path, number_format=number_format)
        try:
            panel, notes = read_unmapped_table(raw, cumulative, statistic)
        except OpenQuestionError as asked:
            how = _ANSWERS.get(asked.question.kind, _BY_MAPPING)
            raise DataError(f"{asked.table}: {asked.question.text} Say {how}.") from None
        return replace(panel, notes=tuple(dict.fromkeys((*notes, *panel.notes))))
    mapping = _read_mapping(text)
    if cumulative is not None:
        mapping = replace(mapping, cumulative=cumulative)
    if number_format is not None:
        mapping = replace(mapping, number_format=NumberFormat.parse(number_format))
    panel, report = read_mapped_file(path, mapping)
    return replace(panel, notes=report.sentences[1:])


def _read_mapping(text: str) -> ColumnMapping:
    """Read the mapping of `--mapping`, which is JSON text or the name of a JSON file."""
    if text.lstrip().startswith("{"):
        return ColumnMapping.from_json(text)
    try:
        with Path(text).open("rb") as file:
            content = file.read(4 * MAX_MAPPING_LETTERS + 1)  # a letter may be four bytes
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "there is no such file"
        raise DataError(f"--mapping {text[:200]}: {reason.lower()}; give a file of JSON, or JSON itself.") from None
    return ColumnMapping.from_json(content.decode("utf-8-sig", errors="replace"))
