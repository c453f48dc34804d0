"""Your data: a table of the visitor's own, what was understood of it, and the way to its forecasts."""

import streamlit as st

from ui.shell import inside_frame
from ui.shell.navigation import EXPLORE
from ui.your_data import page

inside_frame.require()

page.draw()
if page.take_leave_request():
    st.switch_page(EXPLORE)
