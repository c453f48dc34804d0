"""Every way to be refused: the status, one sentence, and which field it is about."""

import asyncio

import pytest
from starlette.requests import Request

from forecasting.api import build_requests, request_body
from forecasting.api.problem_details import Problem
from forecasting.jobs import JobQueue
from forecasting.services.service import Service
from forecasting.storage.forecast_store import ForecastStore

GOOD = {"source": "bundled", "region": "Italy", "model": "naive", "horizon": 3}
DAYS = [{"date": f"2024-01-{day:02}", "value": day % 5} for day in range(1, 20)]
POSTED = {"model": "naive", "horizon": 3}
#: Colds are published on the 20th, fevers on the 25th.
VINTAGES = [
    {**day, "statistic": name, "as_of": f"2024-01-{at}"} for name, at in (("colds", 20), ("fevers", 25)) for day in DAYS
]


def without(*names, **changed):
    return {name: value for name, value in (GOOD | changed).items() if name not in names}


@pytest.mark.parametrize(
    ("question", "field", "words"),
    [
        (without("horizon"), "horizon", "'horizon' is missing; give a whole number from 1 to 400."),
        (without(horizon="soon"), "horizon", "'horizon' is \"soon\""),
        (without(horizon=0), "horizon", "from 1 to 400"),
        (without(horizon=True), "horizon", "is true"),
        (without(horizon=2.5), "horizon", "is 2.5"),
        (without("source"), "", "Give either 'source' or 'data'."),
        (without(data=DAYS), "", "Give either 'source' or 'data'."),
        (without("model"), "", "Give either 'model' or 'models'."),
        (without(models=["ets"]), "", "Give either 'model' or 'models'."),
        (without("model", models=[]), "models", "'models' is []"),
        (without(model="crystal_ball"), "model", "There is no model 'crystal_ball'"),
        (without("model", models=["ets", "oracle"]), "models.1", "There is no model 'oracle'"),
        (without(source="nowhere"), "source", "There is no source 'nowhere'"),
        (without(region="Atlantis"), "region", "has no region 'Atlantis' for new_cases; it has United States"),
        (without(region=""), "region", "give the name of a region"),
        (without(statistic="tears"), "statistic", "has no statistic 'tears'"),
        (without(quantiles=[0.5, 0.42]), "quantiles", "There is no quantile 0.42; give some of 0.01"),
        (without(quantiles=[]), "quantiles", "'quantiles' is []"),
        (without(quantiles=["half"]), "quantiles.0", 'is "half"'),
        (without(as_of="yesterday"), "as_of", "give a date as 2024-03-31"),
        (without(as_of="1999-01-01"), "as_of", "has no figures up to 1999-01-01"),
        (without(window=0), "window", "give a whole number from 1"),
        (without(covariates=["rain"]), "covariates", "has no column 'rain'"),
        (without(holidays="XX"), "holidays", "There are no holidays of 'XX'"),
        (without(wait=11), "wait", "give seconds from 0 to 10"),
        (without(retry="yes"), "retry", "give true or false"),
        (without(horizont=3), "horizont", 'There is no field "horizont"; there are as_of, '),
        (without(cumulative=True), "", "'cumulative' is about 'data'"),
        (without(mapping={}), "", "'mapping' is about 'data'"),
        ([], "", "The request is not a JSON object."),
        ({**POSTED, "data": "x"}, "data", "'data' is no table; give records"),
        ({**POSTED, "data": []}, "data", "the table is empty"),
        ({**POSTED, "data": [1, 2]}, "data", "'data' is no table; give records"),
        ({**POSTED, "data": {"dates": [1, 2]}}, "data", "JSON is understood as records"),
        (
            {**POSTED, "data": {"columns": ["date"], "data": [[1, 2]]}},
            "data",
            "data, record 1: it does not have a cell",
        ),
        ({**POSTED, "data": DAYS[:1]}, "data", "only one date"),
        ({**POSTED, "data": [*DAYS, {**DAYS[3], "value": 99}]}, "data", "are they to be summed or averaged?"),
        (
            {**POSTED, "data": [{"date": f"0{d}/04/2024", "value": d % 3} for d in range(1, 8)]},
            "data",
            "is that 1 April or",
        ),
        ({**POSTED, "data": [{"a": "x", "b": "y"}] * 3}, "data", "Which column holds the dates?"),
        (
            {**POSTED, "data": VINTAGES, "name": "mine", "statistic": "fevers", "as_of": "2024-01-23"},
            "as_of",
            "'mine' had published nothing of fevers by 2024-01-20.",
        ),
        ({**POSTED, "data": DAYS, "name": "mine", "region": "B"}, "region", "'mine' has no region 'B'"),
        ({**POSTED, "data": DAYS, "mapping": {"date": "day", "value": "value"}}, "data", "there is no column 'day'"),
        ({**POSTED, "data": DAYS, "mapping": {"when": "day"}}, "mapping", 'The mapping says "when"'),
        ({**POSTED, "data": DAYS, "mapping": 7}, "mapping", "give which column is what"),
    ],
)
def test_a_field_that_is_wrong_is_named_with_what_to_do(client, question, field, words):
    answer = client.post("/api/v1/forecast", json=question)
    assert answer.status_code == 422, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    said = answer.json()
    assert [error["field"] for error in said["errors"]] == [field]
    assert words in said["errors"][0]["error"]
    assert "\n" not in said["detail"]


