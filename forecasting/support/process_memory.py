"""Memory of a process and all its descendants, read from /proc where the system has one."""

from __future__ import annotations

import os
from pathlib import Path

#: Where Linux describes its processes.
PROC = Path("/proc")


def process_tree_bytes(root: int | None = None, proc: Path = PROC) -> int | None:
    """Bytes of memory of the process `root` (this one by default) and its descendants; None where /proc does not say.

    Counted is the proportional set size: what processes share is divided among them, so that the sum is what the machine
    must have. Where the system does not say it, all that a process has in memory counts.
    """
    try:
        parents = {int(path.name): _parent(path) for path in proc.iterdir() if path.name.isdigit()}
    except OSError:
        return None
    start = os.getpid() if root is None else root
    if start not in parents:
        return None
    tree, children = {start}, {start}
    while children:
        children = {child for child, parent in parents.items() if parent in children} - tree
        tree |= children
    return sum(_bytes(proc / str(process)) for process in tree)


def _parent(process: Path) -> int:
    """The number of its parent; 0 if it has ended meanwhile."""
    try:
        return int((process / "stat").read_text(errors="replace").rpartition(")")[2].split()[1])
    except (OSError, IndexError, ValueError):
        return 0


def _bytes(process: Path) -> int:
    try:
        lines = (process / "smaps_rollup").read_text().splitlines()
        return 1024 * next(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
    except (OSError, StopIteration):
        return _resident(process)


def _resident(process: Path) -> int:
    try:
        return int((process / "statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, IndexError):
        return 0
