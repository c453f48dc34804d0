"""Simulate a full disk: a small tmpfs that is filled where mounting is allowed, else a limit on file size."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

from benchmarks.soak.restartable_server import RestartableServer

#: Size of the small disk, in megabytes: enough for the server's own files.
MEGABYTES = 32


class SmallDisk:
    """A mounted file system that can be filled to the last byte."""

    def __init__(self, home: Path) -> None:
        self._filler = home / "filler"

    @contextmanager
    def full(self, server: RestartableServer) -> Iterator[None]:
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
    """A limit (RLIMIT_FSIZE) by which the server's files cannot grow beyond one byte."""

    @contextmanager
    def full(self, server: RestartableServer) -> Iterator[None]:
        process = server.running().process
        process.rlimit(psutil.RLIMIT_FSIZE, (1, psutil.RLIM_INFINITY))
        try:
            yield
        finally:
            process.rlimit(psutil.RLIMIT_FSIZE, (psutil.RLIM_INFINITY, psutil.RLIM_INFINITY))


@contextmanager
def small_disk(home: Path) -> Iterator[SmallDisk | LimitedFiles]:
    """Mount a small disk at `home` for the block; without the right to mount, limit the server's files instead."""
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