def test_all_fields_that_are_wrong_are_named_at_once(client):
    answer = client.post("/api/v1/forecast", json={**GOOD, "horizon": -1, "model": "x", "colour": "red"})
    assert {error["field"] for error in answer.json()["errors"]} == {"horizon", "model", "colour"}
    assert answer.json()["detail"] == "3 fields are wrong; 'errors' says each."


@pytest.mark.parametrize("content", [b"", b"{", b"\xff", b"[" * 5000, b'{"horizon": 3', b"null"])
def test_what_is_no_json_is_refused_in_a_sentence(client, content):
    answer = client.post("/api/v1/forecast", content=content, headers={"Content-Type": "application/json"})
    assert answer.status_code == 422
    assert answer.json()["detail"].startswith("The request is no")


def test_more_than_one_request_takes_is_refused_with_what_to_do(client):
    whole = {"source": "bundled", "statistic": "new_admissions", "models": ["naive", "theta"], "horizon": 100}
    answer = client.post("/api/v1/forecast", json=whole)
    assert answer.status_code == 422
    assert "That is 106 forecasts of 100 steps; one request takes" in answer.json()["detail"]


@pytest.mark.parametrize("kind", [None, "text/plain", "application/x-www-form-urlencoded"])
def test_only_json_is_taken_so_that_no_form_of_another_site_can_ask(client, kind):
    answer = client.post("/api/v1/forecast", content=b"{}", headers={"Content-Type": kind} if kind else {})
    assert answer.status_code == 415
    assert "Content-Type: application/json" in answer.json()["detail"]


def test_a_packed_body_is_not_unpacked(client):
    answer = client.post("/api/v1/forecast", json=GOOD, headers={"Content-Encoding": "gzip"})
    assert answer.status_code == 415


class Body:
    """A client's body, part by part; a number is a pause of so many seconds."""

    def __init__(self, *parts, length=None):
        self.parts = list(parts)
        self.length = length
        self.read = 0

    async def receive(self):
        part = self.parts.pop(0)
        if isinstance(part, float):
            await asyncio.sleep(part)
            part = b""
        self.read += len(part)
        return {"type": "http.request", "body": part, "more_body": bool(self.parts)}

    def request(self):
        headers = [(b"content-type", b"application/json")]
        headers += [(b"content-length", str(self.length).encode())] if self.length is not None else []
        return Request({"type": "http", "method": "POST", "headers": headers}, self.receive)


def refused(body, most=1000):
    with pytest.raises(Problem) as problem:
        asyncio.run(request_body.read_json_body(body.request(), most))
    return problem.value


def test_a_body_that_says_it_is_far_too_large_is_not_read(monkeypatch):
    monkeypatch.setattr(request_body, "DISCARDED_BYTES", 0)
    body = Body(b"x" * 1001, length=1001)
    assert refused(body).status == 413
    assert body.read == 0


def test_a_body_that_is_too_large_is_read_to_its_end_so_that_its_client_hears_of_it():
    body = Body(*[b"x" * 1000] * 3, length=3000)
    assert refused(body).status == 413
    assert body.read == 3000


def test_a_body_that_says_it_is_too_large_and_does_not_come_is_too_large(monkeypatch):
    monkeypatch.setattr(request_body, "PART_TIMEOUT", 0.05)
    assert refused(Body(b"x", 60.0, length=1001)).status == 413


def test_a_body_that_does_not_say_so_is_read_no_further_than_it_may_be(monkeypatch):
    monkeypatch.setattr(request_body, "DISCARDED_BYTES", 200)
    body = Body(*[b"x" * 100] * 1000)
    problem = refused(body)
    assert (problem.status, problem.headers["Connection"]) == (413, "close")
    assert body.read == 1300


