"""The report on a table that was read: figures, sentences for a person, and the cells that could not be used."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from forecasting.data.columns import DATE, REGION, STATISTIC, VALUE
from forecasting.data.formatting import format_date
from forecasting.data.kind import COUNT
from forecasting.data.panel import Panel
from forecasting.tables.cells.blank_cells import quote_cell
from forecasting.tables.cells.parse_numbers import number_remedy
from forecasting.tables.cells.ragged_rows import TOO_FEW, TOO_MANY
from forecasting.tables.cells.raw_table import RawTable
from forecasting.tables.cells.tidy_table import count_missing_periods, rows_by_statistic
from forecasting.tables.column_mapping import ColumnMapping

#: Columns of `ReadReport.problems`.
PROBLEMS = ("line", "column", "cell", "what", "remedy")
#: So many problems are listed; a sentence says how many more there are.
MOST_PROBLEMS = 1000
#: Figures that are shown as they were read, and rows that are looked at for them.
MOST_EXAMPLES, LOOKED_FOR_EXAMPLES = 3, 200
NO_NUMBER = "not a number"
NO_DATE = "not a date"
NO_NAME = "no name"
NEGATIVE = "below zero"


@dataclass(frozen=True)
class ReadReport:
    """What was read, in figures and sentences, and which cells could not be used.

    Attributes:
        rows, regions: how many there are.
        first, last: dates.
        frequency: the name of the dates' spacing.
        season: its length in periods.
        blanks: cells without a figure.
        gaps: periods without a row between others of the same region.
        duplicates: rows that were put together with others of the same period and region.
        not_numbers: cells that are no numbers and were taken as missing.
        negative: counts below zero.
        sentences: all of that for a person.
        problems: the first problems by line, with the columns `PROBLEMS`.
        needs_no_mapping: `read_panel`, which is told no `ColumnMapping`, would have read the same.
        summary: what will be forecast, in a sentence.
        number_examples: the first figures as they are written, and as they were read.
        total: what the total over all regions is or would be called; empty where there can be none.
    """

    rows: int
    regions: int
    first: pd.Timestamp
    last: pd.Timestamp
    frequency: str
    season: int
    blanks: int = 0
    gaps: int = 0
    duplicates: int = 0
    not_numbers: int = 0
    negative: int = 0
    sentences: tuple[str, ...] = ()
    problems: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=list(PROBLEMS)))
    needs_no_mapping: bool = True
    summary: str = ""
    number_examples: tuple[tuple[str, float], ...] = ()
    total: str = ""


class CellProblems:
    """Collects what is wrong with single cells while a table is read, and with its lines of another width."""

    def __init__(self, raw: RawTable) -> None:
        self._raw = raw
        self._rows: list[tuple[int, str, str, str, str]] = []
        self.counts: Counter[str] = Counter()
        #: Of each column, how many cells are no numbers.
        self.no_numbers: Counter[str] = Counter()
        #: The first figures as they are written, and as they were read.
        self.number_examples: list[tuple[str, float]] = []
        #: Sentences on cells that were understood in a way that a reader has to know.
        self.notes: list[str] = []
        if raw.ragged is not None:
            ragged = raw.ragged.problems(MOST_PROBLEMS)
            self._rows += [(line, column, "", what, remedy) for line, column, what, remedy in ragged]
            short = int(raw.ragged.short.sum())
            self.counts += Counter({TOO_FEW: short, TOO_MANY: len(raw.ragged.lines) - short})

    def add(self, wrong: np.ndarray, column: str, what: str, remedy: str = "") -> None:
        """The cells of `column` where `wrong`; without a `remedy` each gets that of a cell that is no number."""
        rows = np.flatnonzero(wrong)
        self.counts[what] += len(rows)
        self.no_numbers[column] += len(rows) if what == NO_NUMBER else 0
        for row in rows[:MOST_PROBLEMS]:
            cell = self._raw.cells[column].iloc[row]
            text = "" if pd.isna(cell) else str(cell)[:100]
            self._rows.append((int(self._raw.lines[row]), column, text, what, remedy or number_remedy(cell)))

    def show_numbers(self, column: str, values: np.ndarray) -> None:
        """Keep the first different figures of a column, those whose writing leaves a choice before others."""
        rows = np.flatnonzero(np.isfinite(values[:LOOKED_FOR_EXAMPLES]))
        cells = self._raw.cells[column].iloc[rows].astype(str).str.strip().str[:40]
        found = dict(zip(cells, values[rows].tolist(), strict=True))
        marked = sorted(found, key=lambda text: not any(sign in text for sign in ",.' \u00a0"))
        self.number_examples += [(text, found[text]) for text in marked[:MOST_EXAMPLES]]

    def forget(self, what: str) -> None:
        """Take back all problems of a kind that turned out to be none."""
        self._rows = [row for row in self._rows if row[3] != what]
        del self.counts[what]

    def first_line(self, what: str) -> str:
        """The line of the first problem of this kind: ``"line 7"``."""
        return f"{self._raw.word} {min(line for line, _, _, kind, _ in self._rows if kind == what)}"

    def table(self) -> pd.DataFrame:
        """The first `MOST_PROBLEMS` by line, with the columns `PROBLEMS`."""
        rows = sorted(self._rows, key=lambda problem: problem[0])[:MOST_PROBLEMS]
        return pd.DataFrame(rows, columns=list(PROBLEMS))


def report_on_table(
    raw: RawTable,
    panel: Panel,
    table: pd.DataFrame,
    problems: CellProblems,
    cumulative: bool,
    merged: int = 0,
    mapping: ColumnMapping | None = None,
) -> ReadReport:
    """The report on `raw`, of which `table` and `panel` were made.

    Args:
        problems: what was wrong with single cells.
        cumulative: the figures are running totals.
        merged: how many rows were put together with others.
        mapping: with which the table was read.
    """
    frequency = panel.frequencies[panel.statistics[0].column]
    wrong = problems.counts[NO_NUMBER]
    values = () if mapping is None else mapping.wide if mapping.value is None else (mapping.value,)
    blanks = max(int(table[VALUE].isna().sum()) - sum(problems.no_numbers[column] for column in values), 0)
    counts = {one.column for one in panel.statistics if one.kind is COUNT}
    negative = 0 if cumulative else int(((table[VALUE] < 0) & table[STATISTIC].isin(counts)).sum())
    regions, first, last = table[REGION].nunique(), table[DATE].min(), table[DATE].max()
    missing = sum(_missing_periods(rows, panel, name) for name, rows in rows_by_statistic(table))
    season = f"a season is {frequency.steps(frequency.season)} long" if frequency.season > 1 else "without a season"
    listed = problems.table()
    sentences = [
        f"{_many(len(raw.cells), raw.word)}: {_many(regions, 'region')}, {frequency.name} figures from "
        f"{format_date(first)} to {format_date(last)}; {season}."
    ]
    if blanks:
        sentences.append(f"{_many(blanks, 'cell')} without a figure: nothing was published for these.")
    if missing:
        sentences.append(f"{_many(missing, frequency.step)} without a row, between others of the same region.")
    if merged:
        sentences.append(f"{_many(merged, raw.word)} put together with others of the same period and region.")
    for what, sentence in (
        (NO_NUMBER, "{} no number and taken as missing, the first in {}."),
        (NO_DATE, "{} left out, because there is no readable date, the first in {}."),
        (NO_NAME, "{} left out, because there is no name, the first in {}."),
    ):
        if count := problems.counts[what]:
            unit = "cell" if what == NO_NUMBER else raw.word
            verb = (" is" if count == 1 else " are") if what == NO_NUMBER else ""
            sentences.append(sentence.format(_many(count, unit) + verb, problems.first_line(what)))
    if negative:
        sentences.append(f"{_many(negative, 'count')} below zero; they are taken as corrections of earlier ones.")
    chosen = set(raw.cells) if mapping is None else set(mapping.chosen_columns())
    if left := [column for column in raw.cells if column not in chosen]:
        more_left = f" and {len(left) - 8} more" if len(left) > 8 else ""
        sentences.append(f"Left out as chosen: {', '.join(quote_cell(column) for column in left[:8])}{more_left}.")
    if (more := sum(problems.counts.values()) - len(listed)) > 0:
        sentences.append(f"{more:,} more problems are not listed.")
    sentences += [*panel.notes, *panel.kind_sentences]
    return ReadReport(
        len(raw.cells),
        regions,
        first,
        last,
        frequency.name,
        frequency.season,
        blanks,
        missing,
        merged,
        wrong,
        negative,
        tuple(sentences),
        listed,
        number_examples=tuple(problems.number_examples),
    )


def _missing_periods(rows: pd.DataFrame, panel: Panel, column: str) -> int:
    """How many periods of a statistic have no row, each region's by its own calendar."""
    own = panel.own_calendars(column)
    if not own:
        return count_missing_periods(rows, panel.frequencies[column])
    regions = rows[REGION].astype(str)
    common = rows[~regions.isin(own).to_numpy()]
    missing = count_missing_periods(common, panel.frequencies[column]) if len(common) else 0
    return missing + sum(
        count_missing_periods(rows[(regions == name).to_numpy()], one.frequency) for name, one in own.items()
    )


def _many(count: int, noun: str) -> str:
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"
