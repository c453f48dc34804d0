"""Commands, API requests and series of the golden tests, and a script that records their results in `recorded/`.

`python -m tests.golden.recording [PART …]` records the named parts of `PARTS` anew, which is right only where results are meant to
change. The part ``store`` is what an older program left behind, so it stays as it is until a key or a format is meant to change.

Everything is reached through `python -m forecasting`, its HTTP API and the public names of `forecasting`: a test of these results
holds whatever the modules are called.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
import runpy
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import httpx
import pandas as pd

import forecasting

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
RECORDED = HERE / "recorded"
#: Models that take about a second.
MODELS = "naive,theta,ets,sarima,pooled,ensemble"
#: Seconds in which a busy machine starts the server.
PATIENCE = 120


@dataclass(frozen=True)
class Ran:
    """A command that has ended."""

    code: int
    out: str
    err: str


def run(home: Path, *arguments: object) -> Ran:
    """`python -m forecasting ARGUMENTS` in this process, with its files in `home` and without a network."""
    before, argv, out, err = dict(os.environ), sys.argv, io.StringIO(), io.StringIO()
    os.environ.clear()
    os.environ.update(environment(home))
    sys.argv = ["forecasting", *map(str, arguments)]
    code = 0
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err), warnings.catch_warnings():
            runpy.run_module("forecasting", run_name="__main__")
    except SystemExit as end:
        code = int(end.code or 0)
    finally:
        sys.argv = argv
        os.environ.clear()
        os.environ.update(before)
    return Ran(code, out.getvalue(), err.getvalue())


def environment(home: Path) -> dict[str, str]:
    """The variables of a program that has its files in `home` and uses no network."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("FORECAST_")}
    return inherited | {"FORECAST_HOME": str(home), "FORECAST_OFFLINE": "1", "FORECAST_WORKERS": "1", "COLUMNS": "200"}


# Figures by a formula of whole numbers: the same on every machine.


