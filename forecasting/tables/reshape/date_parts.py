"""Date parts: a year beside months, weeks, quarters or days of their own columns, put together into one column of dates."""

from __future__ import annotations

import re
from datetime import date, timedelta

import numpy as np

from forecasting.tables.cells.blank_cells import quote_cells
from forecasting.tables.cells.date_formats import end_of_mmwr_week, end_of_week
from forecasting.tables.cells.numeric_dates import MMWR_WORDS
from forecasting.tables.cells.raw_table import RawTable
from forecasting.tables.column_vocabulary import fold_words
from forecasting.tables.reshape.cell_patterns import are_years, column_texts, whole_numbers
from forecasting.tables.reshape.period_columns import iso_days, month_numbers

_YEAR_WORDS = frozenset(("year", "jahr", "annee", "ano", "anno", "yr", "yyyy"))
_WORDS = {
    "month": frozenset(("month", "monat", "mois", "mes", "mm", "mo")),
    "week": frozenset(("week", "wk", "woche", "kw", "semaine", "semana", "isoweek", "epiweek", "se")) | MMWR_WORDS,
    "quarter": frozenset(("quarter", "quartal", "trimestre", "qtr")),
    "day of the year": frozenset(("doy", "yday", "dayofyear", "julian")),
    "day": frozenset(("day", "tag", "jour", "dia", "dd")),
}
#: Share of the rows that have all parts at least.
_LEAST_SHARE = 0.7


def join_date_parts(raw: RawTable) -> RawTable:
    """The table with a column ``date`` in the place of the year and of the parts beside it; the same table without such."""
    words = {column: fold_words(column) for column in list(raw.cells)[:100]}
    years = [
        column
        for column, found in words.items()
        if found & _YEAR_WORDS and float(are_years(whole_numbers(raw.cells[column])).mean()) >= _LEAST_SHARE
    ]
    if not years or "date" in {column.lower() for column in words}:
        return raw
    year = years[0]
    parts: dict[str, str] = {}
    for kind, names in _WORDS.items():
        column = next((one for one, found in words.items() if one not in years and found & names), None)
        if column is not None and _numbers(raw, column, kind).any():
            parts[kind] = column
    kind = next((one for one in ("month", "week", "quarter", "day of the year") if one in parts), "")
    others = [column for column in words if column not in (year, *parts.values())]
    if not kind or any(iso_days(raw, column) is not None for column in others):
        return raw
    used = [year, parts[kind]]
    if kind == "month" and "day" in parts:
        used.append(parts["day"])
    mmwr = kind == "week" and any(words[column] & MMWR_WORDS for column in used)
    dates = _dates(raw, used, kind, mmwr)
    if (dates != "").mean() < _LEAST_SHARE:
        return raw
    cells = raw.cells.drop(columns=used)
    cells.insert(list(raw.cells).index(used[0]), "date", dates.astype("str"))
    how = {
        "week": "as MMWR weeks (Sunday to Saturday), dated by their Saturday"
        if mmwr
        else "as ISO weeks (Monday to Sunday), dated by their Sunday",
        "month": "as days" if len(used) > 2 else "as months, dated by their first day",
        "quarter": "as quarters, dated by their first day",
        "day of the year": "as days",
    }[kind]
    return raw.changed(cells, raw.lines, f"The columns {quote_cells(used)} are put together {how}.")


def _numbers(raw: RawTable, column: str, kind: str) -> np.ndarray:
    """The parts of a column as whole numbers, 0 where one is none."""
    if kind == "month":
        return month_numbers(raw.cells[column])
    texts = column_texts(raw.cells[column])
    pattern = {
        "week": r"(?:W|KW|week|wk|SE)?[ .-]?(\d{1,2})(?:\.0)?",
        "quarter": r"[QT]?[ .-]?([1-4])(?:\.0)?[QT]?",
    }.get(kind, r"(\d{1,3})(?:\.0)?")
    known = {text: re.fullmatch(pattern, text, re.IGNORECASE) for text in set(texts)}
    return np.array([int(found[1]) if (found := known[text]) else 0 for text in texts], dtype=np.int64)


def _dates(raw: RawTable, used: list[str], kind: str, mmwr: bool) -> np.ndarray:
    """The dates as texts, empty where a part is missing; one that is no date is written so that a reader sees it."""
    years = whole_numbers(raw.cells[used[0]])
    numbers = _numbers(raw, used[1], kind)
    days = _numbers(raw, used[2], "day") if len(used) > 2 else np.ones(len(years), dtype=np.int64)
    there = are_years(years) & (numbers > 0) & (days > 0)
    triples = np.column_stack([years, numbers, days])
    different, places = np.unique(triples, axis=0, return_inverse=True)
    texts = np.array([_text(kind, mmwr, *map(int, triple)) for triple in different], dtype=object)[places.ravel()]
    return np.where(there, texts, "")


def _text(kind: str, mmwr: bool, year: int, number: int, day: int) -> str:
    if kind == "week":
        end = end_of_mmwr_week(year, number) if mmwr else end_of_week(year, number)
        return end or f"{year:04d}-W{number:02d}"
    if kind == "day of the year":
        return f"{date(year, 1, 1) + timedelta(days=number - 1):%Y-%m-%d}"
    month = 3 * number - 2 if kind == "quarter" else number
    return f"{year:04d}-{month:02d}-{day:02d}"
