"""What is deployed agrees with itself and with the program; no container is run here."""

import os
import re
import shlex
import subprocess
import sys
import threading
import tomllib
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
import typer
import yaml
from distributed.cli import dask_scheduler, dask_worker

from forecasting.cli.main import app
from forecasting.storage.forecast_store import ForecastStore
from forecasting.support import settings
from forecasting.views import december_2020, stress_test_results

ROOT = Path(__file__).parents[2]
COMPOSE = yaml.safe_load((ROOT / "compose.yaml").read_text())
SERVICES = COMPOSE["services"]
DOCKERFILE = (ROOT / "Dockerfile").read_text().replace("\\\n", " ")
NGINX = (ROOT / "deploy" / "nginx.conf").read_text()
UNIT = (ROOT / "deploy" / "forecast-explorer.service").read_text()
GUIDE = (ROOT / "docs" / "deploy.md").read_text()
SETTINGS = (ROOT / "forecasting" / "support" / "settings.py").read_text()
SERVERS = ("app-1", "app-2")


def directive(name, text=DOCKERFILE):
    return re.findall(rf"^\s*{name}\s+(.+?);?\s*(?:#.*)?$", text, re.MULTILINE)


def python(command):
    """The program and its arguments, of a command in exec form that begins with Python."""
    words = list(yaml.safe_load(command))
    assert words[0] == "python"
    return words[1:]


def parses(arguments):
    """Click reads them, and nothing is run."""
    command = typer.main.get_command(app)
    command.commands[arguments[0]].make_context(arguments[0], list(arguments[1:]))


def seen(text):
    return set(re.findall(r"\bFORECAST_[A-Z_]*[A-Z]\b", text))


def test_every_setting_that_is_deployed_or_explained_is_one_of_the_program():
    known = seen(SETTINGS)
    for text in ((ROOT / "compose.yaml").read_text(), DOCKERFILE, NGINX, UNIT, GUIDE):
        assert seen(text) <= known


def test_the_image_starts_the_server_on_the_port_that_everybody_knows():
    (command,) = directive("CMD")[-1:]
    module, name, *arguments = python(command)
    assert (module, name) == ("-m", "forecasting")
    parses(arguments)
    port = arguments[arguments.index("--port") + 1]
    assert directive("EXPOSE") == [port]
    assert f":{port}/healthz" in DOCKERFILE
    assert {server.split()[0] for server in directive("server", NGINX) if ":" in server} == {
        f"{name}:{port}" for name in SERVERS
    }


def test_the_image_runs_as_somebody_who_owns_its_home_and_nothing_else():
    (user,) = directive("USER")
    assert f"install -d -o {user} /data" in DOCKERFILE
    assert directive("VOLUME") == ["/data"]
    assert "FORECAST_HOME=/data" in DOCKERFILE


