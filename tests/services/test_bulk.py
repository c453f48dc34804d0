"""Every region forecast in the background."""

import threading

import numpy as np
import pandas as pd
import pytest

from forecasting.data.frequency import weekly
from forecasting.data.panel import Panel, Statistic
from forecasting.jobs import JobQueue
from forecasting.models import model
from forecasting.services.bulk import BulkForecast
from forecasting.services.service import Service, forecasts_table
from forecasting.storage.forecast_store import ForecastStore
from forecasting.support.errors import JobError, RequestError

WEEKS = pd.date_range("2024-01-06", periods=30, freq="W-SAT")
NAMES = [f"Area {place}" for place in range(90)]
NEW, TOTAL = Statistic("new", "New", "cases", "cases"), Statistic("all", "All", "cases", "cases", shown_cumulative=True)


@pytest.fixture
def panel():
    values = np.random.default_rng(3).poisson(50, len(NAMES) * 30).astype(float)
    table = pd.DataFrame(
        {"region": np.repeat(NAMES, 30), "statistic": "cases", "date": np.tile(WEEKS, len(NAMES)), "value": values}
    )
    table.loc[table["region"] == "Area 7", "value"] = np.nan
    return Panel("many", table, (NEW, TOTAL), {"cases": weekly("SAT")}, "", "")


@pytest.fixture
def service():
    store = ForecastStore("sqlite://")
    service = Service(store, JobQueue(store, workers=1))
    yield service
    service.close()


def run(*args):
    bulk = BulkForecast(*args)
    bulk.start()
    bulk.wait(120)
    assert not bulk.running
    return bulk


@pytest.mark.parametrize("statistic", ["new", "all"])
def test_every_region_is_in_the_table_as_it_would_be_alone(service, panel, statistic):
    bulk = run(service, panel, statistic, "naive", 4)
    assert (bulk.of, bulk.made, bulk.judged) == (90, 89, 90)
    assert list(bulk.failed) == ["Area 7"]
    table = bulk.table()
    assert list(dict.fromkeys(table["region"])) == [name for name in NAMES if name != "Area 7"]
    series = service.series(panel, "Area 12", statistic)
    alone = forecasts_table("Area 12", series, [model("naive").forecast(series, 4)])
    pd.testing.assert_frame_equal(table[table["region"] == "Area 12"].reset_index(drop=True), alone)


@pytest.mark.parametrize("error", [RequestError("There is no such region."), ZeroDivisionError("a fault")])
def test_a_region_that_cannot_be_prepared_fails_alone(service, panel, monkeypatch, error):
    series = service.series

    def one_fails(*what):
        if what[1] == "Area 3":
            raise error
        return series(*what)

    monkeypatch.setattr(service, "series", one_fails)
    bulk = run(service, panel, "new", "naive", 4)
    assert (bulk.made, set(bulk.failed), bulk.why) == (88, {"Area 3", "Area 7"}, "")


def test_it_can_be_stopped_and_another_goes_on(service, panel, monkeypatch):
    bulk, asked, series = BulkForecast(service, panel, "new", "naive", 4), threading.Event(), service.series

    def first(*what):
        if what[1] == "Area 70":
            bulk.stop()
            asked.set()
        return series(*what)

    monkeypatch.setattr(service, "series", first)
    bulk.start()
    bulk.wait(120)
    assert asked.is_set()
    assert 0 < bulk.made < 89
    assert bulk.table()["region"].nunique() == bulk.made
    assert run(service, panel, "new", "naive", 4).made == 89


def test_when_the_queue_takes_no_more_it_says_so(service, panel, monkeypatch):
    def refuse(*args, **options):
        raise JobError("The application is closing; nothing more is fitted.")

    monkeypatch.setattr(service.queue, "submit", refuse)
    monkeypatch.setattr(service.queue, "submit_batch", refuse)
    bulk = run(service, panel, "new", "ets", 4)
    assert bulk.why == "The application is closing; nothing more is fitted."
    assert bulk.table().empty
