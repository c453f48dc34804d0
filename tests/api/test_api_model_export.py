"""Models as files over HTTP."""

import hashlib
import json
import time

import numpy as np
import pytest

from forecasting.api.model_exports import ModelExports
from tests.export.export_examples import run_example

ITALY = {"source": "bundled", "region": "Italy", "horizon": 9, "format": "json"}


def exported(client, name, **query):
    end = time.monotonic() + 120
    while (answer := client.get(f"/api/v1/models/{name}/export", params=ITALY | query)).status_code == 202:
        assert time.monotonic() < end
    return answer


def test_a_model_s_file_gives_what_the_api_forecasts(client, ask, tmp_path):
    answer = exported(client, "theta")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json")
    assert answer.headers["content-disposition"] == 'attachment; filename="theta_italy_new_cases.json"'
    rows = ask(source="bundled", region="Italy", horizon=9, model="theta").json()["forecasts"]
    found = run_example("Theta", tmp_path, "theta.json", answer.content)["quantiles"]
    np.testing.assert_allclose(found.ravel(), [row["value"] for row in rows], rtol=1e-5)


def test_a_model_that_is_still_fitted_is_asked_for_again(client):
    first = client.get("/api/v1/models/sarima/export", params=ITALY | {"wait": 0, "horizon": 11})
    assert first.status_code == 202
    assert first.json()["location"].startswith("/api/v1/models/sarima/export?source=bundled")
    assert first.headers["location"] == first.json()["location"]
    assert json.loads(exported(client, "sarima", horizon=11).content)["form"] == "sarima"


@pytest.mark.parametrize(
    ("name", "query", "status", "sentence"),
    [
        ("ets", {"format": "pickle"}, 422, "ETS is exported as json, not as 'pickle'."),
        ("pretrained", {"format": "torch"}, 422, "takes long to write; the command"),
        ("prophet", {}, 422, "Prophet cannot be exported"),
        ("nothing", {}, 422, "There is no model 'nothing'"),
        ("..%2F..%2Fetc%2Fpasswd", {}, 404, "nothing at this address"),
        ("ets", {"region": "Atlantis"}, 422, "has no region 'Atlantis'"),
        ("ets", {"source": "nowhere"}, 422, "nowhere"),
        ("ets", {"horizon": 1000}, 422, "horizon"),
        ("ets", {"statistic": "cats"}, 422, "cats"),
    ],
)
def test_what_cannot_be_exported_is_one_sentence(client, name, query, status, sentence):
    answer = client.get(f"/api/v1/models/{name}/export", params=ITALY | query)
    assert answer.status_code == status
    assert sentence in json.dumps(answer.json(), ensure_ascii=False)


def test_an_export_needs_a_key_where_there_are_keys(open_api, monkeypatch):
    monkeypatch.setenv("FORECAST_API_KEYS", f"me:{hashlib.sha256(b'key').hexdigest()}")
    assert open_api().get("/api/v1/models/theta/export", params=ITALY).status_code == 401


def test_a_fit_that_failed_is_a_sentence_and_not_a_file(client, monkeypatch):
    from forecasting.support.errors import JobError

    def failed(self, pending):
        raise JobError("It ran out of time.")

    monkeypatch.setattr(ModelExports, "finish", failed)
    answer = client.get("/api/v1/models/theta/export", params=ITALY)
    assert (answer.status_code, answer.json()["detail"]) == (503, "It ran out of time.")
