"""What a question has come to so far, and its forecasts as JSON: the rows of the forecasts table, exact to the last digit."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from forecasting.api.job_register import Asked, Part
from forecasting.data.forecast import QUANTILES, Forecast
from forecasting.jobs import Job, JobQueue, State
from forecasting.models import model
from forecasting.support.caching import lazy


@dataclass(frozen=True)
class Answer:
    """A question and the jobs of its parts, in their order; None for a part without one."""

    asked: Asked
    jobs: tuple[Job | None, ...]

    @lazy
    def done(self) -> list[tuple[Part, Forecast]]:
        """The forecasts that are there."""
        pairs = zip(self.asked.parts, self.jobs, strict=True)
        return [(part, job.forecast) for part, job in pairs if job and job.forecast]

    @lazy
    def open(self) -> list[Job]:
        """The jobs that are not finished."""
        return [job for job in self.jobs if job and not job.finished]

    @property
    def complete(self) -> bool:
        """Whether every forecast that is asked for is there, so that the answer will always be the same."""
        return all(job is not None and job.forecast is not None for job in self.jobs)

    @property
    def known(self) -> bool:
        """Whether there is a job for every part that should have one."""
        return all(job is not None or part.error for part, job in zip(self.asked.parts, self.jobs, strict=True))

    @property
    def state(self) -> State:
        """Of all together: done when some forecast is there and no other one will come."""
        states = [job.state for job in self.jobs if job]
        if self.open:
            return State.queued if all(state is State.queued for state in states) else State.running
        if self.done:
            return State.done
        return next((state for state in (State.timed_out, State.cancelled) if state in states), State.failed)

    @property
    def failures(self) -> list[dict[str, str | None]]:
        """What there is no forecast of, and why."""
        found = []
        for part, job in zip(self.asked.parts, self.jobs, strict=True):
            error = part.error or (_why_not(job) if job and job.finished and not job.forecast else "")
            if error:
                found.append(
                    {"region": part.region, "statistic": part.statistic, "model": part.model or None, "error": error}
                )
        return found

    @property
    def progress(self) -> dict[str, Any]:
        """How far it is."""
        first = next(iter(self.open), None)
        return {
            "done": sum(job.finished for job in self.jobs if job),
            "of": len([part for part in self.asked.parts if part.key]),
            "seconds": round(sum(job.seconds for job in self.jobs if job), 3),
            "ahead": min((job.ahead for job in self.open if job.state is State.queued), default=None),
            "trying": first.progress.trying if first and first.progress else None,
        }

    def forecasts(self) -> bytes:
        """``{"forecasts": [row, …], …}``, with what failed and what is to be said."""
        return _object({"notes": list(self.asked.notes), "errors": self.failures}, self._rows())

    def job(self, location: str) -> bytes:
        """The job, with its forecasts when it is done and its error when it failed."""
        state, failures = self.state, self.failures
        said: dict[str, Any] = {
            "id": self.asked.id,
            "state": state,
            "location": location,
            "progress": self.progress,
            "notes": list(self.asked.notes),
            "errors": failures,
        }
        if state.finished and state is not State.done:
            said["error"] = " ".join(dict.fromkeys(one["error"] or "" for one in failures))
        return _object(said, self._rows() if state is State.done else None)

    def _rows(self) -> Iterator[str]:
        timed = any(has_times(forecast) for _, forecast in self.done)
        for part, forecast in self.done:
            yield from rows(part, forecast, self.asked.levels, self.asked.several, timed)


def answer_of(asked: Asked, queue: JobQueue) -> Answer:
    """What has become of a question by now."""
    found = {job.key: job for job in queue.jobs([part.key for part in asked.parts if part.key])}
    return Answer(asked, tuple(found.get(part.key) for part in asked.parts))


def given_up(identity: str, location: str) -> bytes:
    """A job that was cancelled, of which no more is known here."""
    error = "The job was cancelled; ask again."
    progress = {"done": 0, "of": 0, "seconds": 0.0, "ahead": None, "trying": None}
    said = {"id": identity, "state": State.cancelled, "location": location, "progress": progress, "error": error}
    return _object(said, None)


def rows(part: Part, forecast: Forecast, levels: Sequence[float], several: bool, timed: bool) -> Iterator[str]:
    """The rows of one forecast as JSON texts. Made here because the json module takes three times as long for so many."""
    values = forecast.values if part.before is None else forecast.cumulative(part.before)
    values = values[:, [QUANTILES.index(level) for level in levels]]
    written = "%Y-%m-%dT%H:%M" if timed else "%Y-%m-%d"
    head = {"region": part.region, **({"statistic": part.statistic} if several else {}), "model": forecast.model}
    start = json.dumps({**head, "origin": forecast.origin.strftime(written)}, ensure_ascii=False)[:-1]
    ends = [f'"quantile": {level!r}, "value": ' for level in levels]
    number = repr if np.isfinite(values).all() else json.dumps
    for step, (date, row) in enumerate(zip(forecast.dates.strftime(written), values.tolist(), strict=True), 1):
        middle = f'{start}, "horizon": {step}, "date": "{date}", '
        for end, value in zip(ends, row, strict=True):
            yield f"{middle}{end}{number(value)}}}"


def has_times(forecast: Forecast) -> bool:
    """Whether its dates are written with the time of day: with a time for one of them, all have it."""
    return any(moment != moment.normalize() for moment in (forecast.origin, *forecast.dates[:1]))


def _object(said: dict[str, Any], rows_: Iterable[str] | None) -> bytes:
    """A JSON object with the rows as its `forecasts`."""
    text = json.dumps(said, ensure_ascii=False)
    if rows_ is not None:
        text = f'{{"forecasts": [{", ".join(rows_)}], {text[1:]}'
    return text.encode(errors="replace")


def _why_not(job: Job) -> str:
    if job.error:
        return job.error
    return f'{model(job.model).label} was {job.state.replace("_", " ")}; ask again with "retry": true.'
