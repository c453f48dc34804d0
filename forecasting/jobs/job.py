"""Job: a snapshot of one background fit, its states, and the one function that changes them."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

from forecasting.data.forecast import Forecast
from forecasting.models import Progress
from forecasting.support.errors import JobError


class State(StrEnum):
    """The state of a job."""

    queued = "queued"  #: waits for a worker
    running = "running"  #: a worker fits it now
    done = "done"  #: the forecast is there
    failed = "failed"  #: the model could not, or its worker died twice; `Job.error` says which
    cancelled = "cancelled"  #: somebody did not want it any more, or the queue was closed
    timed_out = "timed_out"  #: ended after the model's time limit; the best draft stays

    @property
    def finished(self) -> bool:
        """Whether nothing more will happen by itself."""
        return self not in (State.queued, State.running)


#: The states that may follow each state. A running fit is queued again when its worker died; a finished one, but never a done
#: one, when somebody asks to retry.
TRANSITIONS: dict[State, frozenset[State]] = {
    State.queued: frozenset({State.running, State.done, State.failed, State.cancelled}),
    State.running: frozenset({State.done, State.failed, State.cancelled, State.timed_out, State.queued}),
    State.done: frozenset(),
    State.failed: frozenset({State.queued}),
    State.cancelled: frozenset({State.queued}),
    State.timed_out: frozenset({State.queued}),
}


@dataclass(frozen=True)
class Job:
    """A snapshot of one fit.

    Attributes:
        key: the request's key; everybody who asks the same gets the same job.
        model, horizon: what is fitted, and how far it reaches.
        state: where it stands between queued and finished.
        progress: what the model reported last, without its draft; None before its first report.
        draft: the forecast of the best candidate so far; kept when the fit is ended early, None once it is done.
        forecast: the result, when done.
        error: one sentence for a person, when failed or timed out.
        seconds: how long it has been fitted, or was fitted when finished; time in the queue does not count.
        ahead: how many waiting fits go before this one.
        attempts: how many times a worker began it.
        version: grows with each change of anything but `seconds` and `ahead`; no two changes in a queue share one.
        parts: of a fit of many regions, which has no one forecast, those that are there, by region; of one of many requests by the
            names in `BatchRequest.parts`. No visitor asks for such a job by itself (`composite` makes the jobs of regions from it).
    """

    key: str
    model: str
    horizon: int
    state: State = State.queued
    progress: Progress | None = None
    draft: Forecast | None = None
    forecast: Forecast | None = None
    error: str | None = None
    seconds: float = 0.0
    ahead: int = 0
    attempts: int = 0
    version: int = 0
    parts: dict[str, Forecast] = field(default_factory=dict, compare=False, repr=False)

    @property
    def finished(self) -> bool:
        """Whether nothing more will happen by itself."""
        return self.state.finished


def change_state(job: Job, state: State, version: int, **changes: Any) -> Job:
    """`job` in its next `state`. The one place where a state changes; raises `JobError` where it may not."""
    if state not in TRANSITIONS[job.state]:
        raise JobError(f"A {job.state} fit cannot become {state}.")
    return replace(job, state=state, version=version, **changes)


def with_progress(job: Job, progress: Progress, version: int) -> Job:
    """A running `job` with what its model has just reported."""
    draft = progress.draft or job.draft
    return replace(job, progress=replace(progress, draft=None), draft=draft, version=version)


def with_parts(job: Job, parts: dict[str, Forecast], version: int) -> Job:
    """A running `job` of many requests with the forecasts of some."""
    return replace(job, parts=job.parts | parts, version=version)


def with_region(job: Job, region: str, forecast: Forecast, version: int) -> Job:
    """A running `job` of many regions with the forecast of one more."""
    return replace(job, parts=job.parts | {region: forecast}, version=version)
