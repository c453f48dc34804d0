"""Compare: models on one region, or one model on several, from the same earlier dates, against what came."""

import streamlit as st

from ui.compare import page, what_if
from ui.shell import following, inside_frame, runtime
from ui.shell.page_errors import page_errors
from ui.shell.sidebar import draw_sidebar

inside_frame.require()

service = runtime.service()
with page_errors():
    above = st.container()
    choices = draw_sidebar(service, lambda *shown: page.draw_controls(*shown) | what_if.state())
    question = page.question(choices)
    with above:
        page.heading(choices, question)
    page.live(service, choices, question)
    what_if.live(service, choices)
    following.follow(choices, pace=following.EARLIER_DATES)
