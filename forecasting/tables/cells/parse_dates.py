"""Dates out of the cells of a raw table; a cell that is none is an error that names its line, or is pointed out."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
import pandas as pd

from forecasting.tables.cells.blank_cells import BLANK_TEXTS, quote_cell, stripped_text
from forecasting.tables.cells.date_formats import (
    LAST_YEAR,
    LATEST_YEARS,
    MONTH_AND_SHORT_YEAR,
    YEAR_LAST,
    dates_from_parts,
    is_plausible_date,
    match_date_format,
    set_day_and_month,
    today,
    whole_year,
    without_utc_offset,
)
from forecasting.tables.cells.dictionary_columns import distinct_cells, first_rows
from forecasting.tables.cells.numeric_dates import (
    MMWR_WORDS,
    NumericDates,
    dates_from_numbers,
    numeric_cells,
    numeric_dates,
)
from forecasting.tables.cells.period_texts import period_texts
from forecasting.tables.cells.raw_table import RawTable
from forecasting.tables.cells.utc_offsets import (
    INSTANTS_NOTE,
    split_utc_offset,
    to_instants,
    utc_offsets,
    without_time_zone,
)
from forecasting.tables.column_vocabulary import fold_words

#: Letters of a text that may be a period, at most.
_LONGEST_PERIOD = 60
#: So many times closer together dates are in an order that needs no question.
_CLOSER = 4


def parse_dates(raw: RawTable, column: str, keep_time: bool = False) -> pd.Series:
    """The column as dates without a time zone; a time of day that all share is dropped.

    With `keep_time` it is kept, and times stay on their clock, whatever their `offsets_from_utc`.

    Raises `DataError` for the first cell that is not a date, and when day and month cannot be told apart.
    """
    codes, cells = distinct_cells(raw.cells[column])
    rows = first_rows(codes)
    if pd.api.types.is_datetime64_any_dtype(cells):
        parsed = _on_clock(cells) if keep_time else without_time_zone(cells)
        if parsed.isna().any():
            raise raw.error(_no_date(column), int(rows[np.argmax(parsed.isna())]))
    elif (numbered := _numbered_dates(raw, column, cells, rows)) is not None:
        parsed = numbered
        if parsed.isna().any():
            row = int(np.argmax(parsed.isna()))
            text = str(cells[row])
            blank = pd.isna(cells[row]) or text.strip().lower() in BLANK_TEXTS
            raise raw.error(_no_date(column) if blank else _no_day(column, text), int(rows[row]))
    else:
        written, _ = period_texts(stripped_text(cells).tolist())
        parsed = to_instants(pd.Series(_parse(raw, column, written, rows)), None if keep_time else utc_offsets(written))
    if keep_time:
        return pd.Series(parsed.to_numpy("datetime64[us]")[codes])
    return pd.Series(_without_shared_time(parsed)[codes])


def try_parse_dates(raw: RawTable, column: str, day_first: bool | None = None) -> tuple[pd.Series, np.ndarray]:
    """As `parse_dates`, but NaT where a cell is no date, and which cells those are; forms may be mixed.

    `day_first` says how 03/04/2021 is meant. Raises `DataError` when it is None and the cells do not tell.
    """
    codes, cells = distinct_cells(raw.cells[column])
    if pd.api.types.is_datetime64_any_dtype(cells):
        parsed = without_time_zone(cells)
    elif (numbered := _numbered_dates(raw, column, cells, first_rows(codes))) is not None:
        parsed = numbered
    else:
        texts, _ = period_texts(stripped_text(cells).tolist())
        matches = [match_date_format(text) for text in texts]
        last = [i for i, (date_format, _) in enumerate(matches) if date_format is YEAR_LAST]
        parts = _with_mmwr_weeks(column, [part for _, part in matches])
        rows = first_rows(codes)[last]
        _refuse_days_without_year(raw, column, matches, texts, first_rows(codes))
        _order_day_and_month(raw, column, [parts[i] for i in last], [texts[i] for i in last], rows, day_first)
        parsed = to_instants(dates_from_parts(parts).astype("datetime64[us]"), utc_offsets(texts))
    parsed = parsed.where(is_plausible_date(parsed))
    return pd.Series(_without_shared_time(parsed)[codes]), parsed.isna().to_numpy()[codes]


def date_notes(raw: RawTable, column: str) -> tuple[str, ...]:
    """Sentences on how a column of dates is read: periods that are no dates, weeks, and times that are instants in UTC."""
    cells = raw.cells[column]
    if pd.api.types.is_datetime64_any_dtype(cells) or not len(cells):
        return instants_notes(raw, column)
    first = str(cells.iloc[0]).strip()
    if split_utc_offset(first)[1] is not None:
        return instants_notes(raw, column)
    return _period_notes(raw, column) if len(first) <= _LONGEST_PERIOD else ()


def instants_notes(raw: RawTable, column: str) -> tuple[str, ...]:
    """A sentence where the times of a column of dates are read as instants in UTC."""
    cells = raw.cells[column]
    if pd.api.types.is_datetime64_any_dtype(cells):
        told = cells.dt.tz is not None and not without_time_zone(cells).equals(cells.dt.tz_localize(None))
        return (INSTANTS_NOTE.format(column=column),) if told else ()
    if not len(cells) or split_utc_offset(str(cells.iloc[0]).strip())[1] is None:
        return ()
    texts = stripped_text(distinct_cells(cells)[1]).tolist()
    clocks = pd.Series([split_utc_offset(text)[0] for text in texts]).drop_duplicates()
    days = clocks.str.extract("([^T ]+)", expand=False)
    offsets = utc_offsets(texts)
    told = days.nunique() < len(days) and offsets is not None and bool(offsets.any())
    return (INSTANTS_NOTE.format(column=column),) if told else ()


def _period_notes(raw: RawTable, column: str) -> tuple[str, ...]:
    """A sentence on the periods, or on the weeks, of a column of dates."""
    cells = distinct_cells(raw.cells[column])[1]
    numbers = numeric_cells(cells)
    mmwr = f"The weeks in {column!r} are read as MMWR weeks (Sunday to Saturday), dated by their Saturday."
    if numbers is not None:
        match numeric_dates(numbers, fold_words(column), raw.six_digits):
            case NumericDates.MMWR_WEEKS:
                return (mmwr,)
            case NumericDates.WEEKS:
                return (f"The weeks in {column!r} are read as ISO weeks (Monday to Sunday), dated by their Sunday.",)
        return ()
    texts = stripped_text(cells).tolist()
    if MMWR_WORDS & fold_words(column) and "w" in match_date_format(texts[0])[1]:
        return (mmwr,)
    sentence = period_texts(texts)[1]
    return (sentence,) if sentence else ()


def offsets_from_utc(raw: RawTable, column: str) -> pd.Series | None:
    """How far the clock of each cell is ahead of UTC; None where the cells do not say so, or are all in UTC."""
    codes, cells = distinct_cells(raw.cells[column])
    if pd.api.types.is_datetime64_any_dtype(cells):
        if cells.dt.tz is None:
            return None
        ahead = _on_clock(cells) - cells.dt.tz_convert("UTC").dt.tz_localize(None)
    elif pd.api.types.is_numeric_dtype(cells) or (offsets := utc_offsets(stripped_text(cells).tolist())) is None:
        return None
    else:
        ahead = pd.Series(pd.to_timedelta(offsets, unit="min"))
    return pd.Series(ahead.to_numpy()[codes]) if ahead.any() else None


def _on_clock(times: pd.Series) -> pd.Series:
    return times.dt.tz_localize(None)


def date_share(texts: Sequence[str]) -> float:
    """How many of `texts` are dates: 0 is none, 1 is all."""
    parts = [part for date_format, part in map(match_date_format, period_texts(texts)[0]) if date_format]
    for part in parts:
        if "a" in part and int(part["a"]) > 31 and len(part["y"]) == 2:
            part["y"], part["m"], part["d"] = part["a"], part["b"], part["y"]
        elif "a" in part:
            set_day_and_month(part, day_first=int(part["b"]) <= 12)
    return float(is_plausible_date(dates_from_parts(parts)).sum()) / max(len(texts), 1)


def ambiguous_day_and_month(texts: Sequence[str]) -> str | None:
    """A text of `texts` that may be two different days, where none of them shows which is meant."""
    matches = [match for text in texts if (match := YEAR_LAST.fullmatch(without_utc_offset(text)))]
    pairs = [(int(match["a"]), int(match["b"])) for match in matches]
    if any(max(pair) > 12 for pair in pairs):
        return None
    return next((match[0] for match, (a, b) in zip(matches, pairs, strict=True) if a != b), None)


def _without_shared_time(parsed: pd.Series) -> np.ndarray:
    """The dates without their time of day where that is the same for all."""
    days = parsed.dt.normalize()
    if (parsed - days).nunique() == 1:
        parsed = days
    return parsed.to_numpy("datetime64[us]")


def _with_mmwr_weeks(column: str, parts: list[dict[str, str]]) -> list[dict[str, str]]:
    """The parts of dates, whose weeks are MMWR weeks where the column is called so."""
    if MMWR_WORDS & fold_words(column):
        for part in parts:
            if "w" in part:
                part["mmwr"] = "yes"
    return parts


def _parse(raw: RawTable, column: str, texts: Sequence[str], rows: np.ndarray) -> np.ndarray:
    """The dates that `texts` mean, `rows` being where each stands first."""
    matches = [match_date_format(text) for text in texts]
    date_format = matches[0][0]
    if odd := [i for i, match in enumerate(matches) if match[0] is not date_format or match[0] is None]:
        text, row = texts[odd[0]], int(rows[odd[0]])
        if text.lower() in BLANK_TEXTS:
            raise raw.error(_no_date(column), row)
        if matches[odd[0]][0] is not None:
            raise raw.error(
                f"{quote_cell(text)} in the column {column!r} is written otherwise than the dates above it; "
                "write all as 2021-03-31.",
                row,
            )
        raise raw.error(f"{quote_cell(text)} in the column {column!r} is not a date; write dates as 2021-03-31.", row)
    parts = _with_mmwr_weeks(column, [part for _, part in matches])
    if date_format is YEAR_LAST:
        _order_day_and_month(raw, column, parts, texts, rows)
    _refuse_days_without_year(raw, column, matches, texts, rows)
    parsed = dates_from_parts(parts)
    wrong = ~is_plausible_date(parsed).to_numpy()
    if wrong.any():
        position = int(np.argmax(wrong))
        raise raw.error(_no_day(column, texts[position]), int(rows[position]))
    return parsed.to_numpy()


def _numbered_dates(raw: RawTable, column: str, cells: pd.Series, rows: np.ndarray) -> pd.Series | None:
    """The dates of a column of numbers that are no days as 20210331; None of any other.

    Raises `DataError` where 202012 may be a December or a twelfth week.
    """
    numbers = numeric_cells(cells)
    kind = None if numbers is None else numeric_dates(numbers, fold_words(column), raw.six_digits)
    if numbers is None or kind is None:
        return None
    if kind is NumericDates.MONTHS_OR_WEEKS:
        first = int(np.argmax(np.isfinite(numbers)))
        raise raw.error(
            f"'{numbers[first]:.0f}' in the column {column!r} may mean a month or a week of the year; say which with the "
            'mapping {"six_digits":"months"} or {"six_digits":"weeks"}.',
            int(rows[first]),
        )
    return dates_from_numbers(numbers, kind)


def _refuse_days_without_year(
    raw: RawTable,
    column: str,
    matches: Sequence[tuple[object, dict[str, str]]],
    texts: Sequence[str],
    rows: np.ndarray,
) -> None:
    """Raises `DataError` for Jan-01, Jan-02, Jan-03 …: days of one month, or one month of many years."""
    short = [i for i, (date_format, _) in enumerate(matches) if date_format is MONTH_AND_SHORT_YEAR]
    if len(short) < max(3, len(texts) / 2):
        return
    months = {matches[i][1]["m"].lower() for i in short}
    numbers = np.unique([int(matches[i][1]["y"]) for i in short])
    if len(months) == 1 and len(numbers) == len(short) and numbers[0] >= 1 and numbers[-1] <= 31:
        raise raw.error(
            f"{quote_cell(texts[short[0]])} in the column {column!r} may mean a day or a year; write dates as 2021-03-31.",
            int(rows[short[0]]),
        )


def _no_day(column: str, text: str) -> str:
    """What is wrong with a date that is well written."""
    year = re.search(r"\d{4}", text)
    far = year is not None and today().year + LATEST_YEARS < int(year[0]) <= LAST_YEAR
    what = "is far in the future" if far else "is not a day of the calendar"
    return f"{quote_cell(text)} in the column {column!r} {what}; mend it."


def _order_day_and_month(
    raw: RawTable,
    column: str,
    parts: list[dict[str, str]],
    texts: Sequence[str],
    rows: np.ndarray,
    chosen: bool | None = None,
) -> None:
    """Set day and month of each part as `chosen`, or where only one order fits every row."""
    if chosen is None and parts and _year_stands_first(raw, column, parts, texts, rows):
        for part in parts:
            part["y"], part["m"], part["d"] = part["a"], part["b"], part["y"]
        return
    if chosen is not None:
        for part in parts:
            set_day_and_month(part, chosen)
        return
    first = np.array([int(part["a"]) for part in parts])
    second = np.array([int(part["b"]) for part in parts])
    day_first, month_first = bool((second <= 12).all()), bool((first <= 12).all())
    if day_first and month_first and (first != second).any():
        position = int(np.argmax(first != second))
        raise raw.error(
            f"{quote_cell(texts[position])} in the column {column!r} may mean day first or month first; "
            "write dates as 2021-03-31.",
            int(rows[position]),
        )
    if not day_first and not month_first:
        culprit = int(np.argmax(second > 12)) if first[0] > 12 else int(np.argmax(first > 12))
        raise raw.error(
            f"{quote_cell(texts[culprit])} in the column {column!r} does not have day and month in the order of the "
            "other dates; write all as 2021-03-31.",
            int(rows[culprit]),
        )
    for part in parts:
        set_day_and_month(part, day_first)


def _year_stands_first(
    raw: RawTable, column: str, parts: Sequence[dict[str, str]], texts: Sequence[str], rows: np.ndarray
) -> bool:
    """Whether dates as 96-01-31 begin with their year: where that puts them far closer together than any other order.

    Raises `DataError` where the orders put them about equally close.
    """
    if any(len(part["y"]) != 2 for part in parts) or not all("-" in text for text in texts):
        return False
    spans = {}
    for order in ("aby", "bay", "yba"):  # the day, the month and the year
        day, month, year = (np.array([int(part[name]) for part in parts]) for name in order)
        if day.min() >= 1 and day.max() <= 31 and month.min() >= 1 and month.max() <= 12:
            days = 372 * np.array([whole_year(int(one)) for one in year]) + 31 * month + day
            spans[order] = int(days.max() - days.min())
    others = [span for order, span in spans.items() if order != "yba"]
    if "yba" not in spans or not others:
        return "yba" in spans
    if max(spans["yba"], min(others)) <= _CLOSER * min(spans["yba"], *others):
        raise raw.error(
            f"{quote_cell(texts[0])} in the column {column!r} may mean the year first or last; write dates as 2021-03-31.",
            int(rows[0]),
        )
    return spans["yba"] < min(others)


def _no_date(column: str) -> str:
    return f"there is no date in the column {column!r}; fill it in or delete the row."
