"""Keep a visitor's tables in the browser tab's own storage (`sessionStorage`), so that a reload does not lose them.

The tab is given each table once, packed, as far as there is room, else its name. It is asked for them at the start of a visit
that has none. What is removed here is removed there. The server keeps nothing more than before.
"""

from __future__ import annotations

import hashlib
import json
import logging
import time
from pathlib import Path
from typing import Any

import streamlit as st

from ui.shell import polling, runtime, uploads, url_state
from ui.shell.packing import MAX_LETTERS, unpack

log = logging.getLogger(__name__)

#: Seconds that a page whose link shows a table waits for what the tab has kept.
PATIENCE = 3.0
#: Seconds between two looks whether that is over, and that one takes for a table to be read.
INTERVAL, READING = 1.0, 0.4

_component = st.components.v2.component("tab_storage", js=(Path(__file__).parent / "tab_storage.js").read_text())
#: Names in the session's state: what the tab has, whether it was asked, since when a page waits for it, and whether it looked.
_HAS = "tab has"
_ASKED = "tab was asked"
_SINCE = "tab asked since"
_LOOKED = "tab looked for"


def wait_for_tables() -> bool:
    """Whether the page is to wait for the table that its link shows: for the tab that may have it, or until it is read again.

    Then a notice is on the screen, and the page looks again.
    """
    source = url_state.link_value("source") or ""
    if not uploads.is_upload(source) or _has_waited():
        return False
    if file := uploads.files().get(source):
        with runtime.script_turns.released():
            if file.read(READING) is not None:
                return False
    elif _ASKED in st.session_state:
        return False
    st.info("Looking for the table that this link shows …", icon=":material/hourglass_top:")
    if not file and (told := _ask(waits=True)).given is not None:
        _take_back(told.given)
        polling.rerun_page()
    _poll()
    return True


def _has_waited() -> bool:
    """Whether this visit has waited as long as it does."""
    since: float = st.session_state.setdefault(_SINCE, time.monotonic())
    return time.monotonic() - since >= PATIENCE


def keep_tables() -> None:
    """Bring the tab's storage in step with the visitor's tables; at the start of a visit without any ask for what it has."""
    if not uploads.files() and _ASKED not in st.session_state:
        told = _ask(waits=False)
        if told.given is not None and _take_back(told.given):
            polling.rerun_page()
        return
    st.session_state[_ASKED] = True
    has = _has()
    told = _component(
        data={"tables": _tables(), "has": has}, key="tab storage", on_given_change=_nothing, on_has_change=_nothing
    )
    if isinstance(told.has, dict) and told.has != has:
        st.session_state[_HAS] = {name: [str(one) for one in told.has.get(name, ())] for name in ("kept", "named")}
        if _has()["named"] != has["named"]:  # what the page says of a table has changed
            polling.rerun_page()


def is_too_large(source: str) -> bool:
    """Whether the tab has said that it keeps no more than the name of a table."""
    return source in _has()["named"]


def _ask(waits: bool) -> Any:
    """Ask the tab what it has; one that `waits` is answered even where that is nothing."""
    return _component(
        data={"asks": True, "waits": waits}, key="tab storage", on_given_change=_nothing, on_has_change=_nothing
    )


@st.fragment(run_every=INTERVAL)
def _poll() -> None:
    if st.session_state.pop(_LOOKED, False):
        polling.rerun_page()
    st.session_state[_LOOKED] = True


def _has() -> dict[str, list[str]]:
    known: dict[str, list[str]] = st.session_state.get(_HAS, {"kept": [], "named": []})
    return known


def _tables() -> list[dict[str, str]]:
    """What the tab is to keep of each table; its content only until the tab has answered, and as far as there is room."""
    has, room, tables = _has(), MAX_LETTERS, []
    for source, file in uploads.tables().items():
        read, packed = file.read(), file.packed()
        table = {"source": source, "name": file.name, "owner": _owner()}
        if read is not None:
            table["wish"] = read.for_links
        room -= len(packed)
        if packed and room >= 0 and source not in (*has["kept"], *has["named"]):
            table["packed"] = packed
        if packed or file.packing.done():
            tables.append(table)
    return tables


def _take_back(given: Any) -> bool:
    """Take the tables that the tab has kept; whether there were any. A link that waits for one of them is followed.

    What a tab sends is a stranger's input like a file that is dropped.
    """
    st.session_state[_ASKED] = True
    kept: list[str] = []
    for text in given[: uploads.MOST] if isinstance(given, list) else ():
        try:
            table = json.loads(text)
            source, name, wish = str(table["source"]), str(table["name"])[: uploads.NAME_LETTERS], table.get("wish", "")
            if table["owner"] != _owner():  # somebody has signed in after somebody else
                continue
            if "packed" not in table:
                uploads.note_lost(source, name)
                continue
            if url_state.link_value("source") == source:
                wish = url_state.link_value(uploads.LINKED) or wish
            kept.append(uploads.add(unpack(str(table["packed"])), name, str(wish)).source)
        except (KeyError, TypeError, ValueError):
            log.warning("A tab gave a table back that cannot be read.")
    st.session_state[_HAS] = {"kept": sorted(kept), "named": []}
    if url_state.postponed_source() in uploads.files():
        url_state.forget_notes()
        url_state.follow_postponed_link(here=True)
    return bool(kept)


def _owner() -> str:
    """A digest of who has signed in; empty where nobody has to."""
    email = str(st.user.get("email") or "") if st.user.get("is_logged_in") else ""
    return hashlib.sha256(email.encode()).hexdigest()[:16] if email else ""


def _nothing() -> None:
    """A trigger must have a callback to be reported."""
