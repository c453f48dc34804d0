"""Answered events as JSON values and as a tidy table, which command line and API share."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from forecasting.data.forecast import QUANTILES
from forecasting.data.formatting import format_iso
from forecasting.data.series import Series
from forecasting.evaluation.event_words import event_sentence
from forecasting.evaluation.events import EventAnswer, EventKind

#: The columns of the table: `output` says what a value is (a ``probability``, the ``quantile`` or the chance of a date,
#: ``pmf``), and `output_id` of which level or date.
COLUMNS = ("region", "model", "origin", "event", "level", "within", "first", "last", "output", "output_id", "value")


@dataclass(frozen=True)
class AnsweredEvent:
    """An answer with the series and the model that it is of."""

    region: str
    statistic: str
    model: str
    series: Series
    answer: EventAnswer

    @property
    def sentence(self) -> str:
        """The answer in words."""
        return event_sentence(self.answer, self.series)

    def to_json(self, several: bool = False) -> dict[str, Any]:
        """The answer as JSON values; with its statistic where there are `several`."""
        answer = self.answer
        found: dict[str, Any] = {"region": self.region} | ({"statistic": self.statistic} if several else {})
        found |= {
            "model": self.model,
            "origin": format_iso(self.series.origin),
            "event": answer.question.kind.value,
            "level": answer.question.level,
            "within": answer.question.within,
            "first": format_iso(answer.dates[0]),
            "last": format_iso(answer.dates[-1]),
            "probability": answer.probability,
            "sentence": self.sentence,
        }
        if len(answer.quantiles):
            pairs = zip(QUANTILES, answer.quantiles, strict=True)
            found["quantiles"] = [{"quantile": level, "value": float(value)} for level, value in pairs]
        if answer.chances:
            found["dates"] = [{"date": format_iso(date), "probability": chance} for date, chance in answer.chances]
        if answer.past_peak:
            found["past_peak"] = {"date": format_iso(answer.past_peak[0]), "value": answer.past_peak[1]}
        return found


def event_table(answered: Sequence[AnsweredEvent], several: bool = False) -> pd.DataFrame:
    """A row a probability, quantile or date; with the statistic behind the region where there are `several`."""
    columns = ["region", "statistic", *COLUMNS[1:]] if several else list(COLUMNS)
    return pd.DataFrame([row for one in answered for row in _rows(one)], columns=columns)


def _rows(one: AnsweredEvent) -> Iterator[dict[str, Any]]:
    answer = one.answer
    head = {
        "region": one.region,
        "statistic": one.statistic,
        "model": one.model,
        "origin": one.series.origin,
        "event": answer.question.kind.value,
        "level": answer.question.level,
        "within": answer.question.within,
        "first": answer.dates[0],
        "last": answer.dates[-1],
    }
    if answer.probability is not None:
        yield head | {"output": "probability", "output_id": "", "value": answer.probability}
    if len(answer.quantiles):
        for level, value in zip(QUANTILES, answer.quantiles, strict=True):
            yield head | {"output": "quantile", "output_id": f"{level:g}", "value": float(value)}
    for date, chance in answer.chances:
        yield head | {"output": "pmf", "output_id": format_iso(date), "value": chance}
    if answer.question.kind is EventKind.reach:
        yield head | {"output": "pmf", "output_id": "later", "value": 1 - (answer.probability or 0.0)}
