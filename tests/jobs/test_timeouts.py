"""Time limits that one thread keeps for everybody."""

import threading

from forecasting.jobs.timeouts import Timeouts


def test_a_block_that_is_not_left_in_time_is_told_so() -> None:
    rung = threading.Event()
    with Timeouts().within(0.0, rung.set):
        assert rung.wait(30)


def test_a_block_that_is_left_in_time_is_not() -> None:
    alarms, rung, later = Timeouts(), threading.Event(), threading.Event()
    with alarms.within(0.0, later.set):
        with alarms.within(1000.0, rung.set):
            pass
        assert later.wait(30)  # the thread has looked since
    assert not rung.is_set()
    assert not alarms._set


def test_an_action_may_set_an_alarm_itself() -> None:
    alarms, rung = Timeouts(), threading.Event()

    def again() -> None:
        with alarms.within(1000.0, rung.set):
            rung.set()

    with alarms.within(0.0, again):
        assert rung.wait(30)
