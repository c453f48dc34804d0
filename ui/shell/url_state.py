"""The state of a page in its address: short, stable names that a link keeps working with.

Streamlit's own `bind="query-params"` writes the labels of widgets into the address, so a reworded label would break every
link; and it drops what it does not know without a word. Here a link carries registry names, and what cannot be honoured is
said.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from urllib.parse import urlencode

import streamlit as st

from ui.shell.markdown import escape_markdown
from ui.shell.streamlit_internals import is_history_navigation

#: What stands for a choice of nothing; Streamlit drops empty values from the address.
NONE = "none"
#: Name in the session's state: sentences about what a link asked for in vain.
_NOTES = "link notes"
#: Name in the session's state: whether a page has written its own state into the address.
_WRITTEN = "link written"
#: Name in the session's state: what a link asks for that waits for a file.
_POSTPONED = "link put aside"
#: Name in the session's state: what the address asks for that is opened within a visit.
_OPENED = "link reopened"
#: Name in the session's state: the page that is run.
_PAGE = "link page"
#: Name in the session's state: by page, the keys of the controls in its address.
_KEYS = "link keys"
#: Name in the session's state: keys of controls that get their value from the address once more.
_TO_RESET = "link anew"
#: The address of the first page.
FIRST_PAGE = ""


def open_page(page: str) -> None:
    """Note which page is about to be run. After the browser's back or forward it opens with what its address says, as from a link.

    An address without choices says nothing; then the present ones stay.
    """
    _carry_values(st.session_state.get(_PAGE, page), page)
    st.session_state[_PAGE] = page
    if is_history_navigation() and st.query_params:
        forget_notes()
        _open_link(st.query_params.to_dict(), page)


def _carry_values(before: str, page: str) -> None:
    """Write the values of the last page's controls anew when another page is opened.

    A control whose value was written by a script, and that was drawn in one run only, loses it otherwise on the way to another
    page: `persist_state` of Streamlit 1.67 looks for it before it is stored.
    """
    if before == page:
        return
    for key in st.session_state.get(_KEYS, {}).get(before, ()):
        if key in st.session_state:
            st.session_state[key] = st.session_state[key]


def _open_link(wishes: dict[str, str], page: str) -> None:
    """Let `page` open with what an address asks for, whatever was chosen before."""
    st.session_state[_OPENED] = wishes
    horizons = {str(key) for key in st.session_state if str(key).startswith("horizon_")}
    st.session_state[_TO_RESET] = horizons | {*wishes} | st.session_state.get(_KEYS, {}).get(page, set())


def keeps_value(key: str) -> bool:
    """Whether a control keeps the value that it has; else it is to be given one. Notes that this page's address shows it."""
    page = st.session_state.get(_PAGE, FIRST_PAGE)
    st.session_state.setdefault(_KEYS, {}).setdefault(page, set()).add(key)
    return key in st.session_state and key not in st.session_state.get(_TO_RESET, ())


def set_value(key: str, value: object) -> None:
    """Give a control a new value before it is drawn. To take out its old one first would not do: Streamlit loses the new one then."""
    st.session_state[key] = value
    st.session_state.get(_TO_RESET, set()).discard(key)


def link_notes() -> list[str]:
    """Sentences about what the link asked for that is not there; gone as soon as the reader changes something."""
    return list(st.session_state.get(_NOTES, []))


def forget_notes() -> None:
    """Drop the notes about a link, as the reader has moved on; every control calls it when it changes."""
    st.session_state.pop(_NOTES, None)


def _note(sentence: str) -> None:
    """Add a note, as plain text: it quotes what a stranger may have put into the link."""
    st.session_state.setdefault(_NOTES, []).append(escape_markdown(sentence))


def link_value(name: str) -> str | None:
    """The value that a link gives for `name`; None once a page has written its own state into the address."""
    if _OPENED in st.session_state:
        wish: str | None = st.session_state[_OPENED].get(name)
        return wish
    return None if _WRITTEN in st.session_state else st.query_params.get(name)


def postpone_link(sentence: str) -> None:
    """Keep a link that cannot be opened now for `follow_postponed_link`, and note why; the page opens as without a link."""
    st.session_state[_POSTPONED] = st.query_params.to_dict()
    st.session_state[_WRITTEN] = True
    st.session_state.pop(_OPENED, None)
    st.query_params.clear()
    _note(sentence)


