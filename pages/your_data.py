"""Your data: a table of the visitor's own, what was understood of it, and the way to its forecasts."""

import streamlit as st

from ui.your_data import page

if page.leaving():
    st.switch_page(page.EXPLORE)
page.draw()
