"""The formats in which dates are written, from 2021-03-31 over 31. März 2021 and 2021-W13 to T1 2021, and dates as ISO text."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from datetime import date

import pandas as pd

_TIME = r"(?P<time>[T ]\d{1,2}:\d{2}(:\d{2}(\.\d+)?)?)?"
_YEAR_FIRST = re.compile(rf"(?P<y>\d{{4}})([-/.])(?P<m>\d{{1,2}})\2(?P<d>\d{{1,2}}){_TIME}")
_COMPACT = re.compile(r"(?P<y>\d{4})(?P<m>\d{2})(?P<d>\d{2})(?P<time>)")
_MONTH = re.compile(r"(?P<y>\d{4})-(?P<m>\d{2})(?P<d>)(?P<time>)")
#: Day and month, in either order, before the year.
YEAR_LAST = re.compile(rf"(?P<a>\d{{1,2}})([-/.])(?P<b>\d{{1,2}})\2(?P<y>\d{{4}}|\d{{2}}){_TIME}")
_WORD = r"(?P<m>[^\W\d_]{3,10})\.?"
_WORDED_DAY_FIRST = re.compile(rf"(?P<d>\d{{1,2}})\.?[- ](de )?{_WORD}[- ,]+(de )?(?P<y>\d{{4}}|\d{{2}})(?P<time>)")
_WORDED_MONTH_FIRST = re.compile(rf"{_WORD}[- ](?P<d>\d{{1,2}}),? (?P<y>\d{{4}})(?P<time>)")
_WORDED_MONTH = re.compile(rf"{_WORD}[- /](de )?(?P<y>\d{{4}})(?P<d>)(?P<time>)")
_MONTH_LAST = re.compile(r"(?P<m>\d{1,2})[-/.](?P<y>\d{4})(?P<d>)(?P<time>)")
_WEEK = re.compile(r"(?P<y>\d{4})[- ]?(W|KW)[- ]?(?P<w>\d{1,2})(?P<time>)", re.IGNORECASE)
_QUARTER = re.compile(r"(?P<y>\d{4})[- ]?[QT](?P<q>[1-4])(?P<time>)", re.IGNORECASE)
_QUARTER_FIRST = re.compile(r"[QT](?P<q>[1-4])[- /](?P<y>\d{4})(?P<time>)", re.IGNORECASE)
#: In the order in which they are tried.
DATE_FORMATS = (
    _YEAR_FIRST,
    _COMPACT,
    _MONTH,
    YEAR_LAST,
    _WORDED_DAY_FIRST,
    _WORDED_MONTH_FIRST,
    _WORDED_MONTH,
    _MONTH_LAST,
    _WEEK,
    _QUARTER,
    _QUARTER_FIRST,
)
_UTC_OFFSET = re.compile(r"(?<=\d)(Z|[+-]\d{2}:?\d{2})$")
#: How the months begin, without accents, in English, German, French and Spanish.
_MONTHS = (
    ("jan", "ene"),
    ("feb", "fev"),
    ("mar", "maer"),
    ("apr", "avr", "abr"),
    ("may", "mai"),
    ("jun", "juin"),
    ("jul", "juil"),
    ("aug", "aou", "ago"),
    ("sep", "set"),
    ("oct", "okt"),
    ("nov",),
    ("dec", "dez", "dic"),
)


def without_utc_offset(text: str) -> str:
    """``"2021-03-31T00:00+02:00"`` -> ``"2021-03-31T00:00"``."""
    return _UTC_OFFSET.sub("", text)


def match_date_format(text: str) -> tuple[re.Pattern[str] | None, dict[str, str]]:
    """The first of `DATE_FORMATS` that fits the whole text, and the named parts of the date; None where none does."""
    text = without_utc_offset(text)
    for date_format in DATE_FORMATS:
        match = date_format.fullmatch(text)
        if match:
            return date_format, match.groupdict()
    return None, {}


def set_day_and_month(part: dict[str, str], day_first: bool) -> None:
    """Say of the parts of a `YEAR_LAST` date which is the day."""
    part["d"], part["m"] = (part["a"], part["b"]) if day_first else (part["b"], part["a"])


def dates_from_parts(parts: Sequence[dict[str, str]]) -> pd.Series:
    """The parts of dates as timestamps, NaT where they are no day of the calendar, or there are none."""
    texts = pd.Series([_iso_date(part) if part else "" for part in parts], dtype="str")
    return pd.to_datetime(texts, format="ISO8601", errors="coerce")


def is_plausible_date(parsed: pd.Series) -> pd.Series:
    """Which timestamps are between 1900 and 2200; NaT is not."""
    return (parsed.dt.year >= 1900) & (parsed.dt.year <= 2200)


def _iso_date(part: dict[str, str]) -> str:
    """The parts of a date as ISO text: the first day of a month or a quarter, the last one of a week."""
    year = part["y"] if len(part["y"]) == 4 else f"20{part['y']}"
    if "q" in part:
        return f"{year}-{3 * int(part['q']) - 2:02d}-01"
    if "w" in part:
        return _end_of_week(int(year), int(part["w"]))
    month = int(part["m"]) if part["m"].isdigit() else _month_number(part["m"])
    clock = (part["time"] or "")[1:]
    if clock and clock[1] == ":":
        clock = "0" + clock
    return f"{year}-{month:02d}-{int(part['d'] or 1):02d}" + (f" {clock}" if clock else "")


def _end_of_week(year: int, week: int) -> str:
    """The Sunday that ends an ISO week; weeks are named for their last day everywhere here."""
    try:
        return date.fromisocalendar(year, week, 7).isoformat()
    except ValueError:
        return ""


def _month_number(word: str) -> int:
    letters = unicodedata.normalize("NFKD", word.lower())
    plain = "".join(letter for letter in letters if not unicodedata.combining(letter))
    return next((i for i, names in enumerate(_MONTHS, 1) if plain.startswith(names)), 0)
