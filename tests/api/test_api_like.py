"""Past episodes that are like the last weeks, over HTTP."""

import json

import pytest

from forecasting.cli.main import main

ITALY = {"source": "bundled", "region": "Italy"}


def test_the_answer_is_that_of_the_command_line(client, capsys):
    answer = client.get("/api/v1/like", params=ITALY | {"as_of": "2021-03-01", "horizon": 14})
    assert answer.status_code == 200
    found = answer.json()
    asked = ["--source", "bundled", "--region", "Italy", "--as-of", "2021-03-01", "--horizon", "14", "--json"]
    assert main(["like", *asked]) == 0
    (told,) = json.loads(capsys.readouterr().out)
    assert {name: value for name, value in found.items() if name != "notes"} == told
    described = client.get("/api/openapi.json").json()["components"]["schemas"]["LikeAnswer"]["properties"]
    assert set(found) == set(described)


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ({"region": "Atlantis"}, "has no region 'Atlantis'"),
        ({"as_of": "2020-03-20"}, "there are only "),
        ({"as_of": "soon"}, "'as_of' is 'soon'"),
        ({"count": 0}, "'count' is '0'"),
    ],
)
def test_what_cannot_be_compared_is_one_sentence(client, query, sentence):
    answer = client.get("/api/v1/like", params=ITALY | query)
    assert answer.status_code == 422
    assert sentence in answer.json()["detail"]
