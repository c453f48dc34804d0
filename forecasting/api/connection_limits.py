"""Connection limits for `serve` without a proxy: slow heads, slow bodies, slow readers, too many from one address.

uvicorn ends a connection that is idle after a response, but waits forever for the end of a request's head, for the rest of
a body, and for a client that does not read (slowloris). Behind nginx its own timeouts come first.
"""

from __future__ import annotations

import asyncio
import socket
from functools import lru_cache
from typing import Any

import h11
from uvicorn.config import Config
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.server import ServerState

from forecasting.support.file_limits import raise_open_file_limit

#: Seconds in which the head of a request must arrive, from the connection or from its first byte.
HEAD_TIMEOUT = 10.0
#: Seconds between two checks of a body that is arriving.
BODY_INTERVAL = 20.0
#: Seconds between two checks of a response that the client is not reading.
READ_INTERVAL = 60.0
#: Bytes that must have been transferred between two checks.
MIN_BYTES = 10_000
#: Connections at most.
MAX_CONNECTIONS = 4_000
#: Connections of one address that is no proxy's: a browser has up to seven, and an office one address.
MAX_PER_ADDRESS = 300
#: Open files that the process needs besides connections: stores, workers, static files.
SPARE_FILES = 200
#: Connections beyond the limit that get status 503; further ones are aborted.
REFUSED_WITH_503 = 50


class LimitedHttpProtocol(H11Protocol):
    """uvicorn's HTTP/1.1 protocol with timeouts for heads, bodies and reading, and a limit of connections per address."""

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        trusted = config.forwarded_allow_ips
        self._proxies = _trusted_proxies(trusted if isinstance(trusted, str) else ",".join(trusted))
        self._head_timer: asyncio.TimerHandle | None = None
        self._body_timer: asyncio.TimerHandle | None = None
        self._read_timer: asyncio.TimerHandle | None = None
        self._received = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Refuse the connection if there are too many, or begin to wait for a head."""
        super().connection_made(transport)
        if self._too_many():
            transport.abort()
        else:
            self._update_timers()

    def connection_lost(self, exc: Exception | None) -> None:
        """Cancel all timers."""
        super().connection_lost(exc)
        self._cancel_timers()

    def data_received(self, data: bytes) -> None:
        """Count received bytes, and wait for the rest of a head or body."""
        self._received += len(data)
        super().data_received(data)
        self._update_timers()

    def handle_websocket_upgrade(self, event: h11.Request) -> None:
        """Cancel all timers: a WebSocket has pings of its own."""
        super().handle_websocket_upgrade(event)
        self._cancel_timers()

    def on_response_complete(self) -> None:
        """Wait for the client to read a response that is written, and for the next head."""
        super().on_response_complete()
        self._update_timers()
        if self.transport.is_closing():
            self._check_reading_later()

    def timeout_keep_alive_handler(self) -> None:
        """Wait for the client to read what is left when an idle connection is closed."""
        super().timeout_keep_alive_handler()
        self._check_reading_later()

    def pause_writing(self) -> None:
        """Begin to check whether the client reads."""
        super().pause_writing()
        self._check_reading_later()

    def resume_writing(self) -> None:
        """Stop that check."""
        super().resume_writing()
        self._read_timer = _cancelled(self._read_timer)

    def _update_timers(self) -> None:
        """Start or cancel the timers of head and body by the state of the request."""
        if self.transport.is_closing() or self.transport.get_protocol() is not self:
            self._head_timer, self._body_timer = _cancelled(self._head_timer), _cancelled(self._body_timer)
            return
        state = self.conn.their_state
        if state is not h11.IDLE or self.timeout_keep_alive_task is not None:
            self._head_timer = _cancelled(self._head_timer)
        elif self._head_timer is None:
            self._head_timer = self.loop.call_later(HEAD_TIMEOUT, self._abort)
        if state is not h11.SEND_BODY:
            self._body_timer = _cancelled(self._body_timer)
        elif self._body_timer is None:
            self._check_body_later()

    def _check_body_later(self) -> None:
        self._received = 0
        self._body_timer = self.loop.call_later(BODY_INTERVAL, self._check_body)

    def _check_body(self) -> None:
        """Abort if too little of a body has arrived, unless it is the server that does not read."""
        if self._received < MIN_BYTES and not self.flow.read_paused:
            self._abort()
        else:
            self._check_body_later()

    def _check_reading_later(self) -> None:
        """Schedule a check that the bytes which wait to be sent become fewer."""
        if self._read_timer is None:
            self._read_timer = self.loop.call_later(
                READ_INTERVAL, self._check_reading, self.transport.get_write_buffer_size()
            )

    def _check_reading(self, before: int) -> None:
        self._read_timer = None
        if before - self.transport.get_write_buffer_size() < MIN_BYTES:
            self._abort()
        else:
            self._check_reading_later()

    def _abort(self) -> None:
        self._cancel_timers()
        self.transport.abort()

    def _cancel_timers(self) -> None:
        self._head_timer, self._body_timer, self._read_timer = (
            _cancelled(self._head_timer),
            _cancelled(self._body_timer),
            _cancelled(self._read_timer),
        )

    def _too_many(self) -> bool:
        """Whether there are too many connections, in all or of this address; those of a proxy count only in all."""
        if self.limit_concurrency is not None and len(self.connections) > self.limit_concurrency + REFUSED_WITH_503:
            return True
        address = self.client[0] if self.client else ""
        if not address or address in self._proxies:
            return False
        peers = (getattr(connection, "client", None) for connection in self.connections)
        return sum(peer is not None and peer[0] == address for peer in peers) > MAX_PER_ADDRESS


def max_connections() -> int:
    """How many connections there may be, after raising the process's limit on open files as far as the system allows."""
    files = raise_open_file_limit()
    return MAX_CONNECTIONS if files is None else max(1, min(MAX_CONNECTIONS, files - SPARE_FILES - REFUSED_WITH_503))


def set_user_timeout(listening: socket.socket) -> None:
    """Set TCP_USER_TIMEOUT, where there is one: the system ends connections, WebSockets too, that acknowledge nothing."""
    if hasattr(socket, "TCP_USER_TIMEOUT"):
        listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, int(1000 * READ_INTERVAL))


@lru_cache
def _trusted_proxies(setting: str) -> Any:
    """Return the addresses that uvicorn trusts as proxies, as a container."""
    return ProxyHeadersMiddleware(_no_app, setting).trusted_hosts


async def _no_app(*_: Any) -> None:
    """Stand in for the application of the middleware."""


def _cancelled(timer: asyncio.TimerHandle | None) -> asyncio.TimerHandle | None:
    """Cancel a timer; returns None, to be stored in its place."""
    if timer is not None:
        timer.cancel()
    return None
