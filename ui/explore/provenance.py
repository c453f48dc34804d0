"""The foot of the Explore page: where the figures come from, and what was repaired in them."""

from __future__ import annotations

import streamlit as st

from forecasting.data.revisions import Revision
from forecasting.preparation import messages
from forecasting.services.service import Service
from ui.shell.choices import Choices
from ui.shell.markdown import escape_markdown


def figure_notes(choices: Choices, revisions: tuple[Revision, ...]) -> list[str]:
    """What was repaired, and what the last figures usually become."""
    return [*choices.series.notes, *messages.revision_sentences(revisions, choices.series.frequency)]


def draw_provenance(service: Service, choices: Choices) -> None:
    """Draw where the figures come from, what was repaired in them, and what the last ones usually become."""
    revisions = service.revisions(choices.panel, choices.region, choices.statistic.name)
    notes = figure_notes(choices, revisions)
    with st.container(border=True):
        st.markdown("##### About these figures")
        st.markdown("\n".join(f"- {note}" for note in notes) if notes else "Nothing had to be repaired.")
        st.caption(escape_markdown(f"{choices.panel.attribution}. Licence: {choices.panel.licence}."))
