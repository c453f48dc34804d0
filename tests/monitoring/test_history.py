"""What is remembered of the service, and that it costs nobody anything."""

import json
import os
from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd
import pytest
import sqlalchemy as sa

from forecasting.cli.main import main
from forecasting.jobs import JobQueue
from forecasting.jobs.board import FinishedFit
from forecasting.jobs.request import Request
from forecasting.monitoring import histogram, model_picks, summaries
from forecasting.monitoring.alerts import Alerts
from forecasting.monitoring.history import FITS_KEPT, History, ModelPick, PageRun
from forecasting.monitoring.history_pruning import FINE, KEPT, prune
from forecasting.monitoring.history_tables import ANSWERS, FITS
from forecasting.monitoring.request_counters import INTERVAL
from forecasting.monitoring.request_record import RequestRecord
from forecasting.preparation.prepare import prepare
from forecasting.services.service import Service
from forecasting.sources import source
from forecasting.storage.forecast_store import ForecastStore
from forecasting.support import process_memory, settings
from forecasting.tables.panel_file import read_panel
from forecasting.views import monitoring_charts

MOMENT = datetime(2026, 3, 4, 10, 2, tzinfo=UTC)
LONG_AGO = MOMENT - timedelta(days=365)


def latency(history, since, until=None, by="route", kind=""):
    return summaries.latency(history.route_counts(since, until, kind), by)


def failures(history, since):
    return summaries.failures(history.route_counts(since), history.fits(since))


def over_time(history):
    """How long answers took, by the shortest step."""
    return summaries.latency_over_time(history.route_counts(LONG_AGO), INTERVAL)


class Clock:
    def __init__(self):
        self.now = MOMENT

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def url(tmp_path):
    return f"sqlite:///{tmp_path / 'history.sqlite'}"


@pytest.fixture
def make(url, clock):
    made = []

    def make(address=url, **options):
        made.append(History(address, every=None, now=clock, **options))
        return made[-1]

    yield make
    for one in made:
        one.close()


@pytest.fixture
def history(make):
    return make()


def answered(route="/api/v1/forecast", status=200, ms=10.0):
    return RequestRecord("2026-01-01T00:00:00+00:00", "an id", "POST", route, status, ms, "a key's name")


def everything(url):
    """All that stands in the database, as text."""
    engine = sa.create_engine(url)
    with engine.connect() as connection:
        names = sa.inspect(connection).get_table_names()
        rows = [row for name in names for row in connection.execute(sa.text(f"SELECT * FROM {name}"))]
    engine.dispose()
    return " ".join(map(str, rows))


@pytest.mark.parametrize("level", [0.5, 0.95, 0.99])
@pytest.mark.parametrize("typical", [0.8, 40.0, 9_000.0])
def test_quantiles_of_a_histogram_are_right_to_within_two_percent(level, typical):
    times = np.random.default_rng(1).lognormal(np.log(typical), 1.2, 4_000).clip(histogram.QUICKEST)
    parts = [{} for _ in range(3)]
    for number, ms in enumerate(times):
        part = parts[number % 3]
        part[histogram.bucket(ms)] = part.get(histogram.bucket(ms), 0) + 1
    said = histogram.quantile(histogram.merge(map(histogram.pack, parts)), level)
    right = np.quantile(times, level, method="lower")
    assert abs(said / right - 1) <= histogram.ACCURACY + 1e-9


def test_a_histogram_of_nothing_has_no_quantile_and_what_is_beyond_its_ends_counts_as_the_ends():
    assert np.isnan(histogram.quantile(histogram.merge([]), 0.5))
    assert histogram.bucket(0.0) == histogram.bucket(histogram.QUICKEST) == 0
    assert histogram.bucket(10 * histogram.SLOWEST) == histogram.BUCKETS - 1


