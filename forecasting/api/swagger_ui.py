"""Swagger UI on the OpenAPI description at /api/docs, from files beside this one, so that it works without the internet."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from fastapi import FastAPI, Response
from fastapi.openapi.utils import get_openapi
from fastapi.responses import JSONResponse
from fastapi.staticfiles import StaticFiles

from forecasting.api.problem_details import MEDIA_TYPE
from forecasting.api.response_models import ProblemAnswer

#: Files of Swagger UI.
FOLDER = Path(__file__).with_name("swagger")
_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Forecast Explorer: API</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="docs/swagger-ui.css">
</head>
<body>
<div id="docs"></div>
<script src="docs/swagger-ui-bundle.js"></script>
<script src="docs/start.js"></script>
</body>
</html>
"""
#: Content-Security-Policy of the page: inline styles, and else only files of this server.
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


def add_docs(app: FastAPI) -> None:
    """Add the page, and an OpenAPI description that describes errors, to an application."""

    def page() -> Response:
        headers = {"Content-Security-Policy": _POLICY, "Cache-Control": "max-age=3600"}
        return Response(_PAGE, headers=headers, media_type="text/html; charset=utf-8")

    def description() -> Response:
        return JSONResponse(app.openapi_schema or _openapi(app))

    app.add_api_route("/docs", page, include_in_schema=False)
    app.add_api_route("/openapi.json", description, include_in_schema=False)
    app.mount("/docs", StaticFiles(directory=FOLDER))


def _openapi(app: FastAPI) -> dict[str, Any]:
    """Return FastAPI's description with the media type of problems (RFC 9457)."""
    schema = get_openapi(
        title=app.title,
        version=app.version,
        summary=app.summary,
        description=app.description,
        routes=app.routes,
        servers=[{"url": "/api"}],
    )
    for path in schema["paths"].values():
        for operation in path.values():
            for status, response in operation["responses"].items():
                if status >= "400" and "application/json" in response.get("content", {}):
                    response["content"] = {MEDIA_TYPE: response["content"].pop("application/json")}
    app.openapi_schema = schema
    return schema


def error_responses(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Return the error responses of a route, for its description."""
    return {status: {"model": ProblemAnswer, "description": _ERRORS[status]} for status in statuses}


_ERRORS = {
    401: "No valid X-API-Key.",
    404: "There is no such job (any more).",
    408: "The request came too slowly.",
    410: "The figures have changed since the job was asked for.",
    413: "The request is too large.",
    415: "The request is not JSON.",
    422: "Something in it is wrong, field by field; or the figures cannot be forecast.",
    429: "Too many requests; Retry-After says when.",
    503: "The queue is full, or figures are being downloaded; Retry-After says when.",
}
