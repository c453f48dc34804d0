"""Latency histograms in fixed buckets of milliseconds, from which quantiles over any span of time are computed.

Bounds grow by a constant factor, so that every quantile is right to within `ACCURACY`, whatever the times look like; and as
they are the same everywhere, histograms of several servers or hours are added bucket by bucket. This is DDSketch with a fixed
range (Masson, Rim & Lee 2019, VLDB 12(12), https://doi.org/10.14778/3352063.3352135). Packed, there are six bytes for each
bucket that is not empty.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

import numpy as np

#: Relative error of a quantile at most.
ACCURACY = 0.02
#: Milliseconds of the first bucket; quicker requests count as this.
QUICKEST = 0.1
#: Milliseconds of the last bucket; slower requests count as this.
SLOWEST = 3_600_000.0
#: Ratio of the bounds of a bucket.
_GROWTH = (1 + ACCURACY) / (1 - ACCURACY)
_PACKED = np.dtype([("bucket", "<u2"), ("count", "<u4")])


def bucket(ms: float) -> int:
    """Return the number of the bucket that holds `ms`."""
    inside = min(max(ms, QUICKEST), SLOWEST)
    return math.ceil(round(math.log(inside / QUICKEST) / math.log(_GROWTH), 9))


#: Number of buckets.
BUCKETS = bucket(SLOWEST) + 1


def pack(counts: Mapping[int, int]) -> bytes:
    """Pack counts by bucket number into the bytes that are stored."""
    return np.array(sorted(counts.items()), dtype=_PACKED).tobytes()


def merge(packed: Iterable[bytes]) -> np.ndarray:
    """Unpack histograms and add them up; returns the count of each bucket, shape (`BUCKETS`,)."""
    found = np.frombuffer(b"".join(packed), dtype=_PACKED)
    return np.bincount(found["bucket"], found["count"], BUCKETS).astype(np.int64)


def pack_merged(counts: np.ndarray) -> bytes:
    """Pack the counts that `merge` returns."""
    return pack({int(number): int(counts[number]) for number in np.flatnonzero(counts)})


def quantile(counts: np.ndarray, level: float) -> float:
    """Return a quantile, in milliseconds, of the counts that `merge` returns; NaN of none.

    Its relative error is at most `ACCURACY`: it is as far from its bucket's lower bound as from the upper one, relative to each.
    """
    seen = counts.cumsum()
    if not seen[-1]:
        return math.nan
    number = int(np.searchsorted(seen, level * (seen[-1] - 1), side="right"))
    return QUICKEST * 2 * _GROWTH**number / (1 + _GROWTH)
