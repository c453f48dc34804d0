"""Read any table with a column mapping, as a person has chosen it, into a `Panel` and a report on what was read."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from forecasting.data.columns import AS_OF, DATE, PANEL, REGION, STATISTIC, VALUE
from forecasting.data.kind import COUNT
from forecasting.data.panel import Panel
from forecasting.tables import oxcgrt_format
from forecasting.tables.cells.blank_cells import quote_cell
from forecasting.tables.cells.csv_reader import all_columns
from forecasting.tables.cells.dictionary_columns import constant_column
from forecasting.tables.cells.labels import name_from_file, parse_coded_labels
from forecasting.tables.cells.missing_codes import without_missing_codes
from forecasting.tables.cells.number_format import NumberFormat
from forecasting.tables.cells.parse_dates import date_notes, try_parse_dates
from forecasting.tables.cells.parse_numbers import (
    are_percents,
    multiplier_notes,
    try_parse_number_block,
    try_parse_numbers,
)
from forecasting.tables.cells.raw_table import RawTable
from forecasting.tables.cells.read_table import read_file_content, read_table
from forecasting.tables.cells.tidy_table import (
    TidyTable,
    is_repeated,
    key_columns,
    row_keys,
    sort_by_keys,
    stack_wide_table,
)
from forecasting.tables.column_mapping import COMBINE_CHOICES, ColumnMapping
from forecasting.tables.column_vocabulary import split_words
from forecasting.tables.interpret_table import InterpretedTable, interpret_table, statistics_of_table
from forecasting.tables.needs_mapping import reads_without_mapping
from forecasting.tables.panel_file import build_panel
from forecasting.tables.read_report import (
    NEGATIVE,
    NO_DATE,
    NO_NAME,
    NO_NUMBER,
    CellProblems,
    ReadReport,
    report_on_table,
)
from forecasting.tables.reshape.reshape_table import reshape_table
from forecasting.tables.second_table import refuse_second_table
from forecasting.tables.table_preview import previewed_table
from forecasting.tables.table_summary import summary_sentence
from forecasting.tables.total_region import total_name, with_total

_NEGATIVE_REMEDY = "leave it if it corrects earlier counts; otherwise mend it."


def read_mapped_table(
    content: bytes, name: str, mapping: ColumnMapping | None = None, own: bool = False
) -> tuple[Panel, ReadReport]:
    """The table as a `Panel`, and a report on what was read.

    Without a `mapping` it is read as `read_panel` does. With one, cells that are no numbers are missing values, rows
    without a readable date or region are left out, and both are in `ReadReport.problems`. A file that is not of whoever runs
    the program (`own`) may take only as much memory as its size allows.

    Raises `DataError` in one line: for what is no table, a column that is not there, several rows a period where
    `ColumnMapping.combine` does not say what to do with them, and dates without a usual spacing.
    """
    choose, sheet = (oxcgrt_format.needed_columns, None) if mapping is None else (all_columns, mapping.sheet)
    raw = previewed_table(content, name, sheet)
    if raw is None or (mapping is not None and oxcgrt_format.is_oxcgrt_table(list(raw.cells))):
        raw = reshape_table(read_table(content, name, choose, sheet, strict=False, coded=True, own=own))
    if mapping is None:
        interpreted = interpret_table(raw)
        panel, table, problems = build_panel(raw, interpreted), interpreted.tidy.table, CellProblems(raw)
        report = report_on_table(raw, panel, table, problems, panel.statistics[0].reported_cumulative)
        return panel, replace(report, summary=_summary(panel, None, problems))
    return read_mapped_raw_table(raw, mapping)


def read_mapped_raw_table(raw: RawTable, mapping: ColumnMapping) -> tuple[Panel, ReadReport]:
    """As `read_mapped_table`, of cells that are parsed already."""
    proposed_shape = True
    if raw.original is not None and not set(mapping.chosen_columns()) <= set(raw.cells):
        # Somebody has named the columns as they stand in the file.
        raw, proposed_shape = raw.original, False
    _check_mapping(raw, mapping)
    raw = replace(
        raw,
        number_format=NumberFormat.parse(mapping.number_format) if mapping.number_format else raw.number_format,
        six_digits=mapping.six_digits or raw.six_digits,
    )
    problems = CellProblems(raw)
    table = _read_wide(raw, mapping, problems) if mapping.value is None else _read_tidy(raw, mapping, problems)
    if problems.counts[NO_DATE]:
        refuse_second_table(raw, [mapping.date or "", mapping.value or mapping.wide[0]])
    table, merged = _combine_rows(raw, table, mapping)
    table.index = pd.RangeIndex(len(table))
    percent = are_percents(raw, [mapping.value] if mapping.value else list(mapping.wide))
    statistics = statistics_of_table(table, mapping.cumulative, raw.name, percent)
    tidy = TidyTable(table, notes=(*problems.notes, *(date_notes(raw, mapping.date) if mapping.date else ())))
    interpreted = InterpretedTable(tidy, statistics, f"Figures from {raw.name}")
    panel = build_panel(raw, interpreted, to_say="choose that they are")
    panel = panel if mapping.kind is None else panel.with_kind(mapping.kind)
    panel = panel if mapping.zeros_at_end is None else panel.with_zeros_at_end(mapping.zeros_at_end)
    if all(one.kind is not COUNT for one in panel.statistics):
        problems.forget(NEGATIVE)
    report = report_on_table(raw, panel, table, problems, mapping.cumulative, merged, mapping)
    wrong = sum(problems.counts[what] for what in (NO_NUMBER, NO_DATE, NO_NAME))
    total, sentences = total_name(panel, mapping), report.sentences
    if mapping.total:
        panel, sentence = with_total(panel, mapping)
        sentences = (*sentences, sentence)
    return panel, replace(
        report,
        needs_no_mapping=not wrong and proposed_shape and reads_without_mapping(raw, mapping, table),
        sentences=sentences,
        summary=_summary(panel, mapping, problems, total if mapping.total else ""),
        total=total,
    )


def _summary(panel: Panel, mapping: ColumnMapping | None, problems: CellProblems, total: str = "") -> str:
    added = total if total in panel.table[REGION].unique()[:1] else ""
    return summary_sentence(panel, mapping, [text for text, _ in problems.number_examples], added)


def read_mapped_file(path: str | Path, mapping: ColumnMapping | None = None) -> tuple[Panel, ReadReport]:
    """A file as `read_mapped_table` reads its content. Raises `DataError` as that does, and for a file that is not there."""
    content, name = read_file_content(path)
    return read_mapped_table(content, name, mapping, own=True)


def _check_mapping(raw: RawTable, mapping: ColumnMapping) -> None:
    """Raises `DataError` for a mapping that does not fit the table."""
    if mapping.date is None:
        raise raw.error("it is not said which column holds the dates; choose one.")
    if mapping.value is None and not mapping.wide:
        raise raw.error("it is not said which column holds the counts; choose one.")
    if mapping.value is not None and mapping.wide:
        raise raw.error("the counts are in one column, or every region has one of its own; choose one of the two.")
    if mapping.combine not in (None, *COMBINE_CHOICES):
        raise raw.error("several rows a period are either summed or averaged; choose one of the two.")
    known = set(raw.cells)
    for column, count in mapping.chosen_columns().items():
        if column not in known:
            raise raw.error(f"there is no column {quote_cell(column)}; choose the columns again.")
        if count > 1:
            raise raw.error(f"the column {quote_cell(column)} is chosen twice; choose another one for one of the two.")


def _read_tidy(raw: RawTable, mapping: ColumnMapping, problems: CellProblems) -> pd.DataFrame:
    assert mapping.date is not None
    assert mapping.value is not None
    days, kept = _days(raw, mapping.date, mapping.day_first, problems)
    statistic = VALUE if "cumulative" in split_words(mapping.value) and not mapping.cumulative else mapping.value
    labels = {}
    for name, column, otherwise in (
        (REGION, mapping.region, name_from_file(raw.name)),
        (STATISTIC, mapping.statistic, statistic),
    ):
        if column is None:
            labels[name] = constant_column(otherwise, len(raw.cells))
            continue
        labels[name] = parse_coded_labels(raw, column)
        nameless = (labels[name] == "").to_numpy()
        problems.add(nameless & kept, column, NO_NAME, "fill it in; the row was left out.")
        kept = kept & ~nameless
    values = _numbers(raw, mapping.value, kept, problems)
    problems.show_numbers(mapping.value, values)
    table = pd.DataFrame({**labels, DATE: days, VALUE: values})
    if not mapping.cumulative:
        problems.add((table[VALUE] < 0).to_numpy() & kept, mapping.value, NEGATIVE, _NEGATIVE_REMEDY)
    if mapping.as_of is not None:
        table[AS_OF], readable = _days(raw, mapping.as_of, mapping.day_first, problems)
        kept = kept & readable
    covariates = {
        f"{column}_" if column in (*PANEL, AS_OF) else column: _numbers(raw, column, kept, problems)
        for column in mapping.covariates
    }
    table = pd.concat([table, pd.DataFrame(covariates, index=table.index)], axis=1) if covariates else table
    table = table if kept.all() else table[kept]
    if table.empty:
        raise raw.error(f"no cell of the column {mapping.date!r} is a date in a usable row; choose another column.")
    return table


def _read_wide(raw: RawTable, mapping: ColumnMapping, problems: CellProblems) -> pd.DataFrame:
    assert mapping.date is not None
    days, kept = _days(raw, mapping.date, mapping.day_first, problems)
    if not kept.any():
        raise raw.error(f"no cell of the column {mapping.date!r} is a date; choose another column.")
    columns = list(mapping.wide)
    values, wrong = try_parse_number_block(raw, columns)
    for i in np.flatnonzero((wrong & kept[:, None]).any(axis=0)):
        problems.add(wrong[:, i] & kept, columns[i], NO_NUMBER)
    problems.show_numbers(columns[0], values[:, 0])
    values, notes = without_missing_codes(values, columns)
    problems.notes += (*notes, *multiplier_notes(raw, columns))
    negative = (values < 0) & kept[:, None] & (not mapping.cumulative)
    for i in np.flatnonzero(negative.any(axis=0)):
        problems.add(negative[:, i], columns[i], NEGATIVE, _NEGATIVE_REMEDY)
    return stack_wide_table(columns, pd.DatetimeIndex(days[kept]), values[kept].T, VALUE)


def _days(raw: RawTable, column: str, day_first: bool | None, problems: CellProblems) -> tuple[pd.Series, np.ndarray]:
    days, wrong = try_parse_dates(raw, column, day_first)
    problems.add(wrong, column, NO_DATE, "write it as 2021-03-31; the row was left out.")
    return days, ~wrong


def _numbers(raw: RawTable, column: str, kept: np.ndarray, problems: CellProblems) -> np.ndarray:
    values, wrong = try_parse_numbers(raw, column)
    problems.add(wrong & kept, column, NO_NUMBER)
    values, notes = without_missing_codes(values, [column])
    problems.notes += (*notes, *multiplier_notes(raw, [column]))
    return values


def _combine_rows(raw: RawTable, table: pd.DataFrame, mapping: ColumnMapping) -> tuple[pd.DataFrame, int]:
    """The table with one row a region and period, in order, and how many rows were put into others."""
    columns = key_columns(table)
    if mapping.combine is not None:
        table = table.assign(**{DATE: _round_to_periods(table)})
    keys = row_keys(table, columns)
    twice = is_repeated(keys)
    if twice.any() and mapping.combine is None:
        row = table.iloc[int(np.argmax(twice))]
        first = int(np.argmax(keys == keys[np.argmax(twice)]))
        raise raw.error(
            f"{quote_cell(row[REGION])} on {row[DATE]:%Y-%m-%d} is also in {raw.place(int(table.index[first] % len(raw.cells)))}; "
            "choose whether several rows a period are summed or averaged.",
            int(row.name % len(raw.cells)),
        )
    if twice.any():
        groups = table.groupby(columns, sort=False, observed=True)
        others = [column for column in table if column not in (*columns, VALUE)]
        values = groups[VALUE].sum(min_count=1) if mapping.combine == "sum" else groups[VALUE].mean()
        table = pd.concat([values, groups[others].mean()], axis=1).reset_index() if others else values.reset_index()
        table = table[[*PANEL, *[column for column in table if column not in PANEL]]]
        keys = row_keys(table, columns)
    if mapping.value is not None:
        return sort_by_keys(table, keys), int(twice.sum())
    # The regions of a wide table stay in their places.
    positions = table[REGION].map({column: i for i, column in enumerate(mapping.wide)}).to_numpy()
    return table.iloc[np.lexsort((table[DATE].to_numpy(), positions))], int(twice.sum())


def _round_to_periods(table: pd.DataFrame) -> pd.Series:
    """The dates, cut to the hour or the day where they are closer than periods can be."""
    days = pd.DatetimeIndex(table.loc[table[REGION] == table[REGION].mode().iloc[0], DATE]).unique().sort_values()
    if len(days) < 2 or (table[DATE] == table[DATE].dt.normalize()).all():
        return table[DATE]
    usual = pd.Series(days).diff().dropna().median()
    hour, day = pd.Timedelta(hours=1), pd.Timedelta(days=1)
    if usual == hour or usual >= day:
        return table[DATE]
    return table[DATE].dt.floor("h" if usual < hour else "D")
