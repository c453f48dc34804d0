"""Why a forecast moved, over HTTP."""

import json
import time

import pytest

from forecasting.cli.main import main

ITALY = {"source": "bundled", "region": "Italy", "model": "naive"}


def test_the_change_is_that_of_the_command_line(client, capsys):
    answer = client.get("/api/v1/changes", params=ITALY | {"since": "2021-05-01"})
    assert answer.status_code == 200
    found = answer.json()
    assert (
        main(["why", "--source", "bundled", "--region", "Italy", "--model", "naive", "--since", "2021-05-01", "--json"])
        == 0
    )
    (told,) = json.loads(capsys.readouterr().out)
    assert {name: value for name, value in found.items() if name != "notes"} == told
    assert any("negative correction" in note for note in found["notes"])
    described = client.get("/api/openapi.json").json()["components"]["schemas"]["ChangeAnswer"]["properties"]
    assert set(found) == set(described)


def test_a_change_whose_fits_run_is_asked_for_again(client):
    answer = client.get("/api/v1/changes", params=ITALY | {"model": "sarima", "horizon": 17, "wait": 0})
    assert answer.status_code == 202
    end, location = time.monotonic() + 120, answer.json()["location"]
    while (answer := client.get(location)).status_code == 202:
        assert time.monotonic() < end
    assert answer.json()["model"] == "sarima"


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ({"since": "soon"}, "'since' is 'soon'"),
        ({"since": "1999-01-01"}, "has no figures up to 1999-01-01"),
        ({"since": "2030-01-01"}, "no figures of Italy after 2021-05-16, so nothing moved"),
        ({"region": "Atlantis"}, "has no region 'Atlantis'"),
        ({"horizon": 0}, "'horizon' is '0'"),
    ],
)
def test_what_cannot_be_compared_is_one_sentence(client, query, sentence):
    answer = client.get("/api/v1/changes", params=ITALY | query)
    assert answer.status_code == 422
    assert sentence in answer.json()["detail"]
