"""Compare: models on one region, or one model on several, from the same earlier dates, against what came."""

import streamlit as st

from forecasting.errors import ForecastingError
from ui import app, compare, explore, what_if
from ui.choices import StillLoading, choose
from ui.plain import plain

service = app.service()
try:
    above = st.container()
    choices = choose(service, lambda *shown: compare.controls(*shown) | what_if.state())
    question = compare.question(choices)
    with above:
        compare.heading(choices, question)
    compare.live(service, choices, question)
    what_if.live(service, choices)
except StillLoading as figures:
    explore.loading(str(figures))
except ForecastingError as error:
    st.error(plain(str(error)), icon=":material/error:")
