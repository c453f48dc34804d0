"""Settings of the program, read from environment variables when they are asked for.

Streamlit puts the entries of a `secrets.toml` into the environment. The values are parsed here by hand: worker processes
read settings too, and a validation library takes longer to import than all that they need of this module.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field, fields
from importlib.util import find_spec
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import unquote, urlsplit

from platformdirs import user_cache_path

from forecasting.support.errors import RequestError


def _whole_number(variable: str, default: int, most: int | None = None, unit: str = "") -> int:
    """The value of a variable that is a whole number from 1 to `most`. Raises `RequestError` for anything else."""
    given = os.environ.get(variable, str(default))
    if not given.isdecimal() or int(given) < 1 or (most is not None and int(given) > most):
        end = f" to {most}" if most is not None else ""
        raise RequestError(f"{variable} is '{given}'; give a whole number{unit} from 1{end}.")
    return int(given)


def _is_on(variable: str) -> bool:
    return os.environ.get(variable, "").lower() in ("1", "true", "yes")


def _split_commas(text: str) -> list[str]:
    """The parts of a list joined by commas, without blanks and empty parts."""
    return [part.strip() for part in text.split(",") if part.strip()]


def home() -> Path:
    """`FORECAST_HOME`: the folder of downloads and the local store; the user's cache folder by default. A new one is private."""
    path = Path(os.environ.get("FORECAST_HOME") or user_cache_path("forecast-explorer"))
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    return path


def db_url() -> str:
    """`FORECAST_DB_URL`: where finished forecasts are kept; SQLite in `home()` by default."""
    return os.environ.get("FORECAST_DB_URL") or f"sqlite:///{home() / 'forecasts.sqlite'}"


def workers() -> int:
    """`FORECAST_WORKERS`: how many processes fit models; 2 by default, which fits in 1 GB of memory."""
    return _whole_number("FORECAST_WORKERS", 2, most=64)


def chosen_models() -> tuple[str, ...]:
    """`FORECAST_MODELS`: the models that a new visitor finds chosen, by commas; empty stands for the app's own choice."""
    return tuple(dict.fromkeys(_split_commas(os.environ.get("FORECAST_MODELS", ""))))


def warm_up() -> bool:
    """`FORECAST_WARM_UP=0`: idle workers import no modelling library before a fit needs it; less memory, slower first fits."""
    return os.environ.get("FORECAST_WARM_UP", "").lower() not in ("0", "false", "no")


def most_workers() -> int | None:
    """`FORECAST_WORKERS` as a limit, where there would be more; None where it is not given."""
    return workers() if "FORECAST_WORKERS" in os.environ else None


def dask(given: str | None = None, name: str = "FORECAST_DASK") -> str:
    """`FORECAST_DASK`: the address of the scheduler of a Dask cluster that fits, as ``tcp://host:8786``; empty for none.

    `given`, where it is, is used instead, and messages call it `name`. Raises `RequestError`, also where Dask is missing.
    """
    address = (os.environ.get("FORECAST_DASK", "") if given is None else given).strip()
    if not address and given is None:
        return ""
    if not re.fullmatch(r"(tcp|tls)://\S+:\d{1,5}", address):
        raise RequestError(f"{name} is '{address}'; give a scheduler's address, as tcp://host:8786.")
    if find_spec("distributed") is None:
        missing = "the package 'distributed' is not installed"
        raise RequestError(f"{name} needs Dask, but {missing}: pip install -r requirements-service.txt.")
    return address


def lease() -> float:
    """`FORECAST_LEASE`: seconds after the death of a server in which another one takes over its fits; 15."""
    return float(_whole_number("FORECAST_LEASE", 15, most=3600, unit=" of seconds"))


def monitor() -> bool:
    """`FORECAST_MONITOR=0`: leave the Monitor page out."""
    return os.environ.get("FORECAST_MONITOR", "").lower() not in ("0", "false", "no")


def allowed() -> tuple[str, ...]:
    """`FORECAST_ALLOWED`: who of those that have signed in may enter: addresses or domains, in small letters; all."""
    return tuple(_split_commas(os.environ.get("FORECAST_ALLOWED", "").lower()))


