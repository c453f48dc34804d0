"""Guard of every page: its script runs only inside the frame, which has the navigation and the sign-in.

Streamlit takes a folder ``pages`` beside the app's script for an app of the old kind until some script of the process has
called `st.navigation`, and until then runs a page that is opened by its address alone, without the app's script. So the
first visit after a start would come without frame, navigation and sign-in.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

import streamlit as st

from ui.shell import navigation

_INSIDE: ContextVar[bool] = ContextVar("a page is run by the frame", default=False)


@contextmanager
def running_page() -> Iterator[None]:
    """The frame runs a page's script within this."""
    token = _INSIDE.set(True)
    try:
        yield
    finally:
        _INSIDE.reset(token)


def require() -> None:
    """Stop a page's script that runs outside the frame, and run the app's script with the same address instead.

    The first thing that every page does. Once a process has called `st.navigation`, Streamlit always runs the app's script.
    The pages are told by their files' names: who comes back from a server that died asks for ``explore``, and an address that
    is none would be told so in a dialog that stays and blocks the page.
    """
    if not _INSIDE.get():
        navigation.configure_tab()
        st.navigation(navigation.pages_by_file(), position="hidden")
        st.rerun()
