"""Two thousand weekly series by ETS and Theta in one process, beside statsforecast's automatic models of the same series."""

from __future__ import annotations

import time
from collections.abc import Iterator
from statistics import median

import numpy as np
import pandas as pd

from benchmarks._figure import BenchmarkError, Figure, figure
from forecasting.data.frequency import weekly
from forecasting.data.kind import AMOUNT
from forecasting.data.series import Series
from forecasting.models import model

#: Ours, and the name of theirs.
BESIDE = {"ets": "AutoETS", "theta": "AutoTheta"}
SERIES = 2000
WEEKS = 150
AHEAD = 13
#: Of so many series theirs forecast one, spread over all turns.
EVERY = 20
TURNS = 5


def beside_statsforecast() -> Iterator[Figure]:
    """`MODEL/over_statsforecast`: our seconds for all series, and theirs, measured in turns."""
    try:
        import statsforecast.models as theirs
    except ImportError:
        raise BenchmarkError(
            "statsforecast is not installed, so there is nothing to compare with: pip install -r benchmarks/requirements.txt."
        ) from None
    series = made_up()
    for name, peer in BESIDE.items():
        chosen, other = model(name), getattr(theirs, peer)(season_length=1)
        chosen.forecast_many(series[:2], AHEAD)
        other.forecast(y=series[0].values, h=AHEAD)
        ours, alone = list[float](), list[float]()
        for turn in range(TURNS):
            start = time.perf_counter()
            chosen.forecast_many(series, AHEAD)
            ours.append(time.perf_counter() - start)
            some = series[turn * EVERY // TURNS :: EVERY]
            start = time.perf_counter()
            for one in some:
                other.forecast(y=one.values, h=AHEAD)
            alone.append((time.perf_counter() - start) * len(series) / len(some))
        yield figure(f"many/{name}/over_statsforecast", median(ours), "s", median(alone))


def made_up() -> list[Series]:
    """Weekly amounts that wander, some with a trend; always the same."""
    rng = np.random.default_rng(3)
    changes = rng.normal(rng.normal(0, 0.002, (SERIES, 1)), 0.08, (SERIES, WEEKS))
    values = np.exp(rng.normal(5, 1, (SERIES, 1)) + np.cumsum(changes, axis=1) + rng.normal(0, 0.05, (SERIES, WEEKS)))
    return [Series(pd.Timestamp("2020-01-04"), weekly(), one, kind=AMOUNT) for one in values]
