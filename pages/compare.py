"""Compare: models or regions from the same earlier dates against what came, or what comes next in several regions."""

import streamlit as st

from ui.compare import page, several_regions, what_if
from ui.shell import following, inside_frame, runtime
from ui.shell.page_errors import page_errors
from ui.shell.sidebar import draw_sidebar

inside_frame.require()

service = runtime.service()
with page_errors():
    above = st.container()
    choices = draw_sidebar(service, lambda *shown: page.draw_controls(*shown) | what_if.state())
    if page.looks_ahead():
        with above:
            several_regions.heading(choices)
        several_regions.live(service, choices)
    else:
        question = page.question(choices)
        with above:
            page.heading(choices, question)
        page.live(service, choices, question)
        what_if.live(service, choices)
    following.follow(choices, pace=following.EARLIER_DATES)
