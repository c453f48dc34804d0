"""Run: how many requests go to workers together, and what becomes of batches that the queue has forgotten."""

from __future__ import annotations

import numpy as np
import pandas as pd

from forecasting.data.frequency import weekly
from forecasting.data.series import Series
from forecasting.jobs import Job, State
from forecasting.jobs.board import QueueLoad
from forecasting.jobs.request import BatchRequest, Request
from forecasting.services import run
from forecasting.services.run import Run, batches
from forecasting.storage.forecast_store import ForecastStore


def requests(count: int, weeks: int = 20) -> list[Request]:
    return [
        Request(Series(pd.Timestamp("2024-01-06"), weekly(), np.arange(weeks) + place + 1.0), "ets", 4)
        for place in range(count)
    ]


def test_requests_are_shared_out_among_the_workers_and_large_ones_make_more_batches(monkeypatch):
    asked = requests(10)
    assert [len(part) for part in batches(asked, 2)] == [5, 5]
    assert [len(part) for part in batches(asked, 0)] == [5, 5]
    assert [len(part) for part in batches(asked, 4)] == [3, 3, 3, 1]
    assert [one for part in batches(asked, 3) for one in part] == asked
    monkeypatch.setattr(run, "FIGURES_AT_ONCE", 50)
    assert [len(part) for part in batches(asked, 2)] == [2] * 5
    monkeypatch.setattr(run, "FIGURES_AT_ONCE", 10)
    assert [len(part) for part in batches(asked, 2)] == [1] * 10


class ForgetfulQueue:
    """A queue that has forgotten each batch before anybody looks; alone, each request is known to the store."""

    def load(self):
        return QueueLoad(0, 0, 2, {})

    def fit_instant(self, requests):
        pass

    def jobs(self, keys):
        return []

    def submit_batch(self, part):
        return Job(BatchRequest(tuple(part)).key, "ets", 4)

    def submit(self, request, background=False):
        return Job(request.key, request.model, request.horizon, State.done)

    def wait(self, keys, until):
        assert until([])  # else it would wait for ever
        return []


def test_a_batch_that_ended_too_long_ago_to_be_remembered_is_taken_from_the_store():
    asked = [*requests(6), *requests(1)]  # the last one asks for what the first does
    ended = list(Run(ForgetfulQueue(), ForecastStore("sqlite://")).of(asked))
    assert sorted(job.key for _, job in ended) == sorted(one.key for one in asked)
