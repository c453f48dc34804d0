"""Metrics for Prometheus at /metrics: queue, fits, requests, page runs, age of sources, memory, alerts and nightly updates.

Counters begin at zero with the process; Prometheus allows for that. Names begin with ``forecast_``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import pandas as pd
from prometheus_client import (
    CollectorRegistry,
    Counter,
    Histogram,
    PlatformCollector,
    ProcessCollector,
    generate_latest,
)
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from forecasting import sources
from forecasting.monitoring.history import PageRun
from forecasting.monitoring.request_record import RequestRecord
from forecasting.services.service import Service
from forecasting.support import process_memory

#: Upper bounds of the latency histograms, in seconds; a warm response should be in the first two.
BUCKETS = (0.005, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
#: Media type of the text format.
CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


#: Returns the open alerts: a row each, with its ``kind``.
OpenAlerts = Callable[[], pd.DataFrame]
#: Returns when the last successful update of each source ended.
LastSuccesses = Callable[[], dict[str, datetime]]


class Metrics:
    """Metrics of one process. Safe to use from many threads.

    Args:
        service: its queue and store are measured at each scrape.
        alerts: called at each scrape; without it there are no metrics of alerts.
        upkeep: the same for nightly updates.
    """

    def __init__(self, service: Service, alerts: OpenAlerts | None = None, upkeep: LastSuccesses | None = None) -> None:
        self._registry = CollectorRegistry()
        self._requests = Counter(
            "forecast_requests", "Answers of the API.", ["method", "route", "status"], registry=self._registry
        )
        self._latency = Histogram(
            "forecast_request_seconds", "Seconds to an answer.", ["route"], buckets=BUCKETS, registry=self._registry
        )
        self._pages = Histogram(
            "forecast_page_seconds",
            "Seconds that a page's script ran.",
            ["page"],
            buckets=BUCKETS,
            registry=self._registry,
        )
        self._broken = Counter(
            "forecast_page_failures", "Runs of a page's script that broke off.", ["page"], registry=self._registry
        )
        ProcessCollector(registry=self._registry)
        PlatformCollector(registry=self._registry)
        self._registry.register(_ServiceCollector(service))
        self._registry.register(_MonitoringCollector(alerts, upkeep))

    def observe_request(self, request: RequestRecord) -> None:
        """Count one request; an `Observer` of `api.request_log`."""
        self._requests.labels(request.method, request.route, str(request.status)).inc()
        self._latency.labels(request.route).observe(request.ms / 1000)

    def observe_page_run(self, run: PageRun) -> None:
        """Count one run of a page's script."""
        self._pages.labels(run.page).observe(run.ms / 1000)
        self._broken.labels(run.page).inc(run.failed)

    def text(self) -> bytes:
        """Return all metrics in the text format."""
        return generate_latest(self._registry)


class _ServiceCollector(Collector):
    """Metrics of the service, read at each scrape."""

    def __init__(self, service: Service) -> None:
        self._service = service

    def describe(self) -> list[Metric]:
        """Return nothing: registering must not read the metrics."""
        return []

    def collect(self) -> Iterator[Metric]:
        """Yield the metrics."""
        state = self._service.queue.load()
        for name, what, value in (
            ("waiting", "Fits that wait for a worker.", state.waiting),
            ("running", "Fits that run.", state.running),
            ("workers_ready", "Worker processes that can take a fit.", state.ready),
        ):
            yield GaugeMetricFamily(f"forecast_{name}", what, value)
        ended = CounterMetricFamily("forecast_fits", "Fits that have ended.", labels=["model", "outcome"])
        seconds = CounterMetricFamily("forecast_fit_seconds", "Seconds that they took.", labels=["model", "outcome"])
        for (model, outcome), (count, took) in sorted(state.ended.items()):
            ended.add_metric([model, outcome], count)
            seconds.add_metric([model, outcome], took)
        yield ended
        yield seconds
        yield GaugeMetricFamily(
            "forecast_store_left_out", "1 while the database is left out.", bool(self._service.store.notes)
        )
        age = GaugeMetricFamily("forecast_source_age_seconds", "Since a download was last checked.", labels=["source"])
        for name, one in sources.sources().items():
            if (since := one.age()) is not None:
                age.add_metric([name], since.total_seconds())
        yield age


class _MonitoringCollector(Collector):
    """Metrics of memory, alerts and nightly updates, read at each scrape."""

    def __init__(self, alerts: OpenAlerts | None, upkeep: LastSuccesses | None) -> None:
        self._alerts, self._upkeep = alerts, upkeep

    def describe(self) -> list[Metric]:
        """Return nothing: registering must not read the metrics."""
        return []

    def collect(self) -> Iterator[Metric]:
        """Yield the metrics."""
        if (taken := process_memory.process_tree_bytes()) is not None:
            what = "Memory of the server and the processes that it has started; what they share counts once."
            yield GaugeMetricFamily("forecast_memory_bytes", what, taken)
        if self._alerts:
            opened = GaugeMetricFamily("forecast_open_alerts", "Alerts that are open, drifts too.", labels=["kind"])
            for kind, count in self._alerts()["kind"].value_counts().sort_index().items():
                opened.add_metric([str(kind)], count)
            yield opened
        if self._upkeep:
            age = GaugeMetricFamily(
                "forecast_upkeep_age_seconds", "Since the upkeep of a source last went well.", labels=["source"]
            )
            for source, ended in sorted(self._upkeep().items()):
                age.add_metric([source], (datetime.now(UTC) - ended).total_seconds())
            yield age
