"""Seconds of the pooled model for all regions at once, beside those of ETS for the same regions one by one.

Figures are those of the simulator: epidemics of their own in as many regions, as they were published on the last day. 53
regions × 90 weeks come with 26 earlier vintages, as the hub's do, and are forecast 4 weeks ahead; 1,000 regions × 365
days have none and are forecast 28 days ahead. ETS is fitted to all of the 53, and to every 50th of the 1,000, whose time
is scaled up. Preparing the figures is in the time of the pooled model and not in that of ETS.

Wanted: under 2 seconds for the first, under 30 for the second. One process, one thread.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]  # comes with scikit-learn, which pmdarima needs

from benchmarks._figure import Figure, figure
from benchmarks.horizon import timed
from forecasting.data.frequency import DAILY, Frequency, weekly
from forecasting.data.pool import Pool, Snapshot
from forecasting.data.series import Series
from forecasting.models import PooledModel, model
from forecasting.models.pooled import Pooled
from forecasting.preparation.gather_pool import prepared_series
from forecasting.sources.simulated import LAST_DAY, REGIONS, EpidemicSettings, Simulation, simulate_epidemic

WEEKLY = 53
WEEKS = 90
VINTAGES = 26
WEEKS_AHEAD = 4
DAILY_REGIONS = 1000
DAYS = 365
EVERY = 50
DAYS_AHEAD = 28


def run() -> Iterator[Figure]:
    pooled = Pooled()
    with threadpool_limits(1):  # as in a worker
        for name in ("pooled", "ets"):
            model(name).warm_up()
        yield beside_ets(f"pooled/{WEEKLY}x{WEEKS}", pooled, by_week(), WEEKS_AHEAD)
        yield beside_ets(f"pooled/{DAILY_REGIONS}x{DAYS}", pooled, by_day(), DAYS_AHEAD, EVERY)


def beside_ets(name: str, pooled: PooledModel, pool: Pool, horizon: int, every: int = 1) -> Figure:
    """The pooled model's seconds; the reference are those of ETS, which is fitted to every so many regions."""
    series = list(prepared_series(pool).values())
    model("ets").forecast(series[0], horizon)
    _, seconds = timed(lambda: pooled.forecast_pool(pool, horizon))
    _, others = timed(lambda: one_by_one(series[::every], horizon))
    return figure(name, seconds, "s", others * len(series) / len(series[::every]))


def one_by_one(series: Sequence[Series], horizon: int) -> None:
    for one in series:
        model("ets").forecast(one, horizon)


def by_week() -> Pool:
    """Weeks that end with the last day, and what had been published at the end of each of the weeks before."""
    known = epidemics(WEEKLY, 7 * WEEKS)
    ends = [7 * week - 1 for week in range(WEEKS - VINTAGES, WEEKS + 1)]
    tables = [np.column_stack([published(one, end, 7) for one in known]) for end in ends]
    frequency = weekly(f"{LAST_DAY:%a}".upper())
    earlier = [
        Snapshot(LAST_DAY - pd.Timedelta(days=ends[-1] - end), table)
        for end, table in zip(ends, tables[:-1], strict=False)
    ]
    return pool_of(tables[-1], frequency, tuple(earlier))


def by_day() -> Pool:
    known = epidemics(DAILY_REGIONS, DAYS)
    return pool_of(np.column_stack([published(one, DAYS - 1, 1) for one in known]), DAILY)


def epidemics(regions: int, days: int) -> list[Simulation]:
    """One a region, of as many sizes as the simulator's source shows."""
    sizes = list(REGIONS.values())
    first_weekday = (LAST_DAY - pd.Timedelta(days=days - 1)).weekday()
    settings = [EpidemicSettings(population=sizes[seed % len(sizes)]) for seed in range(regions)]
    return [simulate_epidemic(days, seed, setting, first_weekday) for seed, setting in enumerate(settings)]


def published(one: Simulation, day: int, together: int) -> np.ndarray:
    """What was known at the end of `day`, so many days added up."""
    return one.published(day).reshape(-1, together).sum(axis=1).astype(float)


def pool_of(counts: np.ndarray, frequency: Frequency, earlier: tuple[Snapshot, ...] = ()) -> Pool:
    """All of these regions, which a page would cut down to the largest (`forecasting.data.snapshots.MOST_REGIONS`)."""
    start = pd.date_range(end=LAST_DAY, periods=len(counts), freq=frequency.alias)[0]
    names = tuple(f"region {place}" for place in range(counts.shape[1]))
    spans = ((0, len(counts)),) * counts.shape[1]
    return Pool(frequency, start, names, counts, False, {}, spans, None, earlier)
