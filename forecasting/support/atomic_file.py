"""Write a file beside its place and move it there, so that an earlier one is whole until the new one is."""

from __future__ import annotations

import os
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

#: Beginning of the names of unfinished files.
PARTIAL = ".partial-"


def write_atomically(path: Path, content: bytes) -> None:
    """Write `content` to `path` in one step: after an error or a crash an earlier file of that name is as it was.

    Links are followed, permissions of an earlier file are kept, and what is no ordinary file (a pipe) is written into.
    Raises `OSError`.
    """
    with open_atomically(path) as file:
        file.write(content)


@contextmanager
def open_atomically(path: Path) -> Iterator[IO[bytes]]:
    """A file to write into, which takes its place as `write_atomically` says when all is written."""
    path = Path(os.path.realpath(path))
    if path.exists() and not path.is_file():
        with path.open("wb") as pipe:
            yield pipe
        return
    handle, partial = tempfile.mkstemp(dir=path.parent, prefix=PARTIAL)
    try:
        with os.fdopen(handle, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.chmod(partial, _permissions(path))
        os.replace(partial, path)
    except BaseException:
        Path(partial).unlink(missing_ok=True)
        raise


def _permissions(path: Path) -> int:
    """Those of the file at `path`, or of a new one."""
    if path.exists():
        return stat.S_IMODE(path.stat().st_mode)
    mask = os.umask(0)
    os.umask(mask)
    return 0o666 & ~mask
