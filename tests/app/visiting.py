"""How a visitor comes to the app under test."""

from pathlib import Path

from streamlit.testing.v1 import AppTest

SCRIPT = Path(__file__).parents[2] / "streamlit_app.py"
#: Seconds a run of the script may take on a busy machine.
PATIENCE = 60


def new_visitor(page):
    """A visitor who is about to open a page of the app: ``"pages/regions.py"``."""
    return AppTest.from_file(str(SCRIPT), default_timeout=PATIENCE).switch_page(page)


def settled(page):
    """The page when its figures are there: it shows that they are being fetched, and looks again, until then."""
    for _ in range(100):
        if not any(info.value.startswith("Fetching") for info in page.info):
            break
        page.run()
    return page
