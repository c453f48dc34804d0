"""Figures per 100,000 people: of a series, of its revisions and of what is forecast of it.

Only what is shown is divided: models see counts, and counts are what is stored.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from forecasting.data.forecast import Forecast
from forecasting.data.formatting import decimals_needed, format_compact
from forecasting.data.kind import AMOUNT, COUNT
from forecasting.data.population import Population
from forecasting.data.revisions import Revision
from forecasting.data.series import Series

#: People that figures are told of.
PEOPLE = 100_000
#: The last periods, whose level says how many decimal places are told.
RECENT = 8
#: What stands after a figure, and in a narrow place.
UNIT, SHORT_UNIT = "per 100,000 people", "per 100k"


def can_divide(series: Series, people: Population | None) -> bool:
    """Whether figures per 100,000 people make sense: counts of a region whose population is known."""
    return people is not None and people.people > 0 and series.kind is COUNT


@dataclass(frozen=True)
class PerPopulation:
    """Counts of a region, divided by its population."""

    population: Population

    @property
    def factor(self) -> float:
        """What a count is multiplied by."""
        return PEOPLE / self.population.people

    @property
    def sentence(self) -> str:
        """What was divided by what, in a sentence."""
        return f"Figures {UNIT}, of {format_compact(self.population.people)} ({self.population.source})."

    def series(self, series: Series) -> Series:
        """The series with figures per 100,000 people, for showing."""
        shown = replace(
            series,
            values=series.values * self.factor,
            before=series.before * self.factor,
            provisional=self._scaled(series.provisional),
            reported=self._scaled(series.reported),
            kind=AMOUNT,
            pool=None,
        )
        # What `lazy` would work out tells single counts apart, which of shares of a population means nothing.
        vars(shown)["decimals"] = _decimals(float(np.median(shown.values[-RECENT:])))
        return shown

    def forecast(self, forecast: Forecast) -> Forecast:
        """The forecast with its quantiles per 100,000 people, for showing."""
        values, totals, means = (table * self.factor for table in (forecast.values, forecast.totals, forecast.means))
        return replace(forecast, values=values, totals=totals, means=means)

    def revisions(self, revisions: Iterable[Revision]) -> tuple[Revision, ...]:
        """What the last figures usually become, per 100,000 people."""
        return tuple(replace(revision, value=revision.value * self.factor) for revision in revisions)

    def _scaled(self, figures: pd.Series | None) -> pd.Series | None:
        return None if figures is None else figures * self.factor


def _decimals(level: float) -> int:
    """Decimal places that tell changes of a `level`: three digits of it, two below 1."""
    return max(decimals_needed([level]) - (level < 1), 0) if level > 0 else 2
