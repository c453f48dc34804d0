"""How much memory this process and all that it has started take, where the system has a /proc that tells."""

from __future__ import annotations

import os
from pathlib import Path

PROC = Path("/proc")


def of_tree(root: int | None = None, proc: Path = PROC) -> int | None:
    """Bytes of the process `root` (this one by default) and everything below it; None where there is no telling.

    Counted is the proportional set size: what processes share is divided among them, so that the sum is what the machine
    must have. Where the system does not say it, all that a process has in memory counts.
    """
    try:
        parents = {int(one.name): _parent(one) for one in proc.iterdir() if one.name.isdigit()}
    except OSError:
        return None
    start = os.getpid() if root is None else root
    if start not in parents:
        return None
    tree, fresh = {start}, {start}
    while fresh:
        fresh = {child for child, parent in parents.items() if parent in fresh} - tree
        tree |= fresh
    return sum(_bytes(proc / str(one)) for one in tree)


def _parent(process: Path) -> int:
    """0 if it has ended meanwhile."""
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
