"""The button *Share*: a link that opens the same view elsewhere, made when somebody asks for it."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from ui.shell import uploads, url_state
from ui.shell.choices import Choices
from ui.shell.markdown import escape_markdown


def draw_share(choices: Choices, more: Callable[[Choices], None] | None = None) -> None:
    """Draw the button; its box has the link and what `more` draws below it.

    It is a part of the page that is run alone: choices on a chart's edge change the link without running the page.
    """
    st.fragment(_share)(choices, more)


def _share(choices: Choices, more: Callable[[Choices], None] | None) -> None:
    box = st.popover("Share", icon=":material/link:", width="content", key="share", on_change="rerun")
    if box.open:
        with box:
            needs = uploads.link_requirements(choices.panel.source)
            st.caption(escape_markdown(f"This link opens the same view elsewhere. {needs}".strip()))
            st.code(url_state.shareable_link(), language=None, wrap_lines=True)
            if more:
                more(choices)
