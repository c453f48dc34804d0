"""Response cache: complete responses as bytes, since writing and compressing them is most of the work of a request."""

from __future__ import annotations

import gzip
import threading
from collections import OrderedDict
from collections.abc import Hashable

from forecasting.api.forecast_json import JobResult

#: Bytes of responses that are kept.
MAX_BYTES = 16_000_000
#: Bytes from which on a response is compressed.
GZIP_FROM = 1_000
#: Compression level of gzip: fast rather than small.
GZIP_LEVEL = 1


class ResponseCache:
    """The last complete responses as bytes, compressed or not. Safe to use from many threads."""

    def __init__(self) -> None:
        self._kept: OrderedDict[Hashable, bytes] = OrderedDict()
        self._size = 0
        self._lock = threading.Lock()

    def forecasts(self, result: JobResult, gzip_accepted: bool) -> bytes:
        """Return `JobResult.forecasts_json`, compressed if the client accepts that."""
        if not result.complete:
            return gzip_if_large(result.forecasts_json(), gzip_accepted)
        name = (result.spec.id, result.spec.notes, gzip_accepted)
        with self._lock:
            if name in self._kept:
                self._kept.move_to_end(name)
                return self._kept[name]
        content = gzip_if_large(result.forecasts_json(), gzip_accepted)
        with self._lock:
            if name not in self._kept and len(content) <= MAX_BYTES // 4:
                self._kept[name] = content
                self._size += len(content)
                while self._size > MAX_BYTES:
                    self._size -= len(self._kept.popitem(last=False)[1])
        return content


def gzip_if_large(content: bytes, accepted: bool) -> bytes:
    """Compress a response if the client accepts that and it is large enough; `is_gzipped` tells."""
    return gzip.compress(content, GZIP_LEVEL, mtime=0) if accepted and len(content) >= GZIP_FROM else content


def is_gzipped(content: bytes) -> bool:
    """Whether a response is compressed."""
    return content.startswith(b"\x1f\x8b")
