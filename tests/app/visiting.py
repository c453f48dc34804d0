"""How a visitor comes to the app under test."""

from pathlib import Path

SCRIPT = Path(__file__).parents[2] / "streamlit_app.py"
#: Seconds a run of the script may take on a busy machine.
PATIENCE = 60


def settled(page):
    """The page when its figures are there: it shows that they are being fetched, and looks again, until then."""
    for _ in range(100):
        if not any(info.value.startswith("Fetching") for info in page.info):
            break
        page.run()
    return page
