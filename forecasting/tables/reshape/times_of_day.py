"""Times of day: a column of days beside one of times or hours, put together into one column of stamps."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd

from forecasting.tables.cells.blank_cells import quote_cell, quote_cells
from forecasting.tables.cells.raw_table import RawTable
from forecasting.tables.column_vocabulary import fold_words
from forecasting.tables.reshape.cell_patterns import column_texts, whole_numbers
from forecasting.tables.reshape.period_columns import iso_days

#: Words of columns of times of day.
TIME_WORDS = frozenset(
    (
        "time", "times", "zeit", "uhrzeit", "uhr", "heure", "heures", "hora", "horas", "hour", "hours", "hr", "he", "stunde",
        "stunden", "std", "hh", "hhmm", "settlement",
    )
)  # fmt: skip
#: Half-hours of a day, as electricity is settled.
_HALF_HOURS = 48
_CLOCK = re.compile(
    r"([0-9]{1,2})[:.h]([0-9]{2})(?:[:.]([0-9]{2})(?:\.[0-9]+)?)?( ?[AaPp]\.?[Mm]\.?)?(?: ?[-–] ?[0-9:.h]+)?"
)
#: What is a number rather than a time where no name says otherwise: 7 or 4.50.
_PRICE = re.compile(r"[0-9]+(\.[0-9]+)?")
#: What stands before the number of an hour.
_HOUR_WORD = re.compile(r"^\s*(?:HE|HR|H|hour|stunde|heure|hora)[ ._-]?(?=[0-9]{1,2}\s*$)", re.IGNORECASE)
#: Rows that tell whether a column may hold days or times: looking at all takes long.
_LOOKED_AT = 20
#: Share of the rows that have a time at least.
_LEAST_SHARE = 0.9


def join_times_of_day(raw: RawTable) -> RawTable:
    """The table with the times of one column added to the days of another; the same table without such columns."""
    columns = list(raw.cells)[:100]
    head = raw.take_rows(np.arange(min(len(raw.cells), _LOOKED_AT)))
    named = [column for column in columns if fold_words(column) & TIME_WORDS]
    for time in (*named, *(column for column in columns if column not in named and _has_clocks(head, column))):
        found = _seconds(raw, time)
        if found is None:
            continue
        seconds, said = found
        for day in (column for column in columns if column != time):
            days = iso_days(raw, day) if iso_days(head, day) is not None else None
            if days is None:
                continue
            if (time not in named or not _is_text(raw, time)) and not pd.Series(days).duplicated().any():
                return raw
            ends = [column for column in columns if column not in (day, time) and _has_clocks(head, column)]
            return _joined(raw, day, time, days, seconds, said, ends)
    return raw


def _has_clocks(head: RawTable, column: str) -> bool:
    """Whether the first cells are times as 13:30."""
    texts = column_texts(head.cells[column])
    return bool(texts.size) and all(_seconds_of_text(text) >= 0 and not _PRICE.fullmatch(text) for text in texts)


def _is_text(raw: RawTable, column: str) -> bool:
    return bool((whole_numbers(raw.cells[column]) < 0).any())


def _joined(
    raw: RawTable, day: str, time: str, days: np.ndarray, seconds: np.ndarray, said: str, ends: list[str]
) -> RawTable:
    there = (days != "") & (seconds >= 0)
    keys = pd.DataFrame({"day": days, "seconds": seconds})
    codes = keys.groupby(["day", "seconds"], sort=False).ngroup().to_numpy()
    different = keys.drop_duplicates()
    texts = np.array([_stamp(one, int(two)) for one, two in different.itertuples(index=False)], dtype=object)
    cells = raw.cells.drop(columns=[time, *ends])
    stamps = np.where(there, texts[codes], "")
    cells[day] = pd.Series(stamps, index=cells.index).astype("str")
    remark = f"The days in {quote_cell(day)} and the times in {quote_cell(time)} are put together{said}."
    others = (f"Other times are left out: {quote_cells(ends)}.",) if ends else ()
    return raw.changed(cells, raw.lines, remark, *others)


def _stamp(day: str, seconds: int) -> str:
    if seconds < 0 or not day:
        return ""
    if seconds >= 86400:
        after = pd.to_datetime(day, format="%Y-%m-%d", errors="coerce")
        day, seconds = (f"{after + pd.Timedelta(days=1):%Y-%m-%d}" if pd.notna(after) else day), seconds - 86400
    return f"{day} {seconds // 3600:02d}:{seconds // 60 % 60:02d}" + (f":{seconds % 60:02d}" if seconds % 60 else "")


def _seconds(raw: RawTable, column: str) -> tuple[np.ndarray, str] | None:
    """The times of a column as seconds since midnight, -1 where one is blank, and how they are read; None of another column."""
    numbers = whole_numbers(raw.cells[column].astype("str").str.replace(_HOUR_WORD, "", regex=True))
    known = numbers[numbers >= 0]
    if len(known) >= _LEAST_SHARE * len(numbers):
        return _seconds_of_numbers(numbers, known, fold_words(column))
    texts = column_texts(raw.cells[column])
    clock = {text: _seconds_of_text(text) for text in set(texts)}
    seconds = np.array([clock[text] for text in texts], dtype=np.int64)
    return (seconds, "") if (seconds >= 0).mean() >= _LEAST_SHARE else None


def _seconds_of_numbers(numbers: np.ndarray, known: np.ndarray, words: frozenset[str]) -> tuple[np.ndarray, str] | None:
    low, high, several = known.min(), known.max(), len(np.unique(known))
    if "settlement" in words:
        if low < 1 or high > _HALF_HOURS:
            return None
        return np.where(numbers >= 0, 1800 * (numbers - 1), -1), ", as half-hours of which the first begins at 00:00"
    if high <= 23 or (high == 24 and low >= 1):
        first = int(high == 24 or "he" in words or "ending" in words)
        said = ", as hours of which hour 1 begins at 00:00" if first else ""
        return np.where(numbers >= 0, 3600 * (numbers - first), -1), said
    if several > 2 and high <= 2400 and (known % 100 < 60).all():
        return np.where(numbers >= 0, 3600 * (numbers // 100) + 60 * (numbers % 100), -1), ""
    return None


def _seconds_of_text(text: str) -> int:
    found = _CLOCK.fullmatch(text)
    if not found:
        return -1
    hour, minute, second = int(found[1]), int(found[2]), int(found[3] or 0)
    if found[4]:
        if not 1 <= hour <= 12:
            return -1
        hour = hour % 12 + 12 * ("p" in found[4].lower())
    total = 3600 * hour + 60 * minute + second
    return total if minute < 60 and second < 60 and total <= 86400 else -1
