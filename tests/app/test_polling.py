"""How often pages that wait look again, and how many scripts run at once."""

import threading

import pytest
from streamlit.testing.v1 import AppTest

from ui.shell import polling_pace, runtime
from ui.shell.polling_pace import PollingPace
from ui.shell.script_turns import ScriptTurns


@pytest.fixture
def visits(monkeypatch):
    """``visits(3)`` is the pause that visit 3 is told; ``visits.now`` the clock."""
    pace = PollingPace(runtime.LOOKS_PER_SECOND, runtime.POLLING_GRACE)

    def told(number, usual=0.5):
        monkeypatch.setattr(polling_pace.time, "monotonic", lambda: told.now)
        return pace.interval(str(number), usual)

    told.now = 1000.0
    return told


def test_a_few_pages_look_as_often_as_they_like(visits):
    assert {visits(number) for number in range(4)} == {0.5}
    assert visits(0) == 0.5


def test_many_pages_together_never_look_more_often_than_a_share_of_the_interpreter_allows(visits):
    pauses = [visits(number) for number in range(200)]
    assert pauses[-1] == 200 / runtime.LOOKS_PER_SECOND
    assert sorted(pauses) == pauses


def test_who_waits_no_more_does_not_count(visits):
    for number in range(200):
        visits(number)
    visits.now += 2 * 200 / runtime.LOOKS_PER_SECOND + runtime.POLLING_GRACE + 1
    assert visits(0) == 0.5


def page_that_runs_anew():
    """On its first run the browser asks for another address, and then the page wants to be run anew."""
    import streamlit as st
    from streamlit.runtime.scriptrunner import RerunData, get_script_run_ctx

    from ui.shell import polling

    seen = st.session_state.setdefault("seen", [])
    seen.append(st.query_params.to_dict())
    if len(seen) == 1:
        context = get_script_run_ctx()
        back = RerunData(query_string="region=Italy", page_script_hash=context.page_script_hash)
        context.script_requests.request_rerun(back)
    if len(seen) < 3:
        polling.rerun_page()


def test_a_page_that_runs_anew_does_not_forget_what_the_browser_has_asked_for():
    page = AppTest.from_function(page_that_runs_anew).run()
    assert not page.exception
    assert page.session_state["seen"] == [{}, {"region": "Italy"}, {"region": "Italy"}]


@pytest.fixture
def turns():
    """One script at a time, and nobody loses patience."""
    return ScriptTurns(at_once=1, patience=60)


class Script(threading.Thread):
    """Runs something in its turn, until it is told to end; notes when it has begun."""

    def __init__(self, turns, inside=None):
        super().__init__(daemon=True)
        self.turns, self.inside = turns, inside
        self.begun, self.over = threading.Event(), threading.Event()
        self.start()

    def run(self):
        with self.turns.taken():
            if self.inside:
                self.inside(self)
            self.begun.set()
            self.over.wait(60)

    def end(self):
        self.over.set()
        self.join(60)
        assert not self.is_alive()


def test_one_script_after_the_other(turns):
    first = Script(turns)
    assert first.begun.wait(60)
    second = Script(turns)
    assert not second.begun.is_set()
    first.end()
    assert second.begun.wait(60)
    second.end()


def test_a_part_of_a_page_is_in_the_turn_of_its_whole(turns):
    def part(script):
        with turns.taken():
            script.part = True

    script = Script(turns, part)
    assert script.begun.wait(60)
    assert script.part
    script.end()
    again = Script(turns)
    assert again.begun.wait(60), "a turn is given back once"
    again.end()


def test_whoever_waits_lets_others_go_first(turns):
    waits, there = threading.Event(), threading.Event()

    def wait(_):
        with turns.released():
            waits.set()
            there.wait(60)

    first = Script(turns, wait)
    assert waits.wait(60)
    second = Script(turns)
    assert second.begun.wait(60)
    there.set()
    assert first.begun.wait(60), "it goes on at once"
    first.end()
    third = Script(turns)
    assert not third.begun.is_set()
    second.end()
    assert third.begun.wait(60), "as many turns are left as there were"
    third.end()


def test_nobody_waits_for_a_script_that_hangs():
    turns = ScriptTurns(at_once=1, patience=0.01)
    hangs = Script(turns)
    assert hangs.begun.wait(60)
    other = Script(turns)
    assert other.begun.wait(60)
    other.end()
    hangs.end()
    last = Script(turns)
    assert last.begun.wait(60)
    last.end()


def test_aside_of_nothing_is_nothing(turns):
    with turns.released():
        pass
    with turns.taken() as came:
        assert came > 0
