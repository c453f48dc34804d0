"""What a worker says of a fit that reports more often than anybody looks."""

import queue

import pytest

from forecasting.jobs.workers import worker
from forecasting.jobs.workers.protocol import Event
from forecasting.models import Progress

PATIENCE = 60


class Said(queue.SimpleQueue):
    """Stands for `worker.Events`."""

    send = queue.SimpleQueue.put


@pytest.fixture
def said():
    return Said()


def event(done, fit=1):
    return Event("progress", fit, Progress("candidate", done, 9))


def test_the_first_is_said_at_once_and_of_the_others_the_newest(said, monkeypatch):
    monkeypatch.setattr(worker, "PAUSE", 0.5)
    reports = worker.Reports(said)
    for done in range(5):
        reports.say(event(done))
    assert said.get_nowait() == event(0)
    assert said.get(timeout=PATIENCE) == event(4)
    reports.say(event(5))
    assert said.get(timeout=PATIENCE) == event(5)
    assert said.empty()


def test_what_is_held_is_not_said_after_the_end_and_the_next_fit_begins_at_once(said, monkeypatch):
    monkeypatch.setattr(worker, "PAUSE", 3600)
    reports = worker.Reports(said)
    reports.say(event(0))
    reports.say(event(1))
    reports.end()
    reports.say(event(0, fit=2))
    assert [said.get_nowait(), said.get_nowait()] == [event(0), event(0, fit=2)]
    assert said.empty()
