"""The results of a comparison: track records, series and scores, and what is drawn of them in which order."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from forecasting.data.series import Series
from forecasting.evaluation.track_record import TrackRecord
from forecasting.views import backtest_charts
from forecasting.views.backtest_charts import LegendEntry
from ui.shell import runtime
from ui.shell.choices import Choices


@dataclass(frozen=True)
class ComparisonResults:
    """What a comparison has found so far.

    Attributes:
        pasts: by region, those with scores; one region unless several are compared.
        wholes: by region, the series as it is known now.
        cells: the scores of all regions, a row a cell.
        across: the model that is compared on several regions; None where models are.
    """

    choices: Choices
    pasts: dict[str, TrackRecord]
    wholes: dict[str, Series]
    cells: pd.DataFrame
    across: str | None

    @property
    def past(self) -> TrackRecord:
        """One look back: the only one, or that of the first region."""
        return next(iter(self.pasts.values()))

    @property
    def waiting(self) -> bool:
        """Whether something is still to come."""
        return any(past.waiting for past in self.pasts.values())

    def names(self) -> list[str]:
        """The models or regions that have scores, in the order in which they are shown."""
        if self.across is None:
            return [score.model for score in self.past.scores]
        return [region for region, past in self.pasts.items() if past.of(self.across)]

    def parties(self) -> tuple[LegendEntry, ...]:
        """The same with their colours."""
        if self.across is None:
            return backtest_charts.model_legend(self.names(), runtime.theme())
        return backtest_charts.region_legend(self.names(), runtime.theme())

    def judged(self) -> pd.DataFrame:
        """The scores without those that are only there to be held against: `across` regions, no change's."""
        return self.cells if self.across is None else self.cells[self.cells["model"] == self.across]

    @property
    def by(self) -> str:
        """The column of the scores that says which model, or region."""
        return "model" if self.across is None else "region"

    @property
    def step(self) -> str:
        """One period in words."""
        return self.choices.series.frequency.step


def longest_track_record(view: ComparisonResults) -> TrackRecord:
    """The look back with most dates: a short history has fewer."""
    return max(view.pasts.values(), key=lambda past: len(past.origins))
