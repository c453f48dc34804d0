"""Files that this process may have open: as many as the system lets it have.

Streamlit gives every session an event loop, which is three files, and remembers 128 sessions whose visitors have left; with its
connection a visitor takes four. So 200 visitors need more than the 1,024 that most systems allow a process that does not ask,
and a server without one left answers nobody any more (`python -m benchmarks soak visitors`).
"""

from __future__ import annotations

import logging

log = logging.getLogger(__name__)

#: More are not asked for: some systems have no end, but refuse to be told so.
ENOUGH = 65_536


def allow_many() -> int:
    """Raises this process's own limit, and that of what it starts; what it is now, 0 where the system has none."""
    try:
        import resource
    except ImportError:  # Windows
        return 0
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = ENOUGH if hard == resource.RLIM_INFINITY else min(hard, ENOUGH)
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return soft
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    except (OSError, ValueError) as error:  # macOS may have a lower limit than it says
        log.warning(
            "No more than %d files can be open, which is enough for about %d visitors: %s", soft, soft // 6, error
        )
        return soft
    return wanted
