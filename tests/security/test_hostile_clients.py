"""The real server and clients that mean harm: what they are told, what they cannot reach, and when they are left alone."""

import json
import re
import socket
import stat
import time
from contextlib import suppress

import httpx
import pytest
from conditions import until
from served import PATIENCE, read, served

#: What every answer has, whoever gives it.
CAREFUL = ("x-content-type-options", "referrer-policy", "x-frame-options", "content-security-policy")
PLACES = ("/", "/methods", "/no/such/page", "/favicon.png", "/_stcore/health", "/_stcore/host-config", "/media/none",
          "/component/none/x.js", "/metrics", "/healthz", "/readyz", "/api/docs", "/api/v1/models", "/api/nothing")  # fmt: skip
UP = ("../../../../../../etc/passwd", "%2e%2e/%2e%2e/%2e%2e/%2e%2e/%2e%2e/etc/passwd", "..%2f..%2f..%2f..%2fetc%2fpasswd",
      "..%252f..%252f..%252fetc/passwd", "/etc/passwd", "%2fetc%2fpasswd", "..\\..\\..\\etc\\passwd", "..%5c..%5cetc%5cpasswd",
      "etc/passwd%00.js", "....//....//etc/passwd", "%c0%ae%c0%ae/etc/passwd", "../chart.py", "..%2fchart.py", "%ff")  # fmt: skip
FOLDERS = ("/", "/static/", "/media/", "/component/", "/component/ui.components.chart.plotly_js/", "/_stcore/bidi-components/",
           "/app/static/", "/api/docs/", "/api/v1/jobs/", "/_stcore/upload_file/x/")  # fmt: skip


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """One for all; a connection that says nothing is open from its beginning."""
    more = {
        "FORECAST_MAX_PAGES": "3",
        "FORECAST_API_RATE": "100000/minute",
        "FORECAST_HOSTS": "127.0.0.1 forecasts.test",
    }
    with served(tmp_path_factory.mktemp("hostile"), more) as one:
        yield one


@pytest.fixture(scope="module", autouse=True)
def silent(server):
    """Connections that have not ended what they began when the others' tests are over."""
    begun = {"nothing": b"", "half a head": b"GET / HTTP/1.1\r\nX-Slow: "}
    connections = {name: server.connect() for name in begun}
    for name, said in begun.items():
        connections[name].sendall(said)
    yield connections
    for connection in connections.values():
        connection.close()


def headers(answer):
    """Those of an answer that came as bytes."""
    lines = answer.partition(b"\r\n\r\n")[0].decode("latin-1").split("\r\n")[1:]
    return {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}


def status(answer):
    return int(answer.split(maxsplit=2)[1])


@pytest.mark.parametrize("path", PLACES)
def test_every_answer_keeps_browsers_careful_and_says_nothing_of_the_server(server, path):
    for method in ("GET", "PUT", "FOO"):
        given = headers(server.get(path, method, Content_Length="0"))
        assert set(CAREFUL) <= set(given), (method, given)
        assert given["x-content-type-options"] == "nosniff"
        assert "server" not in given
        assert "x-powered-by" not in given
        assert "access-control-allow-origin" not in given


def test_pages_run_no_script_but_their_own_and_are_framed_by_their_own_site_only(server):
    given = headers(server.get("/"))
    rules = dict(rule.split(" ", 1) for rule in given["content-security-policy"].split("; "))
    assert "unsafe" not in rules["script-src"]
    assert "http" not in given["content-security-policy"]
    assert rules["frame-ancestors"] == "'self'"
    assert given["x-frame-options"] == "SAMEORIGIN"
    assert rules["object-src"] == rules["base-uri"] == "'none'"


def test_a_download_that_a_browser_shows_can_do_nothing(server):
    assert "sandbox" in headers(server.get("/media/none"))["content-security-policy"]


@pytest.mark.parametrize("folder", FOLDERS)
def test_no_path_leads_out_of_what_is_served(server, folder):
    for up in UP:
        answer = server.get(folder + up)
        assert status(answer) in (200, 400, 404), up
        assert b"root:" not in answer, up
        assert b"import streamlit" not in answer, up
        if status(answer) == 200:  # Streamlit's one page, for any address that is none
            assert headers(answer)["content-type"].startswith("text/html"), up


def test_nobody_is_sent_elsewhere(server):
    for path in (
        "//evil.test/",
        "/%2f%2fevil.test/",
        "/\\evil.test/",
        "/auth/login?next=http://evil.test",
        "/auth/logout",
    ):
        assert "evil" not in headers(server.get(path)).get("location", ""), path


def test_the_agent_api_of_streamlit_is_off(server):
    assert status(
        server.get("/_stcore/agent/interact", "POST", Content_Type="application/json", Content_Length="0")
    ) in (
        403,
        404,
        501,
        503,
    )


