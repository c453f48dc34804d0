"""What a forecast says in words, for the API: the sentence, 80 % range, trend and track record that Explore shows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd

from forecasting.data.forecast import Forecast
from forecasting.data.series import Series
from forecasting.evaluation.backtest import Cutoff
from forecasting.evaluation.track_record import TrackRecord, score_cutoffs
from forecasting.jobs import Job
from forecasting.views import answer, headline

#: Figures of all series of a request together beyond which its answer has no words: each job keeps them in memory.
MAX_FIGURES = 20_000


@dataclass(frozen=True)
class Backtests:
    """The forecasts from earlier dates that a request has asked for.

    Attributes:
        now: the series as it is known now.
        keys: of their jobs, by model and place of the date.
        cutoffs: the series as it stood at each date, oldest first.
        horizon: the periods ahead that are judged.
        why_not: a sentence where there are none.
    """

    now: Series
    keys: Mapping[tuple[str, int], str]
    cutoffs: tuple[Cutoff, ...]
    horizon: int
    why_not: str = ""

    @staticmethod
    def of(past: TrackRecord, now: Series) -> Backtests:
        """Those that a track record has begun."""
        keys = {name: job.key for name, job in past.asked.items()}
        cutoffs = tuple(replace(cut, series=cut.series.alone()) for cut in past.cutoffs)
        return Backtests(now.alone(), keys, cutoffs, past.horizon, past.why_not or "")

    def track_record(self, jobs: Mapping[str, Job]) -> TrackRecord:
        """The track record as far as its jobs, by key, are done."""
        asked = {name: jobs[key] for name, key in self.keys.items() if key in jobs}
        return TrackRecord(asked=asked, horizon=self.horizon, why_not=self.why_not or None, cutoffs=self.cutoffs)


@dataclass(frozen=True)
class Subject:
    """The series that a forecast is of, as far as its words need it, and what its figures count."""

    label: str
    series: Series


def answer_json(
    region: str,
    statistic: str,
    subject: Subject,
    forecast: Forecast,
    past: TrackRecord | None,
    now: Series | None = None,
) -> dict[str, Any]:
    """The words on one forecast, and the numbers in them; with a track record, which is judged by the series as it is `now`."""
    series = subject.series
    said = answer.answer(region, subject.label, series, forecast, past, today=pd.Timestamp.now())
    low, middle, high = answer.next_stretch(series, forecast)
    return {
        "region": region,
        "statistic": statistic,
        "model": forecast.model,
        "sentence": said.sentence,
        "periods": min(answer.stretch_steps(series), forecast.horizon),
        "expected": middle,
        "range_80": [low, high],
        "trend": said.trend,
        "chance_of_rise": answer.chance_of_rise(series, forecast),
        "total": said.total,
        "track_record": _track_record(now or series, forecast.model, past, said.past) if past else None,
        "text": said.text,
    }


def _track_record(series: Series, name: str, past: TrackRecord, words: str) -> dict[str, Any] | None:
    """How such forecasts were; None where no date has one."""
    score = score_cutoffs(name, past.cutoffs, past.forecasts, series, past.horizon)
    if score is None:
        return None
    ahead = series.frequency.steps(past.horizon)
    return {
        "sentence": f"{headline.error_sentence(score, ahead + ' ahead')}; {headline.held_words(score)}.",
        "next": words,
        "origins": [f"{origin.isoformat()}".removesuffix("T00:00:00") for origin in past.origins],
        "horizon": past.horizon,
        "error_against_no_change": score.relative_wis if score.relative_wis == score.relative_wis else None,
        "outcomes": score.periods,
        "held_50": score.held_50,
        "held_80": score.held_80,
        "held_95": score.held_95,
    }


def subjects(series: Sequence[tuple[str, Series]]) -> tuple[Subject, ...]:
    """Those of the labels and series of a request; none where they are too large to be kept."""
    if sum(len(one) for _, one in series) > MAX_FIGURES:
        return ()
    return tuple(Subject(label, one.alone()) for label, one in series)
