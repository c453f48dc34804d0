"""Run: many requests one after the other through a queue, with the next ones on their way before the last ones have ended."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from functools import partial

from forecasting.jobs import Job, JobQueue
from forecasting.jobs.job import State
from forecasting.jobs.request import Request
from forecasting.models import model
from forecasting.storage.forecast_store import ForecastStore

#: Fits in the queue at once when many are asked for: enough to keep every worker busy.
IN_FLIGHT = 64
#: The queue is filled up again when one in so many of its places is free, so that instant models between the others have some
#: series at once.
REFILL = 4
#: Requests that a worker fits at once, at most, the figures of their series and the sum of their horizons: some two seconds of work,
#: which a cancelled run loses. Half as many take a sixth more of a worker's time for each.
MOST_AT_ONCE = 1024
FIGURES_AT_ONCE = 160_000
STEPS_AT_ONCE = 20_000
#: Requests that are taken up at once, at most, and the sum of their horizons. Those that are fitted in batches count half: what the
#: queue remembers, and the store has in memory, has room for no more of the others.
LOOK_AHEAD = 1024
STEPS_AHEAD = 20_000
#: Batches on their way for each worker: one that it fits, and two that are ready for it.
BATCHES_AHEAD = 3


class Run:
    """Requests on their way through a queue, by the key of the job that is waited for."""

    def __init__(self, queue: JobQueue, store: ForecastStore) -> None:
        self._queue, self._store = queue, store
        self._waiting: dict[str, list[Request]] = {}
        self._batches: dict[str, list[Request]] = {}
        self._again: dict[str, list[Request]] = {}  # by key: further requests for what a batch on its way has

    def of(self, requests: Iterable[Request]) -> Iterator[tuple[Request, Job]]:
        """Every request with its ended job, as they end."""
        upcoming = iter(requests)
        while True:
            most = max(IN_FLIGHT, 2 * self._queue.load().ready)  # a cluster may have more workers
            free = most - self._places_taken(most)
            taken = self._next_requests(upcoming, free, most) if REFILL * free >= most else []
            self._store.preload([request.key for request in taken if not model(request.model).instant])
            self._queue.fit_instant(taken)
            self._submit_batches(taken)
            on_their_way = {id(request): request.key for batch in self._batches.values() for request in batch}
            keys = set(on_their_way.values())
            for request in taken:
                if request.key not in keys:
                    yield from self._submit(request)
                elif id(request) not in on_their_way:
                    self._again.setdefault(request.key, []).append(request)
            if not taken and not self._waiting and not self._batches:
                return
            if taken and REFILL * (most - self._places_taken(most)) >= most:  # most were instant
                continue
            looked_at = [*self._waiting, *self._batches]
            jobs = self._queue.wait(looked_at, until=partial(_some_ended, len(looked_at)))
            for job in jobs:
                if job.finished:
                    yield from self._ended(job)
            yield from self._forgotten(set(looked_at).difference(job.key for job in jobs))

    def _submit(self, request: Request) -> Iterator[tuple[Request, Job]]:
        """Submit a request by itself; yields it where there is nothing to wait for."""
        job = self._queue.submit(request, background=True)
        if job.finished:
            yield request, job
        else:
            self._waiting.setdefault(request.key, []).append(request)

    def _submit_batches(self, taken: Sequence[Request]) -> None:
        """Submit those that gain from it many at once, unless their forecasts are known or on their way."""
        batched = {request.key: request for request in taken if model(request.model).batched}
        on_their_way = {request.key for batch in self._batches.values() for request in batch}
        known = {job.key for job in self._queue.jobs(batched)} | on_their_way if batched else set()
        groups: dict[tuple[str, int], list[Request]] = {}
        for key, request in batched.items():
            if key not in known:
                groups.setdefault((request.model, request.horizon), []).append(request)
        for group in groups.values():
            if len(group) == 1:
                continue
            for part in batches(group, self._queue.load().ready):
                self._batches[self._queue.submit_batch(part).key] = part

    def _ended(self, job: Job) -> Iterator[tuple[Request, Job]]:
        """The requests that an ended job is of; those of a batch that have no forecast are submitted by themselves."""
        yield from ((request, job) for request in self._waiting.pop(job.key, []))
        batch = self._batches.pop(job.key, [])
        for place, request in enumerate(batch):
            same = [request, *self._again.pop(request.key, [])]
            if forecast := job.parts.get(str(place)):
                part = Job(request.key, request.model, request.horizon, State.done, forecast=forecast)
                part = replace(part, seconds=job.seconds / len(batch), attempts=job.attempts)
                yield from ((one, part) for one in same)
            else:
                for one in same:
                    yield from self._submit(one)

    def _forgotten(self, keys: set[str]) -> Iterator[tuple[Request, Job]]:
        """The requests of jobs that ended long enough ago for the queue to remember them no more: the store has what they gave."""
        for key in keys:
            alone, batch = self._waiting.pop(key, []), self._batches.pop(key, [])
            self._store.preload([request.key for request in batch])
            for request in [*alone, *(one for mine in batch for one in [mine, *self._again.pop(mine.key, [])])]:
                yield from self._submit(request)

    def _places_taken(self, most: int) -> int:
        return len(self._waiting) + len(self._batches) * self._places_of_batch(most)

    def _places_of_batch(self, most: int) -> int:
        """The places in the queue that a batch takes, so that it is full with `BATCHES_AHEAD` for each worker."""
        return max(most // (BATCHES_AHEAD * max(self._queue.load().ready, 2)), 1)

    def _next_requests(self, upcoming: Iterator[Request], free: int, most: int) -> list[Request]:
        """The next requests: as many as the queue has `free` places for, and the instant ones between them."""
        taken, count, steps, places = list[Request](), 0.0, 0.0, float(free)
        while places > 0 and count < LOOK_AHEAD and steps < STEPS_AHEAD and (request := next(upcoming, None)):
            taken.append(request)
            chosen = model(request.model)
            weight = 0.5 if chosen.batched else 1.0
            count, steps = count + weight, steps + weight * request.horizon
            if chosen.batched:
                places -= self._places_of_batch(most) / MOST_AT_ONCE
            elif not chosen.instant:
                places -= 1
        return taken


def batches(requests: Sequence[Request], workers: int) -> list[list[Request]]:
    """Requests of one model and horizon in as many batches as there are workers, or as many again where these would be too large for one fit."""
    shares = max(workers, 2)
    most = min(MOST_AT_ONCE, max(STEPS_AT_ONCE // requests[0].horizon, 1))
    size = -(-len(requests) // (shares * -(-len(requests) // (shares * most))))
    found, figures = [list[Request]()], 0
    for request in requests:
        figures += len(request.series)
        if found[-1] and (len(found[-1]) >= size or figures > FIGURES_AT_ONCE):
            found.append([])
            figures = len(request.series)
        found[-1].append(request)
    return found


def _some_ended(asked: int, jobs: list[Job]) -> bool:
    """Whether one of so many jobs is finished, or remembered no more."""
    return len(jobs) < asked or any(job.finished for job in jobs)
