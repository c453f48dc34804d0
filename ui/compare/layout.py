"""The choices of layout on the Compare page, which the address keeps, and places row by row."""

from __future__ import annotations

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from ui.shell import controls, url_state

#: Layouts of earlier forecasts: name in the link -> label.
LAYOUTS = {"side": "Side by side", "overlaid": "Overlaid"}
#: Charts behind the scores: name in the link -> label.
DETAILS = {"error": "Error by horizon", "held": "Bands held by horizon", "fell": "Where outcomes fell"}


def seed() -> None:
    """Give the controls here their first values, before the page writes its address."""
    url_state.seed("layout", list(LAYOUTS), "side", "layout")
    url_state.seed("detail", list(DETAILS), "error", "chart")


def state() -> dict[str, str]:
    """What of it the address keeps."""
    chosen = {"layout": st.session_state["layout"], "detail": st.session_state["detail"]}
    return {name: value for name, value in chosen.items() if value not in ("side", "error")}


def draw_choice(key: str, options: dict[str, str], label: str) -> str:
    """A row of choices that the address keeps; here, for what polls does not write the address otherwise."""
    chosen = controls.segmented_control(
        label,
        list(options),
        format_func=options.__getitem__,
        key=key,
        label_visibility="collapsed",
    )
    kept = {name: value for name, value in st.query_params.to_dict().items() if name not in ("layout", "detail")}
    url_state.write_address(kept | state())
    return chosen


def column_grid(count: int, wide: int) -> list[DeltaGenerator]:
    """Places row by row, so that a phone, which puts columns under one another, keeps the order."""
    rows = [st.columns(wide) for _ in range(0, count, wide)]
    return [cell for row in rows for cell in row][:count]
