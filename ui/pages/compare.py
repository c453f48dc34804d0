"""Compare: every model on the same earlier dates, side by side, against what came."""

import streamlit as st

from forecasting.errors import ForecastingError
from ui import app, compare, explore
from ui.choices import StillLoading, choose

service = app.service()
try:
    above = st.container()
    origins = compare.choose_origins()
    choices = choose(service, {"origins": str(origins)})
    with above:
        compare.heading(choices)
    compare.live(service, choices, origins)
except StillLoading as figures:
    explore.loading(str(figures))
except ForecastingError as error:
    st.error(str(error), icon=":material/error:")
