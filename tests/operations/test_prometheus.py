"""What Prometheus is told."""

import os
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from prometheus_client.parser import text_string_to_metric_families

from forecasting import sources
from forecasting.data.frequency import DAILY
from forecasting.data.series import Series
from forecasting.monitoring.history import PageRun
from forecasting.monitoring.request_record import RequestRecord
from forecasting.monitoring.update_runs import UpdateRun, UpdateRuns
from forecasting.operations.prometheus import Metrics
from forecasting.support import process_memory


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
    return RequestRecord("2026-01-01T00:00:00+00:00", "id", "POST", route, status, ms, "somebody")


def test_requests_are_counted_by_route_and_status_and_nothing_else(metrics):
    for status in (200, 200, 422):
        metrics.observe_request(answered(status=status))
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
    busy = service.queue.load()
    monkeypatch.setattr(service.queue, "load", lambda: type(busy)(5, 2, 1, {}))
    found = told(metrics)
    assert (found["forecast_waiting",], found["forecast_running",]) == (5, 2)


def test_the_age_of_downloads_is_told_where_there_are_any(metrics, monkeypatch):
    monkeypatch.setattr(type(sources.source("jhu")), "age", lambda self: timedelta(hours=2))
    found = told(metrics)
    assert found["forecast_source_age_seconds", "jhu"] == 7200
    assert ("forecast_source_age_seconds", "bundled") not in found


def test_runs_of_pages_are_told_with_their_seconds_and_those_that_broke_off(metrics):
    for ms, failed in ((12.0, False), (300.0, False), (40.0, True)):
        metrics.observe_page_run(PageRun("Explore", ms, failed))
    found = told(metrics)
    assert found["forecast_page_seconds_bucket", "0.02", "Explore"] == 1
    assert found["forecast_page_seconds_count", "Explore"] == 3
    assert found["forecast_page_failures_total", "Explore"] == 1


@pytest.mark.skipif(not os.path.exists("/proc/self/statm"), reason="the system does not tell how much memory is taken")
def test_the_memory_of_the_server_and_its_workers_is_told(metrics):
    taken = told(metrics)["forecast_memory_bytes",]
    assert taken == pytest.approx(process_memory.process_tree_bytes(), rel=0.3)
    assert taken > 20e6


def test_where_there_is_no_telling_how_much_memory_is_taken_nothing_is_said_of_it(metrics, monkeypatch):
    monkeypatch.setattr(process_memory, "process_tree_bytes", lambda: None)
    assert ("forecast_memory_bytes",) not in told(metrics)


def test_open_alerts_are_counted_by_kind(service):
    opened = pd.DataFrame({"kind": ["level", "missing", "level"]})
    found = told(Metrics(service, alerts=lambda: opened))
    assert found["forecast_open_alerts", "level"] == 2
    assert found["forecast_open_alerts", "missing"] == 1


def test_the_seconds_since_an_upkeep_that_went_well_are_told(service, tmp_path):
    runs, now = UpdateRuns(f"sqlite:///{tmp_path / 'runs.sqlite'}"), datetime.now(UTC)
    hours = [(5, "a digest", 400, 2, ""), (3, "another", 10, 390, "most failed"), (1, "", 0, 1, "no figures")]
    for ago, digest, there, failed, said in hours:
        when = now - timedelta(hours=ago)
        runs.add(UpdateRun("bundled", when, when, digest, 402, there, failed, said=said))
    found = told(Metrics(service, upkeep=runs.last_successes))
    runs.close()
    assert found["forecast_upkeep_age_seconds", "bundled"] == pytest.approx(5 * 3600, abs=600)


def test_every_name_in_the_docs_is_told_and_every_name_that_is_told_is_in_the_docs(service):
    empty = pd.DataFrame({"kind": []})
    lines = Metrics(service, alerts=lambda: empty, upkeep=dict).text().decode().splitlines()
    told_of = {line.split()[2] for line in lines if line.startswith("# TYPE forecast_")}
    table = (Path(__file__).parents[2] / "docs" / "monitoring.md").read_text()
    written = set(re.findall(r"`(forecast_\w+)", table))
    assert {name for name in told_of if not name.endswith("_created")} == written
