"""What is configured in confidence, posted or asked is in no log, on no page and in no answer, whatever goes wrong."""

import asyncio
import hashlib
import logging
import os
import stat

import httpx
import pytest
import sqlalchemy as sa
from served import PATIENCE, served

from forecasting.api.security_headers import SecurityHeadersMiddleware
from forecasting.storage.database import Database

#: Planted, each in its place.
SECRETS = {
    "store": "st0re-pAssword",
    "database": "reAder-pAssword",
    "data set": "s3-secret-kEy",
    "webhook": "webhook-tOken",
    "key": "fe_planted-apI-key",
    "guess": "fe_guessed-apI-key",
    "query": "asked-in-a-qUery",
    "posted": "posted-regiOn",
    "cookie": "cookie-valUe",
}


@pytest.fixture(scope="module")
def attacked(tmp_path_factory):
    """A server with secrets everywhere, that logs all it can, and whatever it answered to an attack."""
    planted = hashlib.sha256(SECRETS["key"].encode()).hexdigest()
    environment = {
        "FORECAST_DB_URL": f"postgresql+psycopg://keeper:{SECRETS['store']}@127.0.0.1:1/forecasts",
        "FORECAST_SQL_WARD": f"postgresql+psycopg://reader:{SECRETS['database']}@127.0.0.1:1/ward",
        "FORECAST_DATA_LAKE": f"ftp://key:{SECRETS['data set']}@127.0.0.1:1/lake.csv",
        "FORECAST_ALERT_WEBHOOK": f"http://127.0.0.1:1/{SECRETS['webhook']}",
        "FORECAST_API_KEYS": f"lab:{planted}",
        "FORECAST_API_RATE": "10000/minute",
        "FORECAST_OFFLINE": "0",
        "STREAMLIT_LOGGER_LEVEL": "debug",
    }
    with served(tmp_path_factory.mktemp("secrets"), environment) as server:
        said = attack(server)
    return said, server.log.read_text(errors="replace")


def attack(server):
    """Asks for everything in every wrong way; all the answers as text."""
    ours = {"X-API-Key": SECRETS["key"]}
    query = {"token": SECRETS["query"]}
    answers = []
    with httpx.Client(base_url=server.url, trust_env=False, timeout=PATIENCE, params=query) as client:
        client.cookies.set("session", SECRETS["cookie"])

        def asked(method, path, **more):
            answers.append(client.request(method, path, **more))

        for path in ("/", "/metrics", "/readyz", "/healthz", "/api/docs", "/_stcore/host-config", "/_stcore/metrics"):
            asked("GET", path)
        asked("GET", "/api/v1/models", headers={"X-API-Key": SECRETS["guess"]})
        asked("GET", "/api/v1/sources", headers=ours)
        for source in ("sql-ward", "data-lake"):
            asked("GET", "/api/v1/regions", params=query | {"source": source}, headers=ours)
        figures = [{"date": f"2024-01-{day:02}", "region": SECRETS["posted"], "value": day} for day in range(1, 29)]
        for value in (7, 1e308, SECRETS["posted"], None):
            for model in ("naive", "theta", "nothing"):
                data = [*figures[:-1], figures[-1] | {"value": value}]
                asked(
                    "POST",
                    "/api/v1/forecast",
                    json={"model": model, "horizon": 2, "data": data, "wait": 5},
                    headers=ours,
                )
        asked("PUT", f"/_stcore/upload_file/{SECRETS['posted']}/x", files={"file": SECRETS["posted"].encode()})
    assert server.opened(Origin=f"http://{SECRETS['query']}.test") == 403
    return "\n".join(answer.text for answer in answers)


@pytest.mark.parametrize("secret", SECRETS)
def test_nothing_of_it_is_logged(attacked, secret):
    _, log = attacked
    assert all(said in log for said in ('"/api/v1/forecast"', "is left out", "A page was refused"))
    assert SECRETS[secret] not in log


@pytest.mark.parametrize("secret", [secret for secret in SECRETS if secret not in ("posted", "query")])
def test_nothing_of_it_is_answered(attacked, secret):
    said, _ = attacked
    assert "sql-ward" in said
    assert SECRETS[secret] not in said


@pytest.mark.parametrize(
    "url",
    [
        "postgresql+psycopg://u:pa/ss-pAssword@host/db",
        "postgresql+psycopg://u:p@pAssword:x@host:port/db",
        "postgresql+psycopg://u:pAssword@[::1/db",
        "pAssword",
        "postgresql+psycopg://u:pAssword@127.0.0.1:1/db",
    ],
)
def test_an_address_that_is_none_is_neither_a_fault_nor_repeated(url, caplog):
    database = Database(url, sa.MetaData())
    assert database.trouble()
    assert caplog.records
    for said in (caplog.text, *database.notes):
        assert "pAssword" not in said
        assert "'pa'" not in said


def test_what_is_stored_is_not_logged_when_storing_fails(tmp_path, caplog):
    database = Database(f"sqlite:///{tmp_path / 'store.sqlite'}", sa.MetaData())
    wrong = sa.text("INSERT INTO nowhere VALUES (:value)")
    assert database.run_transaction("write", lambda connection: connection.execute(wrong, {"value": "pOsted"})) is None
    assert "no such table" in caplog.text
    assert "pOsted" not in caplog.text


def test_a_new_store_and_what_stands_beside_it_are_nobody_else_s(tmp_path):
    file = tmp_path / "store.sqlite"
    database = Database(f"sqlite:///{file}", sa.MetaData())
    database.run_transaction(
        "write", lambda connection: connection.exec_driver_sql("create table figures (value text)")
    )
    modes = {path.name: stat.S_IMODE(os.stat(path).st_mode) for path in tmp_path.iterdir()}
    assert modes == dict.fromkeys(modes, 0o600)
    assert file.name in modes


@pytest.mark.parametrize("kind", ["http", "websocket"])
def test_a_fault_of_a_page_is_logged_without_its_message_and_told_to_nobody(kind, caplog):
    sent = []

    async def broken(scope, receive, send):
        raise ValueError("".join(("pOs", "ted")))  # the line itself is logged

    async def send(message):
        sent.append(message)

    async def receive():
        return {"type": "http.request"}

    with caplog.at_level(logging.DEBUG):
        asyncio.run(
            SecurityHeadersMiddleware(broken, {"X-One": "1"})({"type": kind, "path": "/", "headers": []}, receive, send)
        )
    assert "ValueError" in caplog.text
    assert "pOsted" not in caplog.text
    assert "pOsted" not in str(sent)
    if kind == "http":
        assert sent[0]["status"] == 500
        assert (b"x-one", b"1") in sent[0]["headers"]
