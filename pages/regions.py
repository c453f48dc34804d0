"""Regions: every region at a glance, where it is going, and how far that can be trusted."""

import streamlit as st

from ui.regions import page, region_list
from ui.shell import following, inside_frame, runtime
from ui.shell.navigation import EXPLORE
from ui.shell.page_errors import page_errors
from ui.shell.sidebar import draw_sidebar

inside_frame.require()

service = runtime.service()
if region_list.take_leave_request():
    st.switch_page(EXPLORE)
with page_errors():
    above = st.container()
    choices = draw_sidebar(service, page.draw_controls)
    with above:
        page.heading(choices)
    page.live(service, choices)
    following.follow(choices, pace=following.ALL_REGIONS)
