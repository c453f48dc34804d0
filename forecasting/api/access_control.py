"""Access control: API key and rate limit, checked before anything else for every route under /api/v1."""

from __future__ import annotations

from fastapi import Request
from fastapi.security import APIKeyHeader

from forecasting.api.api_keys import ApiKeys
from forecasting.api.problem_details import Problem
from forecasting.api.rate_limit import RateLimit, client_network
from forecasting.support import settings

#: Request header with the API key.
HEADER = "X-API-Key"
#: The key as OpenAPI describes it.
key_scheme = APIKeyHeader(
    name=HEADER, scheme_name="key", auto_error=False, description="Needed where the server has FORECAST_API_KEYS."
)


class AccessControl:
    """The limits configured by `FORECAST_API_KEYS`, `FORECAST_API_RATE` and `FORECAST_API_MAX_MB`.

    Raises `RequestError` for settings that make no sense.

    Attributes:
        max_bytes: size of a request body at most.
    """

    def __init__(self) -> None:
        self._keys = ApiKeys()
        self._rate_limit = RateLimit()
        self.max_bytes = settings.api_max_mb() * 1_000_000

    def check(self, request: Request) -> None:
        """Admit a request. Raises `Problem` 401 or 429."""
        address = client_network(request.client.host if request.client else "")
        given = request.headers.get(HEADER)
        name = self._keys.name_of(given) if self._keys.required else ""
        if name:
            request.state.key = name
        # The prefix keeps an address from being counted as the key of that name; a wrong key counts for its address.
        if seconds := self._rate_limit.seconds_to_wait(f"key {name}" if name else f"address {address}"):
            raise Problem(
                429,
                f"That is more than {self._rate_limit.setting}; ask again in {seconds} s.",
                headers={"Retry-After": str(seconds)},
            )
        if name is None:
            what = "is not valid" if given else "is missing"
            raise Problem(
                401, f"The header {HEADER} {what}; send a key of this server.", headers={"WWW-Authenticate": HEADER}
            )
