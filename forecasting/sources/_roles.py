"""Which column of a table is what."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields
from typing import Any

from forecasting.errors import DataError


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

    def to_json(self) -> str:
        """As JSON text that `from_json` reads."""
        return json.dumps(asdict(self), ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str) -> Mapping:
        """The mapping that `to_json` wrote. Raises `DataError` for any other text."""
        try:
            said = json.loads(text)
        except (ValueError, RecursionError):
            said = None
        if not isinstance(said, dict):
            raise DataError("The mapping of the columns cannot be read; choose the columns again.")
        lists = {"covariates", "wide"}
        names = {f.name for f in fields(cls)} - lists - {"cumulative", "day_first"}
        for key, value in said.items():
            if key in lists:
                fits = isinstance(value, list) and all(isinstance(name, str) for name in value)
            elif key in names:
                fits = value is None or isinstance(value, str)
            else:
                fits = isinstance(value, bool) or (key == "day_first" and value is None)
            if not fits or key not in names | lists | {"cumulative", "day_first"}:
                raise DataError(f"The mapping does not say a usable {key[:40]!r}; choose the columns again.")
        chosen: dict[str, Any] = {key: tuple(value) if key in lists else value for key, value in said.items()}
        return cls(**chosen)


@dataclass(frozen=True)
class Column:
    """A column of a table: its `role` as proposed, the `reason` in a few words, and a few of its cells."""

    name: str
    role: str
    reason: str
    examples: tuple[str, ...] = ()
