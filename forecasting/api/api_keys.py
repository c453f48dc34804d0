"""Keys: who may ask. Only their digests are configured, so that a configuration that leaks opens nothing."""

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

NAME = r"[A-Za-z0-9._-]{1,64}"
_LINE = re.compile(rf"({NAME}):([0-9a-fA-F]{{64}})")
_SEVERAL = re.compile(r"[\s,;]+")
#: Random bytes of a key: nobody guesses it, so its digest needs no salt and no slowness.
STRENGTH = 32


@dataclass(frozen=True)
class Key:
    """A key's name and the SHA-256 of it."""

    name: str
    digest: bytes


def made(name: str) -> tuple[str, str]:
    """A new key, and its line for the configuration. Raises `RequestError` for a name that a line cannot have."""
    if not re.fullmatch(NAME, name):
        raise RequestError(f"The key's name is '{name}'; give letters, digits, points and dashes, 64 at most.")
    key = "fe_" + secrets.token_urlsafe(STRENGTH)
    return key, f"{name}:{_digest(key.encode()).hex()}"


class Keys:
    """The keys of `FORECAST_API_KEYS`. A file is read again when it changes: a line that is gone is a key revoked.

    Without the setting everybody may ask. With it, but without any readable key, nobody may.

    Raises `RequestError` for a setting that is neither lines nor a file that can be read.
    """

    def __init__(self, setting: str | None = None) -> None:
        said = settings.api_keys() if setting is None else setting
        self._lock = threading.Lock()
        self._file: Path | None = None
        self._seen: tuple[int, int, int] | None = None
        self._keys: tuple[Key, ...] = ()
        self.needed = bool(said)
        parts = [part for part in _SEVERAL.split(said) if part]
        if any(_LINE.fullmatch(part) for part in parts):
            self._keys = _read(parts, "FORECAST_API_KEYS", strict=True)
        elif self.needed:
            self._file = Path(said)
            if not self._file.is_file():
                raise RequestError(
                    "FORECAST_API_KEYS is neither 'name:sha256' of each key nor a file of such lines; "
                    "`python -m forecasting key NAME` makes one."
                )
            self._refresh()

    def name(self, given: str | None) -> str | None:
        """Whose key `given` is; None if it is nobody's. Takes the same time whichever it is."""
        if self._file:
            self._refresh()
        digest = _digest((given or "").encode(errors="replace"))
        found = None
        for key in self._keys:
            if hmac.compare_digest(digest, key.digest):
                found = key.name
        return found

    def _refresh(self) -> None:
        assert self._file
        try:
            now = self._file.stat()
            seen = (now.st_mtime_ns, now.st_size, now.st_ino)
            if seen == self._seen:
                return
            text = self._file.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            if self._seen is not None or self._keys:
                log.error("The file of FORECAST_API_KEYS cannot be read (%s); nobody is let in.", type(error).__name__)
            self._seen, self._keys = None, ()
            return
        with self._lock:
            lines = [line.split("#", 1)[0].strip() for line in text.splitlines()]
            self._keys = _read(lines, "The file of FORECAST_API_KEYS", strict=False)
            self._seen = seen


def _read(lines: list[str], what: str, strict: bool) -> tuple[Key, ...]:
    """The keys in these lines. One that is none is named by its number alone: it may be a key by mistake."""
    found = []
    for number, line in enumerate(lines, 1):
        if match := _LINE.fullmatch(line):
            found.append(Key(match[1], bytes.fromhex(match[2])))
        elif line and strict:
            raise RequestError(
                f"{what}, entry {number}: it is not 'name:sha256'; `python -m forecasting key` makes one."
            )
        elif line:
            log.error("%s, line %d: it is not 'name:sha256' and is left out.", what, number)
    return tuple(found)


def _digest(key: bytes) -> bytes:
    return hashlib.sha256(key).digest()
