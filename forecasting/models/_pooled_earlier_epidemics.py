"""Epidemics that come with the program, for a pooled model to learn from beside weekly counts that do not go far back.

How a wave of one disease rises, turns and falls is much like that of another, once each region's figures are standardised.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import pandas as pd

from forecasting.data.bundled_files import INFLUENZA
from forecasting.data.kind import COUNT
from forecasting.data.pool import Pool
from forecasting.models._pooled_features import Calendar
from forecasting.models._pooled_training import LearnedTable

#: What they are, for a person.
WHAT = "US influenza admissions"
#: Weeks that no table of a panel may reach, or it has enough of its own to learn from.
MOST_OWN_WEEKS = 104
#: Two tables whose weekly sums differ by less than this share, in the median, hold the same figures.
SAME = 0.1
#: Weeks in a year.
YEAR = 52
#: Days of the longest year.
DAYS_OF_A_YEAR = 366


def earlier_epidemics(pool: Pool) -> LearnedTable | None:
    """What had been counted up to the pool's last date; None where the pool needs no others, or has one region only."""
    weekly_counts = pool.kind is COUNT and pool.frequency.alias.startswith("W")
    own = max(min(len(one.values), one.window or len(one.values)) for one in (pool, *pool.others))
    if not weekly_counts or len(pool.regions) < 2 or own >= MOST_OWN_WEEKS:
        return None
    known = _admissions().loc[: pool.dates[-1]]
    if len(known) < YEAR or _are_the_same(pool, known):
        return None
    counts, passed = known.to_numpy(float), (known.index.day_of_year.to_numpy() - 1) / DAYS_OF_A_YEAR
    ended = (pool.dates[-1] - known.index[-1]).days // 7
    return LearnedTable(counts, [], Calendar.of(YEAR, passed, counts), ended)


def _are_the_same(pool: Pool, known: pd.DataFrame) -> bool:
    """Whether the pool's figures are these themselves, though published earlier or by other names: their sums agree."""
    if pool.reported_cumulative:
        return False
    sums = pd.Series(np.nansum(pool.values, axis=1), pool.dates)
    both = pd.concat([sums, known.sum(axis=1)], axis=1, join="inner").to_numpy() + 1
    return bool(len(both)) and float(np.median(np.abs(np.log(both[:, 0] / both[:, 1])))) < SAME


@lru_cache(maxsize=1)
def _admissions() -> pd.DataFrame:
    """A row a week, by its last day, and a column a region; counts."""
    return pd.read_csv(INFLUENZA, index_col=0, parse_dates=True)
