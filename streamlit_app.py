"""Forecast Explorer: `streamlit run streamlit_app.py`."""

from pathlib import Path

import streamlit as st

from ui import app

st.set_page_config(
    page_title="Forecast Explorer", page_icon=str(Path(__file__).parent / "ui" / "icon.png"), layout="wide"
)
app.service()
st.navigation(
    [
        st.Page("ui/pages/explore.py", title="Explore", icon=":material/query_stats:", default=True),
        st.Page("ui/pages/regions.py", title="Regions", icon=":material/grid_view:"),
        st.Page("ui/pages/compare.py", title="Compare", icon=":material/compare_arrows:"),
        st.Page("ui/pages/time_machine.py", title="Time machine", icon=":material/history:"),
        st.Page("ui/pages/your_data.py", title="Your data", icon=":material/upload_file:"),
        st.Page("ui/pages/methods.py", title="Methods", icon=":material/menu_book:"),
    ],
    position="top",
).run()
