"""Two servers behind one address: nobody notices which one answers, nor that one of them has died."""

import socket
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import httpx
import pytest
import sqlalchemy as sa
from fleet import PATIENCE, until
from playwright.sync_api import expect

from forecasting import model
from forecasting.preparation.prepare import prepare
from forecasting.sources import source
from tests.browser.explore_page import ExplorePage, link

pytestmark = pytest.mark.browser

ITALY = {"source": "bundled", "region": "Italy", "model": "sarima"}


def claimed(database):
    """How many fits are claimed now."""
    engine = sa.create_engine(database)
    with engine.connect() as connection:
        found = connection.scalar(sa.text("SELECT count(*) FROM fit_claims WHERE until >= now()"))
    engine.dispose()
    return found


def finished(client, location):
    """The job's answer when it has ended."""

    def look():
        answer = client.get(location)
        assert answer.status_code == 200, answer.text
        return answer.json() if answer.json()["state"] not in ("queued", "running") else None

    return until(look, f"{location} ends")


def by_the_library(horizon):
    series = prepare(source("bundled").panel(), "Italy", "new_cases")
    table = model("sarima").forecast(series, horizon).table("Italy")
    return [float(value) for value in table["value"]]


def test_what_both_servers_are_asked_at_once_is_fitted_once_and_is_what_the_library_says(fleet):
    before = sum(one.count("forecast_fits_total") for one in fleet.replicas)
    question = ITALY | {"horizon": 11, "wait": 10}
    with ThreadPoolExecutor(2) as threads:
        answers = list(threads.map(lambda one: one.ask(**question), fleet.replicas))
    with fleet.proxy.client() as client:
        said = [one.json() if one.status_code == 200 else finished(client, one.json()["location"]) for one in answers]
    values = [[row["value"] for row in one["forecasts"]] for one in said]
    assert values[0] == values[1] == by_the_library(11)
    assert sum(one.count("forecast_fits_total") for one in fleet.replicas) - before == 1


def test_a_browser_stays_with_one_server_and_many_browsers_are_spread_over_both(fleet):
    with fleet.proxy.client() as browser:
        first = fleet.which(browser)
        assert browser.cookies["forecast_visitor"]
        assert {fleet.which(browser) for _ in range(4)} == {first}
        assert "set-cookie" not in browser.get("/healthz").headers
    found = set()
    for _ in range(20):
        with fleet.proxy.client() as browser:
            found.add(fleet.which(browser))
        if found == set(fleet.replicas):
            return
    raise AssertionError("twenty browsers all came to the same server")


def test_who_asks_the_api_stays_with_one_server_so_that_one_counts_how_often(fleet):
    models = "/api/v1/models"
    for key in ("", "fe_one"):
        found = set()
        for visitor in "abcdef":
            headers = {"X-API-Key": key} if key else {}
            with fleet.proxy.client(cookies={"forecast_visitor": visitor}, headers=headers) as client:
                found.add(fleet.which(client, models))
        assert len(found) == 1


def test_a_server_that_never_heard_of_a_job_answers_for_it_and_ends_it_where_it_runs_or_waits(fleet, database):
    owner, other = fleet.replicas
    with owner.held():
        runs = owner.ask(**ITALY, horizon=12).json()["location"]
        until(lambda: claimed(database) == 1, "the first fit is claimed")
        waits = owner.ask(**ITALY, horizon=13).json()["location"]
        assert other.get(runs).json()["state"] in ("queued", "running")
        for location in (waits, runs):
            assert other.delete(location).json()["state"] == "cancelled"
        assert other.get(waits).json()["state"] == "cancelled"
        until(lambda: owner.get(runs).json()["state"] == "cancelled", "the fit is ended where it runs")
    until(lambda: owner.get(waits).json()["state"] == "cancelled", "the fit is ended where it waits")
    assert claimed(database) == 0


def test_a_deployed_limit_is_said_as_the_api_says_it_and_metrics_are_not_for_everybody(fleet):
    large = b"[" + b" " * 11_000_000
    with fleet.proxy.client() as client:
        refused = client.post("/api/v1/forecast", content=large, headers={"Content-Type": "application/json"})
        assert (refused.status_code, refused.json()["status"]) == (413, 413)
        assert refused.headers["content-type"] == "application/problem+json"
        assert client.get("/metrics").status_code == client.get("/_stcore/metrics").status_code == 404
        named = client.get("/api/v1/models", headers={"X-Request-ID": "mine", "X-Forwarded-For": "8.8.8.8"})
        assert named.headers["x-request-id"] == "mine"
        assert len(client.get("/api/v1/models").headers["x-request-id"]) == 32


