"""How many files the process may have open."""

import resource

import pytest

from forecasting.support.file_limits import MAX_FILES, raise_open_file_limit


@pytest.fixture
def limits():
    """Sets the limit that a process finds; it is put back."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    yield lambda soft: resource.setrlimit(resource.RLIMIT_NOFILE, (soft, before[1]))
    resource.setrlimit(resource.RLIMIT_NOFILE, before)


def test_as_many_as_the_system_lets_it_have_may_be_open(limits):
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    limits(1024)
    wanted = MAX_FILES if hard == resource.RLIM_INFINITY else min(hard, MAX_FILES)
    assert raise_open_file_limit() == resource.getrlimit(resource.RLIMIT_NOFILE)[0] == wanted


def test_a_limit_that_is_high_already_stays(limits):
    raise_open_file_limit()
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    assert raise_open_file_limit() == before[0]
    assert resource.getrlimit(resource.RLIMIT_NOFILE) == before


def test_where_it_may_not_be_raised_it_stays_and_that_is_logged(limits, monkeypatch, caplog):
    limits(1024)

    def refuse(*_):
        raise ValueError("not allowed to raise maximum limit")

    monkeypatch.setattr(resource, "setrlimit", refuse)
    assert raise_open_file_limit() == 1024
    assert "not allowed" in caplog.text
    monkeypatch.undo()