def test_a_body_that_comes_too_slowly_is_given_up(monkeypatch):
    monkeypatch.setattr(request_body, "PART_TIMEOUT", 0.05)
    assert refused(Body(b"{", 60.0, b"}")).status == 408
    monkeypatch.setattr(request_body, "PART_TIMEOUT", 10.0)
    monkeypatch.setattr(request_body, "BODY_TIMEOUT", 0.05)
    assert refused(Body(b"{", 60.0, b"}")).status == 408


def test_a_body_in_parts_is_put_together():
    assert asyncio.run(request_body.read_json_body(Body(b"{", b"}").request(), 1000)) == b"{}"


def test_the_limit_is_configured(monkeypatch, open_api):
    monkeypatch.setenv("FORECAST_API_MAX_MB", "1")
    answer = open_api().post("/api/v1/forecast", json={**POSTED, "data": [{"date": "x" * 1_000_000}]})
    assert answer.status_code == 413
    assert "more than 1 MB" in answer.json()["detail"]


def test_a_full_queue_is_said_with_when_to_come_again(api_home, open_api):
    store = ForecastStore(f"sqlite:///{api_home / 'full.sqlite'}")
    service = Service(store, JobQueue(store, workers=1, capacity=0))
    try:
        answer = open_api(service).post("/api/v1/forecast", json={**GOOD, "model": "ets", "horizon": 77})
        assert answer.status_code == 503
        assert answer.headers["retry-after"] == "60"
        assert "The queue is full" in answer.json()["detail"]
        assert open_api(service).post("/api/v1/forecast", json=GOOD).status_code == 200
    finally:
        service.close()


def test_figures_that_cannot_be_had_are_nobody_s_fault(client):
    answer = client.post("/api/v1/forecast", json={**GOOD, "source": "jhu"})
    assert answer.status_code == 503
    assert "Johns Hopkins" in answer.json()["detail"]
    assert answer.headers["retry-after"] == "30"
    assert client.get("/api/v1/regions", params={"source": "jhu"}).status_code == 503


def test_figures_that_are_on_their_way_are_worth_asking_again(client, api_service, monkeypatch):
    monkeypatch.setattr(api_service, "panel", lambda source, patience: None)
    answer = client.post("/api/v1/forecast", json=GOOD)
    assert answer.status_code == 503
    assert "being downloaded; ask again" in answer.json()["detail"]


@pytest.mark.parametrize("job", ["0" * 40, "nothing", "..%2f..", "0" * 5000])
def test_a_job_that_there_is_not(client, job):
    for answer in (client.get(f"/api/v1/jobs/{job}"), client.delete(f"/api/v1/jobs/{job}")):
        assert answer.status_code == 404
        assert answer.headers["content-type"] == "application/problem+json"


def test_an_address_or_a_method_that_there_is_not(client):
    assert "/api/docs lists what there is" in client.get("/api/v2/forecast").json()["detail"]
    answer = client.get("/api/v1/forecast")
    assert answer.status_code == 405
    assert answer.headers["allow"] == "POST"
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(
    ("query", "field"), [("", "source"), ("source=nowhere", "source"), ("source=bundled&statistic=x", "statistic")]
)
def test_regions_of_what_there_is_not(client, query, field):
    answer = client.get(f"/api/v1/regions?{query}")
    assert answer.status_code == 422
    assert [error["field"] for error in answer.json()["errors"]] == [field]


def test_a_model_that_cannot_forecast_a_series_says_why(ask, follow):
    days = [{"date": f"2024-01-{day:02}", "value": 3} for day in (1, 2)]
    answer = ask(data=days, model="auto_arima", horizon=2)
    job = follow(answer) if answer.status_code == 202 else None
    if job and job["state"] == "failed":
        assert job["error"]
        assert ask(data=days, model="auto_arima", horizon=2).status_code == 422


def test_a_fault_of_the_program_is_no_traceback_for_the_client_and_no_figures_for_the_log(client, monkeypatch, caplog):
    def broken(self, asked):
        raise ValueError(f"the figure {4000 + asked.horizon}")

    monkeypatch.setattr(build_requests.RequestBuilder, "submit", broken)
    answer = client.post("/api/v1/forecast", json=GOOD)
    assert answer.status_code == 500
    assert answer.headers["x-request-id"] in answer.json()["detail"]
    assert "4003" not in answer.text + caplog.text
    assert "ValueError" in caplog.text
    assert "in broken" in caplog.text