def test_a_file_is_not_taken_without_a_visit_and_its_token(server):
    assert status(server.get("/_stcore/upload_file/any/any", "PUT", Content_Length="0")) == 403
    token = re.search(rb"_streamlit_xsrf=([^;]+)", server.get("/_stcore/health"))[1].decode()
    both = {"Cookie": f"_streamlit_xsrf={token}", "X_Xsrftoken": token}
    assert status(server.get("/_stcore/upload_file/any/any", "PUT", Content_Length="0", **both)) == 400


def test_no_other_site_s_page_and_no_other_name_gets_a_websocket(server):
    here = f"127.0.0.1:{server.port}"
    assert server.opened(Origin=f"http://{here}") == 101
    for origin in (
        "http://evil.test",
        "null",
        "http://127.0.0.1:1",
        f"http://{here}@evil.test",
        f"http://{here}.evil.test",
    ):
        assert server.opened(Origin=origin) == 403, origin
    assert server.opened(Host="evil.test", Origin="http://evil.test") == 403
    assert server.opened(Host="forecasts.test", Origin="https://forecasts.test") == 101


def test_another_name_than_the_configured_ones_is_refused(server):
    assert status(server.get("/healthz", host="evil.test")) == 400
    assert status(server.get("/api/v1/models", host="evil.test:80")) == 400
    assert status(server.get("/healthz", host="forecasts.test")) == 200


def test_one_address_has_only_so_many_pages_open_and_may_open_others_when_it_closes_some(server):
    def asked():
        more = {"Upgrade": "websocket", "Sec_WebSocket_Version": "13", "Sec_WebSocket_Key": "dGhlIHNhbXBsZSBub25jZQ=="}
        connection = server.page(**more, X_Forwarded_For="203.0.113.9")
        return connection, int(connection.recv(12).split()[1])

    pages = [asked() for _ in range(4)]
    assert [said for _, said in pages] == [101, 101, 101, 403]
    assert server.opened(X_Forwarded_For="203.0.113.10") == 101
    for connection, _ in pages:
        connection.close()
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end and server.opened(X_Forwarded_For="203.0.113.9") != 101:
        time.sleep(0.05)  # until the server has noticed
    assert time.monotonic() < end


@pytest.mark.parametrize(
    "request_",
    [
        b"GET /" + b"a" * 100_000 + b" HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX: " + b"a" * 2_000_000 + b"\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n" + b"X: a\r\n" * 400_000 + b"\r\n",
        b"\x16\x03\x01\x02\x00garbage\r\n\r\n" * 10,
        b"POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: -5\r\n\r\n",
    ],
    ids=["long address", "long header", "many headers", "no HTTP", "two lengths", "a negative length"],
)
def test_what_is_no_decent_request_is_refused_and_the_connection_closed(server, request_):
    with server.connect() as connection:
        with suppress(BrokenPipeError, ConnectionResetError):
            connection.sendall(request_)
        assert read(connection)[:12] in (b"HTTP/1.1 400", b"")
    assert status(server.get("/healthz")) == 200


def test_nonsense_after_a_request_does_not_become_a_request(server):
    one = b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
    answered = server.said(one + b"\x00nonsense\r\n\r\n" + one)
    assert answered.count(b"HTTP/1.1 200") == 1
    assert answered.count(b"HTTP/1.1 400") == 1


LARGE = b" " * 12_000_000
HEAD = "POST /api/v1/forecast HTTP/1.{}\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n{}\r\n\r\n"
CHUNKED = (
    b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in (LARGE[:6_000_000], LARGE[6_000_000:])) + b"0\r\n\r\n"
)


@pytest.mark.parametrize(
    ("head", "body"),
    [
        (HEAD.format(1, f"Content-Length: {len(LARGE)}"), LARGE),
        (HEAD.format(1, "Transfer-Encoding: chunked"), CHUNKED),
        (HEAD.format(0, f"Content-Length: {len(LARGE)}"), LARGE),
        (HEAD.format(1, f"Content-Length: {len(LARGE)}\r\nExpect: 100-continue"), b""),
        (HEAD.format(1, "Content-Length: 1000000000000"), b""),
    ],
    ids=["of a length", "in chunks", "HTTP/1.0", "asked first", "far too large"],
)
def test_a_client_that_sends_all_before_it_reads_is_told_that_it_is_too_much(server, head, body):
    answer = server.said(head.encode() + body)
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert json.loads(answer.partition(b"\r\n\r\n")[2])["detail"].startswith("The request has more than 10 MB; ")


