"""Answers that are written already: many ask the same, and writing and packing is most of the work of answering."""

from __future__ import annotations

import gzip
import threading
from collections import OrderedDict
from collections.abc import Hashable

from forecasting.api.forecast_json import Answer

#: Bytes of answers that are kept.
MEMORY = 16_000_000
#: Smaller answers are not packed, and all are packed quickly rather than well.
PACKED_FROM = 1_000
LEVEL = 1


class Written:
    """The last complete answers as bytes, packed or not. Safe to use from many threads."""

    def __init__(self) -> None:
        self._kept: OrderedDict[Hashable, bytes] = OrderedDict()
        self._size = 0
        self._lock = threading.Lock()

    def forecasts(self, answer: Answer, packs: bool) -> bytes:
        """`Answer.forecasts`, packed if it may be."""
        if not answer.complete:
            return packed(answer.forecasts(), packs)
        name = (answer.asked.id, answer.asked.notes, packs)
        with self._lock:
            if name in self._kept:
                self._kept.move_to_end(name)
                return self._kept[name]
        content = packed(answer.forecasts(), packs)
        with self._lock:
            if name not in self._kept and len(content) <= MEMORY // 4:
                self._kept[name] = content
                self._size += len(content)
                while self._size > MEMORY:
                    self._size -= len(self._kept.popitem(last=False)[1])
        return content


def packed(content: bytes, packs: bool) -> bytes:
    """Packed with gzip if that is wanted and worth it; `is_packed` tells."""
    return gzip.compress(content, LEVEL, mtime=0) if packs and len(content) >= PACKED_FROM else content


def is_packed(content: bytes) -> bool:
    """Whether these bytes are gzip's rather than JSON."""
    return content.startswith(b"\x1f\x8b")
