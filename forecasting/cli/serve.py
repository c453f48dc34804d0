"""The commands `serve`, which runs pages, API and health checks in one process, and `key`, which makes an API key."""

from __future__ import annotations

import socket
import sys
from pathlib import Path
from typing import Annotated

import typer

from forecasting.support import settings
from forecasting.support.errors import RequestError

#: Folder of `server.py`, which joins the pages to the library.
ROOT = Path(__file__).resolve().parents[2]
#: Import name of the application there; the library knows it by this name alone.
SERVER = "server:app"
#: Bytes of a WebSocket message at most, as many as Streamlit accepts (files are sent another way).
MAX_MESSAGE = 25_000_000
#: Seconds between two WebSocket pings, and to answer one.
PING = 30
#: Seconds that open pages and requests have to end at shutdown.
SHUTDOWN = 5


def serve(
    host: Annotated[str, typer.Option(help="The address to listen on; 0.0.0.0 for all.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 for any that is free.")] = 8501,
) -> None:
    """Serve pages, API and health until it is interrupted."""
    import uvicorn

    from forecasting.api import connection_limits

    _check_settings()
    sys.path.insert(0, str(ROOT))
    with _listen(host, port) as listening:
        name = f"[{host}]" if ":" in host else host
        typer.echo(f"http://{name}:{listening.getsockname()[1]} (the API: /api/docs)", err=True)
        connection_limits.set_user_timeout(listening)
        config = uvicorn.Config(
            SERVER,
            http=connection_limits.LimitedHttpProtocol,
            limit_concurrency=connection_limits.max_connections(),
            log_level="warning",
            access_log=False,
            server_header=False,
            ws="websockets-sansio",
            ws_max_size=MAX_MESSAGE,
            ws_ping_interval=PING,
            ws_ping_timeout=PING,
            timeout_graceful_shutdown=SHUTDOWN,
        )
        server = uvicorn.Server(config)
        try:
            server.run(sockets=[listening])
        except KeyboardInterrupt:
            raise typer.Exit from None
    if not server.started:
        raise RequestError("The server could not start; what it said before has the reason.")


def key(name: Annotated[str, typer.Argument(help="Whose it is; it appears in logs.")]) -> None:
    """Make a key for the API: prints it, this once, and then its line for FORECAST_API_KEYS."""
    from forecasting.api.api_keys import create_key

    secret, line = create_key(name)
    typer.echo(
        "The key, which is kept nowhere, and its line for FORECAST_API_KEYS or the file that it names:", err=True
    )
    typer.echo(secret)
    typer.echo(line)


def _check_settings() -> None:
    """Raise `RequestError` for invalid settings that the server would only find when it has started."""
    from forecasting.api.access_control import AccessControl
    from forecasting.operations import scheduler

    AccessControl()
    settings.workers()
    settings.frame_ancestors()
    settings.max_pages()
    settings.lease()
    settings.dask()
    settings.drift_thresholds()
    settings.alert_webhook()
    scheduler.check_settings()


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=2048)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise RequestError(
            f"{host}:{port} cannot be listened on ({reason}); choose another --port or --host."
        ) from None