def offline() -> bool:
    """`FORECAST_OFFLINE=1`: never touch the network."""
    return _is_on("FORECAST_OFFLINE")


def max_rows() -> int:
    """`FORECAST_MAX_ROWS`: how many rows are read of a database's table or of a data set, at most; 5 million."""
    return _whole_number("FORECAST_MAX_ROWS", 5_000_000)


#: The environment variable by which the app says how large a file its server takes, in megabytes.
MAX_UPLOAD = "FORECAST_MAX_UPLOAD"


def max_upload() -> int:
    """`FORECAST_MAX_UPLOAD`: megabytes of a file that is given; the app sets it to what its server takes, 50 by default."""
    return _whole_number(MAX_UPLOAD, 50)


def upload_memory() -> int:
    """`FORECAST_UPLOAD_MEMORY`: megabytes of memory that reading a file which somebody gives may take, beside ten times its size."""
    return _whole_number("FORECAST_UPLOAD_MEMORY", 275)


def api_keys() -> str:
    """`FORECAST_API_KEYS`: ``name:sha256`` of every key, or a file with one a line; empty lets everybody in."""
    return os.environ.get("FORECAST_API_KEYS", "").strip()


def api_rate() -> str:
    """`FORECAST_API_RATE`: what each key, or each address without keys, may ask; ``600/minute``."""
    return os.environ.get("FORECAST_API_RATE", "").strip() or "600/minute"


def api_max_mb() -> int:
    """`FORECAST_API_MAX_MB`: megabytes that a request may have; 10."""
    return _whole_number("FORECAST_API_MAX_MB", 10, most=1000)


def max_pages() -> int:
    """`FORECAST_MAX_PAGES`: how many pages one address may have open at a time; 100."""
    return _whole_number("FORECAST_MAX_PAGES", 100)


def hosts() -> tuple[str, ...]:
    """`FORECAST_HOSTS`: the names that the server is called by, by spaces; any other is refused. Empty for all names."""
    return tuple(os.environ.get("FORECAST_HOSTS", "").lower().split())


#: One site of a Content-Security-Policy: https://example.org, https://*.example.org, or https://example.org:8443
_SITE = re.compile(r"https?://(?:\*\.)?[A-Za-z0-9.-]+(?::\d{1,5})?")


def frame_ancestors() -> str:
    """`FORECAST_FRAME_ANCESTORS`: sites that may show the app in a frame, by spaces; ``'self'`` (its own) by default.

    ``'none'`` stands for nobody and ``*`` for everybody.
    """
    given = os.environ.get("FORECAST_FRAME_ANCESTORS", "").split() or ["'self'"]
    if given in (["*"], ["'none'"]) or all(site == "'self'" or _SITE.fullmatch(site) for site in given):
        return " ".join(given)
    raise RequestError(
        f"FORECAST_FRAME_ANCESTORS is '{' '.join(given)}'; give sites as https://example.org, joined by spaces, "
        "or 'self', or 'none', or * for all."
    )


def pretrain() -> tuple[str, ...]:
    """`FORECAST_PRETRAIN`: the sources that `serve` looks after by itself, by commas; none by default."""
    return tuple(dict.fromkeys(_split_commas(os.environ.get("FORECAST_PRETRAIN", ""))))


def pretrain_models() -> tuple[str, ...]:
    """`FORECAST_PRETRAIN_MODELS`: the models that it fits and picks from, by commas; empty stands for all."""
    return tuple(dict.fromkeys(_split_commas(os.environ.get("FORECAST_PRETRAIN_MODELS", ""))))


def pretrain_at() -> str:
    """`FORECAST_PRETRAIN_AT`: when, as cron writes it, in UTC; every night at three."""
    return os.environ.get("FORECAST_PRETRAIN_AT", "").strip() or "0 3 * * *"


@dataclass(frozen=True)
class NamedDatabase:
    """`FORECAST_SQL_<NAME>`: a database to read from, with the `query`, or else the `table`, that a page shows."""

    name: str
    url: str = field(repr=False)
    table: str = ""
    query: str = field(default="", repr=False)

    @property
    def variable(self) -> str:
        """The name of its environment variable, which messages show instead of the address."""
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
        """The name of its environment variable, which messages show instead of the address."""
        return f"{_DATA}{self.name.upper()}"


