"""A command in a process of its own that is asked to stop, by each of the signals that mean it."""

import os
import signal
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd
import psutil
import pytest
from sweeps import only_whole

from forecasting.cli.main import main
from forecasting.monitoring.update_runs import UpdateRun
from forecasting.operations.nightly_update import NightlyUpdate
from forecasting.services.service import Service

ROOT = Path(__file__).resolve().parents[2]
#: Seconds in which a process ends, on a machine that does much else.
PATIENCE = 120
#: The command line, which writes a line to a given file descriptor for each forecast that is finished.
PROGRAM = """
import os, sys
from forecasting.cli.main import main
from forecasting.services.service import Service

run = Service.run

def told(self, requests):
    for done in run(self, requests):
        yield done
        os.write(int(sys.argv[1]), b"finished\\n")

Service.run = told
sys.exit(main(sys.argv[2:]))
"""
SIGNALS = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP]
#: Regions, each of whose fits takes a good part of a second.
REGIONS = 40


@pytest.fixture
def figures(tmp_path) -> Path:
    path = tmp_path / "figures.csv"
    weeks = pd.date_range("2020-01-04", periods=160, freq="W-SAT")
    tables = [
        pd.DataFrame({"region": f"R{n}", "date": weeks, "value": [100 + n + (7 * i) % 11 for i in range(160)]})
        for n in range(REGIONS)
    ]
    pd.concat(tables).to_csv(path, index=False)
    return path


@pytest.fixture
def begin(tmp_path, figures):
    """``begin(command, …)`` starts a command on the figures; returns its process and workers when a forecast is finished."""
    started = []

    def begun(*arguments: str, **streams) -> tuple[subprocess.Popen, list[psutil.Process]]:
        reading, writing = os.pipe()
        process = subprocess.Popen(
            [sys.executable, "-c", PROGRAM, str(writing), *arguments, "--input", str(figures)],
            env=os.environ | {"PYTHONPATH": str(ROOT)},
            cwd=tmp_path,
            pass_fds=[writing],
            **({"stderr": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True} | streams),
        )
        started.append(process)
        os.close(writing)
        with open(reading) as reports:
            assert reports.readline() == "finished\n", process.stderr and process.stderr.read()
            workers = psutil.Process(process.pid).children(recursive=True)
            assert workers
            os.set_blocking(reports.fileno(), False)
            return process, workers

    yield begun
    for process in started:
        if process.poll() is None:
            process.kill()
            process.wait()


def ended(process: subprocess.Popen, workers: list[psutil.Process]) -> str:
    """What the process printed as errors by its end, when its workers are gone too."""
    errors = process.communicate(timeout=PATIENCE)[1]
    assert psutil.wait_procs(workers, PATIENCE)[1] == []
    return errors


@pytest.mark.parametrize("number", only_whole(SIGNALS, signal.SIGTERM))  # the backtest's below
def test_what_is_finished_is_written_and_said_and_no_worker_stays(begin, tmp_path, number):
    output = tmp_path / "out.csv"
    process, workers = begin("forecast", "--models", "sarima", "--horizon", "2", "--output", str(output))
    process.send_signal(number)
    errors = ended(process, workers)
    assert process.returncode == 1, errors
    assert f"of {REGIONS} to go; the same command goes on from there." in errors
    assert "Traceback" not in errors
    table = pd.read_csv(output)
    assert 1 <= table["region"].nunique() < REGIONS
    assert (table.groupby("region").size() == 2 * 23).all()


def test_an_interrupted_backtest_writes_and_scores_what_is_finished(begin, tmp_path):
    output, scores = tmp_path / "out.csv", tmp_path / "scores.csv"
    files = ["--output", str(output), "--scores", str(scores)]
    process, workers = begin("backtest", "--models", "sarima", "--horizon", "2", "--origins", "1", *files)
    process.send_signal(signal.SIGTERM)
    errors = ended(process, workers)
    assert process.returncode == 1, errors
    assert f"of {REGIONS} to go" in errors
    assert set(pd.read_csv(scores)["region"]) == set(pd.read_csv(output)["region"])


def test_a_command_whose_terminal_is_gone_writes_what_is_finished(begin, tmp_path):
    output = tmp_path / "out.csv"
    ours, theirs = os.openpty()
    process, workers = begin("forecast", "--models", "sarima", "--horizon", "2", "--output", str(output), stderr=theirs)
    os.close(theirs)
    os.close(ours)
    process.send_signal(signal.SIGHUP)
    ended(process, workers)
    assert process.returncode == 1
    assert 1 <= pd.read_csv(output)["region"].nunique() < REGIONS


@pytest.mark.parametrize("number", SIGNALS)
def test_signals_that_come_while_the_finished_is_written_do_not_stop_that(figures, tmp_path, monkeypatch, number):
    output, run = tmp_path / "out.csv", Service.run

    def interrupted(self, requests):
        for done in run(self, requests):
            yield done
            signal.raise_signal(number)

    close = Service.close
    monkeypatch.setattr(Service, "run", interrupted)
    monkeypatch.setattr(Service, "close", lambda self: [signal.raise_signal(one) for one in SIGNALS] + [close(self)])
    before = [signal.getsignal(one) for one in SIGNALS]
    arguments = ["--input", str(figures), "--models", "naive", "--horizon", "2", "--output", str(output)]
    assert main(["forecast", *arguments]) == 1
    assert pd.read_csv(output)["region"].unique().tolist() == ["R0"]
    assert [signal.getsignal(one) for one in SIGNALS] == before


@pytest.mark.parametrize("number", SIGNALS)
def test_a_command_that_is_stopped_before_anything_is_finished_exits_with_the_signal_s_number(
    figures, monkeypatch, capsys, number
):
    monkeypatch.setattr(Service, "run", lambda self, requests: iter([signal.raise_signal(number)]))
    assert main(["forecast", "--input", str(figures), "--models", "naive", "--horizon", "2"]) == 128 + number
    assert capsys.readouterr().err.endswith("the same command goes on from there.\n")


def test_upkeep_says_which_sources_it_has_not_come_to(monkeypatch, capsys):
    now = datetime.now(UTC)

    def run(self, source, again=False):
        if source != "bundled":
            signal.raise_signal(signal.SIGTERM)
        return UpdateRun(source, now, now, "")

    monkeypatch.setattr(NightlyUpdate, "run", run)
    assert main(["upkeep", "--source", "bundled", "--source", "simulated", "--models", "naive", "--workers", "1"]) == 1
    said = capsys.readouterr()
    assert said.out.startswith("bundled: ")
    assert "simulated" not in said.out
    assert said.err.endswith("Interrupted; not updated: simulated.\n")
