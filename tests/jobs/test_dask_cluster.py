"""Fits on a Dask cluster of real processes: the same jobs and results, whoever dies or joins."""

import os
import select
import signal
import socket
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import psutil
import pytest
import scripted
from dask_cluster import COMMAND, ROOT, DaskCluster
from scripted import request
from waiting import PATIENCE, wait_for

from forecasting.cli.main import main
from forecasting.data.frequency import DAILY
from forecasting.data.panel import Panel, Statistic
from forecasting.jobs import State
from forecasting.jobs.request import Request
from forecasting.jobs.workers import dask_client, dask_plugin
from forecasting.jobs.workers.backends import LocalBackend, choose_backend
from forecasting.jobs.workers.dask_client import DaskBackend
from forecasting.models import models
from forecasting.preparation.prepare import prepare
from forecasting.storage.forecast_store import ForecastStore
from forecasting.support import settings
from forecasting.support.errors import RequestError


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("dask")


@pytest.fixture(autouse=True)
def scripted_models(folder, monkeypatch):
    """The gates are where the Dask workers look for them."""
    monkeypatch.setenv("SCRIPTED", str(folder))
    names = scripted.register()
    yield
    for name in names:
        del models()[name]


@pytest.fixture(scope="module")
def running(folder):
    dask = DaskCluster(folder, {"SCRIPTED": str(folder)})
    yield dask
    dask.close()


@pytest.fixture
def dask(running):
    """With two workers."""
    while len(running.workers()) < 2:
        running.add_worker()
    return running


@pytest.fixture
def backend(dask):
    backend = DaskBackend(dask.address, command=COMMAND)
    yield backend
    backend.close()


@pytest.fixture
def queue(make_queue, backend):
    """One that knows both Dask workers."""
    queue = make_queue(backend=backend)
    queue.wait([], PATIENCE, until=lambda jobs: queue.load().ready == 2)
    assert queue.load().ready == 2
    return queue


def begun_by(job, other_than=""):
    return job.finished or (job.progress is not None and job.progress.trying != other_than)


def ends(handle):
    """Whether the process of a pidfd ends."""
    waiting = select.poll()  # unlike `select.select`, it knows handles above 1,023
    waiting.register(handle, select.POLLIN)
    found = waiting.poll(PATIENCE * 1000)
    os.close(handle)
    return bool(found)


def same(one, other):
    return one.to_json() == other.to_json()


def drafted(queue, wanted, gate):
    """The drafts that a visitor sees one after the other, and the job in the end."""
    job, drafts = queue.submit(wanted), []
    for number in (1, 2, 3):
        said = f"candidate {number}"
        job = wait_for(queue, job, lambda now, said=said: now.progress is not None and now.progress.trying == said)
        drafts.append(job.draft.to_json())
        gate.open()
    return drafts, wait_for(queue, job)


def test_drafts_come_while_each_fit_goes_on_and_all_is_as_from_a_worker_here(dask, make_queue, make_gate):
    queue, here = (
        make_queue(backend=DaskBackend(dask.address, 1, COMMAND)),
        make_queue(store=ForecastStore("sqlite://")),
    )
    for number in (1, 2):
        wanted = request("drafting", number)
        gate = make_gate(wanted)
        drafts, job = drafted(queue, wanted, gate)
        assert (job.state, job.attempts, job.draft) == (State.done, 1, None)
        drafts_here, job_here = drafted(here, wanted, gate)
        assert drafts == drafts_here
        assert same(job.forecast, job_here.forecast)


def test_a_fit_whose_dask_worker_is_killed_is_begun_once_more_on_the_other(queue, dask, make_gate):
    wanted = request("gated", 22)
    gate = make_gate(wanted)
    job = wait_for(queue, queue.submit(wanted), begun_by)
    first = psutil.Process(int(job.progress.trying))
    handles = [os.pidfd_open(pid) for pid in (first.pid, *(child.pid for child in first.children()))]
    os.kill(first.ppid(), signal.SIGKILL)
    assert all(ends(handle) for handle in handles)
    job = wait_for(queue, job, lambda now: begun_by(now, job.progress.trying))
    gate.open()
    job = wait_for(queue, job)
    assert (job.state, job.attempts) == (State.done, 2)
    assert same(job.forecast, scripted.Naive.forecast(scripted.Gated(), wanted.series, wanted.horizon))