@dataclass(frozen=True)
class NamedStream:
    """`FORECAST_STREAM_<NAME>`: a Redis stream, Kafka topic or Pub/Sub subscription whose messages are points.

    Attributes:
        name: in small letters.
        address: ``redis://host/stream``, ``kafka://host:9092/topic`` or ``pubsub://project/subscription``.
        mapping: JSON that says which field is what.
        format: of the messages: ``json``, ``csv`` or ``avro``.
        schema: the names of a CSV's columns, or the files of an Avro schema, joined by commas.
        group: what the consumers of all servers together are called at the broker.
    """

    name: str
    address: str = field(repr=False)
    mapping: str = ""
    format: str = "json"
    schema: str = ""
    group: str = "forecast-explorer"

    @property
    def variable(self) -> str:
        """The name of its environment variable, which messages show instead of the address."""
        return f"{_STREAM}{self.name.upper()}"


_SQL = "FORECAST_SQL_"
_DATA = "FORECAST_DATA_"
_STREAM = "FORECAST_STREAM_"


def databases() -> dict[str, NamedDatabase]:
    """Every `FORECAST_SQL_<NAME>` by its name in small letters, with `…_TABLE` and `…_QUERY`."""
    return {
        name: NamedDatabase(name, url, more["_TABLE"], more["_QUERY"])
        for name, url, more in _named(_SQL, "_TABLE", "_QUERY")
    }


def data_sets() -> dict[str, NamedDataSet]:
    """Every `FORECAST_DATA_<NAME>` by its name in small letters, with `…_REGIONS` (joined by commas) and `…_SINCE`."""
    return {
        name: NamedDataSet(name, address, tuple(_split_commas(more["_REGIONS"])), more["_SINCE"])
        for name, address, more in _named(_DATA, "_REGIONS", "_SINCE")
    }


def streams() -> dict[str, NamedStream]:
    """Every `FORECAST_STREAM_<NAME>` by its name in small letters, with `…_MAPPING`, `…_FORMAT`, `…_SCHEMA` and `…_GROUP`."""
    return {
        name: NamedStream(
            name,
            address,
            more["_MAPPING"],
            more["_FORMAT"].lower() or "json",
            more["_SCHEMA"],
            more["_GROUP"] or "forecast-explorer",
        )
        for name, address, more in _named(_STREAM, "_MAPPING", "_FORMAT", "_SCHEMA", "_GROUP")
    }


def _named(prefix: str, *suffixes: str) -> Iterator[tuple[str, str, dict[str, str]]]:
    """Name, value and the values of its suffixed variables, of every variable that begins with `prefix`, by name."""
    for variable, value in sorted(item for item in os.environ.items() if item[0].startswith(prefix)):
        if value.strip() and re.fullmatch(rf"{prefix}[A-Z0-9_]*[A-Z0-9]", variable) and not variable.endswith(suffixes):
            more = {suffix: os.environ.get(variable + suffix, "").strip() for suffix in suffixes}
            yield variable.removeprefix(prefix).lower(), value.strip(), more


@dataclass(frozen=True)
class DriftThresholds:
    """Thresholds above which each statistic of `forecasting.monitoring.drift.detect` is an alarm, and the days an alarm lasts.

    `python -m benchmarks drift` says how many false alarms a year these mean; ``--choose`` how they were chosen.
    """

    level: float = 4.75
    variance: float = 15.25
    weekday: float = 15.0
    missing: float = 5.25
    error: float = 11.5
    coverage: float = 1.75
    window: float = 28.0


