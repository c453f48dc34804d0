import ctypes

import pytest

from forecasting.support import malloc


class Library:
    def __init__(self):
        self.told = []

    def mallopt(self, *what):
        self.told.append(what)
        return 1


def test_glibc_is_told_to_keep_few_heaps(monkeypatch):
    library = Library()
    monkeypatch.setattr(malloc.sys, "platform", "linux")
    monkeypatch.setattr(ctypes, "CDLL", lambda name: library)
    assert malloc.few()
    assert library.told == [(malloc.ARENA_MAX, malloc.MOST)]


@pytest.mark.parametrize(("platform", "library"), [("darwin", Library()), ("linux", object())])
def test_elsewhere_nothing_happens(monkeypatch, platform, library):
    monkeypatch.setattr(malloc.sys, "platform", platform)
    monkeypatch.setattr(ctypes, "CDLL", lambda name: library)
    assert not malloc.few()
