"""Explore: pick a region and a model, see a forecast at once, watch the better ones train."""

import streamlit as st

from ui.explore import embed, page
from ui.shell import controls, following, inside_frame, runtime
from ui.shell.navigation import COMPARE
from ui.shell.page_errors import page_errors

inside_frame.require()

service = runtime.service()
if page.take_wish_for_regions():
    st.switch_page(COMPARE)
with page_errors():
    if embed.is_embedded():
        embed.prepare()
        with controls.hidden():
            choices = page.choices(service)
    else:
        choices = page.choices(service)
        page.heading(service, choices)
    page.live(service, choices)
    following.follow(choices, choices.region)
