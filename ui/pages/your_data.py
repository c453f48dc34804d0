"""Your data: a table of the visitor's own, what was understood of it, and the way to its forecasts."""

import streamlit as st

from ui import your_data

if your_data.leaving():
    st.switch_page(your_data.EXPLORE)
your_data.draw()
