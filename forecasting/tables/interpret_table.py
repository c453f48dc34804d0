"""Which column of a table is what, by the header alone: tidy, wide, or a publisher's own format."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from forecasting.data.columns import AS_OF, DATE, PANEL, REGION, STATISTIC, VALUE
from forecasting.data.kind import COUNT, KIND_WORDS, MEASUREMENT_WORDS, propose_kind
from forecasting.data.panel import Statistic, new_and_cumulative
from forecasting.support.errors import DataError
from forecasting.tables import jhu_format, oxcgrt_format
from forecasting.tables.cells.blank_cells import quote_cell, quote_cells
from forecasting.tables.cells.dictionary_columns import constant_column, decode_column
from forecasting.tables.cells.labels import name_from_file, parse_filled_coded_labels
from forecasting.tables.cells.missing_codes import without_missing_codes
from forecasting.tables.cells.parse_dates import date_notes, parse_dates
from forecasting.tables.cells.parse_numbers import (
    are_percents,
    guess_numbers,
    limit_cells,
    multiplier_notes,
    parse_number_block,
    parse_numbers,
    try_parse_numbers,
)
from forecasting.tables.cells.raw_table import RawTable
from forecasting.tables.cells.tidy_table import (
    TidyTable,
    is_repeated,
    key_columns,
    row_keys,
    sort_by_keys,
    stack_wide_table,
)
from forecasting.tables.column_vocabulary import (
    COLUMN_SYNONYMS,
    columns_by_lower_case,
    fold_words,
    split_words,
    standard_names,
)

#: The remedy for a table of another shape.
_SHAPES = "give the columns region, date and value, or dates in the first column and a column a region"

#: Columns of a wide table at most whose names tell what is measured; more are rather places.
MEASURED_COLUMNS = 12


@dataclass(frozen=True)
class InterpretedTable:
    """A table whose columns are known, its statistics, and whom to credit for it."""

    tidy: TidyTable
    statistics: tuple[Statistic, ...]
    attribution: str
    licence: str = "as its owner says"


def interpret_table(raw: RawTable, cumulative: bool = False) -> InterpretedTable:
    """Which column is what, by the header alone, and what is in the cells. Raises `DataError` as `read_panel` does."""
    header = list(raw.cells)
    cumulative = cumulative or "cumulative" in split_words(raw.name)
    if oxcgrt_format.is_oxcgrt_table(header):
        tidy = oxcgrt_format.parse_oxcgrt_tables([raw.decoded()])
        return _published(tidy, ("cases", "deaths"), oxcgrt_format.ATTRIBUTION, oxcgrt_format.LICENCE)
    if jhu_format.is_jhu_table(header):
        noun = jhu_format.noun_from_name(raw.name)
        tidy = jhu_format.parse_jhu_table(raw.decoded(), noun)
        return _published(tidy, (noun,), jhu_format.ATTRIBUTION, jhu_format.LICENCE)
    raw = _renamed(raw)
    if DATE in raw.cells and VALUE in raw.cells:
        tidy = _from_tidy(raw)
    elif VALUE in raw.cells and REGION in raw.cells:
        raise raw.error(f"no column is called 'date' among {quote_cells(header)}; rename the one that holds the dates.")
    elif DATE in raw.cells and REGION in raw.cells:
        raise raw.error(
            f"no column is called 'value' among {quote_cells(header)}; rename the one that holds the counts."
        )
    else:
        tidy = _from_wide(raw)
    figures = [VALUE] if VALUE in raw.cells else list(raw.cells)[1:]
    statistics = statistics_of_table(tidy.table, cumulative, raw.name, are_percents(raw, figures))
    return InterpretedTable(tidy, statistics, f"Figures from {raw.name}")


def _published(tidy: TidyTable, nouns: tuple[str, ...], attribution: str, licence: str) -> InterpretedTable:
    statistics = tuple(s for noun in nouns for s in new_and_cumulative(noun, reported_cumulative=True))
    return InterpretedTable(tidy, statistics, attribution, licence)


def _renamed(raw: RawTable) -> RawTable:
    """With our names for the columns, and without what else may stand for one of them."""
    names = standard_names(raw.cells)
    lower = columns_by_lower_case(raw.cells)
    spare = [lower[synonym] for synonym in COLUMN_SYNONYMS if synonym in lower and lower[synonym] not in names]
    cells = raw.cells.drop(columns=spare if VALUE in names.values() else []).rename(columns=names)
    return replace(raw, cells=_without_index(cells))


def _without_index(cells: pd.DataFrame) -> pd.DataFrame:
    """Without a nameless first column that only counts the rows, as `DataFrame.to_csv` writes it."""
    first = cells.columns[0]
    counts = pd.to_numeric(decode_column(cells[first]), errors="coerce") if first == "column 1" else None
    if counts is not None and len(cells.columns) > 1 and (counts.to_numpy() == np.arange(len(cells))).all():
        return cells.drop(columns=first)
    return cells


def _from_tidy(raw: RawTable) -> TidyTable:
    table = pd.DataFrame(
        {
            REGION: _labels(raw, REGION, name_from_file(raw.name)),
            STATISTIC: _labels(raw, STATISTIC, VALUE),
            DATE: parse_dates(raw, DATE),
            VALUE: parse_numbers(raw, VALUE, limits=True),
        }
    )
    if AS_OF in raw.cells:
        table[AS_OF] = parse_dates(raw, AS_OF)
    keys = row_keys(table, key_columns(table))
    limits = _limit_notes(raw, [VALUE], table[VALUE].to_numpy())
    table[VALUE], codes = without_missing_codes(table[VALUE].to_numpy(), [VALUE])
    codes += multiplier_notes(raw, [VALUE])
    _check_unique(raw, table, keys)
    extra, notes = _covariates(raw, [column for column in raw.cells if column not in (*PANEL, AS_OF)])
    table = sort_by_keys(pd.concat([table, extra], axis=1), keys)
    return TidyTable(table.reset_index(drop=True), notes=(*limits, *codes, *notes, *date_notes(raw, DATE)))


def _limit_notes(raw: RawTable, columns: list[str], values: np.ndarray) -> tuple[str, ...]:
    """A sentence on cells as <5, which are taken as missing."""
    if not np.isnan(values).any():
        return ()
    limits = limit_cells(raw, columns)
    if not limits.any():
        return ()
    row, place = np.argwhere(limits)[0]
    what = "cell is a limit" if limits.sum() == 1 else "cells are limits"
    first = f"{quote_cell(raw.cells[columns[place]].iloc[row])} in {raw.place(int(row))}"
    return (f"{limits.sum():,} {what} and no figure, the first {first}: taken as missing.",)


def _labels(raw: RawTable, column: str, otherwise: str) -> pd.Series:
    return parse_filled_coded_labels(raw, column) if column in raw.cells else constant_column(otherwise, len(raw.cells))


def _check_unique(raw: RawTable, table: pd.DataFrame, keys: np.ndarray) -> None:
    """Raises `DataError` for the first row that has the same `keys` as an earlier one."""
    twice = is_repeated(keys)
    if not twice.any():
        return
    row = int(np.argmax(twice))
    first = int(np.argmax(keys == keys[row]))
    names = [table.loc[row, column] for column in (REGION, STATISTIC) if column in raw.cells]
    what = " ".join(", ".join(names).split())
    day = f"{table.loc[row, DATE]:%Y-%m-%d}" + (f" as of {table.loc[row, AS_OF]:%Y-%m-%d}" if AS_OF in table else "")
    raise raw.error(f"{what + ' ' if what else ''}on {day} is also in {raw.place(first)}; keep one of the two.", row)


def _covariates(raw: RawTable, columns: list[str]) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """The further columns that hold numbers; the others are left out, and a note says so."""
    kept, left, doubtful = {}, [], []
    coded: tuple[str, ...] = ()
    for column in columns:
        if guess_numbers(raw, column)[1] is not None:
            doubtful.append(column)
            continue
        values, wrong = try_parse_numbers(raw, column)
        if wrong.sum() > np.isfinite(values).sum() or not np.isfinite(values).any():
            left.append(column)
        else:
            kept[column], codes = without_missing_codes(parse_numbers(raw, column, limits=True), [column])
            coded += codes
    notes: tuple[str, ...] = (f"Left out, because they hold no numbers: {_in_one_line(left)}.",) if left else ()
    if doubtful:
        notes += (f"Left out, because their numbers may be thousands or fractions: {_in_one_line(doubtful)}.",)
    return pd.DataFrame(kept, index=range(len(raw.cells))), notes + coded


def _in_one_line(columns: list[str]) -> str:
    return ", ".join(" ".join(column.split()) for column in columns)


def _from_wide(raw: RawTable) -> TidyTable:
    first = DATE if DATE in raw.cells else raw.cells.columns[0]
    others = [column for column in raw.cells if column != first]
    if not others:
        raise raw.error(f"it has one column only ({quote_cell(first)}); {_SHAPES}.")
    try:
        days = parse_dates(raw, first)
    except DataError as error:
        if "not a date" not in str(error):
            raise
        raise raw.error(f"the columns are {quote_cells(list(raw.cells))}; {_SHAPES}.") from None
    twice = days.duplicated().to_numpy()
    if twice.any():
        row = int(np.argmax(twice))
        earlier = raw.place(int(np.argmax(days == days[row])))
        raise raw.error(f"{days[row]:%Y-%m-%d} is also in {earlier}; keep one of the two.", row)
    figures = parse_number_block(raw, others, limits=True)
    limits = _limit_notes(raw, others, figures)
    figures, codes = without_missing_codes(figures, others)
    codes += multiplier_notes(raw, others)
    table = stack_wide_table(others, pd.DatetimeIndex(days), figures.T, VALUE)
    table[REGION] = table[REGION].astype("str")
    # A column of a wide table stays in its place; only its days are put in order.
    position = np.repeat(np.arange(len(others)), len(days))
    order = np.lexsort((table[DATE].to_numpy(), position))
    return TidyTable(table.iloc[order].reset_index(drop=True), notes=(*limits, *codes, *date_notes(raw, first)))


def _words_of_regions(table: pd.DataFrame) -> frozenset[str]:
    """Words that say what the figures are, in the name of the only column, or what is measured, in those of most.

    So do columns such as Open, High and Close.
    """
    names = table[REGION].unique()[: MEASURED_COLUMNS + 1]
    if len(names) == 1:
        return fold_words(str(names[0])) & KIND_WORDS
    if not 2 <= len(names) <= MEASURED_COLUMNS:
        return frozenset()
    found = [fold_words(str(name)) & MEASUREMENT_WORDS for name in names]
    return frozenset().union(*found) if 2 * sum(map(bool, found)) > len(found) else frozenset()


def _is_named_after(table: pd.DataFrame, file: str) -> bool:
    """Whether the first region is called as the file is, because no column names it."""
    return len(table) > 0 and str(table[REGION].iloc[0]) == name_from_file(file)


def statistics_of_table(
    table: pd.DataFrame, cumulative: bool, file: str = "", percent: bool = False
) -> tuple[Statistic, ...]:
    """What may be asked of tidy rows: each statistic, and its running total where that is what they hold.

    What the figures are is proposed from them and from the names.

    Args:
        cumulative: all figures are running totals.
        file: the name of the file, whose words tell what the figures are where a column is called ``value``.
        percent: the figures are written with percent signs.
    """
    statistics = []
    for column in table[STATISTIC].unique():
        totals = cumulative or "cumulative" in split_words(column)
        values = table.loc[table[STATISTIC] == column, VALUE].to_numpy(float, na_value=np.nan)
        words, file_words = fold_words(column), frozenset[str]()
        if column == VALUE:
            file_words = fold_words(name_from_file(file))
            words = _words_of_regions(table) - (file_words if _is_named_after(table, file) else frozenset())
        # Running totals are of whole events, unless somebody says otherwise.
        known, reason = (COUNT, "") if totals else propose_kind(values, words, percent, file_words)
        label = known.plural if column == VALUE else column.replace("_", " ").capitalize()
        if not totals:
            unit = COUNT.plural.lower() if known is COUNT else label.lower()
            statistics.append(Statistic(column, label, unit, column, kind=known, kind_reason=reason))
            continue
        noun = " ".join(word for word in split_words(column) if word not in ("cumulative", VALUE)) or "counts"
        shown_total = f"cumulative_{column}" if "cumulative" not in split_words(column) else column
        new = column if shown_total != column else f"new_{noun.replace(' ', '_')}"
        statistics.append(Statistic(new, f"New {noun}", noun, column, reported_cumulative=True, kind=known))
        statistics.append(Statistic(shown_total, f"Cumulative {noun}", noun, column, True, True, kind=known))
    return tuple(statistics)
