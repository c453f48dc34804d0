"""Short versions of `python -m benchmarks soak`: the same code, fewer of everything."""

import os

import pytest

from benchmarks.soak import restartable_server
from benchmarks.soak.promises import describe


@pytest.fixture(scope="package", autouse=True)
def _one_worker():
    """Starting a worker costs more than the few fits of a short soak; servers have one each, that imports what it needs."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(restartable_server, "SETTINGS", {"FORECAST_WORKERS": "1", "FORECAST_WARM_UP": "0"})
        yield


@pytest.fixture
def all_kept():
    """Fails with what was seen of the promises that were not kept."""

    def check(promises):
        assert promises
        assert not [describe(one) for one in promises if not one.kept]

    return check


@pytest.fixture
def needs():
    """``needs(there, what)`` skips where something is not installed, but fails where nothing may be left out."""

    def check(there, what):
        if not there:
            (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(what)

    return check
