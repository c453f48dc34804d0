"""Notices in place of a page whose figures are still loading or cannot be had."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import streamlit as st

from forecasting.support.errors import ForecastingError
from ui.shell import following, polling
from ui.shell.markdown import escape_markdown
from ui.shell.sidebar import StillLoading


@contextmanager
def page_errors() -> Iterator[None]:
    """Run a page's body; figures on their way become a notice that looks again, errors one sentence.

    Below an error about figures that come by themselves the page looks for more of them.
    """
    before = following.seen()
    try:
        yield
    except StillLoading as figures:
        loading(str(figures))
    except ForecastingError as error:
        st.error(escape_markdown(str(error)), icon=":material/error:")
        following.follow_from(before)


def loading(label: str) -> None:
    """Draw a notice that the figures are being fetched, which looks again every second; every control stays usable."""
    st.info(
        f"Fetching {escape_markdown(label)} … Any other figures can be chosen meanwhile.",
        icon=":material/cloud_download:",
    )
    _poll_loading()


@st.fragment(run_every=1.0)
def _poll_loading() -> None:
    if st.session_state.get("looked"):
        st.session_state["looked"] = False
        polling.rerun_page()
    st.session_state["looked"] = True
