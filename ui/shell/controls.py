"""Controls whose value the address keeps.

Their value stays for the whole visit, also while another page is shown, and what was noted about an opened link goes as soon as
the reader changes one. `url_state` gives them their first value by their key.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import date
from typing import Any, Literal

import streamlit as st

from ui.shell import url_state

#: What all of them have in common.
_KEPT: dict[str, Any] = {"on_change": url_state.forget_notes, "persist_state": "session"}

_HIDDEN: ContextVar[bool] = ContextVar("controls are not drawn", default=False)


@contextmanager
def hidden() -> Iterator[None]:
    """Within this the controls of the sidebar are not drawn, and have the value that `url_state` gave them."""
    token = _HIDDEN.set(True)
    try:
        yield
    finally:
        _HIDDEN.reset(token)


def are_hidden() -> bool:
    """Whether this is within `hidden`."""
    return _HIDDEN.get()


def selectbox(
    label: str, options: Sequence[str], key: str, format_func: Callable[[str], str] = str, help: str | None = None
) -> str:
    """A drop-down list of which one is chosen."""
    if are_hidden():
        return str(st.session_state[key])
    return st.selectbox(label, options, key=key, format_func=format_func, help=help, **_KEPT)


def multiselect(
    label: str, options: Sequence[str], key: str, max_selections: int | None = None, help: str | None = None
) -> list[str]:
    """A drop-down list of which any number is chosen."""
    if are_hidden():
        return list(st.session_state[key])
    return st.multiselect(label, options, key=key, max_selections=max_selections, help=help, **_KEPT)


def segmented_control(
    label: str,
    options: Sequence[str],
    key: str,
    format_func: Callable[[str], str] = str,
    help: str | None = None,
    label_visibility: Literal["visible", "collapsed"] = "visible",
) -> str:
    """A row of choices of which one is always chosen."""
    chosen = st.segmented_control(
        label,
        options,
        key=key,
        format_func=format_func,
        required=True,
        help=help,
        label_visibility=label_visibility,
        wrap=True,
        **_KEPT,
    )
    return chosen or options[0]


def pills(
    label: str, options: Sequence[str], key: str, format_func: Callable[[str], str] = str, help: str | None = None
) -> list[str]:
    """A row of choices of which any number is chosen."""
    if are_hidden():
        return list(st.session_state[key])
    return st.pills(label, options, key=key, selection_mode="multi", format_func=format_func, help=help, **_KEPT)


def pill(label: str, options: Sequence[str], key: str, format_func: Callable[[str], str] = str) -> str | None:
    """A row of choices of which one or none is chosen; its label is for screen readers alone."""
    return st.pills(label, options, key=key, format_func=format_func, label_visibility="collapsed", **_KEPT)


def slider(label: str, low: int, high: int, key: str, help: str | None = None) -> int:
    """A whole number from `low` to `high`."""
    if are_hidden():
        return int(st.session_state[key])
    return st.slider(label, low, high, key=key, help=help, **_KEPT)


def select_slider(label: str, options: Sequence[str], key: str, format_func: Callable[[str], str] = str) -> str:
    """One of several options in order."""
    return st.select_slider(label, options, key=key, format_func=format_func, **_KEPT)


def date_input(label: str, low: date, high: date, key: str, help: str | None = None) -> date:
    """A date from `low` to `high`."""
    chosen = st.date_input(label, min_value=low, max_value=high, key=key, help=help, format="YYYY-MM-DD", **_KEPT)
    return chosen or low


def toggle(label: str, key: str, help: str | None = None) -> bool:
    """A switch."""
    if are_hidden():
        return bool(st.session_state[key])
    return st.toggle(label, key=key, help=help, **_KEPT)


def search_box(label: str, key: str, max_chars: int, placeholder: str) -> str:
    """A text that is searched for as it is typed."""
    text = st.text_input(
        label,
        key=key,
        max_chars=max_chars,
        live=True,
        placeholder=placeholder,
        icon=":material/search:",
        **_KEPT,
    )
    return text or ""
