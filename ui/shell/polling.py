"""Polling: how often a page that waits for something asks whether it has come.

One page asks twice a second. Each look is a run of a part of its script, and all pages share one interpreter: so the more of
them wait, the more seldom each one looks, and clicks are answered all the while.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NoReturn

import streamlit as st

from ui.shell import runtime, streamlit_internals

#: Seconds between two looks of a page while models train.
INTERVAL = 0.5
#: Seconds of its turn that a script gives to work that can go on at its next look.
WORK_PER_LOOK = 0.1


def polling_interval(usual: float) -> float:
    """Seconds after which this visit's page looks again: `usual`, or more where many wait."""
    return runtime.polling_pace.interval(streamlit_internals.session_id(), usual)


def rerun_page() -> NoReturn:
    """Run the whole page anew. What the browser has asked for meanwhile comes first, as Streamlit forgets it otherwise.

    That is another page, or a step back: all of a click but the values of controls.
    """
    st.empty()  # here a script ends for which there is something else to do
    st.rerun()


def draw_and_poll(draw: Callable[[], None], usual: float | None) -> None:
    """Draw a part of a page, and again every `usual` seconds, or more where many wait; None: there is nothing to wait for."""
    seconds = polling_interval(usual) if usual else None

    def look() -> None:
        with runtime.script_turns.taken():
            if usual and seconds and polling_interval(usual) > 2 * seconds:
                rerun_page()  # many more wait by now: this one looks more seldom
            draw()

    st.fragment(look, run_every=seconds)()
