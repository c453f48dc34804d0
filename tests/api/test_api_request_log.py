"""What all answers have in common: ids, lines in the log, headers; and the two addresses of health."""

import asyncio
import json
import logging
import threading

import pytest
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect
from starlette.routing import Mount
from starlette.testclient import TestClient

from forecasting.api import health as health_room
from forecasting.api import request_log
from forecasting.api.api_keys import create_key
from forecasting.api.health import DeferredApp, HealthChecks
from forecasting.jobs import JobQueue
from forecasting.services.service import Service
from forecasting.storage.forecast_store import ForecastStore

GOOD = {"source": "bundled", "region": "Italy", "model": "naive", "horizon": 3}


@pytest.fixture
def logged(caplog):
    caplog.set_level(logging.INFO, "forecasting.requests")
    return lambda: [json.loads(record.message) for record in caplog.records if record.name == "forecasting.requests"]


def test_an_id_is_made_or_taken_over_where_it_is_one(client):
    assert len(client.get("/api/v1/models").headers["x-request-id"]) == 32
    assert client.get("/healthz", headers={"X-Request-ID": "a.b-C_9"}).headers["x-request-id"] == "a.b-C_9"
    for strange in ("", "a b", "x" * 65, 'a"b', "<script>"):
        assert client.get("/healthz", headers={"X-Request-ID": strange}).headers["x-request-id"] != strange


def test_every_request_is_one_line_without_figures_keys_or_what_is_asked(monkeypatch, open_api, logged, caplog):
    key, line = create_key("lab")
    monkeypatch.setenv("FORECAST_API_KEYS", line)
    client, headers = open_api(), {"X-API-Key": key, "X-Request-ID": "mine"}
    client.post("/api/v1/forecast", json=GOOD, headers=headers)
    client.get("/api/v1/regions?source=bundled&statistic=new_cases", headers=headers)
    client.get("/api/v1/jobs/secretjob", headers=headers)
    client.get("/api/v1/jobs/secretjob", headers={"X-API-Key": "secretkey"})
    client.get("/api/secretpath", headers=headers)
    client.get("/api/openapi.json")
    client.get("/healthz")
    lines = logged()
    assert [(one["method"], one["route"], one["status"], one["key"]) for one in lines] == [
        ("POST", "/api/v1/forecast", 200, "lab"),
        ("GET", "/api/v1/regions", 200, "lab"),
        ("GET", "/api/v1/jobs/{id}", 404, "lab"),
        ("GET", "/api/v1/jobs/{id}", 401, ""),
        ("GET", "-", 404, ""),
        ("GET", "/api/openapi.json", 200, ""),
        ("GET", "/healthz", 200, ""),
    ]
    assert set(lines[0]) == {"time", "id", "method", "route", "status", "ms", "key"}
    assert lines[0]["id"] == "mine"
    assert lines[0]["ms"] > 0
    assert lines[0]["time"].endswith("+00:00")
    for secret in (key, "secret", "new_cases", "Italy", "bundled"):
        assert secret not in " ".join(record.message for record in caplog.records if "forecasting" in record.name)


def test_others_may_count_requests(client, monkeypatch):
    seen = []
    monkeypatch.setattr(request_log, "OBSERVERS", [seen.append])
    client.get("/api/v1/models")
    assert [(one.route, one.status) for one in seen] == [("/api/v1/models", 200)]


@pytest.mark.parametrize(
    "path", ["/api/v1/models", "/api/v1/jobs/x", "/healthz", "/readyz", "/api/nothing", "/api/docs"]
)
def test_every_answer_has_the_headers_that_keep_browsers_careful(client, path):
    headers = client.get(path).headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    assert "default-src 'none'" in headers["content-security-policy"]
    assert headers["referrer-policy"] == "no-referrer"
    assert ("max-age" in headers["cache-control"]) == (path == "/api/docs")


def test_answers_are_packed_for_who_can_unpack(client):
    plain, packed = (
        client.post("/api/v1/forecast", json=GOOD, headers={"Accept-Encoding": kind}) for kind in ("identity", "gzip")
    )
    assert "content-encoding" not in plain.headers
    assert packed.headers["content-encoding"] == "gzip"
    assert int(packed.headers["content-length"]) < int(plain.headers["content-length"]) / 3
    assert packed.json() == plain.json()


def test_a_client_who_leaves_is_no_fault(logged, caplog):
    async def left(scope, receive, send):
        raise ClientDisconnect

    scope = {"type": "http", "method": "GET", "path": "/", "headers": []}
    asyncio.run(request_log.RequestLogMiddleware(left)(scope, None, None))
    assert [one["status"] for one in logged()] == [499]


def test_the_process_lives_and_is_ready_when_its_workers_and_store_are(client, ask, follow, italy):
    assert client.get("/healthz").json() == {"status": "ok"}
    assert client.post("/healthz").status_code == 405
    follow(ask(**{**italy, "horizon": 41}, model="ets"))  # so its worker is ready by now
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json()) == (200, {"status": "ready"})


def test_what_is_missing_is_said(client, api_service, monkeypatch):
    monkeypatch.setattr(type(api_service.queue), "can_fit", False)
    monkeypatch.setattr(api_service.store, "trouble", lambda: "the disk is full")
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert [one["field"] for one in answer.json()["errors"]] == ["store", "workers"]
    assert "The store cannot be used: the disk is full" in answer.json()["detail"]
    assert answer.headers["retry-after"] == "10"
    assert client.get("/healthz").status_code == 200


def test_a_store_that_does_not_answer_is_not_waited_for(client, api_service, monkeypatch):
    over = threading.Event()
    monkeypatch.setattr(health_room, "STORE_TIMEOUT", 0.05)
    monkeypatch.setattr(api_service.store, "trouble", lambda: over.wait(0.5) and "")
    answer = client.get("/readyz")
    over.set()
    assert "It did not answer in 0.05 seconds." in answer.json()["detail"]


def test_a_server_that_is_still_starting_says_so():
    client = TestClient(Starlette(routes=[Mount("/api", DeferredApp()), *HealthChecks().routes()]))
    assert client.get("/healthz").status_code == 200
    for path in ("/readyz", "/api/v1/models"):
        answer = client.get(path)
        assert (answer.status_code, answer.json()["detail"]) == (503, "The server is still starting.")


@pytest.mark.parametrize(
    ("url", "command", "missing"),
    [
        ("sqlite://", ("false",), ["workers"]),
        ("postgresql+psycopg://nobody@127.0.0.1:1/none", ("false",), ["store", "workers"]),
    ],
)
def test_workers_that_do_not_start_and_stores_that_are_not_there_are_missing(url, command, missing, open_api):
    store = ForecastStore(url)
    service = Service(store, JobQueue(store, workers=1, command=command))
    try:
        answer = open_api(service).get("/readyz")
        assert [one["field"] for one in answer.json()["errors"]] == missing
        assert "127.0.0.1" not in answer.text
    finally:
        service.close()
