"""Frequency: the spacing of a series' dates, with its season, its step, its reporting cycle and its usual horizons.

The alias names it in files and stores. Where pandas has an alias for a spacing, that is used; the others are:

==================  ==========================================================================================
``14D``             every 14 days, counted from the dates of the series themselves
``DAYS-1111100``    a set of weekdays, Monday first
``1M15``            every month on the 15th; 31 is the month's end, and 30 in February is its last day
``3M15``, ``12M2``  every third or twelfth month, counted from the dates of the series themselves
``3BME``            every third month on its last business day (``BMS``: on its first)
==================  ==========================================================================================
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import pandas as pd
from pandas.tseries.frequencies import to_offset

from forecasting.support.errors import DataError

DAY_MINUTES = 24 * 60
DAYS_A_YEAR = 365.25
#: A year that is so many periods off a whole number of them still is the season.
SEASON_SLACK = 0.1
#: Dates of a grid, at most, that is remembered.
MOST_REMEMBERED = 5000
#: The day that stands for a month's end.
MONTH_END = 31
BUSINESS_DAYS = "1111100"
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_WEEKDAY_OF = {day[:3].upper(): day for day in WEEKDAYS}

_MINUTES = re.compile(r"(\d+)min")
_HOURS = re.compile(r"(\d*)[hH]")
_DAYS = re.compile(r"(\d*)D")
_WEEKDAYS = re.compile(r"DAYS-([01]{7})")
_MONTHS = re.compile(r"(\d+)M(\d+)")
_BUSINESS = re.compile(r"(\d*)B(MS|ME)")


@dataclass(frozen=True)
class Frequency:
    """A regular spacing of dates.

    Attributes:
        alias: what files and stores call it, e.g. ``"D"``, ``"W-SAT"``, ``"MS"``, ``"14D"``, ``"1M15"``.
        name: the adjective, e.g. ``"daily"``, ``"weekly"``, ``"monthly"``, ``"business-day"``, ``"15-minute"``.
        step: one period in words, e.g. ``"day"``, ``"28-day period"``.
        season: periods in one season; a model uses it only when the series is at least two seasons long.
        default_horizon, max_horizon: steps ahead that a person is offered.
    """

    alias: str
    name: str
    step: str
    season: int
    default_horizon: int
    max_horizon: int

    def steps(self, count: int) -> str:
        """A number of steps in words: ``7`` -> ``"7 days"``, ``"7 periods of 28 days"``."""
        if self.step[0].isdigit():
            length, noun = self.step.split(" ")
            size, unit = length.split("-")
            return f"{count} {noun}{'' if count == 1 else 's'} of {size} {unit}{'' if size == '1' else 's'}"
        return f"{count} {self.step}" if count == 1 else f"{count} {self.step}s"

    def stretch(self, count: int) -> str:
        """The time that `count` steps take, as one says it: ``"7 days"``, and ``"24 hours"`` of quarter-hours."""
        if self.minutes and count > 1 and count * self.minutes % 60 == 0:
            hours = count * self.minutes // 60
            return f"{hours} hour{'' if hours == 1 else 's'}"
        return self.steps(count) if count > 1 else self.step

    @property
    def described(self) -> str:
        """What figures with this spacing are: ``"daily"``, ``"of weeks that end on Mondays"``, ``"monthly, on the 15th"``."""
        if self.alias[:2] == "W-":
            return f"of weeks that end on {_WEEKDAY_OF[self.alias[2:]]}s"
        anchored = anchored_months(self.alias)
        if anchored and anchored[1] != MONTH_END:
            return f"{self.name}, on the {_ordinal(anchored[1])}"
        return self.name

    @property
    def season_length(self) -> str:
        """The season's length before a noun: ``"7-day"``, ``"24-hour"``, ``"12-month"``."""
        if self.minutes:
            return "24-hour"
        return self.steps(self.season).removesuffix("s").replace(" ", "-")

    @property
    def cycle(self) -> int:
        """Periods after which a reporting pattern repeats: a week of days, a day of hours; 1 for longer periods."""
        return self.season if self.minutes or self.uses_holidays else 1

    @property
    def minutes(self) -> int:
        """Minutes of a step that is shorter than a day, otherwise 0."""
        return _minutes(self.alias)

    @property
    def days(self) -> float:
        """Days in a period, on average."""
        return _days(self.alias)

    @property
    def weekmask(self) -> str:
        """Which weekdays belong to a set of weekdays, Monday first, as ``"1111100"``; empty for any other frequency."""
        found = _WEEKDAYS.fullmatch(self.alias)
        return found[1] if found else ""

    @property
    def uses_holidays(self) -> bool:
        """Whether a public holiday is one of its periods: days, and sets of weekdays."""
        return self.alias == "D" or bool(self.weekmask)

    def grid(self, first: pd.Timestamp, count: int) -> pd.DatetimeIndex:
        """`count` period dates from `first` on, or from the first one after it.

        Called for every series there is, most of which have the dates of others, so the last ones are remembered.
        """
        if count > MOST_REMEMBERED or first.tzinfo is not None:
            return self._grid(first, count)
        return _remembered_grid(self, first, first.unit, count)

    def _grid(self, first: pd.Timestamp, count: int) -> pd.DatetimeIndex:
        if self.weekmask:
            start = np.datetime64(first.normalize(), "D")
            days = np.busday_offset(start, np.arange(count), roll="forward", weekmask=self.weekmask)
            return pd.DatetimeIndex(days.astype(f"datetime64[{first.unit}]"))
        if anchored := anchored_months(self.alias):
            return _anchored_grid(first, count, *anchored)
        # Seven days are steps that numpy can make; weeks are made one by one.
        on_weekday = self.alias[:2] == "W-" and first.day_of_week == to_offset(self.alias).weekday
        return pd.date_range(first, periods=count, freq="7D" if on_weekday else self.alias)

    def after(self, date: pd.Timestamp, count: int) -> pd.DatetimeIndex:
        """The `count` period dates that follow `date`."""
        if not count:
            return pd.DatetimeIndex([])
        grid = self.grid(date, count + 1)
        return grid[1:] if grid[0] == date else grid[:-1] if grid[0] > date else grid[-count:]

    def between(self, first: pd.Timestamp, last: pd.Timestamp) -> pd.DatetimeIndex:
        """Every period date from `first`, or the first one after it, up to `last`."""
        if not self.weekmask and not anchored_months(self.alias):
            return pd.date_range(first, last, freq=self.alias)
        count = max(int((last - first) / pd.Timedelta(days=1) / self.days * 1.5), 0) + 3
        grid = self.grid(first, count)
        return grid[grid <= last]


