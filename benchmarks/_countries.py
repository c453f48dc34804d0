"""Daily cases of 32 European countries, one by one, before and after evenly spaced dates. The figures are real (`_data`)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from benchmarks._data import real
from forecasting.data.series import Series

HORIZON = 28
#: Evenly spaced, so that no phase of the waves is favoured: trends are continued well between turns and badly at them.
ORIGINS = pd.date_range("2020-10-05", periods=6, freq="85D")
#: Days after the horizon that the truth is prepared with, for corrections that came later.
HINDSIGHT = 28


def countries() -> Iterator[pd.Series]:
    """New cases of each country by date, as published. Raises `BenchmarkError` when the file is not there."""
    table = pd.read_csv(real("real/jhu_europe_incident_cases.csv.gz"), parse_dates=["date"])
    for name, rows in table.groupby("location_name"):
        yield pd.Series(rows["value"].to_numpy(float), index=pd.DatetimeIndex(rows["date"]), name=name)


@dataclass(frozen=True)
class Task:
    """One country at one origin: what was known, and what came in the 28 days after it."""

    known: Series
    came: np.ndarray

    @property
    def scale(self) -> float:
        """The mean absolute change from a week before, the denominator of MASE (Hyndman & Koehler 2006)."""
        return float(np.abs(self.known.values[7:] - self.known.values[:-7]).mean())
