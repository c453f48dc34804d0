"""Many fits of one model that wait are one order to a worker, and each is a fit of its own all the same."""

import os
import signal

import pytest
from by_hand import WorkersByHand
from conditions import until
from scripted import BAD, request, taken_by_many
from waiting import PATIENCE, wait_for

from forecasting.jobs import State, batching
from forecasting.jobs.batching import batch_of
from forecasting.jobs.board import JobBoard
from forecasting.jobs.sharing import SharedFits
from forecasting.jobs.workers.fit import fit_request


@pytest.fixture
def board():
    board = JobBoard(grace=60.0)
    board.ready = 2
    return board


def add(board, *numbers, model="many", background=True, horizon=7):
    return [board.add(request(model, number, horizon), background) for number in numbers]


def batch(board, entry):
    return [int(one.request.series.values[0]) for one in batch_of(entry, board)]


def test_a_batch_is_of_one_model_and_horizon_in_the_order_of_the_board(board):
    first, *_ = add(board, 1, 2, 3)
    add(board, 4, model="quick")
    add(board, 5, horizon=6)
    assert batch(board, first) == [1, 2, 3]


def test_a_model_that_gains_nothing_by_it_is_fitted_one_by_one(board):
    first, *_ = add(board, 1, 2, model="quick")
    assert batch(board, first) == [1]


def test_what_a_person_asked_for_waits_for_nothing_that_nobody_did_and_takes_along_only_what_is_due(board):
    asked, due, _ = add(board, 1, 2, 3, background=False)
    add(board, 4, 5)
    asked.due = due.due = 0.0
    assert batch(board, asked) == [1, 2]


def test_what_is_looked_at_waits_for_nothing_that_nobody_looks_at(board):
    first, second, _ = add(board, 1, 2, 3)
    board.watch([first.job.key, second.job.key])
    assert batch(board, first) == [1, 2]


def test_a_batch_is_no_longer_than_a_person_may_have_to_wait_and_many_are_shared_out(board, monkeypatch):
    first, *_ = add(board, *range(1, 10))
    monkeypatch.setattr(batching, "MIN_SHARE", 2)
    assert batch(board, first) == [1, 2, 3, 4, 5]  # the other worker has the rest
    monkeypatch.setattr(batching, "MAX_BATCH_FIGURES", 200)  # each series has 60
    assert batch(board, first) == [1, 2, 3]
    monkeypatch.setattr(batching, "MAX_BATCH_STEPS", 15)
    assert batch(board, first) == [1, 2]


def test_a_batch_counts_as_one_busy_worker(board):
    class Worker:
        def kill(self):
            """It has no process."""

    board.grace = 0.0
    board.start_together(add(board, 1, 2, 3), Worker())
    board._took["gated"] = 60.0
    slow = board.add(request("gated"), background=True)
    assert board.next() is None  # the other worker is kept free for people
    board.ready = 3
    assert board.next() is slow
    assert board.load().running == 3


@pytest.fixture
def workers():
    return WorkersByHand()


@pytest.fixture
def queue(make_queue, workers):
    """Its only worker is busy with a fit numbered 99."""
    queue = make_queue(backend=workers)
    queue.submit(request("quick", 99))
    until(lambda: workers.orders == [[99]])
    return queue


def submit(queue, *numbers):
    jobs = [queue.submit(request("many", number), background=True) for number in numbers]
    return [job.key for job in jobs]


def answer(workers, *numbers):
    """Have the worker answer once it has been given these."""
    until(lambda: workers.orders[-1] == list(numbers))
    workers.started[-1].answer()


def states(queue, keys):
    return [job.state for job in queue.wait(keys, PATIENCE)]


def test_waiting_fits_are_one_order_and_each_has_its_own_forecast_job_and_place_in_the_store(queue, workers, store):
    ended = []
    queue.observe(ended.append)
    keys = submit(queue, 1, 2, 3, 4)
    answer(workers, 99)
    answer(workers, 1, 2, 3, 4)
    jobs = queue.wait(keys, PATIENCE)
    assert [(job.state, job.attempts, job.seconds) for job in jobs] == [(State.done, 1, 0.25)] * 4
    alone = [fit_request(request("many", number)).forecast.values.tolist() for number in (1, 2, 3, 4)]
    assert [job.forecast.values.tolist() for job in jobs] == alone
    stored = store.get_stored(keys)
    assert [stored[key].forecast.values.tolist() for key in keys] == alone
    assert [(fit.request.model, fit.outcome) for fit in ended] == [("quick", "done"), *[("many", "done")] * 4]
    assert len(workers.started) == 1


def test_one_of_a_batch_that_is_cancelled_leaves_the_others_and_is_not_stored(queue, workers, store):
    keys = submit(queue, 1, 2, 3)
    answer(workers, 99)
    until(lambda: workers.orders[-1] == [1, 2, 3])
    assert queue.cancel(keys[0]).state is State.cancelled
    answer(workers, 1, 2, 3)
    assert states(queue, keys) == [State.cancelled, State.done, State.done]
    assert set(store.get_stored(keys)) == set(keys[1:])
    assert len(workers.started) == 1  # it was not killed


