"""Texts of periods that are no dates as they stand: 2020-01-06/2020-01-12, 1994/95, FY2021, 2021H1, and the dates for them.

A column is judged as a whole: 2009/10 is an October beside 2009/12, and a season beside 2010/11.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from forecasting.tables.cells.blank_cells import BLANK_TEXTS, quote_cell
from forecasting.tables.cells.date_formats import match_date_format, whole_year

#: Texts that are looked at before all are.
_LOOKED = 20
_BETWEEN = re.compile(r"/|[–—]| - | to | bis | au | al ")
_SEASON = re.compile(r"(?:FY|GJ)?[ -]?(?P<y>\d{4}) ?[-/–] ?(?P<next>\d{4}|\d{2})", re.IGNORECASE)
_YEAR = r"'?(?P<y>\d{4}|\d{2})"
_FISCAL_YEAR = re.compile(rf"(?:FY|GJ|CY)[ -]?{_YEAR}", re.IGNORECASE)
_FISCAL_QUARTER = re.compile(rf"FY[ -]?{_YEAR}[ /-]*Q(?P<q>[1-4])", re.IGNORECASE)
_FISCAL_QUARTER_FIRST = re.compile(rf"Q(?P<q>[1-4])[ /-]*FY[ -]?{_YEAR}", re.IGNORECASE)
_HALF = re.compile(r"(?P<y>\d{4})[-/ ]?[HS](?P<h>[12])", re.IGNORECASE)
_HALF_FIRST = re.compile(rf"(?:[HS](?P<h>[12])|(?P<i>[12])[HS])[-/ ]?{_YEAR}", re.IGNORECASE)
_FISCAL_MONTH = re.compile(rf"FY[ -]?{_YEAR}[ /-]*[PM](?P<m>0?[1-9]|1[0-2])", re.IGNORECASE)


def period_texts(texts: Sequence[str]) -> tuple[Sequence[str], str]:
    """The texts of a column with dates instead of periods, and a sentence on it; the same texts, and none, where it has no such."""
    filled = [text for text in texts if text.lower() not in BLANK_TEXTS]
    for read, sentence in _READINGS:
        if len(filled) < 2 or any(read(text) is None for text in filled[:_LOOKED]):
            continue
        dates = {text: read(text) for text in filled}
        if all(date is not None for date in dates.values()):
            return [dates.get(text) or text for text in texts], sentence.format(quote_cell(filled[0]))
    return texts, ""


def _interval(text: str) -> str | None:
    """The beginning of an interval of two days, or two times."""
    for sign in _BETWEEN.finditer(text):
        first, last = text[: sign.start()].strip(), text[sign.end() :].strip()
        forms = [match_date_format(side) for side in (first, last)]
        if forms[0][0] is not None and forms[0][0] is forms[1][0]:
            return first
    return None


def _season(text: str) -> str | None:
    found = _SEASON.fullmatch(text)
    if not found:
        return None
    following = int(found["y"]) + 1
    return f"{found['y']}-01-01" if int(found["next"]) in (following, following % 100) else None


def _months(pattern: re.Pattern[str], group: str, length: int) -> Callable[[str], str | None]:
    """Reads texts of a pattern whose group is the number of a part of the year, so many months long."""

    def read(text: str) -> str | None:
        found = pattern.fullmatch(text)
        if not found:
            return None
        parts = found.groupdict()
        number = int(parts.get(group) or parts.get("i") or 1)
        year = int(parts["y"]) if len(parts["y"]) == 4 else whole_year(int(parts["y"]))
        return f"{year}-{length * (number - 1) + 1:02d}-01"

    return read


def _half(text: str) -> str | None:
    return _months(_HALF, "h", 6)(text) or _months(_HALF_FIRST, "h", 6)(text)


def _fiscal_quarter(text: str) -> str | None:
    return _months(_FISCAL_QUARTER, "q", 3)(text) or _months(_FISCAL_QUARTER_FIRST, "q", 3)(text)


_READINGS: tuple[tuple[Callable[[str], str | None], str], ...] = (
    (_season, "Seasons such as {} are dated by 1 January of their first year."),
    (_interval, "Intervals such as {} are dated by their beginning."),
    (_months(_FISCAL_YEAR, "none", 12), "Fiscal years such as {} are dated by 1 January of the year that they name."),
    (_fiscal_quarter, "Fiscal quarters such as {} are dated as quarters of the calendar year that they name."),
    (
        _months(_FISCAL_MONTH, "m", 1),
        "Fiscal periods such as {} are dated as months of the calendar year that they name.",
    ),
    (_half, "Half-years such as {} are dated by their first day."),
)
