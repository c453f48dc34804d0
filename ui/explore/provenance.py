"""The foot of the Explore page: where the figures come from, and what was repaired in them."""

from __future__ import annotations

from dataclasses import replace

import streamlit as st

from forecasting.data.panel import TRUE_ZEROS, UNREPORTED_ZEROS
from forecasting.data.revisions import Revision
from forecasting.preparation import messages
from forecasting.services.service import Service
from ui.shell import polling, uploads
from ui.shell.choices import Choices
from ui.shell.markdown import escape_markdown


def figure_notes(choices: Choices, revisions: tuple[Revision, ...]) -> list[str]:
    """What was repaired, and what the last figures usually become."""
    return [*choices.series.notes, *messages.revision_sentences(revisions, choices.series.frequency)]


def credit_line(choices: Choices) -> str:
    """Whom to credit for the figures that are shown, and under what terms they are."""
    panel, name = choices.panel, choices.statistic.name
    return f"{panel.attribution_of(name)}. Licence: {panel.licence_of(name)}."


def _draw_zeros_choice(choices: Choices) -> None:
    """Draw a button that takes zeros at the end of a visitor's own counts the other way, where that makes a difference."""
    file = uploads.files().get(choices.panel.source)
    read = file.read() if file else None
    if file is None or read is None or read.mapping is None:
        return
    true = choices.statistic.zeros_at_end == TRUE_ZEROS
    if not true and not any(note.endswith(messages.ZEROS_QUESTION) for note in choices.series.notes):
        return
    label = "The zeros at the end are not reported yet" if true else "The zeros at the end are true"
    reading = UNREPORTED_ZEROS if true else TRUE_ZEROS
    if st.button(label, icon=":material/exposure_zero:", key=f"zeros {file.source} {reading}"):
        uploads.read_again(file, read, replace(read.mapping, zeros_at_end=reading))
        polling.rerun_page()


def draw_provenance(service: Service, choices: Choices) -> None:
    """Draw where the figures come from, what was repaired in them, and what the last ones usually become."""
    revisions = service.revisions(choices.panel, choices.region, choices.statistic.name)
    notes = figure_notes(choices, revisions)
    st.markdown("## About these figures")
    st.markdown("\n".join(f"- {note}" for note in notes) if notes else "No data problems found.")
    _draw_zeros_choice(choices)
    about = [*choices.panel.notes, credit_line(choices)]
    st.caption(escape_markdown(" ".join(about)))
