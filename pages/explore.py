"""Explore: pick a region and a model, see a forecast at once, watch the better ones train."""

import streamlit as st

from forecasting.errors import ForecastingError
from ui import app, explore
from ui.choices import choose

service = app.service()
try:
    choices = choose(service)
except ForecastingError as error:
    st.error(str(error), icon=":material/error:")
    st.stop()

explore.heading(choices)
explore.live(service, choices)
explore.provenance(choices)
