"""Which column of a table is what, and what only its reader can say of it."""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from typing import Any

from forecasting.support.errors import DataError
from forecasting.tables.cells.limits import MAX_COLUMNS

#: What several rows a period and region may become.
COMBINED = ("sum", "mean")
#: Letters of a mapping that are read. One of a table as wide as a sheet fits.
MAX_LETTERS = 2_000_000


@dataclass(frozen=True)
class Mapping:
    """Which column is what.

    Attributes:
        date: the column of dates.
        value: the column of counts; None for a wide table.
        region, statistic, as_of: columns, where there are such.
        covariates: further columns of numbers, known only for the past.
        wide: the columns that are regions each, of a wide table.
        cumulative: the counts are running totals.
        day_first: how 03/04/2021 is meant; None where the dates tell.
        combine: ``"sum"`` or ``"mean"`` of several rows a period and region; None refuses them.
        sheet: of a workbook; None is the first.
    """

    date: str | None = None
    value: str | None = None
    region: str | None = None
    statistic: str | None = None
    as_of: str | None = None
    covariates: tuple[str, ...] = ()
    wide: tuple[str, ...] = ()
    cumulative: bool = False
    day_first: bool | None = None
    combine: str | None = None
    sheet: str | None = None

    def to_json(self, proposed: Mapping | None = None) -> str:
        """What of it differs from `proposed`, or from a blank mapping, as JSON text that `from_json` reads.

        On one line, and every sign of it can be seen.
        """
        otherwise = asdict(proposed or Mapping())
        said = {key: value for key, value in asdict(self).items() if value != otherwise[key]}
        text = json.dumps(said, ensure_ascii=False, separators=(",", ":"))
        if text.isprintable():
            return text
        return "".join(sign if sign.isprintable() else json.dumps(sign)[1:-1] for sign in text)

    @classmethod
    def from_json(cls, text: str, proposed: Mapping | None = None) -> Mapping:
        """The mapping that `to_json` wrote, given the same `proposed`.

        Raises `DataError`, in one line, for any other text.
        """
        said = _object(text)
        for key, value in said.items():
            if key not in _EXPECTED:
                raise DataError(
                    f"The mapping says {_quoted(key)}, which there is not; it may say {', '.join(_EXPECTED)}."
                )
            if not _fits(key, value):
                raise DataError(f"The mapping's {key!r} is {_quoted(value)}; it is {_EXPECTED[key]}.")
        chosen: dict[str, Any] = {
            key: tuple(value) if isinstance(value, list) else value for key, value in said.items()
        }
        return replace(proposed or cls(), **chosen)


_COLUMN = "the name of a column or null"
_EXPECTED = {
    **dict.fromkeys(("date", "value", "region", "statistic", "as_of"), _COLUMN),
    **dict.fromkeys(("covariates", "wide"), "a list of columns, each named once"),
    "cumulative": "true or false",
    "day_first": "true, false or null",
    "combine": '"sum", "mean" or null',
    "sheet": "the name of a sheet or null",
}


def _object(text: str) -> dict[str, Any]:
    """The JSON object that the text is, no key of which is there twice. Raises `DataError` for any other text."""
    if len(text) > MAX_LETTERS:
        raise DataError(
            f"The mapping has {len(text):,} letters, {MAX_LETTERS:,} at most are read; is this another file?"
        )

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) < len(pairs):
            raise ValueError("a key is there twice")
        return found

    try:
        said = json.loads(text, object_pairs_hook=once)
    except (ValueError, RecursionError):
        said = None
    if not isinstance(said, dict):
        raise DataError('The mapping is not one JSON object such as {"date":"day","value":"cases"}; write it so.')
    return said


def _fits(key: str, value: Any) -> bool:
    """Whether the value is of the kind that `key` has."""
    if key in ("covariates", "wide"):
        if not isinstance(value, list) or len(value) > MAX_COLUMNS or not all(_is_name(name) for name in value):
            return False
        return len(set(value)) == len(value)
    if key in ("cumulative", "day_first"):
        return isinstance(value, bool) or (key == "day_first" and value is None)
    return value is None or (value in COMBINED if key == "combine" else _is_name(value))


def _is_name(value: Any) -> bool:
    """Whether it is text that a column or a sheet can be called."""
    return isinstance(value, str) and bool(value) and not re.search("[\ud800-\udfff]", value)


def _quoted(value: Any) -> str:
    """The value as a message quotes it: on one line, and not longer than a reader needs."""
    text = json.dumps(value)
    return text if len(text) <= 40 else text[:39] + "…"


@dataclass(frozen=True)
class Column:
    """A column of a table: its `role` as proposed, the `reason` in a few words, and a few of its cells."""

    name: str
    role: str
    reason: str
    examples: tuple[str, ...] = ()


class QuestionKind(StrEnum):
    """What a question is about. Three of them are answered by a field of the `Mapping`, whose name they have."""

    #: Which column holds the dates.
    DATES = "dates"
    #: The dates stand in the header, so that no column holds them.
    TURNED = "turned"
    #: Which column holds the counts, where none could be found.
    COUNTS = "counts"
    #: Which of several columns of counts is to be forecast.
    WHICH = "which"
    #: How 03/04/2021 is meant.
    DAY_FIRST = "day_first"
    #: What several rows of a period become.
    COMBINE = "combine"
    #: Whether the counts are running totals.
    CUMULATIVE = "cumulative"


@dataclass(frozen=True)
class Question:
    """Something that only the reader of a table knows.

    Attributes:
        kind: what it is about.
        text: as a person is asked.
        days: of ``DAY_FIRST``, what the first doubtful date is with the day first, and with the month first.
    """

    kind: QuestionKind
    text: str
    days: tuple[str, str] | None = None
