"""TempFolders: a temporary folder for each worker, deleted when the worker has ended.

A worker is killed as soon as nobody wants its fit, so libraries that delete their files at exit never do (cmdstanpy, behind
Prophet). All folders of a server process are in one, which it locks for as long as it lives; a process that starts later
deletes those that nobody locks: their process was killed.
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

#: The beginning of the name of a process's folder.
PREFIX = "forecast-explorer-"
#: The name of the lock file in it.
LOCK = "lock"
#: Seconds after which a folder without a lock file is abandoned; until then its process may be about to lock it.
LOCK_SECONDS = 3600.0


class TempFolders:
    """The temporary folders of one process, in `parent` (by default the system's). Safe to use from many threads."""

    def __init__(self, parent: Path | None = None) -> None:
        self._parent = parent
        self._guard = threading.Lock()
        self._root: Path | None = None
        self._lock: IO[bytes] | None = None
        self._folders: set[Path] = set()

    def create(self) -> Path | None:
        """Create a folder for one worker; None where that fails, as on a full disk."""
        try:
            with self._guard:
                folder = Path(tempfile.mkdtemp(dir=self._root or self._open()))
                self._folders.add(folder)
                return folder
        except OSError as error:
            log.warning("A worker has no folder of its own for temporary files: %s", error)
            return None

    def remove(self, folder: Path | None) -> None:
        """Delete a folder that `create` gave; with the last one goes the folder around them."""
        if folder is None:
            return
        shutil.rmtree(folder, ignore_errors=True)
        with self._guard:
            self._folders.discard(folder)
            if self._root and not self._folders:
                shutil.rmtree(self._root, ignore_errors=True)
                self._root = None
                if self._lock:
                    self._lock.close()

    def _open(self) -> Path:
        parent = self._parent or Path(tempfile.gettempdir())
        _remove_abandoned(parent)
        self._root = Path(tempfile.mkdtemp(prefix=PREFIX, dir=parent))
        self._lock = (self._root / LOCK).open("wb")
        _try_lock(self._lock)
        return self._root


def _remove_abandoned(parent: Path) -> None:
    """Delete what killed processes have left; only this user's."""
    for folder in parent.glob(f"{PREFIX}*"):
        with contextlib.suppress(OSError):
            if folder.is_symlink() or (hasattr(os, "getuid") and folder.stat().st_uid != os.getuid()):
                continue
            if _is_abandoned(folder):
                shutil.rmtree(folder, ignore_errors=True)


def _is_abandoned(folder: Path) -> bool:
    try:
        with (folder / LOCK).open("r+b") as lock:
            return _try_lock(lock)
    except FileNotFoundError:
        return time.time() - folder.stat().st_mtime > LOCK_SECONDS


def _try_lock(lock: IO[bytes]) -> bool:
    """Lock a file until it is closed; False where another process has it, or the system knows no such locks."""
    try:
        import fcntl
    except ImportError:  # Windows, where open files cannot be deleted either
        return False
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


#: The temporary folders of this process's workers.
TEMP_FOLDERS = TempFolders()
