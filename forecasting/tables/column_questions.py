"""What the columns of a table are proposed to be, and the questions about them that only its reader can answer."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


@dataclass(frozen=True)
class ProposedColumn:
    """A column of a table with its proposed `role`, the `reason` in a few words, and a few of its cells."""

    name: str
    role: str
    reason: str
    examples: tuple[str, ...] = ()


class QuestionKind(StrEnum):
    """What a question is about. Some are answered by a field of the `ColumnMapping`, whose name they have."""

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
    #: How 1.020 is meant.
    NUMBER_FORMAT = "number_format"
    #: Whether 202012 is a month or a week.
    SIX_DIGITS = "six_digits"
    #: What several rows of a period become.
    COMBINE = "combine"
    #: Whether the counts are running totals.
    CUMULATIVE = "cumulative"


@dataclass(frozen=True)
class ColumnQuestion:
    """A question about a table that only its reader can answer.

    Attributes:
        kind: what it is about.
        text: as a person is asked.
        days: of ``DAY_FIRST``, what the first doubtful date is with the day first, and with the month first.
        numbers: of ``NUMBER_FORMAT``, each format and what the first doubtful number is in it.
    """

    kind: QuestionKind
    text: str
    days: tuple[str, str] | None = None
    numbers: tuple[tuple[str, str], ...] = ()
