"""The server ends in the worst way, in the middle of its work.

The first visitors before and after are also those of `test_first_visit.py` who come to Explore, by either address.
"""

import pytest
from app_server import AppServer
from explore_page import link
from test_first_visit import LINK, expect_page

pytestmark = pytest.mark.browser

BOTH = "sarima,ets"
VIEW = link(**LINK | {"models": BOTH})


@pytest.fixture
def killed(visitors, tmp_path):
    """What a server that is killed in the middle of a fit leaves behind: its files, and processes that do not end."""
    with AppServer(tmp_path, workers=1) as server:
        early = visitors.open(server.url, link(**LINK | {"models": "ets"}))
        expect_page(early, "", models="ets")
        early.expect_state("ets", "done")
        visitors.dismiss(early)
        with server.slowed():
            page = visitors.open(server.url, VIEW)
            page.expect_state("ets", "done")
            page.expect_state("sarima", "running")
        assert server.workers()
        server.kill()
        left = server.ended()
        visitors.dismiss(page)  # it cannot but complain that its server is gone
    return server.home, left


def test_a_killed_server_leaves_no_worker_and_its_finished_forecasts_are_there_after_a_restart(visitors, killed):
    home, left = killed
    assert left == []
    with AppServer(home, workers=1) as server:
        page = visitors.open(server.url, f"explore{VIEW}")
        page.row("ets").wait_for()
        assert page.row("ets").get_attribute("data-state") == "done", "a finished forecast was fitted again"
        page.expect_state("sarima", "queued", "running", "done")
        page.expect_drawn("ets")
        expect_page(page, "explore", models=BOTH)
        visitors.dismiss(page)
        assert not server.tracebacks(), server.log.read_text()
