"""Dates out of the cells of a raw table; a cell that is none is an error that names its line, or is pointed out."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from forecasting.tables.cells.blank_cells import BLANK_TEXTS, quote_cell, stripped_text
from forecasting.tables.cells.date_formats import (
    DATE_FORMATS,
    YEAR_LAST,
    dates_from_parts,
    is_plausible_date,
    match_date_format,
    set_day_and_month,
    without_utc_offset,
)
from forecasting.tables.cells.dictionary_columns import distinct_cells, first_rows
from forecasting.tables.cells.raw_table import RawTable


def parse_dates(raw: RawTable, column: str) -> pd.Series:
    """The column as dates without a time zone; a time of day that all share is dropped.

    Raises `DataError` for the first cell that is not a date, and when day and month cannot be told apart.
    """
    codes, cells = distinct_cells(raw.cells[column])
    rows = first_rows(codes)
    if pd.api.types.is_datetime64_any_dtype(cells):
        parsed = cells if cells.dt.tz is None else cells.dt.tz_localize(None)
        if parsed.isna().any():
            raise raw.error(_no_date(column), int(rows[np.argmax(parsed.isna())]))
    else:
        texts = [without_utc_offset(text) for text in stripped_text(cells)]
        parsed = pd.Series(_parse(raw, column, texts, rows))
    return pd.Series(_without_shared_time(parsed)[codes])


def try_parse_dates(raw: RawTable, column: str, day_first: bool | None = None) -> tuple[pd.Series, np.ndarray]:
    """As `parse_dates`, but NaT where a cell is no date, and which cells those are; forms may be mixed.

    `day_first` says how 03/04/2021 is meant. Raises `DataError` when it is None and the cells do not tell.
    """
    codes, cells = distinct_cells(raw.cells[column])
    if pd.api.types.is_datetime64_any_dtype(cells):
        parsed = cells if cells.dt.tz is None else cells.dt.tz_localize(None)
    else:
        texts = stripped_text(cells).tolist()
        matches = [match_date_format(text) for text in texts]
        last = [i for i, (date_format, _) in enumerate(matches) if date_format is YEAR_LAST]
        parts = [part for _, part in matches]
        rows = first_rows(codes)[last]
        _order_day_and_month(raw, column, [parts[i] for i in last], [texts[i] for i in last], rows, day_first)
        parsed = dates_from_parts(parts).astype("datetime64[us]")
    parsed = parsed.where(is_plausible_date(parsed))
    return pd.Series(_without_shared_time(parsed)[codes]), parsed.isna().to_numpy()[codes]


def date_share(texts: Sequence[str]) -> float:
    """How many of `texts` are dates: 0 is none, 1 is all."""
    parts = [part for date_format, part in map(match_date_format, texts) if date_format]
    for part in parts:
        if "a" in part:
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


def _parse(raw: RawTable, column: str, texts: list[str], rows: np.ndarray) -> np.ndarray:
    """The dates that `texts` mean, `rows` being where each stands first."""
    date_format = next((known for known in DATE_FORMATS if known.fullmatch(texts[0])), None)
    matches = [date_format.fullmatch(text) if date_format else None for text in texts]
    if None in matches:
        row = int(rows[matches.index(None)])
        text = texts[matches.index(None)]
        if text.lower() in BLANK_TEXTS:
            raise raw.error(_no_date(column), row)
        if any(known.fullmatch(text) for known in DATE_FORMATS):
            raise raw.error(
                f"{quote_cell(text)} in the column {column!r} is written otherwise than the dates above it; "
                "write all as 2021-03-31.",
                row,
            )
        raise raw.error(f"{quote_cell(text)} in the column {column!r} is not a date; write dates as 2021-03-31.", row)
    parts = [match.groupdict() for match in matches if match]
    if date_format is YEAR_LAST:
        _order_day_and_month(raw, column, parts, texts, rows)
    parsed = dates_from_parts(parts)
    wrong = ~is_plausible_date(parsed).to_numpy()
    if wrong.any():
        position = int(np.argmax(wrong))
        raise raw.error(
            f"{quote_cell(texts[position])} in the column {column!r} is not a day of the calendar; mend it.",
            int(rows[position]),
        )
    return parsed.to_numpy()


def _order_day_and_month(
    raw: RawTable,
    column: str,
    parts: list[dict[str, str]],
    texts: list[str],
    rows: np.ndarray,
    chosen: bool | None = None,
) -> None:
    """Set day and month of each part as `chosen`, or where only one order fits every row."""
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


def _no_date(column: str) -> str:
    return f"there is no date in the column {column!r}; fill it in or delete the row."
