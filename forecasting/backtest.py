"""Looking back: what would have been forecast then, against what came.

A look back is nothing but ordinary requests on a series cut off at an earlier origin. They go through the same queue and
store as any other, so each is fitted once for everybody, and no model can see what came later.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from forecasting.errors import DataError
from forecasting.request import Request
from forecasting.scoring import Score, score
from forecasting.series import MEDIAN, Forecast, Series

#: "The last four weeks": long enough for four weekly patterns, short enough to be about the present.
WEEKS_HELD_OUT = 4


@dataclass(frozen=True)
class HoldOut:
    """A series with its last periods put aside.

    Attributes:
        train: what a model would have seen.
        truth: shape (n,), what came in the n periods after it.
    """

    train: Series
    truth: np.ndarray

    def requests(self, models: list[str]) -> list[Request]:
        """What to ask for: every model, seasonal naive among them, on the part before."""
        return [Request(self.train, name, len(self.truth)) for name in dict.fromkeys([*models, "naive"])]

    def scores(self, forecasts: dict[str, Forecast]) -> list[Score]:
        """The scores of the models in `forecasts`, best first; `forecasts` must include ``"naive"``."""
        naive = forecasts["naive"]
        found = [
            score(name, f.values, naive.values, self.truth, float(f.totals[-1, MEDIAN]))
            for name, f in forecasts.items()
        ]
        return sorted(found, key=lambda s: s.error)


def hold_out(series: Series) -> HoldOut:
    """Put the last four weeks aside (or four periods, where a period is longer than a week).

    Raises `DataError` when less than twice as much would be left to learn from.
    """
    periods = {"daily": 7 * WEEKS_HELD_OUT, "hourly": 24 * 7}.get(series.frequency.name, WEEKS_HELD_OUT)
    if len(series) < 3 * periods:
        raise DataError(
            f"{series.frequency.steps(len(series))} of figures are too few to put {periods} aside and look back."
        )
    kept = len(series) - periods
    return HoldOut(series.until(series.dates[kept - 1]), series.values[kept:])
