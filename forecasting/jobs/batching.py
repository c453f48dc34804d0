"""Micro-batching: which waiting fits a worker takes together with the one that is next, as a single order.

Each stays a fit of its own on the board, with its own job, rank and cancellation. A model that gains from many series at once
(`Model.batched`) so fits all regions of a page as one task, although they were asked for one by one.
"""

from __future__ import annotations

import time

from forecasting.jobs.board import BoardEntry, JobBoard
from forecasting.jobs.request import Request
from forecasting.models import model

#: Fits in a batch, at most.
MAX_BATCH = 256
#: Figures of all series in a batch, at most: some half second of a worker's time, for which a person's next fit may have to wait.
MAX_BATCH_FIGURES = 20_000
#: Steps ahead of all fits in a batch, at most.
MAX_BATCH_STEPS = 4_000
#: Fits up to which a batch is not shared out among several workers.
MIN_SHARE = 64


def batch_of(entry: BoardEntry, board: JobBoard) -> list[BoardEntry]:
    """`entry`, which a worker is about to take, and the waiting ones of its model, horizon and rank that it takes along.

    A person's fit takes along only what is due: a slider may be passing over the rest. The caller holds the board.
    """
    first = _batched_request(entry)
    if not first:
        return [entry]
    now = time.monotonic()
    alike = [
        (other, request)
        for other in board.peers(entry)
        if (other.background or other.due <= now)
        and (request := _batched_request(other))
        and (request.model, request.horizon) == (first.model, first.horizon)
    ]
    share = max(-(-(len(alike) + 1) // max(board.ready, 1)), MIN_SHARE)
    most = min(share, MAX_BATCH, MAX_BATCH_STEPS // first.horizon)
    taken, figures = [entry], len(first.series)
    for other, request in alike:
        figures += len(request.series)
        if len(taken) >= most or figures > MAX_BATCH_FIGURES:
            break
        taken.append(other)
    return taken


def _batched_request(entry: BoardEntry) -> Request | None:
    """What an entry asks for, where it may be fitted in a batch."""
    request = entry.request
    may = isinstance(request, Request) and not entry.alone and model(request.model).batched
    return request if may and isinstance(request, Request) else None