def test_what_is_cancelled_ends_on_the_dask_worker_with_its_children_and_the_next_fit_is_done(queue):
    job = wait_for(queue, queue.submit(request("family", 3)), begun_by)
    handles = [os.pidfd_open(int(pid)) for pid in job.progress.trying.split()]
    assert queue.cancel(job.key).state is State.cancelled
    assert all(ends(handle) for handle in handles)
    jobs = [queue.submit(request("quick", number)) for number in range(10, 30)]
    assert {job.state for job in queue.wait([job.key for job in jobs], PATIENCE)} == {State.done}


def test_a_fit_that_takes_too_long_is_ended_and_its_draft_stays(queue):
    job = wait_for(queue, queue.submit(request("endless", 4)))
    assert job.state is State.timed_out
    assert job.draft is not None
    assert job.error == "Endless was not finished after 2 seconds and was ended; its best so far is kept."


def test_a_fit_whose_process_dies_twice_fails_and_the_dask_workers_live(queue, dask):
    before = set(dask.workers())
    job = wait_for(queue, queue.submit(request("fatal", 5)))
    assert (job.state, job.attempts) == (State.failed, 2)
    assert job.error.startswith("The worker fitting Fatal was stopped twice;")
    assert set(dask.workers()) == before


def test_a_model_s_sentence_and_its_bugs_come_back_as_from_a_worker_here(queue, caplog):
    unable, buggy = (wait_for(queue, queue.submit(request(name, 6))) for name in ("unable", "buggy"))
    assert unable.error == "Give me a longer history."
    assert buggy.error.startswith("Buggy broke down")
    assert "ZeroDivisionError: a bug" in caplog.text


def pool_requests():
    days = pd.date_range("2021-01-01", periods=60)
    values = np.random.default_rng(1).poisson(100, (2, len(days))).astype(float)
    tables = [
        pd.DataFrame({"region": name, "statistic": "new", "date": days, "value": row})
        for name, row in zip("AB", values, strict=True)
    ]
    new = Statistic("new", "New", "cases", "new")
    panel = Panel("test", pd.concat(tables, ignore_index=True), (new,), {"new": DAILY}, "", "")
    return [Request(prepare(panel, name), "together", 7) for name in "AB"]


def test_all_regions_in_one_fit_come_with_their_parts(queue):
    wanted = pool_requests()
    jobs = queue.wait([queue.submit(one).key for one in wanted], PATIENCE)
    for one, job in zip(wanted, jobs, strict=True):
        assert (job.state, job.attempts) == (State.done, 1)
        assert same(job.forecast, scripted.Naive.forecast(scripted.Together(), one.series, 7))


def test_a_dask_worker_that_joins_is_used(queue, dask, make_gate):
    wanted = [request("gated", number) for number in (31, 32, 33)]
    gates = [make_gate(one) for one in wanted]
    jobs = [queue.submit(one) for one in wanted]
    keys = [job.key for job in jobs]
    queue.wait(keys, PATIENCE, until=lambda now: sum(begun_by(job) for job in now) == 2)
    joined = dask.add_worker()
    now = queue.wait(keys, PATIENCE, until=lambda now: all(begun_by(job) for job in now))
    homes = [psutil.Process(int(job.progress.trying)).ppid() for job in now]
    assert joined.pid in homes
    assert len(set(homes)) == 3
    for gate in gates:
        gate.open()
    assert {job.state for job in queue.wait(keys, PATIENCE)} == {State.done}
    joined.kill()
    joined.wait()


