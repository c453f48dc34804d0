"""How many heaps a process of many threads has."""

from __future__ import annotations

import ctypes
import sys

#: At most, and by which number glibc knows that setting (`mallopt(3)`, `M_ARENA_MAX`).
MOST = 2
ARENA_MAX = -8


def few() -> bool:
    """Has threads share `MOST` heaps; whether that worked, as it does with glibc.

    Else there are up to eight a core, and each keeps what its threads gave back, which adds up in a server that has had many
    visitors.
    """
    if not sys.platform.startswith("linux"):
        return False
    try:
        return bool(ctypes.CDLL(None).mallopt(ARENA_MAX, MOST))
    except (OSError, AttributeError):  # another C library
        return False
