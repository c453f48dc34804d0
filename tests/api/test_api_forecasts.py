"""What is asked, waited for, followed and cancelled."""

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from full_disk import full_disk

from forecasting.api import build_requests, job_register
from forecasting.jobs import JobQueue
from forecasting.models.base import Model
from forecasting.models.naive import Naive
from forecasting.preparation.prepare import prepare
from forecasting.services.service import Service
from forecasting.sources import source
from forecasting.storage import database
from forecasting.storage.forecast_store import ForecastStore

FIELDS = ["region", "model", "origin", "horizon", "date", "quantile", "value"]


def test_an_instant_model_answers_at_once_with_the_table_of_the_contract(ask, italy):
    answer = ask(**italy, model="naive")
    assert answer.status_code == 200
    rows = answer.json()["forecasts"]
    assert len(rows) == 3 * 23
    assert list(rows[0]) == FIELDS
    assert (rows[0]["origin"], rows[0]["date"], rows[-1]["date"]) == ("2021-05-16", "2021-05-17", "2021-05-19")


def test_what_must_be_fitted_is_a_job_that_ends_with_the_forecasts_and_is_then_answered_at_once(
    client, ask, italy, follow
):
    question = {**italy, "model": "ets", "horizon": 5}
    answer = ask(**question)
    assert answer.status_code == 202
    said = answer.json()
    assert set(said) == {"id", "state", "location"}
    assert said["state"] in ("queued", "running")
    assert said["location"] == f"/api/v1/jobs/{said['id']}" == answer.headers["location"]
    assert answer.headers["retry-after"] == "1"
    job = follow(answer)
    assert (job["state"], job["progress"]["done"], job["progress"]["of"]) == ("done", 1, 1)
    assert len(job["forecasts"]) == 5 * 23
    again = ask(**question)
    assert (again.status_code, again.json()["forecasts"]) == (200, job["forecasts"])


def test_the_same_question_is_the_same_job(ask, italy):
    first, second = (ask(**italy, model="auto_arima").json() for _ in range(2))
    assert first["id"] == second["id"]


def test_a_request_may_wait_a_while_for_its_forecast(ask, italy):
    answer = ask(**{**italy, "horizon": 6}, model="ets", wait=10)
    assert answer.status_code in (200, 202)
    if answer.status_code == 200:
        assert len(answer.json()["forecasts"]) == 6 * 23


def test_without_a_region_all_are_one_job(ask, follow):
    answer = ask(source="bundled", models=["naive", "ets"], horizon=2, quantiles=[0.5])
    table = (follow(answer) if answer.status_code == 202 else answer.json())["forecasts"]
    regions = source("bundled").panel().regions("new_cases")
    assert [(row["region"], row["model"]) for row in table[::2]] == [(r, m) for r in regions for m in ("naive", "ets")]


def test_of_several_statistics_rows_say_which(ask):
    records = [
        {"date": f"2024-01-{day:02}", "statistic": name, "value": day % 7 + 1}
        for name in ("cases", "deaths")
        for day in range(1, 29)
    ]
    rows = ask(data=records, model="naive", horizon=1).json()["forecasts"]
    assert list(rows[0]) == ["region", "statistic", *FIELDS[1:]]
    assert {row["statistic"] for row in rows} == {"cases", "deaths"}
    assert "statistic" not in ask(data=records, statistic="deaths", model="naive", horizon=1).json()["forecasts"][0]


def test_a_region_of_posted_figures_is_picked_by_its_name(ask):
    records = [{"date": f"2024-01-{day:02}", "region": r, "value": day} for r in ("A", "B") for day in range(1, 15)]
    rows = ask(data=records, region="B", model="naive", horizon=1).json()["forecasts"]
    assert {row["region"] for row in rows} == {"B"}


def test_one_region_that_cannot_be_forecast_leaves_the_others(ask):
    records = [{"date": f"2024-01-{day:02}", "region": "A", "value": day} for day in range(1, 15)]
    records += [
        {"date": "2024-01-01", "region": "B", "value": None},
        {"date": "2024-01-02", "region": "B", "value": None},
    ]
    answer = ask(data=records, model="naive", horizon=1)
    assert answer.status_code == 200
    said = answer.json()
    assert {row["region"] for row in said["forecasts"]} == {"A"}
    (failure,) = said["errors"]
    assert failure["region"] == "B"
    alone = ask(data=records, region="B", model="naive", horizon=1)
    assert alone.status_code == 422
    assert alone.json()["detail"] == failure["error"]


