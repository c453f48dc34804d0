"""Many visitors at once, over the WebSocket that a page opens."""

import asyncio
from concurrent.futures import ThreadPoolExecutor

import pytest
from sweeps import examples

from benchmarks import _server
from benchmarks.soak import visitor_crowd
from benchmarks.soak.restartable_server import running_server
from benchmarks.soak.websocket_visitor import visit

NUMBER = examples(12, fewest=8)


def run(work):
    """The result of a coroutine, in a thread of its own: in this one a browser's loop may be running."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, work).result()


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with running_server(tmp_path_factory.mktemp("visited")) as server:
        run(visitor_crowd.warm(server.running()))
        yield server


def test_every_page_loads_for_many_visitors_at_once_and_nothing_stays_when_they_have_gone(server):
    before = visitor_crowd.resources(server.running().process)
    answers = run(visitor_crowd.crowd(server.port, NUMBER, seconds=8.0, every=2.5, seed=2))
    assert not visitor_crowd.problems(answers)
    assert len(answers) >= 2 * NUMBER
    assert {"open", "region"} <= {answer.action for answer in answers}
    after = visitor_crowd.resources_after(server.running(), before, patience=60.0)
    assert after.threads <= before.threads
    assert after.files <= before.files + visitor_crowd.REMEMBERED
    assert visitor_crowd.connected_sessions(server.running()) == 0


def test_a_choice_is_on_the_page_that_comes_back(server):
    async def look():
        async with visit(server.port, statistic="new_cases", models="naive") as visitor:
            await visitor.choose("region", "Spain")
            await visitor.choose("horizon_daily", 9.0)
            return visitor.link, visitor.answers

    link, answers = run(look())
    assert {"region=Spain", "horizon=9", "models=naive"} <= set(link.split("&"))
    assert all(answer.good and answer.chart for answer in answers)


def test_what_goes_wrong_on_a_page_is_seen(tmp_path):
    """The soak itself: a page that breaks is no good answer."""
    broken = tmp_path / "broken.py"
    broken.write_text("import streamlit as st\nst.selectbox('Region', ['A', 'B'])\nraise ValueError('a bug')\n")

    async def look(port):
        async with visit(port) as visitor:
            return visitor.answers

    with _server.serving(broken, tmp_path) as server:
        server.wait()
        (answer,) = run(look(server.port))
    assert not answer.good
    assert "a bug" in " ".join(answer.wrong)
