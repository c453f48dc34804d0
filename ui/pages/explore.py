"""Explore: pick a region and a model, see a forecast at once, watch the better ones train."""

import streamlit as st

from forecasting.errors import ForecastingError
from ui import app, explore
from ui.choices import StillLoading, choose
from ui.plain import plain

service = app.service()
try:
    choices = choose(service)
    explore.heading(choices)
    explore.live(service, choices)
    explore.provenance(service, choices)
except StillLoading as figures:
    explore.loading(str(figures))
except ForecastingError as error:
    st.error(plain(str(error)), icon=":material/error:")
