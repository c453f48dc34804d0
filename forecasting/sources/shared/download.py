"""Local copies of publishers' files; a download never replaces a good copy by a worse one.

A file is kept as ``<stem>-<digest>.csv`` with ``<stem>.json`` beside it, which says where it came from and when. Both
are written under another name and renamed; the rename of the JSON is the moment that a new copy counts, so readers
and other processes see the old copy or the new one, never a mixture.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from forecasting.sources.shared.http import DownloadError, DownloadLimits, download_file
from forecasting.support import settings
from forecasting.support.errors import ForecastingError, SourceError

#: A publisher is asked again after a failure when so long has passed.
RETRY_AFTER = timedelta(minutes=10)
#: The publisher is asked for a newer copy when the local one is older than this.
REFRESH_AFTER = timedelta(days=1)
#: A new copy with less than this share of the last one's figures is refused.
MIN_SHARE_OF_FIGURES = 0.9
#: So far ahead the clock of another machine that shares the folder may be; later dates were set by a wrong clock.
CLOCK_TOLERANCE = timedelta(minutes=5)


@dataclass(frozen=True)
class RemoteFile:
    """A file at a publisher's address.

    Attributes:
        url: where it is.
        stem: what the local copy is called.
        publisher: as a sentence begins, e.g. ``"Johns Hopkins"``.
        measure: how many figures the file holds; raises a `ForecastingError` when it is not what it usually is.
    """

    url: str
    stem: str
    publisher: str
    measure: Callable[[Path], int]


@dataclass(frozen=True)
class LocalCopy:
    """The last good local copy: its path, when the publisher last confirmed it, and what has gone wrong since."""

    path: Path
    confirmed: datetime
    problem: str | None = None


@dataclass(frozen=True)
class _Record:
    """The JSON beside a copy."""

    url: str
    file: str
    confirmed: str
    etag: str | None
    modified: str | None
    sha256: str
    bytes: int
    figures: int


def utc_now() -> datetime:
    """The time now, in UTC."""
    return datetime.now(UTC)


class Downloads:
    """Keeps local copies of files under ``settings.home() / "sources"``; remembers recent failures of this process."""

    def __init__(self, limits: DownloadLimits | None = None, now: Callable[[], datetime] = utc_now) -> None:
        self.limits = limits or DownloadLimits()
        self.now = now
        self._failures: dict[str, tuple[datetime, str]] = {}
        self._locks: dict[str, threading.Lock] = {}
        self._guard = threading.Lock()

    def local_copy(self, remote: RemoteFile) -> LocalCopy:
        """The local copy; asks the publisher when there is none or it is older than a day.

        Raises `SourceError` when there is none and none can be had.
        """
        record = _recorded(remote)
        if record and self._is_fresh(record):
            return self._outcome(remote, record, None)
        if problem := self._known_problem(remote):
            return self._outcome(remote, record, problem)
        with self._exclusive(remote, wait=record is None) as acquired:
            if not acquired:  # another thread is asking: the old copy will do meanwhile
                return self._outcome(remote, record, None)
            record = _recorded(remote)
            if record and self._is_fresh(record):
                return self._outcome(remote, record, None)
            problem = self._known_problem(remote) or self._try(remote, record)
            return self._outcome(remote, _recorded(remote), problem)

    def refresh(self, remote: RemoteFile) -> LocalCopy:
        """Ask the publisher now, whatever the age of the copy. Raises `SourceError` as `local_copy` does."""
        with self._exclusive(remote, wait=True):
            problem = (
                "was not asked, as this installation is set to work without a network" if settings.offline() else None
            )
            problem = problem or self._try(remote, _recorded(remote))
            return self._outcome(remote, _recorded(remote), problem)

    def time_since_confirmed(self, remote: RemoteFile) -> timedelta | None:
        """How long ago the publisher confirmed the local copy; None without a copy."""
        record = _recorded(remote)
        return self.age(_confirmed(record)) if record else None

    def age(self, then: datetime) -> timedelta:
        """How long ago `then` was; nothing is from the future, even if the clock was set back."""
        return max(self.now() - then, timedelta(0))

    def _known_problem(self, remote: RemoteFile) -> str | None:
        if settings.offline():
            return "was not asked, as this installation is set to work without a network"
        failure = self._failures.get(remote.url)
        return failure[1] if failure and abs(self.now() - failure[0]) < RETRY_AFTER else None

    def _is_fresh(self, record: _Record) -> bool:
        """Whether it need not be asked after; it must be when it is from the future, for the clock was set back since."""
        return -CLOCK_TOLERANCE < self.now() - _confirmed(record) < REFRESH_AFTER

    @contextlib.contextmanager
    def _exclusive(self, remote: RemoteFile, wait: bool) -> Iterator[bool]:
        with self._guard:
            lock = self._locks.setdefault(remote.url, threading.Lock())
        held = lock.acquire(blocking=wait)
        try:
            yield held
        finally:
            if held:
                lock.release()

    def _try(self, remote: RemoteFile, record: _Record | None) -> str | None:
        """Update the copy; what went wrong, if anything did."""
        try:
            self._update(remote, record)
        except DownloadError as failure:
            self._failures[remote.url] = (self.now(), str(failure))
            return str(failure)
        self._failures.pop(remote.url, None)
        return None

    def _outcome(self, remote: RemoteFile, record: _Record | None, problem: str | None) -> LocalCopy:
        if record:
            return LocalCopy(download_folder() / record.file, _confirmed(record), problem)
        raise SourceError(
            f"{remote.publisher} {problem or 'has sent nothing yet'}, and there is no earlier copy here; "
            "try again later, or choose the bundled figures meanwhile."
        )

    def _update(self, remote: RemoteFile, record: _Record | None) -> None:
        try:
            download_folder().mkdir(parents=True, exist_ok=True)
            _remove_stale_partials()
            with tempfile.TemporaryDirectory(dir=download_folder(), prefix=".partial-") as scratch:
                body = Path(scratch) / f"{remote.stem}.csv"
                headers = download_file(remote.url, body, self.limits, _conditions(remote, record))
                if headers is None:
                    if record:
                        _write_record(remote, _Record(**asdict(record) | {"confirmed": self.now().isoformat()}))
                    return
                figures = _measured(remote, body, record)
                digest = hashlib.sha256(body.read_bytes()).hexdigest()
                new = _Record(
                    url=remote.url,
                    file=f"{remote.stem}-{digest[:16]}.csv",
                    confirmed=self.now().isoformat(),
                    etag=headers.get("etag"),
                    modified=headers.get("last-modified"),
                    sha256=digest,
                    bytes=body.stat().st_size,
                    figures=figures,
                )
                os.replace(body, download_folder() / new.file)
                _write_record(remote, new)
                _remove_replaced(record, new)
        except OSError as error:
            raise DownloadError(f"could not be saved ({error.strerror or error})") from None


def download_folder() -> Path:
    """The folder of the local copies."""
    return settings.home() / "sources"


def format_age(age: timedelta) -> str:
    """An age in words: ``"3 days ago"``."""
    minutes = int(age.total_seconds() // 60)
    for unit, length, least in (("day", 1440, 2880), ("hour", 60, 120), ("minute", 1, 2)):
        if minutes >= least:
            return f"{minutes // length} {unit}s ago"
    return "now"


def _conditions(remote: RemoteFile, record: _Record | None) -> dict[str, str]:
    if record is None or record.url != remote.url:
        return {}
    conditions = {"If-None-Match": record.etag, "If-Modified-Since": record.modified}
    return {name: value for name, value in conditions.items() if value}


def _measured(remote: RemoteFile, body: Path, record: _Record | None) -> int:
    try:
        figures = remote.measure(body)
    except ForecastingError as error:
        # What comes after the semicolon tells the owner of a file what to do; a publisher does not read it.
        raise DownloadError(f"sent something else than usual ({str(error).partition('; ')[0].rstrip('.')})") from None
    if record and figures < MIN_SHARE_OF_FIGURES * record.figures:
        raise DownloadError(f"sent much less than before ({figures:,} figures instead of {record.figures:,})")
    return figures


def _recorded(remote: RemoteFile) -> _Record | None:
    """The record of a copy that is whole; None when there is none."""
    try:
        record = _Record(**json.loads((download_folder() / f"{remote.stem}.json").read_text("utf-8")))
        datetime.fromisoformat(record.confirmed)
        return record if (download_folder() / record.file).stat().st_size == record.bytes else None
    except (OSError, ValueError, TypeError):
        return None


def _confirmed(record: _Record) -> datetime:
    return datetime.fromisoformat(record.confirmed)


def _write_record(remote: RemoteFile, record: _Record) -> None:
    with tempfile.NamedTemporaryFile(
        "w", dir=download_folder(), prefix=".partial-", delete=False, encoding="utf-8"
    ) as file:
        json.dump(asdict(record), file, indent=1)
    os.replace(file.name, download_folder() / f"{remote.stem}.json")


def _remove_replaced(old: _Record | None, new: _Record) -> None:
    """Remove the copy that was replaced; where a reader has it open and the system minds, it stays."""
    if old and old.file != new.file:
        with contextlib.suppress(OSError):
            (download_folder() / old.file).unlink()


def _remove_stale_partials() -> None:
    """Remove what a download left that was killed more than a day ago."""
    for left in download_folder().glob(".partial-*"):
        with contextlib.suppress(OSError):
            if time.time() - left.stat().st_mtime < REFRESH_AFTER.total_seconds():
                continue
            if left.is_dir():
                shutil.rmtree(left, ignore_errors=True)
            else:
                left.unlink()