def anchored_months(alias: str) -> tuple[int, int] | None:
    """Months in a period and the day of the month, of an alias such as ``"3M15"``; None for any other."""
    found = _MONTHS.fullmatch(alias)
    return (int(found[1]), int(found[2])) if found else None


def _anchored_grid(first: pd.Timestamp, count: int, months: int, day: int) -> pd.DatetimeIndex:
    month = np.datetime64(first, "M")
    dates = days_in_months(month + months * np.arange(count + 1), day)
    start = np.datetime64(first.normalize(), "D")
    dates = (
        dates[:count]
        if dates[0] >= start
        else dates[1:]
        if months > 1
        else days_in_months(month + 1 + np.arange(count), day)
    )
    return pd.DatetimeIndex(dates.astype(f"datetime64[{first.unit}]"))


def days_in_months(months: np.ndarray, day: int) -> np.ndarray:
    """The `day` of each month as ``datetime64[D]``; the last day of a month that is too short."""
    first = months.astype("datetime64[D]")
    last = (months + 1).astype("datetime64[D]") - 1
    return np.minimum(first + (day - 1), last)


@lru_cache(maxsize=512)
def _remembered_grid(frequency: Frequency, first: pd.Timestamp, unit: str, count: int) -> pd.DatetimeIndex:
    """`Frequency.grid`; moments of two units are equal, and their grids are not."""
    return frequency._grid(first, count)


@lru_cache(maxsize=1000)
def _minutes(alias: str) -> int:
    if found := _HOURS.fullmatch(alias):
        return 60 * int(found[1] or 1)
    found = _MINUTES.fullmatch(alias)
    return int(found[1]) if found else 0


@lru_cache(maxsize=1000)
def _days(alias: str) -> float:
    if minutes := _minutes(alias):
        return minutes / DAY_MINUTES
    if found := _DAYS.fullmatch(alias):
        return int(found[1] or 1)
    if found := _WEEKDAYS.fullmatch(alias):
        return 7 / max(found[1].count("1"), 1)
    return 7 if alias[0] == "W" else months_in_period(alias) * DAYS_A_YEAR / 12


@lru_cache(maxsize=1000)
def months_in_period(alias: str) -> int:
    """Months in a period, 0 where it is not made of months."""
    if found := _MONTHS.fullmatch(alias) or _BUSINESS.fullmatch(alias):
        return int(found[1] or 1)
    return {"M": 1, "Q": 3}.get(alias[0], 0)


DAILY = Frequency("D", "daily", "day", 7, 28, 120)


def weekly(weekday: str = "SAT") -> Frequency:
    """Weeks that end on `weekday` (``"SAT"``, ``"SUN"``, …)."""
    return Frequency(f"W-{weekday}", "weekly", "week", 52, 4, 26)


