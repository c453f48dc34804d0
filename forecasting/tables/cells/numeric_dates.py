"""Dates that are stored as numbers: a spreadsheet's day numbers, seconds since 1970, years, and 202012 or 202052."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from enum import StrEnum

import numpy as np
import pandas as pd

from forecasting.tables.cells.blank_cells import BLANK_TEXTS, stripped_text
from forecasting.tables.cells.date_formats import LATEST_YEARS, end_of_mmwr_week, end_of_week, today


class NumericDates(StrEnum):
    """What the numbers of a column of dates count."""

    DAYS = "a spreadsheet's day numbers"
    SECONDS = "seconds since 1970"
    MILLISECONDS = "milliseconds since 1970"
    MICROSECONDS = "microseconds since 1970"
    NANOSECONDS = "nanoseconds since 1970"
    YEARS = "years"
    MONTHS = "years and months"
    WEEKS = "years and weeks"
    MMWR_WEEKS = "years and MMWR weeks"
    #: As 202012: a December, or a twelfth week.
    MONTHS_OR_WEEKS = "years and months, or years and weeks"


#: Answers to what 202012 means.
SIX_DIGITS = ("months", "weeks")
#: Unit of an epoch -> how many of it are a second, and the smallest figure that the largest of a column may be.
_EPOCHS = {
    NumericDates.NANOSECONDS: ("ns", 1e9, 1e17),
    NumericDates.MICROSECONDS: ("us", 1e6, 1e14),
    NumericDates.MILLISECONDS: ("ms", 1e3, 1e11),
    NumericDates.SECONDS: ("s", 1.0, 1e8),
}
#: A spreadsheet's day 0.
_DAY_ZERO = date(1899, 12, 30)
#: Days of spreadsheets before this year are rather counts.
_FIRST_YEAR_OF_DAYS = 1950
#: Years before this one are rather counts.
_FIRST_YEAR = 1900
_SECONDS_A_YEAR = 365.2425 * 86400
#: Words of columns of weeks from Sunday to Saturday, as epidemiologists count them.
MMWR_WORDS = frozenset(
    ("mmwr", "mmwrweek", "epi", "epiweek", "epiweeks", "epidemiological", "epidemiologica", "epiyear", "cdcweek")
)
_WEEK_WORDS = MMWR_WORDS | frozenset(("week", "weeks", "woche", "kw", "semaine", "semana", "isoweek", "yearweek", "yw"))
_MONTH_WORDS = frozenset(("month", "months", "monat", "mois", "mes", "yearmonth", "ym", "yyyymm"))


def numeric_cells(cells: pd.Series) -> np.ndarray | None:
    """Cells as floats, NaN where they are blank; None where any other is no plain number."""
    if pd.api.types.is_bool_dtype(cells):
        return None
    if pd.api.types.is_numeric_dtype(cells) and not pd.api.types.is_complex_dtype(cells):
        return cells.to_numpy(dtype=float, na_value=np.nan)
    texts = stripped_text(cells)
    filled = ~texts.str.lower().isin(BLANK_TEXTS).to_numpy(dtype=bool)
    if not texts[filled].str.fullmatch(r"-?[0-9]{1,20}(\.[0-9]{1,12})?").all():
        return None
    return pd.to_numeric(texts.where(filled), errors="coerce").to_numpy(dtype=float, na_value=np.nan)


def numeric_dates(numbers: np.ndarray, words: Iterable[str] = (), chosen: str | None = None) -> NumericDates | None:
    """What the numbers of a column count if it is one of dates; None where they cannot be dates.

    Args:
        numbers: the different ones; NaN is a blank.
        words: of the column's name.
        chosen: one of `SIX_DIGITS`.
    """
    known = numbers[np.isfinite(numbers)]
    if not len(known):
        return None
    latest = today().year + LATEST_YEARS
    whole = bool((known % 1 == 0).all())
    low, high = known.min(), known.max()
    if whole and low >= _FIRST_YEAR and high <= latest:
        return NumericDates.YEARS
    if whole and low >= 100 * _FIRST_YEAR and high < 100 * (latest + 1):
        kind = _six_digits(known.astype(int), set(words), chosen)
        return NumericDates.MMWR_WEEKS if kind is NumericDates.WEEKS and MMWR_WORDS & set(words) else kind
    days = ((date(_FIRST_YEAR_OF_DAYS, 1, 1) - _DAY_ZERO).days, (date(latest, 12, 31) - _DAY_ZERO).days)
    if low >= days[0] and high <= days[1]:
        return NumericDates.DAYS
    return _epoch(known, latest)


def _epoch(known: np.ndarray, latest: int) -> NumericDates | None:
    """The unit in which the numbers count the time since 1970, until the year `latest`."""
    largest = np.abs(known).max()
    plausible = {}
    for kind, (_, second, least) in _EPOCHS.items():
        years = 1970 + known / second / _SECONDS_A_YEAR
        if years.min() >= _FIRST_YEAR and years.max() < latest + 1:
            plausible[kind] = largest >= least
    if largest < _EPOCHS[NumericDates.SECONDS][2]:
        return None
    # Near 1970 the size does not tell milliseconds from seconds; that all are midnights does.
    for kind in plausible:
        day = 86400 * _EPOCHS[kind][1]
        if len(known) > 1 and (known % day == 0).all():
            return kind
    return next((kind for kind, large in plausible.items() if large), None)


def _six_digits(known: np.ndarray, words: set[str], chosen: str | None) -> NumericDates | None:
    """Whether 202012 is a December or a twelfth week: weeks go on past 12, and months turn the year there."""
    years, parts = np.divmod(known, 100)
    if parts.min() < 1 or parts.max() > 53:
        return None
    if parts.max() > 12:
        return NumericDates.WEEKS
    if chosen is not None:
        return NumericDates.WEEKS if chosen == "weeks" else NumericDates.MONTHS
    if bool(words & _WEEK_WORDS) != bool(words & _MONTH_WORDS):
        return NumericDates.WEEKS if words & _WEEK_WORDS else NumericDates.MONTHS
    return NumericDates.MONTHS if len(np.unique(years)) > 1 else NumericDates.MONTHS_OR_WEEKS


def dates_from_numbers(numbers: np.ndarray, kind: NumericDates) -> pd.Series:
    """The numbers as timestamps: years and months their first day, weeks their last; NaT where there is none."""
    known = np.isfinite(numbers)
    whole = np.where(known, numbers, 0)
    if kind is NumericDates.DAYS:
        seconds = np.rint(whole * 86400).astype("int64")
        stamps = pd.Series(pd.Timestamp(_DAY_ZERO) + pd.to_timedelta(seconds, unit="s"))
    elif kind in _EPOCHS:
        stamps = pd.Series(pd.to_datetime(whole.astype("int64"), unit=_EPOCHS[kind][0]))
    else:
        stamps = pd.to_datetime(pd.Series([_iso_period(int(number), kind) for number in whole]), errors="coerce")
    return stamps.astype("datetime64[us]").where(known)


def _iso_period(number: int, kind: NumericDates) -> str:
    if kind is NumericDates.YEARS:
        return f"{number:04d}-01-01"
    year, part = divmod(number, 100)
    if kind is NumericDates.MMWR_WEEKS:
        return end_of_mmwr_week(year, part)
    return end_of_week(year, part) if kind is NumericDates.WEEKS else f"{year:04d}-{part:02d}-01"
