"""What can be configured, all by environment variables (a `secrets.toml` is turned into these by the app)."""

from __future__ import annotations

import os
from pathlib import Path

from platformdirs import user_cache_path

from forecasting.errors import RequestError


def home() -> Path:
    """`FORECAST_HOME`: the folder of downloads and the local store; the user's cache folder by default."""
    path = Path(os.environ.get("FORECAST_HOME") or user_cache_path("forecast-explorer"))
    path.mkdir(parents=True, exist_ok=True)
    return path


def db_url() -> str:
    """`FORECAST_DB_URL`: where finished forecasts are kept; SQLite in `home()` by default."""
    return os.environ.get("FORECAST_DB_URL") or f"sqlite:///{home() / 'forecasts.sqlite'}"


def workers() -> int:
    """`FORECAST_WORKERS`: how many processes fit models; 2 by default, which fits in 1 GB of memory."""
    given = os.environ.get("FORECAST_WORKERS", "2")
    if not given.isdigit() or not 1 <= int(given) <= 64:
        raise RequestError(f"FORECAST_WORKERS is '{given}'; give a whole number from 1 to 64.")
    return int(given)


def offline() -> bool:
    """`FORECAST_OFFLINE=1`: never touch the network."""
    return os.environ.get("FORECAST_OFFLINE", "").lower() in ("1", "true", "yes")
