"""What a worker says of a fit that reports more often than anybody looks, and what it does while it has none."""

import queue
import threading

import pytest

from forecasting.jobs.workers import worker
from forecasting.jobs.workers.protocol import WorkerEvent
from forecasting.models import Progress

pytestmark = pytest.mark.usefixtures("started_workers")

PATIENCE = 60


class SentEvents(queue.SimpleQueue):
    """Stands for `worker.EventWriter`."""

    send = queue.SimpleQueue.put


@pytest.fixture
def sent():
    return SentEvents()


def event(done, fit=1):
    return WorkerEvent("progress", fit, Progress("candidate", done, 9))


def test_the_first_is_said_at_once_and_of_the_others_the_newest(sent, monkeypatch):
    monkeypatch.setattr(worker, "PROGRESS_SECONDS", 0.5)
    throttle = worker.ProgressThrottle(sent)
    for done in range(5):
        throttle.send(event(done))
    assert sent.get_nowait() == event(0)
    assert sent.get(timeout=PATIENCE) == event(4)
    throttle.send(event(5))
    assert sent.get(timeout=PATIENCE) == event(5)
    assert sent.empty()


def test_what_is_held_is_not_said_after_the_end_and_the_next_fit_begins_at_once(sent, monkeypatch):
    monkeypatch.setattr(worker, "PROGRESS_SECONDS", 3600)
    throttle = worker.ProgressThrottle(sent)
    throttle.send(event(0))
    throttle.send(event(1))
    throttle.reset()
    throttle.send(event(0, fit=2))
    assert [sent.get_nowait(), sent.get_nowait()] == [event(0), event(0, fit=2)]
    assert sent.empty()


class ColdModel:
    """Stands for a model; notes when it is warmed up."""

    def __init__(self, name, warmed):
        self.label, self._name, self._warmed = name, name, warmed

    def warm_up(self):
        self._warmed.put(self._name)


@pytest.fixture
def warmed(monkeypatch):
    """The names of models in the order in which an idle worker warms them up."""
    names = queue.SimpleQueue()
    cold = {name: ColdModel(name, names) for name in ("sarima", *worker.WARMED_WHEN_NEEDED, "ets")}
    monkeypatch.setattr(worker, "models", lambda: cold)
    return names


def test_a_worker_without_work_warms_up_all_models_but_the_largest(warmed, sent, monkeypatch):
    monkeypatch.delenv("FORECAST_WARM_UP")
    threading.Thread(target=worker.serve, args=(queue.SimpleQueue(), sent), daemon=True).start()
    assert [warmed.get(timeout=PATIENCE), warmed.get(timeout=PATIENCE)] == ["sarima", "ets"]
    assert worker.next_to_warm_up(worker.WARMED_WHEN_NEEDED) is None


def test_where_memory_is_dear_a_worker_without_work_imports_nothing(monkeypatch):
    monkeypatch.setenv("FORECAST_WARM_UP", "0")
    assert worker.next_to_warm_up(["sarima", "ets"]) is None
