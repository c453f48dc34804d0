"""The choice of a linear or a logarithmic y axis, which Explore and Compare share: its name in the address, and its values."""

from __future__ import annotations

import streamlit as st

from forecasting.data.series import Series
from forecasting.views.log_axis import can_log
from ui.shell import url_state

#: Its name in the address and in the session's state, and its values, the default first.
SCALE, LINEAR, LOG = "scale", "linear", "log"
#: Value -> label.
LABELS = {LINEAR: "Linear axis", LOG: "Log axis"}


def scales(series: Series) -> list[str]:
    """The values that make sense of such figures, the default first."""
    return [LINEAR, LOG] if can_log(series) else [LINEAR]


def seed(series: Series) -> None:
    """Give the choice its first value."""
    url_state.seed(SCALE, scales(series), LINEAR, "axis")


def is_log() -> bool:
    """Whether a logarithmic axis is chosen."""
    return bool(st.session_state.get(SCALE) == LOG)


def field() -> dict[str, str]:
    """What the address says of it: nothing of a linear axis."""
    return {SCALE: LOG} if is_log() else {}


def choose(value: str) -> None:
    """Take over what was pressed on a chart's edge, into the address too."""
    url_state.forget_notes()
    st.session_state[SCALE] = value
    url_state.change_address({SCALE: None} | field())
