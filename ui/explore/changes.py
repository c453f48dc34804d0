"""The part of the Explore page that says why the forecast moved since the figures before."""

from __future__ import annotations

import streamlit as st

from forecasting.models import model
from forecasting.services.service import Service
from forecasting.views.answer import stretch_steps
from forecasting.views.change_sentences import change_sentences
from ui.shell import following
from ui.shell.choices import Choices
from ui.shell.markdown import escape_markdown

#: Whether the open box waits for fits, in the session's state: the page polls as long.
_WAITS = "why it moved waits"


def waits() -> bool:
    """Whether the box is open and its fits are not done."""
    return bool(st.session_state.get(_WAITS))


def draw_change(service: Service, choices: Choices, name: str) -> None:
    """Draw the box that says why a model's forecast moved; its fits are asked for only while somebody looks at it.

    Figures that come by themselves move all the time: they have none.
    """
    st.session_state[_WAITS] = False
    if following.streaming(choices.panel) is not None:
        return
    box = st.expander("Why it moved", icon=":material/swap_vert:", key="why", on_change="rerun")
    if not box.open:
        return
    steps = stretch_steps(choices.series)
    found = service.forecast_changes.change(
        choices.panel,
        choices.series,
        choices.statistic.name,
        name,
        choices.horizon,
        steps,
        training=choices.training,
    )
    st.session_state[_WAITS] = found.waiting
    with box:
        if found.why_not or found.full:
            st.caption(escape_markdown(found.why_not or found.full))
        elif found.change is None:
            done = sum(job.finished for job in found.jobs)
            st.caption(
                f"Still training: {model(name).label} as it would have been before the newest figures and without "
                f"revisions; {done} of {len(found.jobs)} forecasts are there."
            )
        else:
            first, *causes = change_sentences(choices.series, found.change)
            st.markdown(f"**{escape_markdown(first)}**")
            st.markdown("\n".join(f"- {escape_markdown(cause)}" for cause in causes))
            st.caption(
                f"By {model(name).label}, run again with one thing changed at a time; the parts add up. What new figures "
                "change includes what the model learned from them."
            )
