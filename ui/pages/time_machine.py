"""Time machine: what was known at an earlier date, what would have been forecast from it, and what came."""

import streamlit as st

from forecasting.errors import ForecastingError
from ui import app, explore, time_machine
from ui.choices import StillLoading, choose
from ui.plain import plain

service = app.service()
try:
    above = st.container()
    choices = choose(service, lambda *_: time_machine.state())
    with above:
        time_machine.heading(choices)
    time_machine.live(service, choices, time_machine.asked_date())
except StillLoading as figures:
    explore.loading(str(figures))
except ForecastingError as error:
    st.error(plain(str(error)), icon=":material/error:")
