"""Many visitors at once, over the WebSocket that a page opens."""

import asyncio
from concurrent.futures import ThreadPoolExecutor

import pytest

from benchmarks import _crowds, _server
from benchmarks._machine import machine
from benchmarks._visitors import visit

NUMBER = 20


def run(work):
    """The result of a coroutine, in a thread of its own: in this one a browser's loop may be running."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, work).result()


@pytest.fixture(scope="module")
def one(tmp_path_factory):
    with machine(tmp_path_factory.mktemp("visited")) as one:
        run(_crowds.warm(one.server))
        yield one


def test_every_page_loads_for_many_visitors_at_once_and_nothing_stays_when_they_have_gone(one):
    before = _crowds.held(one.server.process)
    answers = run(_crowds.crowd(one.port, NUMBER, seconds=12.0, every=4.0, seed=2))
    assert not _crowds.wrong(answers)
    assert len(answers) >= 2 * NUMBER
    assert {"open", "region"} <= {answer.action for answer in answers}
    after = _crowds.back(one.server, before, patience=60.0)
    assert after.threads <= before.threads
    assert after.files <= before.files + _crowds.REMEMBERED
    assert _crowds.sessions(one.server) == 0


def test_a_choice_is_on_the_page_that_comes_back(one):
    async def look():
        async with visit(one.port, models="naive") as visitor:
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
