"""Revisions: how the figures of a panel with vintages changed after they were first published."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from forecasting.data.columns import AS_OF, DATE, REGION, STATISTIC, VALUE
from forecasting.support.errors import RequestError

if TYPE_CHECKING:
    from forecasting.data.frequency import Frequency
    from forecasting.data.panel import Panel

#: The last so many periods are looked at for revisions still to come.
RECENT_PERIODS = 4
#: A figure is settled when so many periods have ended since.
SETTLED_AGE = 4
#: So many settled figures of the same age are needed to say what is usual.
LEAST_SETTLED = 5
#: A change by less than this share is not worth a word.
LEAST_CHANGE = 0.02


def revisions(panel: Panel, region: str, statistic: str | None = None) -> pd.DataFrame:
    """Every figure of one region in every vintage, beside what it is in the newest one.

    Returns:
        A row a date and vintage, sorted by both, with the columns ``date``; ``as_of``, the vintage; ``age``, how many
        periods had ended since (0: published within a period of its own end); ``value``, the figure as published then,
        a running total where the publisher gives those; ``final``, the same figure in the newest vintage, NaN where it
        is there no more. A date's first row is what was known first; its last row has ``value == final``.

    Raises:
        RequestError: the panel has no vintages, or no such region or statistic.
    """
    if not panel.has_vintages():
        raise RequestError(f"'{panel.source}' does not tell what was published when; choose a source with vintages.")
    asked = panel.statistic(statistic)
    table = panel.table
    rows = table[((table[REGION] == region) & (table[STATISTIC] == asked.column)).to_numpy()]
    if rows.empty:
        panel.counts(region, statistic)  # raises, naming what is missing
    rows = rows[[DATE, AS_OF, VALUE]].sort_values([DATE, AS_OF], ignore_index=True)
    newest = rows[rows[AS_OF] == panel.published_on(asked.name)].set_index(DATE)[VALUE]
    ages = _periods(rows, panel.frequency_of(asked.name, region))
    return pd.DataFrame(
        {DATE: rows[DATE], AS_OF: rows[AS_OF], "age": ages, VALUE: rows[VALUE], "final": rows[DATE].map(newest)}
    )


@dataclass(frozen=True)
class Revision:
    """What one of the last figures usually becomes.

    Attributes:
        date: of the figure.
        value: the figure as it is published now.
        low, median, high: of such figures' final value over the one published as early, the 10, 50 and 90 % points.
        count: how many such figures there were.
    """

    date: pd.Timestamp
    value: float
    low: float
    median: float
    high: float
    count: int


def expected_revisions(panel: Panel, region: str, statistic: str | None = None) -> tuple[Revision, ...]:
    """The revisions to be expected of the last `RECENT_PERIODS` figures, newest first; empty without vintages.

    Counts only: a running total hardly changes when its last day does. Raises `RequestError` for an unknown region.
    """
    if not panel.has_vintages() or panel.statistic(statistic).reported_cumulative:
        return ()
    table = revisions(panel, region, statistic)
    now = table[table[AS_OF] == panel.published_on(statistic)]
    settled = table[table[DATE].isin(now.loc[now["age"] >= SETTLED_AGE, DATE]) & (table[VALUE] > 0)].dropna()
    ratios = (settled["final"] / settled[VALUE]).groupby(settled["age"])
    found = []
    for row in now.tail(RECENT_PERIODS).iloc[::-1].itertuples():
        if row.age not in ratios.groups or np.isnan(row.value):
            continue
        same = ratios.get_group(row.age)
        low, median, high = same.quantile([0.1, 0.5, 0.9])
        if len(same) >= LEAST_SETTLED and max(abs(median - 1), (high - low) / 4) >= LEAST_CHANGE:
            found.append(Revision(row.date, float(row.value), low, median, high, len(same)))
    return tuple(found)


def _periods(rows: pd.DataFrame, frequency: Frequency) -> np.ndarray:
    """How many period dates lie after each row's date, up to its vintage."""
    grid = frequency.between(rows[DATE].min(), rows[AS_OF].max())
    return grid.searchsorted(rows[AS_OF], side="right") - grid.searchsorted(rows[DATE], side="right")
