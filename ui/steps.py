"""One step of the browser's back or forward is one view: Streamlit makes two of a page and the choices in its address."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

_component = st.components.v2.component("steps", js=(Path(__file__).parent / "steps.js").read_text())
#: What the tab has read once stays there; the first runs of a visit may be over before it has.
_RUNS = 3
_SENT = "steps sent"


def mend() -> None:
    """Has the tab do it from now on."""
    sent = st.session_state.get(_SENT, 0)
    if sent < _RUNS:
        st.session_state[_SENT] = sent + 1
        _component(key="steps")
