"""How often pages that wait look again."""

from types import SimpleNamespace

import pytest

from ui import pace


@pytest.fixture
def visits(monkeypatch):
    """``visits(3)`` is the pause that visit 3 is told; ``visits.now`` the clock."""
    monkeypatch.setattr(pace, "_waiting", {})

    def told(number, usual=0.5):
        monkeypatch.setattr(pace, "get_script_run_ctx", lambda: SimpleNamespace(session_id=str(number)))
        monkeypatch.setattr(pace.time, "monotonic", lambda: told.now)
        return pace.every(usual)

    told.now = 1000.0
    return told


def test_a_few_pages_look_as_often_as_they_like(visits):
    assert {visits(number) for number in range(4)} == {0.5}
    assert visits(0) == 0.5


def test_many_pages_together_never_look_more_often_than_a_share_of_the_interpreter_allows(visits):
    pauses = [visits(number) for number in range(200)]
    assert pauses[-1] == 200 / pace.TOGETHER
    assert sorted(pauses) == pauses


def test_who_waits_no_more_does_not_count(visits):
    for number in range(200):
        visits(number)
    visits.now += 2 * 200 / pace.TOGETHER + pace.GONE + 1
    assert visits(0) == 0.5
