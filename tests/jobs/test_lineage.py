"""The lineage of a request: what stays the same while a series goes on."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from forecasting.data.frequency import DAILY, weekly
from forecasting.data.series import Series
from forecasting.jobs.request import Request

VALUES = np.random.default_rng(1).poisson(100, 200).astype(float)
SERIES = Series(pd.Timestamp("2021-01-02"), DAILY, VALUES)


def first(count: int) -> Request:
    return Request(replace(SERIES, values=VALUES[:count]), "ets", 7)


@pytest.mark.parametrize("new", [1, 5, 20])
def test_a_few_points_more_another_horizon_and_revised_last_figures_are_the_same_lineage(new: int) -> None:
    now = first(160)
    assert first(160 + new).lineage == now.lineage
    assert replace(now, horizon=28).lineage == now.lineage
    revised = replace(SERIES, values=np.append(VALUES[:150], VALUES[150:160] + 1))
    assert Request(revised, "ets", 7).lineage == now.lineage
    assert Request(revised, "ets", 7).key != now.key


def test_another_beginning_model_or_spacing_is_another() -> None:
    now = first(160)
    others = [
        Request(now.series, "sarima", 7),
        Request(replace(now.series, start=SERIES.dates[1]), "ets", 7),
        Request(replace(now.series, frequency=weekly()), "ets", 7),
        Request(replace(now.series, values=np.append(VALUES[:100] + 1, VALUES[100:160])), "ets", 7),
        first(60),
    ]
    assert len({now.lineage, *(other.lineage for other in others)}) == 6


@pytest.mark.parametrize("count", [1, 2, 3, 9])
def test_the_shortest_series_have_one(count: int) -> None:
    assert first(count).lineage
