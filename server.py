"""Pages, API, health and metrics in one process: `python -m forecasting serve`, `streamlit run server.py` or `uvicorn server:app`.

The one place that knows both the pages and the API; they share one service, so a fit is done once for both.
"""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import streamlit as st
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Mount, Route

from forecasting.api import watching
from forecasting.api.app import PREFIX, make
from forecasting.api.health import Health, Late
from forecasting.metrics import CONTENT_TYPE, Metrics
from ui import app as pages

api, health = Late(), Health()
metrics: list[Metrics] = []  # once the server has started


async def scraped(_: Request) -> Response:
    """What Prometheus asks for."""
    if not metrics:
        return PlainTextResponse("The server is still starting.\n", 503, {"Retry-After": "5"})
    return Response(await asyncio.to_thread(metrics[0].text), media_type=CONTENT_TYPE)


@asynccontextmanager
async def lifespan(_: st.App) -> AsyncIterator[None]:
    """The service starts with the server and its workers end with it."""
    watching.log_to_stderr()
    logging.getLogger("uvicorn.access").disabled = True  # it would write what stands behind question marks
    service = await asyncio.to_thread(pages.service)
    api.open(make(service))
    health.service = service
    metrics.append(Metrics(service))
    watching.OBSERVERS.append(metrics[0].observe)
    try:
        yield
    finally:
        watching.OBSERVERS.remove(metrics.pop().observe)
        health.service = None
        await asyncio.to_thread(service.close)
        pages.service.clear()


app = st.App(
    Path(__file__).with_name("streamlit_app.py"),
    routes=[Mount(PREFIX, app=api), *health.routes(), Route("/metrics", scraped)],
    lifespan=lifespan,
)
