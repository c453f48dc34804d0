"""Problem: what is wrong with a request, as JSON (RFC 9457) with one sentence for it and one for each field."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus

from fastapi import Response

from forecasting.jobs import QueueFull
from forecasting.support.errors import ForecastingError, JobError, SourceError

MEDIA_TYPE = "application/problem+json"
#: Seconds after which a client may ask again when the queue is full, and while a publisher cannot be reached.
FULL = 60
UNREACHABLE = 30


@dataclass(frozen=True)
class Wrong:
    """One field, and what is wrong with it in a sentence."""

    field: str
    error: str


class Problem(ForecastingError):  # noqa: N818 - what RFC 9457 calls it
    """Why a request is refused.

    Attributes:
        status: of HTTP.
        detail: one sentence.
        errors: field by field, where fields are to blame.
        headers: of the answer.
    """

    def __init__(
        self, status: int, detail: str, errors: Sequence[Wrong] = (), headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.errors = tuple(errors)
        self.headers = dict(headers or {})

    @classmethod
    def of(cls, error: ForecastingError, field: str = "") -> Problem:
        """What an error of the library is to a client: its own fault, or nobody's and soon over."""
        if isinstance(error, Problem):
            return error
        sentence = " ".join(str(error).split())
        if isinstance(error, QueueFull):
            return cls(503, sentence, headers={"Retry-After": str(FULL)})
        if isinstance(error, JobError | SourceError):
            return cls(503, sentence, headers={"Retry-After": str(UNREACHABLE)})
        return cls(422, sentence, [Wrong(field, sentence)] if field else ())

    @classmethod
    def fields(cls, errors: Sequence[Wrong]) -> Problem:
        """A request whose fields are wrong."""
        if len(errors) == 1:
            return cls(422, errors[0].error, errors)
        return cls(422, f"{len(errors)} fields are wrong; 'errors' says each.", errors)

    def response(self) -> Response:
        """As an answer."""
        said: dict[str, object] = {
            "title": HTTPStatus(self.status).phrase,
            "status": self.status,
            "detail": self.detail,
        }
        if self.errors:
            said["errors"] = [{"field": one.field, "error": one.error} for one in self.errors]
        content = json.dumps(said, ensure_ascii=False)
        return Response(content, self.status, self.headers, media_type=MEDIA_TYPE)
