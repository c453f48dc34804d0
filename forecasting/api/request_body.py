"""Request body: read JSON with limits on its size and time, checked before reading where headers allow it."""

from __future__ import annotations

import asyncio

from fastapi import Request

from forecasting.api.problem_details import Problem

#: Seconds in which a whole body must arrive.
BODY_TIMEOUT = 60.0
#: Seconds in which the next part of a body must arrive.
PART_TIMEOUT = 10.0
#: Closes the connection, as the rest of the body is not read.
_CLOSE = {"Connection": "close"}


async def read_json_body(request: Request, max_bytes: int) -> bytes:
    """Return the body if it is JSON of at most `max_bytes` bytes. Raises `Problem` 408, 413 or 415."""
    kind = request.headers.get("content-type", "").split(";")[0].strip().lower()
    if kind not in ("application/json", "text/json") and not kind.endswith("+json"):
        raise Problem(415, "The request is not JSON; send it with the header Content-Type: application/json.")
    if request.headers.get("content-encoding", "identity").lower() != "identity":
        raise Problem(415, "The request is packed; send it as it is, without Content-Encoding.", headers=_CLOSE)
    length = request.headers.get("content-length")
    if length is not None and length.isdigit() and int(length) > max_bytes:
        raise _too_large(max_bytes)
    try:
        async with asyncio.timeout(BODY_TIMEOUT):
            return await _read(request, max_bytes)
    except TimeoutError:
        raise Problem(408, "The request came too slowly; send it anew.", headers=_CLOSE) from None


async def _read(request: Request, max_bytes: int) -> bytes:
    parts, size = list[bytes](), 0
    stream = request.stream().__aiter__()
    while True:
        try:
            part = await asyncio.wait_for(anext(stream), PART_TIMEOUT)
        except StopAsyncIteration:
            return b"".join(parts)
        size += len(part)
        if size > max_bytes:
            raise _too_large(max_bytes)
        parts.append(part)


def _too_large(max_bytes: int) -> Problem:
    return Problem(
        413,
        f"The request has more than {max_bytes // 1_000_000} MB; send fewer regions or a shorter history.",
        headers=_CLOSE,
    )
