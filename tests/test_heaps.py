import ctypes

import pytest

from forecasting import heaps


class Library:
    def __init__(self):
        self.told = []

    def mallopt(self, *what):
        self.told.append(what)
        return 1


def test_glibc_is_told_to_keep_few_heaps(monkeypatch):
    library = Library()
    monkeypatch.setattr(heaps.sys, "platform", "linux")
    monkeypatch.setattr(ctypes, "CDLL", lambda name: library)
    assert heaps.few()
    assert library.told == [(heaps.ARENA_MAX, heaps.MOST)]


@pytest.mark.parametrize(("platform", "library"), [("darwin", Library()), ("linux", object())])
def test_elsewhere_nothing_happens(monkeypatch, platform, library):
    monkeypatch.setattr(heaps.sys, "platform", platform)
    monkeypatch.setattr(ctypes, "CDLL", lambda name: library)
    assert not heaps.few()