def wave(step: int, place: int, period: int) -> int:
    """A count that goes up and down."""
    return 60 + (step * 13 + place * 7) % 17 + 3 * abs((step + place) % period - period // 2)


def counts(folder: Path) -> Path:
    """Two statistics, of days with a weekly pattern and of weeks that end on Saturdays, with a covariate."""
    rows = ["statistic,region,date,value,rain"]
    for place, region in enumerate(("Ohio", "Utah")):
        for step in range(98):
            value = wave(step, place, 60) + (20, 18, 15, 15, 12, 2, 0)[step % 7]
            rows.append(f"days,{region},{date(2024, 1, 1) + timedelta(days=step)},{value},{(step * 7 + place) % 11}")
    for place, region in enumerate(("Ohio", "Utah")):
        for step in range(60):
            day = date(2023, 1, 7) + timedelta(weeks=step)
            rows.append(f"weeks,{region},{day},{wave(step, place, 24)},{(step * 5 + place) % 13}")
    return _written(folder / "counts.csv", rows)


def vintages(folder: Path) -> Path:
    """Weeks of two regions as published on twelve Wednesdays; the last week of each is raised later."""
    rows = ["as_of,region,date,value"]
    for known in range(20, 32):
        published = date(2024, 1, 6) + timedelta(weeks=known - 1, days=4)
        for place, region in enumerate(("Ohio", "Utah")):
            for step in range(known):
                value = wave(step, place, 24) - (6 if step == known - 1 else 0)
                rows.append(f"{published},{region},{date(2024, 1, 6) + timedelta(weeks=step)},{value}")
    return _written(folder / "vintages.csv", rows)


def _written(path: Path, rows: list[str]) -> Path:
    path.write_text("\n".join(rows) + "\n")
    return path


# Forecasts by the command line; each is a table.


def forecasts(home: Path, folder: Path) -> dict[str, Ran]:
    """Commands that have ended, by name. All use the store in `home`, where a server has put some of it (`jobs`)."""
    own, few = ["--input", counts(folder)], ["--models", "naive,theta"]
    italy = ["--source", "bundled", "--region", "Italy", "--as-of", "2020-12-22", "--holidays", "it"]
    spain = ["--source", "bundled", "--statistic", "cumulative_cases", "--region", "Spain"]
    states = ["--source", "bundled", "--statistic", "new_admissions", "--region", "Ohio", "--region", "Utah"]
    commands: dict[str, list[object]] = {
        "own": [*own, "--models", MODELS, "--horizon", 2, "--covariates", "rain"],
        "holidays": [*italy, "--models", MODELS, "--horizon", 4],
        "totals": [*spain, *few, "--horizon", 5],
        "simulated": ["--source", "simulated", "--region", "Atlantis", *few, "--horizon", 5],
        "vintages": ["--input", vintages(folder), *few, "--horizon", 2, "--as-of", "2024-07-01"],
        "hub": [*states, "--models", "theta", "--horizon", 4, "--format", "hubverse"],
        "own-hub": [*own, "--statistic", "weeks", "--models", "naive", "--horizon", 4, "--format", "hubverse"],
    }
    return {name: run(home, "forecast", *arguments) for name, arguments in commands.items()}


def keys(home: Path) -> list[dict[str, Any]]:
    """What the store in `home` has: its keys, and of what."""
    columns = ("key", "lineage", "model", "origin", "horizon")
    with contextlib.closing(sqlite3.connect(home / "forecasts.sqlite")) as base:
        rows = base.execute(f"SELECT {', '.join(columns)} FROM forecasts ORDER BY model, origin, horizon, key")
        return [dict(zip(columns, row, strict=True)) for row in rows]


def backtests(home: Path, folder: Path) -> dict[str, str]:
    """Forecasts, scores and leaderboards of looking back, and of scoring a file."""
    into = {name: folder / name for name in ("rolling", "at")}
    written = {}
    for name, path in into.items():
        path.mkdir()
        written[name] = ["--output", path / "forecasts.csv", "--scores", path / "scores.csv"]
    models = ["--models", "naive,theta", "--baseline", "naive"]
    italy = ["--source", "bundled", "--region", "Italy", "--horizon", 5, "--origins", 2, "--step", 7]
    dates = ["--at", "2024-06-15", "--at", "2024-07-06", "--horizon", 3]
    found = {
        "rolling": run(home, "backtest", *italy, *models, *written["rolling"]).out,
        "at": run(home, "backtest", "--input", vintages(folder), *dates, *models, *written["at"]).out,
    }
    truth = folder / "truth.csv"
    table = pd.read_csv(vintages(folder))
    table[table["as_of"] == table["as_of"].max()].drop(columns="as_of").to_csv(truth, index=False)
    score = ["score", "--forecasts", into["at"] / "forecasts.csv", "--truth", truth, "--baseline", "naive"]
    found["score"] = run(home, *score).out
    found["score-json"] = run(home, *score, "--json").out
    for name, path in into.items():
        found[f"{name}-forecasts"] = (path / "forecasts.csv").read_text()
        found[f"{name}-scores"] = (path / "scores.csv").read_text()
    return found


# Series by a formula, forecast by the public names of the library.


def library() -> dict[str, Any]:
    """Digests of two series, and the forecasts of three models in this process."""
    daily = forecasting.Frequency("D", "daily", "day", 7, 28, 120)
    weekly = forecasting.Frequency("W-SAT", "weekly", "week", 52, 4, 26)
    days = [wave(step, 0, 60) + (20, 18, 15, 15, 12, 2, 0)[step % 7] for step in range(120)]
    weeks = [wave(step, 1, 24) for step in range(70)]
    found: dict[str, Any] = {"quantiles": list(forecasting.QUANTILES)}
    table = (("days", "2024-01-01", daily, days), ("weeks", "2023-01-07", weekly, weeks))
    for name, start, frequency, values in table:
        series = forecasting.Series(pd.Timestamp(start), frequency, pd.Series(values, dtype=float).to_numpy())
        found[name] = {"digest": series.digest()}
        for model in ("naive", "theta", "sarima"):
            said = forecasting.model(model).forecast(series, 3).to_json()
            found[name][model] = {
                part: said[part] for part in ("method", "origin", "values", "totals", "means", "notes")
            }
    return found


# What there is, and what is refused.

GOOD = ("--source", "bundled", "--region", "Italy", "--models", "naive", "--horizon", "3")
#: How sentences on wrong usage end; before it stand the words of the library that reads the command line.
USAGE = "(--help says what there is)"
FAULTS: dict[str, tuple[str, ...]] = {
    "no such command": ("frobnicate",),
    "no horizon": ("forecast", *GOOD[:-2]),
    "horizon 0": ("forecast", *GOOD[:-1], "0"),
    "date in words": ("forecast", *GOOD, "--as-of", "last week"),
    "date too early": ("forecast", *GOOD, "--as-of", "1999-01-01"),
    "unknown statistic": ("forecast", *GOOD, "--statistic", "deaths"),
    "unknown covariate": ("forecast", *GOOD, "--covariates", "rain"),
    "unknown country": ("forecast", *GOOD, "--holidays", "XX"),
    "unknown ending": ("forecast", *GOOD, "--output", "forecast.doc"),
    "two inputs": ("forecast", *GOOD, "--input", "x.csv"),
    "unknown region": ("forecast", *GOOD[:3], "Atlantis", *GOOD[4:]),
    "unknown source": ("forecast", "--source", "nowhere", *GOOD[4:]),
    "unknown model": ("forecast", *GOOD[:5], "crystal_ball", *GOOD[6:]),
    "no file": ("forecast", "--input", "missing.csv", *GOOD[4:]),
    "offline": ("regions", "--source", "jhu"),
    "baseline left out": ("backtest", *GOOD, "--baseline", "ets"),
    "no scores": ("score", "--forecasts", "missing.csv", "--truth", "missing.csv"),
    "no time": ("monitor", "--since", "ever"),
    "name of a key": ("key", "a b"),
}


def without_lists(sentence: str) -> str:
    """A sentence without the names of what there is: another model or source is no change of those recorded."""
    return re.sub(r"\bthere are [a-z_]+(?:, [a-z_]+)+", "there are …", sentence)


def answers(home: Path) -> dict[str, Any]:
    """Lists, the options of every command, and exit code and sentence of every fault."""
    commands = ("regions --source bundled", "regions --source simulated")
    lists = {command: run(home, *command.split()).out for command in commands}
    names = sorted(re.findall(r"^  ([a-z][\w-]*)\b", run(home, "--help").out.split("Commands:")[-1], re.MULTILINE))
    options = {
        one: sorted(set(re.findall(r"(?<![\w-])--[a-z][\w-]*", _options(run(home, one, "--help").out))))
        for one in names
    }
    faults = {name: run(home, *arguments) for name, arguments in FAULTS.items()}
    said = {name: [ran.code, USAGE if USAGE in ran.err else without_lists(ran.err)] for name, ran in faults.items()}
    return {"lists": lists, "options": options, "faults": said}


def _options(text: str) -> str:
    return "\n".join(line for line in text.splitlines() if re.match(r" {2,4}-", line))


# The HTTP API of a real server.

QUESTIONS: dict[str, dict[str, Any]] = {
    "naive": {"source": "bundled", "region": "Italy", "model": "naive", "horizon": 2, "quantiles": [0.1, 0.5, 0.9]},
    "window": {"source": "bundled", "region": "Spain", "model": "theta", "horizon": 2, "window": 60, "quantiles": [0.5]},
    "as_of": {"source": "bundled", "region": "Spain", "model": "theta", "horizon": 2, "as_of": "2020-12-01", "quantiles": [0.5]},
    "data": {
        "data": [{"date": f"2024-01-{day:02d}", "value": 10 + day * 7 % 11} for day in range(1, 29)],
        "models": ["naive", "theta"], "horizon": 1, "quantiles": [0.025, 0.975],
    },
    "unknown region": {"source": "bundled", "region": "Atlantis", "model": "naive", "horizon": 2},
    "unknown field": {"source": "bundled", "region": "Italy", "model": "naive", "horizon": 2, "colour": "red"},
    "neither": {"model": "naive", "horizon": 2},
    "unclear": {"data": [{"a": 1, "b": 2}] * 9, "model": "naive", "horizon": 2},
}  # fmt: skip


def jobs(folder: Path) -> dict[str, dict[str, Any]]:
    """Questions whose answer is a job. Afterwards the commands of these names find the forecasts in the store."""
    models = MODELS.split(",")
    italy = {"source": "bundled", "region": "Italy", "as_of": "2020-12-22", "holidays": "it"}
    own = {"data": pd.read_csv(counts(folder)).to_dict("records"), "covariates": ["rain"]}
    return {"holidays": {**italy, "models": models, "horizon": 4}, "own": {**own, "models": models, "horizon": 2}}


def api(home: Path, folder: Path) -> dict[str, Any]:
    """Answers of a server with its files in `home`, what its jobs came to, its description, and the names of its metrics."""
    found: dict[str, Any] = {"answers": {}, "jobs": {}}
    with _served(home) as client:
        for name, question in jobs(folder).items():
            job = client.post("/api/v1/forecast", json=question)
            said = {part: job.json()[part] for part in ("id", "location")}
            found["answers"][f"job {name}"] = {"status": job.status_code, **said}
        for name, question in QUESTIONS.items():
            answer = client.post("/api/v1/forecast", json=question)
            said = json.loads(without_lists(answer.text))
            found["answers"][name] = {
                "status": answer.status_code,
                "type": answer.headers["content-type"],
                "body": said,
            }
        for path in ("/healthz", "/api/v1/regions?source=simulated", "/api/v1/nothing"):
            answer = client.get(path)
            found["answers"][path] = {"status": answer.status_code, "body": answer.json()}
        described = client.get("/api/openapi.json").json()
        found["described"] = {
            "paths": {path: sorted(methods) for path, methods in described["paths"].items()},
            "schemas": {
                name: sorted(schema.get("properties", schema))
                for name, schema in described["components"]["schemas"].items()
            },
        }
        for name in jobs(folder):
            found["jobs"][name] = _ended(client, found["answers"][f"job {name}"]["location"])
        lines = client.get("/metrics").text.splitlines()
        found["metrics"] = sorted(line.split()[2] for line in lines if line.startswith("# TYPE forecast_"))
    return found


@contextlib.contextmanager
def _served(home: Path) -> Iterator[httpx.Client]:
    """`python -m forecasting serve` on a free port; it is ended here."""
    log = home / "server.log"
    with log.open("wb") as output:
        command = [sys.executable, "-m", "forecasting", "serve", "--port", "0"]
        process = subprocess.Popen(command, cwd=ROOT, env=environment(home), stdout=output, stderr=output)
    try:
        with httpx.Client(base_url=_address(process, log), timeout=PATIENCE, trust_env=False) as client:
            yield client
    finally:
        process.terminate()
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _ended(client: httpx.Client, location: str) -> dict[str, Any]:
    """A job when it has ended."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        said: dict[str, Any] = client.get(location).json()
        if said["state"] not in ("queued", "running"):
            return said
        time.sleep(0.1)
    raise AssertionError(said)


def _address(process: subprocess.Popen[bytes], log: Path) -> str:
    """Where the server is, once it answers."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end and process.poll() is None:
        if said := re.search(r"http://127\.0\.0\.1:\d+", log.read_text()):
            with contextlib.suppress(httpx.TransportError):
                if httpx.get(f"{said[0]}/api/v1/models", timeout=10, trust_env=False).status_code == 200:
                    return said[0]
        time.sleep(0.1)
    raise AssertionError(log.read_text())


# The store of an older program.

STORE_SOURCE = ("--source", "simulated", "--models", "ets", "--horizon", 2)


def store_requests(home: Path, folder: Path) -> str:
    """Forecasts of which a store that had this request before fits none."""
    ran = run(home, "forecast", "--input", counts(folder), "--models", "ets,sarima,pooled", "--horizon", 2)
    assert (ran.code, ran.err) == (0, ""), ran.err
    return ran.out


#: What can be recorded.
PARTS = ("forecasts", "backtests", "library", "answers", "store")


def record(parts: Sequence[str]) -> None:
    """Write what the `parts` give now to `recorded/`."""
    RECORDED.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        home, older, folder = (Path(scratch) / name for name in ("home", "older", "files"))
        home.mkdir()
        folder.mkdir()
        if "forecasts" in parts:
            _write("api", {name: said for name, said in api(home, folder).items() if name != "jobs"})
            ended = forecasts(home, folder)
            for name, ran in ended.items():
                (RECORDED / f"forecasts-{name}.csv").write_text(ran.out)
            _write("forecasts", {name: [ran.code, ran.err] for name, ran in ended.items()})
            _write("keys", keys(home))
        if "backtests" in parts:
            for name, text in backtests(home, folder).items():
                (RECORDED / f"backtest-{name}.{'csv' if name.endswith('s') else 'txt'}").write_text(text)
        if "library" in parts:
            _write("library", library())
        if "answers" in parts:
            _write("answers", answers(home))
        if "store" in parts:
            (RECORDED / "store.csv").write_text(store_requests(older, folder))
            assert run(older, "pretrain", *STORE_SOURCE).code == 0
            with contextlib.closing(sqlite3.connect(older / "forecasts.sqlite")) as base:
                base.execute("PRAGMA journal_mode=DELETE")
                base.execute("VACUUM")
            shutil.copyfile(older / "forecasts.sqlite", RECORDED / "store.sqlite")


def _write(name: str, value: object) -> None:
    (RECORDED / f"{name}.json").write_text(json.dumps(value, indent=1, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    record(sys.argv[1:] or PARTS[:-1])
