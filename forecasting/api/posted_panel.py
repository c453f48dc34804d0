"""Posted panel: data of a request -> `Panel`, read and repaired as the same table from a file.

A table is read as the command line reads it, or else as the page Your data proposes; what only a person knows about it
becomes a question in the response.
"""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import replace
from typing import Any

from forecasting.api.problem_details import InvalidField, Problem
from forecasting.api.request_models import ForecastRequest
from forecasting.data.kind import CHOICES_WITHOUT_TOTALS
from forecasting.data.panel import Panel
from forecasting.support.errors import DataError
from forecasting.tables.column_mapping import ColumnMapping
from forecasting.tables.column_questions import QuestionKind
from forecasting.tables.mapped_table import read_mapped_table
from forecasting.tables.panel_file import read_panel
from forecasting.tables.table_preview import TablePreview, preview_table
from forecasting.tables.unmapped_table import chosen_column_notes

#: How to answer each question in a request; others by naming the columns.
_ANSWERS = {
    QuestionKind.CUMULATIVE: '"cumulative": true or false',
    QuestionKind.DAY_FIRST: '"mapping" with "day_first": true or false',
    QuestionKind.NUMBER_FORMAT: '"number_format": "1,234.5" or "1.234,5"',
    QuestionKind.SIX_DIGITS: '"mapping" with "six_digits": "months" or "weeks"',
    QuestionKind.COMBINE: '"mapping" with "combine": "sum" or "mean"',
    QuestionKind.TURNED: "the table turned, with a row a date",
}
_BY_MAPPING = '"mapping" with the columns "date" and "value"'


def read_posted_panel(request: ForecastRequest) -> Panel:
    """Read the posted data. Raises `Problem` 422 with the question if it is ambiguous."""
    panel = _read(request)
    try:
        panel = panel if request.kind is None else panel.with_kind(request.kind)
    except DataError as error:
        raise Problem.of(error, "kind") from None
    return panel if request.zeros_at_end is None else panel.with_zeros_at_end(request.zeros_at_end)


def _read(request: ForecastRequest) -> Panel:
    content = json.dumps(request.data, ensure_ascii=False).encode(errors="replace")
    if request.mapping is not None:
        mapping = _column_mapping(request.mapping)
        if request.cumulative is not None:
            mapping = replace(mapping, cumulative=request.cumulative)
        if request.number_format is not None:
            mapping = replace(mapping, number_format=request.number_format)
        return _read_mapped(content, request.name, mapping)
    try:
        looked = preview_table(content, request.name)
    except DataError as error:
        raise Problem.of(error, "data") from None
    cumulative = request.cumulative
    if cumulative is None and request.kind in CHOICES_WITHOUT_TOTALS:
        cumulative = False
    answers = {QuestionKind.CUMULATIVE: cumulative, QuestionKind.NUMBER_FORMAT: request.number_format}
    said: dict[str, Any] = {kind.value: answer for kind, answer in answers.items() if answer is not None}
    _raise_open_questions(looked, said)
    try:
        return read_panel(content, request.name, cumulative, request.number_format)
    except DataError as error:
        if looked.mapping is None:
            raise Problem.of(error, "data") from None
    panel = _read_mapped(content, request.name, replace(looked.mapping, **said))
    reason = next((one.reason for one in looked.columns if one.name == looked.mapping.value), "")
    return replace(panel, notes=(*chosen_column_notes(looked.mapping, reason), *panel.notes))


def _column_mapping(mapping: dict[str, Any]) -> ColumnMapping:
    try:
        return ColumnMapping.from_json(json.dumps(mapping))
    except DataError as error:
        raise Problem.of(error, "mapping") from None


def _read_mapped(content: bytes, name: str, mapping: ColumnMapping) -> Panel:
    """Read the table by a mapping, with what was left out of it in the notes."""
    try:
        panel, report = read_mapped_table(content, name, mapping)
    except DataError as error:
        raise Problem.of(error, "data") from None
    return replace(panel, notes=report.sentences[1:]) if len(report.problems) else panel


def _raise_open_questions(looked: TablePreview, answered: Collection[str]) -> None:
    """Raise `Problem` with the questions that only the sender can answer, and how to answer each."""
    open_ones = [one for one in looked.questions if one.kind not in answered]
    if not open_ones:
        return
    questions = [
        InvalidField("data", f"{one.text} Answer with {_ANSWERS.get(one.kind, _BY_MAPPING)}.") for one in open_ones
    ]
    raise Problem(422, questions[0].error, questions)
