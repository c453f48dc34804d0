"""A histogram of milliseconds in fixed buckets, from which quantiles can be had over any span of time.

Bounds grow by a constant factor, so that every quantile is right to within `ACCURACY`, whatever the times look like; and as
they are the same everywhere, histograms of several servers or hours are added bucket by bucket. This is DDSketch with a fixed
range (Masson, Rim & Lee 2019, VLDB 12(12), https://doi.org/10.14778/3352063.3352135). Packed, there are six bytes for each
bucket that is not empty.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

import numpy as np

#: How far off a quantile may be, as a share of it.
ACCURACY = 0.02
#: Milliseconds: what is quicker counts as this much, and what is slower too.
QUICKEST = 0.1
SLOWEST = 3_600_000.0
_GROWTH = (1 + ACCURACY) / (1 - ACCURACY)
_PACKED = np.dtype([("bucket", "<u2"), ("count", "<u4")])


def bucket(ms: float) -> int:
    """The number of the bucket that holds `ms`."""
    inside = min(max(ms, QUICKEST), SLOWEST)
    return math.ceil(round(math.log(inside / QUICKEST) / math.log(_GROWTH), 9))


#: How many buckets there are.
BUCKETS = bucket(SLOWEST) + 1


def pack(counts: Mapping[int, int]) -> bytes:
    """How many there are in which bucket, as it is stored."""
    return np.array(sorted(counts.items()), dtype=_PACKED).tobytes()


def together(packed: Iterable[bytes]) -> np.ndarray:
    """Shape (`BUCKETS`,): how many of all these are in each bucket."""
    found = np.frombuffer(b"".join(packed), dtype=_PACKED)
    return np.bincount(found["bucket"], found["count"], BUCKETS).astype(np.int64)


def pack_whole(counts: np.ndarray) -> bytes:
    """What `together` gives, packed again."""
    return pack({int(number): int(counts[number]) for number in np.flatnonzero(counts)})


def quantile(counts: np.ndarray, level: float) -> float:
    """The milliseconds below which a share of `level` of what `together` gives lies; NaN of nothing.

    Right to within `ACCURACY`: it is as far from its bucket's lower bound as from the upper one, relative to each.
    """
    seen = counts.cumsum()
    if not seen[-1]:
        return math.nan
    number = int(np.searchsorted(seen, level * (seen[-1] - 1), side="right"))
    return QUICKEST * 2 * _GROWTH**number / (1 + _GROWTH)
