"""Monitor, by Streamlit's own harness."""

import time
from datetime import UTC, datetime, timedelta

import pandas as pd
import pytest
import streamlit as st
from visiting import new_visitor

from forecasting.jobs.board import FinishedFit
from forecasting.jobs.request import Request
from forecasting.monitoring import summaries
from forecasting.monitoring.alerts import Alerts
from forecasting.monitoring.drift.detect import Drift
from forecasting.monitoring.history import ModelPick, PageRun
from forecasting.monitoring.request_record import RequestRecord
from forecasting.monitoring.update_runs import UpdateRun
from forecasting.sources import source
from ui.monitor import page as page_of_monitor
from ui.shell import runtime

PAGE = "pages/monitor.py"
CACHES = (page_of_monitor.load_figures, page_of_monitor.current_status, page_of_monitor.open_alerts)


@pytest.fixture
def history(service):
    """That of the service under test; what it has from other tests stays."""
    return runtime.history()


@pytest.fixture
def monitor(service):
    """``monitor(span="week")`` is a new visitor who opens that link."""

    def open_monitor(**link):
        for cache in CACHES:
            cache.clear()
        page = new_visitor(PAGE)
        for name, value in link.items():
            page.query_params[name] = value
        return page.run()

    return open_monitor


def latency(history):
    """The latency table of the last day."""
    return summaries.latency(history.route_counts(datetime.now(UTC) - timedelta(days=1)), "route")


def address(page):
    return {name: value[0] if isinstance(value, list) else value for name, value in page.query_params.items()}


def said(page):
    return "\n".join(text.value for text in [*page.markdown, *page.caption, *page.info, *page.success, *page.warning])


def table(page, column):
    """The table that has this column."""
    return next(one.value for one in page.dataframe if column in one.value)


def test_it_opens_with_what_is_there_and_says_kindly_what_is_not(monitor):
    page = monitor()
    assert not page.exception
    assert [metric.label for metric in page.metric] == ["Workers ready", "Fits", "Failed today", "Memory"]
    assert "No alert is open. The nightly upkeep looks for what has drifted; it has not run yet." in said(page)
    assert "Nothing yet. The nightly upkeep judges every model" in said(page)
    assert address(page) == {}


def test_every_source_is_there_with_a_word_on_its_age(monitor):
    states = table(monitor(), "State").set_index("Source")
    assert states["State"].isin(["at hand", "not here yet", "up to date", "due", "old"]).all()
    assert len(states) >= 6
    assert "Looked after" not in states


def test_after_an_upkeep_every_source_says_how_it_went(monitor, monkeypatch):
    ended = datetime.now(UTC) - timedelta(hours=3)
    ran = [
        UpdateRun("bundled", ended, ended, "a digest", 60, there=500),
        UpdateRun("jhu", ended, ended, "a digest", 60, there=490, failed=10),
        UpdateRun("oxcgrt", ended, ended, "", failed=1, said="It could not be had."),
    ]
    monkeypatch.setattr(type(runtime.runs()), "table", lambda self: pd.DataFrame([vars(run) for run in ran]))
    page = monitor()
    assert "Nothing: no alert is open, and nothing has drifted." in said(page)
    told = table(page, "State").set_index("Source")["Looked after"]
    assert told[source("bundled").label] == "3 hours ago: all well"
    assert told[source("jhu").label] == "3 hours ago: 10 of 500 forecasts failed"
    assert told[source("oxcgrt").label] == "3 hours ago: its figures could not be had"
    assert told[source("simulated").label] == ""


def test_the_time_of_every_page_is_noted_when_it_is_visited(visit, monitor, history):
    before = {row.route: row.requests for row in latency(history).itertuples()}
    visit(models="ets")
    shown = table(monitor(), "Page").set_index("Page")
    assert shown.loc["Explore", "Times"] > before.get("Explore", 0)
    assert 0 < shown.loc["Explore", "Half within"] <= shown.loc["Explore", "99 % within"]


def test_a_page_that_breaks_off_is_noted_as_failed(history):
    class Broken:
        title = "Broken"

        def run(self):
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        runtime.run_page(Broken(), time.perf_counter())
    found = latency(history).set_index("route")
    assert found.loc["Broken", "failed"] == 100


def test_a_run_that_is_begun_anew_is_not_noted(history):
    class Again(BaseException):
        """As Streamlit's own."""

    class Interrupted:
        title = "Interrupted"

        def run(self):
            raise Again

    with pytest.raises(Again):
        runtime.run_page(Interrupted(), time.perf_counter())
    assert "Interrupted" not in latency(history)["route"].tolist()


def test_answers_of_the_api_are_shown_apart_from_pages(monitor, history):
    for ms, status in ((20.0, 200), (20.0, 200), (20.0, 503), (900.0, 422)):
        history.record_request(RequestRecord("", "", "GET", "/api/v1/models", status, ms, ""))
    page = monitor(answers="api")
    shown = table(page, "Operation").set_index("Operation").loc["/api/v1/models"]
    assert (shown["Times"], shown["Failed"], shown["Refused"]) == (4, 25, 25)
    assert shown["Half within"] == pytest.approx(20, rel=0.03)
    assert "How long answers of the API took" in said(page)
    assert address(page) == {"answers": "api"}


