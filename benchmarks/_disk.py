"""A disk that is full, while it is wanted: a small one of its own where that may be mounted, else a limit on files."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

from benchmarks._machine import Machine

#: Of the small disk: enough for the server's own files, and filled to the last byte when it is to be full.
MEGABYTES = 32


class SmallDisk:
    """A file system of its own."""

    def __init__(self, home: Path) -> None:
        self._filler = home / "filler"

    @contextmanager
    def full(self, one: Machine) -> Iterator[None]:
        with self._filler.open("wb", buffering=0) as file:
            for size in (1_000_000, 4096, 1):
                try:
                    while file.write(b"\0" * size) == size:
                        pass
                except OSError:  # it is full, up to less than that
                    continue
        try:
            yield
        finally:
            self._filler.unlink()


class LimitedFiles:
    """The server's files may not grow beyond their first byte."""

    @contextmanager
    def full(self, one: Machine) -> Iterator[None]:
        assert one.server
        process = one.server.process
        process.rlimit(psutil.RLIMIT_FSIZE, (1, psutil.RLIM_INFINITY))
        try:
            yield
        finally:
            process.rlimit(psutil.RLIMIT_FSIZE, (psutil.RLIM_INFINITY, psutil.RLIM_INFINITY))


@contextmanager
def small_disk(home: Path) -> Iterator[SmallDisk | LimitedFiles]:
    """`home` on a disk that can be full; whoever may not mount one gets the limit instead."""
    options = f"size={MEGABYTES}m,mode=0700,uid={os.getuid()}"
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", options, "none", str(home)], capture_output=True, check=False
    ).returncode
    if mounted:
        yield LimitedFiles()
        return
    try:
        yield SmallDisk(home)
    finally:
        subprocess.run(["umount", "-l", str(home)], check=True)
