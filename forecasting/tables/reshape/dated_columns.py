"""Dated columns: a row a place with a column a date, as spreadsheets have it, stacked into a row a place and date."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd

from forecasting.tables.cells.blank_cells import BLANK_TEXTS, quote_cell
from forecasting.tables.cells.dictionary_columns import decode_column
from forecasting.tables.cells.parse_dates import date_share
from forecasting.tables.cells.raw_table import RawTable
from forecasting.tables.column_vocabulary import fold_words
from forecasting.tables.reshape.cell_patterns import are_years, column_texts
from forecasting.tables.reshape.period_columns import TOTAL_NAMES, month_numbers

#: Columns that are dates, at least, and others beside them, at most.
LEAST_DATED, MOST_OTHERS = 3, 12
#: Cells of the dated columns that are looked at.
LOOKED_CELLS = 400
#: Share of them that must be numbers.
NUMBERS_SHARE = 0.8
#: Column of dates and of figures of a stacked table.
_DATE, _VALUE = "date", "value"
_YEAR = re.compile(r"(?:FY ?|Y)?((?:17|18|19|20|21)[0-9]{2})(?:\.0| \[YR[0-9]{4}\])?")
_MIDNIGHT = re.compile(r"[ T]00:00(:00)?$")
_NUMBER = re.compile(r"[^0-9A-Za-z]*[0-9][0-9.,'’\s]*[^0-9A-Za-z]*[A-Za-z%€$]{0,3}")


def stack_dated_columns(raw: RawTable) -> RawTable:
    """The table with a row a date where its header has the dates; the same table otherwise.

    Years above months of the rows, as in a table that compares years, are put together with them.
    """
    dates = _dates_of_header(list(raw.cells))
    others = [column for column in raw.cells if column not in dates]
    if len(dates) < LEAST_DATED or len(others) > MOST_OTHERS or len(set(dates.values())) < len(dates):
        return raw
    values = np.stack([decode_column(raw.cells[column]).to_numpy(dtype=object) for column in dates], axis=1)
    if not _are_figures(values):
        return raw
    months = next((column for column in others if _are_months(raw, column)), None)
    if months is not None:
        if not all(text.isdigit() for text in dates.values()):
            return raw
        others.remove(months)
        kept = month_numbers(raw.cells[months]) > 0  # without a row of totals below them
        raw, values = raw.take_rows(kept), values[kept]
        numbers = month_numbers(raw.cells[months])
        texts = np.array([[f"{year}-{month:02d}" for year in dates.values()] for month in numbers], dtype=object)
        said = f"the years of the months in {quote_cell(months)}"
    else:
        if any(_are_dates(raw, column) for column in others):
            return raw
        texts = np.tile(np.array(list(dates.values()), dtype=object), (len(raw.cells), 1))
        said = "dates, a row each"
    names = list(dates)
    remark = f"{len(names)} columns, {quote_cell(names[0])} to {quote_cell(names[-1])}, are read as {said}."
    return _stacked(raw, texts, values, others, remark)


def _stacked(raw: RawTable, texts: np.ndarray, values: np.ndarray, others: list[str], remark: str) -> RawTable:
    """A row for each cell of the dated columns; dates before the first figure of all and after the last one are left out."""
    flat, repeated = texts.ravel(), np.repeat(np.arange(len(raw.cells)), texts.shape[1])
    filled = np.array([not _is_blank(cell) for cell in values.ravel()])
    there = np.isin(flat, flat[filled])
    cells = pd.DataFrame({_DATE: flat[there], _VALUE: values.ravel()[there]}, dtype=object)
    cells[_DATE] = cells[_DATE].astype("str")
    if all(isinstance(cell, str) for cell in cells[_VALUE]):
        cells[_VALUE] = cells[_VALUE].astype("str")
    for column in others:
        name = f"{column} 2" if column in (_DATE, _VALUE) else column
        cells[name] = pd.Series(column_texts(raw.cells[column])[repeated[there]], index=cells.index).astype("str")
    return raw.changed(cells, raw.lines[repeated[there]], remark)


def _dates_of_header(header: list[str]) -> dict[str, str]:
    """The columns that are called by a date, with the date; by a year where most are."""
    texts = {column: _MIDNIGHT.sub("", column.strip()) for column in header}
    years = {column: found[1] for column, text in texts.items() if (found := _YEAR.fullmatch(text))}
    if len(years) >= LEAST_DATED:
        return years
    digits = {column: text for column, text in texts.items() if any(sign.isdigit() for sign in text)}
    if len(digits) < LEAST_DATED or date_share(list(digits.values())) < 0.5:
        return {}
    return {column: text for column, text in digits.items() if date_share([text]) == 1}


def _are_figures(values: np.ndarray) -> bool:
    """Whether most cells are numbers."""
    cells = values.ravel()
    cells = cells[np.unique(np.linspace(0, len(cells) - 1, LOOKED_CELLS).astype(int))] if len(cells) else cells
    filled = [cell for cell in cells if not _is_blank(cell)]
    numbers = sum(not isinstance(cell, str) or bool(_NUMBER.fullmatch(cell.strip())) for cell in filled)
    return bool(filled) and numbers >= NUMBERS_SHARE * len(filled)


def _is_blank(cell: object) -> bool:
    return cell is None or cell != cell or str(cell).strip().lower() in BLANK_TEXTS


def _are_months(raw: RawTable, column: str) -> bool:
    """Whether the cells name each month at most once, and nothing else but totals."""
    numbers = month_numbers(raw.cells[column])
    months, others = numbers[numbers > 0], column_texts(raw.cells[column])[numbers == 0]
    totals = all(fold_words(str(text)) & TOTAL_NAMES for text in others)
    return len(months) >= LEAST_DATED and totals and len(set(months.tolist())) == len(months)


def _are_dates(raw: RawTable, column: str) -> bool:
    """Whether the cells are dates or years, so that it is another table."""
    texts = [text for text in column_texts(raw.cells[column])[:50] if text.lower() not in BLANK_TEXTS]
    years = are_years(np.array([int(text) if re.fullmatch(r"[0-9]{4}", text) else 0 for text in texts]))
    return bool(texts) and (date_share(texts) > 0.5 or 2 * years.sum() > len(texts))
