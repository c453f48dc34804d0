"""CompositeRequests: requests without a fit of their own, whose jobs are made from other fits' jobs.

A region's forecast by a pooled model is a part of one fit for all regions; a blend is made of its members' forecasts, each
of which is an ordinary request (or itself composite), so that somebody who asks for a member alone shares its fit. Nothing
here knows a thread or a process: it says which fits a composite request needs, and makes its job from theirs.
"""

from __future__ import annotations

import logging
import threading
import time
import weakref
from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from forecasting.data.forecast import Forecast
from forecasting.jobs.board import WATCHED_SECONDS
from forecasting.jobs.job import Job, State
from forecasting.jobs.request import Request
from forecasting.jobs.workers.fit import not_finite
from forecasting.models import BlendedModel, Progress, model
from forecasting.support.errors import ForecastingError

log = logging.getLogger(__name__)

#: Composite requests that are remembered, at most.
MAX_REQUESTS = 4_000
#: Blended forecasts that are kept, at most.
MAX_BLENDS = 300


@dataclass(frozen=True)
class _Blend:
    """A blend of members' forecasts, or why blending failed. Holds the members by weak references only."""

    made_of: tuple[weakref.ref[Forecast], ...]
    forecast: Forecast | None
    error: str = ""

    def is_of(self, members: Sequence[Forecast]) -> bool:
        """Whether it was made of these very forecasts."""
        return len(self.made_of) == len(members) and all(
            one() is member for one, member in zip(self.made_of, members, strict=True)
        )


class CompositeRequests:
    """The composite requests that were submitted, and when each was last looked at. Safe to use from many threads."""

    def __init__(self) -> None:
        self._requests: OrderedDict[str, Request] = OrderedDict()
        self._cancelled: set[str] = set()
        self._seen: dict[str, float] = {}
        self._blends: OrderedDict[str, _Blend] = OrderedDict()
        self._lock = threading.RLock()

    def add(self, request: Request) -> None:
        """Remember a request that was submitted; one that was cancelled no longer counts as such."""
        with self._lock:
            self._requests[request.key] = request
            self._requests.move_to_end(request.key)
            self._cancelled.discard(request.key)
            while len(self._requests) > MAX_REQUESTS:
                self._cancelled.discard(self._requests.popitem(last=False)[0])

    def forget(self, source: str) -> None:
        """Forget all requests of this source's figures, which a request holds through its pool."""
        with self._lock:
            for key, request in list(self._requests.items()):
                if request.series.pool is not None and request.series.pool.panel.source == source:
                    del self._requests[key]
                    self._blends.pop(key, None)
                    self._cancelled.discard(key)

    def request(self, key: str) -> Request | None:
        """The composite request of `key`, if there is one."""
        with self._lock:
            return self._requests.get(key)

    def is_cancelled(self, key: str) -> bool:
        """Whether the request of `key` was cancelled."""
        with self._lock:
            return key in self._cancelled

    def cancel(self, key: str) -> list[str]:
        """Cancel a request; returns the keys of the fits that are to be ended with it.

        A pooled one ends for all its regions. Of a blend's, those go on that somebody needs for what he looks at now.
        """
        with self._lock:
            request = self._requests.get(key)
            if request is None:
                return [key]
            if request.pool:
                return [request.pool.key]
            self._cancelled.add(key)
            now = time.monotonic()
            others = [k for k, seen in self._seen.items() if now - seen <= WATCHED_SECONDS and k not in self._cancelled]
            kept = set(self.fit_keys(others))
            return [fit for fit in self.fit_keys([key]) if fit not in kept]

    def watch(self, keys: Iterable[str]) -> list[str]:
        """Note that somebody looks at these now; returns the keys of the fits that they need."""
        keys, now = list(keys), time.monotonic()
        with self._lock:
            self._seen = {key: seen for key, seen in self._seen.items() if now - seen <= WATCHED_SECONDS}
            self._seen |= dict.fromkeys(keys, now)
            return self.fit_keys(keys)

    def fit_keys(self, keys: Iterable[str]) -> list[str]:
        """The keys of the fits that `keys` need or are, each once: those to look for on the board."""
        with self._lock:
            known = [(key, self._requests.get(key)) for key in keys]
        return list(dict.fromkeys(fit for key, request in known for fit in (_fit_keys(request) if request else [key])))

    def store_keys(self, keys: Iterable[str], found: Mapping[str, Job]) -> list[str]:
        """The keys under which the store may have forecasts that are not in `found`."""
        with self._lock:
            known = [(key, self._requests.get(key)) for key in keys]
        wanted = (leaf for key, request in known for leaf in (_missing_keys(request, found) if request else [key]))
        return [key for key in dict.fromkeys(wanted) if key not in found]

    def jobs(self, keys: Iterable[str], found: Mapping[str, Job]) -> list[Job]:
        """The jobs of those `keys` of which something is known, in their order, made from the fits' jobs in `found`."""
        jobs = []
        for key in keys:
            request = self.request(key)
            job = self._job_of(request, found) if request else found.get(key)
            if job:
                jobs.append(job)
        return jobs

    def _job_of(self, request: Request, found: Mapping[str, Job]) -> Job | None:
        if request.members:
            return self._blended(request, [self._job_of(member, found) for member in request.members])
        return found.get(request.key) or _region_job(request, found)

    def _blended(self, request: Request, members: list[Job | None]) -> Job | None:
        known = [job for job in members if job]
        if not known:
            cancelled = self.is_cancelled(request.key)
            return Job(request.key, request.model, request.horizon, State.cancelled) if cancelled else None
        forecasts = {job.model: job.forecast for job in known if job.forecast}
        unfinished = [job for job in known if not job.finished]
        made = self._blend(request, forecasts) if forecasts else None
        job = Job(
            request.key,
            request.model,
            request.horizon,
            seconds=sum(job.seconds for job in known),
            attempts=max(job.attempts for job in known),
            version=max(job.version for job in known),
        )
        draft = made.forecast if made else None
        if self.is_cancelled(request.key) and len(forecasts) < len(members):
            return replace(job, state=State.cancelled, draft=draft)
        if unfinished:
            return _in_progress(replace(job, draft=draft), unfinished, len(members))
        if made and made.forecast:
            return replace(job, state=State.done, forecast=_with_missing_members(made.forecast, request, known))
        if made:
            return replace(job, state=State.failed, error=made.error)
        if all(one.state is State.cancelled for one in known):
            return replace(job, state=State.cancelled)
        errors = dict.fromkeys(one.error for one in known if one.error)
        return replace(job, state=State.failed, error=" ".join(errors) or "None of its models gave a forecast.")

    def _blend(self, request: Request, forecasts: dict[str, Forecast]) -> _Blend:
        """Blend again only when another member has come: a page asks twice a second."""
        with self._lock:
            kept = self._blends.get(request.key)
        if kept and kept.is_of(list(forecasts.values())):
            return kept
        made_of = tuple(map(weakref.ref, forecasts.values()))
        chosen = model(request.model)
        assert isinstance(chosen, BlendedModel)  # only those have members
        try:
            blended = chosen.blend(request.series, request.horizon, forecasts)
            made = _Blend(made_of, blended) if blended.is_finite else _Blend(made_of, None, str(not_finite(chosen)))
        except ForecastingError as error:
            made = _Blend(made_of, None, str(error))
        except Exception:
            log.exception("Blending for %s", chosen.label)
            why = f"{chosen.label} broke down on this series, which is a fault of the program; the log says more."
            made = _Blend(made_of, None, why)
        with self._lock:
            self._blends[request.key] = made
            self._blends.move_to_end(request.key)
            while len(self._blends) > MAX_BLENDS:
                self._blends.popitem(last=False)
        return made


