"""Return to the requested address after sign-in: signing in leads to the first page, and the tab then goes where a link led."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

_component = st.components.v2.component("way_back", js=(Path(__file__).parent / "login_redirect.js").read_text())


def remember_address() -> None:
    """Have the tab remember its address as soon as the reader presses a button to sign in."""
    _component(data={"remember": True}, key="way back")


def return_to_address() -> None:
    """Have the tab go to the address that it remembers; the reader has signed in."""
    _component(data={"remember": False}, key="way back")