@pytest.mark.parametrize("path", ["/API/v1/models", "/Api", "/api", "/HEALTHZ", "/Metrics"])
def test_an_address_for_programs_in_other_letters_is_no_page(server, path):
    answer = server.get(path, Accept="text/html")
    assert status(answer) == 404
    assert headers(answer)["content-type"] == "application/problem+json"
    assert "written in small letters" in json.loads(answer.partition(b"\r\n\r\n")[2])["detail"]


@pytest.mark.parametrize(
    ("frame", "line"),
    [
        (b"\x82\x85\0\0\0\0hello", "A page has sent what is no message of its own"),
        (b"\x81\x82\0\0\0\0\xff\xfe", "Invalid UTF-8"),
        (b"\x81\x85\0\0\0\0hello", "The connection of a page has ended"),
    ],
    ids=["no message", "no text", "a text"],
)
def test_nonsense_from_a_page_is_one_line_of_the_log(server, frame, line):
    before = len(server.log.read_text().splitlines())
    more = {"Upgrade": "websocket", "Sec_WebSocket_Version": "13", "Sec_WebSocket_Key": "dGhlIHNhbXBsZSBub25jZQ=="}
    with server.page(**more) as connection:
        assert connection.recv(12) == b"HTTP/1.1 101"
        connection.sendall(frame)
        until(lambda: line in server.log.read_text())
    new = [one for one in server.log.read_text().splitlines()[before:] if one and not one.startswith("{")]
    assert len(new) == 1, new


def value(number):
    return f'{{"model": "naive", "horizon": 2, "data": [{{"date": "2024-01-01", "value": 5}}, {{"date": "2024-01-02", "value": {number}}}, {{"date": "2024-01-03", "value": 8}}]}}'


@pytest.mark.parametrize(
    ("content", "statuses"),
    [
        *(
            (value(number), (200, 422))
            for number in ("1e999", "-1e999", "NaN", "Infinity", "9" * 5000, '"\\u0000"', "[[]]")
        ),
        ('{"data": ' + "[" * 100_000 + "]" * 100_000 + "}", (422,)),
        ('{"a":' * 100_000 + "1" + "}" * 100_000, (422,)),
        ('{"model": "naive", "horizon": 1e999, "source": "bundled"}', (422,)),
        ('{"model": "naive", "horizon": ' + "1" * 5000 + ', "source": "bundled"}', (422,)),
        ('{"model": "naive", "horizon": 2, "source": "../../etc/passwd", "region": "x"}', (422,)),
        ('{"model": "naive", "horizon": 2, "source": "bundled", "region": "\' OR 1=1 --"}', (422,)),
        ('{"model": "naive", "horizon": 1, "horizon": 2, "source": "bundled", "region": "Italy"}', (200,)),
        ('{"model": "naive", "horizon": 1, "source": "bundled", "region": "Italy", "as_of": "9999-12-31"}', (200,)),
        (b'{"source": "\xff\xfe"}', (422,)),
    ],
    ids=lambda value: str(value)[-40:],
)
def test_odd_json_is_answered_in_a_sentence_and_is_no_fault(server, content, statuses):
    kind = {"Content-Type": "application/json"}
    answer = httpx.post(
        f"{server.url}/api/v1/forecast", content=content, headers=kind, trust_env=False, timeout=PATIENCE
    )
    assert answer.status_code in statuses, answer.text[:300]
    said = answer.json()
    assert "forecasts" in said or len(said["detail"]) < 500


def test_methods_that_nobody_knows_are_one_line_of_the_metrics(server):
    for method in ("EVIL", "A" * 200):
        assert status(server.get("/healthz", method, Content_Length="0")) == 405
    assert b"EVIL" not in server.get("/metrics")
    assert b"AAAA" not in server.get("/metrics")


def test_what_is_kept_here_is_nobody_else_s(server):
    home = server.log.parent / "home"
    assert stat.S_IMODE(home.stat().st_mode) == 0o700
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) & 0o077 for path in home.glob("*.sqlite*")}
    assert modes
    assert not any(modes.values()), modes


def test_who_does_not_end_what_he_began_is_left_alone(server, silent):
    for name, connection in silent.items():
        assert read(connection) == b"", name
    assert status(server.get("/healthz")) == 200


def test_the_log_has_no_addresses_and_nothing_of_what_was_asked(server):
    written = server.log.read_text(errors="replace")
    assert "A page was refused" in written
    for secret in ("hunter2", "203.0.113", "etc/passwd", "EVIL", "AAAA", "Traceback"):
        assert secret not in written, secret
    for line in written.splitlines():
        if line.startswith("{"):
            assert set(json.loads(line)) == {"time", "id", "method", "route", "status", "ms", "key"}


def test_a_connection_can_be_made_again_after_all_that(server):
    with socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE):
        assert status(server.get("/")) == 200
