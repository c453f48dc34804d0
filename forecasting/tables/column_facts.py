"""What the cells of one column look like: dates, numbers, counts, texts; and how much it looks like what is to be forecast."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from forecasting.data.columns import VALUE
from forecasting.tables.cells.blank_cells import BLANK_TEXTS
from forecasting.tables.cells.numeric_dates import NumericDates, numeric_cells, numeric_dates
from forecasting.tables.cells.parse_dates import date_share
from forecasting.tables.cells.parse_numbers import guess_numbers
from forecasting.tables.cells.raw_table import RawTable
from forecasting.tables.column_vocabulary import (
    AS_OF_WORDS,
    CUMULATIVE_WORDS,
    DATE_WORDS,
    HEAD_WORDS,
    IDENTIFIER_WORDS,
    MONEY_WORDS,
    RATE_WORDS,
    VALUE_WORDS,
    YEAR_WORDS,
    fold_words,
)


@dataclass(frozen=True)
class ColumnFacts:
    """What the cells of a column are.

    Attributes:
        name: of the column.
        words: of its name, without accents.
        filled: how many cells are not blank.
        distinct: how many different texts these have.
        number_dates: what its numbers count if they may be dates; None where they cannot.
        dates, numbers: the share of these that are dates, and numbers, from 0 to 1.
        counts: all numbers are whole and none is below zero.
        changes: there are different texts.
        counter: it is the number of the row.
        doubtful: its numbers may be thousands or fractions.
        regular: most of its different numbers are as far apart as the next ones.
    """

    name: str
    words: frozenset[str]
    filled: int
    distinct: int
    number_dates: NumericDates | None
    dates: float
    numbers: float
    counts: bool
    changes: bool
    counter: bool
    doubtful: bool
    regular: bool

    @property
    def is_number(self) -> bool:
        """Whether most of its cells are numbers."""
        # Small counts are often written as <5.
        return self.numbers >= (0.3 if self.words & VALUE_WORDS else 0.7)

    @property
    def is_text(self) -> bool:
        """Whether it has cells, most of which are no numbers."""
        return self.filled > 0 and not self.is_number

    @property
    def is_count_that_looks_like_dates(self) -> bool:
        """Whether its numbers may be dates (20210304) but are rather counts."""
        return self.is_number and not self.words & DATE_WORDS and self.dates < 1

    @property
    def may_be_nameless_dates(self) -> bool:
        """Whether its numbers are spaced as dates are, and its name says nothing else: where no column is one of dates."""
        return self.number_dates is not None and self.regular and not self.words & (VALUE_WORDS | RATE_WORDS)

    @property
    def identifier_kind(self) -> str | None:
        """Which kind of identifier it is by its name, such as ``"a postal code"``."""
        return next((kind for kind, names in IDENTIFIER_WORDS.items() if self.words & names), None)

    @property
    def is_value_by_name(self) -> bool:
        """Whether it is called as the column to be forecast is called here, and by other programs."""
        return self.name.lower() in (VALUE, "y")

    @property
    def is_named_figure(self) -> bool:
        """Whether its name is one of what people forecast."""
        return bool(self.words & (VALUE_WORDS | MONEY_WORDS | HEAD_WORDS))

    @property
    def value_score(self) -> int:
        """How much it looks like what is to be forecast."""
        total = bool(self.words & ({"total", "totals"} | CUMULATIVE_WORDS))
        exact = 10 * self.is_value_by_name
        named = 5 * self.is_named_figure
        return exact + named + 2 * self.counts + self.changes - total - 4 * bool(self.words & RATE_WORDS)


def column_facts(raw: RawTable, column: str) -> ColumnFacts:
    """What the cells of `column` and its name tell."""
    cells = raw.cells[column]
    texts = cells.astype("string").fillna("").str.strip()
    filled = ~texts.str.lower().isin(BLANK_TEXTS).to_numpy(dtype=bool)
    values, doubt = guess_numbers(raw, column)
    known = values[np.isfinite(values)]
    count = int(filled.sum())
    distinct = texts[filled].unique().tolist()
    names = fold_words(column)
    is_time = pd.api.types.is_datetime64_any_dtype(cells)
    numbers = None if is_time else numeric_cells(pd.Series(distinct, dtype="str"))
    number_dates = None if numbers is None else numeric_dates(numbers, names)
    named_date = number_dates is not None and bool(
        names & (YEAR_WORDS if number_dates is NumericDates.YEARS else DATE_WORDS | AS_OF_WORDS)
    )
    return ColumnFacts(
        column,
        names,
        count,
        len(distinct),
        number_dates,
        1.0 if (is_time and count) or named_date else date_share(distinct[:300]),
        0.0 if is_time else len(known) / max(count, 1),
        bool(len(known)) and bool(((known >= 0) & (known == np.floor(known))).all()),
        len(distinct) > 1 or len(raw.cells) < 3,
        column == raw.cells.columns[0] and not names & VALUE_WORDS and _counts_rows(raw, known),
        doubt is not None,
        numbers is not None and _regular(numbers),
    )


def _regular(numbers: np.ndarray) -> bool:
    """Whether the usual distance between neighbours is that of more than half of them."""
    steps = np.diff(np.unique(numbers[np.isfinite(numbers)]))
    if len(steps) < 2:
        return False
    return bool(np.isclose(steps, np.median(steps), rtol=0.15).mean() > 0.5)


def _counts_rows(raw: RawTable, known: np.ndarray) -> bool:
    """Whether a column is the number of the row, from 0 or 1."""
    if len(known) != len(raw.cells) or len(known) < 4 or known[0] not in (0, 1):
        return False
    steps, lines = np.diff(known), np.diff(raw.lines)
    return bool((steps == lines).all())
