"""Forecast Explorer: `streamlit run streamlit_app.py`."""

from pathlib import Path

import streamlit as st

from forecasting import settings
from ui import app, frame, link, pace, sign_in

LOOKS = Path(__file__).parent / "ui"

with pace.turn() as came:
    st.set_page_config(page_title="Forecast Explorer", page_icon=str(LOOKS / "icon.png"), layout="wide")
    st.logo(str(LOOKS / "logo.svg"), size="large")
    app.history()
    pages = [
        st.Page("ui/pages/explore.py", title="Explore", icon=":material/query_stats:", default=True),
        st.Page("ui/pages/regions.py", title="Regions", icon=":material/grid_view:"),
        st.Page("ui/pages/compare.py", title="Compare", icon=":material/compare_arrows:"),
        st.Page("ui/pages/time_machine.py", title="Time machine", icon=":material/history:"),
        st.Page("ui/pages/your_data.py", title="Your data", icon=":material/upload_file:"),
        st.Page("ui/pages/monitor.py", title="Monitor", icon=":material/monitor_heart:"),
        st.Page("ui/pages/methods.py", title="Methods", icon=":material/menu_book:"),
    ]
    shown = [page for page in pages if page.title != "Monitor" or settings.monitor()]
    entered = sign_in.entered()
    chosen = st.navigation(shown, position="top" if entered else "hidden")
    if entered:
        link.arrive(chosen.url_path)
        app.run(chosen, came)
        frame.mend()
