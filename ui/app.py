"""What every page needs before it can draw: the one service of this process, and the theme on the reader's screen."""

from __future__ import annotations

import os

import streamlit as st

from forecasting import settings
from forecasting.jobs import JobQueue
from forecasting.palette import DARK, LIGHT, Theme
from forecasting.service import Service
from forecasting.store import Store

#: Seconds in which a page is drawn before the fits that it asked for begin.
GRACE = 0.25


@st.cache_resource(show_spinner=False)
def service() -> Service:
    """The process's service: its workers start with it and its jobs outlive every browser session."""
    st.secrets.load_if_toml_exists()  # Streamlit puts what is in there into the environment, where settings look
    os.environ.setdefault(settings.MAX_UPLOAD, str(st.get_option("server.maxUploadSize")))
    store = Store()
    return Service(store, JobQueue(store, grace=GRACE))


def theme() -> Theme:
    """The colours of the reader's background."""
    return DARK if st.context.theme.type == "dark" else LIGHT
