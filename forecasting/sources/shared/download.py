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
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from forecasting.sources.shared.file_contents import FileContents, why_not_believed
from forecasting.sources.shared.http import DownloadError, DownloadLimits, RefusedError, download_file, is_other_host
from forecasting.support import settings
from forecasting.support.errors import ForecastingError, SourceError

#: A publisher is asked again after a failure when so long has passed.
RETRY_AFTER = timedelta(minutes=10)
#: So long after a file that is not believed, for it was downloaded whole and may be large.
RETRY_REFUSED_AFTER = timedelta(hours=1)
#: The publisher is asked for a newer copy when the local one is older than this.
REFRESH_AFTER = timedelta(days=1)
#: So far ahead the clock of another machine that shares the folder may be; later dates were set by a wrong clock.
CLOCK_TOLERANCE = timedelta(minutes=5)


@dataclass(frozen=True)
class RemoteFile:
    """A file at a publisher's address.

    Attributes:
        url: where it is.
        stem: what the local copy is called.
        publisher: as a sentence begins, e.g. ``"Johns Hopkins"``.
        measure: what the file holds; raises a `ForecastingError` when it is not what it usually is.
    """

    url: str
    stem: str
    publisher: str
    measure: Callable[[Path], FileContents]


@dataclass(frozen=True)
class LocalCopy:
    """The last good local copy.

    Attributes:
        path: where it is.
        confirmed: when the publisher last confirmed it.
        problem: what has gone wrong since.
        refused: the problem is that the publisher's file is not believed; a person may have it taken.
        accepted: why it would have been refused, where a person has just had it taken.
    """

    path: Path
    confirmed: datetime
    problem: str | None = None
    refused: bool = False
    accepted: str = ""


class RefusedFileError(SourceError):
    """There is no copy, because the publisher's file is not believed; a person may have it taken."""


@dataclass(frozen=True)
class _Record:
    """The JSON beside a copy; `contents` is what it holds of each statistic, `host` another host that a person accepted."""

    url: str
    file: str
    confirmed: str
    etag: str | None
    modified: str | None
    sha256: str
    bytes: int
    figures: int
    contents: dict[str, dict[str, Any]] = field(default_factory=dict)
    host: str = ""


#: Something that went wrong: what, and whether a person may have the file taken all the same.
_Problem = tuple[str, bool]
_OFFLINE: _Problem = ("was not asked, as this installation is set to work without a network", False)


def utc_now() -> datetime:
    """The time now, in UTC."""
    return datetime.now(UTC)


