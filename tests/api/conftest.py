"""The API on one service with a real worker, asked as a client would ask it, without a server."""

import time

import pytest
from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.testclient import TestClient

from forecasting.api.app import create_app
from forecasting.api.health import HealthChecks
from forecasting.jobs import JobQueue
from forecasting.services.service import Service
from forecasting.storage.forecast_store import ForecastStore

#: Seconds in which any fit is done, on a machine that does much else.
PATIENCE = 120


@pytest.fixture(scope="session")
def api_home(tmp_path_factory):
    return tmp_path_factory.mktemp("api")


@pytest.fixture(autouse=True)
def api_environment(api_home, monkeypatch):
    monkeypatch.setenv("FORECAST_HOME", str(api_home))
    monkeypatch.setenv("FORECAST_OFFLINE", "1")
    for name in ("FORECAST_DB_URL", "FORECAST_API_KEYS", "FORECAST_API_RATE", "FORECAST_API_MAX_MB"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("FORECAST_API_RATE", "100000/minute")


@pytest.fixture(scope="session")
def api_service(api_home):
    store = ForecastStore(f"sqlite:///{api_home / 'forecasts.sqlite'}")
    service = Service(store, JobQueue(store, workers=1))
    yield service
    service.close()


@pytest.fixture
def open_api(api_service, api_home):
    """``open_api()`` is a client of a new API, configured as the environment says now, on the one service or another."""

    def opened(service=None):
        service = service or api_service
        health = HealthChecks()
        health.service = service
        app = create_app(service, f"sqlite:///{api_home / 'forecasts.sqlite'}")
        return TestClient(Starlette(routes=[Mount("/api", app), *health.routes()]))

    return opened


@pytest.fixture
def client(open_api):
    return open_api()


@pytest.fixture
def ask(client):
    """Posts a question."""
    return lambda **question: client.post("/api/v1/forecast", json=question)


@pytest.fixture
def follow(client):
    """Waits for the end of the job that an answer names."""

    def followed(answer):
        assert answer.status_code == 202, answer.text
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            job = client.get(answer.json()["location"]).json()
            if job["state"] not in ("queued", "running"):
                return job
            time.sleep(0.05)  # a client's way; what is tested is the job's end, not its time
        raise AssertionError(f"the job did not end: {job}")

    return followed


ITALY = {"source": "bundled", "region": "Italy", "horizon": 3}


@pytest.fixture
def italy():
    """A question, but for its model."""
    return dict(ITALY)
