"""How often one may ask: `limits` counts in a sliding window, for each key, or for each address without keys."""

from __future__ import annotations

import ipaddress
import math
import time

from limits import parse_many
from limits.storage import MemoryStorage
from limits.strategies import SlidingWindowCounterRateLimiter

from forecasting.support import settings
from forecasting.support.errors import RequestError

#: Whoever has one address of the new kind has all that begin alike.
PREFIX = 64


class Rates:
    """The limits of `FORECAST_API_RATE`, counted in this process: ``600/minute``, or several joined by semicolons.

    Raises `RequestError` for anything else.
    """

    def __init__(self, setting: str | None = None) -> None:
        said = settings.api_rate() if setting is None else setting
        try:
            self._limits = parse_many(said)
        except ValueError:
            raise RequestError(
                f"FORECAST_API_RATE is '{said}'; give a number and a time as 600/minute or 20/second."
            ) from None
        if not all(limit.amount > 0 for limit in self._limits):
            raise RequestError(f"FORECAST_API_RATE is '{said}'; nobody could ask anything.")
        self._counter = SlidingWindowCounterRateLimiter(MemoryStorage())
        self.said = said

    def too_often(self, who: str) -> int:
        """Counts one request of `who`; the seconds after which the next one may come, 0 if this one may."""
        for limit in self._limits:
            if not self._counter.hit(limit, who):
                free = self._counter.get_window_stats(limit, who).reset_time
                return max(1, math.ceil(free - time.time()))
        return 0


def neighbours(address: str) -> str:
    """Whom to count an address as: itself, or all that share its beginning where each customer has so many."""
    try:
        known = ipaddress.ip_address(address.split("%", 1)[0])
    except ValueError:
        return address or "unknown"
    if known.version == 6 and known.ipv4_mapped:
        return str(known.ipv4_mapped)
    return str(ipaddress.ip_network((known, PREFIX), strict=False)) if known.version == 6 else str(known)
