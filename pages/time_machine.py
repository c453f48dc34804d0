"""Time machine: what was known at an earlier date, what would have been forecast from it, and what came."""

import streamlit as st

from ui.shell import following, inside_frame, runtime
from ui.shell.page_errors import page_errors
from ui.shell.sidebar import draw_sidebar
from ui.time_machine import page

inside_frame.require()

service = runtime.service()
with page_errors():
    above = st.container()
    choices = draw_sidebar(service, lambda *_: page.state())
    with above:
        page.heading(choices)
    page.live(service, choices, page.asked_date())
    following.follow(choices, choices.region, following.EARLIER_DATES)
