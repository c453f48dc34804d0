"""Read a table without a column mapping, as the command line and the API do: by its header, or as the page proposes.

What only a person knows of it is never decided in silence: it is an `OpenQuestionError`.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace

from forecasting.data.columns import DATE, VALUE
from forecasting.data.panel import Panel
from forecasting.support.errors import DataError
from forecasting.tables import jhu_format, oxcgrt_format
from forecasting.tables.cells.blank_cells import quote_cell, quote_cells
from forecasting.tables.cells.raw_table import RawTable
from forecasting.tables.column_mapping import ColumnMapping
from forecasting.tables.column_questions import ColumnQuestion, QuestionKind
from forecasting.tables.column_vocabulary import standard_names
from forecasting.tables.guess_columns import ColumnGuess
from forecasting.tables.mapped_table import read_mapped_raw_table
from forecasting.tables.panel_file import panel_from_raw_table
from forecasting.tables.read_report import ReadReport

#: Questions that stay open though a table can be read by its header.
_ALWAYS_ASKED = (QuestionKind.CUMULATIVE, QuestionKind.WHICH)


class OpenQuestionError(DataError):
    """A table could be read in two ways, and only a person knows which is meant.

    Attributes:
        table: what messages call it.
        question: the first of what is to be asked.
    """

    def __init__(self, table: str, questions: Sequence[ColumnQuestion]) -> None:
        super().__init__(f"{table}: {questions[0].text}")
        self.table = table
        self.question = questions[0]


def read_unmapped_table(
    raw: RawTable, cumulative: bool | None = None, value: str | None = None
) -> tuple[Panel, tuple[str, ...]]:
    """The table as a `Panel`, and sentences on what of it could not be read.

    Args:
        raw: its cells.
        cumulative: whether its figures are running totals; None where nobody has said.
        value: the column that somebody wants to be forecast; None where nobody has said.

    Raises:
        OpenQuestionError: for what only a person can say.
        DataError: for what is no table, in one line.
    """
    header = list(raw.cells)
    if oxcgrt_format.is_oxcgrt_table(header) or jhu_format.is_jhu_table(header):
        panel = panel_from_raw_table(raw, cumulative)
        return panel, raw.notes
    is_standard = {DATE, VALUE} <= set(standard_names(header).values())
    chosen = value if value in header and value != VALUE and not is_standard else None
    guess = ColumnGuess(raw, chosen)
    answered = () if cumulative is None else (QuestionKind.CUMULATIVE,)
    questions = [question for question in guess.questions if question.kind not in answered]
    if chosen is not None and guess.mapping is not None and guess.mapping.value == chosen:
        _raise_any(raw, questions)
        panel, report = _read_guessed(raw, guess.mapping, cumulative)
        return panel, report.sentences[1:]
    try:
        panel = panel_from_raw_table(raw, cumulative)
    except DataError:
        _raise_any(raw, [] if is_standard else questions)
        if questions or guess.mapping is None:
            raise
        panel, report = _read_guessed(raw, guess.mapping, cumulative)
        if is_standard and len(report.problems):
            raise
        reason = guess.roles[guess.mapping.value][1] if guess.mapping.value else ""
        return panel, (*chosen_column_notes(guess.mapping, reason), *report.sentences[1:])
    _raise_any(raw, questions, _ALWAYS_ASKED)
    return panel, panel.notes


def _read_guessed(raw: RawTable, mapping: ColumnMapping, cumulative: bool | None) -> tuple[Panel, ReadReport]:
    return read_mapped_raw_table(raw, mapping if cumulative is None else replace(mapping, cumulative=cumulative))


def chosen_column_notes(mapping: ColumnMapping, reason: str) -> tuple[str, ...]:
    """A sentence on which of several columns of numbers is forecast, and why; empty where there is only one."""
    if mapping.value is None or not mapping.covariates:
        return ()
    others = quote_cells(mapping.covariates)
    return (f"{quote_cell(mapping.value)} is forecast ({reason}); beside it there are further figures: {others}.",)


def _raise_any(
    raw: RawTable, questions: Sequence[ColumnQuestion], kinds: Collection[QuestionKind] = tuple(QuestionKind)
) -> None:
    if asked := [question for question in questions if question.kind in kinds]:
        raise OpenQuestionError(raw.name, asked)