def test_answers_are_told_by_route_with_their_quantiles_and_percent_failed(history):
    for ms in range(1, 101):
        history.record_request(answered(ms=float(ms), status=503 if ms <= 5 else 422 if ms <= 15 else 200))
    history.record_page_run(PageRun("Explore", 300.0))
    (api, page) = latency(history, LONG_AGO).itertuples()
    assert (api.kind, api.route, api.requests, api.failed, api.refused) == ("api", "/api/v1/forecast", 100, 5, 10)
    assert [api.median, api.p95, api.p99] == pytest.approx([50, 95, 99], rel=0.025)
    assert (page.kind, page.route, page.requests, page.failed) == ("page", "Explore", 1, 0)
    assert list(latency(history, LONG_AGO, kind="page")["route"]) == ["Explore"]


def test_what_machines_ask_all_day_is_not_counted(history):
    for route in ("/healthz", "/readyz", "/metrics"):
        history.record_request(answered(route))
    assert latency(history, LONG_AGO).empty


def test_a_history_outlives_its_process_and_is_shared_by_servers(make):
    one, other = make(), make()
    for server, ms in ((one, 10.0), (other, 1_000.0)):
        server.record_request(answered(ms=ms))
        server.flush()
    one.close()
    for reader in (other, make()):
        (row,) = latency(reader, LONG_AGO).itertuples()
        assert row.requests == 2
        assert row.median == pytest.approx(10, rel=0.025)
        assert set(latency(reader, LONG_AGO, by="server")["server"]) == {one.server, other.server}


def test_what_is_written_is_not_counted_twice_however_often_it_is_written(history, clock):
    for _ in range(3):
        history.record_request(answered())
        history.flush()
        history.flush()
    assert latency(history, LONG_AGO)["requests"].tolist() == [3]
    clock.now += INTERVAL
    history.record_request(answered())
    history.flush()
    clock.now += INTERVAL
    history.flush()
    assert latency(history, LONG_AGO)["requests"].tolist() == [4]
    assert over_time(history)["requests"].tolist() == [3, 1]


def test_only_what_was_answered_in_the_time_asked_for_is_told(history, clock):
    for written in (True, False):
        history.record_page_run(PageRun("Explore", 10.0))
        if written:
            history.flush()
        clock.now += timedelta(hours=2)
    assert len(over_time(history)) == 2
    assert latency(history, MOMENT + timedelta(hours=1))["requests"].tolist() == [1]
    assert latency(history, LONG_AGO, MOMENT + timedelta(hours=1))["requests"].tolist() == [1]


def series_of(panel, region, statistic=None):
    return prepare(panel, region, statistic or panel.statistics[0].name)


def test_nothing_of_keys_ids_or_data_is_written(make, service, url):
    history = make(offered=service.offers)
    assert service.panel("bundled")
    table = "region,date,value\n" + "".join(
        f"{place},2024-01-{day:02d},{day}\n" for place in "XY" for day in range(1, 31)
    )
    own = read_panel(table.replace("X", "Secretville").encode(), "bundled")
    history.record_fit(FinishedFit(Request(series_of(own, "Secretville"), "ets", 3), "done", 1.0))
    history.record_request(answered())
    history.flush()
    written = everything(url)
    assert "/api/v1/forecast" in written
    assert "ets" in written
    for secret in ("a key's name", "an id", "Secretville", "bundled"):
        assert secret not in written
    assert summaries.slowest_series(history.fits(LONG_AGO), 5).empty
    assert summaries.fits_by_model(history.fits(LONG_AGO))["done"].tolist() == [1]


def test_fits_of_a_queue_are_told_with_their_series_where_everybody_may_choose_it(make, tmp_path):
    store = ForecastStore(f"sqlite:///{tmp_path / 'forecasts.sqlite'}")
    service = Service(store, JobQueue(store, workers=1))
    try:
        history = make(offered=service.offers)
        service.queue.observe(history.record_fit)
        panel = service.panel("bundled")
        for name in ("ets", "pooled"):
            service.forecast(service.series(panel, "Italy", "new_cases"), name, 3)
        service.forecast(service.series(panel, "Italy", "new_cases"), "ets", 3)  # which is stored by now
    finally:
        service.close()
    (single, pooled) = history.fits(LONG_AGO).itertuples()
    assert (single.model, single.outcome, single.source, single.statistic) == ("ets", "done", "bundled", "new_cases")
    assert (single.region, single.regions) == ("Italy", 1)
    assert single.seconds > 0
    assert (pooled.model, pooled.region, pooled.regions) == ("pooled", "", 6)