def test_no_more_fits_at_once_than_the_settings_allow(dask, make_queue, make_gate, monkeypatch):
    monkeypatch.setenv("FORECAST_WORKERS", "1")
    assert settings.most_workers() == 1
    queue = make_queue(backend=DaskBackend(dask.address, settings.most_workers(), command=COMMAND))
    gates = [make_gate(request("gated", number)) for number in (41, 42)]
    keys = [queue.submit(request("gated", number)).key for number in (41, 42)]
    first, second = queue.wait(keys, PATIENCE, until=lambda now: any(begun_by(job) for job in now))
    assert (first.state, second.state) == (State.running, State.queued)
    for gate in gates:
        gate.open()
    assert {job.state for job in queue.wait(keys, PATIENCE)} == {State.done}


OWNER = """
import sys, threading, scripted
from forecasting.jobs import JobQueue
from forecasting.jobs.workers.dask_client import DaskBackend
from forecasting.storage.forecast_store import ForecastStore
scripted.register()
queue = JobQueue(ForecastStore("sqlite://"), backend=DaskBackend(sys.argv[1], command=sys.argv[2:]))
job = queue.submit(scripted.request("family", 7))
(job,) = queue.wait([job.key], until=lambda jobs: jobs[0].finished or jobs[0].progress is not None)
print(job.progress.trying, flush=True)
threading.Event().wait()
"""


def test_a_fit_ends_when_the_server_that_wanted_it_is_killed(dask):
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT), str(Path(__file__).parent)])}
    command = [sys.executable, "-c", OWNER, dask.address, *COMMAND]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as owner:
        handles = [os.pidfd_open(int(pid)) for pid in owner.stdout.readline().split()]
        owner.kill()
    assert len(handles) == 2
    assert all(ends(handle) for handle in handles)


def test_dask_workers_of_another_version_are_not_used_and_a_sentence_says_which(dask, monkeypatch):
    own = dask_plugin.required_versions()
    monkeypatch.setattr(dask_plugin, "required_versions", lambda: own | {"numpy": "1.0", "models": "abc"})
    with pytest.raises(RequestError) as error:
        DaskBackend(dask.address, command=COMMAND).check()
    sentence = str(error.value)
    assert sentence.startswith("The Dask worker tcp://127.0.0.1:")
    assert f"has other versions, models {own['models']} instead of abc, numpy {np.__version__} instead" in sentence


def test_a_cluster_without_workers_is_one_sentence(folder):
    dask = DaskCluster(folder, {})
    try:
        with pytest.raises(
            RequestError, match=f"^The Dask cluster at {dask.address} has no workers; start some there: "
        ):
            DaskBackend(dask.address).check()
    finally:
        dask.close()


def test_what_waits_is_told_when_the_scheduler_is_gone_and_fits_go_on_when_it_is_back(folder, make_queue, monkeypatch):
    monkeypatch.setattr(dask_client, "RECOVERY_SECONDS", 0.1)
    monkeypatch.setattr(dask_client, "POLL_SECONDS", 0.1)
    monkeypatch.setattr(dask_client, "ANSWER_SECONDS", 1.0)
    dask = DaskCluster(folder, {"SCRIPTED": str(folder)})
    try:
        dask.add_worker()
        queue = make_queue(backend=DaskBackend(dask.address, command=COMMAND))
        queue.wait([], PATIENCE, until=lambda jobs: queue.can_fit)
        job = wait_for(queue, queue.submit(request("family", 8)), begun_by)
        assert queue.can_fit
        dask.scheduler.kill()
        dask.scheduler.wait()
        job = wait_for(queue, job)
        sentence = f"The Dask scheduler at {dask.address} does not answer; see that it runs."
        assert (job.state, job.error) == (State.failed, f"Family was not fitted. {sentence}")
        assert (queue.can_fit, queue.trouble) == (False, sentence)
        dask.start_scheduler(dask.address.rpartition(":")[2])
        dask.add_worker()
        queue.wait([], PATIENCE, until=lambda jobs: queue.can_fit)
        assert wait_for(queue, queue.submit(request("quick", 9))).state is State.done
    finally:
        dask.close()


