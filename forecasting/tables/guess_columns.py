"""Guess which column of a table is what: from its cells first, and from names in four languages second."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace

import numpy as np
import pandas as pd

from forecasting.data.columns import REGION
from forecasting.data.formatting import format_plain
from forecasting.data.kind import MEASUREMENT_WORDS, SHARE_WORDS
from forecasting.data.regular_grid import is_regular
from forecasting.tables.cells.blank_cells import BLANK_TEXTS, quote_cell
from forecasting.tables.cells.dictionary_columns import distinct_cells
from forecasting.tables.cells.numeric_dates import NumericDates
from forecasting.tables.cells.parse_dates import ambiguous_day_and_month, date_share, try_parse_dates
from forecasting.tables.cells.parse_numbers import guess_numbers, number_doubt
from forecasting.tables.cells.raw_table import RawTable
from forecasting.tables.cells.tidy_table import is_repeated, look_like_totals, row_keys
from forecasting.tables.column_facts import column_facts
from forecasting.tables.column_mapping import ColumnMapping
from forecasting.tables.column_questions import ColumnQuestion, QuestionKind
from forecasting.tables.column_vocabulary import (
    CUMULATIVE_WORDS,
    DATE_WORDS,
    PRICE_WORDS,
    RATE_WORDS,
    REGION_WORDS,
    STATISTIC_WORDS,
    VALUE_WORDS,
    YEAR_WORDS,
    fold_words,
    is_named_as_of,
    is_named_cumulative,
    split_words,
)
from forecasting.tables.second_table import second_header

#: So many of the first columns are examined one by one.
_EXAMINED_COLUMNS = 200
#: So many of the rows are examined, evenly spread.
_EXAMINED_ROWS = 1500
#: Words of columns that hold dates, or periods.
_PERIOD_WORDS = YEAR_WORDS | frozenset(("season", "saison", "temporada", "term", "semester", "fiscal", "fy"))
#: How dates may be written, as a message says it.
READABLE_DATES = "2021-03-31, 31.12.2021, 2021-03, 2021-W13, 2021-Q1, 2021H1, FY2021, 1994/95 or 2021"
#: Kinds of identifiers that tell places and things apart.
NAMING_KINDS = ("a code", "a postal code")
#: Columns of a wide table that are looked at for figures that never fall.
_LOOKED_FOR_TOTALS = 50
#: By their number.
_MONTHS = (
    "", "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
    "December",
)  # fmt: skip


class ColumnGuess:
    """Which column of a table is what, guessed from cells first and names second.

    Attributes:
        kind, mapping, questions: as in `TablePreview`.
        roles: column -> its role and the reason.
    """

    def __init__(self, raw: RawTable, value: str | None = None) -> None:
        """Guess; `value` is the column that somebody wants to be forecast, if any."""
        self._chosen = value
        self.kind, self.questions = "unclear", list[ColumnQuestion]()
        self.mapping: ColumnMapping | None = None
        self.roles = dict.fromkeys(raw.cells, ("left out", "not recognised"))
        self._raw = raw
        rows = np.unique(np.linspace(0, len(raw.cells) - 1, _EXAMINED_ROWS).astype(int))
        self._sample = raw.take_rows(rows).decoded()
        self._facts = {column: column_facts(self._sample, column) for column in list(raw.cells)[:_EXAMINED_COLUMNS]}
        date = self._find_date()
        if date is None:
            headed = _are_dates(list(raw.cells)[-20:])
            parts = self._parts_of_dates()
            turned = "The dates stand in the header: can the table be turned, so that they stand in one column?"
            self.questions.append(
                ColumnQuestion(QuestionKind.TURNED, turned)
                if headed
                else ColumnQuestion(QuestionKind.DATES, parts or f"Which column holds the dates?{self._unread_date()}")
            )
            return
        self._assign_roles(date)

    def _find_date(self) -> str | None:
        """The column that holds the dates, by its cells."""
        candidates = [
            (bool(facts.words & DATE_WORDS) - 2 * is_named_as_of(facts.name), facts.dates, -i, column)
            for i, (column, facts) in enumerate(self._facts.items())
            if facts.dates >= (0.5 if facts.words & DATE_WORDS else 0.8)
            and not (facts.number_dates is NumericDates.YEARS and self._has_parts_of_dates(column))
        ]
        if candidates:
            column = max(candidates)[-1]
        else:
            column = next((name for name, facts in self._facts.items() if facts.may_be_nameless_dates), "")
            kind = self._facts[column].number_dates if column else None
            # A year beside months or weeks is only a part of the date.
            if kind is None or (kind is NumericDates.YEARS and self._has_parts_of_dates(column)):
                return None
        kind = self._facts[column].number_dates
        self.roles[column] = ("date", f"its cells are dates, as {kind.value}" if kind else "its cells are dates")
        return column

    def _unread_date(self) -> str:
        """A sentence on the first cell of a column that is called as one of dates; empty without such."""
        named = (name for name, facts in self._facts.items() if facts.words & _PERIOD_WORDS and facts.filled)
        column = next(named, "")
        if not column:
            return ""
        texts = self._sample.cells[column].astype("string").fillna("").str.strip().unique()
        odd = (text for text in texts if text.lower() not in BLANK_TEXTS and not _are_dates([text]))
        cell = quote_cell(next(odd, self._first_cell(column)))
        return f" {cell} in {quote_cell(column)} cannot be read as one; write dates as {READABLE_DATES}."

    def _unread_figure(self, columns: list[str]) -> str:
        """A sentence on the first cell of a column of texts with digits; empty without such."""
        for column in sorted(columns, key=lambda one: not self._facts[one].is_named_figure):
            cell = self._first_cell(column) if self._facts[column].is_text else ""
            if any(sign.isdigit() for sign in cell):
                return f" {quote_cell(cell)} in {quote_cell(column)} cannot be read as a number; write it as 1234.5."
        return ""

    def _first_cell(self, column: str) -> str:
        """The first cell that is not blank."""
        texts = self._sample.cells[column].astype("string").fillna("").str.strip()
        return str(next((text for text in texts if text.lower() not in BLANK_TEXTS), ""))

    def _parts_of_dates(self) -> str:
        """A sentence on a year that stands beside months, weeks or days of their own columns; empty without one."""
        years = [name for name, facts in self._facts.items() if facts.number_dates is NumericDates.YEARS]
        names = [name for name, facts in self._facts.items() if facts.identifier_kind == "a part of the date"]
        if not years or len({*years, *names}) < 2:
            return ""
        quoted = " and ".join(quote_cell(name) for name in dict.fromkeys([years[0], *names]))
        return f"The dates stand in several columns, {quoted}: can they be put together in one, as 2021-03?"

    def _has_parts_of_dates(self, year: str) -> bool:
        return any(
            facts.identifier_kind == "a part of the date" and facts.counts
            for name, facts in self._facts.items()
            if name != year
        )

    def _assign_roles(self, date: str) -> None:
        facts = self._facts
        others = [column for column in facts if column != date]
        as_of = next((c for c in others if facts[c].dates >= 0.8 and is_named_as_of(c)), None)
        if as_of is not None:
            self.roles[as_of] = ("as_of", "dates of publication, by its name")
        for column in others:
            if column != as_of and facts[column].dates >= 0.8 and not facts[column].is_count_that_looks_like_dates:
                self.roles[column] = ("left out", "other dates")
            elif facts[column].filled == 0:
                self.roles[column] = ("left out", "empty")
        others = [c for c in others if self.roles[c][1] == "not recognised"]
        repeated = bool(_repeats(self._raw.cells, [date]).any())
        texts = [c for c in others if facts[c].is_text]
        statistic = next(
            (c for c in texts if facts[c].words & STATISTIC_WORDS and facts[c].distinct <= 50 and repeated), None
        )
        if statistic is not None:
            self.roles[statistic] = ("statistic", "its name, and few different texts")
        keys = [c for c in (date, statistic, as_of) if c is not None]
        region = self._find_region(keys, [c for c in others if c != statistic], repeated)
        left = [c for c in others if c not in (statistic, region)]
        first = max((facts[c].value_score for c in left if facts[c].is_number), default=0)
        wide = [c for c in left if facts[c].is_number and not facts[c].counter]
        unnamed = region is None and statistic is None and as_of is None and first < 5 and not texts
        # Temperatures and rainfall, or closing prices and volumes, are different things of one place.
        different = len(wide) > 1 and any(facts[c].words & (RATE_WORDS | PRICE_WORDS) for c in wide)
        if wide and unnamed and not repeated and not different and self._chosen not in left:
            self._propose_wide(date, wide)
        else:
            self._propose_tidy(date, region, statistic, as_of, left)
        if self.mapping is not None:
            self._add_questions(
                date, repeated and not self.mapping.wide, [*keys, *([region] if region else [])], region
            )

    def _find_region(self, keys: list[str], columns: list[str], repeated: bool) -> str | None:
        """The column that tells rows of one date apart, and is a name rather than a code."""
        facts, cells = self._facts, self._sample.cells
        candidates = []
        for i, column in enumerate(columns):
            fact = facts[column]
            named = bool(fact.words & REGION_WORDS)
            text = fact.is_text and (named or fact.distinct <= max(fact.filled / 2, 1))
            number = fact.is_number and fact.counts and repeated and (named or fact.identifier_kind in NAMING_KINDS)
            if not (text or number) or fact.filled < len(cells) / 2:
                continue
            apart = repeated and fact.distinct > 1 and not _repeats(self._raw.cells, [column, *keys]).any()
            length = cells[column].astype("string").fillna("").str.len().mean()
            exact = fact.name.lower() in (REGION, "location_name", "unique_id")
            code = fact.identifier_kind is not None
            candidates.append((bool(text), 4 * apart + 2 * named + 2 * exact - 2 * code + (length > 3.5), -i, column))
        if not candidates:
            return None
        region = max(candidates)[-1]
        reason = (
            "few different texts, a name of places" if facts[region].words & REGION_WORDS else "few different texts"
        )
        self.roles[region] = ("region", reason if facts[region].is_text else "it tells rows of the same date apart")
        for column in columns:
            if column == region or not (facts[column].is_text or facts[column].identifier_kind in NAMING_KINDS):
                continue
            pairs = cells[[region, column]].drop_duplicates()
            if len(pairs) == facts[region].distinct == facts[column].distinct:
                self.roles[column] = ("left out", f"another name for {quote_cell(region)}, one for each")
        return region

    def _propose_wide(self, date: str, columns: list[str]) -> None:
        more = list(self._raw.cells)[_EXAMINED_COLUMNS:]
        for column in columns:
            self.roles[column] = ("region", "numbers beside dates: one region a column")
        for column in more:
            self.roles[column] = ("region", "as the columns before it")
        for column, facts in self._facts.items():
            if facts.counter:
                self.roles[column] = ("left out", "it counts the rows")
        self.kind = "wide"
        self.mapping = ColumnMapping(date=date, wide=(*columns, *more))

    def _propose_tidy(
        self, date: str, region: str | None, statistic: str | None, as_of: str | None, columns: list[str]
    ) -> None:
        facts = self._facts
        usable = []
        for column in columns:
            if self.roles[column][1] != "not recognised":
                continue
            reason = self._reason_to_leave_out(column, region)
            if reason and column != self._chosen:
                self.roles[column] = ("left out", reason)
            else:
                usable.append(column)
        for column in list(self._raw.cells)[_EXAMINED_COLUMNS:]:
            self.roles[column] = ("left out", f"only the first {_EXAMINED_COLUMNS} columns are looked at")
        if not usable:
            asked = f"Which column holds the counts?{self._unread_figure(columns)}"
            self.questions.append(ColumnQuestion(QuestionKind.COUNTS, asked))
            return
        scores = {column: facts[column].value_score for column in usable}
        value = self._chosen if self._chosen in usable else max(usable, key=scores.__getitem__)
        rivals = [] if value == self._chosen else self._rivals(value, usable)
        known = facts[value].is_named_figure
        whole = "whole numbers, none below zero" if facts[value].counts else "numbers"
        self.roles[value] = ("value", f"{whole}, a usual name for figures" if known else whole)
        for column in usable:
            if column != value and facts[column].doubtful:
                self.roles[column] = ("left out", "its numbers may be thousands or fractions")
            elif column != value:
                self.roles[column] = ("covariate", "further numbers")
        if rivals:
            which = f"What is to be forecast: {_either([quote_cell(column) for column in [value, *rivals][:5]])}?"
            self.questions.append(ColumnQuestion(QuestionKind.WHICH, which))
        self.kind = "tidy"
        covariates = tuple(column for column in usable if self.roles[column][0] == "covariate")
        self.mapping = ColumnMapping(date, value, region, statistic, as_of, covariates)

    def _rivals(self, value: str, usable: list[str]) -> list[str]:
        """The other columns that may be what is to be forecast, as money may beside a head count.

        A usual name for counts is enough to prefer one column to others that have none.
        """
        best = self._facts[value]
        if best.is_value_by_name:
            return []
        rivals = []
        for column in usable:
            facts = self._facts[column]
            alike = facts.is_named_figure if best.is_named_figure else True
            if column != value and (alike or facts.value_score == best.value_score):
                rivals.append(column)
        return rivals

    def _reason_to_leave_out(self, column: str, region: str | None) -> str | None:
        """Why a column is neither a value nor a covariate."""
        facts = self._facts[column]
        if not facts.is_number:
            return "texts" if facts.numbers < 0.3 else "too many texts among its numbers"
        if facts.counter:
            return "it counts the rows"
        kind = facts.identifier_kind
        if kind is not None and not facts.words & (VALUE_WORDS | RATE_WORDS):
            return kind
        if not facts.changes:
            return "it never changes"
        if region is not None and not facts.words & VALUE_WORDS:
            groups = self._sample.cells.groupby(region, observed=True)[column]
            if groups.nunique().max() <= 1 and groups.size().max() > 2:
                return "it never changes within a region"
        return None

    def _add_questions(self, date: str, repeated: bool, keys: list[str], region: str | None) -> None:
        """What only the reader can answer; the mapping is what is proposed until then."""
        assert self.mapping is not None
        raw, mapping = self._raw, self.mapping
        texts = distinct_cells(raw.cells[date])[1].astype("string").fillna("").str.strip().unique().tolist()
        unclear = None if pd.api.types.is_datetime64_any_dtype(raw.cells[date]) else ambiguous_day_and_month(texts)
        if unclear is not None and "." in unclear:
            # With points the day comes first wherever dates are written so.
            mapping = replace(mapping, day_first=True)
            self.roles[date] = ("date", "its cells are dates, day first as usual with points")
        elif unclear is not None:
            first, second = (int(part) for part in re.split(r"[-/]", unclear)[:2])
            days = (f"{first} {_MONTHS[second]}", f"{second} {_MONTHS[first]}")
            self.questions.append(
                ColumnQuestion(QuestionKind.DAY_FIRST, f"{unclear}: is that {days[0]} or {days[1]}?", days)
            )
        if self._facts[date].number_dates is NumericDates.MONTHS_OR_WEEKS:
            first = next(text for text in texts if text)
            asked = f"{first}: is that month {first[4:]} or week {first[4:]} of {first[:4]}?"
            self.questions.append(ColumnQuestion(QuestionKind.SIX_DIGITS, asked))
        self._add_number_question()
        twice = _repeats(raw.cells, [keys[-1], *keys[:-1]]) if repeated else np.array([False])
        figures = mapping.value or (mapping.wide[0] if mapping.wide else date)
        if twice.any() and second_header(raw, [date, figures]) is None:
            row = int(np.argmax(twice))
            place = f"{str(raw.cells[region].iloc[row])[:40]} on " if region else ""
            when = str(raw.cells[date].iloc[row]).removesuffix(" 00:00:00")[:40]
            several = f"{place}{when} has several rows (the second in {raw.place(row)})"
            self.questions.append(
                ColumnQuestion(QuestionKind.COMBINE, f"{several}: are they to be summed or averaged?")
            )
        spacing = self._spacing_below_periods(date, region)
        if spacing and not twice.any():
            apart = f"Rows are {spacing} apart: are those of one period to be summed or averaged?"
            self.questions.append(ColumnQuestion(QuestionKind.COMBINE, apart))
        if set(split_words(raw.name)) & CUMULATIVE_WORDS or is_named_cumulative(mapping.value):
            mapping = replace(mapping, cumulative=True)
        elif not twice.any() and (rising := self._columns_that_never_fall(region)):
            more = f" and {len(rising) - 1} more columns never fall" if len(rising) > 2 else " never falls"
            more = f" and {quote_cell(rising[1])} never fall" if len(rising) == 2 else more
            asked = f"{quote_cell(rising[0])}{more}: are these running totals?"
            self.questions.append(ColumnQuestion(QuestionKind.CUMULATIVE, asked))
        self.mapping = mapping

    def _add_number_question(self) -> None:
        """Ask how 1.020 is meant where neither its column nor another one shows it."""
        assert self.mapping is not None
        columns = list(self.mapping.wide) or [self.mapping.value or ""]
        if not any(self._facts[column].doubtful for column in columns if column in self._facts):
            return
        doubt = number_doubt(self._sample, columns)
        # A few rows may leave a doubt that all of them do not.
        if doubt is None or (doubt := number_doubt(self._raw, columns)) is None:
            return
        readings = tuple((name, format_plain(value, 6)) for name, value in doubt.meanings.items())
        self.questions.append(ColumnQuestion(QuestionKind.NUMBER_FORMAT, doubt.question, numbers=readings))

    def _spacing_below_periods(self, date: str, region: str | None) -> str | None:
        """How far apart a region's rows usually are where they are less than a day apart and in no regular step."""
        head = self._raw.take_rows(np.arange(min(len(self._raw.cells), _EXAMINED_ROWS))).decoded()
        head = replace(head, six_digits="months")
        times, _ = try_parse_dates(head, date, True)
        if region is not None:
            times = times[(head.cells[region] == head.cells[region].iloc[0]).to_numpy()]
        times = pd.DatetimeIndex(times.dropna()).unique().sort_values()
        usual = pd.Series(times).diff().dropna().median() if len(times) > 2 else pd.Timedelta(days=1)
        if usual >= pd.Timedelta(days=1) or is_regular(times):
            return None
        return f"{usual / pd.Timedelta(minutes=1):.3g} minutes"

    def _columns_that_never_fall(self, region: str | None) -> list[str]:
        """The columns of figures that look like running totals; none where another one falls, or they are no counts."""
        assert self.mapping is not None
        if self.mapping.value is not None:
            return [self.mapping.value] if self._never_falls(self.mapping.value, region) else []
        rising = []
        for column in self.mapping.wide[:_LOOKED_FOR_TOTALS]:
            figures = guess_numbers(self._raw, column)[0]
            if (np.diff(figures[np.isfinite(figures)]) < 0).any():
                return []
            if look_like_totals(figures) and not fold_words(column) & (MEASUREMENT_WORDS | SHARE_WORDS):
                rising.append(column)
        return rising if 2 * len(rising) >= len(self.mapping.wide[:_LOOKED_FOR_TOTALS]) else []

    def _never_falls(self, value: str, region: str | None) -> bool:
        cells = self._raw.cells
        rows = np.flatnonzero(cells[region] == cells[region].iloc[0]) if region else np.arange(len(cells))
        figures = guess_numbers(self._raw.take_rows(rows).decoded(), value)[0]
        return look_like_totals(figures)


def _are_dates(texts: list[str]) -> bool:
    """Whether most of some texts are dates, or years."""
    years = sum(bool(re.fullmatch(r"(19|20)[0-9]{2}", text)) for text in texts)
    return date_share(texts) > 0.5 or 2 * years > len(texts)


def _repeats(cells: pd.DataFrame, columns: list[str]) -> np.ndarray:
    """Which rows have the same in `columns` as an earlier one."""
    if any(cells[column].dtype == object for column in columns):
        return cells.duplicated(columns).to_numpy()
    return is_repeated(row_keys(cells, columns))


def _either(names: Iterable[str]) -> str:
    *most, last = names
    return f"{', '.join(most)} or {last}" if most else last