def instant_requests(request: Request) -> list[Request]:
    """The requests of instant models that a request is, or is blended from."""
    if request.members:
        return [leaf for member in request.members for leaf in instant_requests(member)]
    return [request] if model(request.model).instant and not request.pool else []


def _fit_keys(request: Request) -> list[str]:
    """The keys of the fits of a request."""
    if request.members:
        return [fit for member in request.members for fit in _fit_keys(member)]
    return [request.key, request.pool.key] if request.pool else [request.key]


def _missing_keys(request: Request, found: Mapping[str, Job]) -> list[str]:
    """The keys under which the store may have a request's forecasts; none of a pooled fit on the board, which has them all."""
    if request.members:
        return [key for member in request.members for key in _missing_keys(member, found)]
    return [] if request.pool and request.pool.key in found else [request.key]


def _region_job(request: Request, found: Mapping[str, Job]) -> Job | None:
    """The job of one region's part of a pooled fit."""
    fit = found.get(request.pool.key) if request.pool else None
    if fit is None:
        return None
    region = request.series.region
    job = replace(fit, key=request.key, draft=None, parts={})
    if region in fit.parts and fit.finished:
        return replace(job, state=State.done, progress=None, forecast=fit.parts[region], error=None)
    if fit.state is State.done:
        error = f"{model(fit.model).label} gave no usable forecast of {region}; choose another model."
        return replace(job, state=State.failed, error=error)
    return job


def _in_progress(job: Job, unfinished: list[Job], of: int) -> Job:
    """`job` of a blend some of whose members are not finished."""
    labels = [model(one.model).label for one in unfinished]
    trying = " and ".join([", ".join(labels[:-1]), labels[-1]] if len(labels) > 1 else labels)
    progress = Progress(f"Waiting for {trying}", of - len(unfinished), of)
    if len(unfinished) == of and all(one.state is State.queued for one in unfinished):
        return replace(job, state=State.queued, progress=progress, ahead=min(one.ahead for one in unfinished))
    return replace(job, state=State.running, progress=progress)


def _with_missing_members(forecast: Forecast, request: Request, known: list[Job]) -> Forecast:
    """`forecast` with a sentence for each member that is not in it."""
    there = {job.model for job in known if job.forecast}
    notes = tuple(_missing_member_note(member.model, known) for member in request.members if member.model not in there)
    return replace(forecast, notes=(*forecast.notes, *notes)) if notes else forecast


def _missing_member_note(name: str, known: list[Job]) -> str:
    """A sentence on which member is missing, and why."""
    job = next((job for job in known if job.model == name), None)
    label = model(name).label
    if job and job.state is State.cancelled:
        return f"Without {label}, which was cancelled."
    if job and job.state is State.timed_out:
        return f"{label} ran out of time; the blend is of the others. {job.error or ''}".rstrip()
    return f"Without {label}, which gave no forecast: {job.error}" if job and job.error else f"Without {label}."