class Downloads:
    """Keeps local copies of files under ``settings.home() / "sources"``; remembers recent failures of this process."""

    def __init__(self, limits: DownloadLimits | None = None, now: Callable[[], datetime] = utc_now) -> None:
        self.limits = limits or DownloadLimits()
        self.now = now
        self._failures: dict[str, tuple[datetime, _Problem]] = {}
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
            problem = self._known_problem(remote) or self._try(remote, record)[0]
            return self._outcome(remote, _recorded(remote), problem)

    def refresh(self, remote: RemoteFile, accept: bool = False) -> LocalCopy:
        """Ask the publisher now, whatever the age of the copy; `accept` what it sends if it can be read.

        Raises `SourceError` as `local_copy` does.
        """
        with self._exclusive(remote, wait=True):
            problem, accepted = (_OFFLINE, "") if settings.offline() else self._try(remote, _recorded(remote), accept)
            return replace(self._outcome(remote, _recorded(remote), problem), accepted=accepted)

    def time_since_confirmed(self, remote: RemoteFile) -> timedelta | None:
        """How long ago the publisher confirmed the local copy; None without a copy."""
        record = _recorded(remote)
        return self.age(_confirmed(record)) if record else None

    def age(self, then: datetime) -> timedelta:
        """How long ago `then` was; nothing is from the future, even if the clock was set back."""
        return max(self.now() - then, timedelta(0))

    def _known_problem(self, remote: RemoteFile) -> _Problem | None:
        if settings.offline():
            return _OFFLINE
        failure = self._failures.get(remote.url)
        if failure is None:
            return None
        when, problem = failure
        patience = RETRY_REFUSED_AFTER if problem[1] else RETRY_AFTER
        return problem if abs(self.now() - when) < patience else None

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

    def _try(self, remote: RemoteFile, record: _Record | None, accept: bool = False) -> tuple[_Problem | None, str]:
        """Update the copy; what went wrong, if anything did, and why it would have been refused but for `accept`."""
        try:
            accepted = self._update(remote, record, accept)
        except DownloadError as failure:
            problem = (str(failure), failure.acceptable)
            self._failures[remote.url] = (self.now(), problem)
            return problem, ""
        self._failures.pop(remote.url, None)
        return None, accepted

    def _outcome(self, remote: RemoteFile, record: _Record | None, problem: _Problem | None) -> LocalCopy:
        said, acceptable = problem or (None, False)
        if record:
            return LocalCopy(download_folder() / record.file, _confirmed(record), said, acceptable)
        raise (RefusedFileError if acceptable else SourceError)(
            f"{remote.publisher} {said or 'has sent nothing yet'}, and there is no earlier copy here; "
            "try again later, or choose the bundled figures meanwhile."
        )

    def _update(self, remote: RemoteFile, record: _Record | None, accept: bool) -> str:
        """Replace the copy by what the publisher sends; what of it was accepted only because `accept` says so.

        Raises `DownloadError`.
        """
        try:
            download_folder().mkdir(parents=True, exist_ok=True)
            _remove_stale_partials()
            with tempfile.TemporaryDirectory(dir=download_folder(), prefix=".partial-") as scratch:
                body = Path(scratch) / f"{remote.stem}.csv"
                hosts = None if accept else {record.host} if record and record.host else ()
                response = download_file(remote.url, body, self.limits, _conditions(remote, record), hosts)
                if response is None:
                    if record:
                        _write_record(remote, replace(record, confirmed=self.now().isoformat()))
                    return ""
                contents = _measured(remote, body)
                doubts = why_not_believed(contents, _contents(record))
                if doubts and not accept:
                    raise RefusedError(doubts)
                host, moved = _accepted_host(remote, record, response.host)
                headers = response.headers
                with body.open("rb") as sent:
                    digest = hashlib.file_digest(sent, "sha256").hexdigest()
                new = _Record(
                    url=remote.url,
                    file=f"{remote.stem}-{digest[:16]}.csv",
                    confirmed=self.now().isoformat(),
                    etag=headers.get("etag"),
                    modified=headers.get("last-modified"),
                    sha256=digest,
                    bytes=body.stat().st_size,
                    figures=contents.figures,
                    contents=contents.to_json(),
                    host=host,
                )
                os.replace(body, download_folder() / new.file)
                _write_record(remote, new)
                _remove_replaced(record, new)
                return " and ".join(filter(None, (moved, doubts)))
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


def _measured(remote: RemoteFile, body: Path) -> FileContents:
    try:
        return remote.measure(body)
    except ForecastingError as error:
        # What comes after the semicolon tells the owner of a file what to do; a publisher does not read it.
        raise DownloadError(f"sent something else than usual ({str(error).partition('; ')[0].rstrip('.')})") from None


def _contents(record: _Record | None) -> FileContents | None:
    """What the copy holds, as far as its record says; one of an earlier version of this program says less."""
    if record is None:
        return None
    try:
        return FileContents.from_json(record.figures, record.contents)
    except (TypeError, AttributeError):
        return FileContents(record.figures)


def _accepted_host(remote: RemoteFile, record: _Record | None, host: str) -> tuple[str, str]:
    """The other host to which redirects are followed from now on, and what to say of it where that is new."""
    before = record.host if record else ""
    if host == before or not is_other_host(remote.url, host):
        return before, ""
    return host, f"sends readers to another host ({host})"


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