def test_running_totals_may_be_said_to_be_such(ask):
    records = [{"date": f"2024-01-{day:02}", "value": day * 10} for day in range(1, 32)]
    asked_back = ask(data=records, model="naive", horizon=1)
    assert asked_back.status_code == 422
    assert (
        'never falls: are these running totals? Answer with "cumulative": true or false.' in asked_back.json()["detail"]
    )
    counts, totals = (ask(data=records, cumulative=which, model="naive", horizon=1).json() for which in (False, True))
    assert {row["region"] for row in counts["forecasts"]} == {"data"}
    assert next(row["value"] for row in totals["forecasts"] if row["quantile"] == 0.5) == pytest.approx(10, abs=1)


def test_who_does_without_covariates_and_holidays_is_said(ask):
    records = [
        {"date": f"2024-01-{day:02}", "region": region, "value": day % 7 + 1, "rain": day * 7 % 11}
        for region in ("A", "B")
        for day in range(1, 29)
    ]
    notes = ask(data=records, model="theta", horizon=1, covariates=["rain"], holidays="DE").json()["notes"]
    assert notes == [
        "Without covariates: theta. With them: ensemble, pooled, deep.",
        "Without holidays: theta. With them: ensemble, pooled, prophet.",
    ]


def test_lists_are_those_of_the_command_line(client):
    assert client.get("/api/v1/sources").json()["sources"][0]["name"] == "bundled"
    assert {one["name"] for one in client.get("/api/v1/models").json()["models"]} >= {"naive", "ensemble"}
    regions = client.get("/api/v1/regions", params={"source": "bundled", "statistic": "new_cases"}).json()["regions"]
    assert {"name": "Italy", "statistics": ["new_cases"]} in regions
    everything = client.get("/api/v1/regions", params={"source": "bundled"}).json()["regions"]
    assert {"name": "Ohio", "statistics": ["new_admissions", "new_flu_admissions"]} in everything


def test_a_job_can_be_cancelled_by_all_and_begun_again(client, ask, italy, follow):
    question = {**italy, "model": "auto_arima", "horizon": 19}
    begun = ask(**question).json()
    ended = client.delete(begun["location"])
    assert (ended.status_code, ended.json()["state"]) == (200, "cancelled")
    assert client.get(begun["location"]).json()["state"] == "cancelled"
    refused = ask(**question)
    assert refused.status_code == 422
    assert '"retry": true' in refused.json()["detail"]
    again = ask(**question, retry=True)
    assert again.status_code == 202
    assert again.json()["id"] == begun["id"]
    assert client.delete(begun["location"]).json()["state"] == "cancelled"


def test_a_job_that_is_done_stays_done(client, ask, italy, follow):
    job = follow(ask(**{**italy, "horizon": 9}, model="ets"))
    assert client.delete(job["location"]).json()["state"] == "done"


def test_a_job_is_known_to_another_replica_whatever_it_is_made_of(api_home, ask, follow, open_api):
    records = [{"date": f"2024-01-{day:02}", "region": r, "value": day % 7 + 2} for r in "AB" for day in range(1, 31)]
    answers = [
        ask(data=records, model="ensemble", horizon=2, quantiles=[0.5]),
        ask(source="bundled", statistic="cumulative_cases", region="Italy", model="ets", horizon=11, quantiles=[0.1]),
    ]
    jobs = [follow(answer) for answer in answers]
    store = ForecastStore(f"sqlite:///{api_home / 'forecasts.sqlite'}")
    service = Service(store, JobQueue(store, workers=1))
    try:
        other = open_api(service)
        for answer, job in zip(answers, jobs, strict=True):
            told = other.get(answer.json()["location"]).json()
            assert (told["state"], told["forecasts"]) == ("done", job["forecasts"])
    finally:
        service.close()


def test_a_job_that_a_server_left_undone_is_done_by_the_next_one(api_home, ask, follow, italy, open_api, client):
    """A server that has the question but not the fit asks itself."""
    begun = ask(**{**italy, "horizon": 23}, model="ets").json()
    store = ForecastStore("sqlite://")  # another store, as if nothing had been finished
    service = Service(store, JobQueue(store, workers=1))
    try:
        state = open_api(service).get(begun["location"]).json()["state"]
    finally:
        service.close()
    assert state in ("queued", "running")