@lru_cache(maxsize=1000)
def frequency_of_alias(alias: str) -> Frequency:
    """The `Frequency` of an alias. Raises `DataError` for a spacing that is not supported."""
    root = alias.split("-")[0]
    if root == "W":
        return weekly(alias.split("-")[1] if "-" in alias else "SUN")
    if root in ("MS", "ME", "M"):
        return _monthly("MS" if root == "MS" else "ME", 1)
    if root in ("QS", "QE", "Q"):
        return _monthly(alias, 3)
    if found := _WEEKDAYS.fullmatch(alias):
        return _weekdays(found[1])
    if (found := _MONTHS.fullmatch(alias)) and int(found[1]) and 1 <= int(found[2]) <= MONTH_END:
        return _monthly(alias, int(found[1]))
    if found := _BUSINESS.fullmatch(alias):
        return _monthly(alias, int(found[1] or 1))
    if (found := _DAYS.fullmatch(alias)) and int(found[1] or 1):
        return _every_days(int(found[1] or 1))
    if (found := _HOURS.fullmatch(alias)) and int(found[1] or 1):
        return every_minutes(60 * int(found[1] or 1))
    if (found := _MINUTES.fullmatch(alias)) and int(found[1]):
        return every_minutes(int(found[1]))
    raise DataError(f"The dates are spaced as '{alias}'; use a regular step of minutes, hours, days, weeks or months.")


def every_minutes(minutes: int) -> Frequency:
    """Steps of so many minutes, or of whole hours; a day is the season where it holds a whole number of them."""
    if minutes == 60:
        return Frequency("h", "hourly", "hour", 24, 48, 336)
    if minutes >= DAY_MINUTES:
        return _every_days(minutes // DAY_MINUTES)
    whole = DAY_MINUTES % minutes == 0
    season = DAY_MINUTES // minutes if whole else 1
    hours = minutes // 60 if minutes % 60 == 0 else 0
    length = f"{hours}-hour" if hours else f"{minutes}-minute"
    step = {15: "quarter-hour", 30: "half-hour"}.get(minutes, f"{length} step")
    alias = f"{hours}h" if hours else f"{minutes}min"
    ahead = min(max(2 * season, 24), 96)
    return Frequency(
        alias,
        length,
        step,
        season,
        ahead,
        max(min(14 * season, 384), 96),
    )


def _every_days(days: int) -> Frequency:
    if days == 1:
        return DAILY
    year = DAYS_A_YEAR / days
    season = round(year) if abs(year - round(year)) <= SEASON_SLACK and round(year) > 0 else 1
    return Frequency(f"{days}D", f"{days}-day", f"{days}-day period", season, 4 if days >= 14 else 7, 26)


def _weekdays(mask: str) -> Frequency:
    count = mask.count("1")
    if count == 7:
        return DAILY
    if not count:
        raise DataError("A week without any day has no dates to forecast.")
    return Frequency(
        f"DAYS-{mask}",
        "business-day" if mask == BUSINESS_DAYS else _weekday_names(mask),
        "business day" if mask == BUSINESS_DAYS else "reporting day",
        count,
        4 * count,
        17 * count,
    )


def _ordinal(day: int) -> str:
    ending = "th" if 11 <= day <= 13 else {1: "st", 2: "nd", 3: "rd"}.get(day % 10, "th")
    return f"{day}{ending}"


def _weekday_names(mask: str) -> str:
    """A set of weekdays in a word: ``"Monday-to-Saturday"`` for days in a row, otherwise ``"Mon-Wed-Fri"``."""
    days = [name for name, bit in zip(WEEKDAYS, mask, strict=True) if bit == "1"]
    if len(days) > 2 and "0" not in mask.strip("0"):
        return f"{days[0]}-to-{days[-1]}"
    return "-".join(name[:3] for name in days)


def _monthly(alias: str, months: int) -> Frequency:
    """Months, or several in one period."""
    if months == 1:
        return Frequency(alias, "monthly", "month", 12, 6, 36)
    if months == 3:
        return Frequency(alias, "quarterly", "quarter", 4, 4, 16)
    if months == 6:
        return Frequency(alias, "half-yearly", "half-year", 2, 4, 12)
    if months == 12:
        return Frequency(alias, "yearly", "year", 1, 3, 15)
    if months % 12 == 0:
        return Frequency(alias, f"{months // 12}-year", f"{months // 12}-year period", 1, 3, 10)
    season = 12 // months if 12 % months == 0 else 1
    return Frequency(alias, f"{months}-month", f"{months}-month period", season, 4, 18)
