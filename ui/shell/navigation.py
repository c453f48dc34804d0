"""The pages of the app in the order of the navigation, and what the browser's tab is called."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import unquote

import streamlit as st

from forecasting.support import settings
from ui.shell import streamlit_internals
from ui.shell.markdown import escape_markdown

#: The first page, to which other pages lead: a path for `st.switch_page`.
EXPLORE = "pages/explore.py"
#: Where several regions stand beside each other: a path for `st.switch_page`.
COMPARE = "pages/compare.py"
#: The one page that a setting can leave out.
MONITOR = "Monitor"
#: The icon of the browser's tab.
ICON = Path(__file__).parent / "icon.png"
#: What the app is called, in the browser's tab after what is shown.
APP = "Forecast Explorer"
#: Letters of an unknown address that are repeated.
ADDRESS_LETTERS = 60
#: What Streamlit calls the first page, whose address is empty, so that the address ``explore`` can lead to it.
_FIRST = "first-page"
#: A name in the session's state: the last address that is no page's.
_UNKNOWN = "unknown address"
#: A name in the session's state: the title of the browser's tab.
_TITLE = "tab title"


def configure_tab() -> None:
    """Set the tab's title and icon. Before `st.navigation`: else the browser fetches a page's icon for the tab from elsewhere.

    The title stays that of what was shown before until the page gives another.
    """
    st.set_page_config(page_title=st.session_state.get(_TITLE, APP), page_icon=str(ICON), layout="wide")


def name_tab(*parts: str) -> None:
    """Name the browser's tab after what is shown, the most telling first: ``"Italy: new cases", "Compare"``."""
    st.session_state[_TITLE] = " · ".join([*parts, APP])
    st.set_page_config(page_title=st.session_state[_TITLE])


def app_pages() -> list[st.Page]:
    """The pages on offer; Monitor only where the settings say so. Only a running script may ask."""
    pages = [
        st.Page(EXPLORE, title="Explore", icon=":material/query_stats:", default=True, url_path=_FIRST),
        st.Page("pages/regions.py", title="Regions", icon=":material/grid_view:"),
        st.Page(COMPARE, title="Compare", icon=":material/compare_arrows:"),
        st.Page("pages/time_machine.py", title="Time machine", icon=":material/history:"),
        st.Page("pages/desk.py", title="Desk", icon=":material/keep:"),
        st.Page("pages/your_data.py", title="Your data", icon=":material/upload_file:"),
        st.Page("pages/monitor.py", title=MONITOR, icon=":material/monitor_heart:"),
        st.Page("pages/methods.py", title="Methods", icon=":material/menu_book:"),
    ]
    offered = [page for page in pages if page.title != MONITOR or settings.monitor()]
    return [*offered, *_unknown_page(offered)]


def _unknown_page(offered: list[st.Page]) -> list[st.Page]:
    """A page of its own for an address that is none of those on offer: Streamlit would lay a dialog over an inert first page."""
    asked = streamlit_internals.asked_page()
    if asked and asked not in {_FIRST, *(page.url_path for page in offered)}:
        st.session_state[_UNKNOWN] = asked
    address = st.session_state.get(_UNKNOWN)
    if not address:
        return []

    def draw() -> None:
        if meant := _meant(address, offered):
            st.switch_page(meant, query_params=st.query_params.to_dict())
        _draw_unknown(address, offered)

    return [st.Page(draw, title="Page not found", url_path=address, visibility="hidden")]


def _meant(address: str, offered: list[st.Page]) -> st.Page | None:
    """The page whose title or file somebody has written in another way: ``"explore"``, ``"Time-machine"``."""
    plain = unquote(address).strip("/ ").lower().replace("-", "_").replace(" ", "_")
    return next((page for page in offered if page.title.lower().replace(" ", "_") == plain), None)


def _draw_unknown(address: str, offered: list[st.Page]) -> None:
    """Say that there is no such page, and offer those that there are."""
    name_tab("Page not found")
    st.title("Page not found", anchor=False)
    st.markdown(
        f"There is no page **{escape_markdown(unquote(address)[:ADDRESS_LETTERS])}** here. These are the pages:"
    )
    for page in offered:
        st.page_link(page)


def pages_by_file() -> list[st.Page]:
    """The same pages, where Explore, too, has the name of its file as its address, as Streamlit's old way gives it."""
    _, *others = app_pages()
    explore = st.Page(EXPLORE)
    others = [
        page for page in others if page.url_path != explore.url_path
    ]  # asked for by its file, it is no unknown page
    return [st.Page(_nothing, title=APP, default=True), explore, *others]


def _nothing() -> None:
    """The page of the empty address in `pages_by_file`, which is never run."""
