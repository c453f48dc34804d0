"""A fit that the system refuses memory says so, in whatever words the refusal came."""

import errno

import pytest
from scripted import Scripted, request
from waiting import wait_for

from forecasting.jobs import State
from forecasting.jobs.workers.fit import fit_request
from forecasting.models import models

pytestmark = pytest.mark.usefixtures("started_workers")


def raising(error, cause=None):
    class Hungry(Scripted):
        name, label = "hungry", "Hungry"

        def act(self, series, horizon, report):
            raise error from cause

    return Hungry()


@pytest.mark.parametrize(
    ("error", "cause"),
    [
        (MemoryError(), None),
        (OSError(errno.ENOMEM, "Cannot allocate memory"), None),
        (RuntimeError("the model did not compile"), OSError(errno.ENOMEM, "Cannot allocate memory")),
        (ImportError("libblas.so.3: failed to map segment from shared object"), None),
        (SystemError("error return without exception set"), None),
    ],
)
def test_what_is_refused_for_want_of_memory_is_no_fault_of_the_program(error, cause, monkeypatch):
    monkeypatch.setitem(models(), "hungry", raising(error, cause))
    outcome = fit_request(request("hungry"))
    assert outcome.error == "There was not enough memory to fit Hungry; choose a shorter history."
    assert not outcome.trace
    assert outcome.out_of_memory


@pytest.mark.parametrize("error", [ImportError("No module named 'nothing'"), OSError(errno.ENOENT, "No such file")])
def test_anything_else_is_logged_as_a_fault(error, monkeypatch):
    monkeypatch.setitem(models(), "hungry", raising(error))
    outcome = fit_request(request("hungry"))
    assert "a fault of the program" in outcome.error
    assert outcome.trace
    assert not outcome.out_of_memory


def test_a_worker_that_was_refused_memory_says_so_and_is_replaced(queue):
    """Libraries that it was importing just then would stay broken."""
    first = wait_for(queue, queue.submit(request("starving")))
    assert first.error == "There was not enough memory to fit Starving; choose a shorter history."
    assert first.attempts == 1
    assert wait_for(queue, queue.submit(request("quick"))).state is State.done
    third = wait_for(queue, queue.submit(request("starving", 2)))
    assert pid(first) != pid(third)


def pid(job):
    """The worker's that fitted it, as it said on the way."""
    return job.progress.trying