@pytest.fixture
def fitted(history, clock):
    """``fitted("ets", 2.0, outcome="failed")``: a fit of Italy has ended."""
    panel = source("bundled").panel()

    def fitted(name, seconds, outcome="done", region="Italy"):
        clock.now += timedelta(seconds=1)
        history.record_fit(FinishedFit(Request(series_of(panel, region, "new_cases"), name, 3), outcome, seconds))

    return fitted


def test_fits_are_told_by_model_and_outcome_and_by_the_series_that_took_longest(history, fitted):
    for seconds in (1.0, 2.0, 6.0):
        fitted("ets", seconds)
    fitted("sarima", 9.0, "timed_out", "Spain")
    fitted("sarima", 30.0, "cancelled", "Spain")
    (ets, sarima) = summaries.fits_by_model(history.fits(LONG_AGO)).itertuples()
    assert (ets.model, ets.done, ets.median, ets.longest) == ("ets", 3, 2.0, 6.0)
    assert (sarima.done, sarima.failed, sarima.timed_out, sarima.cancelled) == (0, 0, 1, 1)
    found = summaries.slowest_series(history.fits(LONG_AGO), 5)
    assert found[["region", "model", "fits", "longest"]].values.tolist() == [
        ["Spain", "sarima", 1, 9.0],
        ["Italy", "ets", 3, 6.0],
    ]
    assert len(summaries.slowest_series(history.fits(LONG_AGO), 1)) == 1
    failed = failures(history, LONG_AGO)
    assert failed[["kind", "name", "failed", "of"]].values.tolist() == [["fit", "sarima", 1, 2]]


def test_a_pick_is_a_row_until_another_model_is_best(history, clock):
    pick = ModelPick("bundled", "new_cases", "Italy", "ets", 0.7, "sarima", 8)
    assert history.record_picks(pick, ModelPick("bundled", "new_cases", "Spain", "sarima", 0.9))
    clock.now += timedelta(days=1)
    history.record_picks(ModelPick("bundled", "new_cases", "Italy", "ets", 0.6, "theta", 9))
    (row,) = history.picks("bundled", "Italy").itertuples()
    assert (row.model, row.before, row.relative_wis, row.runner_up, row.origins) == ("ets", "", 0.6, "theta", 9)
    assert (row.first_picked, row.last_confirmed) == (MOMENT, clock.now)
    clock.now += timedelta(days=1)
    history.record_picks(ModelPick("bundled", "new_cases", "Italy", "theta", 0.5))
    (now, before) = history.picks("bundled", "Italy").itertuples()
    assert (now.model, now.before, now.first_picked) == ("theta", "ets", clock.now)
    assert before.model == "ets"
    assert len(history.picks()) == 3
    counts = model_picks.pick_counts(history.picks()).set_index("model")
    assert counts["series"].to_dict() == {"sarima": 1, "theta": 1}
    assert counts["share"].tolist() == [50, 50]
    assert model_picks.pick_changes(history.picks(), LONG_AGO)["region"].tolist() == ["Italy"]
    assert model_picks.pick_changes(history.picks(), clock.now + timedelta(1)).empty


