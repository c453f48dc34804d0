"""The doorway: who may ask, how often and how much. Everything under /api/v1 goes through it before anything else."""

from __future__ import annotations

from fastapi import Request
from fastapi.security import APIKeyHeader

from forecasting.api.api_keys import Keys
from forecasting.api.problem_details import Problem
from forecasting.api.rate_limit import Rates, neighbours
from forecasting.support import settings

HEADER = "X-API-Key"
#: How OpenAPI calls it.
scheme = APIKeyHeader(
    name=HEADER, scheme_name="key", auto_error=False, description="Needed where the server has FORECAST_API_KEYS."
)


class Doorway:
    """As configured by `FORECAST_API_KEYS`, `FORECAST_API_RATE` and `FORECAST_API_MAX_MB`.

    Raises `RequestError` for settings that make no sense.

    Attributes:
        most: bytes of a request.
    """

    def __init__(self) -> None:
        self._keys = Keys()
        self._rates = Rates()
        self.most = settings.api_max_mb() * 1_000_000

    def enter(self, request: Request) -> None:
        """Lets the request in. Raises `Problem` 401 or 429."""
        address = neighbours(request.client.host if request.client else "")
        given = request.headers.get(HEADER)
        name = self._keys.name(given) if self._keys.needed else ""
        if name:
            request.state.key = name
        # An address cannot be taken for the name of a key, nor hide behind one that is none.
        if seconds := self._rates.too_often(f"key {name}" if name else f"address {address}"):
            raise Problem(
                429,
                f"That is more than {self._rates.said}; ask again in {seconds} s.",
                headers={"Retry-After": str(seconds)},
            )
        if name is None:
            what = "is not valid" if given else "is missing"
            raise Problem(
                401, f"The header {HEADER} {what}; send a key of this server.", headers={"WWW-Authenticate": HEADER}
            )