def test_pretrain_on_the_cluster_makes_the_numbers_that_are_made_here(dask, tmp_path, monkeypatch, capsys):
    days = pd.date_range("2021-01-01", periods=120)
    counts = np.random.default_rng(3).poisson(50, (2, len(days)))
    tables = [
        pd.DataFrame({"region": name, "date": days, "value": row}) for name, row in zip("AB", counts, strict=True)
    ]
    pd.concat(tables).to_csv(tmp_path / "few.csv", index=False)
    monkeypatch.setenv("FORECAST_DATA_FEW", str(tmp_path / "few.csv"))
    monkeypatch.setenv("FORECAST_HOME", str(tmp_path / "there"))
    what = ["--source", "data-few", "--models", "ets,sarima", "--horizon", "3"]
    assert main(["pretrain", *what, "--dask", dask.address]) == 0
    assert capsys.readouterr().out == "data-few: 2 regions; 4 forecasts made, 0 there already.\n"
    written = []
    for home in ("there", "here"):
        monkeypatch.setenv("FORECAST_HOME", str(tmp_path / home))
        assert main(["forecast", *what, "--workers", "1"]) == 0
        written.append(capsys.readouterr().out)
    assert written[0].count("\n") > 2 * 2 * 3
    assert written[0] == written[1]


def test_whoever_makes_a_queue_gets_the_cluster_that_the_settings_name(dask, monkeypatch):
    monkeypatch.setenv("FORECAST_DASK", dask.address)
    backend = choose_backend()
    backend.check()
    backend.close()
    assert isinstance(backend, DaskBackend)
    monkeypatch.setenv("FORECAST_DASK", "")
    assert isinstance(choose_backend(), LocalBackend)


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return listening.getsockname()[1]


def test_the_command_line_says_at_once_that_there_is_no_scheduler(tmp_path, monkeypatch, capfd):
    monkeypatch.setattr(dask_client, "ANSWER_SECONDS", 0.5)
    monkeypatch.setenv("FORECAST_HOME", str(tmp_path))
    address = f"tcp://127.0.0.1:{free_port()}"
    assert main(["pretrain", "--source", "bundled", "--models", "ets", "--dask", address]) == 2
    said = capfd.readouterr().err.splitlines()  # after what was done to the figures
    assert said[-1] == f"The Dask scheduler at {address} does not answer; see that it runs."


@pytest.mark.parametrize("address", ["", "host", "http://host:8786", "tcp://host"])
def test_an_address_that_cannot_be_one_is_bad_usage(address, capsys, monkeypatch):
    assert main(["pretrain", "--source", "bundled", "--dask", address]) == 2
    assert capsys.readouterr().err == f"--dask is '{address}'; give a scheduler's address, as tcp://host:8786.\n"
    monkeypatch.setenv("FORECAST_DASK", address or "x")
    with pytest.raises(RequestError, match=r"^FORECAST_DASK is "):
        settings.dask()


def test_a_missing_dask_is_one_sentence_that_says_what_brings_it(capsys, monkeypatch):
    monkeypatch.setattr(settings, "find_spec", lambda name: None)
    assert main(["pretrain", "--source", "bundled", "--dask", "tcp://host:8786"]) == 2
    assert capsys.readouterr().err == (
        "--dask needs Dask, but the package 'distributed' is not installed: pip install -r requirements-service.txt.\n"
    )


def test_nobody_imports_dask_who_has_no_cluster():
    code = (
        "import sys, forecasting.services.service, forecasting.cli.main, forecasting.jobs.workers.worker\n"
        "from forecasting.jobs import JobQueue; from forecasting.storage.forecast_store import ForecastStore\n"
        "JobQueue(ForecastStore('sqlite://'), 1).close()\n"
        "print('dask' in sys.modules, 'distributed' in sys.modules)"
    )
    environment = os.environ | {"FORECAST_DASK": ""}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, env=environment)
    assert done.stdout == "False False\n", done.stderr
