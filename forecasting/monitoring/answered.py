"""An answered HTTP request as it is logged and counted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Answered:
    """One request as it is logged and counted.

    Attributes:
        time: when it came, in ISO 8601 and UTC.
        id: its own, or one that was made.
        method: of HTTP.
        route: the template, such as ``/api/v1/jobs/{id}``; ``-`` where there is none.
        status: of the answer.
        ms: from the first byte to the last.
        key: the name of the key that was used; empty without.
    """

    time: str
    id: str
    method: str
    route: str
    status: int
    ms: float
    key: str


Observer = Callable[[Answered], None]
