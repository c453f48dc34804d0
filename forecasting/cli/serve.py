"""What `serve` and `key` do: pages, API and health in one process, and a key for it."""

from __future__ import annotations

import socket
import sys
from pathlib import Path
from typing import Annotated

import typer

from forecasting.cli.app import app
from forecasting.support import settings
from forecasting.support.errors import RequestError

#: Where `server.py` is, which joins the pages to the library; the library itself knows it by this name alone.
ROOT = Path(__file__).resolve().parents[2]
SERVER = "server:app"
#: Bytes of a message from a page, as many as Streamlit takes (files come another way), and seconds between signs of life.
MESSAGE = 25_000_000
PING = 30
#: Seconds that open pages and requests have to end when the server does.
FAREWELL = 5


@app.command("serve")
def serve(
    host: Annotated[str, typer.Option(help="The address to listen on; 0.0.0.0 for all.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 for any that is free.")] = 8501,
) -> None:
    """Serve pages, API and health until it is interrupted."""
    import uvicorn

    from forecasting.api import connection_limits

    _check_settings()
    sys.path.insert(0, str(ROOT))
    with _listening(host, port) as listening:
        name = f"[{host}]" if ":" in host else host
        typer.echo(f"http://{name}:{listening.getsockname()[1]} (the API: /api/docs)", err=True)
        connection_limits.unread(listening)
        config = uvicorn.Config(
            SERVER,
            http=connection_limits.Patience,
            limit_concurrency=connection_limits.room(),
            log_level="warning",
            access_log=False,
            server_header=False,
            ws="websockets-sansio",
            ws_max_size=MESSAGE,
            ws_ping_interval=PING,
            ws_ping_timeout=PING,
            timeout_graceful_shutdown=FAREWELL,
        )
        server = uvicorn.Server(config)
        try:
            server.run(sockets=[listening])
        except KeyboardInterrupt:
            raise typer.Exit from None
    if not server.started:
        raise RequestError("The server could not start; what it said before has the reason.")


@app.command("key")
def key(name: Annotated[str, typer.Argument(help="Whose it is; it appears in logs.")]) -> None:
    """Make a key for the API: prints it, this once, and then its line for FORECAST_API_KEYS."""
    from forecasting.api.api_keys import made

    secret, line = made(name)
    typer.echo(
        "The key, which is kept nowhere, and its line for FORECAST_API_KEYS or the file that it names:", err=True
    )
    typer.echo(secret)
    typer.echo(line)


def _check_settings() -> None:
    """Raises `RequestError` for what the server would only find when it has started."""
    from forecasting.api.access_control import Doorway
    from forecasting.operations import scheduler

    Doorway()
    settings.workers()
    settings.frame_ancestors()
    settings.max_pages()
    settings.lease()
    settings.dask()
    settings.drift_thresholds()
    settings.alert_webhook()
    scheduler.check()


def _listening(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=2048)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise RequestError(
            f"{host}:{port} cannot be listened on ({reason}); choose another --port or --host."
        ) from None
