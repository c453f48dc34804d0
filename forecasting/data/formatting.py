"""Format numbers and dates for reading; pages, reports and command line share it, so a figure looks the same everywhere."""

from __future__ import annotations

import math
from collections.abc import Iterable

import pandas as pd


def format_integer(value: float) -> str:
    """Format an integer with thousands separators: ``169758.6`` -> ``"169,759"``."""
    return f"{value:,.0f}" if math.isfinite(value) else "–"


def decimals_needed(values: Iterable[float]) -> int:
    """Decimal places for a column of numbers: none where they are hundreds, three significant digits of smaller ones."""
    known = [abs(value) for value in values if math.isfinite(value)]
    largest = max(known, default=0.0)
    return 0 if largest >= 100 or largest <= 0 else min(2 - math.floor(math.log10(largest)), 4)


def format_compact(value: float) -> str:
    """Format a number with three significant digits and a unit: ``1_312_000`` -> ``"1.31 M"``, ``52_340`` -> ``"52.3 k"``, ``841`` -> ``"841"``."""
    if not math.isfinite(value):
        return "–"
    for size, unit in ((1e12, "T"), (1e9, "B"), (1e6, "M"), (1e4, "k")):
        if abs(value) >= size:
            scaled = value / (1e3 if unit == "k" else size)
            digits = max(0, 2 - int(math.log10(abs(scaled))))
            return f"{scaled:.{digits}f} {unit}"
    return format_integer(value)


def format_interval(low: float, high: float) -> str:
    """Format an interval in as few characters as it takes: ``"1.05–1.31 M"``, ``"941–1,204"``."""
    first, last = format_compact(low), format_compact(high)
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
    return f"{percent:+.0f} %".replace("-", "−").replace("+0 %", "±0 %").replace("−0 %", "±0 %")


def format_date(date: pd.Timestamp) -> str:
    """Format a date as ``"30 Nov 2020"``, whatever the reader's locale."""
    return f"{date.day} {date:%b %Y}" if date.hour == 0 else f"{date.day} {date:%b %Y %H:%M}"
