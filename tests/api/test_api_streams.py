"""A stream through the API: the same figures as on the pages, and one sentence while there is none."""

import json

import pandas as pd
import pytest
from redis_server import running

from forecasting import sources

pytest.importorskip("redis")
DAYS = pd.date_range("2024-01-01", periods=60).strftime("%Y-%m-%d").tolist()


@pytest.fixture
def redis(tmp_path, monkeypatch):
    with running(tmp_path) as server:
        monkeypatch.setenv("FORECAST_STREAM_POSTED", server.address("posted"))
        yield server
        sources.close_streams()


def test_a_stream_is_a_source_of_the_api(redis, client):
    asked = {"source": "stream-posted", "region": "Italy", "model": "naive", "horizon": 2}
    empty = client.post("/api/v1/forecast", json=asked)
    assert empty.status_code in (404, 422, 502, 503)
    assert "No message has come on 'posted (stream)' yet" in empty.text
    with redis.client() as broker, broker.pipeline() as together:
        for place, day in enumerate(DAYS):
            together.xadd("posted", {"data": json.dumps({"region": "Italy", "date": day, "value": place})})
        together.execute()
    sources.source("stream-posted").fetch()
    while (answer := client.post("/api/v1/forecast", json=asked)).status_code != 200:
        assert "No message has come" in answer.text
    rows = answer.json()["forecasts"]
    assert {row["origin"] for row in rows} == {"2024-02-29"}
    assert any(
        one["name"] == "stream-posted" and one["live"] for one in client.get("/api/v1/sources").json()["sources"]
    )
