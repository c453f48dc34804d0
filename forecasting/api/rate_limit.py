"""Rate limit: requests in a sliding window (`limits`), for each API key, or for each address without keys."""

from __future__ import annotations

import ipaddress
import math
import time

from limits import parse_many
from limits.storage import MemoryStorage
from limits.strategies import SlidingWindowCounterRateLimiter

from forecasting.support import settings
from forecasting.support.errors import RequestError

#: Bits of an IPv6 network that counts as one client: each customer has a whole network.
PREFIX = 64


class RateLimit:
    """The limits of `FORECAST_API_RATE`, counted in this process: ``600/minute``, or several joined by semicolons.

    Raises `RequestError` for anything else.
    """

    def __init__(self, setting: str | None = None) -> None:
        configured = settings.api_rate() if setting is None else setting
        try:
            self._limits = parse_many(configured)
        except ValueError:
            raise RequestError(
                f"FORECAST_API_RATE is '{configured}'; give a number and a time as 600/minute or 20/second."
            ) from None
        if not all(limit.amount > 0 for limit in self._limits):
            raise RequestError(f"FORECAST_API_RATE is '{configured}'; nobody could ask anything.")
        self._counter = SlidingWindowCounterRateLimiter(MemoryStorage())
        self.setting = configured

    def seconds_to_wait(self, client: str) -> int:
        """Count one request of a client; returns 0 if it is allowed, else the seconds until one is."""
        for limit in self._limits:
            if not self._counter.hit(limit, client):
                free = self._counter.get_window_stats(limit, client).reset_time
                return max(1, math.ceil(free - time.time()))
        return 0


def client_network(address: str) -> str:
    """Return what an address is counted as: itself, or for IPv6 its network (`PREFIX`)."""
    try:
        known = ipaddress.ip_address(address.split("%", 1)[0])
    except ValueError:
        return address or "unknown"
    if known.version == 6 and known.ipv4_mapped:
        return str(known.ipv4_mapped)
    return str(ipaddress.ip_network((known, PREFIX), strict=False)) if known.version == 6 else str(known)
