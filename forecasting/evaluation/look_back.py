"""LookBack: how good models were at a region's last origins, as far as their forecasts are there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from forecasting.data.columns import DATE, FORECASTS, HORIZON, MODEL, ORIGIN, REGION
from forecasting.data.forecast import Forecast
from forecasting.data.series import Series
from forecasting.evaluation.backtest import Cut
from forecasting.evaluation.forecast_tables import SCORES, score_cells
from forecasting.evaluation.scores import Score, score
from forecasting.jobs import Job
from forecasting.support.caching import lazy


@dataclass(frozen=True)
class LookBack:
    """How good the models were at the last origins.

    Attributes:
        scores: of the models of which some origin is done, best first; seasonal naive among them.
        asked: the jobs that the queue has taken, by model and place of the origin.
        horizon: periods ahead.
        why_not: a sentence when there is no looking back (too little history).
        begun: False while nothing has been asked for yet.
        cuts: the region as it stood at each origin, oldest first.
        full: the queue's sentence, when it would not take all of it yet.
        left: how many forecasts have not been asked for yet.
    """

    scores: tuple[Score, ...] = ()
    asked: dict[tuple[str, int], Job] = field(default_factory=dict)
    horizon: int = 0
    why_not: str | None = None
    begun: bool = True
    cuts: tuple[Cut, ...] = ()
    full: str = ""
    left: int = 0

    @lazy
    def forecasts(self) -> dict[tuple[str, int], Forecast]:
        """What is done, by model and place of the origin."""
        return {name: job.forecast for name, job in self.asked.items() if job.forecast is not None}

    @property
    def jobs(self) -> tuple[Job, ...]:
        """Every model's jobs, an origin each."""
        return tuple(self.asked.values())

    @property
    def origins(self) -> tuple[pd.Timestamp, ...]:
        """The dates that were forecast from, oldest first."""
        return tuple(cut.origin for cut in self.cuts)

    @property
    def waiting(self) -> bool:
        """Whether some model is still being judged."""
        return not self.begun or self.left > 0 or any(not job.finished for job in self.jobs)

    def of(self, model: str) -> Score | None:
        """One model's score, when it is there."""
        return next((score for score in self.scores if score.model == model), None)


def score_cuts(
    model: str, cuts: Sequence[Cut], done: dict[tuple[str, int], Forecast], now: Series, horizon: int
) -> Score | None:
    """One model against what came, over the cuts where it and seasonal naive are done; None where there is none.

    Args:
        done: forecasts by model and place of the cut.
        now: the series as it is known now, which holds what came.
    """
    judged = [i for i, cut in enumerate(cuts) if cut.origin < now.origin]
    places = [i for i in judged if (model, i) in done and ("naive", i) in done]
    if not places:
        return None
    came, said, repeated = [], [], []
    for i in places:
        first = int(now.dates.searchsorted(cuts[i].origin, side="right"))
        came.append(now.published[first : first + horizon])
        said.append(done[model, i].values[cuts[i].gap :][: len(came[-1])])
        repeated.append(done["naive", i].values[cuts[i].gap :][: len(came[-1])])
    return score(model, np.concatenate(said), np.concatenate(repeated), np.concatenate(came))


def look_back_forecasts(past: LookBack) -> pd.DataFrame:
    """What is done of a look back, as a forecasts table."""
    tables = [past.cuts[place].table(forecast) for (_, place), forecast in past.forecasts.items()]
    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(columns=list(FORECASTS))


def look_back_scores(past: LookBack, now: Series) -> pd.DataFrame:
    """What `score_forecasts` gives for that table: a score for every period that was forecast and has come.

    Args:
        now: the series as it is known now, which holds what came.
    """
    made = sorted(past.forecasts.items(), key=lambda one: (one[0][0], past.cuts[one[0][1]].origin))
    parts = [(name, past.cuts[place], forecast) for (name, place), forecast in made]
    if not parts:
        return pd.DataFrame(columns=list(SCORES))
    ahead = [forecast.horizon - cut.gap for _, cut, forecast in parts]
    cells = pd.DataFrame(
        {
            REGION: np.repeat(np.array([cut.region for _, cut, _ in parts], dtype=object), ahead),
            MODEL: np.repeat(np.array([name for name, *_ in parts], dtype=object), ahead),
            ORIGIN: np.repeat(pd.DatetimeIndex([cut.origin for _, cut, _ in parts]), ahead),
            HORIZON: np.concatenate([np.arange(1, count + 1) for count in ahead]),
            DATE: np.concatenate([forecast.dates.to_numpy()[cut.gap :] for _, cut, forecast in parts]),
        }
    )
    place = now.dates.get_indexer(pd.DatetimeIndex(cells[DATE]))
    came = np.where(place >= 0, now.published[place], np.nan)
    return score_cells(cells, np.concatenate([forecast.values[cut.gap :] for _, cut, forecast in parts]), came)
