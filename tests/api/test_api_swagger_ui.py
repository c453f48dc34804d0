"""The OpenAPI page works without the internet, and every example in it runs."""

import json
import re

import pytest

from forecasting.api.examples import REQUESTS
from forecasting.api.request_models import EXPECTED, ForecastRequest
from forecasting.api.swagger_ui import FOLDER


@pytest.fixture
def description(client):
    return client.get("/api/openapi.json").json()


def test_every_operation_is_described_with_its_errors(description):
    assert description["openapi"].startswith("3.1")
    assert description["servers"] == [{"url": "/api"}]
    listed = {(method, path) for path, found in description["paths"].items() for method in found}
    assert listed == {
        ("post", "/v1/forecast"),
        ("get", "/v1/jobs/{id}"),
        ("delete", "/v1/jobs/{id}"),
        ("get", "/v1/sources"),
        ("get", "/v1/models"),
        ("get", "/v1/models/{model}/export"),
        ("get", "/v1/regions"),
        ("get", "/v1/events"),
        ("get", "/v1/changes"),
        ("get", "/v1/like"),
        ("get", "/v1/alerts"),
        ("post", "/v1/alerts"),
        ("delete", "/v1/alerts/{id}"),
    }
    for path in description["paths"].values():
        for operation in path.values():
            assert operation["security"] == [{"key": []}]
            for status, response in operation["responses"].items():
                kinds = ["application/problem+json"] if status >= "400" else ["application/json"]
                if response["description"] == "The file.":
                    kinds.append("application/octet-stream")
                assert list(response["content"]) == kinds
            assert {"401", "429"} <= set(operation["responses"])
    posted = description["paths"]["/v1/forecast"]["post"]
    assert set(posted["responses"]) == {"200", "202", "401", "408", "413", "415", "422", "429", "503"}
    assert description["components"]["securitySchemes"]["key"]["name"] == "X-API-Key"
    assert not re.search(r'"\$ref": "#/\$defs', json.dumps(description))


def test_every_field_is_described():
    assert set(EXPECTED) == set(ForecastRequest.model_fields)


@pytest.mark.parametrize("name", REQUESTS)
def test_every_example_runs(name, description, client, follow):
    content = description["paths"]["/v1/forecast"]["post"]["requestBody"]["content"]["application/json"]
    question = content["examples"][name]["value"]
    answer = client.post("/api/v1/forecast", json=question)
    said = follow(answer) if answer.status_code == 202 else answer.json()
    assert answer.status_code in (200, 202), said
    assert said["forecasts"]
    assert said["errors"] == []
    assert {row["horizon"] for row in said["forecasts"]} == set(range(1, question["horizon"] + 1))


def test_every_example_of_a_query_runs(description, client):
    for path, found in description["paths"].items():
        named = [one for one in found.get("get", {}).get("parameters", []) if one["in"] == "query"]
        query = {one["name"]: one["schema"].get("examples", one.get("examples"))[0] for one in named if one["required"]}
        if "get" in found and "{" not in path:
            assert client.get(f"/api{path}", params=query).status_code == 200


def test_answers_are_as_they_are_described(description, client):
    answer = client.post("/api/v1/forecast", json=REQUESTS["a region of a source"]["value"]).json()
    fields = description["components"]["schemas"]
    assert set(answer) == set(fields["Forecasts"]["properties"])
    assert set(answer["forecasts"][0]) == set(fields["Row"]["properties"]) - {"statistic"}
    answers = {"Source": "sources", "Model": "models", "Region": "regions"}
    for kind, path in answers.items():
        listed = client.get(f"/api/v1/{path}", params={"source": "bundled"}).json()[path]
        assert set(listed[0]) == set(fields[f"{kind}Answer"]["properties"])


def test_the_page_asks_nobody_else_for_anything(client):
    page = client.get("/api/docs")
    assert page.headers["content-type"].startswith("text/html")
    assert "http" not in page.text
    assert "'unsafe-eval'" not in page.headers["content-security-policy"]
    for file in re.findall(r'(?:src|href)="(docs/[^"]+)"', page.text):
        assert client.get(f"/api/{file}").content == (FOLDER / file.removeprefix("docs/")).read_bytes()
    assert client.get("/api/docs/../app.py").status_code == 404
    assert client.get("/api/docs/%2e%2e/app.py").status_code == 404


def test_swagger_ui_comes_with_its_licence():
    assert "Apache License" in (FOLDER / "LICENSE").read_text()
