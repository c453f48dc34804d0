"""Takes the README's picture of the running page, in the machine's own Chromium: `python -m docs.picture`."""

from __future__ import annotations

import tempfile
from pathlib import Path

from benchmarks._browser import chromium
from benchmarks._server import APP, serving

PICTURE = Path(__file__).with_name("explore.png")
VIEW = "?statistic=new_admissions&region=California&models=ensemble,sarima,prophet,ets&horizon=4"


def take_picture() -> None:
    """Open Explore, wait until every model is done and scored, and write `docs/explore.png`."""
    with tempfile.TemporaryDirectory() as home, serving(APP, Path(home)) as server, chromium() as browser:
        server.wait()
        page = browser.new_page(viewport={"width": 1360, "height": 1120}, color_scheme="light")
        page.goto(f"{server.url}/{VIEW}")
        for model in ("ensemble", "sarima", "ets", "prophet"):
            page.wait_for_selector(f'.row[data-model="{model}"][data-state="done"]')
        page.get_by_text("outcomes fell in its 80 % range").wait_for()
        page.get_by_text("Still being judged").wait_for(state="detached")
        page.wait_for_timeout(1500)  # the page's own last rerun, once nothing is left to poll for
        page.screenshot(path=str(PICTURE))


if __name__ == "__main__":
    take_picture()
