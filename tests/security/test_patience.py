"""Slow clients on real sockets, of a server in this process whose patience is short."""

import asyncio
import socket
import threading
from contextlib import contextmanager

import pytest
import uvicorn
from served import PATIENCE, read

from forecasting.api import connection_limits
from forecasting.api.connection_limits import LimitedHttpProtocol, max_connections, set_user_timeout

#: What the one answer weighs: more than all buffers between two sockets take.
LARGE = 30_000_000
CLOSE = b"Host: x\r\n\r\n"


async def app(scope, receive, send):
    """Answers /large with much, everything else with what was sent to it."""
    if scope["type"] != "http":
        return
    size, more = 0, True
    while more and scope["path"] != "/unread":
        message = await receive()
        size, more = size + len(message.get("body", b"")), message.get("more_body", False)
    content = b"x" * LARGE if scope["path"] == "/large" else str(size).encode()
    length = (b"content-length", str(len(content)).encode())
    await send({"type": "http.response.start", "status": 200, "headers": [length]})
    await send({"type": "http.response.body", "body": content})


@contextmanager
def running(**options):
    """The app on a free port, spoken to by `LimitedHttpProtocol`."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        set_user_timeout(listening)
        config = uvicorn.Config(
            app, http=LimitedHttpProtocol, lifespan="off", log_config=None, timeout_graceful_shutdown=1, **options
        )
        server = uvicorn.Server(config)
        thread = threading.Thread(target=asyncio.run, args=(server.serve(sockets=[listening]),))
        thread.start()
        try:
            yield listening.getsockname()[1], server.server_state
        finally:
            server.should_exit = True
            thread.join(PATIENCE)
            assert not thread.is_alive()


@pytest.fixture
def short(monkeypatch):
    """Little patience."""
    for name, seconds in {"HEAD_TIMEOUT": 0.3, "BODY_INTERVAL": 0.3, "READ_INTERVAL": 0.3}.items():
        monkeypatch.setattr(connection_limits, name, seconds)


def connect(port, source="127.0.0.1"):
    return socket.create_connection(("127.0.0.1", port), timeout=PATIENCE, source_address=(source, 0))


def drip(connection, part):
    """Sends a part again and again until the other side has had enough; what it said meanwhile."""
    said = b""
    connection.settimeout(0.05)
    while True:
        try:
            connection.sendall(part)
            part_of_answer = connection.recv(65_536)
        except TimeoutError:
            continue
        except OSError:
            return said
        if not part_of_answer:
            return said
        said += part_of_answer


@pytest.mark.parametrize("begun", [b"", b"GET /", b"GET / HTTP/1.1\r\nHost: x\r\n"])
def test_a_head_that_does_not_come_is_not_waited_for(short, begun):
    with running() as (port, _), connect(port) as connection:
        connection.sendall(begun)
        assert read(connection) == b""


def test_a_head_that_comes_drop_by_drop_is_not_waited_for(short):
    with running() as (port, _), connect(port) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\n")
        assert drip(connection, b"X: a\r\n") == b""


def test_nor_is_the_second_one_of_a_connection(short):
    with running() as (port, _), connect(port) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\n" + CLOSE + b"GET / HTTP/1.1\r\n")
        assert drip(connection, b"X: a\r\n").count(b"HTTP/1.1 200") == 1


@pytest.mark.parametrize("path", [b"/", b"/unread"])
def test_a_body_that_comes_drop_by_drop_is_not_waited_for(short, path):
    with running() as (port, _), connect(port) as connection:
        connection.sendall(b"PUT " + path + b" HTTP/1.1\r\nContent-Length: 1000000\r\n" + CLOSE)
        assert drip(connection, b"a").count(b"HTTP/1.1 200") == (path == b"/unread")


def test_a_body_that_comes_steadily_is_taken(short, monkeypatch):
    monkeypatch.setattr(connection_limits, "MIN_BYTES", 2)
    with running() as (port, _), connect(port) as connection:
        connection.sendall(b"PUT / HTTP/1.1\r\nConnection: close\r\nContent-Length: 20\r\n" + CLOSE)
        looked = threading.Event()
        for _ in range(20):
            looked.wait(0.05)  # a steady client: three times as long as is looked after
            connection.sendall(b"a")
        assert read(connection).endswith(b"\r\n\r\n20")


def test_a_client_who_does_not_read_is_not_waited_for(short):
    with running() as (port, state), socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.connect(("127.0.0.1", port))
        connection.settimeout(PATIENCE)
        connection.sendall(b"GET /large HTTP/1.1\r\n" + CLOSE)
        assert connection.recv(12) == b"HTTP/1.1 200"
        gone = threading.Event()
        for _ in range(100 * PATIENCE):
            if not state.connections:
                break
            gone.wait(0.01)
        assert not state.connections


def test_a_client_who_reads_gets_all_however_long_it_takes(short):
    with running() as (port, _), connect(port) as connection:
        connection.sendall(b"GET /large HTTP/1.1\r\nConnection: close\r\n" + CLOSE)
        pause, size = threading.Event(), 0
        while part := connection.recv(1_000_000):
            size += len(part)
            pause.wait(0.02)
        assert size > LARGE


def test_one_address_has_only_so_many_connections_and_a_proxy_as_many_as_it_wants(monkeypatch):
    monkeypatch.setattr(connection_limits, "MAX_PER_ADDRESS", 3)
    with running(forwarded_allow_ips="127.0.0.1") as (port, _):
        ask = b"GET / HTTP/1.1\r\n" + CLOSE

        def asked(source):
            connection = connect(port, source)
            try:
                connection.sendall(ask)
                return connection, connection.recv(12)
            except OSError:
                return connection, b""

        try:
            theirs = [asked("127.0.0.2") for _ in range(4)]
            proxied = [asked("127.0.0.1") for _ in range(6)]
            assert [said for _, said in theirs] == [b"HTTP/1.1 200"] * 3 + [b""]
            assert {said for _, said in proxied} == {b"HTTP/1.1 200"}
            assert asked("127.0.0.3")[1] == b"HTTP/1.1 200"
        finally:
            for connection, _ in theirs + proxied:
                connection.close()


def test_beyond_all_room_clients_are_told_and_then_not_even_that(monkeypatch):
    monkeypatch.setattr(connection_limits, "REFUSED_WITH_503", 2)
    with running(limit_concurrency=4) as (port, _):
        idle = [connect(port) for _ in range(3)]
        told = connect(port)
        told.sendall(b"GET / HTTP/1.1\r\n" + CLOSE)
        assert told.recv(12) == b"HTTP/1.1 503"
        more = [connect(port) for _ in range(5)]
        ended = [read(connection) for connection in more[-2:]]
        assert ended == [b"", b""]
        for connection in (*idle, told, *more):
            connection.close()


def test_there_is_room_for_as_many_as_the_system_lets_a_process_have_files():
    assert 1 <= max_connections() <= connection_limits.MAX_CONNECTIONS
