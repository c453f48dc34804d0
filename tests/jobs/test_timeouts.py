"""Time limits that one thread keeps for everybody."""

import threading

from forecasting.jobs.timeouts import Timeouts


def test_a_block_that_is_not_left_in_time_calls_the_action() -> None:
    rung = threading.Event()
    with Timeouts().within(0.0, rung.set):
        assert rung.wait(30)


def test_a_block_that_is_left_in_time_is_not() -> None:
    timeouts, rung, later = Timeouts(), threading.Event(), threading.Event()
    with timeouts.within(0.0, later.set):
        with timeouts.within(1000.0, rung.set):
            pass
        assert later.wait(30)  # the thread has looked since
    assert not rung.is_set()
    assert not timeouts._pending


def test_an_action_may_set_a_timeout_itself() -> None:
    timeouts, rung = Timeouts(), threading.Event()

    def again() -> None:
        with timeouts.within(1000.0, rung.set):
            rung.set()

    with timeouts.within(0.0, again):
        assert rung.wait(30)
