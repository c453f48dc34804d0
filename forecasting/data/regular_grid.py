"""Put published figures on a regular grid of dates: fill missing dates, move dates between, difference running totals."""

from __future__ import annotations

import numpy as np
import pandas as pd

from forecasting.data.frequency import Frequency
from forecasting.support.errors import DataError


def weekday_cycle(frequency: Frequency) -> int:
    """Periods after which a reporting pattern repeats: a week of days, a day of hours, otherwise 1."""
    return frequency.season if frequency.name in ("daily", "hourly") else 1


def to_regular_grid(counts: pd.Series, frequency: Frequency, *, cumulative: bool = False) -> pd.Series:
    """`counts` on every date of `frequency` from its first to its last, NaN where nothing was published.

    Dates between two grid dates belong to the week, month or quarter that holds them: new counts are added up there,
    of running totals the last one stands. Raises `DataError` when there is no figure at all.
    """
    values = counts.to_numpy(dtype=float, na_value=np.nan)
    dates = pd.DatetimeIndex(counts.index)
    known = np.isfinite(values)
    if not known.any():
        raise DataError("There are no figures here to forecast from; choose another region or statistic.")
    if not dates.is_monotonic_increasing:
        order = np.argsort(dates, kind="stable")
        dates, values, known = dates[order], values[order], known[order]
    places, grid = _places(dates, frequency)
    if len(grid) == len(dates) and places[-1] == len(grid) - 1 and (np.diff(places) == 1).all():
        return pd.Series(np.where(known, values, np.nan), index=grid)
    result = np.full(len(grid), np.nan)
    if cumulative:
        result[places[known]] = values[known]
    else:
        result[places[known]] = 0.0
        np.add.at(result, places[known], values[known])
    return pd.Series(result, index=grid)


def _places(dates: pd.DatetimeIndex, frequency: Frequency) -> tuple[np.ndarray, pd.DatetimeIndex]:
    """The regular grid that covers `dates`, and where in it each of them belongs."""
    offset = pd.tseries.frequencies.to_offset(frequency.alias)
    if frequency.name in ("daily", "hourly"):
        dates = dates.floor(frequency.alias)
        grid = pd.date_range(dates[0], dates[-1], freq=frequency.alias)
        return grid_positions(grid, dates, frequency), grid
    dates = dates.normalize()
    if frequency.alias.startswith(("MS", "QS")):
        grid = pd.date_range(offset.rollback(dates[0]), dates[-1], freq=frequency.alias)
        return grid_positions(grid, dates, frequency), grid
    first, last = offset.rollforward(dates[0]), offset.rollforward(dates[-1])
    if frequency.name == "weekly":
        grid = frequency.grid(first, (last - first).days // 7 + 1)
    else:
        grid = pd.date_range(first, last, freq=frequency.alias)
    return grid_positions(grid, dates, frequency), grid


def grid_positions(grid: pd.DatetimeIndex, dates: pd.DatetimeIndex, frequency: Frequency) -> np.ndarray:
    """Where in the regular `grid` each of `dates` belongs that lies between two of its own."""
    if frequency.name in ("daily", "hourly"):
        return grid.searchsorted(dates.floor(frequency.alias))
    if frequency.alias.startswith(("MS", "QS")):
        return grid.searchsorted(dates.normalize(), side="right") - 1
    return grid.searchsorted(dates.normalize())


def counts_from_totals(totals: np.ndarray) -> tuple[np.ndarray, float, int]:
    """New counts from running totals: the counts, the total before them, how many periods had no report.

    Counts have the length of `totals`; those up to the first total are NaN, because when they came is not known, and
    so are those after the last one. A difference across periods without a report is shared among them evenly.
    """
    known = np.flatnonzero(np.isfinite(totals))
    counts = np.full(len(totals), np.nan)
    first, last = known[0], known[-1]
    if first == last:
        counts[first] = totals[first]
        return counts, 0.0, 0
    span = np.arange(first, last + 1)
    counts[first + 1 : last + 1] = np.diff(np.interp(span, known, totals[known]))
    return counts, float(totals[first]), len(span) - len(known)


def count_leading_zeros(counts: np.ndarray) -> int:
    """How many zeros and NaN stand before the first count; 0 when there is no count at all."""
    found = np.flatnonzero(np.nan_to_num(counts))
    return int(found[0]) if len(found) else 0
