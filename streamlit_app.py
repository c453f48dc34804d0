"""Forecast Explorer: `streamlit run streamlit_app.py`."""

from pathlib import Path

import streamlit as st

from ui.shell import frame, navigation, pins, runtime, sign_in, tab_storage, url_state

LOGO = Path(__file__).parent / "ui" / "shell" / "logo.svg"

with runtime.script_turns.taken() as came:
    navigation.configure_tab()
    st.logo(str(LOGO), size="large")
    runtime.history()
    entered = sign_in.ask_to_sign_in()
    chosen = st.navigation(navigation.app_pages(), position="top" if entered else "hidden")
    if entered:
        url_state.open_page(chosen.url_path)
        if not tab_storage.wait_for_tables():
            runtime.run_page(chosen, came)
            frame.adapt_browser()
            tab_storage.keep_tables()
            pins.keep_pins(waits=chosen.url_path == "desk")
