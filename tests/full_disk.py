"""A disk that takes no more, for as long as a block lasts: no file of this process can grow."""

import resource
from collections.abc import Iterator
from contextlib import contextmanager

#: Bytes that a file may have all the same.
SMALL = 4096


@contextmanager
def full_disk() -> Iterator[None]:
    """Within the block every file that is longer than a page, as databases are, cannot be written to."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (SMALL, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