def postponed_source() -> str | None:
    """The source of the postponed link, if there is one."""
    return postponed_value("source")


def postponed_value(name: str) -> str | None:
    """The value that the postponed link gives for `name`."""
    wish: str | None = st.session_state.get(_POSTPONED, {}).get(name)
    return wish


def follow_postponed_link(here: bool = False) -> None:
    """Let Explore open with what the postponed link asks for; or, `here`, the page that is run."""
    page = st.session_state.get(_PAGE, FIRST_PAGE) if here else FIRST_PAGE
    _open_link(st.session_state.pop(_POSTPONED), page)


def open_link_on_explore(wishes: dict[str, str]) -> None:
    """Let Explore open with what an address would ask for, as from a link; the page has to go there."""
    forget_notes()
    _open_link(wishes, FIRST_PAGE)


def seed(key: str, options: Sequence[str], default: str, what: str, wish: str | None = None) -> None:
    """Give the widget `key` its first value: the link's if it is one of `options`, else `default` with a note.

    `wish` is the link's value where the page had to keep it until it knew the options.
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


def seed_many(
    key: str, options: Sequence[str], default: Sequence[str], what: str, separator: str = ",", ordered: bool = False
) -> None:
    """Give a widget of several values its first ones; a link joins them with commas or another `separator`.

    They are in the order of the options, or where they are `ordered`, in the link's.
    """
    if keeps_value(key):
        return
    wishes = [name.strip().casefold() for name in (link_value(key) or "").split(separator) if name.strip()]
    if wishes == [NONE]:
        set_value(key, [])
        return
    known = {option.casefold(): option for option in options}
    unknown = [name[:60] for name in wishes if name not in known]
    if unknown:
        _note(f"This link asks for the {what} '{unknown[0]}', which is not here.")
    wished = dict.fromkeys(known[name] for name in wishes if name in known)
    set_value(key, (list(wished) if ordered else [option for option in options if option in wished]) or list(default))


def seed_number(key: str, low: int, high: int, default: int, what: str, name: str | None = None) -> None:
    """Give a widget of a whole number between `low` and `high` its first value; `name` is its name in the link."""
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


def seed_date(key: str, low: date, high: date, default: date, what: str) -> None:
    """Give a widget of a date from `low` to `high` its first value; a link writes it as ``2026-01-31``."""
    if keeps_value(key):
        st.session_state[key] = min(max(st.session_state[key] or default, low), high)
        return
    wish = link_value(key)
    try:
        value = date.fromisoformat(wish) if wish is not None else default
    except ValueError:
        value = default
    set_value(key, min(max(value, low), high))
    if wish is not None and st.session_state[key].isoformat() != wish:
        _note(f"This link asks for {what} '{wish[:20]}'; you see {st.session_state[key]}.")


def seed_switch(key: str, what: str, name: str) -> None:
    """Give a switch its first value: on, unless the link says ``name=0``."""
    if keeps_value(key):
        return
    wish = link_value(name)
    if wish not in (None, "0", "1"):
        _note(f"This link asks for the {what} '{wish[:60]}', which is not here.")
    set_value(key, wish != "0")


def seed_text(key: str, most: int) -> None:
    """Give a text box its first value: no more than `most` letters of the link's."""
    if not keeps_value(key):
        set_value(key, (link_value(key) or "")[:most])


def write_address(state: dict[str, str]) -> None:
    """Write `state` into the address, if it is not there already."""
    st.session_state[_WRITTEN] = True
    st.session_state.pop(_OPENED, None)
    if st.query_params.to_dict() != state:
        st.query_params.from_dict(state)


def change_address(changes: dict[str, str | None]) -> None:
    """Change some of what a page has written into the address; None takes a name out of it."""
    state = st.query_params.to_dict() | changes
    write_address({name: value for name, value in state.items() if value is not None})


def page_address(state: dict[str, str], page: str = ".") -> str:
    """The address of a page that opens with `state`: of the first page, seen from any other, unless `page` is given."""
    return f"{page}/?{urlencode(state)}"


def shareable_link() -> str:
    """The whole address of what is on the screen, for sharing."""
    base = (st.context.url or "").split("?")[0].rstrip("/")
    if st.session_state.get(_PAGE, FIRST_PAGE) != FIRST_PAGE:  # with a slash after its name there is no such page
        return f"{base}?{urlencode(st.query_params.to_dict())}"
    return page_address(st.query_params.to_dict(), base)
