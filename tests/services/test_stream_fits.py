"""Fits of a series that grows: drafts at once, full fits one after the other and not too often."""

import numpy as np
import pandas as pd
import pytest

from forecasting.data.frequency import DAILY
from forecasting.data.series import Series
from forecasting.jobs.job import State
from forecasting.jobs.request import Request
from forecasting.services import stream_fits
from forecasting.services.stream_fits import StreamFits
from forecasting.sources import source

VALUES = 100 + 20 * np.sin(np.arange(140) * 2 * np.pi / 7) + np.random.default_rng(3).normal(0, 2, 140)


def request(count, model="ets"):
    return Request(Series(pd.Timestamp("2024-01-01"), DAILY, VALUES[:count]), model, 7)


@pytest.fixture
def fits(service):
    return StreamFits(service.queue, service.store)


def test_a_new_point_has_a_draft_at_once_and_its_fit_begins_when_it_is_time(fits, service, monkeypatch):
    monkeypatch.setattr(stream_fits, "REFIT_EVERY", 1e9)
    (first,) = service.wait(fits.submit("series", [request(120)]).values())
    assert first.state is State.done
    waiting = fits.submit("series", [request(121)])["ets"]
    assert (waiting.key, waiting.state) == (first.key, State.queued)
    assert waiting.draft.origin == request(121).series.origin
    assert service.queue.job(request(121).key) is None
    monkeypatch.setattr(stream_fits, "REFIT_EVERY", 0.0)
    begun = fits.submit("series", [request(122)])["ets"]
    assert begun.key == request(122).key
    (done,) = service.wait([begun])
    assert done.forecast.origin == request(122).series.origin


def test_a_fit_that_was_asked_for_elsewhere_is_taken_at_once(fits, service, monkeypatch):
    monkeypatch.setattr(stream_fits, "REFIT_EVERY", 1e9)
    service.wait(fits.submit("shared", [request(123)]).values())
    service.wait(service.submit([request(124)]).values())
    assert fits.submit("shared", [request(124)])["ets"].state is State.done


def test_instant_models_never_wait(fits, monkeypatch):
    monkeypatch.setattr(stream_fits, "REFIT_EVERY", 1e9)
    for count in (125, 126):
        job = fits.submit("instant", [request(count, "naive")])["naive"]
        assert job.forecast.origin == request(count).series.origin


def test_the_ensemble_s_draft_is_blended_of_what_there_is_at_once(fits, service):
    service.wait(service.submit([request(128)]).values())
    draft = fits.extended(request(129, "ensemble"))
    assert draft.origin == request(129).series.origin
    assert "ETS" in draft.method


def test_earlier_dates_are_judged_by_one_moment_until_it_is_over(fits, monkeypatch):
    first, later = source("bundled").panel(), source("bundled").panel().as_of(pd.Timestamp("2020-12-01"))
    assert fits.judged_panel("view", first, False) is first
    assert fits.judged_panel("view", later, False) is first
    monkeypatch.setattr(stream_fits, "JUDGED_FOR", -1.0)
    assert fits.judged_panel("view", later, True) is first
    assert fits.judged_panel("view", later, False) is later
    fits.forget("bundled")
    assert fits.judged_panel("view", first, True) is first
