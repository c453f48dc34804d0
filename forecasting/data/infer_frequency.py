"""Infer the frequency of dates: minutes, hours, days, sets of weekdays, weeks, every N days, or months with an anchor.

The commonest spacing decides, so gaps do not matter; stamps that jitter around a step are that step.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from forecasting.data.frequency import (
    DAILY,
    DAY_MINUTES,
    MONTH_END,
    Frequency,
    days_in_months,
    every_minutes,
    frequency_of_alias,
    weekly,
)
from forecasting.support.errors import DataError

DAY_SECONDS = 86_400
#: Steps, in minutes, that stamps may jitter around.
ROUND_MINUTES = (1, 2, 3, 4, 5, 6, 10, 12, 15, 20, 30, 60, 120, 180, 240, 360, 480, 720, DAY_MINUTES)
#: Stamps jitter where the commonest spacing has less than this share.
JITTER_SHARE = 0.3
#: A jittering spacing is off its step by at most this share of it.
JITTER_WIDTH = 0.15
#: Spacings from this many hours on are days whose readings are not taken at the same time.
DAY_HOURS = 20
#: Share of the spacings that are whole multiples of a step of N days.
MULTIPLES_SHARE = 0.8
#: Share of the dates that are on the anchor of their month.
ANCHOR_SHARE = 0.6
#: So many weekdays in a row are a week of work:
ROW_LENGTH = 4
#: this share of them has rows,
ROW_SHARE = 0.7
#: and that the others have none is no more likely by chance.
ROW_CHANCE = 1e-3
#: The same of any other set of weekdays, of which there are many more.
SET_SHARE = 0.8
SET_CHANCE = 1e-5
BUSINESS = "1111100"


def infer_frequency(dates: pd.DatetimeIndex, rows: pd.DatetimeIndex | None = None) -> Frequency:
    """The frequency of sorted, unique `dates`, which may have gaps: the commonest spacing decides.

    `rows` are the dates that have a row, with a figure or without, where these are more: a weekday with rows that are
    empty is no weekday off. Raises `DataError` when there are fewer than two dates or no usual spacing.
    """
    if len(dates) < 2:
        raise DataError("There is only one date; a forecast needs at least two periods.")
    seconds = dates.to_numpy("datetime64[s]").astype(np.int64)
    spacings = np.diff(seconds)
    usual, share = _commonest(spacings)
    if share < JITTER_SHARE:
        step = _round_step(spacings)
        if not step and usual < DAY_HOURS * 3600:
            raise DataError(
                f"The times come at irregular distances of about {np.median(spacings) / 60:.3g} minutes; give one row a "
                'period, or a mapping whose "combine" puts several together.'
            )
        usual = step or usual
    if usual < DAY_HOURS * 3600:
        if usual % 60:
            raise DataError(
                f"The dates are usually {usual} seconds apart; steps of whole minutes, or longer ones, can be forecast."
            )
        return every_minutes(usual // 60)
    days = day_numbers(dates)
    return _frequency_of_days(np.unique(days), days if rows is None else np.unique(day_numbers(rows)))


def day_numbers(dates: pd.DatetimeIndex) -> np.ndarray:
    """The day of each date as days since 1970; of readings around midnight the nearest one, so that none share a day."""
    seconds = dates.to_numpy("datetime64[s]").astype(np.int64)
    days = seconds // DAY_SECONDS
    if len(days) and seconds.any() and (seconds % DAY_SECONDS).any() and len(np.unique(days)) < len(days):
        nearest = (seconds + DAY_SECONDS // 2) // DAY_SECONDS
        if len(np.unique(nearest)) > len(np.unique(days)):
            return nearest
    return days


def _commonest(values: np.ndarray) -> tuple[int, float]:
    """The commonest of `values`, the smallest of several, and its share."""
    found, counts = np.unique(values, return_counts=True)
    place = int(np.argmax(counts))
    return int(found[place]), float(counts[place] / len(values))


def _round_step(spacings: np.ndarray) -> int:
    """The step in seconds that most spacings jitter around, 0 for none."""
    middle = float(np.median(spacings))
    for minutes in ROUND_MINUTES:
        step = 60 * minutes
        near = np.abs(spacings / step - np.round(spacings / step)) <= JITTER_WIDTH
        if abs(middle / step - 1) <= JITTER_WIDTH and near.mean() >= MULTIPLES_SHARE:
            return step
    return 0


def _frequency_of_days(days: np.ndarray, rows: np.ndarray) -> Frequency:
    """The frequency of dates without a time of day, as days since 1970."""
    if len(days) < 2:
        raise DataError("There is only one date; a forecast needs at least two periods.")
    spacings = np.diff(days)
    usual, _ = _commonest(spacings)
    if usual < 7 and (mask := _weekdays_with_rows(rows)):
        return frequency_of_alias(f"DAYS-{mask}")
    if usual == 1:
        return DAILY
    if usual == 7:
        weekday = int(np.bincount((days + 3) % 7).argmax())
        return weekly(("MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN")[weekday])
    multiples = float((spacings % usual == 0).mean())
    alias = _alias_of_months(days, usual, multiples) if usual >= 28 else ""
    if not alias and len(days) > 2 and multiples >= MULTIPLES_SHARE:
        alias = f"{usual}D"
    if not alias:
        raise DataError(
            f"The dates are usually {usual} days apart, but only {100 * multiples:.0f} % of the spacings fit that; "
            "use regular steps of minutes, hours, days, weeks, months or years."
        )
    return frequency_of_alias(alias)


def _weekdays_with_rows(days: np.ndarray) -> str:
    """The weekdays that have rows, Monday first, where the others never have any and that is no chance; else empty."""
    weekdays = (days + 3) % 7
    counts = np.bincount(weekdays, minlength=7)
    members = int((counts > 0).sum())
    if not 1 < members < 7:
        return ""
    mask = "".join("1" if count else "0" for count in counts)
    # Weeks without any row are gaps, and say nothing of weekdays.
    length = int(np.minimum(np.diff(days), 7).sum()) + 1
    expected = round(length * members / 7)
    if length == days[-1] - days[0] + 1:
        ends = np.array([days[0], days[-1] + 1]).astype("datetime64[D]")
        expected = int(np.busday_count(ends[0], ends[1], weekmask=mask))
    share = (len(days) + 1) / (max(expected, len(days)) + 2)
    in_a_row = members >= ROW_LENGTH and (mask + mask[0]).count("01") == 1
    least, chance = (ROW_SHARE, ROW_CHANCE) if in_a_row else (SET_SHARE, SET_CHANCE)
    missed = length - expected
    return mask if share >= least and missed >= 2 * (7 - members) and (1 - share) ** missed <= chance else ""


def _alias_of_months(days: np.ndarray, usual: int, multiples: float) -> str:
    """The alias of monthly, quarterly, … yearly dates; empty where the dates are every N days, or nothing regular."""
    dates = days.astype("datetime64[D]")
    months = dates.astype("datetime64[M]").astype(np.int64)
    apart = np.diff(months)
    count, _ = _commonest(apart)
    if not count:
        return ""
    anchor, share = _anchor(dates)
    regular = float((apart % count == 0).mean()) if count > 1 else float((apart > 0).mean())
    if share == 1 and regular == 1 and (len(days) > 2 or count in (1, 3, 12)):
        return _alias(count, anchor, months[0])
    if len(days) > 2 and multiples >= MULTIPLES_SHARE:
        return ""
    if share >= ANCHOR_SHARE and regular >= MULTIPLES_SHARE:
        return _alias(count, anchor, months[0])
    if count in (1, 3) and regular >= MULTIPLES_SHARE and abs(usual - 30.4 * count) <= 3:
        first = (dates == dates.astype("datetime64[M]")).mean() > 0.5
        return _alias(count, "1" if first else str(MONTH_END), months[0])
    return ""


def _anchor(dates: np.ndarray) -> tuple[str, float]:
    """The day of the month that most dates are on (``"15"``; 31 is its end), or ``"BMS"``, ``"BME"``; and their share."""
    months = dates.astype("datetime64[M]")
    first, last = months.astype("datetime64[D]"), (months + 1).astype("datetime64[D]") - 1
    on = {str(day): dates == days_in_months(months, day) for day in (MONTH_END, *range(1, MONTH_END))}
    on["BME"] = dates == np.busday_offset(last, 0, roll="backward", weekmask=BUSINESS)
    on["BMS"] = dates == np.busday_offset(first, 0, roll="forward", weekmask=BUSINESS)
    shares = {name: float(there.mean()) for name, there in on.items()}
    best = max(shares, key=lambda name: shares[name])
    return best, shares[best]


def _alias(count: int, anchor: str, first_month: int) -> str:
    """The alias of every `count` months on an anchor; pandas' own where it has one."""
    if anchor.startswith("B"):
        return f"{count if count > 1 else ''}{anchor}"
    if count == 1 and anchor in ("1", str(MONTH_END)):
        return "MS" if anchor == "1" else "ME"
    if count == 3 and anchor in ("1", str(MONTH_END)):
        month = pd.Timestamp(np.datetime64(int(first_month), "M")).strftime("%b").upper()
        return f"{'QS' if anchor == '1' else 'QE'}-{month}"
    return f"{count}M{anchor}"
