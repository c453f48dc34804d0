"""What every page needs: the one service of this process, what is remembered of it, and the theme on the reader's screen."""

from __future__ import annotations

import os
import time
from collections.abc import Callable

import pandas as pd
import streamlit as st

from forecasting.jobs import JobQueue
from forecasting.monitoring.alerts import Alerts
from forecasting.monitoring.history import History, PageRun
from forecasting.monitoring.runs import Runs
from forecasting.services.service import Service
from forecasting.storage.forecast_store import Store
from forecasting.support import file_limits, malloc, settings
from forecasting.views.palette import DARK, LIGHT, Theme
from ui.shell import streamlit_patch

#: Seconds in which a page is drawn before the fits that it asked for begin.
GRACE = 0.25
#: Who else is told of every run of a page's script.
OBSERVERS: list[Callable[[PageRun], None]] = []


@st.cache_resource(show_spinner=False, on_release=lambda _: _forget())
def service() -> Service:
    """The process's service: its workers start with it and its jobs outlive every browser session."""
    file_limits.allow_many()
    malloc.few()
    streamlit_patch.mend()
    st.secrets.load_if_toml_exists()  # Streamlit puts what is in there into the environment, where settings look
    os.environ.setdefault(settings.MAX_UPLOAD, str(st.get_option("server.maxUploadSize")))
    store = Store()
    return Service(store, JobQueue(store, grace=GRACE))


@st.cache_resource(show_spinner=False, on_release=History.close)
def history() -> History:
    """What is remembered of that service; it goes with it."""
    made = History(offered=service().offers)
    service().queue.observe(made.ended)
    return made


@st.cache_resource(show_spinner=False, on_release=Runs.close)
def runs() -> Runs:
    """How the upkeep went, whoever did it."""
    return Runs()


@st.cache_resource(show_spinner=False, on_release=Alerts.close)
def _alerts() -> Alerts:
    """Those of the database, to be read: whoever looks for them posts them."""
    return Alerts(webhook="")


def _forget() -> None:
    """The service has ended."""
    history.clear()
    runs.clear()
    _alerts.clear()


def open_alerts() -> pd.DataFrame:
    """What has drifted and what is in trouble, as `Alerts.open` gives it."""
    return _alerts().open()


def run(page: st.Page, begin: float) -> None:
    """Runs a page's script and has its time since `begin` noted, unless it is begun anew before its end.

    What its fragments do later is not seen here.
    """
    try:
        page.run()
    except Exception:
        _note(page, begin, failed=True)
        raise
    _note(page, begin, failed=False)


def _note(page: st.Page, begin: float, failed: bool) -> None:
    done = PageRun(page.title, 1000 * (time.perf_counter() - begin), failed)
    for note in (history().ran, *OBSERVERS):
        note(done)


def theme() -> Theme:
    """The colours of the reader's background."""
    return DARK if st.context.theme.type == "dark" else LIGHT
