"""Adaptations of Streamlit's own part of the page, by a script and a style sheet that a browser's tab gets once and keeps.

One step of the browser's back or forward is one view, though Streamlit makes several of a page and the choices in its address; and
columns go by the room that the sidebar leaves, not by the window (`frame.css`). No line of any page ends between a number and its unit or within a range,
and a table that goes on beyond its right edge says so.
"""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from forecasting.views import line_breaks

_here = Path(__file__).parent
_CSS = (_here / "frame.css").read_text()
_component = st.components.v2.component("frame", js=(_here / "frame.js").read_text())
#: The first runs of a visit may be over before the tab has heard of it.
_RUNS = 3
_SENT = "frame sent"


def adapt_browser() -> None:
    """Send the style sheet and script of the frame to the browser's tab, in the first runs of a visit."""
    sent = st.session_state.get(_SENT, 0)
    if sent < _RUNS:
        st.session_state[_SENT] = sent + 1
        _component(
            data={"css": _CSS, "holding": line_breaks.HOLDING_SPACE, "dash": line_breaks.HOLDING_DASH}, key="frame"
        )
