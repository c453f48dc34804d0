"""Scratch: a folder for each worker's temporary files, which goes when the worker has gone.

A worker is killed as soon as nobody wants its fit, so libraries that tidy up after themselves at exit never do (cmdstanpy,
behind Prophet). All folders of a process are in one, which it locks for as long as it lives; whoever starts later sweeps those
that nobody holds: their process was killed.
"""

from __future__ import annotations

import contextlib
import logging
import os
import shutil
import tempfile
import threading
import time
from pathlib import Path
from typing import IO

log = logging.getLogger(__name__)

PREFIX = "forecast-explorer-"
LOCK = "lock"
#: Seconds after which a folder without a lock is nobody's; until then its process may be about to lock it.
MAKING = 3600.0


class Scratch:
    """The folders of one process, in `parent`; by default where the system has temporary files. From any thread."""

    def __init__(self, parent: Path | None = None) -> None:
        self._parent = parent
        self._guard = threading.Lock()
        self._around: Path | None = None
        self._lock: IO[bytes] | None = None
        self._given: set[Path] = set()

    def folder(self) -> Path | None:
        """A new one for one worker; None where there cannot be one, as on a full disk."""
        try:
            with self._guard:
                given = Path(tempfile.mkdtemp(dir=self._around or self._open()))
                self._given.add(given)
                return given
        except OSError as error:
            log.warning("A worker has no folder of its own for temporary files: %s", error)
            return None

    def remove(self, folder: Path | None) -> None:
        """One that `folder` gave; with the last one goes what is around them."""
        if folder is None:
            return
        shutil.rmtree(folder, ignore_errors=True)
        with self._guard:
            self._given.discard(folder)
            if self._around and not self._given:
                shutil.rmtree(self._around, ignore_errors=True)
                self._around = None
                if self._lock:
                    self._lock.close()

    def _open(self) -> Path:
        parent = self._parent or Path(tempfile.gettempdir())
        _sweep(parent)
        self._around = Path(tempfile.mkdtemp(prefix=PREFIX, dir=parent))
        self._lock = (self._around / LOCK).open("wb")
        _is_free(self._lock)
        return self._around


def _sweep(parent: Path) -> None:
    """Takes away what processes have left that were killed; only this user's."""
    for left in parent.glob(f"{PREFIX}*"):
        with contextlib.suppress(OSError):
            if left.is_symlink() or (hasattr(os, "getuid") and left.stat().st_uid != os.getuid()):
                continue
            if _is_left(left):
                shutil.rmtree(left, ignore_errors=True)


def _is_left(folder: Path) -> bool:
    try:
        with (folder / LOCK).open("r+b") as lock:
            return _is_free(lock)
    except FileNotFoundError:
        return time.time() - folder.stat().st_mtime > MAKING


def _is_free(lock: IO[bytes]) -> bool:
    """Locks a file until it is closed, if nobody else has; where the system knows no such locks, nothing is free."""
    try:
        import fcntl
    except ImportError:  # Windows, where files that are open cannot be taken away either
        return False
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


SCRATCH = Scratch()
