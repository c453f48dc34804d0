"""The way back: who opens a link and signs in sees what the link shows, though signing in leads to the first page."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

_component = st.components.v2.component("way_back", js=(Path(__file__).parent / "login_redirect.js").read_text())


def remember_address() -> None:
    """The reader is about to sign in: the tab keeps the address."""
    _component(data={"remember": True}, key="way back")


def return_to_address() -> None:
    """The reader has signed in: the tab goes where he wanted to."""
    _component(data={"remember": False}, key="way back")
