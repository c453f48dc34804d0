"""The pages of the app in the order of the navigation, and what the browser's tab is called."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from forecasting.support import settings

#: The first page, to which other pages lead: a path for `st.switch_page`.
EXPLORE = "pages/explore.py"
#: The one page that a setting can leave out.
MONITOR = "Monitor"
#: The icon of the browser's tab.
ICON = Path(__file__).parent / "icon.png"


def configure_tab() -> None:
    """Set the tab's title and icon. Before `st.navigation`: else the browser fetches a page's icon for the tab from elsewhere."""
    st.set_page_config(page_title="Forecast Explorer", page_icon=str(ICON), layout="wide")


def app_pages() -> list[st.Page]:
    """The pages on offer; Monitor only where the settings say so. Only a running script may ask."""
    pages = [
        st.Page(EXPLORE, title="Explore", icon=":material/query_stats:", default=True),
        st.Page("pages/regions.py", title="Regions", icon=":material/grid_view:"),
        st.Page("pages/compare.py", title="Compare", icon=":material/compare_arrows:"),
        st.Page("pages/time_machine.py", title="Time machine", icon=":material/history:"),
        st.Page("pages/your_data.py", title="Your data", icon=":material/upload_file:"),
        st.Page("pages/monitor.py", title=MONITOR, icon=":material/monitor_heart:"),
        st.Page("pages/methods.py", title="Methods", icon=":material/menu_book:"),
    ]
    return [page for page in pages if page.title != MONITOR or settings.monitor()]


def pages_by_file() -> list[st.Page]:
    """The same pages, where Explore, too, has the name of its file as its address, as Streamlit's old way gives it."""
    _, *others = app_pages()
    return [st.Page(_nothing, title="Forecast Explorer", default=True), st.Page(EXPLORE), *others]


def _nothing() -> None:
    """The page of the empty address in `pages_by_file`, which is never run."""