def test_fits_are_shown_by_model_and_the_slowest_series_leads_to_explore(monitor, history, service):
    series = service.series(service.panel("bundled"), "Italy", "new_cases")
    for outcome, seconds in (("done", 1234.5), ("failed", 2.0)):
        history.record_fit(FinishedFit(Request(series, "prophet", 28), outcome, seconds))
    page = monitor(span="week")
    prophet = table(page, "Timed out").set_index("Model").loc["Prophet"]
    assert prophet["Failed"] >= 1
    assert prophet["Longest"] == 1234.5
    slowest = table(page, "On average").iloc[0]
    assert (slowest["Series"], slowest["Model"]) == ("Italy, new cases", "Prophet")
    assert slowest["Explore"] == "./?source=bundled&statistic=new_cases&region=Italy&models=prophet"
    assert address(page) == {"span": "week"}
    other = monitor(source="simulated")
    assert address(other) == {"source": "simulated"}
    assert not any("On average" in one.value for one in other.dataframe)


def test_picks_are_counted_and_late_changes_are_told(monitor, history, monkeypatch):
    now = history._now
    monkeypatch.setattr(history, "_now", lambda: now() - timedelta(days=3))
    history.record_picks(
        *[ModelPick("bundled", "new_cases", region, "ets", 0.6) for region in ("Italy", "Spain", "France")]
    )
    monkeypatch.setattr(history, "_now", now)
    history.record_picks(ModelPick("bundled", "new_cases", "Spain", "pooled", 0.5))
    page = monitor()
    counts = table(page, "Picked for")
    assert counts["Model"].tolist() == ["ETS", "Pooled"]
    assert counts["Series"].tolist() == [2, 1]
    (change,) = table(page, "From").to_dict("records")
    assert (change["Series"], change["From"], change["To"]) == ("Spain, new cases", "ETS", "Pooled")


@pytest.fixture
def alerts(service):
    """Whoever looks for what is wrong; all is well again afterwards."""
    alerts, told = Alerts(webhook=""), ({}, {})

    def look(drifts, troubles):
        told[0].update(drifts)
        told[1].update(troubles)
        alerts.update(drifts, troubles)

    yield look
    alerts.update({topic: [] for topic in told[0]}, dict.fromkeys(told[1], ""))
    alerts.close()


def test_open_alerts_say_what_and_since_when_and_lead_to_the_series(monitor, alerts):
    drift = Drift("level", pd.Timestamp("2021-03-04"), 9.0, 6.0, "Italy, new cases: *three* times the level of before.")
    alerts({("bundled", "Italy", "new_cases"): [drift]}, {"source jhu": "Its publisher has not answered for 30 hours."})
    page = monitor()
    assert not page.exception
    assert f"**The level has shifted** · {source('bundled').label}, Italy" in said(page).replace("\\", "")
    assert "\\*three\\* times the level" in said(page)
    assert "Since 4 Mar 2021 · [Explore](./?source=bundled&statistic=new_cases&region=Italy)" in said(page)
    assert "**Figures cannot be had**" in said(page)
    assert "No alert is open" not in said(page)
    other = said(monitor(source="simulated"))
    assert "The level has shifted" not in other
    assert "Its publisher has not answered" in other


def test_of_many_alerts_the_newest_are_shown_and_the_rest_is_counted(monitor, alerts):
    drift = Drift("missing", pd.Timestamp("2021-03-04"), 9.0, 6.0, "Half of the days have no figure.")
    alerts({("bundled", f"Region {number}", "new_cases"): [drift] for number in range(12)}, {})
    page = said(monitor())
    assert page.count("**Figures are missing**") == 10
    assert "And 2 more." in page


def test_a_database_that_is_left_out_is_said_with_the_reason(monitor, service, monkeypatch):
    why = "Results are kept in memory only at present: database is locked."
    monkeypatch.setattr(type(service.store), "notes", (why,))
    assert why in [warning.value for warning in monitor().warning]


@pytest.mark.parametrize(("wish", "note"), [({"span": "century"}, "span"), ({"source": "nowhere"}, "source")])
def test_a_link_to_what_is_not_there_says_so(monitor, wish, note):
    page = monitor(**wish)
    assert not page.exception
    assert f"This link asks for the {note}" in said(page)


def test_nothing_on_the_page_tells_where_the_database_is(monitor, home):
    page = monitor()
    shown = (
        said(page) + str([one.label for one in page.expander]) + str([one.value.to_dict() for one in page.dataframe])
    )
    for secret in (str(home), "sqlite:", ".sqlite", runtime.history().server):
        assert secret not in shown


@pytest.mark.parametrize(("setting", "there"), [(None, True), ("1", True), ("0", False)])
def test_a_team_can_leave_it_out(visit, monkeypatch, setting, there):
    titles, navigation = [], st.navigation
    if setting is not None:
        monkeypatch.setenv("FORECAST_MONITOR", setting)

    def noted(pages, **options):
        titles.extend(page.title for page in pages)
        return navigation(pages, **options)

    monkeypatch.setattr(st, "navigation", noted)
    visit(models="ets")
    assert ("Monitor" in titles) == there
    assert "Methods" in titles


def test_a_run_of_a_page_is_told_to_whoever_observes(monkeypatch, service):
    seen = []
    monkeypatch.setattr(runtime, "page_run_observers", [seen.append])

    class Page:
        title = "Watched"

        def run(self):
            """Nothing."""

    runtime.run_page(Page(), time.perf_counter())
    assert [(run.page, run.failed) for run in seen] == [("Watched", False)]
    assert isinstance(seen[0], PageRun)
