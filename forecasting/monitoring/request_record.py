"""Request record: one answered HTTP request, as the request log and the metrics have it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class RequestRecord:
    """One answered request.

    Attributes:
        time: when it was received, in ISO 8601 and UTC.
        id: the one that the client sent, or a new one.
        method: the HTTP method.
        route: the path template, such as ``/api/v1/jobs/{id}``; ``-`` where there is none.
        status: the HTTP status of the response.
        ms: milliseconds from the first byte to the last.
        key: the name of the key that was used; empty without.
    """

    time: str
    id: str
    method: str
    route: str
    status: int
    ms: float
    key: str


#: Called with every answered request.
Observer = Callable[[RequestRecord], None]
