"""Forecast Explorer: `streamlit run streamlit_app.py`."""

from pathlib import Path

import streamlit as st

from forecasting.support import settings
from ui.shell import frame, polling, runtime, sign_in, url_state

LOOKS = Path(__file__).parent / "ui" / "shell"

with polling.turn() as came:
    st.set_page_config(page_title="Forecast Explorer", page_icon=str(LOOKS / "icon.png"), layout="wide")
    st.logo(str(LOOKS / "logo.svg"), size="large")
    runtime.history()
    pages = [
        st.Page("pages/explore.py", title="Explore", icon=":material/query_stats:", default=True),
        st.Page("pages/regions.py", title="Regions", icon=":material/grid_view:"),
        st.Page("pages/compare.py", title="Compare", icon=":material/compare_arrows:"),
        st.Page("pages/time_machine.py", title="Time machine", icon=":material/history:"),
        st.Page("pages/your_data.py", title="Your data", icon=":material/upload_file:"),
        st.Page("pages/monitor.py", title="Monitor", icon=":material/monitor_heart:"),
        st.Page("pages/methods.py", title="Methods", icon=":material/menu_book:"),
    ]
    shown = [page for page in pages if page.title != "Monitor" or settings.monitor()]
    entered = sign_in.entered()
    chosen = st.navigation(shown, position="top" if entered else "hidden")
    if entered:
        url_state.arrive(chosen.url_path)
        runtime.run(chosen, came)
        frame.mend()
