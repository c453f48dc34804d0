"""What all visits of this process share, made in one place: the service, its history, the turns of scripts, threads, observers."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pandas as pd
import streamlit as st

from forecasting import sources
from forecasting.jobs import JobQueue
from forecasting.monitoring.alerts import Alerts
from forecasting.monitoring.event_alerts import EventAlert, EventAlerts
from forecasting.monitoring.history import History, PageRun
from forecasting.monitoring.update_runs import UpdateRuns
from forecasting.services.service import Service
from forecasting.storage.forecast_store import ForecastStore
from forecasting.support import file_limits, settings
from forecasting.support.errors import JobError
from forecasting.views.palette import DARK, LIGHT, Theme
from ui.shell import inside_frame, streamlit_internals
from ui.shell.polling_pace import PollingPace
from ui.shell.script_turns import ScriptTurns

#: Seconds in which a page is drawn before the fits that it asked for begin.
GRACE = 0.25
#: Scripts of pages that run at once.
SCRIPTS_AT_ONCE = 2
#: Seconds after which a script goes on whatever the others do: nothing waits for a script that hangs.
SCRIPT_PATIENCE = 0.5
#: Looks a second that all pages which wait for something take together, at most.
LOOKS_PER_SECOND = 8.0
#: Seconds after which a page that has not looked again counts no more, beside twice what it was told.
POLLING_GRACE = 2.0
#: Threads that read visitors' files.
FILE_READERS = 2
#: Seconds for which all visitors see the same rules of event alerts.
ALERTS_TICK = 10.0
#: The numbers of the rules of alerts that this visit has added, in the session's state: nobody removes another's.
ADDED_ALERTS = "alerts of this visit"

#: Turns of all pages' scripts.
script_turns = ScriptTurns(SCRIPTS_AT_ONCE, SCRIPT_PATIENCE)
#: The pace of all pages that poll.
polling_pace = PollingPace(LOOKS_PER_SECOND, POLLING_GRACE)
#: Set while this process checks event alerts by itself.
checks_alerts = threading.Event()
#: Who else is told of every run of a page's script.
page_run_observers: list[Callable[[PageRun], None]] = []


@st.cache_resource(show_spinner=False, on_release=lambda _: _clear_followers())
def service() -> Service:
    """The process's service: its workers start with it and its jobs outlive every browser session."""
    file_limits.raise_open_file_limit()
    streamlit_internals.drop_orphaned_references()
    streamlit_internals.keep_replaced_downloads()
    st.secrets.load_if_toml_exists()  # Streamlit puts what is in there into the environment, where settings look
    os.environ.setdefault(settings.MAX_UPLOAD, str(st.get_option("server.maxUploadSize")))
    sources.start_streams()
    store = ForecastStore()
    return Service(store, JobQueue(store, grace=GRACE))


@st.cache_resource(show_spinner=False, on_release=History.close)
def history() -> History:
    """The history of that service's fits, answers and page runs; it ends with the service."""
    made = History(offered=service().offers)
    service().queue.observe(made.record_fit)
    return made


@st.cache_resource(show_spinner=False, on_release=UpdateRuns.close)
def runs() -> UpdateRuns:
    """The runs of the upkeep, whoever did it; they end with the service."""
    return UpdateRuns()


@st.cache_resource(show_spinner=False, on_release=Alerts.close)
def _alerts() -> Alerts:
    """The alerts of the database, to be read: whoever looks for them posts them."""
    return Alerts(webhook="")


@st.cache_resource(show_spinner=False, on_release=EventAlerts.close)
def event_alerts() -> EventAlerts:
    """What people asked to be told of; it ends with the service."""
    return EventAlerts()


@st.cache_data(ttl=ALERTS_TICK, show_spinner=False, max_entries=1)
def kept_event_alerts(server: str) -> list[EventAlert]:
    """What people asked to be told of, the same for every visitor for a while; nothing without a database."""
    try:
        return event_alerts().all()
    except JobError:
        return []


def remove_event_alert(number: int) -> None:
    """Forget what somebody asked to be told of, and close its alert. Raises `RequestError`, `JobError`."""
    _alerts().forget(event_alerts().remove(number).name)


def _clear_followers() -> None:
    """The service has ended: what follows it ends, too."""
    history.clear()
    runs.clear()
    _alerts.clear()
    event_alerts.clear()


@st.cache_resource(show_spinner=False)
def file_readers() -> ThreadPoolExecutor:
    """Threads that read everybody's files; they keep nothing of what they read."""
    return ThreadPoolExecutor(max_workers=FILE_READERS, thread_name_prefix="reader")


def open_alerts() -> pd.DataFrame:
    """What has drifted and what is in trouble, as `Alerts.open` gives it."""
    return _alerts().open()


def run_page(page: st.Page, begin: float) -> None:
    """Run a page's script inside the frame and note its time since `begin`, unless it is begun anew before its end.

    What its fragments do later is not seen here.
    """
    try:
        with inside_frame.running_page():
            page.run()
    except Exception:
        _note_page_run(page, begin, failed=True)
        raise
    _note_page_run(page, begin, failed=False)


def _note_page_run(page: st.Page, begin: float, failed: bool) -> None:
    done = PageRun(page.title, 1000 * (time.perf_counter() - begin), failed)
    for note in (history().record_page_run, *page_run_observers):
        note(done)


def theme() -> Theme:
    """The colours of the reader's background."""
    return DARK if st.context.theme.type == "dark" else LIGHT
