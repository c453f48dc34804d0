"""No forecast that is not finite comes out of a fit, a blend, a draft or the store."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from forecasting.data.frequency import weekly
from forecasting.data.series import Series
from forecasting.jobs.composite import CompositeRequests
from forecasting.jobs.job import Job, State
from forecasting.jobs.request import GatheredRequest, Request
from forecasting.jobs.workers.fit import fit_request
from forecasting.models import Progress
from forecasting.models.ensemble import Ensemble
from forecasting.models.naive import Naive
from forecasting.models.pooled import Pooled
from forecasting.storage.codec import decode_forecast, encode_forecast

SERIES = Series(pd.Timestamp("2024-01-06"), weekly("SAT"), np.linspace(100.0, 60.0, 30))
GOOD = Naive().forecast(SERIES, 3)


def spoilt(table: str = "values", number: float = np.nan):
    numbers = getattr(GOOD, table).copy()
    numbers[1, 2] = number
    return replace(GOOD, **{table: numbers})


@pytest.mark.parametrize("table", ["values", "totals", "means"])
@pytest.mark.parametrize("number", [np.nan, np.inf, -np.inf])
def test_a_fit_that_is_not_finite_is_a_failure_with_a_sentence(monkeypatch, table, number):
    monkeypatch.setattr(Naive, "forecast", lambda *_: spoilt(table, number))
    outcome = fit_request(Request(SERIES, "naive", 3))
    assert outcome.forecast is None
    assert outcome.error.endswith("gave no finite numbers for this series; choose another model or a shorter horizon.")
    assert outcome.trace == ""


def test_of_a_fit_of_many_regions_only_those_that_are_finite_are_kept(monkeypatch):
    made = {"Ohio": GOOD, "Utah": spoilt()}
    monkeypatch.setattr(Pooled, "forecast_pool", lambda *_: dict(made))
    request = GatheredRequest(None, "pooled", 3)
    assert set(fit_request(request).parts) == {"Ohio"}
    del made["Ohio"]
    assert "no finite numbers" in fit_request(request).error


def test_a_draft_that_is_not_finite_is_not_shown(monkeypatch):
    def drafting(self, series, horizon, report):
        report(Progress("one", 1, 2, draft=spoilt()))
        report(Progress("two", 2, 2, draft=GOOD))
        return GOOD

    monkeypatch.setattr(Naive, "forecast", drafting)
    seen = []
    assert fit_request(Request(SERIES, "naive", 3), seen.append).forecast is GOOD
    assert [(one.trying, one.draft) for one in seen] == [("one", None), ("two", GOOD)]


def test_a_blend_that_is_not_finite_fails(monkeypatch):
    monkeypatch.setattr(Ensemble, "blend", lambda *_: spoilt())
    request, composites = Request(SERIES, "ensemble", 3), CompositeRequests()
    composites.add(request)
    done = {
        one.key: Job(one.key, one.model, 3, State.done, forecast=replace(GOOD, model=one.model))
        for one in request.members
    }
    (job,) = composites.jobs([request.key], done)
    assert (job.state, job.forecast) == (State.failed, None)
    assert "no finite numbers" in job.error


def test_a_stored_forecast_that_is_not_finite_is_none():
    assert decode_forecast(encode_forecast(GOOD)).horizon == 3
    with pytest.raises(ValueError, match="finite"):
        decode_forecast(encode_forecast(spoilt()))
