"""Desk: what was pinned, what is expected there, and what has moved."""

import streamlit as st

from ui.desk import page
from ui.shell import inside_frame, runtime
from ui.shell.navigation import EXPLORE
from ui.shell.page_errors import page_errors

inside_frame.require()

service = runtime.service()
if page.take_wish_to_explore():
    st.switch_page(EXPLORE)
with page_errors():
    page.heading()
    page.live(service)
