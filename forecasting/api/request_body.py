"""Request body: read JSON with limits on its size and time, checked before reading where headers allow it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from fastapi import Request

from forecasting.api.problem_details import Problem

#: Seconds in which a whole body must arrive.
BODY_TIMEOUT = 60.0
#: Seconds in which the next part of a body must arrive.
PART_TIMEOUT = 10.0
#: Bytes beyond the limit that are read, and thrown away, before the answer: a client that sends its whole request before it reads
#: would hear of a broken connection only.
DISCARDED_BYTES = 64_000_000
#: Closes the connection, as the rest of the body is not read.
_CLOSE = {"Connection": "close"}


async def read_json_body(request: Request, max_bytes: int) -> bytes:
    """Return the body if it is JSON of at most `max_bytes` bytes. Raises `Problem` 408, 413 or 415."""
    kind = request.headers.get("content-type", "").split(";")[0].strip().lower()
    if kind not in ("application/json", "text/json") and not kind.endswith("+json"):
        raise Problem(415, "The request is not JSON; send it with the header Content-Type: application/json.")
    if request.headers.get("content-encoding", "identity").lower() != "identity":
        raise Problem(415, "The request is packed; send it as it is, without Content-Encoding.", headers=_CLOSE)
    length = request.headers.get("content-length", "")
    announced = int(length) if length.isdigit() else 0
    # A client that asks first has sent nothing yet, and one that announces far too much is told at once.
    if announced > max_bytes + (0 if "expect" in request.headers else DISCARDED_BYTES):
        raise _too_large(max_bytes)
    parts, size = list[bytes](), 0
    try:
        async with asyncio.timeout(BODY_TIMEOUT):
            async for part, size in _parts(request):
                if size > max_bytes + DISCARDED_BYTES:
                    break
                if size > max_bytes:
                    parts.clear()
                else:
                    parts.append(part)
    except TimeoutError:
        if max(size, announced) <= max_bytes:
            raise Problem(408, "The request came too slowly; send it anew.", headers=_CLOSE) from None
    if max(size, announced) > max_bytes:
        raise _too_large(max_bytes)
    return b"".join(parts)


async def _parts(request: Request) -> AsyncIterator[tuple[bytes, int]]:
    """The parts of a body as they come, and how many bytes came so far. Raises `TimeoutError` where the next takes too long."""
    stream, size = request.stream().__aiter__(), 0
    while True:
        try:
            part = await asyncio.wait_for(anext(stream), PART_TIMEOUT)
        except StopAsyncIteration:
            return
        size += len(part)
        yield part, size


def _too_large(max_bytes: int) -> Problem:
    return Problem(
        413,
        f"The request has more than {max_bytes // 1_000_000} MB; send fewer regions or a shorter history.",
        headers=_CLOSE,
    )
