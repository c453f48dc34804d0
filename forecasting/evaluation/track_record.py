"""TrackRecord: how good models were at a region's last origins, as far as their forecasts are there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from forecasting.data.columns import DATE, HORIZON, MODEL, ORIGIN, REGION
from forecasting.data.forecast import Forecast
from forecasting.data.series import Series
from forecasting.evaluation.backtest import Cutoff, stack_cutoffs
from forecasting.evaluation.forecast_tables import SCORES, score_cells
from forecasting.evaluation.scores import ModelScore, score_model
from forecasting.jobs import Job
from forecasting.support.caching import lazy


@dataclass(frozen=True)
class TrackRecord:
    """Scores and forecasts of models at a region's last origins, as far as they are done.

    Attributes:
        scores: of the models of which some origin is done, best first; seasonal naive among them.
        asked: the jobs that the queue has taken, by model and place of the origin.
        horizon: the periods ahead that are judged.
        ahead: the periods that were forecast from each origin, at least as many.
        why_not: a sentence when there is no looking back (too little history).
        begun: False while nothing has been asked for yet.
        cutoffs: the region as it stood at each origin, oldest first.
        full: the queue's sentence, when it would not take all of it yet.
        left: how many forecasts have not been asked for yet.
    """

    scores: tuple[ModelScore, ...] = ()
    asked: dict[tuple[str, int], Job] = field(default_factory=dict)
    horizon: int = 0
    ahead: int = 0
    why_not: str | None = None
    begun: bool = True
    cutoffs: tuple[Cutoff, ...] = ()
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
        return tuple(cut.origin for cut in self.cutoffs)

    @property
    def waiting(self) -> bool:
        """Whether some model is still being judged."""
        return not self.begun or self.left > 0 or any(not job.finished for job in self.jobs)

    def judged(self, model: str) -> int:
        """From how many origins a model's forecast is there."""
        return sum(name == model for name, _ in self.forecasts)

    def is_partial(self, model: str) -> bool:
        """Whether a model's score is of some of the origins only, and others are on their way: it says little then."""
        return self.waiting and self.judged(model) < len(self.cutoffs)

    def of(self, model: str) -> ModelScore | None:
        """One model's score, when it is there."""
        return next((score_model for score_model in self.scores if score_model.model == model), None)


def score_cutoffs(
    model: str, cutoffs: Sequence[Cutoff], done: dict[tuple[str, int], Forecast], now: Series, horizon: int
) -> ModelScore | None:
    """One model against what came, over the cuts where it and seasonal naive are done; None where there is none.

    Args:
        done: forecasts by model and place of the cut.
        now: the series as it is known now, which holds what came.
    """
    judged = [i for i, cut in enumerate(cutoffs) if cut.origin < now.origin]
    places = [i for i in judged if (model, i) in done and ("naive", i) in done]
    if not places:
        return None
    came, said, repeated = [], [], []
    for i in places:
        first = int(now.dates.searchsorted(cutoffs[i].origin, side="right"))
        came.append(now.published[first : first + horizon])
        said.append(done[model, i].values[cutoffs[i].gap :][: len(came[-1])])
        repeated.append(done["naive", i].values[cutoffs[i].gap :][: len(came[-1])])
    return score_model(model, np.concatenate(said), np.concatenate(repeated), np.concatenate(came))


def track_record_forecasts(past: TrackRecord) -> pd.DataFrame:
    """What is done of a look back, as a forecasts table of the periods that are judged."""
    table = stack_cutoffs([(past.cutoffs[place], forecast) for (_, place), forecast in past.forecasts.items()])
    return table[table[HORIZON] <= past.horizon].reset_index(drop=True)


def track_record_scores(past: TrackRecord, now: Series) -> pd.DataFrame:
    """What `score_forecasts` gives for that table: a score for every period that is judged and has come.

    Args:
        now: the series as it is known now, which holds what came.
    """
    made = sorted(past.forecasts.items(), key=lambda one: (one[0][0], past.cutoffs[one[0][1]].origin))
    parts = [(name, past.cutoffs[place], forecast) for (name, place), forecast in made]
    if not parts:
        return pd.DataFrame(columns=list(SCORES))
    ahead = [min(forecast.horizon - cut.gap, past.horizon) for _, cut, forecast in parts]
    cells = pd.DataFrame(
        {
            REGION: np.repeat(np.array([cut.region for _, cut, _ in parts], dtype=object), ahead),
            MODEL: np.repeat(np.array([name for name, *_ in parts], dtype=object), ahead),
            ORIGIN: np.repeat(pd.DatetimeIndex([cut.origin for _, cut, _ in parts]), ahead),
            HORIZON: np.concatenate([np.arange(1, count + 1) for count in ahead]),
            DATE: np.concatenate([f.dates.to_numpy()[cut.gap :][: past.horizon] for _, cut, f in parts]),
        }
    )
    place = now.dates.get_indexer(pd.DatetimeIndex(cells[DATE]))
    came = np.where(place >= 0, now.published[place], np.nan)
    return score_cells(cells, np.concatenate([f.values[cut.gap :][: past.horizon] for _, cut, f in parts]), came)


@dataclass(frozen=True)
class StretchError:
    """How far the medians of the next stretch were off, on average over dates.

    Attributes:
        size: the mean absolute error of the stretch's sum.
        came: the mean of what came, its absolute value.
    """

    size: float
    came: float


def stretch_errors(
    past: TrackRecord, now: Series, model: str, steps: int
) -> tuple[int, StretchError, StretchError] | None:
    """How far off a model was in the first `steps` periods after the earlier dates, and seasonal naive from the same ones.

    Args:
        now: the series as it is known now, which holds what came.

    Returns:
        The number of dates, the model's error and seasonal naive's; None while neither is known.
    """
    done = past.forecasts
    places = [place for place in range(len(past.cutoffs)) if (model, place) in done and ("naive", place) in done]
    rows = []
    for place in places:
        cut = past.cutoffs[place]
        first = int(now.dates.searchsorted(cut.origin, side="right"))
        came = now.published[first : first + steps]
        if len(came) < steps:
            continue
        said = [done[name, place].median[cut.gap :][:steps].sum() for name in (model, "naive")]
        rows.append([came.sum(), *said])
    if not rows:
        return None
    came, own, naive = np.array(rows, dtype=float).T
    mean = float(np.abs(came).mean())
    return (
        len(rows),
        StretchError(float(np.abs(own - came).mean()), mean),
        StretchError(float(np.abs(naive - came).mean()), mean),
    )
