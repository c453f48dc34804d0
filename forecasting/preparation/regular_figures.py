"""Amounts, measurements and shares on a regular grid: nothing is repaired, and only missing periods are filled in."""

from __future__ import annotations

import numpy as np
import pandas as pd

from forecasting.data.frequency import Frequency
from forecasting.data.kind import Kind
from forecasting.data.regular_grid import counts_from_totals, to_regular_grid
from forecasting.data.series import Series
from forecasting.preparation.messages import repair_sentences
from forecasting.preparation.repairs import Repaired, fill_gaps
from forecasting.support.errors import DataError


def regular_figures(
    figures: pd.Series,
    frequency: Frequency,
    kind: Kind,
    *,
    reported_cumulative: bool = False,
    shown_cumulative: bool = False,
) -> Series:
    """Figures by date that are no counts -> a `Series` without gaps, otherwise as they are.

    Figures of one period are added up where their kind adds up, else averaged. A period without a figure gets one from
    those around it: of amounts from the same weekdays, of others from its neighbours in time.

    Raises:
        DataError: there is no figure at all, or figures that do not add up are said to be running totals.
    """
    if reported_cumulative and not kind.adds_up:
        raise DataError(f"{kind.label.capitalize()} cannot be a running total; say that it is a count or an amount.")
    table = to_regular_grid(figures, frequency, cumulative=reported_cumulative)
    if not kind.adds_up and len(table) < figures.notna().sum():
        table = table / to_regular_grid(figures.where(figures.isna(), 1.0), frequency)
    dates, values, before, notes = pd.DatetimeIndex(table.index), table.to_numpy(), 0.0, []
    if reported_cumulative:
        values, before, _ = counts_from_totals(values)
    known = np.flatnonzero(np.isfinite(values))
    dates, values = dates[known[0] : known[-1] + 1], values[known[0] : known[-1] + 1]
    filled = fill_gaps(values, frequency.cycle) if kind.adds_up else _interpolated(values)
    notes += repair_sentences("gap", filled, dates, frequency)
    return Series(dates[0], frequency, filled.values, before, shown_cumulative, notes=tuple(notes), kind=kind)


def _interpolated(values: np.ndarray) -> Repaired:
    """NaN on the straight line between the figures around it."""
    known = np.isfinite(values)
    places = np.arange(len(values))
    return Repaired(np.interp(places, places[known], values[known]), np.flatnonzero(~known))