def test_one_that_was_cancelled_is_not_begun_by_another_replica(api_home, ask, client, italy, open_api):
    begun = ask(**{**italy, "horizon": 29}, model="auto_arima").json()
    client.delete(begun["location"])
    store = ForecastStore("sqlite://")
    service = Service(store, JobQueue(store, workers=1))
    try:
        told = open_api(service).get(begun["location"]).json()
        assert told["state"] == "cancelled"
        assert not service.queue._board.active()
    finally:
        service.close()


def test_a_job_is_accepted_only_where_it_outlives_the_server(open_api, italy, monkeypatch):
    for name in ("RETRY_SECONDS", "WRITTEN_SECONDS"):
        monkeypatch.setattr(database, name, 0.0)
    client, question = open_api(), {**italy, "horizon": 33, "model": "auto_arima"}
    accepted = client.post("/api/v1/forecast", json=question)
    with full_disk():
        refused = client.post("/api/v1/forecast", json={**question, "horizon": 34})
        assert (refused.status_code, refused.headers["retry-after"]) == (503, "30")
        assert refused.json()["detail"].startswith("Jobs cannot be stored at present, so none is accepted")
        assert "location" not in refused.headers
        assert client.post("/api/v1/forecast", json=question).status_code == 202  # it is stored already
        ended = client.delete(accepted.json()["location"])
        assert (ended.status_code, ended.json()["detail"][:50]) == (
            503,
            "The job was ended here, but that cannot be stored ",
        )
        ready = client.get("/readyz")
        assert (ready.status_code, ready.json()["errors"][0]["field"]) == (503, "store")
    accepted = client.post("/api/v1/forecast", json={**question, "horizon": 34})
    assert accepted.status_code == 202
    restarted = open_api()
    assert restarted.get(accepted.json()["location"]).status_code == 200
    restarted.delete(accepted.json()["location"])


def test_figures_that_have_changed_since_are_no_answer(ask, italy, open_api, monkeypatch):
    begun = ask(**{**italy, "horizon": 31}, model="auto_arima").json()
    monkeypatch.setattr(job_register.JobRegister, "job", lambda self, identity: None)
    panel = source("bundled").panel()
    older = panel.as_of(panel.table["date"].max().replace(year=2021, month=4))
    monkeypatch.setattr(build_requests.RequestBuilder, "source_panel", lambda self, name: older)
    answer = open_api().get(begun["location"])
    assert answer.status_code == 410
    assert "have changed" in answer.json()["detail"]


def test_old_questions_are_forgotten(tmp_path, monkeypatch, italy):
    monkeypatch.setattr(job_register, "MAX_BYTES", 0)
    monkeypatch.setattr(job_register, "PRUNE_EVERY", 2)
    kept = job_register.JobRegister(f"sqlite:///{tmp_path / 'questions.sqlite'}")
    question = job_register.ForecastRequest(**italy, model="naive")
    ids = []
    for number in range(3):
        asked = job_register.JobSpec((job_register.JobPart("Italy", "new_cases", "naive", str(number)),), (0.5,), False)
        kept.add(asked, question)
        ids.append(asked.id)
    assert [kept.stored_request(identity) is None for identity in ids] == [True, True, True]
    kept.close()


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_a_question_is_kept_as_it_was_asked(kind, tmp_path, request):
    here = f"sqlite:///{tmp_path / 'questions.sqlite'}"
    kept = job_register.JobRegister(here if kind == "sqlite" else request.getfixturevalue("postgres_url"))
    said = {
        "data": [{"date": "2024-01-01", "value": 0.1}],
        "model": "ets",
        "horizon": 3,
        "as_of": "2024-01-01",
        "wait": 3,
    }
    question = job_register.ForecastRequest.model_validate_json(json.dumps(said))
    asked = job_register.JobSpec((job_register.JobPart("data", "value", "ets", "key"),), (0.5,), False)
    kept.add(asked, question)
    found, cancelled = kept.stored_request(asked.id)
    assert not cancelled
    assert found == question.model_copy(update={"wait": 0})
    kept.cancel(asked.id)
    assert kept.stored_request(asked.id)[1]
    kept.add(asked, question)
    assert not kept.stored_request(asked.id)[1]
    kept.close()


