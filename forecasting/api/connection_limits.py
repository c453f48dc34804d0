"""Connections that cost something and say nothing are ended: slow heads, slow bodies, slow readers, too many of one address.

uvicorn ends a connection that is idle after an answer, but waits for ever for the end of a request's head, for the rest
of a body, and for a client that does not read.
"""

from __future__ import annotations

import asyncio
import socket
from contextlib import suppress
from functools import lru_cache
from typing import Any

import h11
from uvicorn.config import Config
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.server import ServerState

#: Seconds in which a request's head must be here, counted from the connection or from its first byte.
HEAD = 10.0
#: Seconds between two looks at a body that comes, and at an answer that is not read; bytes that must have gone meanwhile.
BODY = 20.0
READING = 60.0
LEAST = 10_000
#: Connections of all, and of one address that is no proxy's: a browser has up to seven, and an office one address.
MOST = 4_000
MOST_EACH = 300
#: Files that the process needs besides: stores, workers, what is served.
SPARE = 200
#: Of connections beyond the limit so many are still told that there are too many.
TOLD = 50


class Patience(H11Protocol):
    """HTTP/1.1 as uvicorn speaks it, with an end to its patience."""

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        trusted = config.forwarded_allow_ips
        self._proxies = _proxies(trusted if isinstance(trusted, str) else ",".join(trusted))
        self._head: asyncio.TimerHandle | None = None
        self._body: asyncio.TimerHandle | None = None
        self._reading: asyncio.TimerHandle | None = None
        self._came = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Counts it, and begins to wait."""
        super().connection_made(transport)
        if self._crowded():
            transport.abort()
        else:
            self._watch()

    def connection_lost(self, exc: Exception | None) -> None:
        """Waits no more."""
        super().connection_lost(exc)
        self._rest()

    def data_received(self, data: bytes) -> None:
        """Some of a request has come."""
        self._came += len(data)
        super().data_received(data)
        self._watch()

    def handle_websocket_upgrade(self, event: h11.Request) -> None:
        """From here on it is a WebSocket's, which has signs of life of its own."""
        super().handle_websocket_upgrade(event)
        self._rest()

    def on_response_complete(self) -> None:
        """All of an answer is written, though it may not have gone."""
        super().on_response_complete()
        self._watch()
        if self.transport.is_closing():
            self._read_soon()

    def timeout_keep_alive_handler(self) -> None:
        """Nothing more was asked."""
        super().timeout_keep_alive_handler()
        self._read_soon()

    def pause_writing(self) -> None:
        """The client does not read."""
        super().pause_writing()
        self._read_soon()

    def resume_writing(self) -> None:
        """It does."""
        super().resume_writing()
        self._reading = _ended(self._reading)

    def _watch(self) -> None:
        """Waits for the rest of a head, or of a body, whichever is not here yet."""
        if self.transport.is_closing() or self.transport.get_protocol() is not self:
            self._head, self._body = _ended(self._head), _ended(self._body)
            return
        state = self.conn.their_state
        if state is not h11.IDLE or self.timeout_keep_alive_task is not None:
            self._head = _ended(self._head)
        elif self._head is None:
            self._head = self.loop.call_later(HEAD, self._give_up)
        if state is not h11.SEND_BODY:
            self._body = _ended(self._body)
        elif self._body is None:
            self._look_later()

    def _look_later(self) -> None:
        self._came = 0
        self._body = self.loop.call_later(BODY, self._look)

    def _look(self) -> None:
        """A body must come on, unless it is the server that does not take it."""
        if self._came < LEAST and not self.flow.read_paused:
            self._give_up()
        else:
            self._look_later()

    def _read_soon(self) -> None:
        """What waits to be sent must become less."""
        if self._reading is None:
            self._reading = self.loop.call_later(READING, self._look_after, self.transport.get_write_buffer_size())

    def _look_after(self, before: int) -> None:
        self._reading = None
        if before - self.transport.get_write_buffer_size() < LEAST:
            self._give_up()
        else:
            self._read_soon()

    def _give_up(self) -> None:
        self._rest()
        self.transport.abort()

    def _rest(self) -> None:
        self._head, self._body, self._reading = _ended(self._head), _ended(self._body), _ended(self._reading)

    def _crowded(self) -> bool:
        """Whether there are too many, of everybody or of this one's address. A proxy is everybody."""
        if self.limit_concurrency is not None and len(self.connections) > self.limit_concurrency + TOLD:
            return True
        address = self.client[0] if self.client else ""
        if not address or address in self._proxies:
            return False
        peers = (getattr(one, "client", None) for one in self.connections)
        return sum(peer is not None and peer[0] == address for peer in peers) > MOST_EACH


def room() -> int:
    """How many connections there may be, after the process was allowed as many files as it may have."""
    try:
        import resource
    except ImportError:  # Windows, which has no such limit
        return MOST
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    endless = resource.RLIM_INFINITY
    wanted = MOST + SPARE + TOLD if hard == endless else min(hard, MOST + SPARE + TOLD)
    if soft != endless and soft < wanted:
        with suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
            soft = wanted
    return MOST if soft == endless else max(1, min(MOST, soft - SPARE - TOLD))


def unread(listening: socket.socket) -> None:
    """Has the system end connections whose other side takes nothing more, where it can: a WebSocket waits for that."""
    if hasattr(socket, "TCP_USER_TIMEOUT"):
        listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, int(1000 * READING))


@lru_cache
def _proxies(setting: str) -> Any:
    """Whom uvicorn believes when he says for whom he asks: a container of addresses."""
    return ProxyHeadersMiddleware(_nothing, setting).trusted_hosts


async def _nothing(*_: Any) -> None:
    """No application."""


def _ended(timer: asyncio.TimerHandle | None) -> asyncio.TimerHandle | None:
    """What stands for the timer when it is to do nothing any more."""
    if timer is not None:
        timer.cancel()
    return None
