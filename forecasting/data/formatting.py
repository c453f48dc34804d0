"""Format numbers and dates for reading; pages, reports and command line share it, so a figure looks the same everywhere."""

from __future__ import annotations

import math
from collections.abc import Iterable

import pandas as pd

#: The sign that people are shown before a number below zero; what programs read has a hyphen.
MINUS = "\u2212"


def format_figure(value: float, decimals: int = 0) -> str:
    """Format a figure in full with so many decimal places: ``(-11.42, 1)`` -> ``"−11.4"``."""
    return f"{value:,.{decimals}f}".replace("-", MINUS) if math.isfinite(value) else "–"


def format_plain(value: float, digits: int = 10) -> str:
    """Format a number with all the digits that it has, or so many: ``-1234.5`` -> ``"−1,234.5"``."""
    return f"{value:,.{digits}g}".replace("-", MINUS)


def decimals_needed(values: Iterable[float]) -> int:
    """Decimal places for a column of numbers: none where they are hundreds, three significant digits of smaller ones."""
    known = [abs(value) for value in values if math.isfinite(value)]
    largest = max(known, default=0.0)
    return 0 if largest >= 100 or largest <= 0 else min(2 - math.floor(math.log10(largest)), 4)


def format_compact(value: float, decimals: int = 0) -> str:
    """Format a number with three significant digits and a unit: ``1_312_000`` -> ``"1.31 M"``, ``52_340`` -> ``"52.3 k"``, ``841`` -> ``"841"``.

    With `decimals`, figures below ten thousand have so many decimal places: ``(-11.42, 1)`` -> ``"−11.4"``.
    """
    if not math.isfinite(value):
        return "–"
    for size, unit in ((1e12, "T"), (1e9, "B"), (1e6, "M"), (1e4, "k")):
        if abs(value) >= size:
            scaled = value / (1e3 if unit == "k" else size)
            digits = max(0, 2 - int(math.log10(abs(scaled))))
            return f"{scaled:.{digits}f} {unit}".replace("-", MINUS)
    return format_figure(value, decimals)


def format_interval(low: float, high: float, decimals: int = 0) -> str:
    """Format an interval in as few characters as it takes: ``"1.05–1.31 M"``, ``"941–1,204"``, ``"−17.2 to −6.7"``."""
    first, last = format_compact(low, decimals), format_compact(high, decimals)
    if MINUS in first:
        return f"{first} to {last}"
    unit = last.rpartition(" ")[2]
    if " " in last and first.endswith(" " + unit):
        first = first.removesuffix(" " + unit)
    return f"{first}–{last}"


def format_change(now: float, before: float) -> str:
    """Format a relative change, ``(94, 100)`` -> ``"−6 %"``; a rise from nothing has no percentage."""
    if before <= 0:
        return "no change" if now <= 0 else "up from 0"
    percent = 100 * (now / before - 1)
    if abs(percent) >= 1000:
        return f"{now / before:,.0f} times"
    return format_signed_percent(percent)


def format_signed_percent(percent: float, decimals: int = 0) -> str:
    """Format a percentage with its sign: ``-50.2`` -> ``"−50 %"``, ``(3.14, 1)`` -> ``"+3.1 %"``, ``0.2`` -> ``"±0 %"``."""
    if not math.isfinite(percent):
        return "–"
    digits = f"{percent:+.{decimals}f}"
    sign = {"+": "+", "-": MINUS}[digits[0]] if float(digits) else "±"
    return f"{sign}{digits[1:]} %"


def format_difference(now: float, before: float, decimals: int = 0) -> str:
    """Format a difference with its sign, ``(-11.4, -12.6, 1)`` -> ``"+1.2"``: for figures that a percentage means nothing of."""
    return f"{now - before:+,.{decimals}f}".replace("-", MINUS)


def within_sentence(label: str) -> str:
    """A label as it stands within a sentence: ``"New cases"`` -> ``"new cases"``; a first word such as ``"COVID-19"`` stays."""
    first = label.partition(" ")[0]
    return label if any(sign.isupper() or sign.isdigit() for sign in first[1:]) else label[:1].lower() + label[1:]


def format_versus(change: str, before: str) -> str:
    """Format a change with what it is a change on: ``("−19 %", "the week before")`` -> ``"−19 % vs the week before"``."""
    if change.endswith(" times") or change == "up from 0":
        return f"{change} {before}"
    return f"{change} {'from' if change == 'no change' else 'vs'} {before}"


def format_date(date: pd.Timestamp) -> str:
    """Format a date as ``"30 Nov 2020"``, whatever the reader's locale."""
    date = pd.Timestamp(date)
    return f"{date.day} {date:%b %Y}" if date == date.normalize() else f"{date.day} {date:%b %Y %H:%M}"


def format_iso(date: pd.Timestamp) -> str:
    """Format a date for programs: ``"2020-11-30"``, with minutes where it has any ``"2020-11-30T14:15"``."""
    return f"{date:%Y-%m-%d}" if date == date.normalize() else f"{date:%Y-%m-%dT%H:%M}"


def format_dates(first: pd.Timestamp, last: pd.Timestamp) -> str:
    """Format a range of dates with one year where that is enough: ``"22 Mar to 18 Apr 2026"``."""
    start = format_date(first)
    return f"{start.replace(f' {first.year}', '') if first.year == last.year else start} to {format_date(last)}"
