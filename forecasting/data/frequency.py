"""Frequency: the spacing of a series' dates, with its season, its step and its usual horizons."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd
from pandas.tseries.frequencies import to_offset

from forecasting.support.errors import DataError


@dataclass(frozen=True)
class Frequency:
    """A regular spacing of dates.

    Attributes:
        alias: the pandas offset alias, e.g. ``"D"``, ``"W-SAT"``, ``"MS"``.
        name: ``"daily"``, ``"weekly"``, ``"monthly"``, ``"quarterly"`` or ``"hourly"``.
        step: one period in words, e.g. ``"day"``.
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
        """A number of steps in words: ``7`` -> ``"7 days"``."""
        return f"{count} {self.step}" if count == 1 else f"{count} {self.step}s"

    def grid(self, first: pd.Timestamp, count: int) -> pd.DatetimeIndex:
        """`count` period dates from `first` on, or from the first one after it. Called for every series there is."""
        weekly = self.name == "weekly" and first.day_of_week == to_offset(self.alias).weekday
        # Seven days are steps that numpy can make; weeks are made one by one.
        return pd.date_range(first, periods=count, freq="7D" if weekly else self.alias)

    def after(self, date: pd.Timestamp, count: int) -> pd.DatetimeIndex:
        """The `count` period dates that follow `date`."""
        return pd.date_range(date, periods=count + 1, freq=self.alias)[-count:] if count else pd.DatetimeIndex([])


DAILY = Frequency("D", "daily", "day", 7, 28, 120)


def weekly(weekday: str = "SAT") -> Frequency:
    """Weeks that end on `weekday` (``"SAT"``, ``"SUN"``, …)."""
    return Frequency(f"W-{weekday}", "weekly", "week", 52, 4, 26)


def frequency_of_alias(alias: str) -> Frequency:
    """The `Frequency` of a pandas alias. Raises `DataError` for a spacing that is not supported."""
    root = alias.split("-")[0]
    if root == "D":
        return DAILY
    if root == "W":
        return weekly(alias.split("-")[1] if "-" in alias else "SUN")
    if root in ("MS", "ME", "M"):
        return Frequency("MS" if root == "MS" else "ME", "monthly", "month", 12, 6, 36)
    if root in ("QS", "QE", "Q"):
        return Frequency(alias, "quarterly", "quarter", 4, 4, 16)
    if root in ("h", "H"):
        return Frequency("h", "hourly", "hour", 24, 48, 336)
    raise DataError(f"The dates are spaced as '{alias}'; use hourly, daily, weekly, monthly or quarterly figures.")


def infer_frequency(dates: pd.DatetimeIndex) -> Frequency:
    """The frequency of sorted, unique `dates`, which may have gaps: the commonest spacing decides.

    Raises `DataError` when there are fewer than two dates or no usual spacing.
    """
    if len(dates) < 2:
        raise DataError("There is only one date; a forecast needs at least two periods.")
    spacings = pd.Series(dates).diff().dropna()
    usual = spacings.mode().iloc[0]
    days = usual / pd.Timedelta(days=1)
    if days == 1:
        return DAILY
    if usual == pd.Timedelta(hours=1):
        return frequency_of_alias("h")
    if days == 7:
        weekday = dates.day_name().value_counts().index[0][:3].upper()
        return weekly(weekday)
    if 28 <= days <= 31:
        return frequency_of_alias("MS" if (dates.day == 1).mean() > 0.5 else "ME")
    if 89 <= days <= 92:
        if (dates.day == 1).mean() > 0.5:
            return frequency_of_alias("QS-" + dates[0].strftime("%b").upper())
        return frequency_of_alias("QE-" + dates[0].strftime("%b").upper())
    raise DataError(
        f"The dates are usually {days:g} days apart; use hourly, daily, weekly, monthly or quarterly figures."
    )
