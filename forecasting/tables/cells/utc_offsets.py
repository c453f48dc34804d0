"""UTC offsets and time zones of times: instants in UTC where there are several a day, otherwise the clock's days.

The autumn hour that clocks show twice is two instants, so hours are told apart only by their offsets; and the hours of a
winter, whose offset is always the same, must meet those of a file of the whole year.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
import pandas as pd

#: What a note says of a column whose times were read as instants.
INSTANTS_NOTE = "The times in {column!r} have UTC offsets: they are read as instants, and all dates are in UTC."
#: What of it is the same for every column.
INSTANTS_PHRASE = "they are read as instants, and all dates are in UTC."
_OFFSET = re.compile(
    r"(?P<text>.*\d)\s?(?P<offset>Z|UTC|GMT|\+\d{2}(:?\d{2})?|-\d{2}:\d{2}|(?<=:\d\d)-\d{2}(\d{2})?)", re.IGNORECASE
)
_DAY_MINUTES = 24 * 60


def split_utc_offset(text: str) -> tuple[str, int | None]:
    """``"2021-03-31T00:00+02:00"`` -> ``"2021-03-31T00:00"`` and 120 minutes; None where there is no offset."""
    found = _OFFSET.fullmatch(text)
    if not found:
        return text, None
    offset = found["offset"].upper()
    if offset in ("Z", "UTC", "GMT"):
        return found["text"], 0
    digits = offset[1:].replace(":", "").ljust(4, "0")
    minutes = 60 * int(digits[:2]) + int(digits[2:])
    return (found["text"], -minutes if offset[0] == "-" else minutes) if minutes < _DAY_MINUTES else (text, None)


def utc_offsets(texts: Sequence[str]) -> np.ndarray | None:
    """The offset of each text in minutes; None where any has none, for then the clock is all that is known."""
    offsets = np.empty(len(texts), dtype=np.int64)
    for place, text in enumerate(texts):
        offset = split_utc_offset(text)[1]
        if offset is None:
            return None
        offsets[place] = offset
    return offsets if len(texts) else None


def are_instants(local: pd.Series, offsets: np.ndarray | None) -> bool:
    """Whether `local` times have `offsets` from UTC, and there is more than one a day."""
    if offsets is None or not offsets.any():
        return False
    known = local.notna().to_numpy()
    stamps = local[known].drop_duplicates()
    return bool(stamps.dt.normalize().nunique() < len(stamps))


def to_instants(local: pd.Series, offsets: np.ndarray | None) -> pd.Series:
    """Distinct `local` times in UTC where they are instants; as they are where they are days, or have no offset."""
    if offsets is None or not are_instants(local, offsets):
        return local
    return local - pd.Series(pd.to_timedelta(offsets, unit="min"), index=local.index)


def without_time_zone(times: pd.Series) -> pd.Series:
    """Distinct times of a column with a time zone: the clock's days where there is one a day, otherwise instants in UTC."""
    if times.dt.tz is None:
        return times
    local = times.dt.tz_localize(None)
    utc = times.dt.tz_convert("UTC").dt.tz_localize(None)
    offsets = (local - utc).dt.total_seconds().fillna(0).to_numpy(int) // 60
    return utc if are_instants(local, offsets) else local
