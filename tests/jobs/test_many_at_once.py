"""Instant models for many requests at once: the jobs, numbers and failures of one request after the other."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from forecasting.data.frequency import DAILY
from forecasting.data.series import Series
from forecasting.jobs import State
from forecasting.jobs.request import Request
from forecasting.jobs.workers import fit
from forecasting.jobs.workers.fit import fit_request, fit_requests
from forecasting.models.base import Model
from forecasting.models.naive import Naive
from forecasting.models.pretrained import Pretrained
from forecasting.support.errors import ModelError

#: A command that is no worker: nothing here may need one.
NO_WORKER = ("false",)


def requests(model: str, count: int = 5, horizon: int = 7) -> list[Request]:
    days = [np.random.default_rng(place).poisson(100, 60 + place).astype(float) for place in range(count)]
    return [Request(Series(pd.Timestamp("2021-01-04"), DAILY, values), model, horizon) for values in days]


@pytest.fixture
def batches(monkeypatch):
    """How many series the network was given each time."""
    seen, many = [], Pretrained.forecast_many

    def counting(self, series, horizon):
        seen.append(len(series))
        return many(self, series, horizon)

    monkeypatch.setattr(Pretrained, "forecast_many", counting)
    return seen


def breaks_down_on(monkeypatch, length):
    """Have seasonal naive break down on series of that length, alone and among others."""
    one = Naive.forecast

    def forecast(self, series, *rest):
        if len(series) == length:
            raise ZeroDivisionError("a bug")
        return one(self, series, *rest)

    monkeypatch.setattr(Naive, "forecast", forecast)
    monkeypatch.setattr(Naive, "forecast_many", Model.forecast_many)


def test_many_requests_of_several_models_and_horizons_have_the_outcomes_of_each_alone_in_their_order():
    asked = [*requests("naive"), *requests("pretrained", horizon=3), *requests("naive", horizon=3), *requests("theta")]
    for request, outcome in zip(asked, fit_requests(asked), strict=True):
        alone = fit_request(request).forecast
        assert (outcome.forecast.model, outcome.forecast.horizon) == (request.model, request.horizon)
        for table in ("values", "totals", "means"):
            np.testing.assert_allclose(getattr(outcome.forecast, table), getattr(alone, table), rtol=1e-9)


def test_a_series_that_breaks_a_model_down_spoils_no_other(monkeypatch):
    breaks_down_on(monkeypatch, 62)
    outcomes = fit_requests(requests("naive"))
    assert [outcome.forecast is not None for outcome in outcomes] == [True, True, False, True, True]
    assert "broke down on this series" in outcomes[2].error
    assert "ZeroDivisionError" in outcomes[2].trace


def test_a_model_that_cannot_forecast_a_series_says_so_of_that_alone(monkeypatch):
    many = Pretrained.forecast_many
    monkeypatch.setattr(Pretrained, "forecast_many", lambda *what: [ModelError("Too short."), *many(*what)[1:]])
    first, *others = fit_requests(requests("pretrained"))
    assert (first.forecast, first.error, first.trace) == (None, "Too short.", "")
    assert all(outcome.forecast for outcome in others)


def test_a_model_is_given_no_more_than_so_many_series_at_once(monkeypatch, batches):
    monkeypatch.setattr(fit, "MOST_AT_ONCE", 2)
    assert all(outcome.forecast for outcome in fit_requests(requests("pretrained")))
    assert batches == [2, 2, 1]


def test_what_was_fitted_at_once_is_there_when_it_is_submitted_and_is_not_fitted_again(make_queue, batches):
    queue, asked = make_queue(command=NO_WORKER), requests("pretrained")
    known = queue.submit(asked[0])
    queue.fit_instant(asked)
    jobs = [queue.submit(request) for request in asked]
    queue.fit_instant(asked)
    assert batches == [1, 4]
    assert [job.state for job in jobs] == [State.done] * 5
    assert [job.key for job in jobs] == [request.key for request in asked]
    assert jobs[0].version == known.version


def test_the_network_of_many_ensembles_is_run_at_once(make_queue, batches):
    queue, asked = make_queue(command=NO_WORKER), requests("ensemble")
    queue.fit_instant(asked)
    jobs = [queue.submit(request) for request in asked]
    assert batches == [5]
    assert [job.draft.method for job in jobs] == ["Pretrained network 100 %"] * 5


def test_what_needs_a_worker_is_not_fitted_here(make_queue):
    queue, asked = make_queue(command=NO_WORKER), requests("ets")
    queue.fit_instant(asked)
    assert queue.jobs(request.key for request in asked) == []


def test_a_request_that_failed_among_others_is_a_failed_job_with_its_traceback_in_the_log(
    make_queue, monkeypatch, caplog
):
    breaks_down_on(monkeypatch, 62)
    queue, asked = make_queue(command=NO_WORKER), requests("naive")
    queue.fit_instant(asked)
    states = [queue.submit(request).state for request in asked]
    assert states == [State.done, State.done, State.failed, State.done, State.done]
    assert "ZeroDivisionError" in caplog.text
    monkeypatch.undo()
    assert queue.submit(asked[2], retry=True).state is State.done
