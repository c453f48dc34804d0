"""Pages, API, health and metrics in one process: `python -m forecasting serve`, `streamlit run server.py` or `uvicorn server:app`.

The one place that knows both the pages and the API; they share one service, so a fit is done once for both.
"""

import asyncio
import gc
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import streamlit as st
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Mount, Route

from forecasting import sources
from forecasting.api import request_log, security_headers
from forecasting.api.app import PREFIX, create_app
from forecasting.api.health import DeferredApp, HealthChecks
from forecasting.api.machine_addresses import MachineAddressMiddleware
from forecasting.api.page_access import PageAccessMiddleware
from forecasting.monitoring import alerts
from forecasting.operations.prometheus import CONTENT_TYPE, Metrics
from forecasting.operations.scheduler import UpdateSchedule
from forecasting.support import settings
from ui.shell import runtime as pages
from ui.shell import streamlit_internals
from ui.shell.index_page import IndexPageMiddleware
from ui.shell.streamlit_internals import INDEX_PAGE

#: Seconds after the start in which nearly everything is imported that ever will be.
WARM_UP = 20.0
api, health = DeferredApp(), HealthChecks()
metrics: list[Metrics] = []  # once the server has started


async def scraped(_: Request) -> Response:
    """The metrics in Prometheus' text format."""
    if not metrics:
        return PlainTextResponse("The server is still starting.\n", 503, {"Retry-After": "5"})
    return Response(await asyncio.to_thread(metrics[0].text), media_type=CONTENT_TYPE)


def origins() -> list[str]:
    """Origins of other sites whose pages may open these, from Streamlit's option for them."""
    return list(st.get_option("server.corsAllowedOrigins"))


async def freeze_after_warm_up() -> None:
    """Freeze the garbage collector's permanent generation after warm-up, so that full collections skip it and stop pages for less."""
    await asyncio.sleep(WARM_UP)
    gc.collect()
    gc.freeze()


@asynccontextmanager
async def lifespan(_: st.App) -> AsyncIterator[None]:
    """Start the service with the server, and end its workers with it."""
    request_log.log_to_stderr()
    alerts.log_to_stderr()
    request_log.silence_uvicorn()
    streamlit_internals.shorten_log_of_odd_messages()
    service = await asyncio.to_thread(pages.service)
    api.set_app(create_app(service))
    health.service = service
    history = await asyncio.to_thread(pages.history)
    metrics.append(Metrics(service, pages.open_alerts, pages.runs().last_successes))
    request_log.OBSERVERS.extend(request_observers := [metrics[0].observe_request, history.record_request])
    pages.page_run_observers.append(metrics[0].observe_page_run)
    schedule = UpdateSchedule.of_settings(service, pages.runs(), history)
    schedule.start()
    pages.checks_alerts.set()
    settling = asyncio.create_task(freeze_after_warm_up())
    try:
        yield
    finally:
        pages.checks_alerts.clear()
        settling.cancel()
        for observer in request_observers:
            request_log.OBSERVERS.remove(observer)
        pages.page_run_observers.remove(metrics.pop().observe_page_run)
        health.service = None
        await asyncio.to_thread(schedule.close)
        await asyncio.to_thread(sources.close_streams)
        await asyncio.to_thread(service.close)
        pages.service.clear()


app = st.App(
    Path(__file__).with_name("streamlit_app.py"),
    routes=[Mount(PREFIX, app=api), *health.routes(), Route("/metrics", scraped)],
    middleware=[
        Middleware(security_headers.SecurityHeadersMiddleware, headers=security_headers.page_headers(INDEX_PAGE)),
        Middleware(MachineAddressMiddleware),
        Middleware(IndexPageMiddleware),
        Middleware(PageAccessMiddleware, max_pages=settings.max_pages(), hosts=settings.hosts(), origins=origins),
    ],
    lifespan=lifespan,
)
