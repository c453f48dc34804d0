"""The choices of layout on the Compare page, which the address keeps, and places row by row."""

from __future__ import annotations

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from ui.shell import axis_scale, controls, navigation, sharing, url_state
from ui.shell.choices import Choices
from ui.shell.markdown import escape_markdown

#: Layouts of earlier forecasts: name in the link -> label.
LAYOUTS = {"side": "Side by side", "overlaid": "Overlaid"}
#: Charts behind the scores: name in the link -> label.
DETAILS = {"error": "Error by horizon", "held": "Bands held by horizon", "fell": "Where outcomes fell"}
#: Name in the link -> the value that stands in no address.
_USUAL = {"layout": "side", "detail": "error", axis_scale.SCALE: axis_scale.LINEAR}


def seed() -> None:
    """Give the controls here their first values, before the page writes its address."""
    url_state.seed("layout", list(LAYOUTS), "side", "layout")
    url_state.seed("detail", list(DETAILS), "error", "chart")


def state() -> dict[str, str]:
    """What of it the address keeps."""
    chosen = {name: st.session_state[name] for name in _USUAL}
    return {name: value for name, value in chosen.items() if value != _USUAL[name]}


def draw_heading(choices: Choices, what: str, below: str) -> None:
    """Draw the heading: what is compared, a link to share, and what the link asked for that is not there."""
    navigation.name_tab(what[:1].upper() + what[1:], "Compare")
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center", key="compared"):
        st.title(f"Compare: {escape_markdown(what)}", anchor=False, width="stretch")
        with st.container(horizontal=True, width="content"):
            sharing.draw_share(choices)
    st.caption(below)
    if unmet := url_state.link_notes():
        st.info("\n\n".join(unmet), icon=":material/link_off:")


def draw_choice(key: str, options: dict[str, str], label: str) -> str:
    """A row of choices that the address keeps; here, for what polls does not write the address otherwise."""
    chosen = controls.segmented_control(
        label,
        list(options),
        format_func=options.__getitem__,
        key=key,
        label_visibility="collapsed",
    )
    kept = {name: value for name, value in st.query_params.to_dict().items() if name not in _USUAL}
    url_state.write_address(kept | state())
    return chosen


def column_grid(count: int, wide: int) -> list[DeltaGenerator]:
    """Places row by row, so that a phone, which puts columns under one another, keeps the order."""
    rows = [st.columns(wide) for _ in range(0, count, wide)]
    return [cell for row in rows for cell in row][:count]
