"""Everything in Python that reaches into Streamlit's private parts: a patch, and what no public call tells.

Tried with Streamlit 1.67; with a newer one run `tests/app/test_streamlit_internals.py` and `tests/browser`. What the app relies
on elsewhere without a promise of Streamlit's:

- `frame.js` wraps ``history.pushState``, because Streamlit calls it twice on the way to a page whose address has a query
  (streamlit/streamlit#8112). It can go when a change of page and query is one entry of the history.
- `frame.css` names elements by their ``data-testid`` (``stColumn``, ``stMetric``, ``stVerticalBlock``, ``stElementContainer``,
  ``stButtonGroup``), because columns break by the width of the window alone. It can go when they go by their container.
- `frame.css` and `embed.css` name further ones to leave out what is of no use on paper or in another page, and to make room for the
  buttons of a table, which Streamlit lays over the text above it. Those go when Streamlit prints without them, and leaves that room.
- `polling.rerun_page` sends an empty element first, because any message to the browser is a point at which a script gives way to
  what the browser has asked for, and `st.rerun` would put itself in its place: the newest request's page and query are taken
  (as streamlit/streamlit#16158 says). It can go when `st.rerun` lets another page or a step back come first.
- `frame.js` closes the dialog "Page not found", which the old way of the next line shows on a fresh server.
- `inside_frame` exists because a folder ``pages`` is run in the old way until a script has called `st.navigation`; its means are
  public. It can go when Streamlit has no old way any more.
- `deploy/nginx.conf` and `docs/security.md` name addresses below ``/_stcore``: the stream of a page, uploads, metrics.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import streamlit as st
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.runtime.forward_msg_queue import ForwardMsgQueue
from streamlit.runtime.media_file_manager import MediaFileManager
from streamlit.runtime.scriptrunner import get_script_run_ctx

#: The one HTML page that Streamlit sends to every browser; its inline scripts must be known to the security headers.
INDEX_PAGE = Path(st.__file__).parent / "static" / "index.html"

#: Seconds for which a download button that was drawn anew may still be pressed as it was.
DOWNLOAD_GRACE = 10.0

#: The logger of the connections of pages.
CONNECTION_LOGGER = "streamlit.web.server.starlette.starlette_websocket"

_clear: Callable[..., None] = ForwardMsgQueue.clear


def session_id() -> str:
    """The name of the visit whose script runs in this thread; empty where none does. There is no public name of a session."""
    context = get_script_run_ctx(suppress_warning=True)
    return context.session_id if context else ""


def is_history_navigation() -> bool:
    """Whether this run was asked for by the browser's back or forward (streamlit/streamlit#16998); nothing public says so.

    It can go when `bind="query-params"` writes names into the address instead of labels, and a link is then one to Streamlit, too.
    """
    return bool(getattr(get_script_run_ctx(suppress_warning=True), "is_history_navigation", False))


def asked_page() -> str:
    """The address with which a browser has asked for this run; empty where it asked for a page that it knew. Nothing public says so."""
    context = get_script_run_ctx(suppress_warning=True)
    if context is None or context.pages_manager.intended_page_script_hash:
        return ""
    return context.pages_manager.intended_page_name or ""


def drop_orphaned_references() -> None:
    """Patch Streamlit's message queue: when a fragment reruns, also drop cached-reference messages whose container was dropped.

    When a fragment runs again, `ForwardMsgQueue.clear` drops its unsent elements, as they come anew (streamlit/streamlit#9381),
    but not the messages that only refer to an element which the browser has in its cache (charts of some size): these do not
    say which fragment they belong to (streamlit/streamlit#9562). Sent without the container around them they stop the
    whole page with "Cannot set a node at a delta path", now and then on a busy machine. Patching twice does no harm. It can go
    when `tests/app/test_streamlit_internals.py` passes without it.
    """
    ForwardMsgQueue.clear = _clear_with_references  # type: ignore[assignment, method-assign]


def shorten_log_of_odd_messages() -> None:
    """Have Streamlit log one line, and no traceback, where somebody sends what is no message of a page's.

    Anybody can send that, and as often as he likes. It ends his connection.
    """
    logging.getLogger(CONNECTION_LOGGER).addFilter(_without_traceback)


def _without_traceback(record: logging.LogRecord) -> bool:
    if record.exc_info and record.msg == "Error deserializing back message":
        record.msg, record.exc_info = "A page has sent what is no message of its own; its connection is closed.", None
    return True


def keep_replaced_downloads() -> None:
    """Patch Streamlit's files: a download button that a run of its page has drawn anew answers a while longer.

    A file that is made when it is asked for has a new name in every run, and the old one was forgotten with the end of the
    run: who pressed the button meanwhile got nothing. Patching twice does no harm. It can go when
    `tests/app/test_streamlit_internals.py` passes without it.
    """
    MediaFileManager._remove_orphaned_deferred_callables = _remove_old_orphans  # type: ignore[assignment, method-assign]


def _remove_old_orphans(manager: MediaFileManager) -> None:
    """Forget the files that no page refers to since `DOWNLOAD_GRACE`, and at once those of a visit without any button."""
    now, named = time.monotonic(), set[str]()
    for files in manager._files_by_session_and_coord.values():
        named.update(files.values())
    for name, entry in [*manager._deferred_callables.items()]:
        known: Any = entry
        if name in named:
            known.pop(_ORPHANED, None)
        elif (
            known["session_id"] not in manager._files_by_session_and_coord
            or now - known.setdefault(_ORPHANED, now) >= DOWNLOAD_GRACE
        ):
            manager._drop_deferred_id(name)


#: Since when no page refers to a file, in its entry.
_ORPHANED = "orphaned since"


def _clear_with_references(
    queue: ForwardMsgQueue, retain_lifecycle_msgs: bool = False, fragment_ids_this_run: list[str] | None = None
) -> None:
    dropped = _unsent_containers(queue._queue, fragment_ids_this_run or ())
    _clear(queue, retain_lifecycle_msgs, fragment_ids_this_run)
    if dropped:
        queue._queue = [message for message in queue._queue if not _is_reference_within(message, dropped)]


def _unsent_containers(messages: Iterable[ForwardMsg], fragments: Iterable[str]) -> set[tuple[int, ...]]:
    """The delta paths of these fragments' containers that have not been sent."""
    blocks: Any = (message for message in messages if message.delta.WhichOneof("type") == "add_block")
    return {tuple(block.metadata.delta_path) for block in blocks if block.delta.fragment_id in fragments}


def _is_reference_within(message: ForwardMsg, containers: set[tuple[int, ...]]) -> bool:
    """Whether the message refers to a cached element inside one of the containers."""
    path = tuple(message.metadata.delta_path)
    return message.HasField("ref_hash") and any(path[:depth] in containers for depth in range(len(path)))
