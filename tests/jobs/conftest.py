import os
import sys
from pathlib import Path

import pytest
import scripted

from forecasting.jobs import JobQueue
from forecasting.models import models
from forecasting.storage.forecast_store import ForecastStore

COMMAND = (sys.executable, str(Path(__file__).with_name("scripted_worker.py")))


@pytest.fixture(autouse=True)
def scripted_models(tmp_path, monkeypatch):
    monkeypatch.setenv("SCRIPTED", str(tmp_path))
    names = scripted.register()
    yield
    for name in names:
        del models()[name]


@pytest.fixture
def store(tmp_path):
    store = ForecastStore(f"sqlite:///{tmp_path / 'forecasts.sqlite'}")
    yield store
    store.close()


@pytest.fixture
def make_queue(store):
    queues = []

    def make(workers=1, command=COMMAND, store=store, **options):
        queues.append(JobQueue(store, workers, command=command, **options))
        return queues[-1]

    yield make
    for queue in queues:
        queue.close()


@pytest.fixture
def queue(make_queue):
    return make_queue()


class Gate:
    """What a gated fit waits for; each `open` lets one pass."""

    def __init__(self, request):
        path = (scripted.pool_gate if request.pool else scripted.gate)(request.series)
        os.mkfifo(path)
        self._end = os.open(path, os.O_RDWR)

    def open(self):
        os.write(self._end, b"x")

    def close(self):
        os.close(self._end)


@pytest.fixture
def make_gate():
    gates = []

    def make(request):
        gates.append(Gate(request))
        return gates[-1]

    yield make
    for gate in gates:
        gate.close()
