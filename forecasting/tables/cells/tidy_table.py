"""Tidy tables: rows in the shape of `Panel.table` with notes on how they were read, their order, repeats and gaps.

Regions and statistics may be categorical in them, in the order of their names, until a `Panel` is made of it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from forecasting.data.columns import AS_OF, DATE, PANEL, REGION, STATISTIC, VALUE
from forecasting.data.frequency import Frequency
from forecasting.data.regular_grid import period_numbers

#: Steps from figure to figure below which nothing tells running totals.
LEAST_STEPS = 30
#: The share of them at least that rises.
LEAST_RISING = 0.3


@dataclass(frozen=True)
class TidyTable:
    """Rows ``region, statistic, date, value`` (and ``as_of``, covariates), sorted.

    Attributes:
        table: the rows, as in `Panel.table`.
        parents: region -> the region that it is part of.
        notes: sentences on what was left out or looks odd.
    """

    table: pd.DataFrame
    parents: dict[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


def stack_wide_table(
    regions: Sequence[str], dates: pd.DatetimeIndex, values: np.ndarray, statistic: str
) -> pd.DataFrame:
    """A wide table as tidy rows: `values` has a row a region and a column a date."""
    return pd.DataFrame(
        {
            REGION: np.repeat(np.asarray(regions, dtype=object), len(dates)),
            STATISTIC: statistic,
            DATE: np.tile(dates.to_numpy("datetime64[us]"), len(regions)),
            VALUE: values.astype(float).ravel(),
        }
    ).astype({REGION: "str", STATISTIC: "str"})[list(PANEL)]


def concatenate_tables(parts: Sequence[TidyTable]) -> TidyTable:
    """Several tables of one publisher as one, sorted by region, statistic and date."""
    table = pd.concat([part.table for part in parts], ignore_index=True)
    return TidyTable(
        table.sort_values([REGION, STATISTIC, DATE], kind="stable", ignore_index=True),
        {child: parent for part in parts for child, parent in part.parents.items()},
        tuple(dict.fromkeys(note for part in parts for note in part.notes)),
    )


def key_columns(table: pd.DataFrame) -> list[str]:
    """The columns that tell rows apart: region, statistic and date, and the vintage where there are several."""
    return [column for column in (REGION, STATISTIC, DATE, AS_OF) if column in table]


def row_keys(table: pd.DataFrame, columns: Sequence[str]) -> np.ndarray:
    """A sort key for each row: smaller where it comes earlier by `columns`, and the same where these are the same."""
    keys, size = np.zeros(len(table), dtype=np.int64), 1
    for column in columns:
        ranks, count = _ranks(table[column])
        if size * count >= 2**62:
            keys, size = _ranks(pd.Series(keys))
        size *= max(count, 1)
        keys = keys * count + ranks
    return keys


def _ranks(cells: pd.Series) -> tuple[np.ndarray, int]:
    """The place of each cell among the distinct ones, and how many these are; a missing cell is the last."""
    if isinstance(cells.dtype, pd.CategoricalDtype):
        return cells.cat.codes.to_numpy(), len(cells.cat.categories)
    ranks, known = pd.factorize(cells, sort=True, use_na_sentinel=False)
    return ranks, len(known)


def is_repeated(keys: np.ndarray) -> np.ndarray:
    """Which of the `row_keys` stand earlier, too."""
    if (keys[1:] > keys[:-1]).all():
        return np.zeros(len(keys), dtype=bool)
    return pd.Series(keys).duplicated().to_numpy()


def sort_by_keys(table: pd.DataFrame, keys: np.ndarray) -> pd.DataFrame:
    """The rows in the order of their `row_keys`, which are all different."""
    return table if (keys[1:] > keys[:-1]).all() else table.iloc[np.argsort(keys)]


def rows_by_statistic(table: pd.DataFrame) -> Iterator[tuple[str, pd.DataFrame]]:
    """The rows of each statistic, in the order in which these come."""
    names = table[STATISTIC].unique()
    for name in names:
        yield str(name), table if len(names) == 1 else table[(table[STATISTIC] == name).to_numpy()]


def rows_of_fullest_region(rows: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Which rows of a statistic are those of the region with the most dated figures, and which of these have one."""
    codes, regions = _ranks(rows[REGION])
    figures = rows[VALUE].notna().to_numpy()
    dated = np.flatnonzero(figures)
    if AS_OF in rows:
        dated = dated[~is_repeated(row_keys(rows, [REGION, DATE])[dated])]
    counts = np.bincount(codes[dated], minlength=regions)
    largest = codes[dated][counts[codes[dated]] == counts.max()]
    chosen = codes == (largest[0] if len(largest) else codes[0])
    return chosen, chosen & figures


def changes_between_rows(table: pd.DataFrame) -> np.ndarray:
    """Differences of each figure from the one before it, of the same region and statistic, where both are known."""
    series = row_keys(table, [STATISTIC, REGION])
    changes = np.diff(table[VALUE].to_numpy(float))[series[1:] == series[:-1]]
    return changes[np.isfinite(changes)]


def count_missing_periods(rows: pd.DataFrame, frequency: Frequency) -> int:
    """How many periods have no row, between the first and the last one of each region (and vintage) of a statistic."""
    groups = row_keys(rows, [column for column in (REGION, AS_OF) if column in rows])
    periods = _periods(rows[DATE], frequency)
    if AS_OF in rows:
        order = np.lexsort((periods, groups))
        groups, periods = groups[order], periods[order]
    apart = np.diff(periods)[groups[1:] == groups[:-1]]
    return int(np.maximum(apart - 1, 0).sum())


def _periods(dates: pd.Series, frequency: Frequency) -> np.ndarray:
    """The number of the period that each date is in, counted from that of the first."""
    places, days = pd.factorize(dates, sort=True)
    return period_numbers(pd.DatetimeIndex(days), frequency)[places]


def look_like_totals(figures: np.ndarray) -> bool:
    """Whether figures in the order of their dates never fall, as running totals do not; one question of a person tells."""
    figures = figures[np.isfinite(figures)]
    steps = np.diff(figures)
    if len(steps) < LEAST_STEPS or (steps < 0).any() or (steps > 0).mean() < LEAST_RISING:
        return False
    if (steps == steps[0]).all():
        # Totals of a constant count begin with it; any other line is rather made up, or a level.
        return bool(figures[0] == steps[0])
    # Totals begin near their first count, or have grown a lot; what rises a little each year is rather a level.
    return bool(figures[0] <= 3 * np.median(steps[steps > 0]) or figures[-1] >= 2 * figures[0])
