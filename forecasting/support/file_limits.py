"""Raise this process's limit on open files to as many as the system allows.

Streamlit gives every session an event loop, which is three files, and remembers 128 sessions whose visitors have left; with its
connection a visitor takes four. So 200 visitors need more than the 1,024 that most systems allow a process that does not ask,
and a server without one left answers nobody any more (`python -m benchmarks soak visitors`).
"""

from __future__ import annotations

import logging

log = logging.getLogger(__name__)

#: Open files that are asked for, at most: some systems have no limit, but refuse to be asked for that.
MAX_FILES = 65_536
#: Files that the server opens for one visitor, for the log: an event loop's three, a connection, and some to spare.
FILES_PER_VISITOR = 6


def raise_open_file_limit() -> int | None:
    """Raise the limit of this process and what it starts; returns how many files may be open now, None without a limit."""
    try:
        import resource
    except ImportError:  # Windows
        return None
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY:
        return None
    wanted = MAX_FILES if hard == resource.RLIM_INFINITY else min(hard, MAX_FILES)
    if soft >= wanted:
        return soft
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    except (OSError, ValueError) as error:  # macOS may have a lower limit than it says
        visitors = soft // FILES_PER_VISITOR
        log.warning("The limit stays at %d open files, enough for about %d visitors: %s", soft, visitors, error)
        return soft
    return wanted
