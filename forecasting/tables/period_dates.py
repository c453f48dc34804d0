"""Period dates: rows whose time of day changes get the date of the period that they belong to."""

from __future__ import annotations

import numpy as np
import pandas as pd

from forecasting.data.columns import AS_OF, DATE, REGION, STATISTIC
from forecasting.data.frequency import Frequency
from forecasting.data.infer_frequency import DAY_SECONDS
from forecasting.data.region_calendar import RegionCalendar
from forecasting.data.regular_grid import dates_of_periods
from forecasting.support.errors import DataError


def on_period_dates(
    table: pd.DataFrame, frequencies: dict[str, Frequency], calendars: dict[tuple[str, str], RegionCalendar]
) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """The table with readings at changing times of day on the dates of their periods, and a note where any has moved.

    A region with several readings in a period stays as it is; so does one whose dates have no time of day.
    """
    dates = table[DATE].to_numpy("datetime64[us]")
    if not (dates.astype(np.int64) % (DAY_SECONDS * 1_000_000)).any():
        return table, ()
    if not calendars and _are_on_one_grid(dates, frequencies):
        return table, ()
    moved = dates.copy()
    keys = [column for column in (STATISTIC, REGION, AS_OF) if column in table]
    for names, rows in table.groupby(keys, sort=False, observed=True).indices.items():
        column, region = str(names[0]), str(names[1])
        own = calendars.get((column, region))
        frequency = own.frequency if own else frequencies[column]
        order = rows[np.argsort(dates[rows], kind="stable")]
        try:
            on = dates_of_periods(pd.DatetimeIndex(dates[order]), frequency).to_numpy("datetime64[us]")
        except DataError:
            continue
        if (np.diff(on) > np.timedelta64(0)).all():
            moved[order] = on
    if (moved == dates).all():
        return table, ()
    step = next(iter(frequencies.values())).step
    note = f"The rows' times of day change; each figure has the date of the {step} that it belongs to."
    return table.assign(**{DATE: moved}), (note,)


def _are_on_one_grid(dates: np.ndarray, frequencies: dict[str, Frequency]) -> bool:
    """Whether all dates lie whole steps of one length apart: then none moves, and no region needs to be looked at."""
    lengths = {frequency.minutes for frequency in frequencies.values()}
    if len(lengths) != 1 or 0 in lengths:
        return False
    places = dates.astype(np.int64) % (60_000_000 * lengths.pop())
    return bool((places == places[0]).all())
