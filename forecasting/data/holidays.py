"""Public holidays by country; the `holidays` package is imported only when a country is asked for.

A code is a country's two letters, as in ISO 3166, or those with a part of it: ``DE``, ``US-CA``.
"""

from __future__ import annotations

import re
from datetime import date
from functools import cache, lru_cache

import numpy as np
import pandas as pd

from forecasting.support.errors import RequestError

#: Days after a holiday that may have other counts than usual, for reports come late.
AFTER = 2
#: What stands for days since a holiday where none was within `AFTER` days.
ORDINARY = -1
#: What names are asked for in, where a country has them: else they would be in the language of the machine.
LANGUAGE = "en_US"
#: Names of countries that are not those of the package's list with capitals.
_NAMES = {
    "AX": "Åland Islands",
    "BL": "Saint Barthélemy",
    "CD": "DR Congo",
    "CI": "Côte d'Ivoire",
    "CW": "Curaçao",
    "GW": "Guinea-Bissau",
    "HK": "Hong Kong",
    "RE": "Réunion",
    "ST": "São Tomé and Príncipe",
    "SY": "Syria",
    "TL": "Timor-Leste",
}
#: Years of countries whose holidays are kept in memory.
MOST_YEARS = 2_000
_SMALL_WORDS = frozenset({"and", "of", "the", "da"})


@cache
def holiday_countries() -> dict[str, str]:
    """The countries whose holidays are known: code -> name, sorted by name."""
    from holidays.registry import COUNTRIES

    found = {codes[1]: _NAMES.get(codes[1]) or _name(key) for key, codes in COUNTRIES.items()}
    return dict(sorted(found.items(), key=lambda pair: pair[1].replace("Å", "A")))


def check_country(code: str) -> str:
    """The code as it is kept, in capitals. Raises `RequestError` for a country, or a part of one, that is not known."""
    wanted = code.strip().upper()
    if not re.fullmatch(r"[A-Z]{2}(-[A-Z0-9]{1,9})?", wanted) or _of(wanted) is None:
        raise RequestError(f"There are no holidays of '{code}'; give a country as DE, or a part of one as US-CA.")
    return wanted


def holiday_dates(code: str, start: pd.Timestamp, end: pd.Timestamp) -> pd.Series:
    """The names of the public holidays from `start` to `end`, by date. Raises `RequestError` for an unknown code."""
    found = _between(check_country(code), start.year, end.year)
    table = pd.Series(list(found.values()), index=pd.DatetimeIndex(list(found)), dtype=object)
    return table[(table.index >= start) & (table.index <= end)]


def days_since_holiday(code: str, days: pd.DatetimeIndex) -> np.ndarray:
    """For each day how many days ago a holiday was, from 0 to `AFTER`; `ORDINARY` where that is longer ago."""
    code, asked = check_country(code), days.to_numpy().astype("datetime64[D]")
    if not len(asked):
        return np.empty(0, dtype=int)
    found = [*_between(code, days.min().year - 1, days.max().year)]
    known = np.array([date.min, *found], dtype="datetime64[D]")
    ago = (asked - known[known.searchsorted(asked, side="right") - 1]).astype(int)
    return np.where(ago <= AFTER, ago, ORDINARY)


def _name(key: str) -> str:
    return " ".join(word if word in _SMALL_WORDS else word.capitalize() for word in key.split("_"))


def _between(code: str, first: int, last: int) -> dict[date, str]:
    """The holidays of these years, in order."""
    years = (_of(code, year) or {} for year in range(first, last + 1))
    return {day: name for year in years for day, name in sorted(year.items())}


@lru_cache(maxsize=MOST_YEARS)
def _of(code: str, year: int | None = None) -> dict[date, str] | None:
    """A year's holidays; None of a country, or a part of it, that is not known."""
    from holidays import country_holidays

    country, _, part = code.partition("-")
    if country not in holiday_countries():
        return None
    try:
        spoken = country_holidays(country, part or None).supported_languages
    except NotImplementedError:
        return None
    return dict(country_holidays(country, part or None, year, language=LANGUAGE if LANGUAGE in spoken else None))
