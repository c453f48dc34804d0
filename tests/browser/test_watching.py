"""Forecasts arrive while somebody watches, and whatever that person does, none is lost."""

import contextlib
import re
import sqlite3

import pytest
from explore_page import link
from playwright.sync_api import expect
from sweeps import examples

from ui.shell.sidebar import DEFAULT_MODELS

pytestmark = pytest.mark.browser

#: A model that is seen at work where fits are slowed, and costs less than others that are.
SLOW = "sarima"
#: One that has no draft for a while, so that nothing of it is drawn when it is cancelled.
LATE = "auto_arima"


def seconds(page, model):
    """How long a row says that its fit has taken."""
    number, unit = re.fullmatch(r"([\d.]+) (s|min)", page.row(model).locator(".time").inner_text()).groups()
    return float(number) * (60 if unit == "min" else 1)


def goes_on(page, model, fitted):
    """Whether a fit that had taken `fitted` seconds was not begun anew, while workers are held: it is done or goes on."""
    page.expect_state(model, "running", "done")
    return page.row(model).get_attribute("data-state") == "done" or seconds(page, model) >= fitted


def stored(server, model, horizon):
    """How many forecasts of this kind the server has kept."""
    with contextlib.closing(sqlite3.connect(server.home / "forecasts.sqlite")) as store:
        return store.execute(
            "SELECT count(*) FROM forecasts WHERE model = ? AND horizon = ?", (model, horizon)
        ).fetchone()[0]


def test_the_page_opens_with_a_forecast_that_better_ones_replace(visitors, server):
    usual = link(statistic="new_cases", models=",".join(DEFAULT_MODELS))
    page = visitors.open(server.url, usual, reduced_motion="no-preference")
    page.expect_title("United States: new cases")
    page.expect_drawn("history", "reported")
    for model in ("ensemble", "sarima", "ets", "prophet"):
        page.expect_state(model, "done")
    page.expect_drawn("history", "ensemble", "sarima", "ets", "prophet", "band-50", "band-80", "band-95")
    assert "pretrained" not in page.traces()
    assert page.rows.first.get_attribute("data-model") == "ensemble"
    expect(page.row("ensemble")).to_contain_text("Pooled 33.3 %, Pretrained network 33.3 %, ETS 33.3 %")
    page.tab.get_by_text("How far to trust it").wait_for()


def test_the_server_starts_its_workers_and_nothing_else(visitors, server):
    page = visitors.open(server.url, link(models="ets"))
    page.expect_state("ets", "done")
    assert len(server.workers()) == 2
    assert server.children() == server.workers()


def test_without_any_model_the_instant_one_is_drawn_and_the_link_remembers_that(visitors, server):
    page = visitors.open(server.url, link(models="ets"))
    page.expect_drawn("ets")
    page.tab.get_by_role("button", name="ETS", exact=True).click()
    page.expect_drawn("pretrained")
    expect(page.rows).to_have_count(0)
    other = visitors.open(server.url, link(**page.link))
    other.expect_drawn("pretrained")
    expect(other.rows).to_have_count(0)


def test_a_model_is_watched_from_running_to_done(visitors, server):
    with server.held():
        page = visitors.open(server.url, link(models=SLOW, region="Germany", horizon=20))
        page.expect_drawn("history", "pretrained")
        page.tab.get_by_text("which needs no training").wait_for()
        page.expect_state(SLOW, "running")
        before = page.row(SLOW).locator(".time").inner_text()
        expect(page.row(SLOW).locator(".time")).not_to_have_text(before)
        expect(page.row(SLOW)).to_contain_text("training")
    page.expect_state(SLOW, "done")
    expect(page.row(SLOW)).to_contain_text("ARIMA (")
    page.expect_drawn(SLOW)
    expect(page.tab.get_by_text("which needs no training")).to_have_count(0)
    expect(page.row(SLOW).get_by_role("button")).to_have_count(0)


def test_zoom_and_legend_choices_stay_when_a_new_forecast_arrives(visitors, server):
    page = visitors.open(server.url, link(models="ets", region="Germany", horizon=21))
    page.expect_drawn("ets", "history")
    page.expect_state("ets", "done")
    page.pan()
    panned = page.range()
    page.tab.locator(".chart-legend button").first.click()
    page.wait_for_chart("element.data.some(trace => trace.visible === 'legendonly')")
    hidden = {uid for uid, trace in page.traces().items() if trace["visible"] == "legendonly"}
    page.tab.get_by_role("button", name="SARIMA", exact=True).click()
    page.expect_drawn("sarima")
    page.expect_state("sarima", "done")
    assert page.range() == panned
    assert {uid for uid, trace in page.traces().items() if trace["visible"] == "legendonly"} == hidden