def test_old_answers_are_kept_by_the_hour_without_losing_any_and_go_in_the_end(make, url, clock):
    history = make()
    for minutes in range(0, 120, 5):
        clock.now = MOMENT.replace(minute=0) + timedelta(minutes=minutes)
        history.record_request(answered(ms=10.0 + minutes))
    history.flush()
    history.close()
    reader, engine = make(), sa.create_engine(url)
    before = latency(reader, LONG_AGO)
    with engine.begin() as connection:
        prune(connection, MOMENT + FINE + timedelta(hours=1))
        seconds = sorted(connection.scalars(sa.select(ANSWERS.c.seconds)))
    assert seconds == [300] * 12 + [3600]
    pd.testing.assert_frame_equal(latency(reader, LONG_AGO), before)
    with engine.begin() as connection:
        prune(connection, MOMENT + KEPT + timedelta(days=1))
    engine.dispose()
    assert latency(reader, LONG_AGO).empty


def test_of_more_fits_than_are_kept_the_newest_stay(history, fitted, url, monkeypatch):
    monkeypatch.setattr("forecasting.monitoring.history_pruning.MOST_FITS", 2)
    for seconds in (1.0, 2.0, 3.0):
        fitted("ets", seconds)
    history.flush()
    engine = sa.create_engine(url)
    with engine.begin() as connection:
        prune(connection, MOMENT)
        assert connection.scalars(sa.select(FITS.c.seconds)).all() == [2.0, 3.0]
    engine.dispose()


def test_without_a_database_the_last_day_is_told_from_memory(make, clock):
    history = make("sqlite://")
    for _ in range(300):
        history.record_page_run(PageRun("Explore", 10.0))
        clock.now += INTERVAL
        history.flush()
    assert len(over_time(history)) == 288
    assert not history.record_picks(ModelPick("bundled", "new_cases", "Italy", "ets", 0.7))
    assert history.picks().empty


def test_what_could_not_be_written_is_written_when_the_database_is_back(make, url, monkeypatch):
    history = make()
    history.record_page_run(PageRun("Explore", 10.0))
    use = history._database.run_transaction
    monkeypatch.setattr(history._database, "run_transaction", lambda kind, work: None)
    history.flush()
    monkeypatch.setattr(history._database, "run_transaction", use)
    history.record_page_run(PageRun("Explore", 10.0))
    history.flush()
    history.close()
    assert latency(make(), LONG_AGO)["requests"].tolist() == [2]


def test_fits_that_cannot_be_written_do_not_fill_the_memory(make):
    history = make("sqlite://")
    request = Request(series_of(source("bundled").panel(), "Italy", "new_cases"), "ets", 3)
    for _ in range(FITS_KEPT + 5):
        history.record_fit(FinishedFit(request, "done", 1.0))
    assert len(history.fits(LONG_AGO)) == FITS_KEPT


def test_its_thread_writes_by_itself_and_ends_with_it(url):
    history = History(url, every=0.01)
    history.record_page_run(PageRun("Explore", 10.0))
    reader = History(url, every=None)
    while latency(reader, LONG_AGO).empty:
        assert history._thread.is_alive()
    history.close()
    reader.close()
    assert not history._thread.is_alive()


def test_the_same_in_postgresql(postgres_url, make, clock):
    history = make(postgres_url)
    history.record_request(answered(ms=40.0))
    history.record_fit(
        FinishedFit(Request(series_of(source("bundled").panel(), "Italy", "new_cases"), "ets", 3), "done", 1.0)
    )
    history.flush()
    history.record_picks(ModelPick("only here", "new_cases", "Italy", "ets", 0.7))
    reader, soon = make(postgres_url), MOMENT + INTERVAL
    assert latency(reader, MOMENT - INTERVAL, soon, by="server")["server"].tolist() == [history.server]
    assert reader.fits(LONG_AGO, soon)["ended"].tolist() == [MOMENT]
    assert reader.picks("only here")["first_picked"].tolist() == [MOMENT]
    history._database.run_transaction("write", lambda connection: prune(connection, MOMENT + FINE + timedelta(hours=2)))
    (row,) = latency(reader, LONG_AGO, soon).itertuples()
    assert row.median == pytest.approx(40, rel=0.025)


