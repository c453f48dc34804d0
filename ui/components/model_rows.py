"""The job rows component: a live row a model, with what it is doing, for how long, and a button to cancel or to try again."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import streamlit as st

from forecasting.jobs import Job, State
from forecasting.models import Progress, model
from forecasting.views.palette import Theme
from ui.components.sequence import with_number

_here = Path(__file__).parent
_component = st.components.v2.component(
    "model_rows",
    html='<div class="rows" role="status" aria-live="polite"></div>',
    css=(_here / "job_rows.css").read_text(),
    js=(_here / "job_rows.js").read_text(),
)


def draw(jobs: Iterable[Job], theme: Theme, *, key: str) -> tuple[str, str] | None:
    """Draw a row for each job. Returns ``("cancel" or "retry", job key)`` when the reader has just pressed a button."""
    rows = [_row(job, theme) for job in jobs]
    data = with_number({"rows": rows}, key)
    asked = _component(data=data, key=key, on_cancel_change=_nothing, on_retry_change=_nothing)
    if asked.cancel:
        return "cancel", asked.cancel
    return ("retry", asked.retry) if asked.retry else None


def _nothing() -> None:
    """A trigger must have a callback to be reported; what it asks is carried out where the rows are drawn."""


def _row(job: Job, theme: Theme) -> dict[str, Any]:
    action = {State.queued: "Cancel", State.running: "Cancel", State.done: None}.get(job.state, "Try again")
    return {
        "key": job.key,
        "model": job.model,
        "label": model(job.model).label,
        "colour": theme.model(job.model),
        "state": job.state.value,
        "text": describe(job),
        "seconds": None if job.state == State.queued else round(job.seconds, 2),
        "action": action,
    }


def describe(job: Job) -> str:
    """What a job is doing, in a line: ``"still training · SARIMA (1,1,1) · 5 of 8 · best so far 0.92"``."""
    if job.state == State.queued:
        return f"waiting · {job.ahead} before it" if job.ahead else "waiting for a worker"
    if job.state == State.running:
        return " · ".join(_trying(job))
    if job.state == State.done and job.forecast is not None:
        return " · ".join(["done", job.forecast.method, *job.forecast.notes])
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
