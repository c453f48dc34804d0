"""A stream on the pages: its figures as any other source's, new ones as they come, and one sentence while there is none."""

import json

import pandas as pd
import pytest
from conditions import until
from redis_server import running
from visiting import new_visitor, settled

from forecasting import sources

pytest.importorskip("redis")
DAYS = pd.date_range("2024-01-01", periods=60).strftime("%Y-%m-%d").tolist()


@pytest.fixture(scope="module")
def redis(tmp_path_factory):
    with running(tmp_path_factory.mktemp("redis")) as server:
        yield server


@pytest.fixture
def send(redis, request, monkeypatch):
    """Sends figures of Italy on the stream of this test."""
    name = f"s{abs(hash(request.node.nodeid))}"
    monkeypatch.setenv(f"FORECAST_STREAM_{name.upper()}", redis.address(name))

    def send_figures(figures):
        with redis.client() as client, client.pipeline() as together:
            for day, value in figures.items():
                together.xadd(name, {"data": json.dumps({"region": "Italy", "date": day, "value": value})})
            together.execute()

    send_figures.source = f"stream-{name}"
    yield send_figures
    sources.close_streams()


@pytest.mark.parametrize("name", ["pages/explore.py", "pages/regions.py", "pages/compare.py", "pages/time_machine.py"])
@pytest.mark.usefixtures("service")
def test_a_stream_opens_on_every_page(name, send):
    send(dict.fromkeys(DAYS, 5.0) | {DAYS[-1]: 7.0})
    page = new_visitor(name)
    page.query_params["source"], page.query_params["models"] = send.source, "naive"
    page.query_params["horizon"] = "1"
    page = settled(page.run())
    assert not page.exception
    assert [error.value for error in page.error] == []
    assert page.sidebar.selectbox(key="region").value == "Italy"


def test_a_new_point_is_on_the_page_when_it_is_run_again(send, visit):
    send(dict.fromkeys(DAYS, 5.0))
    page = visit(source=send.source, models="naive,ets")
    assert any("figures to 29 Feb 2024" in one.value for one in page.markdown)
    seen = sources.source(send.source).panel()
    send({"2024-03-01": 6.0})
    until(lambda: sources.source(send.source).has_moved(seen, "Italy", "value"))
    page.run()
    until(lambda: not page.run().info)
    assert not page.exception
    assert any("figures to 1 Mar 2024" in one.value for one in page.markdown)


def test_a_stream_without_messages_is_a_sentence_until_they_come(send, visit):
    page = visit(source=send.source, models="naive")
    (error,) = page.error
    assert error.value.startswith("No message has come on ")
    send(dict.fromkeys(DAYS, 5.0))
    until(sources.source(send.source).version)
    until(lambda: not page.run().error and not page.info)
    assert any("figures to 29 Feb 2024" in one.value for one in page.markdown)


def test_a_broker_that_goes_away_is_a_sentence_beside_the_figures(tmp_path, monkeypatch, visit):
    with running(tmp_path) as server:
        monkeypatch.setenv("FORECAST_STREAM_LEAVING", server.address("leaving"))
        with server.client() as client, client.pipeline() as together:
            for day in DAYS:
                together.xadd("leaving", {"region": "Italy", "date": day, "value": 5})
            together.execute()
        page = visit(source="stream-leaving", models="naive")
        server.stop()
        until(sources.source("stream-leaving").state)
        page.run()
        assert not page.exception
        assert not page.error
        assert any("Redis does not answer. These are the points that are stored." in c.value for c in page.caption)
        sources.close_streams()


def test_the_first_page_has_what_was_there_though_it_has_looked_a_moment_before(send, visit, monkeypatch):
    """The page looks how far the figures have come before it asks for them."""
    monkeypatch.setattr("forecasting.sources.stream.LOOK_EVERY", 1e9)
    send(dict.fromkeys(DAYS, 5.0))
    page = visit(source=send.source, models="naive")
    assert [error.value for error in page.error] == []
    assert any("figures to 29 Feb 2024" in one.value for one in page.markdown)