def test_the_charts_have_a_gap_where_nothing_was_asked_for(history, clock):
    history.record_page_run(PageRun("Explore", 250.0))
    clock.now += timedelta(hours=2)
    history.record_page_run(PageRun("Explore", 1000.0, failed=True))
    step, since = timedelta(hours=1), MOMENT.replace(minute=0)
    table = monitoring_charts.fill_time_grid(
        summaries.latency_over_time(history.route_counts(since), step), since, since + 3 * step, step
    )
    figure = monitoring_charts.latency_figure(table, step)
    assert [trace["uid"] for trace in figure["data"]] == ["median", "p95", "p99"]
    assert figure["data"][0]["x"] == ["2026-03-04T10:00", "2026-03-04T11:00", "2026-03-04T12:00"]
    (first, gap, last) = figure["data"][0]["y"]
    assert gap is None
    assert [first, last] == pytest.approx([250, 1000], rel=0.025)
    assert monitoring_charts.failures_figure(table, step)["data"][0]["y"] == [0, None, 100]
    assert monitoring_charts.failures_axis_top(table) > 100
    assert "1,0" in monitoring_charts.describe_latency(table) or "99" in monitoring_charts.describe_latency(table)


def test_tables_of_nothing_are_empty_and_have_their_columns(history):
    assert list(latency(history, LONG_AGO).columns) == ["kind", "route", *summaries.LATENCY]
    for table in (
        failures(history, LONG_AGO),
        summaries.fits_by_model(history.fits(LONG_AGO)),
        summaries.slowest_series(history.fits(LONG_AGO), 3),
    ):
        assert table.empty
        assert len(table.columns) > 3
    assert model_picks.pick_counts(history.picks()).empty


def test_the_command_line_prints_the_same_tables(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("FORECAST_HOME", str(tmp_path))
    monkeypatch.delenv("FORECAST_DB_URL", raising=False)
    history = History(settings.db_url(), every=None)
    history.record_page_run(PageRun("Explore", 250.0))
    history.record_picks(ModelPick("bundled", "new_cases", "Italy", "ets", 0.7))
    history.close()
    alerts = Alerts(webhook="")
    alerts.update({}, {"source jhu": "Its publisher has not answered."})
    alerts.close()
    assert main(["monitor", "--since", "2h"]) == 0
    said = capsys.readouterr().out
    assert "Its publisher has not answered." in said
    assert "Explore" in said
    assert "Slowest series, in seconds\nnothing\n" in said
    assert main(["monitor", "--json"]) == 0
    tables = json.loads(capsys.readouterr().out)
    assert tables["latency"][0]["route"] == "Explore"
    assert tables["latency"][0]["median"] == pytest.approx(250, rel=0.025)
    assert tables["picks"] == [{"model": "ets", "series": 1, "relative_wis": 0.7, "share": 100.0}]
    assert main(["monitor", "--since", "soon"]) == 2
    assert capsys.readouterr().err.startswith("--since is 'soon'; give hours, days or weeks")


def test_the_memory_of_a_process_tree_is_the_sum_of_its_parts(tmp_path):
    for number, (parent, pss, pages) in {
        10: (1, 5000, 0),
        11: (10, 300, 0),
        12: (11, None, 7),
        13: (1, 9999, 0),
    }.items():
        folder = tmp_path / str(number)
        folder.mkdir()
        (folder / "stat").write_text(f"{number} (a (strange) name) S {parent} 0 0")
        (folder / "statm").write_text(f"99 {pages} 1 1")
        if pss is not None:
            (folder / "smaps_rollup").write_text(f"Rss:  99999 kB\nPss:  {pss} kB\nPss_Dirty:  1 kB\n")
    page = os.sysconf("SC_PAGE_SIZE")
    assert process_memory.process_tree_bytes(10, tmp_path) == 1024 * (5000 + 300) + 7 * page
    assert process_memory.process_tree_bytes(99, tmp_path) is None
    assert process_memory.process_tree_bytes(10, tmp_path / "nowhere") is None
