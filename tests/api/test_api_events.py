"""Questions about the future, and rules of alerts, over HTTP."""

import json
import time

import pytest

from forecasting.cli.main import main

ITALY = {"source": "bundled", "region": "Italy", "model": "naive"}
RULE = {**ITALY, "event": "below", "level": 5000, "within": 7}


def test_the_answers_are_those_of_the_command_line(client, description, capsys):
    answer = client.get(
        "/api/v1/events", params=ITALY | {"above": 12000, "reach": 20000, "within": 14, "total_to": "2021-06-01"}
    )
    assert answer.status_code == 200
    above, reach, total = answer.json()["events"]
    asked = ["--above", "12000", "--reach", "20000", "--within", "14", "--total-to", "2021-06-01"]
    assert main(["events", "--source", "bundled", "--region", "Italy", "--model", "naive", *asked, "--json"]) == 0
    for one, other in zip((above, reach, total), json.loads(capsys.readouterr().out), strict=True):
        assert {name: value for name, value in one.items() if name != "statistic"} == other
        assert set(one) <= set(description["EventItem"]["properties"])


def test_without_a_question_peak_rise_and_total_are_told(client):
    events = client.get("/api/v1/events", params=ITALY).json()["events"]
    assert [one["event"] for one in events] == ["peak", "rise", "total"]


def test_a_forecast_that_is_still_made_is_asked_for_again(client):
    asked = ITALY | {"model": "sarima", "above": 9000, "horizon": 13, "wait": 0}
    answer = client.get("/api/v1/events", params=asked)
    assert answer.status_code == 202
    end, location = time.monotonic() + 120, answer.json()["location"]
    while (answer := client.get(location)).status_code == 202:
        assert time.monotonic() < end
    assert answer.json()["events"][0]["model"] == "sarima"


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ({"above": "abc"}, "'above' is 'abc': input should be a valid number"),
        ({"above": "nan"}, "give a number"),
        ({"peak": True, "within": 0}, "'within' is '0'"),
        ({"peak": True, "within": 9, "horizon": 3}, "'within' is 9, and the forecast is for 3 days"),
        ({"total_to": "2031-01-01"}, "the forecast ends on 13 Jun 2021"),
        ({"region": "Atlantis"}, "has no region 'Atlantis'"),
        ({"model": "oracle"}, "There is no model 'oracle'"),
        ({"abvoe": 3}, "There is no parameter 'abvoe'"),
    ],
)
def test_what_cannot_be_answered_is_one_sentence(client, query, sentence):
    answer = client.get("/api/v1/events", params=ITALY | query)
    assert answer.status_code == 422
    assert sentence in answer.json()["detail"]


def test_a_rule_is_added_once_listed_and_removed(client, description):
    first, again = (client.post("/api/v1/alerts", json=RULE) for _ in range(2))
    assert (first.status_code, first.json()) == (201, again.json())
    assert (first.json()["statistic"], first.json()["chance"], first.json()["checked"]) == ("new_cases", 0.3, None)
    assert set(first.json()) == set(description["AlertAnswer"]["properties"])
    listed = client.get("/api/v1/alerts").json()["alerts"]
    assert first.json() in listed
    number = first.json()["id"]
    assert client.delete(f"/api/v1/alerts/{number}").json()["id"] == number
    gone = client.delete(f"/api/v1/alerts/{number}")
    assert (gone.status_code, gone.json()["detail"]) == (
        404,
        f"There is no alert {number}; GET /api/v1/alerts lists what there is.",
    )


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"region": "Atlantis"}, "region"),
        ({"level": None}, "level"),
        ({"level": "many"}, "level"),
        ({"event": "total"}, "event"),
        ({"chance": 1}, "chance"),
        ({"within": 0}, "within"),
        ({"model": "oracle"}, "model"),
        ({"statistic": "cats"}, "statistic"),
        ({"source": "nowhere"}, "source"),
        ({"mail": "a@b"}, "mail"),
    ],
)
def test_a_rule_that_makes_no_sense_names_the_field(client, wrong, field):
    answer = client.post("/api/v1/alerts", json=RULE | wrong)
    assert answer.status_code == 422
    assert [one["field"] for one in answer.json()["errors"]] == [field]


def test_alerts_need_a_key_where_there_are_keys(open_api, monkeypatch):
    monkeypatch.setenv("FORECAST_API_KEYS", "lab:" + "0" * 64)
    client = open_api()
    assert client.get("/api/v1/alerts").status_code == 401
    assert client.post("/api/v1/alerts", json=RULE).status_code == 401


@pytest.fixture
def description(client):
    return client.get("/api/openapi.json").json()["components"]["schemas"]
