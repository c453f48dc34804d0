"""Gather a pool: cut the figures, snapshots and covariates that a `PoolSpec` names, and prepare each region's series.

It takes a while, so only a supervising thread, or a model without one, does it.
"""

from __future__ import annotations

import logging
from dataclasses import replace

import numpy as np
import pandas as pd

from forecasting.data import pool
from forecasting.data.frequency import Frequency
from forecasting.data.pool import Pool, Snapshot
from forecasting.data.pool_spec import PoolSpec
from forecasting.data.series import Series
from forecasting.data.snapshots import figures_on_grid, means_on_grid
from forecasting.preparation.prepare import clean_figures, incomplete_from
from forecasting.support.errors import DataError

log = logging.getLogger(__name__)


def gather_pool(spec: PoolSpec) -> Pool:
    """The pool that `spec` names. Raises `DataError` or `RequestError` where there is nothing to learn from."""
    others = []
    for other in spec.others:
        try:
            others.append(_gathered(other))
        except DataError as error:  # whoever asks for that statistic is told so
            log.info("%s is not learned from beside %s: %s", other.statistic, spec.statistic, error)
    return replace(_gathered(spec), others=tuple(others))


def _gathered(spec: PoolSpec) -> Pool:
    """The pool without others."""
    asked, figures = spec.asked, spec.figures
    frequency, totals = spec.frequency, asked.reported_cumulative
    place = figures.place(spec.at)
    if place < 0 or not spec.regions:
        raise DataError(f"'{spec.panel.source}' has no region with figures to learn from.")
    regions = spec.regions
    grid, values, spans = figures_on_grid(figures.rows(place, spec.at), regions, frequency, totals)
    most = min(pool.MOST_SNAPSHOTS, pool.MOST_FIGURES // max(values.size, 1))
    snapshots = tuple(
        Snapshot(
            figures.published[i],
            _since(grid[0], frequency, *figures_on_grid(figures.rows(i), regions, frequency, totals)[:2]),
        )
        for i in range(max(place - most, 0), place)
    )
    known = spec.panel.as_of(spec.at)
    provisional_from = {} if spec.has_own_calendar else incomplete_from(known, spec.statistic)
    covariates = {
        name: means_on_grid(grid, one.rows(place, spec.at), regions, frequency)
        for name, one in spec.covariate_figures.items()
    }
    return Pool(
        frequency,
        grid[0],
        regions,
        values,
        totals,
        provisional_from,
        spans,
        spec.window,
        snapshots,
        covariates,
        spec.holidays,
        asked.kind,
        asked.zeros_at_end,
    )


def prepared_series(gathered: Pool) -> dict[str, Series]:
    """Each region's series as `prepare` makes it, by name, with the last counts as published, not as they will become.

    A region of whose figures no series can be made is left out.
    """
    found = {}
    for place, (name, (first, end)) in enumerate(zip(gathered.regions, gathered.spans, strict=True)):
        dates = gathered.dates[first:end]
        try:
            series = clean_figures(
                pd.Series(gathered.values[first:end, place], index=dates),
                gathered.frequency,
                gathered.kind,
                reported_cumulative=gathered.reported_cumulative,
                provisional_from=gathered.provisional_from.get(dates[-1]),
                zeros_at_end=gathered.zeros_at_end,
            )
        except DataError as error:  # whoever asks for this region is told so when its series is prepared
            log.info("%s is left out of the pool: %s", name, error)
            continue
        series = replace(series, region=name, holidays=gathered.holidays)
        found[name] = series.tail(gathered.window) if gathered.window else series
    return found


def _since(start: pd.Timestamp, frequency: Frequency, grid: pd.DatetimeIndex, table: np.ndarray) -> np.ndarray:
    """`table` from `start` on; what is missing before its own first date is NaN."""
    if not len(grid) or grid[0] == start:
        return table
    if grid[0] < start:
        return table[int(grid.searchsorted(start)) :]
    missing = len(frequency.between(start, grid[0])) - 1
    return np.vstack([np.full((missing, table.shape[1]), np.nan), table])