def test_large_tables_are_read_one_at_a_time_and_others_are_answered_meanwhile(client, italy, monkeypatch):
    began, over, reading = threading.Event(), threading.Event(), []
    real = build_requests.read_posted_panel

    def slow(asked):
        reading.append(asked.name)
        began.set()
        over.wait(60)
        return real(asked)

    monkeypatch.setattr(build_requests, "read_posted_panel", slow)
    records = [{"date": f"2024-01-{day:02}", "value": day % 5, "of": "x" * 20_000} for day in range(1, 20)]
    question = {"data": records, "model": "naive", "horizon": 1}
    with ThreadPoolExecutor(2) as clients:
        answers = [clients.submit(client.post, "/api/v1/forecast", json={**question, "name": name}) for name in "ab"]
        began.wait(60)
        assert client.post("/api/v1/forecast", json={**italy, "model": "naive"}).status_code == 200
        assert len(reading) == 1
        over.set()
        assert [answer.result().status_code for answer in answers] == [200, 200]


@pytest.mark.parametrize("number", [float("nan"), float("inf")])
def test_a_forecast_that_is_not_finite_is_a_failure_and_the_other_regions_are_answered(ask, monkeypatch, number):
    naive = Naive.forecast

    def spoilt(self, series, horizon, *report):
        made = naive(self, series, horizon, *report)
        values = made.values.copy()
        values[0, 0] = number if series.values[-1] == 7 else values[0, 0]
        return replace(made, values=values)

    monkeypatch.setattr(Naive, "forecast", spoilt)
    monkeypatch.setattr(Naive, "forecast_many", Model.forecast_many)
    rows = [
        {"region": name, "date": f"2024-01-{day:02}", "value": count + 20 - day}
        for name, count in (("A", 5), ("B", 7))
        for day in range(1, 21)
    ]
    answer = ask(data=rows, model="naive", horizon=2)
    assert answer.status_code == 200
    said = json.loads(answer.text, parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))
    assert {row["region"] for row in said["forecasts"]} == {"A"}
    assert [(one["region"], "no finite numbers" in one["error"]) for one in said["errors"]] == [("B", True)]
    alone = ask(data=[row for row in rows if row["region"] == "B"], model="naive", horizon=2)
    assert alone.status_code == 422
    assert "no finite numbers" in alone.json()["detail"]


def test_notes_say_what_was_done_to_the_figures_and_which_region_the_newest_vintage_lacks(ask, follow):
    days = [f"2024-02-{day:02}" for day in range(1, 30)]
    rows = [
        {"as_of": as_of, "region": region, "date": day, "value": -5 if (place, region) == (20, "A") else 50 + place % 5}
        for as_of, regions in (("2024-03-01", "ABC"), ("2024-03-02", "AB"))
        for region in regions
        for place, day in enumerate(days)
    ]
    for model in ("naive", "ets"):
        answer = ask(data=rows, model=model, horizon=1, holidays="DE")
        notes = (follow(answer) if answer.status_code == 202 else answer.json())["notes"]
        assert any(
            note.startswith("C is not in the newest vintage, of 2 Mar 2024, but in earlier ones") for note in notes
        )
        assert "A: 1 negative correction spread over the days before (on 21 Feb 2024)." in notes
    weeks = [{"date": f"2024-{month:02}-06", "value": 40 + 3 * month % 7} for month in range(1, 13)]
    notes = ask(data=weeks, model="naive", horizon=1, holidays="DE").json()["notes"]
    assert "Holidays are for figures of days, and these are monthly, so they change nothing." in notes


def test_notes_of_a_source_are_sent_with_what_was_done_to_the_region(ask, italy):
    panel = source("bundled").panel()
    assert ask(**italy, model="naive").json()["notes"] == [
        *panel.notes,
        *prepare(panel, "Italy", "new_cases").notes,
    ]


def readings(count=30):
    return [{"date": f"2024-01-{day:02d}", "value": (day % 7) - 3.5} for day in range(1, count + 1)]


def test_posted_figures_below_zero_are_measurements_which_the_notes_say(ask):
    said = ask(data=readings(), model="naive", horizon=7).json()
    assert min(row["value"] for row in said["forecasts"]) < -3
    assert "Taken as a measurement (some are below zero, down to -3.5)." in said["notes"]


def test_the_sender_may_say_what_a_figure_is(ask):
    shares = [{"date": f"2024-01-{day:02d}", "value": 0.9 + 0.01 * (day % 7)} for day in range(1, 31)]
    said = ask(data=shares, model="naive", horizon=7, kind="share").json()
    assert max(row["value"] for row in said["forecasts"]) <= 1
    assert not any(note.startswith("Taken as") for note in said["notes"])
    refused = ask(data=readings(), model="naive", horizon=7, kind="amount")
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, "kind")
    assert "no amount" in refused.json()["errors"][0]["error"]
    assert ask(data=readings(), model="naive", horizon=7, kind="money").status_code == 422
