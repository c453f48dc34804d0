"""What a page has not been sent yet when a part of it is run again.

Streamlit then drops the unsent elements of that part, for they come anew; but not those that it only refers to because the
browser has them (charts of some size): these know no part. Sent without the container that was dropped around them they stop
the whole page ("Cannot set a node at a delta path"), now and then on a busy machine. With `mend` they are dropped too. Nothing
public says what is unsent, so this reaches inside; `tests/app/test_streamlit_patch.py` shows what it is for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.runtime.forward_msg_queue import ForwardMsgQueue

_clear: Callable[..., None] = ForwardMsgQueue.clear


def mend() -> None:
    """Has references dropped together with the containers that they are in; more than once does no harm."""
    ForwardMsgQueue.clear = _cleared  # type: ignore[assignment, method-assign]


def _cleared(
    queue: ForwardMsgQueue, retain_lifecycle_msgs: bool = False, fragment_ids_this_run: list[str] | None = None
) -> None:
    dropped = _containers(queue._queue, fragment_ids_this_run or ())
    _clear(queue, retain_lifecycle_msgs, fragment_ids_this_run)
    if dropped:
        queue._queue = [message for message in queue._queue if not _is_within(message, dropped)]


def _containers(messages: Iterable[ForwardMsg], parts: Iterable[str]) -> set[tuple[int, ...]]:
    """Where the containers of these parts of a page are that have not been sent."""
    blocks: Any = (message for message in messages if message.delta.WhichOneof("type") == "add_block")
    return {tuple(block.metadata.delta_path) for block in blocks if block.delta.fragment_id in parts}


def _is_within(message: ForwardMsg, containers: set[tuple[int, ...]]) -> bool:
    """Whether it is a reference to what is in one of the containers."""
    path = tuple(message.metadata.delta_path)
    return message.HasField("ref_hash") and any(path[:depth] in containers for depth in range(len(path)))
