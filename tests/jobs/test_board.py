"""What a worker gets next."""

import pytest
from scripted import request

from forecasting.jobs.board import SLOW_SECONDS, BoardEntry, JobBoard
from forecasting.jobs.job import State


class Worker:
    def kill(self):
        """It has no process."""


@pytest.fixture
def board():
    board = JobBoard()
    board.ready = 2
    return board


def finish(board, model, seconds):
    entry = board.add(request(model, int(1000 * seconds)), background=False)
    board.start(entry, Worker())
    board.record_start(entry)
    board.change_state(entry, State.done, seconds=seconds)


def taken(board):
    entry = board.next()
    assert isinstance(entry, BoardEntry)
    board.start(entry, Worker())
    return entry.job.key


def test_a_slow_fit_that_nobody_asked_for_leaves_a_worker_free(board):
    finish(board, "gated", 2 * SLOW_SECONDS)
    behind = [board.add(request("gated", number), background=True).job.key for number in range(2)]
    assert taken(board) == behind[0]
    assert board.next() is None
    asked = board.add(request("gated", 3), background=False).job.key
    assert taken(board) == asked


def test_a_quick_one_does_not(board):
    finish(board, "gated", SLOW_SECONDS / 2)
    behind = [board.add(request("gated", number), background=True).job.key for number in range(2)]
    assert [taken(board), taken(board)] == behind


def test_where_nobody_can_come_no_worker_is_left_free():
    board = JobBoard(interactive=False)
    board.ready = 2
    finish(board, "gated", 2 * SLOW_SECONDS)
    behind = [board.add(request("gated", number), background=True).job.key for number in range(2)]
    assert [taken(board), taken(board)] == behind


def test_it_is_no_slower_than_its_last_fit_was(board):
    finish(board, "gated", 2 * SLOW_SECONDS)
    finish(board, "gated", SLOW_SECONDS / 2)
    board.add(request("gated", 1), background=True)
    board.add(request("gated", 2), background=True)
    assert taken(board) != taken(board)


def test_a_single_worker_takes_slow_ones_too(board):
    board.ready = 1
    finish(board, "gated", 2 * SLOW_SECONDS)
    only = board.add(request("gated", 1), background=True).job.key
    assert taken(board) == only


def test_what_is_not_due_is_waited_for():
    board = JobBoard(grace=60.0)
    board.ready = 1
    assert board.next() is None
    board.add(request("quick"), background=False)
    assert 50.0 < board.next() <= 60.0


def test_observers_are_told_of_every_fit_that_was_begun_here_and_of_no_other(board):
    told = []
    board.observers.append(told.append)
    finish(board, "gated", 2.0)
    stopped = board.add(request("gated", 7), background=False)
    board.start(stopped, Worker())
    board.record_start(stopped)
    board.change_state(stopped, State.cancelled)
    board.change_state(board.add(request("gated", 8), background=False), State.cancelled)  # it never began
    assert [(ended.request.model, ended.outcome, ended.regions) for ended in told] == [
        ("gated", "done", 1),
        ("gated", "cancelled", 1),
    ]
    assert told[0].seconds == 2.0