def test_who_is_slow_to_say_what_he_wants_is_sent_away(fleet):
    with socket.create_connection(("127.0.0.1", fleet.proxy.port), timeout=PATIENCE) as slow:
        slow.sendall(b"GET / HTTP/1.1\r\nHost: ")
        with suppress(ConnectionResetError):
            assert slow.recv(1000) == b""


def test_a_file_is_uploaded_to_the_server_that_has_the_page(fleet, tab):
    tab.goto(f"{fleet.proxy.url}/your_data")
    lines = ["region,date,value", *(f"Atlantis,2024-01-{day:02},{day}" for day in range(1, 29))]
    file = {"name": "atlantis.csv", "mimeType": "text/csv", "buffer": "\n".join(lines).encode()}
    tab.locator("input[type=file]").first.set_input_files(file)
    expect(tab.get_by_text("Atlantis").first).to_be_visible()


def test_pages_and_the_api_work_over_tls_as_the_guide_says(fleet, chromium):
    proxy = fleet.proxied(tls=True)
    context = chromium.new_context(viewport={"width": 1280, "height": 900}, ignore_https_errors=True)
    try:
        proxy.await_ready()
        with proxy.client(verify=False) as client:
            answer = client.post("/api/v1/forecast", json=ITALY | {"horizon": 19, "wait": 10})
            assert answer.status_code in (200, 202), answer.text
            assert "; Secure" in client.get("/").headers["set-cookie"]
        with httpx.Client(trust_env=False) as plain:
            assert plain.get(proxy.url.replace("https", "http")).status_code == 400
        context.set_default_timeout(1000 * PATIENCE)
        page = ExplorePage(context.new_page(), proxy.url)
        page.goto(link(source="bundled", region="France", models="sarima", horizon=12))
        page.expect_drawn("history", "sarima", "band-95")
        page.choose("Region", "Spain")
        page.expect_title("Spain: new cases")
        page.expect_state("sarima", "done")
    finally:
        context.close()
        proxy.end()


def test_a_server_dies_in_mid_fit_and_who_goes_on_asking_for_the_job_gets_its_forecast(fleet, database):
    with fleet.proxy.client() as client:
        owner = fleet.which(client, "/api/v1/models")
        with owner.held():
            job = client.post("/api/v1/forecast", json=ITALY | {"horizon": 14}).json()
            before = fleet.other(owner).count("forecast_fits_total")
            until(lambda: claimed(database) == 1, "the fit is claimed")
            owner.kill()
            said = finished(client, job["location"])
    assert said["state"] == "done"
    assert [row["value"] for row in said["forecasts"]] == by_the_library(14)
    assert fleet.other(owner).count("forecast_fits_total") - before == 1


def test_a_visitor_watches_a_fit_through_the_proxy_and_goes_on_when_his_server_has_died(fleet, tab):
    page = ExplorePage(tab, fleet.proxy.url)
    page.goto(link(source="bundled", region="Germany", models="sarima", horizon=16))
    page.expect_state("sarima", "done")
    page.expect_drawn("history", "sarima", "band-95")
    before = page.link
    with fleet.proxy.client(cookies={one["name"]: one["value"] for one in tab.context.cookies()}) as visitor:
        server = fleet.which(visitor)
        with tab.expect_websocket():  # it connects again by itself
            server.kill()
        assert fleet.which(visitor) is fleet.other(server)
    expect(tab.get_by_test_id("stApp")).to_have_attribute("data-test-connection-state", "CONNECTED")
    page.expect_drawn("history", "sarima", "band-95")
    assert page.link == before
    tab.reload()  # what the address says, on the other server
    page.expect_title("Germany: new cases")
    page.expect_state("sarima", "done")
    page.choose("Region", "Spain")
    page.expect_title("Spain: new cases")
    page.expect_state("sarima", "done")
    assert page.link == before | {"region": "Spain"}
