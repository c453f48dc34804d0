"""Epidemics of the past beside a short table: when they are learned from, up to which week, and that a person is told so."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from forecasting.data.bundled_files import INFLUENZA
from forecasting.data.frequency import DAILY, weekly
from forecasting.data.kind import AMOUNT
from forecasting.data.pool import Pool
from forecasting.models import model
from forecasting.models._pooled_earlier_epidemics import MOST_OWN_WEEKS, earlier_epidemics
from forecasting.models.base import PooledModel

LAST_OF_BUNDLED = pd.Timestamp("2025-07-19")


def wave(weeks: int, last: str, regions: int = 8) -> Pool:
    """Counts that rise and fall together, up to a date."""
    dates = pd.date_range(end=last, periods=weeks, freq="W-SAT")
    sizes = np.random.default_rng(0).uniform(50, 500, regions)
    counts = np.round(np.outer(np.exp(1.5 * np.sin(2 * np.pi * np.arange(weeks) / 40)), sizes))
    names = tuple(f"Region {place}" for place in range(regions))
    return Pool(weekly("SAT"), dates[0], names, counts, False, {}, ((0, weeks),) * regions)


def test_a_short_table_has_them_up_to_its_own_last_week():
    found = earlier_epidemics(wave(30, "2024-12-28"))
    assert found is not None
    assert found.newest.shape == (152, 53)
    assert found.ended == 0


def test_after_their_end_they_are_old():
    found = earlier_epidemics(wave(30, "2026-07-18"))
    assert found is not None
    assert found.newest.shape == (181, 53)
    assert found.ended == (pd.Timestamp("2026-07-18") - LAST_OF_BUNDLED).days // 7


@pytest.mark.parametrize(
    "pool",
    [
        wave(MOST_OWN_WEEKS, "2025-06-28"),
        replace(wave(30, "2024-12-28"), others=(wave(MOST_OWN_WEEKS, "2024-12-28"),)),
        replace(wave(30, "2024-12-28"), kind=AMOUNT),
        replace(wave(30, "2024-12-28"), frequency=DAILY),
        wave(30, "2024-12-28", regions=1),
        wave(30, "2021-12-25"),
    ],
    ids=[
        "two years",
        "another statistic of two years",
        "no counts",
        "days",
        "one region",
        "before them",
    ],
)
def test_who_needs_none_has_none(pool: Pool):
    assert earlier_epidemics(pool) is None


def test_who_brings_these_very_figures_has_no_copy_of_them():
    table = pd.read_csv(INFLUENZA, index_col=0, parse_dates=True).iloc[:60]
    same = replace(wave(60, "2023-03-25", 53), values=table.to_numpy(float) * 0.97)
    assert same.dates[-1] == table.index[-1]
    assert earlier_epidemics(same) is None
    assert earlier_epidemics(replace(same, values=same.values * 2)) is not None


@pytest.mark.usefixtures("few_trees")
def test_the_forecast_says_so_and_a_table_of_two_years_has_none():
    pooled = model("pooled")
    assert isinstance(pooled, PooledModel)
    pool = wave(30, "2024-12-28")
    made = pooled.forecast_pool(pool, 4)["Region 0"]
    assert made.method.endswith("8 regions; beside 152 weeks of US influenza admissions")
    long = pooled.forecast_pool(wave(110, "2024-12-28"), 4)["Region 0"]
    assert "influenza" not in long.method
