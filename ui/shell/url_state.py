"""The state of a page in its address: short, stable names that a link keeps working with.

Streamlit's own `bind="query-params"` writes the labels of widgets into the address, so a reworded label would break every
link; and it drops what it does not know without a word. Here a link carries registry names, and what cannot be honoured is
said.
"""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import urlencode

import streamlit as st

from ui.shell.markdown import escape_markdown
from ui.shell.streamlit_internals import is_history_navigation

_NOTES = "link notes"
#: What stands for a choice of nothing; Streamlit drops empty values from the address.
NONE = "none"
_WRITTEN = "link written"
_ASIDE = "link put aside"
_REOPENED = "link reopened"
_PAGE = "link page"
_KEYS = "link keys"
_ANEW = "link anew"
#: The address of the first page.
FIRST_PAGE = ""


def open_page(page: str) -> None:
    """A page is about to be run. After the browser's back or forward it opens with what its address says, as from a link.

    An address without choices says nothing; then the present ones stay.
    """
    st.session_state[_PAGE] = page
    if is_history_navigation() and st.query_params:
        forget_notes()
        _open_link(st.query_params.to_dict(), page)


def _open_link(wishes: dict[str, str], page: str) -> None:
    """Let `page` open with what an address asks for, whatever was chosen before."""
    st.session_state[_REOPENED] = wishes
    horizons = {str(key) for key in st.session_state if str(key).startswith("horizon_")}
    st.session_state[_ANEW] = horizons | {*wishes} | st.session_state.get(_KEYS, {}).get(page, set())


def keeps_value(key: str) -> bool:
    """Whether there is a value of the session that nothing has asked to change; it is part of what this page's address shows."""
    page = st.session_state.get(_PAGE, FIRST_PAGE)
    st.session_state.setdefault(_KEYS, {}).setdefault(page, set()).add(key)
    return key in st.session_state and key not in st.session_state.get(_ANEW, ())


def set_value(key: str, value: object) -> None:
    """A new value, for a widget before it is drawn. Streamlit loses what is taken out of the session before that."""
    st.session_state[key] = value
    st.session_state.get(_ANEW, set()).discard(key)


def link_notes() -> list[str]:
    """Sentences about what the link asked for that is not there; gone as soon as the reader changes something."""
    return list(st.session_state.get(_NOTES, []))


def forget_notes() -> None:
    """The reader has moved on: called by every control when it changes."""
    st.session_state.pop(_NOTES, None)


def _note(sentence: str) -> None:
    """The sentence quotes what a stranger may have put into the link."""
    st.session_state.setdefault(_NOTES, []).append(escape_markdown(sentence))


def link_value(name: str) -> str | None:
    """What the link asks for. Once a page has written its own state into the address, nothing there is a link's wish."""
    if _REOPENED in st.session_state:
        wish: str | None = st.session_state[_REOPENED].get(name)
        return wish
    return None if _WRITTEN in st.session_state else st.query_params.get(name)


def postpone_link(sentence: str) -> None:
    """Keep a link that cannot be opened now, for `follow_postponed_link`, and say why: nothing else in it can be honoured."""
    st.session_state[_ASIDE] = st.query_params.to_dict()
    st.session_state[_WRITTEN] = True
    st.session_state.pop(_REOPENED, None)
    st.query_params.clear()
    _note(sentence)


def postponed_source() -> str | None:
    """The source of the link that was put aside, if there is one."""
    return postponed_value("source")


def postponed_value(name: str) -> str | None:
    """What the link that was put aside asks for."""
    wish: str | None = st.session_state.get(_ASIDE, {}).get(name)
    return wish


def follow_postponed_link() -> None:
    """Let Explore open with what the link that was put aside asks for."""
    _open_link(st.session_state.pop(_ASIDE), FIRST_PAGE)


def seed(key: str, options: Sequence[str], default: str, what: str, wish: str | None = None) -> None:
    """Give the widget `key` its first value: the link's if it is one of `options`, else `default` with a note.

    `wish` is the link's where the page had to put it aside until it knew the options.
    """
    if keeps_value(key):
        if st.session_state[key] not in options:
            st.session_state[key] = default
        return
    wish = wish or link_value(key)
    known = {option.casefold(): option for option in options}
    if wish is not None and wish.casefold() not in known:
        _note(f"This link asks for the {what} '{wish[:60]}', which is not here; you see '{default}' instead.")
    set_value(key, known.get((wish or "").casefold(), default))


def seed_many(key: str, options: Sequence[str], default: Sequence[str], what: str, separator: str = ",") -> None:
    """The same for several values, which a link joins with commas or another `separator`."""
    if keeps_value(key):
        return
    wishes = [name.strip().casefold() for name in (link_value(key) or "").split(separator) if name.strip()]
    if wishes == [NONE]:
        set_value(key, [])
        return
    known = {option.casefold() for option in options}
    unknown = [name[:60] for name in wishes if name not in known]
    if unknown:
        _note(f"This link asks for the {what} '{unknown[0]}', which is not here.")
    set_value(key, [option for option in options if option.casefold() in wishes] or list(default))


def seed_number(key: str, low: int, high: int, default: int, what: str, name: str | None = None) -> None:
    """The same for a whole number between `low` and `high`; `name` is its name in the link."""
    if keeps_value(key):
        st.session_state[key] = min(max(int(st.session_state[key]), low), high)
        return
    wish = link_value(name or key)
    if wish is None:
        set_value(key, min(max(default, low), high))
        return
    value = int(wish) if wish.isascii() and wish.lstrip("-").isdigit() and len(wish) < 10 else None
    set_value(key, min(max(default if value is None else value, low), high))
    if value != st.session_state[key]:
        _note(
            f"This link asks for {what} '{wish[:20]}'; from {low} to {high} is possible, you see {st.session_state[key]}."
        )


def seed_switch(key: str, what: str, name: str) -> None:
    """The same for what is on, unless the link says ``name=0``."""
    if keeps_value(key):
        return
    wish = link_value(name)
    if wish not in (None, "0", "1"):
        _note(f"This link asks for the {what} '{wish[:60]}', which is not here.")
    set_value(key, wish != "0")


def seed_text(key: str, most: int) -> None:
    """The same for a text of any kind, of which no more than `most` letters are taken."""
    if not keeps_value(key):
        set_value(key, (link_value(key) or "")[:most])


def write_address(state: dict[str, str]) -> None:
    """Put `state` in the address, if it is not there already."""
    st.session_state[_WRITTEN] = True
    st.session_state.pop(_REOPENED, None)
    if st.query_params.to_dict() != state:
        st.query_params.from_dict(state)


def shareable_link() -> str:
    """The address of what is on the screen, for sharing."""
    base = (st.context.url or "").split("?")[0].rstrip("/")
    return f"{base}/?{urlencode(st.query_params.to_dict())}"
