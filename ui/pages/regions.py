"""Regions: every region at a glance, where it is going, and how far that can be trusted."""

import streamlit as st

from forecasting.errors import ForecastingError
from ui import app, explore, regions
from ui.choices import StillLoading, choose
from ui.plain import plain

service = app.service()
if regions.leaving():
    st.switch_page(regions.EXPLORE)
try:
    above = st.container()
    choices = choose(service, regions.controls)
    with above:
        regions.heading(choices)
    regions.live(service, choices)
except StillLoading as figures:
    explore.loading(str(figures))
except ForecastingError as error:
    st.error(plain(str(error)), icon=":material/error:")
