"""API keys: only their SHA-256 digests are configured, so that a leaked configuration gives no access."""

from __future__ import annotations

import hashlib
import hmac
import logging
import re
import secrets
import threading
from dataclasses import dataclass
from pathlib import Path

from forecasting.support import settings
from forecasting.support.errors import RequestError

log = logging.getLogger(__name__)

#: Pattern of the name of a key.
NAME = r"[A-Za-z0-9._-]{1,64}"
_LINE = re.compile(rf"({NAME}):([0-9a-fA-F]{{64}})")
_SEPARATOR = re.compile(r"[\s,;]+")
#: Random bytes of a key; as it cannot be guessed, its digest needs neither salt nor a slow hash.
KEY_BYTES = 32


@dataclass(frozen=True)
class ApiKey:
    """The name and the SHA-256 digest of an API key."""

    name: str
    digest: bytes


def create_key(name: str) -> tuple[str, str]:
    """Create a key; returns it and its line for the configuration. Raises `RequestError` for a name that a line cannot have."""
    if not re.fullmatch(NAME, name):
        raise RequestError(f"The key's name is '{name}'; give letters, digits, points and dashes, 64 at most.")
    key = "fe_" + secrets.token_urlsafe(KEY_BYTES)
    return key, f"{name}:{_digest(key.encode()).hex()}"


class ApiKeys:
    """The keys of `FORECAST_API_KEYS`. A file is read again when it changes, so removing a line revokes a key.

    Without the setting no key is required. With it, but without any readable key, nobody has access.

    Raises `RequestError` for a setting that is neither lines nor a file that can be read.
    """

    def __init__(self, setting: str | None = None) -> None:
        configured = settings.api_keys() if setting is None else setting
        self._lock = threading.Lock()
        self._file: Path | None = None
        self._version: tuple[int, int, int] | None = None
        self._keys: tuple[ApiKey, ...] = ()
        self.required = bool(configured)
        parts = [part for part in _SEPARATOR.split(configured) if part]
        if any(_LINE.fullmatch(part) for part in parts):
            self._keys = _parse_lines(parts, "FORECAST_API_KEYS", strict=True)
        elif self.required:
            self._file = Path(configured)
            if not self._file.is_file():
                raise RequestError(
                    "FORECAST_API_KEYS is neither 'name:sha256' of each key nor a file of such lines; "
                    "`python -m forecasting key NAME` makes one."
                )
            self._refresh()

    def name_of(self, given: str | None) -> str | None:
        """Return the name of a key, or None if it is not valid, in constant time."""
        if self._file:
            self._refresh()
        digest = _digest((given or "").encode(errors="replace"))
        name = None
        for key in self._keys:
            if hmac.compare_digest(digest, key.digest):
                name = key.name
        return name

    def _refresh(self) -> None:
        assert self._file
        try:
            stat = self._file.stat()
            version = (stat.st_mtime_ns, stat.st_size, stat.st_ino)
            if version == self._version:
                return
            text = self._file.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            if self._version is not None or self._keys:
                log.error("The file of FORECAST_API_KEYS cannot be read (%s); nobody has access.", type(error).__name__)
            self._version, self._keys = None, ()
            return
        with self._lock:
            lines = [line.split("#", 1)[0].strip() for line in text.splitlines()]
            self._keys = _parse_lines(lines, "The file of FORECAST_API_KEYS", strict=False)
            self._version = version


def _parse_lines(lines: list[str], what: str, strict: bool) -> tuple[ApiKey, ...]:
    """Parse keys. An invalid line is reported by its number alone, as it may hold a secret key by mistake."""
    keys = []
    for number, line in enumerate(lines, 1):
        if match := _LINE.fullmatch(line):
            keys.append(ApiKey(match[1], bytes.fromhex(match[2])))
        elif line and strict:
            raise RequestError(
                f"{what}, entry {number}: it is not 'name:sha256'; `python -m forecasting key` makes one."
            )
        elif line:
            log.error("%s, line %d: it is not 'name:sha256' and is left out.", what, number)
    return tuple(keys)


def _digest(key: bytes) -> bytes:
    return hashlib.sha256(key).digest()
