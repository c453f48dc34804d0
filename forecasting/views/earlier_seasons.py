"""Earlier seasons: the past years' course, moved to the same weeks of the season that is on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from forecasting.data.frequency import DAYS_A_YEAR
from forecasting.data.series import Series

#: Days of figures from which on there is an earlier season to show.
LEAST_DAYS = 2 * 365
#: Earlier seasons that are shown, the last ones.
MOST_SEASONS = 6
#: Days.
WEEK = 7
#: Days: a season that has just begun is told of as the end of the one before.
JUST_BEGUN = 8 * WEEK
#: Months in which a season may begin, of which the one with lower figures is taken: July, and January where winter is in July.
FIRST_MONTHS = (7, 1)
#: Days to either side of a first month's first day whose figures are compared.
AROUND = 28


@dataclass(frozen=True)
class EarlierSeason:
    """One earlier season.

    Attributes:
        label: ``"2023–24"``, or of seasons from January on ``"2023"``.
        dates: when its figures would have been in the season on show: whole weeks later, on the same weekdays.
        values: its figures.
    """

    label: str
    dates: pd.DatetimeIndex
    values: np.ndarray


def has_earlier_seasons(series: Series) -> bool:
    """Whether there are earlier seasons to show: figures of weeks or days over two years or more, and no running totals."""
    of_weeks_or_days = series.frequency.alias.startswith("W-") or series.frequency.uses_holidays
    return not series.cumulative and of_weeks_or_days and (series.origin - series.start).days >= LEAST_DAYS


def season_start(series: Series) -> pd.Timestamp:
    """The first day of the season on show: the one that the last figures belong to."""
    month = _first_month(series)
    day = series.origin.normalize() - pd.Timedelta(days=JUST_BEGUN)
    return pd.Timestamp(day.year if day.month >= month else day.year - 1, month, 1)


def season_end(start: pd.Timestamp) -> pd.Timestamp:
    """The last day of a season."""
    return start + pd.DateOffset(years=1) - pd.Timedelta(days=1)


def earlier_seasons(series: Series, history: np.ndarray, end: pd.Timestamp) -> list[EarlierSeason]:
    """The earlier seasons, the last one first.

    Args:
        history: what is drawn of `series`, shape (n,).
        end: where the chart ends, at least at `season_end`: what came after a season is drawn as far.
    """
    start, dates = season_start(series), series.dates
    found = []
    for years in range(1, MOST_SEASONS + 1):
        moved = dates + pd.Timedelta(days=WEEK * round(years * DAYS_A_YEAR / WEEK))
        here = (moved >= start) & (moved <= end)
        if here.sum() > 1:
            found.append(EarlierSeason(_label(start, years), moved[here], history[here]))
    return found


def season_months(series: Series) -> str:
    """From when to when a season lasts, in words."""
    return "July to June" if season_start(series).month == FIRST_MONTHS[0] else "January to December"


def _label(start: pd.Timestamp, years: int) -> str:
    year = start.year - years
    return f"{year}" if start.month == 1 else f"{year}–{(year + 1) % 100:02d}"


def _first_month(series: Series) -> int:
    """The month in which a season begins: where figures are lower, so that no wave is cut in two."""
    day_of_year = series.dates.day_of_year.to_numpy()
    levels = []
    for month in FIRST_MONTHS:
        away = np.abs(day_of_year - pd.Timestamp(2021, month, 1).day_of_year)
        near = np.minimum(away, DAYS_A_YEAR - away) <= AROUND
        levels.append(float(np.median(series.values[near])) if near.any() else np.inf)
    return FIRST_MONTHS[int(np.argmin(levels))]
