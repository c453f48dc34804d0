"""Posted figures -> `Panel`, read and repaired as the same table is from a file.

A table is read as the command line reads it, or else as the page Your data proposes; what only a person knows of it is
asked back.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from forecasting.api.problem_details import Problem, Wrong
from forecasting.api.request_models import ForecastRequest
from forecasting.data.panel import Panel
from forecasting.support.errors import DataError
from forecasting.tables.mapping import Looked, Mapping, QuestionKind, look, read
from forecasting.tables.panel_file import read_panel

#: How a question is answered; all others by saying which column is what.
_ANSWERS = {
    QuestionKind.CUMULATIVE: '"cumulative": true or false',
    QuestionKind.DAY_FIRST: '"mapping" with "day_first": true or false',
    QuestionKind.COMBINE: '"mapping" with "combine": "sum" or "mean"',
    QuestionKind.TURNED: "the table turned, with a row a date",
}
_BY_MAPPING = '"mapping" with the columns "date" and "value"'


def panel_of(asked: ForecastRequest) -> Panel:
    """The posted figures. Raises `Problem` 422 with the question where it is not clear how they are meant."""
    content = json.dumps(asked.data, ensure_ascii=False).encode(errors="replace")
    if asked.mapping is not None:
        mapping = _mapping(asked.mapping)
        if asked.cumulative is not None:
            mapping = replace(mapping, cumulative=asked.cumulative)
        return _read(content, asked.name, mapping)
    try:
        looked = look(content, asked.name)
    except DataError as error:
        raise Problem.of(error, "data") from None
    _ask_back(looked, asked.cumulative is not None)
    try:
        return read_panel(content, asked.name, cumulative=bool(asked.cumulative))
    except DataError as error:
        if looked.mapping is None:
            raise Problem.of(error, "data") from None
    return _read(content, asked.name, replace(looked.mapping, cumulative=bool(asked.cumulative)))


def _mapping(said: dict[str, Any]) -> Mapping:
    try:
        return Mapping.from_json(json.dumps(said))
    except DataError as error:
        raise Problem.of(error, "mapping") from None


def _read(content: bytes, name: str, mapping: Mapping) -> Panel:
    """The table read as the mapping says, with what was left out of it among the notes."""
    try:
        panel, report = read(content, name, mapping)
    except DataError as error:
        raise Problem.of(error, "data") from None
    return replace(panel, notes=report.sentences[1:]) if len(report.problems) else panel


def _ask_back(looked: Looked, totals_known: bool) -> None:
    """Raises `Problem` with what only the reader of the table can answer, and how that is done."""
    open_ones = [one for one in looked.asks if not (totals_known and one.kind is QuestionKind.CUMULATIVE)]
    if not open_ones:
        return
    wrong = [Wrong("data", f"{one.text} Answer with {_ANSWERS.get(one.kind, _BY_MAPPING)}.") for one in open_ones]
    raise Problem(422, wrong[0].error, wrong)
