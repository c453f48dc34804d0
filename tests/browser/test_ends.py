"""The server ends in the worst way, in the middle of its work."""

import pytest
from app_server import AppServer
from explore_page import link

pytestmark = pytest.mark.browser

VIEW = link(region="Italy", models="ets,auto_arima")


@pytest.fixture
def killed(visitors, tmp_path):
    """What a server that is killed in the middle of a fit leaves behind: its files, and processes that do not end."""
    with AppServer(tmp_path, workers=1) as server:
        early = visitors.open(server.url, link(region="Italy", models="ets"))
        early.expect_state("ets", "done")
        visitors.dismiss(early)
        with server.slowed():
            page = visitors.open(server.url, VIEW)
            page.expect_state("ets", "done")
            page.expect_state("auto_arima", "running")
        assert server.workers()
        server.kill()
        left = server.ended()
        visitors.dismiss(page)  # it cannot but complain that its server is gone
    return server.home, left


def test_a_killed_server_leaves_no_worker_and_its_finished_forecasts_are_there_after_a_restart(visitors, killed):
    home, left = killed
    assert left == []
    with AppServer(home, workers=1) as server:
        page = visitors.open(server.url, VIEW)
        page.row("ets").wait_for()
        assert page.row("ets").get_attribute("data-state") == "done", "a finished forecast was fitted again"
        page.expect_state("auto_arima", "queued", "running", "done")
        page.expect_drawn("ets")
        visitors.dismiss(page)
