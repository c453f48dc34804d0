"""A page about a stream moves by itself: nobody touches it, and what has come is on it."""

import json

import pandas as pd
import pytest
from app_server import AppServer
from explore_page import link
from redis_server import running

pytestmark = pytest.mark.browser
pytest.importorskip("redis")
DAYS = pd.date_range("2024-01-01", periods=60).strftime("%Y-%m-%d").tolist()


def send(redis, figures):
    with redis.client() as client, client.pipeline() as together:
        for day, value in figures.items():
            together.xadd("cases", {"data": json.dumps({"region": "Italy", "date": day, "value": value})})
        together.execute()


def test_a_page_opened_before_the_first_message_follows_the_stream(visitors, tmp_path, monkeypatch):
    with running(tmp_path) as redis:
        monkeypatch.setenv("FORECAST_STREAM_CASES", redis.address("cases"))
        with AppServer(tmp_path, workers=1) as server:
            page = visitors.open(server.url, link(source="stream-cases", models="ets"))
            page.tab.get_by_text("No message has come on 'cases (stream)' yet").wait_for()
            send(redis, {day: 5.0 + place % 7 for place, day in enumerate(DAYS)})
            page.tab.get_by_text("Daily figures to 29 Feb 2024").wait_for()
            page.expect_drawn("history", "ets")
            page.expect_state("ets", "done")
            send(redis, {"2024-03-01": 9.0})
            page.tab.get_by_text("Daily figures to 1 Mar 2024").wait_for()
            page.expect_state("ets", "done")
            redis.stop()
            page.tab.get_by_text("Redis does not answer. These are the points that are stored.").wait_for()
            visitors.dismiss(page)
            assert not server.tracebacks(), server.log.read_text()
