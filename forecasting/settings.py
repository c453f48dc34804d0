"""What can be configured, all by environment variables (a `secrets.toml` is turned into these by the app)."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
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


def max_rows() -> int:
    """`FORECAST_MAX_ROWS`: how many rows are read of a database's table or of a data set, at most; 5 million."""
    given = os.environ.get("FORECAST_MAX_ROWS", "5000000")
    if not given.isdigit() or int(given) < 1:
        raise RequestError(f"FORECAST_MAX_ROWS is '{given}'; give a whole number from 1.")
    return int(given)


#: Where the app says what its server takes.
MAX_UPLOAD = "FORECAST_MAX_UPLOAD"


def max_upload() -> int:
    """`FORECAST_MAX_UPLOAD`: megabytes of a file that is given; the app sets it to what its server takes, 50 by default."""
    given = os.environ.get(MAX_UPLOAD, "50")
    if not given.isdigit() or int(given) < 1:
        raise RequestError(f"{MAX_UPLOAD} is '{given}'; give a whole number from 1.")
    return int(given)


def api_keys() -> str:
    """`FORECAST_API_KEYS`: ``name:sha256`` of every key, or a file with one a line; empty lets everybody in."""
    return os.environ.get("FORECAST_API_KEYS", "").strip()


def api_rate() -> str:
    """`FORECAST_API_RATE`: what each key, or each address without keys, may ask; ``600/minute``."""
    return os.environ.get("FORECAST_API_RATE", "").strip() or "600/minute"


def api_max_mb() -> int:
    """`FORECAST_API_MAX_MB`: megabytes that a request may have; 10."""
    given = os.environ.get("FORECAST_API_MAX_MB", "10")
    if not given.isdigit() or not 1 <= int(given) <= 1000:
        raise RequestError(f"FORECAST_API_MAX_MB is '{given}'; give a whole number from 1 to 1000.")
    return int(given)


@dataclass(frozen=True)
class NamedDatabase:
    """`FORECAST_SQL_<NAME>`: a database to read from, with the `query`, or else the `table`, that a page shows."""

    name: str
    url: str = field(repr=False)
    table: str = ""
    query: str = field(default="", repr=False)

    @property
    def variable(self) -> str:
        """What a message may say instead of the address."""
        return f"{_SQL}{self.name.upper()}"


@dataclass(frozen=True)
class NamedDataSet:
    """`FORECAST_DATA_<NAME>`: a file or folder of CSV or Parquet; only some `regions` of it, only `since` a date."""

    name: str
    address: str = field(repr=False)
    regions: tuple[str, ...] = ()
    since: str = ""

    @property
    def variable(self) -> str:
        """What a message may say instead of the address."""
        return f"{_DATA}{self.name.upper()}"


_SQL, _DATA = "FORECAST_SQL_", "FORECAST_DATA_"


def databases() -> dict[str, NamedDatabase]:
    """Every `FORECAST_SQL_<NAME>` by its name in small letters, with `…_TABLE` and `…_QUERY`."""
    return {
        name: NamedDatabase(name, url, more["_TABLE"], more["_QUERY"])
        for name, url, more in _named(_SQL, "_TABLE", "_QUERY")
    }


def data_sets() -> dict[str, NamedDataSet]:
    """Every `FORECAST_DATA_<NAME>` by its name in small letters, with `…_REGIONS` (joined by commas) and `…_SINCE`."""
    return {
        name: NamedDataSet(
            name, address, tuple(one.strip() for one in more["_REGIONS"].split(",") if one.strip()), more["_SINCE"]
        )
        for name, address, more in _named(_DATA, "_REGIONS", "_SINCE")
    }


def _named(prefix: str, *suffixes: str) -> Iterator[tuple[str, str, dict[str, str]]]:
    """Name, value and what its suffixed variables say, of every variable that begins with `prefix`, by name."""
    for variable, value in sorted(os.environ.items()):
        if value.strip() and re.fullmatch(rf"{prefix}[A-Z0-9_]*[A-Z0-9]", variable) and not variable.endswith(suffixes):
            more = {suffix: os.environ.get(variable + suffix, "").strip() for suffix in suffixes}
            yield variable.removeprefix(prefix).lower(), value.strip(), more
