"""The real thing: pages, API and health from one process, started in each of the three ways, and the docs' commands."""

import asyncio
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import httpx
import psutil
import pytest

import server
from forecasting.cli.main import main
from ui.shell import runtime as pages

ROOT = Path(__file__).resolve().parents[2]
#: Seconds in which a server is ready, and in which it is gone, on a machine that does much else.
PATIENCE = 120
GUIDE = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
WAYS = {
    "serve": ["forecasting", "serve", "--port", "{port}"],
    "streamlit": ["streamlit", "run", "server.py", "--server.port={port}", "--server.headless=true"],
    "uvicorn": ["uvicorn", "server:app", "--port", "{port}"],
}


def free_port():
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return listening.getsockname()[1]


@contextmanager
def running(way, home):
    port = free_port()
    log = home / f"{way}.log"
    environment = {name: value for name, value in os.environ.items() if not name.startswith("FORECAST_")}
    environment |= {"FORECAST_HOME": str(home), "FORECAST_OFFLINE": "1", "FORECAST_WORKERS": "1"}
    environment["FORECAST_WARM_UP"] = "0"
    command = [sys.executable, "-m", *(part.format(port=port) for part in WAYS[way])]
    with log.open("wb") as output:
        process = psutil.Popen(command, cwd=ROOT, env=environment, stdout=output, stderr=output)
    try:
        yield f"http://127.0.0.1:{port}", process, log
    finally:
        tree = [process, *process.children(recursive=True)] if process.is_running() else []
        for one in tree:
            one.kill()
        process.wait(PATIENCE)


def ready(url, process, log):
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        assert process.poll() is None, log.read_text()
        try:
            if httpx.get(f"{url}/readyz", trust_env=False, timeout=10).status_code == 200:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.1)
    raise AssertionError(log.read_text())


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    """A server as `serve` starts it."""
    with running("serve", tmp_path_factory.mktemp("served")) as (url, process, log):
        ready(url, process, log)
        yield url, process, log


def answers_everywhere(url, log):
    assert httpx.get(f"{url}/healthz", trust_env=False).json() == {"status": "ok"}
    assert "<title>" in httpx.get(url, trust_env=False).text
    assert httpx.get(f"{url}/_stcore/health", trust_env=False).text == "ok"
    question = {"source": "bundled", "region": "Italy", "model": "naive", "horizon": 1}
    answer = httpx.post(f"{url}/api/v1/forecast?secret=1", json=question, trust_env=False, timeout=60)
    assert answer.status_code == 200
    end = time.monotonic() + PATIENCE
    while '"/api/v1/forecast"' not in (written := log.read_text()):  # it is written when the answer has gone
        assert time.monotonic() < end, written
        time.sleep(0.05)
    assert "secret" not in written
    lines = [json.loads(line) for line in written.splitlines() if line.startswith("{")]
    assert ("POST", "/api/v1/forecast", 200) in {(line["method"], line["route"], line["status"]) for line in lines}


def test_serve_answers_everywhere(served):
    answers_everywhere(served[0], served[2])


@pytest.mark.parametrize("way", ["streamlit", "uvicorn"])
def test_other_ways_to_start_it_answer_everywhere(way, tmp_path):
    with running(way, tmp_path) as (url, process, log):
        ready(url, process, log)
        answers_everywhere(url, log)


@pytest.mark.parametrize("block", re.findall(r"```sh\n(.*?)```", GUIDE, re.DOTALL))
def test_every_command_of_the_docs_runs(block, served, tmp_path):
    if not shutil.which("curl"):
        pytest.skip("there is no curl")
    script = (
        block.replace("http://127.0.0.1:8501", served[0])
        .replace("python3", sys.executable)
        .replace("curl -s", "curl -sf")
    )
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stderr
    decoder, text, said = json.JSONDecoder(), done.stdout, []
    while text.strip():
        one, end = decoder.raw_decode(text.lstrip())
        text = text.lstrip()[end:]
        said.append(one)
    said += [json.loads(file.read_text()) for file in tmp_path.glob("*.json")]  # what a command writes
    assert said
    assert all("detail" not in one for one in said)


def test_an_endless_or_huge_body_is_refused_by_the_real_server(served):
    def endless():
        yield b"["
        while True:
            yield b" " * 1_000_000

    headers = {"Content-Type": "application/json"}
    with httpx.Client(base_url=served[0], trust_env=False, timeout=60) as client:
        try:
            answer = client.post("/api/v1/forecast", content=endless(), headers=headers)
        except httpx.TransportError:  # the connection ends before all was said
            answer = None
        assert answer is None or answer.status_code == 413
        request = client.build_request("POST", "/api/v1/forecast", content=b"x", headers=headers)
        request.headers["Content-Length"] = str(10**12)
        with socket.create_connection((request.url.host, request.url.port), timeout=60) as raw:
            head = f"POST /api/v1/forecast HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {10**12}\r\n\r\n"
            raw.sendall(head.encode())
            assert raw.recv(100).startswith(b"HTTP/1.1 413")
        assert client.get("/healthz").status_code == 200


def test_a_port_that_is_taken_is_said_in_one_line(capsys):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        assert main(["serve", "--port", str(taken.getsockname()[1])]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "cannot be listened on" in line
    assert "--port" in line
    assert main(["serve", "--host", "no such host"]) == 2


def test_pages_and_api_share_one_service(monkeypatch, api_home):
    monkeypatch.setenv("FORECAST_WORKERS", "1")
    made = []
    monkeypatch.setattr(server, "create_app", lambda service: made.append(service) or (lambda *call: None))

    async def life():
        async with server.lifespan(server.app):
            assert made == [pages.service()]
            assert server.health.service is made[0]
        assert server.health.service is None

    pages.service.clear()
    asyncio.run(life())


def test_the_api_never_imports_streamlit():
    code = "import forecasting.api.app, forecasting.api.health, forecasting.cli.serve, sys; print('streamlit' in sys.modules)"
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert answer.stdout.strip() == "False"


def test_the_command_line_does_without_the_api_s_libraries():
    code = "import forecasting.cli.main, sys; print([m for m in ('fastapi', 'uvicorn', 'limits') if m in sys.modules])"
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert answer.stdout.strip() == "[]"


def test_a_server_that_is_told_to_ends_with_its_workers(served):
    """The last test of this file, for it ends the server that the others share."""
    _, process, log = served
    children = process.children(recursive=True)
    assert children
    process.send_signal(signal.SIGTERM)
    process.wait(PATIENCE)
    assert not psutil.wait_procs(children, timeout=30)[1]
    assert "Traceback" not in log.read_text()