def test_the_chart_opens_anew_for_other_figures_and_resets_to_their_dates(visitors, server):
    page = visitors.open(server.url, link(models="ets"))
    page.expect_drawn("ets")
    page.pan()
    page.choose("Statistic", "New hospital admissions")
    page.expect_title("United States: new hospital admissions")
    page.wait_for_chart("String(element.layout.xaxis.range[0]) > '2024'")
    page.expect_state("ets", "done")
    opened = page.range()
    page.pan()
    page.chart.hover()
    page.chart.locator("[data-title='Reset axes']").click()
    page.wait_for_chart("String(element.layout.xaxis.range[0]).slice(0, 10) === first", opened[0])
    assert [date[:10] for date in page.range()] == opened


def test_leaving_for_another_region_shows_that_one_and_loses_no_fit(visitors, server):
    with server.slowed():
        page = visitors.open(server.url, link(models=SLOW, region="Germany", horizon=22))
        page.expect_state(SLOW, "running")
        page.expect_drawn("history")
        with server.held():
            german, fitted = page.traces()["history"], seconds(page, SLOW)
            page.choose("Region", "Spain")
            page.expect_title("Spain: new cases")
            page.wait_for_chart(
                "element.data.find(trace => trace.uid === 'history').y.at(-1) !== first", german["y"][-1]
            )
            page.expect_state(SLOW, "queued", "running")
            assert page.link["region"] == "Spain"
            page.choose("Region", "Germany")
            page.expect_title("Germany: new cases")
            assert goes_on(page, SLOW, fitted)
    page.expect_state(SLOW, "done")
    page.expect_drawn(SLOW)
    assert page.traces()["history"] == german


def test_two_visitors_who_ask_the_same_share_one_fit(visitors, server):
    address = link(models=SLOW, region="Germany", horizon=23)
    with server.slowed():
        first = visitors.open(server.url, address)
        first.expect_state(SLOW, "running")
        with server.held():
            fitted = seconds(first, SLOW)
            second = visitors.open(server.url, address)
            assert goes_on(second, SLOW, fitted), "the second visitor's fit was a new one"
    for page in (first, second):
        page.expect_state(SLOW, "done")
        page.expect_drawn(SLOW)
    assert seconds(first, SLOW) == seconds(second, SLOW)
    assert first.traces()[SLOW] == second.traces()[SLOW]
    assert stored(server, SLOW, 23) == 1


def test_a_fit_goes_on_when_its_tab_is_closed(visitors, server):
    address = link(models=SLOW, region="Germany", horizon=24)
    with server.slowed():
        first = visitors.open(server.url, address)
        first.expect_state(SLOW, "running")
        with server.held():
            fitted = seconds(first, SLOW)
            first.tab.close()
            second = visitors.open(server.url, address)
            assert goes_on(second, SLOW, fitted)
    second.expect_state(SLOW, "done")


def test_a_cancelled_fit_ends_and_can_be_tried_again(visitors, server):
    with server.held():
        page = visitors.open(server.url, link(models=LATE, region="Germany", horizon=25))
        page.expect_state(LATE, "running")
        page.press_slowly("Cancel", LATE)
        page.expect_state(LATE, "cancelled")
    page.expect_drawn("pretrained")
    page.press("Try again", LATE)
    page.expect_state(LATE, "queued", "running")
    page.expect_state(LATE, "done")
    page.expect_drawn(LATE)


def test_an_ensemble_that_waits_can_be_cancelled_and_tried_again(visitors, server):
    with server.held():
        page = visitors.open(server.url, link(models="ensemble", region="France", horizon=27))
        page.expect_state("ensemble", "queued", "running")
        page.press("Cancel", "ensemble")
        page.expect_state("ensemble", "cancelled")
        page.expect_drawn("ensemble")  # by the network, which needs no fit
    page.press("Try again", "ensemble")
    page.expect_state("ensemble", "done")
    page.expect_drawn("ensemble")


def test_a_fit_is_finished_although_its_worker_is_killed(visitors, server):
    with server.slowed():
        page = visitors.open(server.url, link(models=SLOW, region="Germany", horizon=26))
        page.expect_state(SLOW, "running")
        fitting = max(server.workers(), key=lambda worker: worker.cpu_percent(interval=1))
        fitting.kill()
    page.expect_state(SLOW, "done")
    page.expect_drawn(SLOW)
    assert fitting not in server.workers()


def test_view_after_view_is_drawn_to_its_end(visitors, server):
    """Two drawings at once used to freeze the page now and then, and a row could stay behind its model."""
    page = visitors.open(server.url, link(models="ets,theta", horizon=30))
    for horizon in range(31, 31 + examples(5, fewest=3)):
        page.tab.goto(f"{server.url}/{link(models='ets,theta', horizon=horizon)}")
        page.expect_drawn("ets", "theta")
        page.expect_state("ets", "done")
        page.expect_state("theta", "done")
