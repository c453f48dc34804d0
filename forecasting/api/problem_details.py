"""Problem details (RFC 9457): errors as JSON, with one sentence for the request and one for each field."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus

from fastapi import Response

from forecasting.jobs import QueueFull
from forecasting.support.errors import ForecastingError, JobError, SourceError

#: Media type of an error.
MEDIA_TYPE = "application/problem+json"
#: Retry-After while the queue is full, in seconds.
FULL = 60
#: Retry-After while a publisher or the workers cannot be reached, in seconds.
UNREACHABLE = 30


@dataclass(frozen=True)
class InvalidField:
    """The name of a field and a sentence on what is wrong with it."""

    field: str
    error: str


class Problem(ForecastingError):  # noqa: N818 - what RFC 9457 calls it
    """An error of the API, with its response.

    Attributes:
        status: the HTTP status.
        detail: one sentence.
        errors: one for each invalid field.
        headers: of the response.
    """

    def __init__(
        self, status: int, detail: str, errors: Sequence[InvalidField] = (), headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.errors = tuple(errors)
        self.headers = dict(headers or {})

    @classmethod
    def of(cls, error: ForecastingError, field: str = "") -> Problem:
        """Convert an error of the library: 503 where the client may try again, else 422, of a field if that is given."""
        if isinstance(error, Problem):
            return error
        sentence = " ".join(str(error).split())
        if isinstance(error, QueueFull):
            return cls(503, sentence, headers={"Retry-After": str(FULL)})
        if isinstance(error, JobError | SourceError):
            return cls(503, sentence, headers={"Retry-After": str(UNREACHABLE)})
        return cls(422, sentence, [InvalidField(field, sentence)] if field else ())

    @classmethod
    def of_fields(cls, errors: Sequence[InvalidField]) -> Problem:
        """Return the problem of a request with invalid fields."""
        if len(errors) == 1:
            return cls(422, errors[0].error, errors)
        return cls(422, f"{len(errors)} fields are wrong; 'errors' says each.", errors)

    def response(self) -> Response:
        """Return the HTTP response."""
        details: dict[str, object] = {
            "title": HTTPStatus(self.status).phrase,
            "status": self.status,
            "detail": self.detail,
        }
        if self.errors:
            details["errors"] = [{"field": one.field, "error": one.error} for one in self.errors]
        content = json.dumps(details, ensure_ascii=False)
        return Response(content, self.status, self.headers, media_type=MEDIA_TYPE)
