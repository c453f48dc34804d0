"""A request's body: JSON, not too large and not too slow, refused before it is read where that can be told."""

from __future__ import annotations

import asyncio

from fastapi import Request

from forecasting.api.problem_details import Problem

#: Seconds in which a body must be here, and in which its next part must.
WHOLE = 60.0
PART = 10.0
#: The connection cannot be used again: what is still on its way is not read.
_CLOSE = {"Connection": "close"}


async def body_of(request: Request, most: int) -> bytes:
    """The body, if it is JSON of at most `most` bytes. Raises `Problem` 408, 413 or 415."""
    kind = request.headers.get("content-type", "").split(";")[0].strip().lower()
    if kind not in ("application/json", "text/json") and not kind.endswith("+json"):
        raise Problem(415, "The request is not JSON; send it with the header Content-Type: application/json.")
    if request.headers.get("content-encoding", "identity").lower() != "identity":
        raise Problem(415, "The request is packed; send it as it is, without Content-Encoding.", headers=_CLOSE)
    said = request.headers.get("content-length")
    if said is not None and said.isdigit() and int(said) > most:
        raise _too_large(most)
    try:
        async with asyncio.timeout(WHOLE):
            return await _read(request, most)
    except TimeoutError:
        raise Problem(408, "The request came too slowly; send it anew.", headers=_CLOSE) from None


async def _read(request: Request, most: int) -> bytes:
    parts, size = list[bytes](), 0
    stream = request.stream().__aiter__()
    while True:
        try:
            part = await asyncio.wait_for(anext(stream), PART)
        except StopAsyncIteration:
            return b"".join(parts)
        size += len(part)
        if size > most:
            raise _too_large(most)
        parts.append(part)


def _too_large(most: int) -> Problem:
    return Problem(
        413,
        f"The request has more than {most // 1_000_000} MB; send fewer regions or a shorter history.",
        headers=_CLOSE,
    )
