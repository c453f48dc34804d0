"""Column mappings: which column of a table is the date, the value, the region and so on; also as JSON text."""

from __future__ import annotations

import json
import re
from collections import Counter
from dataclasses import asdict, dataclass, replace
from typing import Any

from forecasting.data.kind import CHOICES as KIND_CHOICES
from forecasting.data.panel import ZEROS_CHOICES
from forecasting.support.errors import DataError
from forecasting.tables.cells.limits import MAX_COLUMNS
from forecasting.tables.cells.number_format import NumberFormat
from forecasting.tables.cells.numeric_dates import SIX_DIGITS

#: What several rows of one period and region may become.
COMBINE_CHOICES = ("sum", "mean")
#: Letters of a mapping's JSON that are read; the mapping of a table as wide as a sheet fits.
MAX_MAPPING_LETTERS = 2_000_000


@dataclass(frozen=True)
class ColumnMapping:
    """Which column of a table is what, and how its cells are meant.

    Attributes:
        date: the column of dates.
        value: the column of counts; None for a wide table.
        region, statistic, as_of: columns, where there are such.
        covariates: further columns of numbers, known only for the past.
        wide: the columns that are regions each, of a wide table.
        cumulative: the counts are running totals.
        day_first: how 03/04/2021 is meant; None where the dates tell.
        number_format: how numbers are written, as a `NumberFormat`; None where the cells tell.
        six_digits: whether dates as 202012 are ``"months"`` or ``"weeks"``; None where the cells tell.
        combine: ``"sum"`` or ``"mean"`` of several rows a period and region; None refuses them.
        sheet: of a workbook; None is the first.
        kind: what the figures are, one of `KIND_CHOICES`; None where the figures and names tell.
        zeros_at_end: what zeros at the end of counts are, one of `ZEROS_CHOICES`; None where nobody has said it.
        total: the sum over all regions is a region of its own.
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
    number_format: str | None = None
    six_digits: str | None = None
    combine: str | None = None
    sheet: str | None = None
    kind: str | None = None
    zeros_at_end: str | None = None
    total: bool = False

    def to_json(self, proposed: ColumnMapping | None = None) -> str:
        """What of it differs from `proposed`, or from a blank mapping, as JSON text that `from_json` reads.

        On one line, and every sign of it can be seen.
        """
        known = asdict(proposed or ColumnMapping())
        differences = {key: value for key, value in asdict(self).items() if value != known[key]}
        text = json.dumps(differences, ensure_ascii=False, separators=(",", ":"))
        if text.isprintable():
            return text
        return "".join(sign if sign.isprintable() else json.dumps(sign)[1:-1] for sign in text)

    @classmethod
    def from_json(cls, text: str, proposed: ColumnMapping | None = None) -> ColumnMapping:
        """The mapping that `to_json` wrote, given the same `proposed`.

        Raises `DataError`, in one line, for any other text.
        """
        fields = _parse_object(text)
        for key, value in fields.items():
            if key not in _EXPECTED:
                raise DataError(
                    f"The mapping says {_quoted(key)}, which there is not; it may say {', '.join(_EXPECTED)}."
                )
            if not _fits(key, value):
                raise DataError(f"The mapping's {key!r} is {_quoted(value)}; it is {_EXPECTED[key]}.")
        chosen: dict[str, Any] = {
            key: tuple(value) if isinstance(value, list) else value for key, value in fields.items()
        }
        return replace(proposed or cls(), **chosen)

    def chosen_columns(self) -> Counter[str]:
        """The columns that are used, and how often each: all of a tidy table, or the dates and regions of a wide one."""
        roles = (self.date, self.value, self.region, self.statistic, self.as_of)
        columns = (self.date, *self.wide) if self.value is None else (*roles, *self.covariates)
        return Counter(column for column in columns if column is not None)


_COLUMN = "the name of a column or null"
_SWITCHES = ("cumulative", "total")
_EXPECTED = {
    **dict.fromkeys(("date", "value", "region", "statistic", "as_of"), _COLUMN),
    **dict.fromkeys(("covariates", "wide"), "a list of columns, each named once"),
    **dict.fromkeys(_SWITCHES, "true or false"),
    "day_first": "true, false or null",
    "number_format": f"{', '.join(json.dumps(str(name)) for name in NumberFormat)} or null",
    "six_digits": '"months", "weeks" or null',
    "combine": '"sum", "mean" or null',
    "sheet": "the name of a sheet or null",
    "kind": ", ".join(f'"{kind}"' for kind in KIND_CHOICES) + " or null",
    "zeros_at_end": " or ".join(f'"{reading}"' for reading in ZEROS_CHOICES) + " or null",
}


def _parse_object(text: str) -> dict[str, Any]:
    """The JSON object that the text is, no key of which is there twice. Raises `DataError` for any other text."""
    if len(text) > MAX_MAPPING_LETTERS:
        raise DataError(
            f"The mapping has {len(text):,} letters, {MAX_MAPPING_LETTERS:,} at most are read; is this another file?"
        )

    def without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        if len(dict(pairs)) < len(pairs):
            raise ValueError("a key is there twice")
        return dict(pairs)

    try:
        parsed = json.loads(text, object_pairs_hook=without_repeats)
    except (ValueError, RecursionError):
        parsed = None
    if not isinstance(parsed, dict):
        raise DataError('The mapping is not one JSON object such as {"date":"day","value":"cases"}; write it so.')
    return parsed


def _fits(key: str, value: Any) -> bool:
    """Whether the value is of the kind that `key` has."""
    if key in ("covariates", "wide"):
        if not isinstance(value, list) or len(value) > MAX_COLUMNS or not all(_is_name(name) for name in value):
            return False
        return len(set(value)) == len(value)
    if key in (*_SWITCHES, "day_first"):
        return isinstance(value, bool) or (key == "day_first" and value is None)
    choices = {
        "combine": COMBINE_CHOICES,
        "number_format": tuple(NumberFormat),
        "six_digits": SIX_DIGITS,
        "kind": KIND_CHOICES,
        "zeros_at_end": ZEROS_CHOICES,
    }
    return value is None or (value in choices[key] if key in choices else _is_name(value))


def _is_name(value: Any) -> bool:
    """Whether it is text that a column or a sheet can be called."""
    return isinstance(value, str) and bool(value) and not re.search("[\ud800-\udfff]", value)


def _quoted(value: Any) -> str:
    """The value as a message quotes it: on one line, and not longer than a reader needs."""
    text = json.dumps(value)
    return text if len(text) <= 40 else text[:39] + "…"