def drift_thresholds() -> DriftThresholds:
    """`FORECAST_DRIFT`: ``level=8,window=14`` and the like, in the names of `DriftThresholds`; the others stay as they are."""
    known = [field.name for field in fields(DriftThresholds)]
    given: dict[str, float] = {}
    for part in _split_commas(os.environ.get("FORECAST_DRIFT", "")):
        name, _, value = (text.strip() for text in part.partition("="))
        if name not in known:
            raise RequestError(f"FORECAST_DRIFT has '{part}'; give name=number, with a name of {', '.join(known)}.")
        if name in given:
            raise RequestError(f"FORECAST_DRIFT has '{name}' twice; keep one of the two.")
        if not re.fullmatch(r"\d{1,6}(\.\d{1,6})?", value) or not float(value) > 0:
            raise RequestError(f"FORECAST_DRIFT has '{part}'; give {name} a number above 0, such as {name}=8.")
        given[name] = float(value)
    return DriftThresholds(**given)


def alert_webhook() -> str:
    """`FORECAST_ALERT_WEBHOOK`: where alerts are posted to; empty posts none. No message tells the address.

    It must be https, or loopback, unless `FORECAST_ALERT_WEBHOOK_PLAIN` is ``1``: alerts name regions.
    """
    given = os.environ.get("FORECAST_ALERT_WEBHOOK", "").strip()
    if not given:
        return ""
    no_address = RequestError("FORECAST_ALERT_WEBHOOK is no address; give one such as https://example.org/hook.")
    try:
        parts = urlsplit(given)
        near = parts.hostname == "localhost" or (parts.hostname is not None and _is_loopback(parts.hostname))
    except ValueError:
        raise no_address from None
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise no_address
    if parts.scheme == "http" and not near and not _is_on("FORECAST_ALERT_WEBHOOK_PLAIN"):
        raise RequestError(
            "FORECAST_ALERT_WEBHOOK is not encrypted; give an https address, or set FORECAST_ALERT_WEBHOOK_PLAIN=1 "
            "if nobody else can listen there."
        )
    return given


@dataclass(frozen=True)
class AlertMail:
    """`FORECAST_ALERT_SMTP` with `FORECAST_ALERT_MAIL_FROM` and `FORECAST_ALERT_MAIL_TO`: how alerts are mailed, and to whom."""

    host: str
    port: int
    tls: bool
    near: bool
    user: str = field(repr=False)
    password: str = field(repr=False)
    sender: str
    recipients: tuple[str, ...]


#: An address that is written into a header as it is.
_MAIL_ADDRESS = re.compile(r"[^\s@,;<>\"]+@[^\s@,;<>\"]+")


def alert_mail() -> AlertMail | None:
    """`FORECAST_ALERT_SMTP`: the mail server for alerts, ``smtps://user:password@host`` or ``smtp://host:587``; None by default.

    By ``smtp://`` the connection is encrypted before anything is sent (STARTTLS), unless the server is this machine. Mail is
    from `FORECAST_ALERT_MAIL_FROM` to the addresses of `FORECAST_ALERT_MAIL_TO`, joined by commas. No message tells the password.
    """
    given = os.environ.get("FORECAST_ALERT_SMTP", "").strip()
    if not given:
        return None
    wrong = RequestError(
        "FORECAST_ALERT_SMTP is no mail server; give one such as smtps://user:password@mail.example.org."
    )
    try:
        parts = urlsplit(given)
        port = parts.port or {"smtps": 465}.get(parts.scheme, 25)
    except ValueError:
        raise wrong from None
    if parts.scheme not in ("smtp", "smtps") or not parts.hostname:
        raise wrong
    sender = os.environ.get("FORECAST_ALERT_MAIL_FROM", "").strip()
    recipients = tuple(_split_commas(os.environ.get("FORECAST_ALERT_MAIL_TO", "")))
    for variable, addresses in (("FORECAST_ALERT_MAIL_FROM", (sender,)), ("FORECAST_ALERT_MAIL_TO", recipients)):
        if not addresses or not all(_MAIL_ADDRESS.fullmatch(one) for one in addresses):
            raise RequestError(f"{variable} is no e-mail address; give one such as alerts@example.org.")
    near = parts.hostname == "localhost" or _is_loopback(parts.hostname)
    user, password = unquote(parts.username or ""), unquote(parts.password or "")
    return AlertMail(parts.hostname, port, parts.scheme == "smtps", near, user, password, sender, recipients)


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
