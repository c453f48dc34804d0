"""Results that are made once for everybody."""

import threading
import weakref

from forecasting.support.caching import IdentityMemo, lazy


class Part:
    """Something that a result is made of."""


def test_what_was_made_of_the_same_things_is_not_made_again():
    same, parts, made = IdentityMemo(9), [Part(), Part()], []
    for _ in range(2):
        assert same.get("name", parts, lambda: made.append(1) or len(made)) == 1
    assert same.get("another name", parts, lambda: 2) == 2
    assert same.get("name", reversed(parts), lambda: 3) == 3
    assert same.get("name", parts[:1], lambda: 4) == 4
    assert same.get("name", [parts[0], Part()], lambda: 5) == 5


def test_nothing_is_kept_alive_and_nothing_taken_for_another():
    same = IdentityMemo(1_000)
    for number in range(100):  # numbers of objects are used again as soon as those are gone
        part = Part()
        assert same.get("name", [part], lambda number=number: number) == number
        gone = weakref.ref(part)
        del part
        assert gone() is None


def test_the_results_that_were_asked_for_last_are_kept():
    same, parts = IdentityMemo(2), [Part() for _ in range(3)]
    for place in (0, 1, 0, 2):
        same.get("name", [parts[place]], lambda place=place: place)
    assert same.get("name", [parts[0]], lambda: "anew") == 0
    assert same.get("name", [parts[1]], lambda: "anew") == "anew"


class Thing:
    """Has something to work out."""

    def __init__(self, work):
        self.work = work

    @lazy
    def worked_out(self):
        """What came of it."""
        return self.work()


def test_a_lazy_attribute_is_worked_out_once():
    made = []
    thing = Thing(lambda: made.append(1) or len(made))
    assert [thing.worked_out, thing.worked_out] == [1, 1]
    assert Thing.worked_out.__doc__ == "What came of it."


def test_nobody_waits_while_it_is_worked_out_for_another():
    begun, over = threading.Event(), threading.Event()
    slow, quick = Thing(lambda: begun.set() or over.wait(30)), Thing(lambda: 2)
    thread = threading.Thread(target=lambda: slow.worked_out)
    thread.start()
    assert begun.wait(30)
    assert quick.worked_out == 2
    assert "worked_out" not in vars(slow)
    over.set()
    thread.join()
    assert vars(slow)["worked_out"] is True