def test_a_cancelled_one_that_is_asked_for_again_is_not_done_by_the_batch_that_still_runs(queue, workers):
    keys = submit(queue, 1, 2, 3)
    answer(workers, 99)
    until(lambda: workers.orders[-1] == [1, 2, 3])
    queue.cancel(keys[1])
    queue.submit(request("many", 2), retry=True)
    answer(workers, 1, 2, 3)
    answer(workers, 2)
    assert states(queue, keys) == [State.done] * 3


def test_when_all_of_a_batch_are_cancelled_its_worker_is_ended(queue, workers):
    keys = submit(queue, 1, 2)
    answer(workers, 99)
    until(lambda: workers.orders[-1] == [1, 2])
    for key in keys:
        queue.cancel(key)
    until(lambda: len(workers.started) == 2)
    assert not workers.started[0].alive
    assert workers.orders == [[99], [1, 2]]


def test_one_that_cannot_be_forecast_says_so_itself_and_spoils_no_other(queue, workers):
    keys = submit(queue, 1, BAD, 3)
    answer(workers, 99)
    answer(workers, 1, BAD, 3)
    answer(workers, BAD)
    assert states(queue, keys) == [State.done, State.failed, State.done]
    assert queue.job(keys[1]).error == "Give me a longer history."


def test_a_batch_whose_forecasts_cannot_be_read_is_fitted_one_by_one(queue, workers, monkeypatch):
    keys = submit(queue, 1, 2)
    monkeypatch.setattr("by_hand.encode_forecast", lambda forecast: b"no forecast")
    answer(workers, 99)
    answer(workers, 1, 2)
    answer(workers, 1)
    answer(workers, 2)
    assert states(queue, keys) == [State.done] * 2


def test_a_fit_that_ends_its_worker_among_others_and_alone_fails_and_the_others_do_not(queue, workers):
    keys = submit(queue, 1, 2)
    answer(workers, 99)
    for count, numbers in enumerate(([1, 2], [1], [1]), 2):
        until(lambda count=count: len(workers.orders) == count)
        assert workers.orders[-1] == numbers
        workers.started[-1].kill()
    answer(workers, 2)
    assert states(queue, keys) == [State.failed, State.done]
    assert "stopped twice" in queue.job(keys[0]).error


def test_a_batch_that_takes_too_long_is_fitted_one_by_one(queue, workers, monkeypatch):
    monkeypatch.setattr("scripted.Many.time_limit", 0.1)
    keys = submit(queue, 1, 2)
    answer(workers, 99)
    assert states(queue, keys) == [State.timed_out] * 2
    assert workers.orders == [[99], [1, 2], [1], [2]]


def taken():
    """The process and number of series of each order that worker processes have begun."""
    path = taken_by_many()
    return [line.split() for line in path.read_text().splitlines()] if path.exists() else []


def test_when_a_worker_process_is_killed_in_a_batch_each_is_fitted_alone_by_the_next(make_queue, make_gate, store):
    queue = make_queue()
    busy, gate = make_gate(request("gated", 90)), make_gate(request("many", 1))
    wait_for(queue, queue.submit(request("gated", 90)), lambda job: job.progress is not None)
    keys = submit(queue, 1, 2, 3)
    busy.open()
    ((process, count),) = until(taken)
    os.kill(int(process), signal.SIGKILL)
    until(lambda: len(taken()) == 2)
    gate.open()
    jobs = queue.wait(keys, PATIENCE)
    assert [(job.state, job.attempts) for job in jobs] == [(State.done, 2)] * 3
    assert [count, *(count for _, count in taken()[1:])] == ["3", "1", "1", "1"]
    assert set(store.get_stored(keys)) == set(keys)


class NotedClaims:
    """Claims that are always given, and note what is released."""

    lease = 30.0

    def __init__(self):
        self.released = []

    def take(self, key, age):
        return True

    def release(self, keys):
        self.released.extend(keys)


def test_a_claim_is_released_by_the_attempt_that_it_is_for(store):
    claims, board, asked = NotedClaims(), JobBoard(), request("many")
    shared, entry = SharedFits(board, store, claims), board.add(asked, background=True)
    assert shared.claim(entry, asked, 1)
    assert shared.claim(entry, asked, 2)  # cancelled and asked for again while the batch of the first still runs
    shared.release([asked.key], 1)
    assert not claims.released
    shared.release([asked.key], 2)
    assert claims.released == [asked.key]


def test_claims_are_released_before_what_had_no_forecast_is_queued_again(queue, workers, monkeypatch):
    at_release = []

    def release(keys, attempt):
        at_release.append([job.state for job in queue.jobs(keys)])

    monkeypatch.setattr(queue._shared_fits, "release", release)
    submit(queue, 1, BAD)
    answer(workers, 99)
    answer(workers, 1, BAD)
    until(lambda: workers.orders[-1] == [BAD])  # another supervisor may have claimed it by now
    assert at_release == [[State.done], [State.done, State.running]]
