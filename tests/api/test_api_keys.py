"""Who may ask, and how often."""

import hashlib
import hmac

import pytest

from forecasting.api import rate_limit
from forecasting.api.api_keys import ApiKeys, create_key
from forecasting.api.rate_limit import RateLimit, client_network
from forecasting.cli.main import main
from forecasting.support.errors import RequestError

PLACE = "/api/v1/models"


def asked(client, key=None):
    return client.get(PLACE, headers={"X-API-Key": key} if key else {})


def test_without_keys_everybody_may_ask(client):
    assert asked(client).status_code == 200
    assert asked(client, "anything").status_code == 200


def test_with_keys_only_their_owners_may(monkeypatch, open_api):
    (ours, our_line), (theirs, their_line), (other, _) = create_key("lab"), create_key("team.b-2"), create_key("other")
    monkeypatch.setenv("FORECAST_API_KEYS", f"{our_line}, {their_line}")
    client = open_api()
    assert asked(client, ours).status_code == asked(client, theirs).status_code == 200
    for wrong in (None, other, "", our_line, our_line.split(":")[1], ours[:-1], ours + " x", "é"):
        answer = asked(client, wrong.encode() if wrong else None)
        assert answer.status_code == 401
        assert answer.json()["detail"].startswith("The header X-API-Key ")
        assert answer.headers["www-authenticate"] == "X-API-Key"


@pytest.mark.parametrize("method", ["forecast", "jobs/x", "sources", "models", "regions"])
def test_every_operation_needs_a_key_before_anything_else_of_it_is_looked_at(monkeypatch, open_api, method):
    monkeypatch.setenv("FORECAST_API_KEYS", create_key("lab")[1])
    answer = open_api().request("POST" if method == "forecast" else "GET", f"/api/v1/{method}", content=b"x" * 100)
    assert answer.status_code == 401


def test_health_and_docs_need_none(monkeypatch, open_api):
    monkeypatch.setenv("FORECAST_API_KEYS", create_key("lab")[1])
    client = open_api()
    assert [client.get(path).status_code for path in ("/healthz", "/api/docs", "/api/openapi.json")] == [200] * 3


def test_a_key_in_a_file_is_revoked_by_removing_its_line(tmp_path, monkeypatch, open_api):
    (ours, our_line), (theirs, their_line) = create_key("lab"), create_key("guest")
    file = tmp_path / "keys"
    file.write_text(f"# who may ask\n{our_line}\n\n{their_line} # until May\n")
    monkeypatch.setenv("FORECAST_API_KEYS", str(file))
    client = open_api()
    assert [asked(client, key).status_code for key in (ours, theirs)] == [200, 200]
    file.write_text(our_line)
    assert [asked(client, key).status_code for key in (ours, theirs)] == [200, 401]
    file.write_text("")
    assert [asked(client, key).status_code for key in (ours, theirs, None)] == [401] * 3
    file.write_text(their_line)
    assert [asked(client, key).status_code for key in (ours, theirs)] == [401, 200]
    file.unlink()
    assert [asked(client, key).status_code for key in (ours, theirs, None)] == [401] * 3


def test_a_line_that_is_none_is_left_out_and_never_logged(tmp_path, caplog):
    key, line = create_key("lab")
    file = tmp_path / "keys"
    file.write_text(f"lab:{key}\n{line}")
    assert ApiKeys(str(file)).name_of(key) == "lab"
    assert "line 1" in caplog.text
    assert key not in caplog.text


@pytest.mark.parametrize("setting", ["lab", "lab:123", "no/such/file", f"lab:{'0' * 64},guest"])
def test_a_setting_without_sense_is_refused_without_being_quoted(setting):
    with pytest.raises(RequestError, match="python -m forecasting key") as error:
        ApiKeys(setting)
    assert setting not in str(error.value)


def test_a_key_is_compared_with_all_and_in_constant_time(monkeypatch):
    compared, compare = [], hmac.compare_digest
    monkeypatch.setattr(hmac, "compare_digest", lambda given, one: compared.append(one) or compare(given, one))
    (first, line), (_, other) = create_key("first"), create_key("other")
    assert ApiKeys(f"{line} {other}").name_of(first) == "first"
    assert compared == [bytes.fromhex(one.split(":")[1]) for one in (line, other)]


def test_a_new_key_is_printed_once_with_its_line(capsys):
    assert main(["key", "lab"]) == 0
    key, line = capsys.readouterr().out.splitlines()
    assert line == f"lab:{hashlib.sha256(key.encode()).hexdigest()}"
    assert len(key) > 40
    assert main(["key", "a b"]) == 2
    assert "The key's name is 'a b'" in capsys.readouterr().err


def test_who_asks_seconds_to_wait_is_told_when_he_may_again(monkeypatch, open_api):
    (ours, our_line), (theirs, their_line) = create_key("lab"), create_key("guest")
    monkeypatch.setenv("FORECAST_API_KEYS", f"{our_line} {their_line}")
    monkeypatch.setenv("FORECAST_API_RATE", "3/hour")
    client = open_api()
    assert [asked(client, ours).status_code for _ in range(4)] == [200, 200, 200, 429]
    answer = asked(client, ours)
    assert 1 <= int(answer.headers["retry-after"]) <= 3600
    assert "more than 3/hour; ask again in" in answer.json()["detail"]
    assert asked(client, theirs).status_code == 200
    assert [asked(client, "guess").status_code for _ in range(4)] == [401, 401, 401, 429]


def test_without_keys_each_address_is_counted(monkeypatch, open_api):
    monkeypatch.setenv("FORECAST_API_RATE", "2/hour")
    client = open_api()
    assert [asked(client).status_code for _ in range(3)] == [200, 200, 429]
    assert client.get("/healthz").status_code == 200


def test_the_window_slides(monkeypatch):
    limits = RateLimit("2/minute;100/hour")
    assert [limits.seconds_to_wait("a") == 0 for _ in range(3)] == [True, True, False]
    assert limits.seconds_to_wait("b") == 0
    real = rate_limit.time.time
    monkeypatch.setattr("time.time", lambda: real() + 130)
    assert limits.seconds_to_wait("a") == 0


@pytest.mark.parametrize("setting", ["often", "0/minute", "-1/second", "5/fortnight"])
def test_a_rate_without_sense_is_refused(setting, monkeypatch, capsys):
    monkeypatch.setenv("FORECAST_API_RATE", setting)
    assert main(["serve", "--port", "0"]) == 2
    assert f"FORECAST_API_RATE is '{setting}'" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("address", "counted"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
        ("testclient", "testclient"),
        ("", "unknown"),
    ],
)
def test_neighbours_are_counted_as_one_where_each_has_many_addresses(address, counted):
    assert client_network(address) == counted
