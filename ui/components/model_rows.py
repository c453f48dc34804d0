"""The table of models on Explore: what each is doing, what it expects next, how good it was, and the way to end or repeat a fit.

Error bars, ranges held and states stand in one row a model; the formula behind a forecast is a click away.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

import streamlit as st

from forecasting.data.forecast import Forecast
from forecasting.data.series import Series
from forecasting.evaluation.scores import ModelScore
from forecasting.evaluation.track_record import TrackRecord
from forecasting.jobs import Job, State
from forecasting.models import model
from forecasting.models.base import Progress
from forecasting.views import answer
from forecasting.views.line_breaks import keep_together
from forecasting.views.palette import Theme
from ui.components.sequence import with_number

#: An error of so many times no change's fills a bar.
FULL_BAR = 2.0

_here = Path(__file__).parent

_component = st.components.v2.component(
    "model_rows",
    html='<div class="rows" role="table" aria-label="Models" aria-live="polite"></div>',
    css=(_here / "model_rows.css").read_text(),
    js=(_here / "model_rows.js").read_text(),
)


@dataclass(frozen=True)
class ModelRow:
    """What a row shows.

    Attributes:
        key, model, label, colour: of the job and its model.
        lead: its bands are drawn.
        state: ``"queued"``, ``"running"``, ``"done"``, ``"failed"``, ``"cancelled"`` or ``"timed_out"``.
        text: what the model is doing, or what went wrong.
        method: what exactly was fitted, for who asks; empty while it is not known.
        error: the error in words: ``"19 % below"``, or how far judging has come; empty while it is not known.
        bar: the share of the bar that is filled, 0 to 1; None where there is no error.
        held: the shares of what came that the 50, 80 and 95 % ranges held: ``"47 / 81 / 97"``.
        expected: what the model expects next.
        seconds: of the fit so far; None while it waits.
        action: the button's label, if there is one.
    """

    key: str
    model: str
    label: str
    colour: str
    lead: bool
    state: str
    text: str
    method: str
    error: str
    bar: float | None
    held: str
    expected: str
    seconds: float | None
    action: str | None


def rows(
    jobs: Iterable[Job],
    past: TrackRecord,
    series: Series,
    forecasts: dict[str, Forecast],
    lead: str,
    theme: Theme,
) -> list[ModelRow]:
    """A row for each job.

    Args:
        past: the track record as far as it has come.
        forecasts: what is drawn, by model: finished forecasts and drafts.
        lead: the model whose bands are drawn.
    """
    return [_row(job, past, series, forecasts.get(job.model), job.model == lead, theme) for job in jobs]


def draw(shown: list[ModelRow], *, next_stretch: str, key: str) -> tuple[str, str] | None:
    """Draw the rows; `next_stretch` is the heading of what they expect. Returns ``("cancel" or "retry", job key)`` when the reader has just pressed a button."""
    data = with_number(
        {"rows": [asdict(row) for row in shown], "no_change": 1 / FULL_BAR, "next": keep_together(next_stretch)}, key
    )
    asked = _component(data=data, key=key, on_cancel_change=_nothing, on_retry_change=_nothing)
    if asked.cancel:
        return "cancel", asked.cancel
    return ("retry", asked.retry) if asked.retry else None


def _nothing() -> None:
    """A trigger must have a callback to be reported; what it asks is carried out where the rows are drawn."""


def _row(job: Job, past: TrackRecord, series: Series, forecast: Forecast | None, lead: bool, theme: Theme) -> ModelRow:
    partial = past.is_partial(job.model)
    score = None if partial else past.of(job.model)
    action = {State.queued: "Cancel", State.running: "Cancel", State.done: None}.get(job.state, "Try again")
    ratio = score.relative_wis if score is not None and score.relative_wis == score.relative_wis else None
    return ModelRow(
        job.key,
        job.model,
        model(job.model).label,
        theme.model(job.model),
        lead,
        job.state.value,
        describe(job),
        job.forecast.method if job.forecast is not None else "",
        _judging(past, job.model) if partial else "" if ratio is None else answer.against_no_change(ratio),
        None if ratio is None else min(ratio / FULL_BAR, 1.0),
        "" if score is None else " / ".join(_percents(score)),
        "" if forecast is None else answer.expected_figure(series, forecast),
        None if job.state == State.queued else round(job.seconds, 2),
        action,
    )


def _judging(past: TrackRecord, name: str) -> str:
    return f"judged from {past.judged(name)} of {len(past.cutoffs)} dates so far"


def _percents(score: ModelScore) -> list[str]:
    return [f"{100 * held / score.periods:.0f}" for held in (score.held_50, score.held_80, score.held_95)]


def describe(job: Job) -> str:
    """What a job is doing, in a line: ``"still training · SARIMA (1,1,1) · 5 of 8 · best so far 0.92"``."""
    if job.state == State.queued:
        return f"waiting · {job.ahead} before it" if job.ahead else "waiting for a worker"
    if job.state == State.running:
        return " · ".join(_trying(job))
    if job.state == State.done and job.forecast is not None:
        return " · ".join(["done", *job.forecast.notes])
    draft = " · its last draft is shown dotted" if job.draft is not None else ""
    return (job.error or ("cancelled" if job.state == State.cancelled else "did not finish")) + draft


def _trying(job: Job) -> list[str]:
    if job.progress is None:
        return ["training"]
    progress = job.progress
    if model(job.model).members:
        return _blending(job, progress)
    words = ["still training", progress.trying]
    if progress.of > 1:
        words.append(f"{progress.done} of {progress.of}")
    if progress.best is not None:
        words.append(f"best so far {progress.best:.2f}")
    return words


def _blending(job: Job, progress: Progress) -> list[str]:
    """What a blend is still waiting for, and what the one that is drawn meanwhile is made of."""
    made = [f"so far {job.draft.method}"] if job.draft is not None else []
    return [f"{progress.done} of {progress.of} there", *made, progress.trying[:1].lower() + progress.trying[1:]]
