"""A page visit without a browser: Streamlit's WebSocket protocol, so that only the server's time is measured."""

from __future__ import annotations

import time
from types import TracebackType
from urllib.parse import urlencode

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ClientState_pb2 import ClientState
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.sync.client import connect
from websockets.typing import Subprotocol

from benchmarks._server import HOST, Server

#: Seconds in which a script must have run.
LIMIT = 60.0


class PageVisit:
    """One session on a server's front page, opened by a link with `state` in it.

    Attributes:
        received: bytes that came for the last rerun.
        fragment: the fragment that the page wants to be run again and again, or an empty string.
        interval: how often, in seconds.
    """

    def __init__(self, server: Server, **state: str) -> None:
        address = f"ws://{HOST}:{server.port}/_stcore/stream"
        self._connection = connect(address, subprotocols=[Subprotocol("streamlit")], max_size=None, proxy=None)
        self._query = urlencode(state)
        self.received = 0
        self.fragment, self.interval = "", 0.0

    def __enter__(self) -> PageVisit:
        self._socket = self._connection.__enter__()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._connection.__exit__(kind, error, at)

    def rerun(self) -> float:
        """Asks for the whole page; gives the seconds from that until its last message has come."""
        self.fragment, self.interval = "", 0.0
        return self._run(ClientState(query_string=self._query))

    def poll(self) -> float:
        """Does what a page does while models train: asks for its live fragment alone."""
        return self._run(ClientState(query_string=self._query, fragment_id=self.fragment))

    def _run(self, state: ClientState) -> float:
        self.received = 0
        start = time.perf_counter()
        self._socket.send(BackMsg(rerun_script=state).SerializeToString())
        while time.perf_counter() - start < LIMIT:
            data = self._socket.recv(timeout=LIMIT, decode=False)
            self.received += len(data)
            message = ForwardMsg.FromString(data)
            if message.HasField("auto_rerun"):
                self.fragment, self.interval = message.auto_rerun.fragment_id, message.auto_rerun.interval
            if message.HasField("script_finished") and message.script_finished in FINAL:
                return time.perf_counter() - start
        raise TimeoutError(f"The script has not finished within {LIMIT:g} seconds.")


#: How a run ends, when it is not begun again by `st.rerun`.
FINAL = (ForwardMsg.FINISHED_SUCCESSFULLY, ForwardMsg.FINISHED_FRAGMENT_RUN_SUCCESSFULLY)