def test_the_image_has_what_the_program_reads_and_no_secrets():
    kept = [line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")]
    for name in kept:
        assert (ROOT / name).exists(), name
    needed = [
        december_2020.RESULTS,
        stress_test_results.RESULTS,
        ROOT / "server.py",
        ROOT / "streamlit_app.py",
        ROOT / "data",
    ]
    needed += [ROOT / "forecasting", ROOT / "pages", ROOT / "ui", ROOT / ".streamlit" / "config.toml"]
    for path in needed:
        assert any(path.is_relative_to(ROOT / name) for name in kept), path
    assert ".streamlit" not in kept
    assert not any("secrets" in name for name in kept)
    for name in re.findall(r"requirements\S*\.txt", DOCKERFILE):
        assert name.lstrip("/") in kept


@pytest.mark.parametrize("status", [200, 500, None])
def test_the_image_is_healthy_when_the_server_answers(status):
    class Answer(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(status)
            self.end_headers()

        def log_message(self, *_):
            pass

    code = python(re.search(r"HEALTHCHECK .*?CMD (\[.*\])", DOCKERFILE)[1])
    with HTTPServer(("127.0.0.1", 0), Answer) as server:
        code[1] = code[1].replace(":8501", f":{server.server_port}")
        if status is None:
            server.server_close()
        else:
            threading.Thread(target=server.handle_request, daemon=True).start()
        done = subprocess.run([sys.executable, *code], check=False, capture_output=True, timeout=60)
    assert (done.returncode == 0) == (status == 200)


def test_the_proxy_finds_the_servers_and_they_believe_nobody_else():
    proxy = SERVICES["proxy"]
    (listen,) = directive("listen", NGINX)
    assert proxy["ports"] == [f"${{PORT:-8080}}:{listen}"]
    assert f":{listen}/healthz" in proxy["healthcheck"]["test"][-1]
    assert proxy["volumes"] == ["./deploy/nginx.conf:/etc/nginx/nginx.conf:ro"]
    addresses = dict(host.split(":") for host in proxy["extra_hosts"])
    for name in SERVERS:
        assert SERVICES[name]["networks"]["inside"]["ipv4_address"] == addresses[name]
        believed = SERVICES[name]["environment"]["FORWARDED_ALLOW_IPS"]
        assert believed == proxy["networks"]["inside"]["ipv4_address"]
    assert [name for name, one in SERVICES.items() if "ports" in one] == ["proxy"]


def test_the_proxy_takes_what_the_servers_take(monkeypatch):
    monkeypatch.delenv("FORECAST_API_MAX_MB", raising=False)
    limits = {}
    for path, block in re.findall(r"location (?:= )?(\S+) \{(.*?)\n {8}\}", NGINX, re.DOTALL):
        if size := re.search(r"client_max_body_size (\d+)m", block):
            limits[path] = int(size[1]) * 2**20
    upload = tomllib.loads((ROOT / ".streamlit" / "config.toml").read_text())["server"]["maxUploadSize"]
    assert upload * 2**20 < limits["/_stcore/upload_file/"] <= (upload + 2) * 2**20
    assert settings.api_max_mb() * 10**6 < limits["/api/"] <= (settings.api_max_mb() + 1) * 2**20


def test_all_servers_share_one_database_and_one_cluster_whose_names_are_services():
    one, other = (SERVICES[name]["environment"] for name in SERVERS)
    assert one == other
    database = SERVICES["database"]["environment"]
    assert one["FORECAST_DB_URL"].startswith(f"postgresql+psycopg://{database['POSTGRES_USER']}:${{POSTGRES_PASSWORD")
    assert one["FORECAST_DB_URL"].endswith(f"@database:5432/{database['POSTGRES_DB']}")
    assert one["FORECAST_DASK"] == "tcp://scheduler:8786"
    for name in (*SERVERS, "worker", "proxy"):
        for needed, how in SERVICES[name]["depends_on"].items():
            assert how == {"condition": "service_healthy"}
            assert "test" in SERVICES[needed].get("healthcheck", {}) or SERVICES[needed]["image"] == "forecast-explorer"


def test_no_password_stands_in_the_files():
    for name, service in SERVICES.items():
        for variable, value in service.get("environment", {}).items():
            if "PASSWORD" in variable or "KEY" in variable:
                assert value.startswith("${"), (name, variable)
            for password in re.findall(r"://[^:/@]+:([^@]+)@", value):
                assert password.startswith("${"), (name, variable)


def test_the_cluster_s_commands_are_dask_s():
    for name, program in (("scheduler", dask_scheduler.main), ("worker", dask_worker.main)):
        dask, what, *arguments = SERVICES[name]["command"]
        assert (dask, what) == ("dask", name)
        program.make_context(name, arguments)
    assert SERVICES["worker"]["command"][2] == SERVICES["app-1"]["environment"]["FORECAST_DASK"]


def test_a_program_of_the_image_that_is_started_by_a_script_finds_the_package(tmp_path):
    """`dask worker` is one: Python looks beside the script, not in the working directory."""
    words = dict(pair.split("=", 1) for line in directive("ENV") for pair in line.split())
    (home,) = directive("WORKDIR")
    script = tmp_path / "dask"
    script.write_text("import forecasting.jobs.workers.dask_plugin as remote\nprint(remote.__file__)\n")
    environment = os.environ | {"PYTHONPATH": words["PYTHONPATH"].replace(home, str(ROOT))}
    ran = subprocess.run(
        [sys.executable, script], env=environment, cwd=ROOT, timeout=120, capture_output=True, text=True
    )
    assert ran.returncode == 0, ran.stderr
    assert Path(ran.stdout.strip()) == ROOT / "forecasting" / "jobs" / "workers" / "dask_plugin.py"


def test_systemd_starts_what_the_command_line_knows():
    (command,) = re.findall(r"^ExecStart=(.*)$", UNIT, re.MULTILINE)
    words = shlex.split(command)
    assert words[1:3] == ["-m", "forecasting"]
    parses(words[3:])


def test_every_command_of_the_guide_is_one_of_the_program_or_of_compose(tmp_path):
    lines = [line for block in re.findall(r"```sh\n(.*?)```", GUIDE, re.DOTALL) for line in block.splitlines()]
    ours = [line for line in lines if "-m forecasting" in line]
    assert ours
    for line in ours:
        parses(shlex.split(line.split("-m forecasting ")[1]))
    for line in lines:
        if line.startswith("docker compose"):
            named = set(line.split()) & set(SERVICES)
            assert named or re.search(r" build$| --build ", line), line


def test_the_backup_of_the_guide_is_a_store(tmp_path, monkeypatch):
    store = ForecastStore(f"sqlite:///{tmp_path / 'forecasts.sqlite'}")
    (line,) = [line for line in GUIDE.splitlines() if "VACUUM" in line]
    script = line.replace("python", shlex.quote(sys.executable), 1)
    monkeypatch.setenv("FORECAST_HOME", str(tmp_path))
    subprocess.run(["bash", "-euc", script], check=True, cwd=tmp_path, timeout=60)
    store.close()
    copy = ForecastStore(f"sqlite:///{tmp_path / 'backup.sqlite'}")
    assert not copy.notes
    copy.close()


def test_every_package_of_the_service_is_bounded_and_explained():
    lines = (ROOT / "requirements-service.txt").read_text().splitlines()
    assert lines[1] == "-r requirements.txt"
    for line in lines[2:]:
        assert re.fullmatch(r"[\w\[\]-]+>=[\d.]+,<[\d.]+ # .+", line), line
