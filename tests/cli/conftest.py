"""What tests of the command line share."""

import pytest


@pytest.fixture(autouse=True)
def at_home(tmp_path, monkeypatch):
    """A store of its own, no network and one worker."""
    monkeypatch.setenv("FORECAST_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("FORECAST_OFFLINE", "1")
    monkeypatch.setenv("FORECAST_WORKERS", "1")
