"""What Prometheus is told."""

from datetime import timedelta

import numpy as np
import pandas as pd
import pytest
from prometheus_client.parser import text_string_to_metric_families

from forecasting import sources
from forecasting.api.watching import Answered
from forecasting.frequency import DAILY
from forecasting.metrics import Metrics
from forecasting.series import Series


@pytest.fixture
def metrics(service):
    return Metrics(service)


def told(metrics):
    """Every sample by its name and labels."""
    return {
        (sample.name, *sorted(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(metrics.text().decode())
        for sample in family.samples
    }


def answered(route="/api/v1/forecast", status=200, ms=12.0):
    return Answered("2026-01-01T00:00:00+00:00", "id", "POST", route, status, ms, "somebody")


def test_requests_are_counted_by_route_and_status_and_nothing_else(metrics):
    for status in (200, 200, 422):
        metrics.observe(answered(status=status))
    found = told(metrics)
    assert found["forecast_requests_total", "/api/v1/forecast", "200", "POST"] == 2
    assert found["forecast_requests_total", "/api/v1/forecast", "422", "POST"] == 1
    assert found["forecast_request_seconds_bucket", "/api/v1/forecast", "0.02"] == 3
    assert found["forecast_request_seconds_sum", "/api/v1/forecast"] == pytest.approx(0.036)
    assert b"somebody" not in metrics.text()


def test_fits_are_counted_by_model_and_outcome(metrics, service):
    before = told(metrics).get(("forecast_fits_total", "done", "ets"), 0)
    values = np.random.default_rng(1).poisson(50, 60).astype(float)
    for horizon in (3, 4, 3):
        service.forecast(Series(pd.Timestamp("2024-01-01"), DAILY, values), "ets", horizon)
    found = told(metrics)
    assert found["forecast_fits_total", "done", "ets"] == before + 2
    assert found["forecast_fit_seconds_total", "done", "ets"] > 0
    assert found["forecast_waiting",] == found["forecast_running",] == 0
    assert found["forecast_workers_ready",] == 1
    assert found["forecast_store_left_out",] == 0


def test_what_is_waiting_is_told(metrics, service, monkeypatch):
    busy = service.queue.busy()
    monkeypatch.setattr(service.queue, "busy", lambda: type(busy)(5, 2, 1, {}))
    found = told(metrics)
    assert (found["forecast_waiting",], found["forecast_running",]) == (5, 2)


def test_the_age_of_downloads_is_told_where_there_are_any(metrics, monkeypatch):
    monkeypatch.setattr(type(sources.source("jhu")), "age", lambda self: timedelta(hours=2))
    found = told(metrics)
    assert found["forecast_source_age_seconds", "jhu"] == 7200
    assert ("forecast_source_age_seconds", "bundled") not in found
