"""Processes that are killed, here and there, at the worst moment."""

import os
import random
import selectors
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

import psutil
import pytest
from scripted import request
from sweeps import examples
from waiting import PATIENCE, wait_for

from forecasting.jobs import State
from forecasting.storage.forecast_store import ForecastStore

pytestmark = pytest.mark.usefixtures("started_workers")


def readable(end):
    """Whether there is something to read, or an end of file, before patience ends; whatever number the pipe has."""
    with selectors.DefaultSelector() as selector:
        selector.register(end, selectors.EVENT_READ)
        return bool(selector.select(PATIENCE))


def begun_by(job, other_than=""):
    return job.finished or (job.progress is not None and job.progress.trying != other_than)


def test_a_fit_whose_worker_is_killed_is_begun_once_more(queue, make_gate):
    gate = make_gate(request("gated"))
    job = wait_for(queue, queue.submit(request("gated")), begun_by)
    os.kill(int(job.progress.trying), signal.SIGKILL)
    job = wait_for(queue, job, lambda now: begun_by(now, job.progress.trying))
    gate.open()
    job = wait_for(queue, job)
    assert (job.state, job.attempts) == (State.done, 2)


def test_a_fit_whose_worker_dies_twice_fails_with_a_sentence_and_everything_else_goes_on(make_queue):
    queue = make_queue(workers=2)
    fatal = queue.submit(request("fatal"))
    others = [queue.submit(request("quick", number)) for number in range(20)]
    job = wait_for(queue, fatal)
    assert (job.state, job.attempts) == (State.failed, 2)
    assert job.error.startswith("The worker fitting Fatal was stopped twice;")
    assert {job.state for job in queue.wait([job.key for job in others], PATIENCE)} == {State.done}


def scripted_workers():
    """This test's workers; other tests' services may have theirs in the same process."""
    return [
        child for child in psutil.Process().children() if any("scripted_worker" in part for part in _command(child))
    ]


def _command(process):
    try:
        return process.cmdline()
    except psutil.NoSuchProcess:
        return []


def test_an_idle_worker_that_is_killed_is_replaced_at_once(queue):
    wait_for(queue, queue.submit(request("quick", 1)))
    (before,) = scripted_workers()
    before.kill()
    job = wait_for(queue, queue.submit(request("quick", 2)))
    assert job.state is State.done
    assert [child.pid for child in scripted_workers()] != [before.pid]


@pytest.mark.parametrize(
    "command", [(sys.executable, "-c", "raise SystemExit('a library is missing')"), ("no-such-program",)]
)
def test_workers_that_cannot_start_fail_what_waits_with_a_sentence(make_queue, command, caplog):
    queue = make_queue(command=command)
    job = wait_for(queue, queue.submit(request("quick")))
    assert job.state is State.failed
    assert job.error == "The background workers do not start, so Quick was not fitted; the server's log says why."
    assert "a library is missing" in caplog.text or "no-such-program" in caplog.text


def test_a_worker_that_says_nonsense_is_not_believed(make_queue):
    nonsense = "import time; print('{}'); print('null'); print('\\xff'); print('{\"name\": \"done\", \"fit\": 1}')"
    queue = make_queue(command=(sys.executable, "-c", nonsense))
    assert wait_for(queue, queue.submit(request("quick"))).state is State.failed


def test_random_kills_lose_no_fit_and_store_none_twice(make_queue, tmp_path):
    puts = Counter()

    class Counting(ForecastStore):
        def put_encoded(self, encoded):
            puts.update(one.key for one in encoded)
            return super().put_encoded(encoded)

    store = Counting(f"sqlite:///{tmp_path / 'fuzz.sqlite'}")
    queue = make_queue(workers=2, store=store)
    keys = [queue.submit(request("many" if number % 2 == 0 else "quick", number)).key for number in range(100)]
    dice = random.Random(7)
    for target in sorted(dice.sample(range(90), examples(10, fewest=5))):
        queue.wait(keys, PATIENCE, until=lambda jobs, t=target: sum(job.finished for job in jobs) >= t)
        if workers := scripted_workers():
            dice.choice(workers).kill()
    jobs = queue.wait(keys, PATIENCE)
    done = [job for job in jobs if job.state is State.done]
    assert all(job.state is State.failed and "stopped twice" in job.error for job in jobs if job not in done)
    assert len(done) >= 90
    assert puts == Counter(job.key for job in done)
    assert set(ForecastStore(f"sqlite:///{tmp_path / 'fuzz.sqlite'}").get_many(keys)) == {job.key for job in done}


@pytest.fixture
def start_owner():
    """Starts `owner.py`, which ends in the given way once it is told to."""
    owners = []

    def start(how):
        command = [sys.executable, Path(__file__).with_name("owner.py"), how]
        environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])}
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
        owners.append(subprocess.Popen(command, env=environment, **pipes))
        return owners[-1]

    yield start
    for owner in owners:
        owner.kill()
        owner.communicate()


@pytest.mark.parametrize("how", ["closes", "returns", "SIGTERM", "SIGKILL"])
def test_no_worker_and_no_child_of_one_outlives_the_program(how, start_owner):
    owner = start_owner(how)
    worker, child = (int(pid) for pid in owner.stdout.readline().split())
    assert psutil.Process(child).ppid() == worker
    ends = [os.pidfd_open(pid) for pid in (worker, child)]
    if how.startswith("SIG"):
        owner.send_signal(signal.Signals[how])
    else:
        owner.stdin.write("\n")
        owner.stdin.flush()
    for end in ends:
        ended = readable(end)
        os.close(end)
        assert ended
    if how == "closes":
        assert owner.stdout.readline() == "closed\n"


def test_a_worker_that_is_killed_takes_its_child_along(queue):
    job = wait_for(queue, queue.submit(request("family")), begun_by)
    worker, child = (int(pid) for pid in job.progress.trying.split())
    end = os.pidfd_open(child)
    os.kill(worker, signal.SIGKILL)
    ended = readable(end)
    os.close(end)
    assert ended
