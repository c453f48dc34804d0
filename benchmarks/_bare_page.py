"""The least that a Streamlit page with a chart can be: what the app's own pages are compared with."""

import numpy as np
import plotly.graph_objects as go
import streamlit as st

REGIONS = ("United States", "United Kingdom", "Italy", "France", "Germany", "Spain")
DAYS = np.arange("2020-01-22", "2021-05-17", dtype="datetime64[D]")

region = st.selectbox("Region", REGIONS)
wave = 1 + np.sin(np.arange(len(DAYS)) / (20 + REGIONS.index(region)))
st.plotly_chart(go.Figure(go.Scatter(x=DAYS, y=wave, name=region)).update_layout(title=region))
